"""docs/your_method.md says what there is: its excerpts are those of the examples, and the examples run as it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from benchmark.authors.scaffold import KINDS
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from tests.benchmark.conftest import ROOT, plan, small_world

DOC = ROOT / "docs" / "your_method.md"
EXAMPLES = ROOT / "docs" / "examples"
TEXT = DOC.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks in that language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def lines_of(text: str) -> str:
    """The lines without their indents, and without those that are empty."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def test_every_excerpt_stands_in_an_example_as_it_is_shown() -> None:
    sources = [lines_of(file.read_text(encoding="utf-8")) for file in EXAMPLES.rglob("*.py")]
    shown = blocks("python")
    assert len(shown) >= 3
    assert [block for block in shown if not any(lines_of(block) in source for source in sources)] == []


def test_every_file_and_folder_that_the_document_names_is_there() -> None:
    named = {*re.findall(r"docs/[\w/.]*\w", TEXT), *(f"docs/{link}" for link in re.findall(r"\]\(([\w/.]+)\)", TEXT))}
    made = {"docs/examples/network_repository/net.pth"}  # by the example's own training
    assert len(named) > 8
    assert [name for name in sorted(named - made) if not (ROOT / name).exists()] == []


def test_every_kind_of_new_method_is_explained() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", TEXT.split("| `--kind` |")[1].split("\n\n")[0], re.MULTILINE) == list(KINDS)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """The records of a plan with both examples in Python, copied to a place outside of the clone, by label."""
    place = small_world(tmp_path_factory.mktemp("authors"))
    for name in ("network_repository", "training_loop"):
        shutil.copytree(EXAMPLES / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "net.pth"))
    subprocess.run([sys.executable, str(place / "network_repository" / "train.py")], check=True)
    named = [str(place / "network_repository" / "fusion.py"), str(place / "training_loop" / "scene_loop.py")]
    file = plan(place, named, scenes=("a",))
    file.write_text(file.read_text() + "\nparameters = { steps = 20 }\n")
    run = [sys.executable, str(ROOT / "tests" / "run_without_figures.py"), "run", str(file), "--out", str(place / "out")]
    ended = subprocess.run(run, capture_output=True, text=True, check=False, cwd=place)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {record.card["name"]: record for record in RunFolder(place / "out").records()}


def test_both_examples_in_python_are_scored_rows_of_a_plan(records: dict[str, Result]) -> None:
    assert {name: record.outcome for name, record in records.items()} == {"SharpNet": "scored", "Scene loop": "scored"}
    assert records["SharpNet"].remarks == ()
    assert records["Scene loop"].remarks == ("its cube came with gradients",)
    assert records["SharpNet"].files["checkpoint"]
    clock = records["Scene loop"].clock
    assert clock is not None
    assert clock.fit > 0

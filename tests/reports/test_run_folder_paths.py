"""Where things lie in a run folder is said by `RunFolder` alone: no file of reports makes a path of it by itself."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.run_folder.folder import BY_DIGEST, RunFolder
from reports.report import write_report
from tests.benchmark.folders import read_records, write_record
from tests.reports.conftest import write_fake_index

ROOT = Path(__file__).resolve().parents[2]
RUN = RunFolder(Path("run"))
BY_NAME = [RUN.record, RUN.estimate, RUN.measured, RUN.iterates, RUN.profile_scores, RUN.log, RUN.fit, RUN.environment]
PARTS = {*BY_DIGEST, *(path("name").relative_to(RUN.path).parts[0] for path in BY_NAME)}
FILES = {"plan.toml", "plan.json", "index.json", "environment.json", "running.json"}


def made_paths(source: str) -> list[str]:
    """What stands behind a / as the name of a part or a file of a run folder, or ends like a cube's file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            text = ast.unparse(node.right)
            if text.strip("'\"") in PARTS | FILES:
                found.append(ast.unparse(node))
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[-1], ast.Constant) and str(node.values[-1].value).endswith(".h5"):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("file", sorted((ROOT / "reports").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_reports_make_no_path_of_a_run_folder(file: Path) -> None:
    assert made_paths(file.read_text(encoding="utf-8")) == []


def test_a_path_that_is_made_by_hand_is_found() -> None:
    source = 'a = folder / "scenes" / f"{digest}.h5"; b = out / "tables"; c = run / "plan.json"'
    assert sorted(made_paths(source)) == ["f'{digest}.h5'", "folder / 'scenes'", "run / 'plan.json'"]


def test_superseded_records_take_part_in_nothing(small_run: Path) -> None:
    current = read_records(small_run)
    write_fake_index(small_run, current)
    old = replace(current[0], key="f" * 20, label="Of earlier code", metrics={**current[0].metrics, "psnr": 99.0})
    write_record(small_run, old)
    assert RunFolder(small_run).superseded() == [old.key]
    report = write_report(small_run)
    texts = [
        path.read_text(encoding="utf-8")
        for path in report.folder.rglob("*")
        if path.suffix in (".html", ".csv", ".tex", ".md", ".typ", ".txt")
    ]
    assert len(texts) > 5
    assert not [text for text in texts if "Of earlier code" in text or "99.00" in text or old.key in text]
    assert [row.label for summary in report.summaries for row in summary.rows].count(current[0].label) == 1

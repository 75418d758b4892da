"""The scripts of docs/examples find the suite wherever they are started, as their first lines say that they are started."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
FLOORS = {"datasets", "methods", "benchmark", "reports"}


def is_script(file: Path) -> bool:
    """Whether a file is started by hand (it has a main part) and imports the suite."""
    text = file.read_text(encoding="utf-8")
    names = {node.module.partition(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module}
    return 'if __name__ == "__main__"' in text and bool(names & FLOORS)


SCRIPTS = sorted(file for file in EXAMPLES.glob("*.py") if is_script(file))


def test_there_are_scripts() -> None:
    assert {file.name for file in SCRIPTS} >= {"kriging_failures.py", "mossfuse_figures.py"}


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_finds_the_suite_from_another_folder(file: Path, tmp_path: Path) -> None:
    """All of it but its main part is executed, in a process that knows no path of the clone."""
    load = f"import runpy; runpy.run_path({str(file)!r}, run_name='loaded')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"MPLBACKEND": "agg"}
    ended = subprocess.run([sys.executable, "-c", load], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

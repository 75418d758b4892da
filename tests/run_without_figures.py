"""Runs `run_benchmark.py` as a program whose reports have no figures. Drawing figures takes half of the time of a small run."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # as Python has it for run_benchmark.py
    from reports import report

    report.draw_figures = lambda *_: ()
    report.comparison_figures = lambda *_: ()
    runpy.run_path(str(ROOT / "run_benchmark.py"), run_name="__main__")

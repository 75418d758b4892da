"""`compare`: says what has changed between two runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import FAILED, OK, Command, Console, Reply


def _arguments(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("before", type=Path, metavar="RUN_A")
    compare.add_argument("after", type=Path, metavar="RUN_B")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.compare import compare_runs

    comparison = compare_runs(options.before, options.after)
    return Reply(comparison.text(), FAILED if comparison.changed else OK)


COMMAND = Command(
    "compare",
    "what has changed between two runs beyond noise; exit status 1 if anything has, or a cell is in one run only",
    _arguments,
    _call,
)

"""`compare`: says what has changed between two runs, or whether a run still gives the figures of a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import FAILED, OK, Command, Console, Reply


def _arguments(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("before", type=Path, metavar="RUN_A")
    compare.add_argument("after", metavar="RUN_B|NAME", help="another run, or a bundle: its file, or its name")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.bundle_names import find_bundle
    from benchmark.review.compare import compare_runs

    after = Path(options.after)
    comparison = compare_runs(options.before, after if after.is_dir() or len(after.parts) > 1 else find_bundle(options.after))
    return Reply(comparison.text(), FAILED if comparison.changed else OK)


COMMAND = Command(
    "compare",
    "what has changed between two runs, or against a bundle, beyond noise; exit status 1 if anything has, or a cell is in one run only",
    _arguments,
    _call,
)

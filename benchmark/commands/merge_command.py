"""`merge`: brings the runs of several machines together in one run folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply, spelled


def _arguments(merge: argparse.ArgumentParser) -> None:
    merge.add_argument("folders", type=Path, nargs="+", metavar="RUN_DIR")
    merge.add_argument("--out", type=Path, required=True, metavar="DIR")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.merge import merge

    return Reply(merge(options.folders, options.out, spelled()).text())


COMMAND = Command("merge", "bring the runs of several machines together in one run folder", _arguments, _call)

"""`status`: says how far a run is."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply


def _arguments(status: argparse.ArgumentParser) -> None:
    status.add_argument("folder", type=Path, metavar="RUN_DIR")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.status import status

    return Reply(status(options.folder).text())


COMMAND = Command("status", "how far a run is; nothing but files is read", _arguments, _call)

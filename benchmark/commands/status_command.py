"""`status`: how far a run is."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Answer, Command, Desk


def _arguments(status: argparse.ArgumentParser) -> None:
    status.add_argument("folder", type=Path, metavar="RUN_DIR")


def _call(options: argparse.Namespace, desk: Desk) -> Answer:
    from benchmark.review.status import status

    return Answer(status(options.folder).text())


COMMAND = Command("status", "how far a run is; reads files alone", _arguments, _call)

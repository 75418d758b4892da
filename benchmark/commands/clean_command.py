"""`clean`: removes superseded records, and the files that only they need."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply


def _arguments(clean: argparse.ArgumentParser) -> None:
    clean.add_argument("folder", type=Path, metavar="RUN_DIR")
    clean.add_argument("--dry-run", action="store_true", help="list what would be removed, and remove nothing")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.clean import clean

    return Reply(clean(options.folder, dry_run=options.dry_run).text())


COMMAND = Command("clean", "remove records of earlier code, data or plans, and their files, from a run folder", _arguments, _call)

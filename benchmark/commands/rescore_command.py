"""`rescore`: scores the stored estimates of a run again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.command import FAILED, OK, Command, Console, Reply

if TYPE_CHECKING:
    from benchmark.review.rescore import Rescored


def _arguments(rescore: argparse.ArgumentParser) -> None:
    rescore.add_argument("folder", type=Path, metavar="RUN_DIR")
    rescore.add_argument(
        "--profile",
        default="",
        metavar="all|NAME[,NAME]",
        help="conventions to score by (docs/metrics.md); without it, the metrics alone",
    )


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from methods.loading import watch_imports

    watch_imports()  # before what decides the result is imported: a .pyc file may be of older code
    from benchmark.review.rescore import profile_names, rescore
    from benchmark.run_folder.folder import RunFolder

    def show(done: int, total: int, cell: Rescored) -> None:
        what = cell.problem or ", ".join([*(["metrics"] if cell.metrics else []), *cell.profiles]) or "up to date"
        console.line(f"[{done}/{total}] {cell.result.label} on {cell.result.scene}: {what}", passing=False)

    cells = rescore(options.folder, profile_names(options.profile), show)
    broken = RunFolder(options.folder).find_current().broken
    failed = broken or any(cell.problem and cell.kept for cell in cells)
    return Reply(console.conventions(options.folder), FAILED if failed else OK)


COMMAND = Command("rescore", "score the stored estimates of a run again, also by the conventions of other projects", _arguments, _call)

"""`explain`: tells all about one cell; with --debug, repeats it in this process with the debugger."""

from __future__ import annotations

import argparse
import pdb
import traceback
from pathlib import Path

from benchmark.commands.command import FAILED, Command, Console, Reply


def _arguments(explain: argparse.ArgumentParser) -> None:
    explain.add_argument("folder", type=Path, metavar="RUN_DIR")
    explain.add_argument("key", metavar="KEY", help="the key of a cell, or its first digits")
    explain.add_argument("--debug", action="store_true", help="repeat the cell in this process, with the debugger where it fails")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.explain import explain
    from benchmark.runner.rehearse import rehearse

    explanation = explain(options.folder, options.key)
    if not options.debug or explanation.repetition is None:
        return Reply(explanation.text())
    console.line(explanation.text(), passing=False)
    try:
        return Reply("\n".join(f"{name:22} {value}" for name, value in rehearse(explanation.repetition).items() if name != "sources"))
    except Exception:  # noqa: BLE001  # whatever the method raises is what the user wants to look at
        traceback.print_exc()
        pdb.post_mortem()
        return Reply("", FAILED)


COMMAND = Command("explain", "all about one cell, and the command that repeats it", _arguments, _call)

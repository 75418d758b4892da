"""The parser of all commands. Only `run_benchmark.py` uses it, and it alone prints what commands return."""

from __future__ import annotations

import argparse
from importlib import import_module

FILES = {  # the file of each command in this folder, in the order of --help
    "run": "run_command",
    "cell": "cell_command",
    "status": "status_command",
    "explain": "explain_command",
    "compare": "compare_command",
    "merge": "merge_command",
    "clean": "clean_command",
    "list": "list_command",
    "inspect": "inspect_command",
    "report": "report_command",
    "bundle": "bundle_command",
    "check-bundle": "check_bundle_command",
    "rescore": "rescore_command",
    "export-observations": "export_command",
    "score": "score_command",
    "fetch": "fetch_command",
    "new-method": "new_method_command",
    "check-method": "check_method_command",
    "fuse": "fuse_command",
    "register": "register_command",
    "train": "train_command",
}
DEFAULT = "run"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; with the options that it gives, `options.call(options, console)` runs the command."""
    whole = argparse.ArgumentParser(
        prog="run_benchmark.py",
        description="The referee of hyperspectral-multispectral image fusion. Without arguments: run the built-in plan.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for file in FILES.values():
        command = import_module(f"benchmark.commands.{file}").COMMAND
        one = commands.add_parser(command.name, help=command.help)
        command.arguments(one)
        one.set_defaults(call=command.call)
    return whole

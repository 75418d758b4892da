"""The parser of all commands. Only `run_benchmark.py` uses it, and it alone prints what commands return."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from benchmark.commands.command import CommandError
from datasets.nearest import did_you_mean

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
    "figure": "figure_command",
    "bundle": "bundle_command",
    "check-bundle": "check_bundle_command",
    "leaderboard": "leaderboard_command",
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
_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<valid>.*)\)$")


class HintingParser(argparse.ArgumentParser):
    """A parser whose errors ask whether the nearest valid word was meant."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.of_commands: dict[str, argparse.ArgumentParser] = {}  # by their names; only the whole parser has any

    def parse_args(self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None) -> argparse.Namespace:  # type: ignore[override]
        """The options; an unknown one ends the program, as argparse does, with the nearest one of the command."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            command = self.of_commands.get((args or ("",))[0], self)
            unknown = next((word for word in rest if word.startswith("-")), "")
            near = did_you_mean(unknown.partition("=")[0], command._option_string_actions) if unknown else ""
            command.error(f"unrecognized arguments: {' '.join(rest)}{f'; {near.rstrip()}' if near else ''}")
        return options

    def error(self, message: str) -> NoReturn:
        """End with exit status 2; behind a word that is none of the choices stands the nearest one."""
        found = _CHOICE.search(message)
        near = did_you_mean(found["given"], re.findall(r"'([^']*)'", found["valid"])) if found else ""
        super().error(f"{message}; {near.rstrip()}" if near else message)


def parser() -> HintingParser:
    """The parser of the command line; with the options that it gives, `options.call(options, console)` runs the command."""
    whole = HintingParser(
        prog="run_benchmark.py",
        description="The referee of hyperspectral-multispectral image fusion. Without arguments: run the built-in plan.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for file in FILES.values():
        command = import_module(f"benchmark.commands.{file}").COMMAND
        one = commands.add_parser(command.name, help=command.help)
        command.arguments(one)
        one.set_defaults(call=command.call)
        whole.of_commands[command.name] = one
    return whole


def with_command(given: Sequence[str]) -> list[str]:
    """The words of a command line with its command first: `run`, where they begin with an option, a plan's file or its name.

    Raises:
        CommandError: the first word is neither a command nor a plan, and looks like a command.
    """
    words = list(given)
    if not words or words[0].startswith("-"):
        return words if words[:1] in (["-h"], ["--help"]) else [DEFAULT, *words]
    first = words[0]
    if first in FILES:
        return words
    from benchmark.matrix.plan_names import PlanNameError, find_plan, named_plans

    try:
        find_plan(first)
    except PlanNameError as error:
        near = did_you_mean(first, [*FILES, *named_plans()])
        ways = "`--help` has the commands, `list plans` the plans of the suite"
        raise CommandError(f"expected a command, a plan's TOML file or the name of a plan, got {first!r}: {near}{ways}") from error
    return [DEFAULT, *words]

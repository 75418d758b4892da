"""`new-method`: writes a method file that passes the contract, and its test."""

from __future__ import annotations

import argparse

from benchmark.clone import ROOT
from benchmark.commands.command import Command, Console, Reply


def _arguments(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", metavar="FAMILY/NAME")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.authors.scaffold import new_method

    method, test = new_method(options.name)
    return Reply(
        f"wrote {method.relative_to(ROOT)} and {test.relative_to(ROOT)}\n"
        f"next: change it, then  python run_benchmark.py check-method {options.name.split('/')[1]}"
    )


COMMAND = Command("new-method", "write a method file that passes the contract, and its test", _arguments, _call)

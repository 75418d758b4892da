"""`new-method`: writes a method file that passes the contract, and its test."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply

KINDS = {  # what each kind of method is, for the help
    "closed-form": "computes, and learns nothing",
    "checkpoint": "a network with weights from a file",
    "on-scene": "a network that is fitted to the one pair",
    "supervised": "a network that is trained with the truth of other scenes",
    "external": "a program in any language",
}


def _arguments(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", metavar="FAMILY/NAME", help="with --plugins, NAME alone will do")
    new.add_argument(
        "--kind", choices=list(KINDS), default="closed-form", help="; ".join(f"{kind}: {words}" for kind, words in KINDS.items())
    )
    new.add_argument("--plugins", type=Path, metavar="DIR", help="a folder of your own outside of the clone, which is made if need be")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.authors.scaffold import new_method

    written = new_method(options.name, kind=options.kind, plugins=options.plugins)
    plugins = "" if options.plugins is None else f" --plugins {options.plugins}"
    files = [os.path.relpath(file) for file in (written.method, *written.more, written.test)]
    return Reply(
        f"wrote {', '.join(files[:-1])} and {files[-1]}\n"
        f"next: change it, then  python run_benchmark.py check-method {written.name}{plugins}\n"
        f"                       python -m pytest {files[-1]}\n"
        "docs/your_method.md is the tutorial"
    )


COMMAND = Command("new-method", "write a method file that passes the contract, and its test", _arguments, _call)

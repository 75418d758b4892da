"""`register`: says how far the HSI of a pair of the user's own lies from where it is thought to lie."""

from __future__ import annotations

import argparse

from benchmark.commands.command import FAILED, OK, Command, Console, Reply, add_data
from benchmark.commands.pair_options import add_pair, pair_of


def _arguments(register: argparse.ArgumentParser) -> None:
    add_pair(register)
    add_data(register)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.runner.pair_review import registration_lines, registration_of

    pair = pair_of(options)
    found = registration_of(pair)
    return Reply("\n".join(registration_lines(found, pair)), OK if found.certain else FAILED)


COMMAND = Command("register", "the shift between the two images of your own pair, and the --phase to give to fuse", _arguments, _call)

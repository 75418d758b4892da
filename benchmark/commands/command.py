"""What a command is, and what several of them share. Nothing heavy is imported here, so that --help answers at once."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.clone import ROOT

if TYPE_CHECKING:
    from benchmark.runner.run_settings import Progress
    from datasets.data_roots import DataRoots

OK, FAILED, USAGE = 0, 1, 2
NEEDS_LINUX = ("run", "cell")
NEEDS_LOCKS = ("status", "merge", "clean", "rescore")


class CommandError(ValueError):
    """Arguments that cannot be answered; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True)
class Reply:
    """What a command has to say at its end."""

    text: str
    status: int = OK
    raw: bytes = b""  # goes to stdout as it is, instead of the text


class Console(ABC):
    """What the entry point does for a command: show how it goes, and draw what lies above the referee."""

    rewrite: bool  # whether a line can be rewritten: stderr is a terminal

    @abstractmethod
    def progress(self, progress: Progress) -> None:
        """Show how a run goes."""

    @abstractmethod
    def line(self, text: str, *, passing: bool) -> None:
        """Show a line; a `passing` one is rewritten by the next, where the terminal can."""

    @abstractmethod
    def report(self, folder: Path, out: Path | None = None, options: argparse.Namespace | None = None) -> tuple[str, str]:
        """Draw the report of a run; returns its tables, and where it lies, as texts."""

    @abstractmethod
    def conventions(self, folder: Path) -> str:
        """Draw the report of a run; returns its tables under other projects' conventions."""

    @abstractmethod
    def training_figures(self, folder: Path) -> str:
        """Draw the figures of a training; returns where they lie."""


@dataclass(frozen=True)
class Command:
    """One command of the command line."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], Any]
    call: Callable[[argparse.Namespace, Console], Reply]


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data, of every command that looks scenes or weights up."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR|NAME=DIR",
        help="data root (default: $HMIF_DATA, else the cache folder), or the folder of one data set",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, of every command that runs a method."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """--plugins, of every command that looks methods up."""
    parser.add_argument("--plugins", type=Path, metavar="DIR", help="folder with method files of your own")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return number


def roots(options: argparse.Namespace) -> DataRoots:
    """The data roots that --data names."""
    from datasets.data_roots import DataRoots

    return DataRoots.parse(options.data)


def device(wanted: str, *, here: bool = True) -> str:
    """cpu or cuda. CUDA is asked by a process of its own, so that this one never initialises it; if the cells do not run here, auto is cpu.

    Raises:
        CommandError: --device cuda without a GPU that torch can use.
    """
    if wanted == "cpu" or not here:
        return wanted.replace("auto", "cpu")
    probe = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"
    found = Path("/proc/driver/nvidia").exists() and subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
    if wanted == "cuda" and not found:
        raise CommandError("--device cuda: expected a GPU that torch can use, got none; use --device cpu")
    return "cuda" if found else "cpu"


def spelled() -> str:
    """The command as it was given."""
    return shlex.join(["python", "run_benchmark.py", *sys.argv[1:]])


def repeating(options: argparse.Namespace) -> tuple[str, ...]:
    """What repeats a cell of this run besides plan and key: the options that its key depends on, folders made absolute."""
    given: list[str] = []
    for value in options.data:
        name, equals, folder = value.rpartition("=")
        given += ["--data", f"{name}{equals}{Path(folder).expanduser().resolve()}"]
    given += ["--plugins", str(options.plugins.resolve())] if options.plugins else []
    return (*given, *(("--seed", str(options.seed)) if options.seed is not None else ()))


def expect_platform(command: str) -> None:
    """Refuse what this operating system cannot do: running cells needs Linux, locking a run folder a POSIX system.

    Raises:
        CommandError: `command` does not work here; the text says what does.
    """
    if command in NEEDS_LINUX and sys.platform != "linux":
        raise CommandError(
            f"{command}: expected Linux, got {sys.platform}: cells run in processes of a fork server, with limits and meters that only "
            "Linux has. Use a Linux machine, WSL 2 or a container; reports of its run folders can be drawn here"
        )
    if command in NEEDS_LOCKS and os.name != "posix":
        raise CommandError(f"{command}: expected Linux or macOS, got {sys.platform}: a run folder is locked by flock, which is not there")


def results_folder(name: str) -> Path:
    """Where a run or a training of that name goes by default."""
    return ROOT / "results" / name

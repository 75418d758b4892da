"""What a command is, and what several commands share. Nothing heavy is imported here, so that --help answers at once."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.clone import ROOT

if TYPE_CHECKING:
    from benchmark.runner.run_settings import Progress
    from datasets.cube_file import CubeFile
    from datasets.data_roots import DataRoots

OK, FAILED, USAGE = 0, 1, 2
NEEDS_LINUX = ("run", "cell", "check-bundle --cubes")
NEEDS_LOCKS = ("status", "merge", "clean", "rescore")


class CommandError(ValueError):
    """Arguments that a command cannot use; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True)
class Reply:
    """What a command returns at its end."""

    text: str  # to be printed
    status: int = OK  # the exit status
    raw: bytes = b""  # written to stdout as it is, instead of the text


class Console(ABC):
    """What the entry point does for a command: it shows progress, and draws reports, which lie above this floor."""

    rewrite: bool  # whether a line can be rewritten, as stderr is a terminal
    width: int  # characters on a line of what is printed at the end

    @abstractmethod
    def progress(self, progress: Progress) -> None:
        """Show the progress of a run."""

    @abstractmethod
    def line(self, text: str, *, passing: bool) -> None:
        """Show a line; a `passing` line is replaced by the next one, where it can be."""

    @abstractmethod
    def report(
        self, folder: Path, out: Path | None = None, options: argparse.Namespace | None = None, against: Path | None = None
    ) -> tuple[str, str]:
        """Two texts on the report of a run, which is drawn now: its tables, and where its files are.

        With the file of a bundle in `against`, its rows are in the tables, and the second text ends with where the new rows stand.
        """

    @abstractmethod
    def figure(self, folder: Path, options: argparse.Namespace) -> str:
        """What a figure of chosen scenes shows, and where its files are; it is drawn now."""

    @abstractmethod
    def leaderboard(self, bundles: Mapping[str, Path], out: Path, readme: Path | None) -> str:
        """Where the pages of the results of these bundles are, and how they judge published claims; they are written now.

        `bundles` has the file of each by its name; the part of `readme` that has the short table is written anew, where one is given.
        """

    @abstractmethod
    def conventions(self, folder: Path) -> str:
        """The tables of a run by other projects' conventions, as text; its report is drawn now."""

    @abstractmethod
    def picture(self, image: CubeFile, file: Path) -> str:
        """The place of a false-colour picture of an image, and which bands it shows; it is drawn now."""

    @abstractmethod
    def training_figures(self, folder: Path) -> str:
        """The names of a training's figures and the folder of their files, on one line; they are drawn now."""


@dataclass(frozen=True)
class Command:
    """One command of the command line."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], Any]
    call: Callable[[argparse.Namespace, Console], Reply]


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data and --max-gb, options of every command that looks up scenes or weights."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR|NAME=DIR",
        help="data root (default: $HMIF_DATA, else the cache folder), or the folder of one data set",
    )
    parser.add_argument(
        "--max-gb",
        type=_gigabytes,
        metavar="GB",
        help="the largest array that is read from a file (default: $HMIF_MAX_GB, else half of the memory)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device, an option of every command that runs a method."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """Add --plugins, an option of every command that looks up methods."""
    parser.add_argument("--plugins", type=Path, metavar="DIR", help="folder with your own method files")


def positive(text: str) -> int:
    """The whole number in a text, which must be at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return number


def _gigabytes(text: str) -> str:
    """The text, which must be a number of gigabytes above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of gigabytes above 0, got {text}")
    return text


def roots(options: argparse.Namespace) -> DataRoots:
    """The data roots that --data gives. The limit of --max-gb is put into the environment, so that child processes keep it, too."""
    from datasets.data_roots import DataRoots
    from datasets.input_files import MAX_GB

    if options.max_gb is not None:
        os.environ[MAX_GB] = options.max_gb
    return DataRoots.parse(options.data)


def device(wanted: str, *, here: bool = True) -> str:
    """The kind of device, cpu or cuda, for --device. Where the cells run elsewhere (`here` is False), auto is cpu.

    Another process asks CUDA whether there is a GPU, so that this one never initialises it.

    Raises:
        CommandError: --device cuda without a GPU that torch can use.
    """
    if wanted == "cpu" or not here:
        return wanted.replace("auto", "cpu")
    probe = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"
    has_gpu = Path("/proc/driver/nvidia").exists() and subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
    if wanted == "cuda" and not has_gpu:
        raise CommandError("--device cuda: expected a GPU that torch can use, got none; use --device cpu")
    return "cuda" if has_gpu else "cpu"


def spelled() -> str:
    """The command line as it was given."""
    return shlex.join(["python", "run_benchmark.py", *sys.argv[1:]])


def repeating(options: argparse.Namespace) -> tuple[str, ...]:
    """The options that repeat a cell of this run, besides plan and key; folders are absolute."""
    from datasets.scene import SceneError
    from datasets.user_folders import user_path

    given: list[str] = []
    for value in options.data:
        name, equals, folder = value.rpartition("=")
        given += ["--data", f"{name}{equals}{user_path(folder, SceneError).resolve()}"]
    given += ["--plugins", str(options.plugins.resolve())] if options.plugins else []
    given += ["--max-gb", options.max_gb] if options.max_gb else []
    return (*given, *(("--seed", str(options.seed)) if options.seed is not None else ()))


def expect_platform(command: str) -> None:
    """Nothing, where this operating system can run the command: cells need Linux, and the lock of a run folder needs a POSIX system.

    Raises:
        CommandError: it cannot; the text says which system can.
    """
    if command in NEEDS_LINUX and sys.platform != "linux":
        raise CommandError(
            f"{command}: expected Linux, got {sys.platform}: cells run in processes of a fork server, with limits and meters that only "
            "Linux has. Use a Linux machine, WSL 2 or a container; reports of its run folders can be drawn here"
        )
    if command in NEEDS_LOCKS and os.name != "posix":
        raise CommandError(f"{command}: expected Linux or macOS, got {sys.platform}: a run folder needs flock, which this system lacks")


def results_folder(name: str) -> Path:
    """The default folder of a run or a training of that name, in results/ whatever the name is."""
    from datasets.printable import file_name

    return ROOT / "results" / file_name(name)

#!/usr/bin/env python3
"""HMIF-Bench at the command line: calls a command and prints what it returns. Everything else is in the four packages beside this file.

Heavy modules are imported by the commands that need them, so that --help answers at once.
"""

from __future__ import annotations

import errno
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(place for place in sys.path if place != str(ROOT))]  # before PYTHONPATH, which may name another clone

from benchmark.commands.command import OK, USAGE, Console, expect_platform  # noqa: E402
from datasets.printable import printable_lines  # noqa: E402
from methods.suite_names import offer_names  # noqa: E402

offer_names()  # so that `import run_benchmark` is all that a session of one's own needs for hmif_bench.datasets, hmif_bench.methods, ...

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from benchmark.runner.run_settings import Progress
    from datasets.cube_file import CubeFile
    from reports.report import ReportPaths

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
WIDTH = 110  # of a line that is replaced by the next one


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 where every cell is scored or skipped, 1 where some failed, 2 for a wrong plan or wrong arguments."""
    from benchmark.commands.command_parser import parser, with_command

    try:
        given = with_command(sys.argv[1:] if arguments is None else arguments)
        options = parser().parse_args(given)
        expect_platform(given[0])
        reply = options.call(options, Terminal())
        if reply.raw:
            sys.stdout.buffer.write(reply.raw)
        elif reply.text:
            print(printable_lines(reply.text), file=sys.stderr if reply.status == INTERRUPTED else sys.stdout)
        return int(reply.status)
    except BrokenPipeError:  # the program that read the output has ended, such as `head`
        sys.stdout = None  # so that nothing is flushed into the broken pipe at exit
        return OK
    except KeyboardInterrupt:
        print("\nstopped; the cells that had ended are kept, and the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.errno in FULL:
            print(f"error: the disk is full: {error}; make room, and the same command goes on from here", file=sys.stderr)
        elif error.errno in CLOSED:
            expected = "files and folders that this user can read and write"
            text = f"error: expected {expected}, got {error}; give others, or change their permissions"
            print(printable_lines(text), file=sys.stderr)
        else:
            raise
        return USAGE
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("datasets", "methods", "benchmark", "reports"):
            raise  # not an error of the suite, which says what to do, but a defect: it is shown with its traceback
        print(printable_lines(f"error: {error}"), file=sys.stderr)
        return USAGE


class Terminal(Console):
    """The console of the commands: shows progress on stderr, on one line where that can be rewritten, and draws reports."""

    def __init__(self) -> None:
        self.rewrite = sys.stderr.isatty()

    def progress(self, progress: Progress) -> None:
        """Show one line per cell that has ended, and what is running."""
        from benchmark.metrics.spelling import spell_metric
        from benchmark.run_folder.lead_score import lead_score

        for note in progress.notes:
            self.line(note, passing=False)
        left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
        if progress.last is not None:
            result = progress.last
            lead = lead_score(result) if result.outcome == "scored" else None
            outcome = spell_metric(*lead) if lead else f"{result.outcome} {result.reason}".strip()
            text = f"[{progress.done}/{progress.total}] {result.label} on {result.scene}, {result.protocol['name']}: {outcome}"
            self.line(text if self.rewrite else f"{text}{left}", passing=False)
        if self.rewrite and progress.running:
            self.line(f"[{progress.done}/{progress.total}] {progress.running[0]}{left}"[:WIDTH], passing=True)

    def line(self, text: str, *, passing: bool) -> None:
        """Show a line on stderr; on a terminal, a passing line is replaced by the next one."""
        text = printable_lines(text)
        if self.rewrite:
            print(f"\r\x1b[K{text}", end="" if passing else "\n", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def report(
        self, folder: Path, out: Path | None = None, options: argparse.Namespace | None = None, against: Path | None = None
    ) -> tuple[str, str]:
        """Two texts on the report of a run, which is drawn now: its tables, and where its files are."""
        from reports.content.choice import read_choice
        from reports.report import write_report
        from reports.typeset.plain_text import plain_summary

        names = (
            "select",
            "methods",
            "group_by",
            "metrics",
            "profile",
            "precision",
            "best_of",
            "ties",
            "resize",
            "columns",
            "spread",
            "rename",
            "order",
            "caption",
            "single_column",
        )
        choice = None if options is None else read_choice(**{name: getattr(options, name) for name in names})
        paths = write_report(folder, out, choice, against)
        tables = [*(plain_summary(summary) for summary in paths.summaries), *_left_out(paths), *paths.notes]
        return "\n".join(tables), "\n".join([_places(paths), *paths.standing])

    def conventions(self, folder: Path) -> str:
        """The tables of a run by other projects' conventions, and where the files of its report are; the report is drawn now."""
        from reports.report import write_report
        from reports.typeset.plain_text import plain_text_table

        paths = write_report(folder)
        return "\n".join([*(plain_text_table(table) for table in paths.conventions), *_left_out(paths), _places(paths)])

    def picture(self, image: CubeFile, file: Path) -> str:
        """The place of a false-colour picture of an image, and which bands it shows; it is drawn now."""
        from reports.scene.pictures import colour_recipe, write_preview

        recipe = colour_recipe(image)
        return f"{write_preview(image.cube, recipe, file)} ({recipe.text})"

    def training_figures(self, folder: Path) -> str:
        """The names of the files of a training's figures, which are drawn now."""
        from reports.figures.training_figures import write_training_figures

        return ", ".join(str(path) for path in write_training_figures(folder) if path.suffix == ".png")


def _left_out(paths: ReportPaths) -> list[str]:
    return [f"left out  {line}" for line in paths.broken]


def _places(paths: ReportPaths) -> str:
    tables = [path for path in paths.tables if path.suffix == ".tex"]
    return f"LaTeX     {len(tables)} table{'s' * (len(tables) != 1)} (.tex) in {tables[0].parent}\npage      {paths.page}"


def _stop(number: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C."""
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ():
        if signal.getsignal(number) is signal.SIG_DFL:  # not where `nohup` has it ignored
            signal.signal(number, _stop)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # where the locale has no such character, a "?" stands for it
    sys.exit(main())

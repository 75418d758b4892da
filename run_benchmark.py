#!/usr/bin/env python3
"""HMIF-Bench at the command line: calls a command and prints what it returns. Everything else is in the four packages beside this file.

Heavy modules are imported by the commands that need them, so that --help answers at once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

ROOT = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(place for place in sys.path if place != str(ROOT))]  # before PYTHONPATH, which may name another clone

from benchmark.commands.command import OK, USAGE, Console, expect_platform  # noqa: E402
from datasets.printable import printable_lines  # noqa: E402
from methods.suite_names import offer_names  # noqa: E402

offer_names()  # so that `import run_benchmark` is all that a session of one's own needs for hmif_bench.datasets, hmif_bench.methods, ...

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from types import FrameType

    from rich.console import Console as RichConsole
    from rich.live import Live

    from benchmark.runner.run_settings import Progress
    from datasets.cube_file import CubeFile
    from reports.report import ReportPaths

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
WIDTH, LEAST_WIDTH, MOST_WIDTH = 110, 60, 140  # characters on a line of a table: without a terminal, and on one


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 where every cell is scored or skipped, 1 where some failed, 2 for a wrong plan or wrong arguments."""
    from benchmark.commands.command_parser import parser, with_command

    terminal = Terminal()
    try:
        given = with_command(sys.argv[1:] if arguments is None else arguments)
        options = parser().parse_args(given)
        expect_platform(given[0])
        reply = options.call(options, terminal)
        if reply.raw:
            terminal.close()
            sys.stdout.buffer.write(reply.raw)
        elif reply.text:
            terminal.say(reply.text, sys.stderr if reply.status == INTERRUPTED else sys.stdout)
        return int(reply.status)
    except BrokenPipeError:  # the program that read the output has ended, such as `head`
        sys.stdout = None  # so that nothing is flushed into the broken pipe at exit
        return OK
    except KeyboardInterrupt:
        terminal.say("\nstopped; the cells that had ended are kept, and the same command goes on from there", sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.errno in FULL:
            terminal.say(f"error: the disk is full: {error}; make room, and the same command goes on from here", sys.stderr)
        elif error.errno in CLOSED:
            expected = "files and folders that this user can read and write"
            terminal.say(f"error: expected {expected}, got {error}; give others, or change their permissions", sys.stderr)
        else:
            raise
        return USAGE
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("datasets", "methods", "benchmark", "reports"):
            raise  # not an error of the suite, which says what to do, but a defect: it is shown with its traceback
        terminal.say(f"error: {error}", sys.stderr)
        return USAGE
    finally:
        terminal.close()


class Terminal(Console):
    """The console of the commands: shows progress on stderr, as a bar where that is a terminal, and draws reports."""

    def __init__(self) -> None:
        self.rewrite = _is_terminal(sys.stderr)
        self.width = min(max(get_terminal_size().columns, LEAST_WIDTH), MOST_WIDTH) if _is_terminal(sys.stdout) else WIDTH
        self._live: Live | None = None

    def progress(self, progress: Progress) -> None:
        """Show one line per cell that has ended, and on a terminal a bar with what is running."""
        from benchmark.commands.run_words import left_words, outcome_words

        for note in progress.notes:
            self.line(note, passing=False)
        if progress.last is not None:
            result = progress.last
            cell = f"{result.label} on {result.scene}, {result.protocol['name']}"
            text = f"[{progress.done}/{progress.total}] {cell}: {outcome_words(result)}"
            self.line(text if self.rewrite else f"{text}, {left_words(progress)}", passing=False)
        if self.rewrite and progress.running:
            from benchmark.commands.terminal_look import run_line

            live = self._bar()
            live.update(run_line(progress, live.console.width), refresh=True)

    def line(self, text: str, *, passing: bool) -> None:
        """Show a line on stderr; on a terminal, a passing line is replaced by the next one."""
        text = printable_lines(text)
        if not self.rewrite:
            print(text, file=sys.stderr, flush=True)
            return
        from benchmark.commands.terminal_look import ReplyColours, passing_line

        if passing:
            self._bar().update(passing_line(text), refresh=True)
        else:
            self._bar().console.print(ReplyColours()(text), soft_wrap=True)

    def say(self, text: str, stream: TextIO) -> None:
        """Print a text of several lines, with colours where the stream is a terminal; the bar goes before it."""
        self.close()
        text = printable_lines(text)
        if not _is_terminal(stream):
            print(text, file=stream)
            return
        from benchmark.commands.terminal_look import ReplyColours

        _rich_console(stream).print(ReplyColours()(text), soft_wrap=True)

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def _drawing(self, done: int, total: int, what: str) -> None:
        """Show how far a report is, on a terminal alone."""
        if self.rewrite:
            self.line(f"drawing the report {done}/{total}: {what}", passing=True)

    def _bar(self) -> Live:
        """The line at the foot of the terminal that is drawn anew each time."""
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=_rich_console(sys.stderr), auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        return self._live

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
            "highlight",
            "scenes_as_rows",
            "published",
        )
        choice = None if options is None else read_choice(**{name: getattr(options, name) for name in names})
        paths = write_report(folder, out, choice, against, getattr(options, "beside", None), self._drawing)
        tables = [*(plain_summary(summary, self.width) for summary in paths.summaries), *_left_out(paths), *paths.notes]
        return "\n".join(tables), "\n".join([_places(paths), *paths.standing])

    def figure(self, folder: Path, options: argparse.Namespace) -> str:
        """What a figure of chosen scenes shows, and where its files are; it is drawn now."""
        from reports.content.figure_request import read_figure_request
        from reports.figures.chosen_figure import write_chosen_figure

        names = ("scene", "methods", "protocol", "seed", "zoom", "bands", "pixel", "rename", "single_column")
        request = read_figure_request(options.kind, **{name: getattr(options, name) for name in names})
        made = write_chosen_figure(folder, request, options.out)
        return "\n".join([*made.shows, f"figure    {made.files[0].with_suffix('')}.pdf, .png, .svg"])

    def leaderboard(self, bundles: Mapping[str, Path], out: Path, readme: Path | None) -> str:
        """Where the pages of the results of these bundles are, and how they judge published claims; they are written now."""
        from reports.results_pages import write_results

        made = write_results(bundles, out, readme)
        places = [f"{file.name} ({file.stat().st_size} bytes)" for file in made.files if file.suffix in (".md", ".html")]
        latex = sum(file.suffix == ".tex" for file in made.files)
        return "\n".join(
            [f"pages     {', '.join(places)} in {out}", f"LaTeX     {latex} files in {out / 'latex'}", f"claims    {made.words}"]
        )

    def conventions(self, folder: Path) -> str:
        """The tables of a run by other projects' conventions, and where the files of its report are; the report is drawn now."""
        from reports.report import write_report
        from reports.typeset.plain_text import plain_text_table

        paths = write_report(folder, show=self._drawing)
        return "\n".join([*(plain_text_table(table, self.width) for table in paths.conventions), *_left_out(paths), _places(paths)])

    def picture(self, image: CubeFile, file: Path) -> str:
        """The place of a false-colour picture of an image, and which bands it shows; it is drawn now."""
        from reports.scene.pictures import colour_recipe, write_preview

        recipe = colour_recipe(image)
        return f"{write_preview(image.cube, recipe, file)} ({recipe.text})"

    def training_figures(self, folder: Path) -> str:
        """The names of a training's figures and the folder of their files, on one line; they are drawn now."""
        from reports.figures.training_figures import write_training_figures

        paths = [path for path in write_training_figures(folder) if path.suffix == ".png"]
        return f"{', '.join(path.stem for path in paths)} (.pdf, .png, .svg) in {paths[0].parent}" if paths else "none"


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal on which a line can be drawn anew."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"


def _rich_console(stream: TextIO) -> RichConsole:
    """What writes on a terminal, without colours where $NO_COLOR is set."""
    from rich.console import Console as RichConsole

    from benchmark.commands.terminal_look import LOOKS

    return RichConsole(file=stream, theme=LOOKS, highlight=False, markup=False, emoji=False)


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

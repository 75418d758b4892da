"""What `rich` draws on a terminal: the bar of a run, and colours in texts that are plain everywhere else.

Colours only repeat what signs and words say already. The text of a reply is the same with and without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.highlighter import RegexHighlighter
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from benchmark.commands.run_words import clock_words, far_words, left_words, running_words
from datasets.printable import printable

if TYPE_CHECKING:
    from benchmark.runner.run_settings import Progress

_BAR, _NARROW = 24, 10  # characters: of the bar, on a wide and on a narrow terminal
_WIDE = 100  # characters: a terminal from here on is wide
LOOKS = Theme(
    {
        "hmif.best": "bold green",
        "hmif.second": "green",
        "hmif.tier": "bold cyan",
        "hmif.mark": "yellow",
        "hmif.good": "green",
        "hmif.bad": "bold red",
        "hmif.skipped": "yellow",
        "hmif.place": "bold",
        "hmif.hint": "bold",
        "hmif.count": "dim",
        "bar.complete": "cyan",
        "bar.finished": "cyan",
    }
)


class ReplyColours(RegexHighlighter):
    """Finds best and second values, tiers, marks, outcomes, places of files and hints."""

    base_style = "hmif."
    highlights = (  # as rich has it
        r"(?P<best>(?<![\w.])[\d.]+\*)(?=\s|$)",
        r"(?P<second>(?<![\w.])[\d.]+\+)(?=\s|$)",
        r"(?m)^(?P<tier>\S.* ─{3,})$",
        r"(?P<mark>[†‡§¶‖]+)",
        r"(?m)^(?P<count>\[\d+/\d+\])",
        r"(?m)^(?P<bad>error|failed|timeout|killed|invalid|out of memory|not run)(?=[: ])",
        r": (?P<bad>failed|timeout|killed|invalid|out of memory)(?=:|$)",
        r": (?P<skipped>skipped)(?=:|$)",
        r"(?m)^(?P<place>records|LaTeX|page|figures|weights)(?= {2,})",
        r"(?P<hint>did you mean '[^']*'\?)",
    )


def run_line(progress: Progress, width: int) -> Table:
    """One line: cells done, a bar, what is at work, how far it is, the time so far, the time left."""
    count = f"{progress.done}/{progress.total}"
    times = " · ".join(filter(None, [far_words(progress), clock_words(progress.elapsed_s), left_words(progress)]))
    bar = _BAR if width >= _WIDE else _NARROW
    room = max(width - len(count) - bar - len(times) - 4, 10)  # three gaps, and one column that some terminals wrap at
    line = Table.grid(padding=(0, 1))
    for size in (len(count), bar, room, len(times)):
        line.add_column(width=size, no_wrap=True, overflow="ellipsis")
    share = progress.work.share if progress.work is not None else None
    done = ProgressBar(total=max(progress.total, 1), completed=progress.done + (share or 0.0))
    line.add_row(count, done, Text(printable(running_words(progress, room))), times)
    return line


def passing_line(text: str) -> Text:
    """A line that the next one replaces, cut to the width of the terminal."""
    return Text(printable(text), no_wrap=True, overflow="ellipsis")

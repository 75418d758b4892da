"""A line chart as one <svg> element: no library, a few kilobytes, colours from the page's styles, text that stays text.

Lines are told apart by colour and by dash, so that print and any colour blindness keep them; `series` gives both by a number.
Coordinates are those of the viewBox; x and y grow to the right and downwards, as SVG has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

COLOURS = 8  # of the page's styles: .s0 to .s7
DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
DEPTH = 7  # powers of ten below the largest value that a logarithmic axis shows

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Box:
    """The viewBox and the margins of the plot in it."""

    width: int = 440
    height: int = 250
    left: int = 46
    right: int = 14
    top: int = 24
    bottom: int = 38

    def across(self, share: float) -> float:
        """x of a share of the plot's width."""
        return self.left + share * (self.width - self.left - self.right)

    def down(self, share: float) -> float:
        """y of a share of the plot's height, from its floor."""
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


BOX = Box()
NARROW = Box(width=310, height=220, left=40, right=10)  # for three in a row


@dataclass(frozen=True)
class Line:
    """One line; points without a value interrupt it."""

    label: str
    series: int  # decides colour and dash; -1: the truth
    points: Sequence[Point]
    tier: str = ""  # of a method, whose line the page's filter may hide
    shown: bool = True


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with ticks as (place, text)."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """Where `value` lies, 0 at the low end and 1 at the high one."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def look(series: int) -> Markup:
    """Class and dash of a line, as attributes; no two of the first 32 are alike."""
    if series < 0:
        return Markup('class="line truth"')
    dash = DASHES[(series + series // COLOURS) % len(DASHES)]
    return Markup('class="line s{}"').format(series % COLOURS) + (Markup(' stroke-dasharray="{}"').format(dash) if dash else Markup())


def linear_axis(low: float, high: float, ticks: int = 5) -> Axis:
    """From `low` to `high` exactly, with round ticks inside."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    step = nice((high - low) / ticks)
    places = [step * count for count in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    digits = max(0, -floor(log10(step) + 1e-9))
    return Axis(low, high, [(place, f"{place:.{digits}f}") for place in places])


def log_axis(values: Sequence[float]) -> Axis:
    """Over all positive `values`, ends rounded outwards to 1, 2 or 5 times a power of ten; ticks there.

    No deeper than `DEPTH` powers of ten below the largest: the error in a dead band may be nothing but rounding, and is drawn at the end.
    """
    found = [value for value in values if value > 0] or [0.1, 1.0]
    marks = [base * 10.0**power for power in range(-30, 9) for base in (1, 2, 5)]
    low = max(mark for mark in marks if mark <= max(min(found), max(found) * 10.0**-DEPTH) * (1 + 1e-9))
    high = min(mark for mark in marks if mark >= max(found) * (1 - 1e-9) and mark > low)
    inside = [mark for mark in marks if low <= mark <= high * (1 + 1e-9)]
    kept = inside if len(inside) <= 7 else [mark for mark in inside if f"{mark:e}"[0] == "1"]
    return Axis(low, high, [(mark, f"{mark:g}") for mark in kept], log=True)


def named_axis(names: Sequence[str]) -> Axis:
    """Places 0, 1, 2, ... with a name each."""
    return Axis(-0.4, max(len(names) - 1, 0) + 0.4, [(float(place), name) for place, name in enumerate(names)])


def nice(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `step`."""
    power = 10.0 ** floor(log10(step))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= step * (1 - 1e-9))


def line_chart(
    lines: Sequence[Line], x: Axis, y: Axis, *, title: str, x_label: str, y_label: str, markers: bool = False, box: Box = BOX
) -> Markup:
    """The chart; `title` is what a screen reader says of it. `markers`: a dot at each point besides."""
    parts = [frame(x, y, box, x_label=x_label, y_label=y_label)]
    for line in lines:
        path = path_of(line.points, x, y, box)
        if not path:
            continue
        dots = Markup()
        if markers:
            dots = Markup().join(
                Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2"/>').format(*place(point, x, y, box))
                for point in line.points
                if drawable(point, y)
            )
        hidden = Markup() if line.shown else Markup(' class="off"')
        method = Markup(' data-method="{}" data-tier="{}"').format(line.label, line.tier) if line.tier else Markup()
        parts.append(
            Markup('<g{} data-series="{}"{}><title>{}</title><g {}><path d="{}"/>{}</g></g>').format(
                hidden, line.series, method, line.label, look(line.series), Markup(path), dots
            )
        )
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        box.width, box.height, title, Markup().join(parts)
    )


def frame(x: Axis, y: Axis, box: Box, *, x_label: str, y_label: str) -> Markup:
    """Grid, ticks and labels."""
    parts = [Markup('<g class="grid"><g class="levels">')]
    for value, text in y.ticks:
        level = box.down(y.share(value))
        parts.append(Markup('<path d="M{} {:.1f}H{}"/>').format(box.left, level, box.width - box.right))
        parts.append(Markup('<text class="y" x="{}" y="{:.1f}">{}</text>').format(box.left - 6, level + 3.5, text))
    parts.append(Markup("</g>"))
    for value, text in x.ticks:
        across = box.across(x.share(value))
        parts.append(Markup('<path class="tick" d="M{:.1f} {}v4"/>').format(across, box.down(0.0)))
        parts.append(Markup('<text class="x" x="{:.1f}" y="{}">{}</text>').format(across, box.down(0.0) + 15, text))
    parts.append(Markup('<path class="base" d="M{} {}H{}"/>').format(box.left, box.down(0.0), box.width - box.right))
    parts.append(Markup('<text class="name" x="{}" y="{}">{}</text>').format(box.across(0.5), box.height - 6, x_label))
    parts.append(Markup('<text class="name left" x="4" y="11">{}</text></g>').format(y_label))
    return Markup().join(parts)


def path_of(points: Sequence[Point], x: Axis, y: Axis, box: Box) -> str:
    """The line through the points, broken where one has no place."""
    path, pen = [], "M"
    for point in points:
        if drawable(point, y):
            path.append("{}{:.1f} {:.1f}".format(pen, *place(point, x, y, box)))
            pen = "L"
        else:
            pen = "M"
    return "".join(path)


def drawable(point: Point, y: Axis) -> bool:
    """Whether the point has a place on the chart."""
    return point[1] is not None and (point[1] > 0 or not y.log)


def place(point: Point, x: Axis, y: Axis, box: Box = BOX) -> tuple[float, float]:
    """Where the point lies in the viewBox; values beyond the axis are drawn at its end."""
    height = min(max(y.share(point[1] or 0.0), -0.02), 1.02)
    return box.across(x.share(point[0])), box.down(height)

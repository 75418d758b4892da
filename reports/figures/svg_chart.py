"""A line chart as one <svg> element of a few kilobytes, with colours from the styles of the page, and text that stays text.

Lines differ in colour and in dash, so that they can be told apart in print and with any colour blindness; the number `series` decides both.
Coordinates are those of the viewBox: x grows to the right, y downwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

COLOURS = 8  # in the styles of the page: .s0 to .s7
DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
_APART = 0.09  # of a logarithmic axis, between its end and the next tick
DEPTH = 7  # powers of ten below the largest value that a logarithmic axis shows

Point = tuple[float, float | None]
SeriesNumbers = Mapping[tuple[str, str], int]  # the number `series` of each configuration, by its label and tier


@dataclass(frozen=True)
class ChartBox:
    """The viewBox, and the margins of the plot in it."""

    width: int = 440
    height: int = 250
    left: int = 46
    right: int = 14
    top: int = 24
    bottom: int = 38

    def across(self, share: float) -> float:
        """The x at this share of the width of the plot."""
        return self.left + share * (self.width - self.left - self.right)

    def down(self, share: float) -> float:
        """The y at this share of the height of the plot, from its bottom."""
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


BOX = ChartBox()
NARROW = ChartBox(width=310, height=220, left=46, right=10)  # for three in a row


@dataclass(frozen=True)
class ChartLine:
    """One line, interrupted at points without a value."""

    label: str
    series: int  # decides colour and dash; -1 for the truth
    points: Sequence[Point]
    tier: str = ""  # of the method, so that the filter of the page can hide the line; empty for the truth
    visible: bool = True
    colour: str = ""  # in hexadecimal digits, in place of the one that follows from the series; such a line is dashed


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, with ticks as (value, text)."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """The position of `value`: 0 at the low end, 1 at the high end."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def line_look(series: int) -> Markup:
    """The class and the dash of a line, as attributes; the first 32 are all different."""
    if series < 0:
        return Markup('class="line truth"')
    dash = DASHES[(series + series // COLOURS) % len(DASHES)]
    return Markup('class="line s{}"').format(series % COLOURS) + (Markup(' stroke-dasharray="{}"').format(dash) if dash else Markup())


def _look(line: ChartLine) -> Markup:
    """The attributes of a line."""
    return Markup('class="line" style="--c:{}" stroke-dasharray="6 2.5"').format(line.colour) if line.colour else line_look(line.series)


def spread_names(levels: Sequence[float], low: float, high: float, apart: float) -> list[float]:
    """The places of names that belong to these, at least `apart` from one another where there is room between `low` and `high`."""
    order = sorted(range(len(levels)), key=lambda place: levels[place])
    step = min(apart, (high - low) / max(len(levels) - 1, 1))
    places, above, below = [0.0] * len(levels), low - step, high + step
    for place in order:
        above = places[place] = max(levels[place], above + step, low)
    for place in reversed(order):
        below = places[place] = min(places[place], below - step)
    return places


def linear_axis(low: float, high: float, ticks: int = 5) -> Axis:
    """An axis from `low` to `high` exactly, with ticks at round numbers."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    step = round_step((high - low) / ticks)
    places = [step * count for count in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    digits = max(0, -floor(log10(step) + 1e-9))
    return Axis(low, high, [(place, f"{place:.{digits}f}") for place in places])


def log_axis(values: Sequence[float]) -> Axis:
    """A logarithmic axis over all positive `values`, with its ends and ticks at 1, 2 or 5 times a power of ten.

    It shows at most `DEPTH` powers of ten below the largest value. The error in a dead band may be nothing but rounding: such a value is
    drawn at the low end.
    """
    positive = [value for value in values if value > 0] or [0.1, 1.0]
    marks = [base * 10.0**power for power in range(-30, 9) for base in (1, 2, 5)]
    low = max(mark for mark in marks if mark <= max(min(positive), max(positive) * 10.0**-DEPTH) * (1 + 1e-9))
    high = min(mark for mark in marks if mark >= max(positive) * (1 - 1e-9) and mark > low)
    inside = [mark for mark in marks if low <= mark <= high * (1 + 1e-9)]
    kept = inside if len(inside) <= 7 else [mark for mark in inside if f"{mark:e}"[0] == "1"]
    reach = log10(high / low)
    ends = [end for end in (low, high) if all(abs(log10(end / mark)) >= _APART * reach for mark in kept)]
    return Axis(low, high, [(mark, f"{mark:g}") for mark in sorted([*kept, *ends])], log=True)


def named_axis(names: Sequence[str]) -> Axis:
    """An axis with these names at the places 0, 1, 2, ..."""
    return Axis(-0.4, max(len(names) - 1, 0) + 0.4, [(float(place), name) for place, name in enumerate(names)])


def round_step(step: float) -> float:
    """The smallest number that is 1, 2 or 5 times a power of ten and not below `step`."""
    power = 10.0 ** floor(log10(step))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= step * (1 - 1e-9))


def line_chart(
    lines: Sequence[ChartLine],
    x: Axis,
    y: Axis,
    *,
    title: str,
    x_label: str,
    y_label: str,
    markers: bool = False,
    box: ChartBox = BOX,
    names: Sequence[tuple[float, str, str]] = (),
) -> Markup:
    """The chart. A screen reader reads its `title`; with `markers` there is a dot at each point.

    `names` stand above the plot, each with the place on the x axis that it belongs to, and a colour.
    """
    parts = [axes_frame(x, y, box, x_label=x_label, y_label=y_label)]
    for line in lines:
        path = line_path(line.points, x, y, box)
        if not path:
            continue
        dots = Markup()
        if markers:
            dots = Markup().join(
                Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2"/>').format(*point_place(point, x, y, box))
                for point in line.points
                if has_place(point, y)
            )
        hidden = Markup() if line.visible else Markup(' class="off"')
        method = Markup(' data-method="{}" data-tier="{}"').format(line.label, line.tier) if line.tier else Markup()
        parts.append(
            Markup('<g{} data-series="{}"{}><title>{}</title><g {}><path d="{}"/>{}</g></g>').format(
                hidden, line.series, method, line.label, _look(line), Markup(path), dots
            )
        )
    for place, name, colour in names:
        parts.append(Markup('<text class="x" style="fill:{}" x="{:.1f}" y="{}">{}</text>').format(colour, place, box.top - 3, name))
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        box.width, box.height, title, Markup().join(parts)
    )


def axes_frame(x: Axis, y: Axis, box: ChartBox, *, x_label: str, y_label: str) -> Markup:
    """The grid, the ticks and the labels of the axes."""
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


def line_path(points: Sequence[Point], x: Axis, y: Axis, box: ChartBox) -> str:
    """The path through the points, interrupted where one has no place."""
    path, pen = [], "M"
    for point in points:
        if has_place(point, y):
            path.append("{}{:.1f} {:.1f}".format(pen, *point_place(point, x, y, box)))
            pen = "L"
        else:
            pen = "M"
    return "".join(path)


def has_place(point: Point, y: Axis) -> bool:
    """Whether the point has a place on the chart."""
    return point[1] is not None and (point[1] > 0 or not y.log)


def point_place(point: Point, x: Axis, y: Axis, box: ChartBox = BOX) -> tuple[float, float]:
    """The place of the point in the viewBox; values beyond the end of the axis are drawn at that end."""
    height = min(max(y.share(point[1] or 0.0), -0.02), 1.02)
    return box.across(x.share(point[0])), box.down(height)

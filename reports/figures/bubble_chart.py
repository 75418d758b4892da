"""The first metric (PSNR by default) against the cost of one new scene, for the page: one bubble per ranked method.

The bubble is larger for more learned parameters, and stands at the seconds of fusion. A method that learns on the scene has a line from
there to a hollow end at the seconds of fusion and learning together, the cost of one new scene. The Pareto front joins the methods of all
tiers that no other one beats in both the metric and this cost; it is a staircase, because nothing is known between two methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isinf, log10, sqrt

from markupsafe import Markup

from reports.content.columns import Column
from reports.content.row import Row
from reports.content.summary import Summary
from reports.figures.label_places import Extent, NamePlace, choose_place
from reports.figures.looks import Looks
from reports.figures.pareto import pareto_front
from reports.figures.score_axis import axis_room
from reports.figures.svg_chart import BOX, COLOURS, Axis, axes_frame, linear_axis, point_place
from reports.style import count_text, seconds_text, shorten_inside

_SHAPES = {  # paths in a box of 12 x 12 around the origin; a circle needs none
    "s": "M-4-4h8v8h-8z",
    "^": "M0-5 5 4H-5z",
    "v": "M0 5 5-4H-5z",
    "D": "M0-5.5 5.5 0 0 5.5-5.5 0z",
    "P": "M-1.8-5h3.6v3.2H5v3.6H1.8V5h-3.6V1.8H-5v-3.6h3.2z",
    "X": "M-2.6-5.1 0-2.5 2.6-5.1 5.1-2.6 2.5 0 5.1 2.6 2.6 5.1 0 2.5-2.6 5.1-5.1 2.6-2.5 0-5.1-2.6z",
    "p": "M0-5 4.8-1.5 2.9 4H-2.9L-4.8-1.5z",
}
_SIZES = (0.0, 1e4, 1e6)  # learned parameters in the key of sizes
_LETTER, _BOLD_LETTER = 6.2, 6.9  # mean width of a letter of a name
_ABOVE, _BELOW = 9.5, 3.5  # a letter above its baseline, and below, with some room
_GAPS = (4.0, 15.0, 27.0)  # between a bubble and its name
_LONGEST = 29  # characters of a name
_FRAME = (float(BOX.left), float(BOX.top), BOX.across(1.0), BOX.down(0.0))


@dataclass(frozen=True)
class Bubble:
    """A ranked method."""

    row: Row
    fusion: float  # s
    total: float  # s: fusion, and learning where the method learns on the scene
    score: float  # the first metric
    parameters: float  # the number of learned ones


def ranked_bubbles(summary: Summary) -> list[Bubble]:
    """The bubble of every ranked row with a finite first metric and with seconds that may be compared."""
    lead, bubbles = summary.scores[0].key, []
    for row in summary.rows:
        score, fusion = row.values[lead].mean, row.values["seconds"].mean or 0.0
        if not row.ranked or row.timing != "here" or score is None or isinf(score) or fusion <= 0:
            continue
        learning = (row.values["learning_seconds"].mean or 0.0) if row.results[0].card.get("learns") == "on the scene" else 0.0
        bubbles.append(Bubble(row, fusion, fusion + learning, score, row.values["parameters"].mean or 0.0))
    return bubbles


def bubble_front(bubbles: Sequence[Bubble], *, higher_is_better: bool = True) -> list[Bubble]:
    """The Pareto front of these bubbles, the cheapest first."""
    sign = 1 if higher_is_better else -1
    return pareto_front(bubbles, cost=lambda bubble: bubble.total, merit=lambda bubble: sign * bubble.score)


def bubble_chart(summary: Summary, looks: Looks) -> Markup:
    """The chart; without ranked methods it is empty."""
    bubbles = ranked_bubbles(summary)
    if not bubbles:
        return Markup()
    lead = summary.scores[0]
    x, y = _axes(bubbles, lead)
    front = bubble_front(bubbles, higher_is_better=lead.higher_is_better is not False)
    y_label = f"{lead.label}, {lead.unit}" if lead.unit else lead.label
    parts = [axes_frame(x, y, BOX, x_label="seconds per scene, log scale", y_label=y_label), _front(front, x, y)]
    spots = [point_place((bubble.fusion, bubble.score), x, y) for bubble in bubbles]
    marks = [(px - _radius(b), py - _radius(b), px + _radius(b), py + _radius(b)) for b, (px, py) in zip(bubbles, spots, strict=True)]
    thin, taken = _line_boxes(bubbles, front, x, y), list[Extent]()
    for number, (bubble, spot) in enumerate(zip(bubbles, spots, strict=True)):
        size = (len(shorten_inside(bubble.row.label, _LONGEST)) * (_BOLD_LETTER if bubble in front else _LETTER), _ABOVE + _BELOW)
        solid = [*taken, *(box for index, box in enumerate(marks) if index != number)]
        place = choose_place(spot, _radius(bubble), size, solid=solid, thin=thin, frame=_FRAME, gaps=_GAPS)
        taken.append(place.extent)
        merit = bubble.score if lead.higher_is_better is not False else -bubble.score
        score = f"{lead.text(bubble.score)} {lead.unit or lead.label}"
        parts.append(_mark(bubble, spot, looks, x, y, place, bubble in front, score, merit))
    if infinite := sum(row.ranked and row.values[lead.key].infinite > 0 for row in summary.rows):
        left_out = f"{infinite} of infinite {lead.label}, not shown"
        parts.append(Markup('<text class="y" x="{}" y="11">{}</text>').format(BOX.width - BOX.right, left_out))
    title = f"{lead.label} against seconds under {summary.name}; on the Pareto front: {', '.join(b.row.label for b in front)}"
    return Markup('<svg class="chart bubbles" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        BOX.width, BOX.height, title, Markup().join(parts)
    )


def bubble_size_key() -> Markup:
    """The key of sizes: three bubbles with their numbers of parameters."""
    parts = [
        Markup('<span><svg class="swatch sizes" viewBox="-12 -12 24 24" aria-hidden="true"><circle r="{:.1f}"/></svg>{}</span>').format(
            _radius_of(size), f"{count_text(size)} parameters" if size else "none learned"
        )
        for size in _SIZES
    ]
    return Markup('<span class="size-key">{}</span>').format(Markup().join(parts))


def _axes(bubbles: Sequence[Bubble], lead: Column) -> tuple[Axis, Axis]:
    """The axes of seconds, with room for half a power of ten at both ends, and of the metric, with room for a fifth of its range.

    The better end of the metric is up.
    """
    times = [time for bubble in bubbles for time in (bubble.fusion, bubble.total)]
    low, high = min(times) / 3.2, max(times) * 3.2
    powers = range(ceil(log10(low)), floor(log10(high)) + 1)
    scores = [bubble.score for bubble in bubbles]
    room = axis_room(scores, lead)
    upright = linear_axis(min(scores) - room, max(scores) + room)
    y = replace(upright, low=upright.high, high=upright.low) if lead.higher_is_better is False else upright
    return Axis(low, high, [(10.0**power, f"{10.0**power:g}") for power in powers], log=True), y


def _front(front: Sequence[Bubble], x: Axis, y: Axis) -> Markup:
    """The Pareto front as a staircase from the bottom of the plot to its right edge."""
    spots = [point_place((bubble.total, bubble.score), x, y) for bubble in front]
    path = f"M{spots[0][0]:.1f} {BOX.down(0.0):.1f}" + "".join(
        f"V{down:.1f}H{right:.1f}" for (_, down), right in zip(spots, [*(a for a, _ in spots[1:]), BOX.across(1.0)], strict=True)
    )
    return Markup('<path class="front" d="{}" data-bottom="{:.1f}" data-right="{:.1f}"/>').format(
        Markup(path), BOX.down(0.0), BOX.across(1.0)
    )


def _line_boxes(bubbles: Sequence[Bubble], front: Sequence[Bubble], x: Axis, y: Axis) -> list[Extent]:
    """The lines of learning and the steps of the front, which names avoid."""
    ends = [(bubble.fusion, bubble.total, bubble.score) for bubble in bubbles if bubble.total > bubble.fusion]
    lines = [(point_place((first, score), x, y), point_place((last, score), x, y)) for first, last, score in ends]
    corners = [point_place((bubble.total, bubble.score), x, y) for bubble in front]
    lines += [(corner, (right, corner[1])) for corner, right in zip(corners, [*(a for a, _ in corners[1:]), BOX.across(1.0)], strict=True)]
    lines += [(corner, (corner[0], low)) for corner, low in zip(corners, [BOX.down(0.0), *(b for _, b in corners[:-1])], strict=True)]
    return [(min(a, c) - 2, min(b, d) - 2, max(a, c) + 2, max(b, d) + 2) for (a, b), (c, d) in lines]


def _mark(
    bubble: Bubble,
    spot: tuple[float, float],
    looks: Looks,
    x: Axis,
    y: Axis,
    place: NamePlace,
    best: bool,
    score: str,
    merit: float,
) -> Markup:
    """The bubble, its learning line and its name in its place; where its step of the front would be is there for the script."""
    row, scale = bubble.row, _radius(bubble) / 4.6
    shape = _SHAPES.get(looks.markers[row.tier])
    drawn = Markup('<path d="{}"/>').format(Markup(shape)) if shape else Markup('<circle r="4.6"/>')
    line = Markup()
    if bubble.total > bubble.fusion:
        end, _ = point_place((bubble.total, bubble.score), x, y)
        line = Markup('<path class="learning" d="M{:.1f} {:.1f}H{:.1f}"/><circle class="learning" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
            spot[0], spot[1], end - 3, end, spot[1]
        )
    name = shorten_inside(row.label, _LONGEST)
    left, top, right, bottom = place.extent
    at = ({1: left, 0: (left + right) / 2, -1: right}[place.way[0]], bottom - _BELOW)
    anchor = {1: "start", 0: "middle", -1: "end"}[place.way[0]]
    if place.far:
        near = (min(max(spot[0], left), right), min(max(spot[1], top), bottom))
        line += Markup('<path class="leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(*spot, *near)
    learned = f", {seconds_text(bubble.total)} s with learning" if bubble.total > bubble.fusion else ""
    cost = f"{seconds_text(bubble.fusion)} s{learned}, {count_text(bubble.parameters)} parameters"
    facts = f"{row.label} ({row.tier}): {score}, {cost}"
    return Markup(
        '<g data-method="{}" data-tier="{}" data-cost="{:.6g}" data-merit="{:.6g}" data-x="{:.1f}" data-y="{:.1f}" class="bubble s{}{}">'
        "<title>{}</title>{}"
        '<g class="sign" transform="translate({:.1f} {:.1f}) scale({:.2f})">{}</g>'
        '<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text></g>'
    ).format(
        row.label,
        row.tier,
        bubble.total,
        merit,
        *point_place((bubble.total, bubble.score), x, y),
        looks.number(row) % COLOURS,
        Markup(" best") if best else "",
        facts,
        line,
        *spot,
        scale,
        drawn,
        *at,
        anchor,
        name,
    )


def _radius(bubble: Bubble) -> float:
    """The radius in units of the viewBox."""
    return _radius_of(bubble.parameters)


def _radius_of(parameters: float) -> float:
    """4.6 without learned parameters; each power of ten above a hundred adds 0.6 of that area."""
    return 4.6 * sqrt(1 + 0.6 * max(0.0, log10(parameters) - 2)) if parameters > 0 else 4.6

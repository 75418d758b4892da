"""Accuracy against the cost of one new scene, for the page: one bubble a ranked method, its area growing with the learned parameters.

The bubble stands at the seconds of fusion. A method that learns on the scene has a line from there to a hollow end, at fusion and learning
together: what one new scene costs. The Pareto front joins the methods that no other beats in both PSNR and that cost, whatever they are
told; it is a staircase, since nothing is known between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isinf, log10, sqrt

from markupsafe import Markup

from reports.chart import BOX, Axis, frame, linear_axis, place
from reports.figures import Look
from reports.style import count, seconds, shorten
from reports.summary import Row, Summary

Extent = tuple[float, float, float, float]  # left, top, right, bottom

_SHAPES = {  # in a box of 12 x 12 about the origin; the circle is drawn as one
    "s": "M-4-4h8v8h-8z",
    "^": "M0-5 5 4H-5z",
    "v": "M0 5 5-4H-5z",
    "D": "M0-5.5 5.5 0 0 5.5-5.5 0z",
    "P": "M-1.8-5h3.6v3.2H5v3.6H1.8V5h-3.6V1.8H-5v-3.6h3.2z",
    "X": "M-2.6-5.1 0-2.5 2.6-5.1 5.1-2.6 2.5 0 5.1 2.6 2.6 5.1 0 2.5-2.6 5.1-5.1 2.6-2.5 0-5.1-2.6z",
    "p": "M0-5 4.8-1.5 2.9 4H-2.9L-4.8-1.5z",
}
_SIZES = (0.0, 1e4, 1e6)  # learned parameters in the key
_LETTER = 5.6  # width of one, of a name's font
_LONGEST = 26  # characters of a name


@dataclass(frozen=True)
class Bubble:
    """A ranked method: seconds of fusion, of one new scene, PSNR in dB, learned parameters."""

    row: Row
    fusion: float
    total: float
    psnr: float
    parameters: float


def bubbles(summary: Summary) -> list[Bubble]:
    """Of every ranked row with a finite PSNR and a time."""
    found = []
    for row in summary.rows:
        psnr, fusion = row.values["psnr"].mean if "psnr" in row.values else None, row.values["seconds"].mean or 0.0
        if not row.ranked or psnr is None or isinf(psnr) or fusion <= 0:
            continue
        learning = (row.values["learning_seconds"].mean or 0.0) if row.results[0].card.get("learns") == "on the scene" else 0.0
        found.append(Bubble(row, fusion, fusion + learning, psnr, row.values["parameters"].mean or 0.0))
    return found


def pareto_front(found: Sequence[Bubble]) -> list[Bubble]:
    """Those that no other one beats: as cheap or cheaper, and as accurate or more, and better in one of the two; cheapest first."""
    front: list[Bubble] = []
    for bubble in sorted(found, key=lambda each: (each.total, -each.psnr)):
        if not front or bubble.psnr > front[-1].psnr:
            front.append(bubble)
    return front


def scatter(summary: Summary, look: Look) -> Markup:
    """The chart; without ranked methods it is empty."""
    found = bubbles(summary)
    if not found:
        return Markup()
    x, y = _axes(found)
    front = pareto_front(found)
    parts = [frame(x, y, BOX, x_label="seconds a scene, log scale", y_label="PSNR, dB"), _front(front, x, y)]
    spots = [place((bubble.fusion, bubble.psnr), x, y) for bubble in found]
    boxes = [(px - _radius(b), py - _radius(b), px + _radius(b), py + _radius(b)) for b, (px, py) in zip(found, spots, strict=True)]
    for bubble in found:
        if bubble.total > bubble.fusion:
            (left, level), (right, _) = (place((at, bubble.psnr), x, y) for at in (bubble.fusion, bubble.total))
            boxes.append((left, level - 4, right + 4, level + 4))
    for bubble, spot in zip(found, spots, strict=True):
        parts.append(_mark(bubble, spot, look, x, y, boxes, bubble in front))
    if infinite := sum(row.ranked and row.values["psnr"].infinite > 0 for row in summary.rows):
        said = f"{infinite} of infinite PSNR, not shown"
        parts.append(Markup('<text class="y" x="{}" y="11">{}</text>').format(BOX.width - BOX.right, said))
    title = f"PSNR against seconds under {summary.name}; on the Pareto front: {', '.join(b.row.label for b in front)}"
    return Markup('<svg class="chart bubbles" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        BOX.width, BOX.height, title, Markup().join(parts)
    )


def size_key() -> Markup:
    """What three sizes of bubbles stand for."""
    parts = [
        Markup('<span><svg class="swatch sizes" viewBox="-12 -12 24 24" aria-hidden="true"><circle r="{:.1f}"/></svg>{}</span>').format(
            _radius_of(size), f"{count(size)} parameters" if size else "none learned"
        )
        for size in _SIZES
    ]
    return Markup('<span class="size-key">{}</span>').format(Markup().join(parts))


def _axes(found: Sequence[Bubble]) -> tuple[Axis, Axis]:
    """Half a decade of room at both ends of the seconds, a fifth of the range at those of PSNR."""
    times = [time for bubble in found for time in (bubble.fusion, bubble.total)]
    low, high = min(times) / 3.2, max(times) * 3.2
    powers = range(ceil(log10(low)), floor(log10(high)) + 1)
    psnrs = [bubble.psnr for bubble in found]
    room = max(0.2 * (max(psnrs) - min(psnrs)), 0.6)
    return Axis(low, high, [(10.0**power, f"{10.0**power:g}") for power in powers], log=True), linear_axis(
        min(psnrs) - room, max(psnrs) + room
    )


def _front(front: Sequence[Bubble], x: Axis, y: Axis) -> Markup:
    """The staircase, up from the floor and on to the right edge."""
    spots = [place((bubble.total, bubble.psnr), x, y) for bubble in front]
    path = f"M{spots[0][0]:.1f} {BOX.down(0.0)}" + "".join(
        f"V{down:.1f}H{right:.1f}" for (_, down), right in zip(spots, [*(a for a, _ in spots[1:]), BOX.across(1.0)], strict=True)
    )
    return Markup('<path class="front" d="{}"/>').format(Markup(path))


def _mark(bubble: Bubble, spot: tuple[float, float], look: Look, x: Axis, y: Axis, boxes: list[Extent], best: bool) -> Markup:
    """The bubble, its learning line and its name; the name's box joins `boxes`."""
    row, colour, scale = bubble.row, look.colours[bubble.row.tier], _radius(bubble) / 4.6
    shape = _SHAPES.get(look.markers[row.tier])
    drawn = Markup('<path d="{}"/>').format(Markup(shape)) if shape else Markup('<circle r="4.6"/>')
    line = Markup()
    if bubble.total > bubble.fusion:
        end, _ = place((bubble.total, bubble.psnr), x, y)
        line = Markup('<path class="learning" d="M{:.1f} {:.1f}H{:.1f}"/><circle class="learning" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
            spot[0], spot[1], end - 3, end, spot[1]
        )
    name = shorten(row.label, _LONGEST)
    at, anchor = _name_place(spot, _radius(bubble), len(name) * _LETTER, boxes)
    learned = f", {seconds(bubble.total)} s with learning" if bubble.total > bubble.fusion else ""
    facts = f"{row.label} ({row.tier}): {bubble.psnr:.2f} dB, {seconds(bubble.fusion)} s{learned}, {count(bubble.parameters)} parameters"
    return Markup(
        '<g data-method="{}" data-tier="{}" class="bubble{}" style="color:{}"><title>{}</title>{}'
        '<g class="sign" transform="translate({:.1f} {:.1f}) scale({:.2f})">{}</g>'
        '<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text></g>'
    ).format(row.label, row.tier, Markup(" best") if best else "", colour, facts, line, *spot, scale, drawn, *at, anchor, name)


def _name_place(spot: tuple[float, float], radius: float, width: float, boxes: list[Extent]) -> tuple[tuple[float, float], str]:
    """Where a name of that width goes: the first place about its mark that overlaps least with what stands already."""
    px, py = spot
    gap = radius + 4
    ways = [
        ((px + gap, py + 3.5), "start"),
        ((px - gap, py + 3.5), "end"),
        ((px, py - gap - 1), "middle"),
        ((px, py + gap + 8), "middle"),
        ((px + gap, py - 8), "start"),
        ((px + gap, py + 15), "start"),
        ((px - gap, py - 8), "end"),
        ((px - gap, py + 15), "end"),
    ]

    def box(at: tuple[float, float], anchor: str) -> Extent:
        left = at[0] - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        return left, at[1] - 9, left + width, at[1] + 2

    def cost(way: tuple[tuple[float, float], str]) -> float:
        left, top, right, bottom = box(*way)
        outside = max(BOX.left - left, 0) + max(right - (BOX.across(1.0)), 0) + max(BOX.top - top, 0) + max(bottom - (BOX.down(0.0)), 0)
        overlaps = sum(max(0.0, min(right, b[2]) - max(left, b[0])) * max(0.0, min(bottom, b[3]) - max(top, b[1])) for b in boxes)
        return overlaps + 40 * outside

    best = min(ways, key=cost)
    boxes.append(box(*best))
    return best


def _radius(bubble: Bubble) -> float:
    """Units of the viewBox: 4.6 without learned parameters; the area grows by 0.6 of that for each power of ten above a hundred."""
    return _radius_of(bubble.parameters)


def _radius_of(parameters: float) -> float:
    return 4.6 * sqrt(1 + 0.6 * max(0.0, log10(parameters) - 2)) if parameters > 0 else 4.6

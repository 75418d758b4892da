"""The scores of a protocol as one <svg> for the page: methods by scenes, each cell coloured by the first metric and with its number.

The colours are those of cividis, which looks the same with any common colour blindness; better is brighter. A cell without a score is empty
and says so. Rows carry the name of their method, so that the page can point at them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from statistics import fmean

import matplotlib as mpl
from markupsafe import Markup

from reports.content.columns import INFINITE, values_by_scene
from reports.content.summary import Summary
from reports.style import DASH, HEAT_MAP, shorten, shorten_inside

_NAME, _CELL, _LINE, _TOP = 180.0, 58.0, 20.0, 64.0  # units of the viewBox: of the names, a cell and a line; above the cells
_MOST_SCENES = 16
_HALFWAY = 0.179  # relative luminance at which black and white stand out alike, by 4.6 to 1 (WCAG 2)


def score_map(summary: Summary) -> Markup:
    """The map of the rows with a score; empty without any, with one scene alone, or with more scenes than have room."""
    lead, scenes = summary.scores[0], summary.scenes
    found = [(row, {scene: fmean(v) for scene, v in values_by_scene(lead, row.results).items()}) for row in summary.rows if row.scored]
    finite = [value for _, values in found for value in values.values() if isfinite(value)]
    if not finite or not 1 < len(scenes) <= _MOST_SCENES:
        return Markup()
    low, high = min(finite), max(finite)
    sign = -1 if lead.higher_is_better is False else 1
    order = sorted(found, key=lambda pair: (not pair[0].ranked, -sign * (pair[0].values[lead.key].mean or 0.0)))
    cell = min(_CELL, 320 / len(scenes))
    width, height = _NAME + cell * len(scenes) + 8, _TOP + _LINE * len(order) + 6
    heads = Markup().join(
        Markup('<text class="scene-name" transform="translate({:.1f} {}) rotate(-24)">{}</text>').format(
            _NAME + cell * (place + 0.4), _TOP - 6, shorten(scene.rpartition("/")[2], 18)
        )
        for place, scene in enumerate(scenes)
    )
    rows = Markup()
    for line, (row, values) in enumerate(order):
        cells = Markup()
        for place, scene in enumerate(scenes):
            value = values.get(scene)
            share = 0.0 if value is None or not isfinite(value) else (value - low) / (high - low or 1.0)
            share = share if sign > 0 else 1 - share
            at = (_NAME + cell * place, _TOP + _LINE * line)
            cells += _map_cell(at, cell, share if value is not None and isfinite(value) else None, _number(lead.text, value, cell))
        text = f"{row.label} ({row.tier}): " + ", ".join(f"{s} {_number(lead.text, values.get(s), _CELL)}" for s in scenes)
        rows += Markup(
            '<g data-method="{}" data-tier="{}" class="map-row"><title>{}</title><text class="y" x="{}" y="{}">{}</text>{}</g>'
        ).format(row.label, row.tier, text, _NAME - 6, _TOP + _LINE * (line + 0.68), shorten_inside(row.label, 29), cells)
    title = f"{lead.label}{f' in {lead.unit}' if lead.unit else ''} of each method on each scene under {summary.name}"
    return Markup('<svg class="chart map" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}{}</svg>').format(
        width, height, title, heads, rows
    )


def _map_cell(at: tuple[float, float], width: float, share: float | None, number: str) -> Markup:
    """One cell: its colour, and its number, in black or white, whichever stands out more."""
    if share is None:
        box = Markup('<rect class="void" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>').format(*at, width - 1, _LINE - 1)
        return box + Markup('<text class="x" x="{:.1f}" y="{:.1f}">{}</text>').format(at[0] + width / 2, at[1] + 0.68 * _LINE, number)
    colour = mpl.colors.to_hex(mpl.colormaps[HEAT_MAP](share))
    box = Markup('<rect fill="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>').format(colour, *at, width - 1, _LINE - 1)
    ink = "#000000" if _light(mpl.colormaps[HEAT_MAP](share)[:3]) > _HALFWAY else "#ffffff"
    return box + Markup('<text class="x" style="fill:{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
        ink, at[0] + width / 2, at[1] + 0.68 * _LINE, number
    )


def _number(text: Callable[[float], str], value: float | None, width: float) -> str:
    """The score as text; without a decimal where the cell is narrow."""
    if value is None:
        return DASH
    return INFINITE if not isfinite(value) else f"{value:.0f}" if width < 36 and abs(value) >= 1 else text(value)


def _light(colour: Sequence[float]) -> float:
    """The relative luminance of an sRGB colour of parts in 0..1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

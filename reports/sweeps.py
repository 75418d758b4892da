"""Curves: the score of every method over the one number in which a run's protocols differ (noise, shift, width of a wrong PSF, ...).

A sweep is found, not declared: three or more protocols whose numbers agree but for one, which is a number in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures import figure_settings, look_of
from reports.summary import Summary

_NOT_NUMBERS = ("name", "source")
LEAST = 3  # protocols


@dataclass(frozen=True)
class Sweep:
    """The number that varies, and the protocols in its order."""

    number: str  # dotted, such as given_psf.sigma
    points: tuple[tuple[float, Summary], ...]


def find_sweep(summaries: Sequence[Summary]) -> Sweep | None:
    """The sweep that these protocols make; None where they make none."""
    if len(summaries) < LEAST:
        return None
    tables = [_flat({key: value for key, value in summary.protocol.items() if key not in _NOT_NUMBERS}) for summary in summaries]
    names = {name for table in tables for name in table}
    varying = [name for name in names if len({repr(table.get(name)) for table in tables}) > 1]
    if len(varying) != 1:
        return None
    values = [table.get(varying[0]) for table in tables]
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(tables):
        return None
    ordered = sorted(zip(numbers, summaries, strict=True), key=lambda point: point[0])
    return Sweep(varying[0], tuple(ordered))


def draw_sweep(sweep: Sweep, metric: str = "psnr") -> Figure:
    """One line a method, its tier by colour and marker; the shade is the spread over scenes and seeds. Unranked methods are left out."""
    summaries = [summary for _, summary in sweep.points]
    look = look_of(summaries)
    lines: dict[str, list[tuple[float, float, float]]] = {}
    tiers: dict[str, str] = {}
    for number, summary in sweep.points:
        for row in summary.rows:
            value = row.values[metric]
            if row.ranked and value.mean is not None:
                lines.setdefault(row.label, []).append((number, value.mean, value.spread or 0.0))
                tiers[row.label] = row.tier
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        dashes = ["-", "--", ":", "-."]
        for place, (label, points) in enumerate(sorted(lines.items())):
            at, mean, spread = (list(column) for column in zip(*points, strict=True))
            tier = tiers[label]
            same = [other for other in sorted(lines) if tiers[other] == tier]
            colour, dash = look.colours[tier], dashes[same.index(label) % len(dashes)]
            panel.plot(at, mean, label=f"{label} ({tier})", zorder=2 + place / 100, color=colour, marker=look.markers[tier], linestyle=dash)
            low, high = ([m + sign * s for m, s in zip(mean, spread, strict=True)] for sign in (-1, 1))
            panel.fill_between(at, low, high, color=colour, alpha=0.08, linewidth=0)
        column = next(column for column in summaries[0].columns if column.key == metric)
        panel.set_xlabel(sweep.number, parse_math=False)
        panel.set_ylabel(f"{column.label}, {column.unit}" if column.unit else column.label)
        panel.grid(visible=True)
        panel.legend(fontsize=7, loc="best")
    return figure


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables and lists as dotted names."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{name}.")
        elif isinstance(value, list):
            found |= _flat({str(place): entry for place, entry in enumerate(value)}, f"{name}.")
        else:
            found[name] = value
    return found

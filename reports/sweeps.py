"""Curves: the score of every method over a number in which protocols of a run differ (ratio, noise, shift, width of a wrong PSF, ...).

A sweep is found, not declared: three or more protocols whose numbers agree but for one, and for those that go with it (the PSF's size and
the phase go with the ratio, the MSI's noise with the HSI's). No noise stands at the right end of a noise axis. The band around each line is
the 95 % interval of the mean, by a bootstrap over whole scenes; with fewer than six scenes it is their range, and the figure says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures import Look, look_of
from reports.statistics import LEAST_SCENES, bootstrap_interval
from reports.style import DASHES, ONE_COLUMN, PALETTE, TINY, figure_settings, identity, short_tier, shorten
from reports.summary import Column, Row, Summary

LEAST = 3  # protocols
MOST = 12  # sweeps of one run
_NOT_NUMBERS = ("name", "source")
_WITH = {"ratio": ("phase", "psf."), "hsi_snr_db": ("msi_snr_db",)}  # names, or beginnings of names, that go with a number
_LABELS = {
    "ratio": "ratio",
    "hsi_snr_db": "SNR of the HSI, dB",
    "msi_snr_db": "SNR of the MSI, dB",
    "shift.0": "shift along the rows, fine pixels",
    "shift.1": "shift along the columns, fine pixels",
    "given_psf.sigma": "sigma of the PSF that methods are told, fine pixels",
}


@dataclass(frozen=True)
class Sweep:
    """The number that varies, what goes with it, and the protocols in its order."""

    number: str  # dotted, such as given_psf.sigma
    points: tuple[tuple[float, Summary], ...]  # infinite where there is no noise
    with_it: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Of its axis."""
        besides = f" ({', '.join(self.with_it)} with it)" if self.with_it else ""
        return _LABELS.get(self.number, self.number) + besides


def find_sweeps(summaries: Sequence[Summary]) -> list[Sweep]:
    """Every sweep that these protocols make, the longest first."""
    tables = [flat({key: value for key, value in summary.protocol.items() if key not in _NOT_NUMBERS}) for summary in summaries]
    names = sorted({name for table in tables for name in table})
    varying = [name for name in names if len({identity(table.get(name)) for table in tables}) > 1]
    found: list[Sweep] = []
    for number in varying:
        goes = [name for name in varying if any(name == one or name.startswith(one) for one in _WITH.get(number, ()))]
        groups: dict[str, list[tuple[float, Summary]]] = {}
        for table, summary in zip(tables, summaries, strict=True):
            value = table.get(number)
            value = inf if value is None and number.endswith("snr_db") else value
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = identity({name: table.get(name) for name in varying if name != number and name not in goes})
                groups.setdefault(rest, []).append((float(value), summary))
        for points in groups.values():
            values = [value for value, _ in points]
            if len(set(values)) == len(values) >= LEAST and sum(map(isfinite, values)) >= LEAST - 1:
                found.append(Sweep(number, tuple(sorted(points, key=lambda point: point[0])), tuple(goes)))
    return sorted(found, key=lambda sweep: -len(sweep.points))[:MOST]


def draw_sweep(sweep: Sweep, column: Column | None = None) -> Figure:
    """One line a method, its tier by marker; the shade is the interval of the mean. Unranked methods are left out."""
    summaries = [summary for _, summary in sweep.points]
    column = column or summaries[0].scores[0]
    at = _places(sweep)
    look = look_of(summaries)
    lines: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    infinite = False
    for place, summary in zip(at, summaries, strict=True):
        for row in summary.rows:
            values = scene_means(row, column)
            infinite |= row.ranked and row.values[column.key].infinite > 0
            if row.ranked and len(values) and np.isfinite(values).all():
                interval = bootstrap_interval(values) if len(values) >= LEAST_SCENES else (float(values.min()), float(values.max()))
                lines.setdefault((row.tier, row.label), []).append((place, float(values.mean()), *interval))
    few = max(len(summary.scenes) for summary in summaries) < LEAST_SCENES
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 2.3 + 0.14 * -(-len(lines) // 2)), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        _draw_lines(panel, lines, look)
        panel.set_xlabel(shorten(sweep.label, 64), parse_math=False)
        panel.set_ylabel(f"{column.label}, {column.unit}" if column.unit else column.label)
        panel.set_xticks(at, [_tick(number) for number, _ in sweep.points])
        left_out = "infinite means not shown; " if infinite else ""
        panel.set_title(f"{left_out}band: {'range of the scenes' if few else '95 % interval of the mean'}", loc="right", fontsize=TINY)
        legend = figure.legend(loc="outside lower center", ncols=2, columnspacing=1.0, handlelength=2.4)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def scene_means(row: Row, column: Column) -> np.ndarray:
    """The metric on each scene, mean over its seeds; scenes without it are left out."""
    groups: dict[str, list[float]] = {}
    for result in row.results:
        value = column.of(result) if result.outcome == "scored" else None
        if value is not None:
            groups.setdefault(result.scene, []).append(value)
    return np.array([float(np.mean(values)) for values in groups.values()])


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables and lists as dotted names."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        elif isinstance(value, list):
            found |= flat({str(place): entry for place, entry in enumerate(value)}, f"{name}.")
        else:
            found[name] = value
    return found


def _draw_lines(panel: mpl.axes.Axes, lines: Mapping[tuple[str, str], Sequence[tuple[float, float, float, float]]], look: Look) -> None:
    """Each method in a colour and a dash of its own, with the marker of its tier."""
    for place, ((tier, label), points) in enumerate(lines.items()):
        at, mean, low, high = (list(values) for values in zip(*points, strict=True))
        colour, dash = PALETTE[place % len(PALETTE)], DASHES[place // len(PALETTE) % len(DASHES)]
        panel.plot(
            at, mean, label=shorten(f"{label} [{short_tier(tier)}]", 34), color=colour, marker=look.markers[tier], linestyle=dash, zorder=3
        )
        panel.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0, zorder=2)


def _places(sweep: Sweep) -> list[float]:
    """Where the points stand: at their numbers; ratios at those of their logarithms; no noise one step to the right."""
    finite = [number for number, _ in sweep.points if isfinite(number)]
    places = [float(np.log2(number / finite[0])) for number in finite] if sweep.number == "ratio" else finite
    step = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
    return [*places, *[places[-1] + step] * (len(sweep.points) - len(finite))]


def _tick(number: float) -> str:
    return f"{number:g}" if isfinite(number) else "none"

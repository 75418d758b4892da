"""Ranks and scenes: the critical-difference diagram, the ranks scene by scene, and the heat map of methods by scenes.

Critical-difference diagram (Demsar, Journal of Machine Learning Research 7, 2006): mean ranks on an axis, the best at the left; a bar
joins methods that are not told apart. With too few scenes there is no bar, and the diagram says why. Heat map: one colour scale, cells
without scores hatched, numbers inside where there is room.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.statistics import LEAST_SCENES, Comparison
from reports.style import GRID, HEAT_MAP, INK, ONE_COLUMN, PALETTE, SMALL, TEXT, TINY, TWO_COLUMNS, figure_settings, short_tier, shorten
from reports.summary import INFINITE, Column, Row, Summary

_STEP = 0.19  # inches between names
_MOST_NUMBERS = 14  # scenes, beyond which cells of the heat map are too narrow for numbers


def critical_difference_diagram(found: Comparison, title: str) -> Figure:
    """Mean ranks, and the bars of those that are not told apart; as wide as the names ask for."""
    order = sorted(range(len(found.names)), key=lambda method: float(found.mean_ranks[method]))
    k, deep = len(order), -(-len(order) // 2)
    names = [shorten(f"{name}{f' ({lost} failed)' if lost else ''}", 40) for name, lost in zip(found.names, found.failures, strict=True)]
    margin = 0.55 + 0.052 * max(map(len, names))  # inches for a name and its rank
    width = ONE_COLUMN if 2 * margin + 0.12 * k <= ONE_COLUMN else TWO_COLUMNS
    groups = found.groups if found.tells else []
    bars = 0.11 * len(groups)
    height = 0.72 + bars + _STEP * deep
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        panel = figure.add_axes((0, 0, 1, 1))
        panel.set_xlim(0, width)
        panel.set_ylim(0, height)
        panel.set_axis_off()
        left, right, axis = margin, width - margin, height - 0.5
        panel.text(0.06, height - 0.08, shorten(title, 100 if width > 4 else 48), fontsize=TEXT, fontweight="bold", va="top")

        def at(rank: float) -> float:
            return left + (rank - 1) / (k - 1) * (right - left)

        panel.plot([left, right], [axis, axis], color=INK, linewidth=0.8)
        for rank in range(1, k + 1):
            panel.plot([at(float(rank))] * 2, [axis, axis + 0.05], color=INK, linewidth=0.8)
            panel.text(at(float(rank)), axis + 0.07, str(rank), ha="center", va="bottom", fontsize=SMALL)
        for place, group in enumerate(groups):
            ranks = [float(found.mean_ranks[method]) for method in group]
            height_of = axis - 0.1 - 0.11 * place
            panel.plot([at(min(ranks)) - 0.03, at(max(ranks)) + 0.03], [height_of] * 2, color=INK, linewidth=2.4, solid_capstyle="round")
        for place, method in enumerate(order):
            mean, on_left = float(found.mean_ranks[method]), place < deep
            y = axis - 0.17 - bars - _STEP * (place if on_left else k - 1 - place)
            end = left - 0.06 if on_left else right + 0.06
            panel.plot([at(mean), at(mean), end], [axis, y, y], color=INK, linewidth=0.6)
            text = f"{names[method]}  {mean:.2f}" if on_left else f"{mean:.2f}  {names[method]}"
            panel.text(end + (-0.04 if on_left else 0.04), y, text, ha="right" if on_left else "left", va="center", fontsize=SMALL)
        panel.text(width - 0.06, 0.05, _verdict(found), ha="right", va="bottom", fontsize=TINY)
    return figure


def _verdict(found: Comparison) -> str:
    if not found.tells:
        return f"{found.scenes} scene{'s' * (found.scenes > 1)}: fewer than {LEAST_SCENES} cannot tell methods apart"
    p = f"p = {found.friedman_p:.2g}" if found.friedman_p >= 1e-4 else "p < 0.0001"
    return f"Friedman {p}; critical difference {found.critical_difference:.2f}, {found.scenes} scenes"


def rank_figure(found: Comparison, title: str) -> Figure:
    """The ranks of every method over the scenes, a dot's area by how many scenes have it, the mean as a bar; the best method on top."""
    order = sorted(range(len(found.names)), key=lambda method: float(found.mean_ranks[method]))
    k = len(order)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 0.75 + 0.24 * k), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        for place, method in enumerate(order):
            ranks = found.ranks[method]
            values, counts = np.unique(ranks, return_counts=True)
            panel.plot([values.min(), values.max()], [place, place], color=GRID, linewidth=1.2, zorder=1)
            area = 10 + 90 * counts / len(ranks)
            panel.scatter(values, [place] * len(values), s=area, color=PALETTE[0], alpha=0.55, linewidth=0, zorder=2)
            panel.plot([ranks.mean()] * 2, [place - 0.32, place + 0.32], color=INK, linewidth=1.4, zorder=3)
        panel.set_yticks(range(k), [shorten(found.names[method], 28) for method in order])
        panel.invert_yaxis()
        panel.set_xlim(0.6, k + 0.4)
        panel.set_xticks(range(1, k + 1, max(1, k // 10)))
        panel.grid(visible=False, axis="y")
        panel.set_xlabel("rank on a scene (line: mean)")
        panel.set_title(shorten(title, 52), loc="left", fontweight="bold")
    return figure


def heat_map(summary: Summary, column: Column) -> Figure:
    """Methods by scenes, the mean over seeds of one metric; tiers are told apart by gaps, cells without scores are hatched."""
    scenes, rows = summary.scenes, list(summary.rows)
    values = np.array([[_mean(row, scene, column) for scene in scenes] for row in rows], dtype=float)
    missing = np.array([[_lost(row, scene, summary) for scene in scenes] for row in rows])
    wide = TWO_COLUMNS if len(scenes) > 6 else ONE_COLUMN
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(wide, 1.15 + 0.2 * len(rows)), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        high = high if high > low else low + 1
        flip = HEAT_MAP + ("_r" if column.higher_is_better is False else "")
        picture = panel.imshow(np.ma.masked_invalid(values), cmap=flip, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
        for row, scene in np.argwhere(missing):
            panel.add_patch(mpl.patches.Rectangle((scene - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", edgecolor=INK, linewidth=0))
        if len(scenes) <= _MOST_NUMBERS and len(known):
            for (row, scene), value in np.ndenumerate(values):
                if np.isfinite(value):
                    share = (value - low) / (high - low)
                    bright = share > 0.55 if column.higher_is_better is not False else share < 0.45
                    panel.text(scene, row, column.text(value), ha="center", va="center", fontsize=TINY, color=INK if bright else "white")
        for row, scene in np.argwhere(np.isposinf(values)):
            panel.text(scene, row, INFINITE, ha="center", va="center", fontsize=TINY, color=INK)
        panel.set_xticks(range(len(scenes)), [shorten(scene.rpartition("/")[2], 22) for scene in scenes], rotation=40, ha="right")
        for name in panel.get_xticklabels():
            name.set_rotation_mode("anchor")
        panel.set_yticks(range(len(rows)), [shorten(row.label, 28) for row in rows])
        panel.tick_params(length=0)
        panel.grid(visible=False)
        for spine in panel.spines.values():
            spine.set_visible(False)
        edge = 0
        for _, inside in summary.tiers[:-1]:
            edge += len(inside)
            panel.axhline(edge - 0.5, color="white", linewidth=3)
        bar = figure.colorbar(picture, ax=panel, fraction=0.04, pad=0.01)
        bar.set_label(f"{column.label}, {column.unit}" if column.unit else column.label)
        bar.outline.set_visible(False)
        hatched = ", hatched: not scored" if missing.any() else ""
        hatched += f", {INFINITE}: infinite, without a colour" if np.isposinf(values).any() else ""
        panel.set_title(f"{summary.name}{hatched}", loc="left", fontweight="bold")
    return figure


def _mean(row: Row, scene: str, column: Column) -> float:
    """Over the seeds of a scene; NaN where none has the metric."""
    values = [value for r in row.results if r.scene == scene and r.outcome == "scored" and (value := column.of(r)) is not None]
    return float(np.mean(values)) if values else np.nan


def _lost(row: Row, scene: str, summary: Summary) -> bool:
    """Whether no seed of the scene was scored."""
    return not any(result.scene == scene and result.outcome == "scored" for result in row.results)


def names_of(rows: Sequence[Row], *, tiers: bool) -> list[str]:
    """Labels, with the tier where several tiers stand together."""
    return [f"{row.label} [{short_tier(row.tier)}]" if tiers else row.label for row in rows]

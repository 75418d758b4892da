"""The heat map of methods by scenes: one colour scale, hatching where a cell has no score, and numbers inside where there is room."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.columns import INFINITE, Column, values_by_scene
from reports.content.row import Row
from reports.content.summary import Summary
from reports.style import HEAT_MAP, INK, ONE_COLUMN, TINY, TWO_COLUMNS, figure_settings, shorten, shorten_inside

_MOST_NUMBERS = 14  # scenes; beside more of them the cells are too narrow for numbers


def heat_map(summary: Summary, column: Column) -> Figure:
    """The mean over seeds of one metric for each method and scene; gaps separate the tiers, cells without scores are hatched."""
    scenes, rows = summary.scenes, list(summary.rows)
    found = [values_by_scene(column, row.results) for row in rows]
    values = np.array([[np.mean(each[scene]) if scene in each else np.nan for scene in scenes] for each in found], dtype=float)
    missing = np.array([[_missing(row, scene) for scene in scenes] for row in rows])
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
        panel.set_yticks(range(len(rows)), [shorten_inside(row.label, 28) for row in rows])
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
        panel.set_title(f"{shorten(summary.name, 48)}{hatched}", loc="left", fontweight="bold")
    return figure


def _missing(row: Row, scene: str) -> bool:
    """Whether no seed of the scene was scored."""
    return not any(result.scene == scene and result.outcome == "scored" for result in row.results)

"""The spectra of a scene at a few pixels, for a paper; `reports.scene.scene_view` has the rules by which scene and pixels are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.panels import literal_legend
from reports.scene.scene_view import SceneView, ViewedEstimate
from reports.style import INK, SMALL, TWO_COLUMNS, figure_settings, series_colour, series_dash, short_tier, shorten, shorten_inside

_LONGEST = 36  # characters of a name in the legend


def spectra_figure(view: SceneView) -> Figure:
    """The spectra at the chosen pixels: the truth (of a real pair, the HSI's coarse pixel) in black, the methods in colour."""
    return spectra_of_scenes([view])


def spectra_of_scenes(views: Sequence[SceneView], width: float = TWO_COLUMNS) -> Figure:
    """The same of several scenes, one below the other; `width` in inches."""
    wide = width == TWO_COLUMNS
    most = max(len(view.pixels) for view in views)
    across = most if wide else min(most, 2)
    down = [-(-len(view.pixels) // across) for view in views]
    names = list(dict.fromkeys(_name(each) for view in views for each in view.methods))
    columns = 4 if wide else 2
    with mpl.rc_context(figure_settings()):
        height = 1.5 * sum(down) + 0.25 + 0.16 * -(-(len(names) + 1) // columns)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(sum(down), across, squeeze=False)
        handles: dict[str, Line2D] = {}
        for first, rows, view in zip([sum(down[:at]) for at in range(len(down))], down, views, strict=True):
            own = panels[first : first + rows].ravel()
            for panel in own[len(view.pixels) :]:
                panel.set_axis_off()
            for place, panel in enumerate(own[: len(view.pixels)]):
                for name, line in _draw(panel, view, place):
                    handles.setdefault(name, line)
                where = f"row {view.pixels[place][0]}, column {view.pixels[place][1]}"
                panel.set_title(f"{shorten(view.scene, 30)}\n{where}" if len(views) > 1 else where, fontsize=SMALL)
                panel.set_xlabel("wavelength, nm" if view.nm is not None else "band")
                if place % across == 0:
                    panel.set_ylabel("reflectance")
        literal_legend(
            figure, list(handles.values()), list(handles), loc="outside lower center", ncols=columns, columnspacing=1.2, handlelength=2.2
        )
    return figure


def _draw(panel: Axes, view: SceneView, place: int) -> list[tuple[str, Line2D]]:
    """The spectra at one pixel; the lines by their names."""
    at = view.nm if view.nm is not None else np.arange(1, len(view.curves[0]) + 1)
    truth = "truth" if view.msi is None else "HSI, coarse pixel"
    lines = [(truth, panel.plot(at, view.curves[place], color=INK, linewidth=2.0, label=truth, zorder=2)[0])]
    for each in view.methods:
        look = {"color": series_colour(each.series), "linestyle": series_dash(each.series)}
        lines.append((_name(each), panel.plot(at, each.curves[place], linewidth=1.0, label=_name(each), zorder=3, **look)[0]))  # type: ignore[arg-type]
    return lines


def _name(each: ViewedEstimate) -> str:
    """The name of a method as tables have it, and its tier where there is room."""
    whole = f"{each.label} [{short_tier(each.tier)}]"
    return whole if len(whole) <= _LONGEST else shorten_inside(each.label, _LONGEST)

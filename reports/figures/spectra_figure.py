"""The spectra of a scene at a few pixels, for a paper; `reports.scene.scene_view` has the rules by which scene and pixels are chosen."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures.panels import literal_legend
from reports.scene.scene_view import SceneView
from reports.style import INK, SMALL, TWO_COLUMNS, figure_settings, series_colour, series_dash, short_tier, shorten


def spectra_figure(view: SceneView) -> Figure:
    """The spectra at the chosen pixels: the truth (of a real pair, the HSI's coarse pixel) in black, the methods in colour."""
    count = len(view.pixels)
    at = view.nm if view.nm is not None else np.arange(1, len(view.curves[0]) + 1)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(TWO_COLUMNS, 1.75 + 0.16 * -(-(len(view.methods) + 1) // 4)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, count, squeeze=False)[0]
        for place, panel in enumerate(panels):
            panel.plot(
                at, view.curves[place], color=INK, linewidth=2.0, label="truth" if view.msi is None else "HSI, coarse pixel", zorder=2
            )
            for each in view.methods:
                look = {"color": series_colour(each.series), "linestyle": series_dash(each.series)}
                name = shorten(f"{each.label} [{short_tier(each.tier)}]", 36)
                panel.plot(at, each.curves[place], linewidth=1.0, label=name, zorder=3, **look)
            panel.set_title(f"row {view.pixels[place][0]}, column {view.pixels[place][1]}", fontsize=SMALL)
            panel.set_xlabel("wavelength, nm" if view.nm is not None else "band")
        panels[0].set_ylabel("reflectance")
        handles = panels[0].get_legend_handles_labels()
        literal_legend(figure, *handles, loc="outside lower center", ncols=4, columnspacing=1.2, handlelength=2.2)
    return figure

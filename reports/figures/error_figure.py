"""The error maps of a scene with zoom boxes, for a paper; `reports.scene.scene_view` has the rules by which the scene is chosen."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reports.figures.panels import ZOOM_COLOUR, bare_picture
from reports.scene.error_maps import COLOUR_MAP, colour_scale, shared_limit
from reports.scene.pictures import displayed
from reports.scene.scene_view import SceneView
from reports.style import SMALL, TINY, TWO_COLUMNS, figure_settings, shorten


def error_figure(view: SceneView) -> Figure | None:
    """The false-colour picture, the zoom and the error map of each method, all by one recipe and on one scale of errors.

    None without a truth.
    """
    errors = [each.errors for each in view.methods if each.errors is not None]
    if len(errors) < len(view.methods):
        return None
    row, col, side = view.zoom
    titles = ["Reference", *(shorten(each.label, 20) for each in view.methods)]
    colours = [view.colour, *(each.colour for each in view.methods)]
    limit = shared_limit(errors)
    count, (height, width) = len(titles), view.colour.shape[1:]
    cell = (TWO_COLUMNS - 0.45) / max(count, 4)
    tall = cell * height / width
    with mpl.rc_context(figure_settings()):
        engine = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
        figure = Figure(figsize=(cell * count + 0.45, 2 * tall + cell + 0.36), layout=engine)
        FigureCanvasAgg(figure)
        panels = figure.subplots(3, count, squeeze=False, gridspec_kw={"height_ratios": [tall, cell, tall]})
        for place, (title, colour) in enumerate(zip(titles, colours, strict=True)):
            picture = displayed(colour, view.recipe.gain)
            bare_picture(panels[0, place], picture, (row, col, side))
            panels[0, place].set_title(title, fontsize=SMALL)
            bare_picture(panels[1, place], picture[row : row + side, col : col + side])
            for spine in panels[1, place].spines.values():
                spine.set(visible=True, color=ZOOM_COLOUR, linewidth=1.2)
            if place == 0:
                panels[2, 0].set_axis_off()
                continue
            image = panels[2, place].imshow(
                np.sqrt(np.clip(errors[place - 1] / limit, 0, 1)), cmap=COLOUR_MAP, vmin=0, vmax=1, interpolation="nearest"
            )
            bare_picture(panels[2, place], None, (row, col, side))
            panels[2, place].set_xlabel(f"RMSE {float(np.sqrt((errors[place - 1] ** 2).mean())):.4f}", fontsize=TINY, labelpad=2)
        bar = figure.colorbar(image, ax=panels[2, :].tolist(), fraction=0.03, pad=0.01, aspect=14, extend="max")
        places, texts = zip(*colour_scale(limit).ticks, strict=True)
        bar.set_ticks(places, labels=texts)
        bar.set_label("error of a pixel", fontsize=TINY)
        bar.ax.tick_params(labelsize=TINY)
        panels[2, 0].text(0, 0.5, _reading(view), transform=panels[2, 0].transAxes, fontsize=TINY, va="center", wrap=False)
    return figure


def _reading(view: SceneView) -> str:
    """How to read the figure, for the corner below the reference, which has no error map."""
    lines = [
        shorten(view.scene, 24),
        shorten(view.protocol, 24),
        "",
        "Box: where the",
        "methods differ most.",
        "Errors: root mean",
        "square over bands,",
        "one scale; its tip is",
        "what lies beyond.",
    ]
    return "\n".join(lines)

"""The error maps of a scene with zoom boxes, for a paper; `reports.scene.scene_view` has the rules by which the scene is chosen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reports.figures.labels import name_lines
from reports.figures.panels import ZOOM_COLOUR, bare_picture
from reports.scene.error_maps import COLOUR_MAP, colour_scale, shared_limit
from reports.scene.pictures import displayed
from reports.scene.scene_view import SceneView
from reports.style import SMALL, TINY, TWO_COLUMNS, figure_settings, shorten

_PAGE = 9.4  # inches: no figure is higher than a page
_WORDS = 0.42  # inches: the lines of text of a scene


def error_figure(view: SceneView) -> Figure | None:
    """The false-colour picture, the zoom and the error map of each method, all by one recipe and on one scale of errors.

    None without a truth.
    """
    return errors_of_scenes([view])


def errors_of_scenes(views: Sequence[SceneView], width: float = TWO_COLUMNS) -> Figure | None:
    """The same of several scenes, one below the other, each on a scale of its own; `width` in inches. None where one has no truth."""
    if any(each.errors is None for view in views for each in view.methods):
        return None
    count = max(len(view.methods) for view in views) + 1
    cell = (width - 0.45) / max(count, 4 if width == TWO_COLUMNS else 1)
    shares = [2 * _tall(view, 1.0) + 1.0 for view in views]
    cell = min(cell, (_PAGE - _WORDS * len(views)) / sum(shares))
    heights = [cell * share + _WORDS for share in shares]
    with mpl.rc_context(figure_settings()):
        engine = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
        figure = Figure(figsize=(cell * count + 0.45, sum(heights)), layout=engine)
        FigureCanvasAgg(figure)
        if len(views) == 1:
            _draw(figure, views[0], cell, count)
        else:
            parts = np.atleast_1d(np.asarray(figure.subfigures(len(views), 1, height_ratios=heights)))
            for part, view in zip(parts, views, strict=True):
                _draw(part, view, cell, count)
    return figure


def _tall(view: SceneView, cell: float) -> float:
    """The height of a picture, in inches."""
    height, across = view.colour.shape[1:]
    return float(cell * height / across)


def _draw(figure: Figure | SubFigure, view: SceneView, cell: float, count: int) -> None:
    """One scene: pictures above their zooms above their error maps."""
    errors = [each.errors for each in view.methods if each.errors is not None]
    row, col, side = view.zoom
    letters = max(int(cell * 17), 8)  # that fit above a picture
    titles = ["Reference", *("\n".join(name_lines((each.label, ""), letters)) for each in view.methods)]
    colours = [view.colour, *(each.colour for each in view.methods)]
    limit, tall = shared_limit(errors), _tall(view, cell)
    panels = figure.subplots(3, count, squeeze=False, gridspec_kw={"height_ratios": [tall, cell, tall]})
    for panel in panels[:, len(titles) :].flat:
        panel.set_axis_off()
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
    words = "\n".join(line for text in _reading(view) for line in textwrap.wrap(text, max(int(cell * 19), 10)) or [""])
    panels[2, 0].text(0, 0.5, words, transform=panels[2, 0].transAxes, fontsize=TINY, va="center", wrap=False)


def _reading(view: SceneView) -> list[str]:
    """How to read the figure, for the corner below the reference, which has no error map."""
    where = "the methods differ most" if len(view.methods) > 1 else "the error is largest"
    box = "Box: shown larger below." if view.zoom_asked else f"Box: where {where}."
    errors = "Errors: root mean square over bands, one scale; its tip is what lies beyond."
    return [shorten(view.scene, 24), shorten(view.protocol, 24), "", f"{box} {errors}"]

"""A scene in a paper: error maps with zoom boxes, spectra at chosen pixels, estimated responses beside the true ones.

What is shown is chosen by the rules of `reports.scene_view`, which the figures repeat in small print.
"""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from reports.images import COLOUR_MAP, display, shared_limit
from reports.responses import Responses, draw_kernels
from reports.scene_view import SceneView
from reports.style import DASHES, INK, ONE_COLUMN, PALETTE, SMALL, TINY, TWO_COLUMNS, figure_settings, short_tier, shorten

_BOX = "#f2c100"  # of the zoom: seen on dark and on bright ground


def error_figure(view: SceneView) -> Figure:
    """False colour, the zoom, and the error map of each method; one recipe, one error scale."""
    row, col, side = view.zoom
    titles = ["Reference", *(shorten(shown.label, 20) for shown in view.methods)]
    colours = [view.colour, *(shown.colour for shown in view.methods)]
    errors = [shown.errors for shown in view.methods]
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
            picture = display(colour, view.recipe.gain)
            _picture(panels[0, place], picture, (row, col, side))
            panels[0, place].set_title(title, fontsize=SMALL)
            _picture(panels[1, place], picture[row : row + side, col : col + side])
            for spine in panels[1, place].spines.values():
                spine.set(visible=True, color=_BOX, linewidth=1.2)
            if place == 0:
                panels[2, 0].set_axis_off()
                continue
            shown = panels[2, place].imshow(
                np.sqrt(np.clip(errors[place - 1] / limit, 0, 1)), cmap=COLOUR_MAP, vmin=0, vmax=1, interpolation="nearest"
            )
            _picture(panels[2, place], None, (row, col, side))
            panels[2, place].set_xlabel(f"RMSE {float(np.sqrt((errors[place - 1] ** 2).mean())):.4f}", fontsize=TINY, labelpad=2)
        bar = figure.colorbar(shown, ax=panels[2, :].tolist(), fraction=0.03, pad=0.01, aspect=14)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda position, _: f"{limit * position**2:.2g}"))
        bar.set_label("error of a pixel", fontsize=TINY)
        bar.ax.tick_params(labelsize=TINY)
        panels[2, 0].text(0, 0.5, _told(view), transform=panels[2, 0].transAxes, fontsize=TINY, va="center", wrap=False)
    return figure


def spectra_figure(view: SceneView) -> Figure:
    """The spectra at the chosen pixels: the truth in ink, the methods in colour."""
    count = len(view.pixels)
    at = view.nm if view.nm is not None else np.arange(1, len(view.curves[0]) + 1)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(TWO_COLUMNS, 1.75 + 0.16 * -(-(len(view.methods) + 1) // 4)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, count, squeeze=False)[0]
        for place, panel in enumerate(panels):
            panel.plot(at, view.curves[place], color=INK, linewidth=2.0, label="truth", zorder=2)
            for number, shown in enumerate(view.methods):
                look = {"color": PALETTE[number % len(PALETTE)], "linestyle": DASHES[number % len(DASHES)]}
                panel.plot(
                    at, shown.curves[place], linewidth=1.0, label=shorten(f"{shown.label} [{short_tier(shown.tier)}]", 36), zorder=3, **look
                )
            panel.set_title(f"row {view.pixels[place][0]}, column {view.pixels[place][1]}", fontsize=SMALL)
            panel.set_xlabel("wavelength, nm" if view.nm is not None else "band")
        panels[0].set_ylabel("reflectance")
        legend = figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, columnspacing=1.2, handlelength=2.2
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def responses_figure(view: SceneView) -> Figure | None:
    """The true PSF and SRF and those that methods estimated; None where nobody estimated any."""
    estimated = [(shown.label, shown.responses) for shown in view.methods if shown.responses is not None]
    if not estimated:
        return None
    found = [("true", view.true if view.true is not None else Responses()), *estimated]
    kernels = draw_kernels([each for _, each in found])
    count = len(found)
    curves = [(label, each) for label, each in estimated if each.weights is not None]
    with mpl.rc_context(figure_settings()):
        width = ONE_COLUMN if count < 4 else TWO_COLUMNS
        figure = Figure(
            figsize=(width, (1.35 if any(k is not None for k in kernels) else 0.0) + (1.9 if curves else 0.0)), layout="constrained"
        )
        FigureCanvasAgg(figure)
        rows = figure.subfigures(1 + bool(curves), 1, height_ratios=[1.35, *([1.9] if curves else [])], squeeze=False)[:, 0]
        for panel, (label, _), kernel in zip(rows[0].subplots(1, count, squeeze=False)[0], found, kernels, strict=True):
            panel.set_title(_on_two_lines(f"PSF, {label}", 22), fontsize=SMALL)
            if kernel is None:
                panel.text(0.5, 0.5, "not stored" if label == "true" else "not estimated", ha="center", va="center", fontsize=TINY)
                panel.set_axis_off()
            else:
                _picture(panel, kernel)
        if curves:
            _srf_panels(rows[1], view, curves)
    return figure


def _srf_panels(part: mpl.figure.SubFigure, view: SceneView, curves: list[tuple[str, Responses]]) -> None:
    """One panel a method: its channels in colour and dashed, the true ones plain in grey."""
    panels = part.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for panel, (label, each) in zip(panels, curves, strict=True):
        weights = each.weights
        if weights is None:
            continue
        at = view.nm if view.nm is not None and len(view.nm) == weights.shape[1] else np.arange(1, weights.shape[1] + 1)
        true = view.true.weights if view.true is not None else None
        for channel, values in enumerate(weights):
            if true is not None and true.shape == weights.shape:
                panel.plot(at, true[channel], color=INK, alpha=0.35, linewidth=2.4)
            panel.plot(at, values, color=PALETTE[channel % len(PALETTE)], linestyle="--", linewidth=1.0)
        panel.set_title(_on_two_lines(f"SRF, {label} (grey: true)", 30), fontsize=SMALL)
        panel.set_xlabel("wavelength, nm" if view.nm is not None else "band")
    panels[0].set_ylabel("weight")


def _on_two_lines(text: str, width: int) -> str:
    """`text` in at most two lines of about so many characters; what does not fit is left out."""
    lines = textwrap.wrap(" ".join(text.split()), width)
    return "\n".join([lines[0], shorten(" ".join(lines[1:]), width)]) if len(lines) > 1 else text


def _picture(panel: Axes, picture: np.ndarray | None, zoom: tuple[int, int, int] | None = None) -> None:
    """The picture without axes, and the zoom's box on it."""
    if picture is not None:
        panel.imshow(picture, interpolation="nearest")
    panel.grid(visible=False)
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)
    if zoom is not None:
        row, col, side = zoom
        panel.add_patch(Rectangle((col - 0.5, row - 0.5), side, side, fill=False, edgecolor=_BOX, linewidth=1.0))


def _told(view: SceneView) -> str:
    """What was chosen, for the corner that the reference has no error map for."""
    lines = [
        shorten(view.scene, 24),
        shorten(view.protocol, 24),
        "",
        "Box: where the",
        "methods differ most.",
        "Errors: root mean",
        "square over bands,",
        "one scale.",
    ]
    return "\n".join(lines)

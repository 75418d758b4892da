"""Estimated sensor responses of a scene beside the true ones, for a paper: the PSFs as pictures, the SRFs as curves."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures.channel_colours import channel_colours
from reports.figures.panels import bare_picture
from reports.scene.scene_view import SceneView
from reports.scene.sensor_responses import SensorResponses, kernel_pictures
from reports.style import INK, ONE_COLUMN, SMALL, TINY, TWO_COLUMNS, figure_settings, shorten


def responses_figure(view: SceneView) -> Figure | None:
    """The true (of a real pair: the known) PSF and SRF and those that the methods estimated; None where no method estimated any."""
    estimated = [(each.label, each.responses) for each in view.methods if each.responses is not None]
    if not estimated:
        return None
    word = "true" if view.msi is None else "known"
    responses = [(word, view.true if view.true is not None else SensorResponses()), *estimated]
    kernels = kernel_pictures([each for _, each in responses])
    count = len(responses)
    curves = [(label, each) for label, each in estimated if each.weights is not None]
    with mpl.rc_context(figure_settings()):
        width = ONE_COLUMN if count < 4 else TWO_COLUMNS
        figure = Figure(
            figsize=(width, (1.35 if any(k is not None for k in kernels) else 0.0) + (1.9 if curves else 0.0)), layout="constrained"
        )
        FigureCanvasAgg(figure)
        rows = figure.subfigures(1 + bool(curves), 1, height_ratios=[1.35, *([1.9] if curves else [])], squeeze=False)[:, 0]
        for panel, (label, _), kernel in zip(rows[0].subplots(1, count, squeeze=False)[0], responses, kernels, strict=True):
            panel.set_title(_on_two_lines(f"PSF, {label}", 22), fontsize=SMALL)
            if kernel is None:
                panel.text(
                    0.5,
                    0.5,
                    {"true": "not stored", "known": "not known"}.get(label, "not estimated"),
                    ha="center",
                    va="center",
                    fontsize=TINY,
                )
                panel.set_axis_off()
            else:
                bare_picture(panel, kernel)
        if curves:
            _srf_panels(rows[1], view, curves, word)
    return figure


def _srf_panels(part: mpl.figure.SubFigure, view: SceneView, curves: list[tuple[str, SensorResponses]], word: str) -> None:
    """One panel per method: the curves of its channels dashed and in colour, the true (or known) ones solid and grey."""
    panels = part.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for panel, (label, each) in zip(panels, curves, strict=True):
        weights = each.weights
        if weights is None:
            continue
        at = view.nm if view.nm is not None and len(view.nm) == weights.shape[1] else np.arange(1, weights.shape[1] + 1)
        true = view.true.weights if view.true is not None and view.true.weights is not None else None
        fits = true is not None and true.shape == weights.shape
        leading = true if true is not None and fits else weights
        names = view.true.names if view.true is not None and len(view.true.names) == len(weights) else ()
        colours = channel_colours(leading, None if view.nm is None else [float(value) for value in view.nm])
        for channel, (values, colour) in enumerate(zip(weights, colours, strict=True)):
            if true is not None and fits:
                panel.plot(at, true[channel], color=INK, alpha=0.35, linewidth=2.4)
            panel.plot(at, values, color=colour, linestyle="--", linewidth=1.0)
            name = names[channel] if names else f"{channel + 1}"
            top = float(max(values.max(), leading[channel].max()))
            panel.annotate(
                shorten(name, 10),
                (at[int(leading[channel].argmax())], top),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=TINY,
                color=colour,
                parse_math=False,
            )
        grey = f" (grey: {word})" if fits else ""
        panel.set_title(_on_two_lines(f"SRF, {label}{grey}", 30), fontsize=SMALL)
        panel.set_xlabel("wavelength, nm" if view.nm is not None else "band")
    panels[0].set_ylabel("weight")


def _on_two_lines(text: str, width: int) -> str:
    """`text` on at most two lines of about `width` characters; the rest is cut off."""
    lines = textwrap.wrap(" ".join(text.split()), width)
    return "\n".join([lines[0], shorten(" ".join(lines[1:]), width)]) if len(lines) > 1 else text

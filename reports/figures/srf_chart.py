"""The chart of an estimated SRF for the page: a dashed line per channel, in its colour and with its name above, the true SRF behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from reports.figures.channel_colours import channel_colours
from reports.figures.svg_chart import NARROW, ChartLine, Point, line_chart, linear_axis, spread_names
from reports.scene.sensor_responses import SensorResponses, Weights
from reports.style import shorten

_NAME = 8  # characters of a channel's name above the plot


def srf_chart(
    label: str, estimated: Weights, true: SensorResponses | None, nm: Float[np.ndarray, " bands"] | None, word: str = "true"
) -> Markup:
    """The curves of the channels, relative to the largest true weight; the true ones only where they have the same shape.

    `word` stands for "true": what is known of a real sensor need not be the truth.
    """
    at = [float(value) for value in (nm if nm is not None else np.arange(1, estimated.shape[1] + 1))]
    reference = true.weights if true is not None and true.weights is not None and true.weights.shape == estimated.shape else None
    names = (
        true.names if true is not None and len(true.names) == len(estimated) else tuple(f"channel {c + 1}" for c in range(len(estimated)))
    )
    most = float((estimated if reference is None else reference).max()) or 1.0
    lines = (
        []
        if reference is None
        else [ChartLine(f"{name}, {word}", -1, _curve(at, w / most)) for name, w in zip(names, reference, strict=True)]
    )
    colours = channel_colours(estimated if reference is None else reference, at if nm is not None else None)
    lines += [
        ChartLine(f"{name}, estimated", c, _curve(at, w / most), colour=colours[c])
        for c, (name, w) in enumerate(zip(names, estimated, strict=True))
    ]
    top = max([1.0, *(value or 0.0 for line in lines for _, value in line.points)])
    low = min([0.0, *(value or 0.0 for line in lines for _, value in line.points)])
    x = linear_axis(at[0], at[-1])
    peaks = [NARROW.across(x.share(at[int(w.argmax())])) for w in (estimated if reference is None else reference)]
    widest = 5.6 * max(len(shorten(name, _NAME)) for name in names) + 4
    places = spread_names(peaks, NARROW.left + widest / 2, NARROW.width - widest / 2, widest)
    return line_chart(
        lines,
        x,
        linear_axis(low, top),
        title=f"SRF estimated by {label}" + ("" if reference is None else f", against the {word} one"),
        x_label="wavelength, nm" if nm is not None else "band",
        y_label="weight / largest",
        box=NARROW,
        names=[(place, shorten(name, _NAME), colour) for place, name, colour in zip(places, names, colours, strict=True)],
    )


def _curve(at: Sequence[float], weights: Float[np.ndarray, " bands"]) -> list[Point]:
    """The points of one channel."""
    return [(place, float(weight)) for place, weight in zip(at, weights, strict=True)]

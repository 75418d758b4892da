"""The chart of an estimated SRF for the page: one dashed line per channel, the true SRF behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from reports.figures.svg_chart import NARROW, ChartLine, Point, line_chart, linear_axis
from reports.scene.sensor_responses import SensorResponses, Weights


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
    lines += [ChartLine(f"{name}, estimated", c, _curve(at, w / most)) for c, (name, w) in enumerate(zip(names, estimated, strict=True))]
    top = max([1.0, *(value or 0.0 for line in lines for _, value in line.points)])
    low = min([0.0, *(value or 0.0 for line in lines for _, value in line.points)])
    return line_chart(
        lines,
        linear_axis(at[0], at[-1]),
        linear_axis(low, top),
        title=f"SRF estimated by {label}" + ("" if reference is None else f", against the {word} one"),
        x_label="wavelength, nm" if nm is not None else "band",
        y_label="weight, relative to the largest",
        box=NARROW,
    )


def _curve(at: Sequence[float], weights: Float[np.ndarray, " bands"]) -> list[Point]:
    """The points of one channel."""
    return [(place, float(weight)) for place, weight in zip(at, weights, strict=True)]

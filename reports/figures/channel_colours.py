"""The colours of the curves of a sensor's channels: near those of the light that each one sees, visible on a light and on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.scene.display_channels import mean_wavelengths
from reports.scene.sensor_responses import Weights
from reports.style import PALETTE

_COLOURS = (  # up to which centre in nm: a contrast of 3 or more against white and against the dark page
    (435.0, "#8a63d2"),
    (495.0, "#2f7fe0"),
    (520.0, "#14939c"),
    (570.0, "#2f9a45"),
    (598.0, "#94861a"),
    (622.0, "#cf6f1a"),
    (700.0, "#d8433f"),
    (780.0, "#b0527a"),
)
_INFRARED = "#8f7a72"


def channel_colours(weights: Weights, nm: Sequence[float] | None) -> list[str]:
    """The colour of each channel of an SRF over bands at `nm`, in hexadecimal digits; of `PALETTE` where nothing is known of the light.

    Two channels of like light, such as two in the infrared, have one colour: their names stand beside the curves.
    """
    if nm is None or len(nm) != weights.shape[1] or not (weights.clip(0).sum(axis=1) > 0).all():
        return [PALETTE[place % len(PALETTE)] for place in range(len(weights))]
    centres = [float(value) for value in mean_wavelengths(weights, np.asarray(nm))]
    return [next((colour for end, colour in _COLOURS if centre < end), _INFRARED) for centre in centres]

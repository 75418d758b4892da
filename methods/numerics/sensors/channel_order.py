"""The order of an MSI's channels by wavelength, for networks whose weights were trained with one order."""

from __future__ import annotations

from typing import Literal

import torch

from datasets.observation import Observation
from methods.contract import RefusedError

WavelengthOrder = Literal["falling", "rising"]
LEAST_GAP_NM = 1.0  # between the centres of two channels; closer ones have no order that means anything


def channel_centres(seen: Observation) -> list[float]:
    """The centre wavelength of each channel in nm: the mean wavelength, weighted by the channel's response, which must be revealed."""
    weights = seen.srf.weights.double().cpu().clamp(min=0)
    return ((weights @ seen.wavelengths.double().cpu()) / weights.sum(1)).tolist()


def wavelength_order(method: str, seen: Observation, order: WavelengthOrder) -> list[int]:
    """The numbers of the channels from the longest centre wavelength to the shortest ("falling"), or the other way round ("rising").

    The falling order of a colour camera is red, green, blue.

    Raises:
        RefusedError: two centres are less than 1 nm apart, so that the order of the channels means nothing. `method` is named in it.
    """
    centres = channel_centres(seen)
    places = sorted(range(len(centres)), key=lambda channel: centres[channel], reverse=order == "falling")
    gaps = torch.tensor([centres[place] for place in places]).diff().abs()
    if len(gaps) and not float(gaps.min()) >= LEAST_GAP_NM:
        shown = ", ".join(f"{centre:.0f}" for centre in centres)
        raise RefusedError(
            f"{method}: expected channels whose centre wavelengths are at least {LEAST_GAP_NM:g} nm apart, since its weights need them in "
            f"{order} order, got centres at {shown} nm; give it a sensor with distinct colours"
        )
    return places

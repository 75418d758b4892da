"""Which channels of an image become red, green and blue on a screen: one rule for the HSI, the MSI and every estimate.

wavelengths known     the channels whose centres are nearest 640, 550 and 460 nm, where these are three, each within `REACH_NM` of its aim;
                      else (an infrared range, a sensor without blue) false colour: the channels at 5/6, 1/2 and 1/6 of the order of
                      wavelengths, so that longer waves are redder
wavelengths unknown   the channels at 5/6, 1/2 and 1/6 of the order of the bands; of an MSI without any response the first three in turn
one or two channels   grey: the one nearest 550 nm

The centre of a channel is the mean wavelength under its response curve (curves below zero count as zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RGB_NM = (640.0, 550.0, 460.0)
REACH_NM = 60.0  # how far a channel may be from what it is shown as
_SHARES = (5 / 6, 1 / 2, 1 / 6)  # of the order of the channels, for red, green and blue


@dataclass(frozen=True)
class DisplayChannels:
    """The channels shown as red, green and blue, counted from 0; in grey all three are the same one."""

    places: tuple[int, int, int]
    nm: tuple[float, float, float] | None  # their centres; None where they are not known
    as_seen: bool  # whether red, green and blue stand for what the eye sees as such
    noun: str = "channel"  # or band

    @property
    def grey(self) -> bool:
        """Whether one channel is shown in grey."""
        return len(set(self.places)) == 1

    @property
    def text(self) -> str:
        """Which channels these are, counted from 1: "red, green, blue: channels 5, 3, 2 at 659, 546, 478 nm"."""
        if self.grey:
            at = "" if self.nm is None else f" at {self.nm[0]:.0f} nm"
            return f"grey: {self.noun} {self.places[0] + 1}{at}"
        which = ", ".join(str(place + 1) for place in self.places)
        at = ", centres not known" if self.nm is None else f" at {', '.join(f'{nm:.0f}' for nm in self.nm)} nm"
        return f"{'red, green, blue' if self.as_seen else 'false colour'}: {self.noun}s {which}{at}"

    def of(self, cube: Float[np.ndarray, "channels H W"]) -> Float[np.ndarray, "3 H W"]:
        """The three channels of this cube."""
        return np.stack([cube[place] for place in self.places])


def display_channels(count: int, centres_nm: Sequence[float] | None, noun: str = "channel") -> DisplayChannels:
    """The channels to show of an image of `count` channels with these centres in nm, in any order; None where they are not known."""
    if centres_nm is None:
        places = _spread(list(range(count))) if count >= 3 else (0, 0, 0)
        return DisplayChannels(places, None, as_seen=False, noun=noun)
    centres = np.asarray(centres_nm, dtype=np.float64)
    nearest = [int(np.abs(centres - wanted).argmin()) for wanted in RGB_NM]
    if count < 3:
        chosen, as_seen = (nearest[1], nearest[1], nearest[1]), False
    elif len(set(nearest)) == 3 and all(abs(centres[at] - wanted) <= REACH_NM for at, wanted in zip(nearest, RGB_NM, strict=True)):
        chosen, as_seen = (nearest[0], nearest[1], nearest[2]), True
    else:
        chosen, as_seen = _spread([int(at) for at in np.argsort(centres, kind="stable")]), False
    red, green, blue = (float(centres[at]) for at in chosen)
    return DisplayChannels(chosen, (red, green, blue), as_seen, noun)


def msi_channels(
    count: int, weights: Float[np.ndarray, "channels bands"] | None, nm: Float[np.ndarray, " bands"] | None
) -> DisplayChannels:
    """The channels to show of an MSI of `count` channels whose SRF has these weights over bands at `nm`; either may not be known.

    Where the bands have no wavelengths, the channels are ordered by the middle of their weights over the band numbers, which rise with the
    wavelength.
    """
    if weights is None or weights.shape[0] != count or not (weights.clip(0).sum(axis=1) > 0).all():
        first = (0, 1, 2) if count >= 3 else (0, 0, 0)
        return DisplayChannels(first, None, as_seen=False)
    if nm is not None and len(nm) == weights.shape[1]:
        return display_channels(count, mean_wavelengths(weights, nm).tolist())
    order = np.argsort(mean_wavelengths(weights, np.arange(weights.shape[1], dtype=np.float64)), kind="stable")
    return DisplayChannels(_spread([int(at) for at in order]) if count >= 3 else (0, 0, 0), None, as_seen=False)


def mean_wavelengths(weights: Float[np.ndarray, "channels bands"], nm: Float[np.ndarray, " bands"]) -> Float[np.ndarray, " channels"]:
    """The mean wavelength under each response curve, in the unit of `nm`."""
    positive = np.asarray(weights, dtype=np.float64).clip(0)
    return np.asarray(positive @ nm / positive.sum(axis=1))


def _spread(order: Sequence[int]) -> tuple[int, int, int]:
    """The channels at 5/6, 1/2 and 1/6 of this order."""
    red, green, blue = (order[min(int(len(order) * share), len(order) - 1)] for share in _SHARES)
    return red, green, blue

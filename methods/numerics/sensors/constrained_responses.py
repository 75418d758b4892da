"""Both sensor responses from the pair itself, by a projected gradient: the first stage of M2U-Net. Li et al., IEEE TGRS 2024.

With P_i the window of the MSI around coarse pixel i (channels x taps), b the PSF's taps and R the SRF,

    minimise  sum over i of |P_i b - R hsi_i|_1        b >= 0, sum of b = 1,    R >= 0, rows of R sum to 1

by Adam from flat responses: 3000 steps at the rate 1e-3, then 3000 at a rate that falls linearly to 0. After each step b and the rows of R
are projected onto their constraints. b is a correlation kernel. (The original also clips both sides to 0..1; here they are not clipped,
since values of a sensor may exceed 1.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.networks.fitting import minimise, steady_then_falling
from methods.numerics.sensors.smooth_responses import place_kernel, psf_window

RATE = 1e-3
STEADY_STEPS, FALLING_STEPS = 3000, 3000


def constrained_responses(
    seen: Observation, window_ratio: float = 2.0, steps: tuple[int, int] = (STEADY_STEPS, FALLING_STEPS), rate: float = RATE
) -> tuple[SpatialResponse, SpectralResponse]:
    """The PSF (periodic) and the SRF of the pair, in its dtype. No random numbers are drawn.

    `window_ratio` is the side of the window in coarse pixels. `steps` are the number of steps at the full `rate` and the number of steps at
    the falling rate.
    """
    sides, first = psf_window(seen, round(window_ratio * seen.ratio))
    windows = _msi_windows(seen, sides, first)
    pixels = seen.hsi.flatten(1)
    channels, bands = seen.msi.shape[0], seen.hsi.shape[0]
    taps = windows.shape[1]
    start = [windows.new_full((taps,), 1 / taps), windows.new_full((channels, bands), 1 / bands)]

    def loss(parameters: Sequence[Tensor]) -> Tensor:
        kernel, weights = (_on_plane(values) for values in parameters)
        return ((windows @ kernel).view(channels, -1) - weights @ pixels).abs().sum()

    rates = steady_then_falling(rate, *steps)
    kernel, weights = (values.double() for values in minimise(loss, start, rates, epsilon=1e-8, project=_onto_simplex))
    psf = place_kernel((kernel / kernel.sum()).reshape(sides).to(seen.hsi), first, seen.ratio)
    return psf, SpectralResponse((weights / weights.sum(1, keepdim=True)).to(seen.hsi))


def _on_plane(values: Tensor) -> Tensor:
    """The same values, moved so that they sum to 1 along the last axis; the mean of their gradient over the weights above 0 is removed.

    The mean is the part of the gradient that changes the sum. It would be the largest part of what Adam sees, and the projection would undo
    it after each step.
    """
    active = (values.detach() > 0).to(values)
    return values + active / active.sum(-1, keepdim=True) * (1 - values.sum(-1, keepdim=True))


def _onto_simplex(parameters: Sequence[Tensor]) -> None:
    """Replaces each tensor by the nearest weights that are >= 0 and sum to 1 along the last axis: max(x - t, 0) with the right t."""
    for values in parameters:
        falling = values.sort(-1, descending=True)[0]
        count = torch.arange(1, values.shape[-1] + 1, device=values.device, dtype=values.dtype)
        threshold = ((falling.cumsum(-1) - 1) / count).amax(-1, keepdim=True)
        values.sub_(threshold).clamp_(min=0)


def _msi_windows(seen: Observation, sides: tuple[int, int], first: tuple[int, int]) -> Float[Tensor, "equations taps"]:
    """P of the module docstring, one channel after the other. Beyond the border the edge pixel is repeated."""
    index = [
        (start + seen.ratio * torch.arange(size // seen.ratio)[:, None] + torch.arange(taps)).clamp(0, size - 1).to(seen.msi.device)
        for size, start, taps in zip(seen.msi.shape[1:], first, sides, strict=True)
    ]
    windows = seen.msi[:, index[0][:, None, :, None], index[1][None, :, None, :]]
    return windows.reshape(-1, sides[0] * sides[1])

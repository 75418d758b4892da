"""The pair that a repeated call is given: all but the same numbers, in tensors that the method has never seen.

If every call were given the same pair, a method that keeps its answer, by the values or by the objects, would be timed while it looks the
answer up. So a repeated call is given the pair with noise, another one at each call,

    uniform in -a..a,     a = 1e-6 of the image's root mean square

which no answer depends on (float32 itself rounds by 6e-8), and everything else as new tensors of equal values. No value leaves the range
that its band has, and zeros stay zeros: so a constant band stays constant, a masked pixel stays masked, and what is not negative stays so.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from datasets.observation import Known, Observation

NOISE_SHARE = 1e-6  # of the root mean square of an image
_NOISE_SEED = 20_260_101
_BLOCK = 2**17  # values that are worked on at a time
_ALIGNED = 64  # bytes: to a multiple of that torch aligns memory


def fresh_pair(seen: Observation, number: int | None) -> Observation:
    """The pair in new tensors of the same type, strides, device and alignment.

    The images have the noise of call `number`; with None they have none.
    """
    rng = None if number is None else torch.Generator().manual_seed(_NOISE_SEED + number)
    psf, srf = seen.known.psf, seen.known.srf
    return replace(
        seen,
        hsi=_renew(seen.hsi) if rng is None else _disturb(seen.hsi, rng),
        msi=_renew(seen.msi) if rng is None else _disturb(seen.msi, rng),
        wavelengths=_renew(seen.wavelengths),
        known=Known(
            None if psf is None else replace(psf, kernel=_renew(psf.kernel)),
            None if srf is None else replace(srf, weights=_renew(srf.weights)),
            None if seen.known.noise is None else replace(seen.known.noise),
        ),
    )


def _disturb(image: Tensor, rng: torch.Generator) -> Tensor:
    """The image in a new tensor, with noise; by a few bands at a time, which take little memory."""
    fresh = _renew(image)
    width = NOISE_SHARE * _root_mean_square(image)
    for bands in _blocks(fresh):
        noise = torch.rand(bands.shape, generator=rng, dtype=torch.float32).mul_(2).sub_(1).to(bands)
        low, high = bands.amin((-2, -1), keepdim=True), bands.amax((-2, -1), keepdim=True)
        bands.add_(noise.mul_(width).mul_(bands != 0)).clamp_(low, high)
    return fresh


def _root_mean_square(image: Tensor) -> float:
    """Over all values, in float64 by a few bands at a time."""
    return float((sum(float(bands.double().square().sum()) for bands in _blocks(image)) / image.numel()) ** 0.5)


def _blocks(image: Tensor) -> tuple[Tensor, ...]:
    """Views of a few bands each, with some `_BLOCK` values together, or of one band."""
    return torch.split(image, max(1, _BLOCK // max(1, image[0].numel())))


def _renew(values: Tensor) -> Tensor:
    """A new tensor of the same values, type, strides, device and alignment."""
    values = values.detach()
    if not values.is_contiguous() and not _is_dense(values):
        return values.clone()
    room, size = _ALIGNED // values.element_size(), values.element_size()
    memory = torch.empty(values.numel() + room, dtype=values.dtype, device=values.device)
    away = (values.data_ptr() - memory.data_ptr()) % _ALIGNED if values.device.type in ("cpu", "cuda") else 0
    start = away // size if away % size == 0 else 0
    return memory.as_strided(values.shape, values.stride(), start).copy_(values)


def _is_dense(values: Tensor) -> bool:
    """Whether the values fill one piece of memory in some order of the axes, without gaps and without sharing places."""
    expected = 1
    for size, stride in sorted(zip(values.shape, values.stride(), strict=True), key=lambda axis: axis[1]):
        if size != 1 and stride != expected:
            return False
        expected *= size if size != 1 else 1
    return True

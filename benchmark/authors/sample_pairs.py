"""Small random pairs for the contract's checks and for tests: not square, with lopsided kernels, and never of a real scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import gcd
from typing import overload

import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation
from methods.contract import Card, Example

USUAL_SIZE = (31, 3)  # bands and channels that no card may refuse
SAMPLE_NOISE = NoiseLevel(0.01, 0.02)  # the level that is stated for these pairs, which hold no noise: a prior that methods must live with


_USUAL: ContextVar[tuple[int, int]] = ContextVar("ratio and divisor of the sides of sample pairs", default=(4, 1))


@contextmanager
def usual_pairs(ratio: int, divisor: int) -> Iterator[None]:
    """Inside the block, pairs whose ratio is not stated have this one, and fine sides that `divisor` divides."""
    before = _USUAL.set((ratio, divisor))
    try:
        yield
    finally:
        _USUAL.reset(before)


def random_pair(
    bands: int, channels: int, *, ratio: int | None = None, coarse: tuple[int, int] | None = None, seed: int = 0
) -> Observation:
    """The observation of a smooth random cube, with both responses and a noise level known.

    Args:
        bands: number of bands of the HSI.
        channels: number of channels of the MSI.
        ratio: fine pixels per coarse pixel, along each axis; 4 outside of `usual_pairs`.
        coarse: rows and columns of the HSI; 4 and 6, or a little more where `usual_pairs` asks for it.
        seed: decides the cube; the two sensors depend on bands, channels and ratio alone.
    """
    return random_example(bands, channels, ratio=ratio, coarse=coarse, seed=seed).seen


def random_example(bands: int, channels: int, *, ratio: int | None = None, coarse: tuple[int, int] | None = None, seed: int = 0) -> Example:
    """The observation that `random_pair` gives, together with its truth. The arguments are those of `random_pair`."""
    usual, divisor = _USUAL.get()
    ratio = usual if ratio is None else ratio
    step = divisor // gcd(divisor, ratio)  # of the coarse sides
    rows, cols = (4, 6) if coarse is None else coarse
    coarse = -(-rows // step) * step, -(-cols // step) * step
    rng = torch.Generator().manual_seed(seed)
    rows, cols = coarse[0] * ratio, coarse[1] * ratio
    maps = torch.nn.functional.interpolate(torch.rand(1, 4, 3, 5, generator=rng), size=(rows, cols), mode="bilinear", align_corners=True)[0]
    spectra = torch.rand(bands, 4, generator=rng)
    cube = torch.einsum("be,ehw->bhw", spectra, maps) / 4 + 0.02 * torch.rand(bands, rows, cols, generator=rng)
    rng.manual_seed(0)  # the sensors
    kernel = torch.rand(ratio - 1, ratio - 1, generator=rng) + 0.2
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2 - 1)
    weights = torch.rand(channels, bands, generator=rng) + 0.01
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    wavelengths = torch.linspace(400, 1000, bands)
    return Example(Observation(psf(cube), srf(cube), wavelengths, ratio, psf.centre, Known(psf, srf, SAMPLE_NOISE)), cube)


@dataclass(frozen=True, eq=False)
class Lessons(Sequence[Example]):
    """Training examples without end: two random examples in turn, as large as the observation `like`, with what `card` asks for.

    Their truth is there for a card with supervision="truth" alone.
    """

    card: Card
    like: Observation

    def __len__(self) -> int:
        return 10**9

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        hsi, msi = self.like.hsi, self.like.msi
        size = (int(hsi.shape[1]), int(hsi.shape[2]))
        example = random_example(hsi.shape[0], msi.shape[0], ratio=self.like.ratio, coarse=size, seed=1 + index % 2)
        truth = example.truth.to(hsi) if example.truth is not None and self.card.supervision == "truth" else None
        return Example(self.card.entitle(example.seen).to(hsi.device, hsi.dtype), truth)

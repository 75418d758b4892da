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

USUAL_BANDS, USUAL_CHANNELS, USUAL_RATIO = 31, 3, 4  # where the card takes them; else the nearest that it takes
SAMPLE_NOISE = NoiseLevel(0.01, 0.02)  # the level that is stated for these pairs, which hold no noise: a prior that methods must live with

_DIVISOR: ContextVar[int] = ContextVar("divisor of the sides of sample pairs", default=1)


@contextmanager
def sides_divided_by(divisor: int) -> Iterator[None]:
    """Inside the block, the fine sides of all pairs can be divided by `divisor`: they are a little larger where need be."""
    before = _DIVISOR.set(divisor)
    try:
        yield
    finally:
        _DIVISOR.reset(before)


def random_pair(bands: int, channels: int, *, ratio: int = USUAL_RATIO, coarse: tuple[int, int] = (4, 6), seed: int = 0) -> Observation:
    """The observation of a smooth random cube, with both responses and a noise level known.

    Args:
        bands: number of bands of the HSI.
        channels: number of channels of the MSI.
        ratio: fine pixels per coarse pixel, along each axis.
        coarse: rows and columns of the HSI; a little more where `sides_divided_by` asks for it.
        seed: decides the cube; the two sensors depend on bands, channels and ratio alone.
    """
    return random_example(bands, channels, ratio=ratio, coarse=coarse, seed=seed).seen


def usual_size(card: Card) -> tuple[int, int]:
    """The bands and channels of the pair of most checks: 31 and 3, or the nearest numbers that the card takes."""
    sizes = ((USUAL_BANDS, card.min_bands, card.max_bands), (USUAL_CHANNELS, card.min_channels, card.max_channels))
    bands, channels = (max(low, usual if high is None else min(usual, high)) for usual, low, high in sizes)
    return bands, channels


def usual_ratio(card: Card) -> int:
    """The ratio of the pair of most checks: 4, or the nearest that the card takes."""
    return min(card.ratios, key=lambda ratio: abs(ratio - USUAL_RATIO)) if card.ratios else USUAL_RATIO


def usual_whole(card: Card, coarse: tuple[int, int] = (4, 6)) -> Observation:
    """A pair of the usual size for this card, with everything known of its sensors."""
    return random_pair(*usual_size(card), ratio=usual_ratio(card), coarse=coarse)


def usual_pair(card: Card, coarse: tuple[int, int] = (4, 6)) -> Observation:
    """The same pair with what the card asks for, and nothing else."""
    return card.entitle(usual_whole(card, coarse))


def random_example(bands: int, channels: int, *, ratio: int = USUAL_RATIO, coarse: tuple[int, int] = (4, 6), seed: int = 0) -> Example:
    """The observation that `random_pair` gives, together with its truth. The arguments are those of `random_pair`."""
    divisor = _DIVISOR.get()
    step = divisor // gcd(divisor, ratio)  # of the coarse sides
    coarse = -(-coarse[0] // step) * step, -(-coarse[1] // step) * step
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

"""Facts on methods/gaussian/kriging/footprints.py and on the kernel of surroundings and place.

Oracles: sums over pixels written as loops, scipy's Gaussian filter, the unfolded PSF through its own operator, and a scene whose
spectra are told apart by the surroundings alone.
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import Example
from methods.gaussian.kriging.footprints import (
    FAINT,
    SURROUNDINGS,
    Footprints,
    affordable,
    choose_supports,
    chromatic_spread,
    surroundings,
)
from methods.gaussian.kriging.method import Method
from methods.gaussian.kriging.pixel_features import FLOOR, PixelFeatures, kernel, noise_variance

ROWS, COLS, RATIO = 12, 20, 4
NUMBERS = torch.tensor([-0.9, 0.3, -1.2, 0.4, -3.0, -4.0, 0.2, -1.5, -0.5], dtype=torch.float64)


def image(seed: int, channels: int = 2) -> torch.Tensor:
    return torch.rand(channels, ROWS, COLS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.05


def lopsided_psf() -> SpatialResponse:
    """3 x 4 taps at phase 1: no footprint crosses the border of a 12 x 20 image."""
    taps = torch.rand(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.1
    return SpatialResponse(taps / taps.sum(), RATIO, 1)


def chromaticity(msi: torch.Tensor, unit: float, row: int, col: int) -> tuple[list[float], float]:
    values = [float(value) for value in msi[:, row, col]]
    brightness = sum(values) + FLOOR * unit
    return [value / brightness for value in values], brightness


def kernel_of_two(msi: torch.Tensor, around: torch.Tensor, unit: float, a: tuple[int, int], b: tuple[int, int]) -> float:
    """k between the fine pixels a and b, number by number."""
    lengths = [exp(number) for number in NUMBERS.tolist()]
    squared = 0.0
    for source, length, log_length in ((msi, lengths[0], lengths[1]), (around, lengths[8], 10 * lengths[8])):
        (ca, sa), (cb, sb) = (chromaticity(source, unit, *place) for place in (a, b))
        squared += sum((p - q) ** 2 for p, q in zip(ca, cb, strict=True)) / length**2
        squared += (np.log(sa) - np.log(sb)) ** 2 / log_length**2
    reach = sqrt(5 * squared)
    colour = (1 + reach + reach**2 / 3) * exp(-reach)
    near = 1.0
    for p, q in zip(a, b, strict=True):
        step = sqrt(3) * abs(p - q) / COLS / lengths[2]
        near *= (1 + step) * exp(-step)
    share = 1 / (1 + exp(-float(NUMBERS[3])))
    return float(colour * (share + (1 - share) * near))


def fine_pixels(msi: torch.Tensor, around: torch.Tensor, unit: float) -> PixelFeatures:
    place = torch.cartesian_prod(torch.arange(ROWS), torch.arange(COLS)).double() / COLS
    return PixelFeatures.of(msi, place, unit, around)


def test_surroundings_are_the_gaussian_mean() -> None:
    msi = image(3)
    expected = np.stack([gaussian_filter(channel, SURROUNDINGS, mode="nearest", truncate=3.0) for channel in msi.numpy()])
    torch.testing.assert_close(surroundings(msi), torch.from_numpy(expected), rtol=1e-9, atol=1e-9)


def test_the_spread_is_the_weighted_variance_of_the_chromaticity_inside_each_footprint() -> None:
    msi, psf, unit = image(4), lopsided_psf(), 1.3
    got = chromatic_spread(msi, psf, unit).reshape(ROWS // RATIO, COLS // RATIO)
    for i in range(ROWS // RATIO):
        for j in range(COLS // RATIO):
            colours, weights = [], []
            for u in range(3):
                for v in range(4):  # the anchor of 3 x 4 taps is (1, 1)
                    colour, brightness = chromaticity(msi, unit, i * RATIO + u, j * RATIO + v)
                    colours.append(colour)
                    weights.append(float(psf.kernel[u, v]) * brightness)
            mean = np.average(colours, axis=0, weights=weights)
            spread = np.average(((np.array(colours) - mean) ** 2).sum(1), weights=weights)
            assert float(got[i, j]) == pytest.approx(float(spread), rel=1e-6)


def test_a_footprint_of_one_colour_has_no_spread_whatever_its_brightness() -> None:
    shade = image(5, 1) + 1.0
    msi = torch.cat([0.2 * shade, 0.7 * shade])
    assert float(chromatic_spread(msi, lopsided_psf(), 1e-9).max()) < 1e-12


def test_the_noise_grows_with_the_spread_in_units_of_the_length_scale() -> None:
    spread = torch.tensor([0.0, 0.02], dtype=torch.float64)
    flat = torch.full((2, 1, 2), 0.4, dtype=torch.float64)
    pixels = PixelFeatures.of(flat, torch.zeros(2, 2, dtype=torch.float64), 1.0, flat, spread)
    plain, mixed = noise_variance(pixels, NUMBERS, dark=False).tolist()
    assert plain == pytest.approx(exp(-3.0))
    assert mixed - plain == pytest.approx(exp(-1.5) * 0.02 / exp(-0.9) ** 2)


def test_the_embedding_is_the_mean_of_the_kernel_over_each_footprint() -> None:
    msi, psf, unit = image(6), lopsided_psf(), 1.1
    around = image(7)
    support = [(2, 3), (11, 19), (5, 0)]
    index = torch.tensor([row * COLS + col for row, col in support])
    got = Footprints.of(msi, around, psf, unit).columns(fine_pixels(msi, around, unit).pick(index), NUMBERS, "colour+position")
    assert got.shape == (15, 3)
    for i, j in ((0, 0), (1, 3), (2, 4)):
        for which, place in enumerate(support):
            total = bright = 0.0
            for u in range(3):
                for v in range(4):
                    here = (i * RATIO + u, j * RATIO + v)
                    weight = float(psf.kernel[u, v]) * chromaticity(msi, unit, *here)[1]
                    total += weight * kernel_of_two(msi, around, unit, here, place)
                    bright += weight
            assert float(got[i * 5 + j, which]) == pytest.approx(total / bright, rel=1e-5)


def test_footprints_lie_where_the_psf_looks_and_end_at_the_border() -> None:
    """A brightness-weighted mean of an image over the footprints is S (s image) / S s, except where a footprint crosses the border."""
    taps = torch.rand(5, 7, generator=torch.Generator().manual_seed(8), dtype=torch.float64) + 0.5
    taps[0, 0] = taps.max() * FAINT / 2  # faint
    psf = SpatialResponse(taps / taps.sum(), RATIO, 1, "replicate")
    msi, unit = image(9), 0.7
    footprints = Footprints.of(msi, msi, psf, unit)
    torch.testing.assert_close(footprints.weights.sum(1), torch.ones(15, dtype=torch.float64))
    got = (footprints.weights * footprints.pixels.chromaticity[:, 0].view(15, -1)).sum(1).reshape(3, 5)
    cut = taps.clone()
    cut[0, 0] = 0
    brightness = msi.sum(0, keepdim=True) + FLOOR * unit
    response = SpatialResponse(cut / cut.sum(), RATIO, 1, "replicate")
    expected = (response(msi[:1]) / response(brightness))[0]
    torch.testing.assert_close(got[1:, 1:4], expected[1:, 1:4], rtol=1e-9, atol=1e-9)  # row 0 and columns 0 and 4 cross it
    assert int((footprints.weights[0] == 0).sum()) == 14  # one row and two columns of 5 x 7 taps, less the faint one


def test_as_many_fine_pixels_as_coarse_ones_become_supports_up_to_the_limit() -> None:
    msi, psf = image(10), lopsided_psf()
    guide = psf(msi)
    place = torch.cartesian_prod(torch.arange(3), torch.arange(5)).double() / 5
    coarse = PixelFeatures.of(guide, place, 1.0, guide)
    footprints = Footprints.of(msi, msi, psf, 1.0)
    for samples, with_footprints, count in ((100, True, 30), (20, True, 20), (9, True, 9), (100, False, 15)):
        support, columns = choose_supports(coarse, footprints if with_footprints else None, NUMBERS, "colour+position", samples)
        assert columns.shape == (15, count)
        assert len(support.brightness) == count
    torch.testing.assert_close(columns, kernel(coarse, support, NUMBERS, "colour+position"))


def test_many_coarse_pixels_or_wide_footprints_are_not_embedded() -> None:
    psf = SpatialResponse(torch.full((10, 10), 0.01), 8, 3)
    assert affordable(psf, 256, 768)
    assert not affordable(psf, 4096, 768)
    assert affordable(psf, 4096, 20)
    assert affordable(psf, 256, 100_000)  # there are never more supports than twice the coarse pixels


def test_two_materials_of_one_colour_are_told_apart_by_what_surrounds_them() -> None:
    """A dot of grey in red has another spectrum than a dot of grey in blue, and dots of both kinds lie everywhere."""
    rng = torch.Generator().manual_seed(2)
    bands, side = 6, 96
    red, blue = torch.tensor([0.1, 0.1, 0.1, 0.6, 0.7, 0.8]), torch.tensor([0.8, 0.7, 0.6, 0.1, 0.1, 0.1])
    grey = torch.stack([torch.tensor([0.6, 0.4, 0.2, 0.6, 0.4, 0.2]), torch.tensor([0.2, 0.4, 0.6, 0.2, 0.4, 0.6])])
    field = torch.randint(0, 2, (side // 12, side // 12), generator=rng).repeat_interleave(12, 0).repeat_interleave(12, 1)
    dots = ((torch.arange(side) % 12 - 6).abs() < 3)[:, None] & ((torch.arange(side) % 12 - 6).abs() < 3)[None]
    cube = torch.where(dots[..., None], grey[field], torch.stack([red, blue])[field]).permute(2, 0, 1).double()
    cube = cube + 0.01 * torch.rand(bands, side, side, generator=rng, dtype=torch.float64)
    srf = SpectralResponse(torch.tensor([[1.0, 1.0, 1.0, 0, 0, 0], [0, 0, 0, 1.0, 1.0, 1.0]], dtype=torch.float64) / 3)
    psf = SpatialResponse(torch.full((2, 2), 0.25, dtype=torch.float64), 4, 1)
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 700, bands), 4, psf.centre, Known(psf, srf))
    fitted = Method(knows="psf+srf", consistency=False, uncertainty=False).fit([Example(seen)], torch.Generator().manual_seed(0))
    error = (fitted.fuse(seen, torch.Generator()).cube - cube)[:, dots].square().mean().sqrt()
    assert float(error) < 0.02  # the two greys are 0.16 from their mean

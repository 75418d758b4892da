"""The features of a pixel in spectral kriging, and the kernel between the features of two pixels.

With m the multispectral value, s the brightness (the sum of m, plus a floor), c = m / s the chromaticity, and C and S those of the pixel's
surroundings (footprints.py),

    k = matern(colour) (w + (1 - w) near)         colour: c, log s, and (C, log S / 10), each divided by its length scale
    near = line(row difference) line(column difference)         line(d) = (1 + r) exp(-r),  r = sqrt(3) |d| / length scale
    noise = n_0 + n_1 / s^2 + n_2 v

The noise is what the colour does not explain, what grows where it is dark, and what grows with the variance v of the chromaticity inside a
coarse pixel's footprint, in units of the squared length scale of c.

    trend = B c,    B ~ N(B_0, t)       the linear part, whose prior variance t keeps a few noisy samples from spoiling many coefficients;
                                        B_0 is `smoothest_spectra` where the SRF is known or well estimated, and otherwise 0

Nine numbers describe all of it: the logarithms of the length scales of c, log s and place (the image's longer side is 1), the logit of w,
the logarithms of n_0 and n_1, a sixth of the logarithm of t (which may have to move far, in the few steps of the search), and the
logarithms of n_2 and of the length scale of the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpectralResponse
from datasets.observation import Observation
from methods.gaussian.kriging.gaussian_process import matern, squared_distance

Terms = Literal["linear", "colour", "colour+position"]

TREND_SCALE = 6.0  # of the number that stands for log t
TREND_LIMIT = 16.0  # of log t: beyond it the prior makes no difference, and float64 has too few digits
FLOOR = 0.03  # of the mean brightness: a darker pixel counts as this bright
SMOOTH_NM = 60.0  # length scale of spectra over the wavelength, where the prior mean of B needs one
SURROUNDING_BRIGHTNESS = 0.1  # of log S beside C, which share one length scale


@dataclass(frozen=True, eq=False)
class PixelFeatures:
    """The features of n pixels."""

    chromaticity: Float[Tensor, "n channels"]
    log_brightness: Float[Tensor, " n"]
    place: Float[Tensor, "n 2"]  # row and column, divided by the image's longer side
    brightness: Float[Tensor, " n"]  # s, in the image's unit
    around: Float[Tensor, "n channels_and_1"]  # C and log S / 10 of the surroundings
    spread: Float[Tensor, " n"]  # v: the variance of the chromaticity inside the footprint, 0 for a fine pixel

    @classmethod
    def of(
        cls,
        image: Float[Tensor, "channels rows cols"],
        place: Float[Tensor, "n 2"],
        unit: float,
        around: Float[Tensor, "channels rows cols"],
        spread: Float[Tensor, " n"] | None = None,
    ) -> PixelFeatures:
        """The features of the pixels of a multispectral image, whose surroundings are the image `around`.

        `unit` is the scene's mean brightness: log s is taken relative to it, so that the scale of the images does not matter.
        Without `spread` the pixels are fine ones, inside which nothing varies.
        """
        chromaticity, log_brightness, brightness = _colour(image, unit)
        outer, outer_log, _ = _colour(around, unit)
        surroundings = torch.cat([outer, SURROUNDING_BRIGHTNESS * outer_log[:, None]], 1)
        return cls(
            chromaticity, log_brightness, place, brightness, surroundings, torch.zeros_like(brightness) if spread is None else spread
        )

    def _parts(self) -> list[Tensor]:
        return [getattr(self, part.name) for part in fields(self)]

    def pick(self, index: Tensor) -> PixelFeatures:
        """The features of the pixels with these indices."""
        return PixelFeatures(*(part[index] for part in self._parts()))

    def joined(self, other: PixelFeatures) -> PixelFeatures:
        """The features of these pixels, and then those of `other`."""
        return PixelFeatures(*(torch.cat(pair) for pair in zip(self._parts(), other._parts(), strict=True)))

    def colour(self, numbers: Float[Tensor, " 9"]) -> Float[Tensor, "n features"]:
        """Chromaticity, logarithm of the brightness and surroundings, divided by their length scales."""
        own = [self.chromaticity / numbers[0].exp(), self.log_brightness[:, None] / numbers[1].exp()]
        return torch.cat([*own, self.around / numbers[8].exp()], 1)

    def scaled(self, numbers: Float[Tensor, " 9"]) -> Float[Tensor, "n all"]:
        """All features, divided by their length scales."""
        return torch.cat([self.colour(numbers), self.place / numbers[2].exp()], 1)


def _colour(image: Float[Tensor, "channels rows cols"], unit: float) -> tuple[Tensor, Tensor, Tensor]:
    """Chromaticity, logarithm of the brightness over `unit`, and brightness of every pixel."""
    pixels = image.flatten(1).T
    brightness = (pixels.sum(1).clamp_min(0) + FLOOR * unit).clamp_min(1e-12)
    return pixels / brightness[:, None], (brightness / max(unit, 1e-12)).log(), brightness


def coarse_places(seen: Observation) -> Float[Tensor, "n 2"]:
    """The places of the coarse pixels, row by row, divided by the longer side of the fine image; float64."""
    axes = [
        (start + seen.ratio * torch.arange(size, dtype=torch.float64)) / max(seen.msi.shape[1:])
        for start, size in zip(seen.phase, seen.hsi.shape[1:], strict=True)
    ]
    return torch.cartesian_prod(*axes).to(seen.hsi.device)


def kernel(a: PixelFeatures, b: PixelFeatures, numbers: Float[Tensor, " 9"], terms: Terms) -> Float[Tensor, "n m"]:
    """k of the module docstring between the pixels of `a` and those of `b`; 1 between a pixel and itself. "linear" has no kernel: zeros."""
    if terms == "linear":
        return a.brightness.new_zeros((len(a.brightness), len(b.brightness)))
    colour = matern(squared_distance(a.colour(numbers), b.colour(numbers)))
    if terms == "colour":
        return colour
    share = torch.sigmoid(numbers[3])
    reach = 3**0.5 / numbers[2].exp()
    rows, cols = ((a.place[:, None, axis] - b.place[None, :, axis]).abs() * reach for axis in (0, 1))
    near = (1 + rows) * (1 + cols) * torch.exp(-(rows + cols))
    return colour * (share + (1 - share) * near)


def line_kernel(a: Float[Tensor, "*shape"], b: Float[Tensor, "*other"]) -> Tensor:
    """The Matern kernel of smoothness 3/2 on a line, for places in units of its length scale."""
    reach = 3**0.5 * (a - b).abs()
    return (1 + reach) * torch.exp(-reach)


def noise_variance(pixels: PixelFeatures, numbers: Float[Tensor, " 9"], *, dark: bool) -> Float[Tensor, " n"]:
    """n_0 + n_1 / s^2 + n_2 v of each pixel, with s relative to the scene's mean; without n_1 if not `dark`."""
    flat = numbers[4].exp() + mixture_noise(pixels, numbers)
    return flat + torch.exp(numbers[5] - 2 * pixels.log_brightness) if dark else flat


def mixture_noise(pixels: PixelFeatures, numbers: Float[Tensor, " 9"]) -> Float[Tensor, " n"]:
    """n_2 v, in units of the squared length scale of the chromaticity."""
    return torch.exp(numbers[7] - 2 * numbers[0]) * pixels.spread


def trend_variance(numbers: Float[Tensor, " 9"]) -> Float[Tensor, ""]:
    """t, the prior variance of the coefficients of the linear part."""
    return (TREND_SCALE * numbers[6]).clamp_max(TREND_LIMIT).exp()


def smoothest_spectra(srf: SpectralResponse, wavelengths: Float[Tensor, " bands"]) -> Float[Tensor, "channels bands"]:
    """The prior mean of B where R is known: column c of B is the smoothest spectrum that channel c sees as 1 and the others as 0.

    It is the mean of a process over the wavelength given what R says of it: B = K R' inv(R K R'), where K is a Matern kernel plus a
    constant. Since R B = 1, a prior that draws B towards it, however strongly, keeps the learned spectra true to the MSI. The
    transpose of B is returned.
    """
    response = srf.weights.double()
    position = wavelengths.double().to(response)[:, None] / SMOOTH_NM
    smooth = (matern(squared_distance(position, position)) + 1) @ response.T
    inner = response @ smooth
    inner = inner + 1e-9 * inner.diagonal().mean() * torch.eye(len(inner)).to(inner)
    spectra: Tensor = torch.linalg.solve(inner, smooth.T)
    return spectra


def covariance(a: PixelFeatures, b: PixelFeatures, numbers: Float[Tensor, " 9"], terms: Terms) -> Float[Tensor, "n m"]:
    """The covariance of y / s between the pixels of `a` and those of `b`, without the noise: the kernel and the linear part."""
    return kernel(a, b, numbers, terms) + trend_variance(numbers) * (a.chromaticity @ b.chromaticity.T)

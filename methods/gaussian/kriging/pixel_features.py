"""The features of a pixel in spectral kriging, and the kernel between the features of two pixels.

With m the multispectral value, s the brightness (the sum of m, plus a floor) and c = m / s the chromaticity,

    k = matern(colour) (w + (1 - w) gauss(place))       colour: c and log s, each divided by its length scale
    noise = n_0 + n_1 / s^2                             what the colour does not explain, and what grows where it is dark

    trend = B c,    B ~ N(0, t)         the linear part, whose prior variance t keeps a few noisy samples from spoiling many coefficients

Seven numbers describe all of it: the logarithms of the length scales of c, log s and place (the image's longer side is 1), the logit of w,
the logarithms of n_0 and n_1, and a sixth of the logarithm of t (which may have to move far, in the few steps of the search).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.gaussian.kriging.gaussian_process import matern, squared_distance

Terms = Literal["linear", "colour", "colour+position"]

TREND_SCALE = 6.0  # of the number that stands for log t
TREND_LIMIT = 16.0  # of log t: beyond it the prior makes no difference, and float64 has too few digits
FLOOR = 0.03  # of the mean brightness: a darker pixel counts as this bright


@dataclass(frozen=True, eq=False)
class PixelFeatures:
    """The features of n pixels."""

    chromaticity: Float[Tensor, "n channels"]
    log_brightness: Float[Tensor, " n"]
    place: Float[Tensor, "n 2"]  # row and column, divided by the image's longer side
    brightness: Float[Tensor, " n"]  # s, in the image's unit

    @classmethod
    def of(cls, image: Float[Tensor, "channels rows cols"], place: Float[Tensor, "n 2"], unit: float) -> PixelFeatures:
        """The features of the pixels of a multispectral image.

        `unit` is the scene's mean brightness: log s is taken relative to it, so that the scale of the images does not matter.
        """
        pixels = image.flatten(1).T
        brightness = (pixels.sum(1).clamp_min(0) + FLOOR * unit).clamp_min(1e-12)
        return cls(pixels / brightness[:, None], (brightness / max(unit, 1e-12)).log(), place, brightness)

    def pick(self, index: Tensor) -> PixelFeatures:
        """The features of the pixels with these indices."""
        return PixelFeatures(self.chromaticity[index], self.log_brightness[index], self.place[index], self.brightness[index])

    def to(self, like: Tensor) -> PixelFeatures:
        """The same features on the device and in the dtype of `like`."""
        return PixelFeatures(self.chromaticity.to(like), self.log_brightness.to(like), self.place.to(like), self.brightness.to(like))

    def colour(self, numbers: Float[Tensor, " 7"]) -> Float[Tensor, "n features"]:
        """Chromaticity and logarithm of the brightness, divided by their length scales."""
        return torch.cat([self.chromaticity / numbers[0].exp(), self.log_brightness[:, None] / numbers[1].exp()], 1)

    def scaled(self, numbers: Float[Tensor, " 7"]) -> Float[Tensor, "n all"]:
        """All features, divided by their length scales."""
        return torch.cat([self.colour(numbers), self.place / numbers[2].exp()], 1)


def coarse_places(seen: Observation) -> Float[Tensor, "n 2"]:
    """The places of the coarse pixels, row by row, divided by the longer side of the fine image; float64."""
    axes = [
        (start + seen.ratio * torch.arange(size, dtype=torch.float64)) / max(seen.msi.shape[1:])
        for start, size in zip(seen.phase, seen.hsi.shape[1:], strict=True)
    ]
    return torch.cartesian_prod(*axes).to(seen.hsi.device)


def kernel(a: PixelFeatures, b: PixelFeatures, numbers: Float[Tensor, " 7"], terms: Terms) -> Float[Tensor, "n m"]:
    """k of the module docstring between the pixels of `a` and those of `b`; 1 between a pixel and itself. "linear" has no kernel: zeros."""
    if terms == "linear":
        return a.brightness.new_zeros((len(a.brightness), len(b.brightness)))
    colour = matern(squared_distance(a.colour(numbers), b.colour(numbers)))
    if terms == "colour":
        return colour
    share = torch.sigmoid(numbers[3])
    near = torch.exp(squared_distance(a.place / numbers[2].exp(), b.place / numbers[2].exp()) / -2)
    return colour * (share + (1 - share) * near)


def noise_variance(pixels: PixelFeatures, numbers: Float[Tensor, " 7"], *, dark: bool) -> Float[Tensor, " n"]:
    """n_0 + n_1 / s^2 of each pixel, with s relative to the scene's mean; n_0 alone without `dark`."""
    flat = numbers[4].exp().expand(len(pixels.brightness))
    return flat + torch.exp(numbers[5] - 2 * pixels.log_brightness) if dark else flat


def trend_variance(numbers: Float[Tensor, " 7"]) -> Float[Tensor, ""]:
    """t, the prior variance of the coefficients of the linear part."""
    return (TREND_SCALE * numbers[6]).clamp_max(TREND_LIMIT).exp()


def covariance(a: PixelFeatures, b: PixelFeatures, numbers: Float[Tensor, " 7"], terms: Terms) -> Float[Tensor, "n m"]:
    """The covariance of y / s between the pixels of `a` and those of `b`, without the noise: the kernel and the linear part."""
    return kernel(a, b, numbers, terms) + trend_variance(numbers) * (a.chromaticity @ b.chromaticity.T)

"""What surrounds a fine pixel, and what lies inside a coarse pixel's footprint.

The weights of the PSF are w_ip, for coarse pixel i and fine pixel p; with s the brightness, c the chromaticity and k the kernel,

    surroundings = G msi                                       G: a Gaussian of deviation SURROUNDINGS
    v_i = sum_p w_ip s_p |c_p - c_i|^2 / s_i                   the variance of the chromaticity inside the footprint
    k_iz = sum_p w_ip s_p k(p, z) / s_i                        the mean embedding

since y_i = sum_p w_ip s_p (y / s)_p: a coarse pixel is a mean of many values of the process, not its value at the mean colour, and its
covariance with the process at a support z is k_iz. Taps below FAINT are left out, and so is what lies beyond the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from datasets.degradation import SpatialResponse
from methods.gaussian.kriging.gaussian_process import farthest
from methods.gaussian.kriging.gridded_kernel import GriddedKernel
from methods.gaussian.kriging.pixel_features import PixelFeatures, Terms, kernel

SURROUNDINGS = 2.5  # fine pixels: the deviation of the Gaussian
FAINT = 0.02  # of the largest tap of the PSF
AFFORDABLE = 2**25  # kernel values of an embedding
VALUES = 2**17  # kernel values at a time: a megabyte in float64
KERNEL_ROWS = 512  # coarse pixels at a time where there is no embedding
SUPPORT_STEP = 9  # every so many of a footprint's pixels may become a support


def surroundings(msi: Float[Tensor, "channels H W"]) -> Float[Tensor, "channels H W"]:
    """G msi of the module docstring; the outermost pixels are repeated beyond the border."""
    reach = int(3 * SURROUNDINGS + 0.5)
    line = torch.exp(-(torch.arange(-reach, reach + 1).to(msi) / SURROUNDINGS).square() / 2)
    line = line / line.sum()
    padded = F.pad(msi[None], (reach, reach, reach, reach), mode="replicate")[0][:, None]
    smooth: Tensor = F.conv2d(F.conv2d(padded, line[None, None, :, None]), line[None, None, None, :])[:, 0]
    return smooth


def chromatic_spread(msi: Float[Tensor, "channels H W"], psf: SpatialResponse, unit: float) -> Float[Tensor, " n"]:
    """v of the module docstring for every coarse pixel, in float64. `unit` is the scene's mean brightness."""
    rows, cols = msi.shape[1:]
    fine = PixelFeatures.of(msi.double(), msi.new_zeros(rows * cols, 2, dtype=torch.float64), unit, msi.double())
    weighted = torch.stack([fine.brightness, fine.brightness * fine.chromaticity.square().sum(1)]).reshape(2, rows, cols)
    brightness, squares = psf(weighted).flatten(1)
    mean = psf(msi.double()).flatten(1) / brightness
    spread: Tensor = (squares / brightness - mean.square().sum(0)).clamp_min(0)
    return spread


@dataclass(frozen=True, eq=False)
class Footprints:
    """The fine pixels inside the footprints of n coarse pixels, and their features."""

    pixels: PixelFeatures  # of all footprints, one after the other
    weights: Float[Tensor, "n taps"]  # w_ip s_p / s_i, which sum to 1; 0 beyond the border
    index: Int[Tensor, " n_taps"]  # of the pixels in the flat image
    shape: tuple[int, int]  # rows and columns of the image

    @classmethod
    def of(cls, msi: Float[Tensor, "channels H W"], around: Float[Tensor, "channels H W"], psf: SpatialResponse, unit: float) -> Footprints:
        """The footprints of all coarse pixels, row by row. `around` is the image of surroundings, `unit` the scene's mean brightness."""
        rows, cols = msi.shape[1:]
        index, weights = _taps(psf, rows, cols)
        flat = index.flatten().to(msi.device)
        place = torch.stack([flat // cols, flat % cols], 1).double() / max(rows, cols)
        image, outer = (whole.flatten(1)[:, flat][:, None].double() for whole in (msi, around))
        pixels = PixelFeatures.of(image, place, unit, outer)
        bright = weights.to(pixels.brightness) * pixels.brightness.view(weights.shape)
        return cls(pixels, bright / bright.sum(1, keepdim=True).clamp_min(1e-300), flat, (rows, cols))

    def candidates(self) -> PixelFeatures:
        """A share of the pixels, evenly taken."""
        inside = (self.weights.flatten() > 0).nonzero()[:, 0]
        return self.pixels.pick(inside[::SUPPORT_STEP])

    def columns(self, support: PixelFeatures, numbers: Float[Tensor, " 9"], terms: Terms) -> Float[Tensor, "n m"]:
        """k_iz of the module docstring, for every coarse pixel i and every support z."""
        count, taps = self.weights.shape
        if terms == "linear":
            return self.weights.new_zeros(count, len(support.brightness))
        grid = gridded(support, numbers, terms, self.shape, self.weights.new_zeros(len(support.brightness), 0))
        left = grid.left(self.pixels.colour(numbers))
        at_once = max(1, VALUES // (taps * len(support.brightness)))
        starts = range(0, count, at_once)
        pieces = [slice(start * taps, (start + at_once) * taps) for start in starts]
        weights = [self.weights[start : start + at_once] for start in starts]
        return torch.cat([grid.weighted(some, left[piece], self.index[piece]) for some, piece in zip(weights, pieces, strict=True)])


def gridded(
    support: PixelFeatures, numbers: Float[Tensor, " 9"], terms: Terms, shape: tuple[int, int], weights: Float[Tensor, "m q"]
) -> GriddedKernel:
    """The kernel of these supports, prepared for an image of so many rows and columns, in the dtype and on the device of `weights`."""
    scale = float(numbers[2].exp())
    place = (support.place / scale).to(weights) if terms == "colour+position" else None
    colour = support.colour(numbers).to(weights)
    return GriddedKernel.prepare(shape, colour, place, 1 / (max(shape) * scale), float(torch.sigmoid(numbers[3])), weights)


def affordable(psf: SpatialResponse, coarse: int, samples: int) -> bool:
    """Whether the mean embedding of so many coarse pixels at no more than `samples` supports costs at most AFFORDABLE kernel values."""
    return coarse * int(_strong(psf.kernel).sum()) * min(samples, 2 * coarse) <= AFFORDABLE


def choose_supports(
    coarse: PixelFeatures, footprints: Footprints | None, numbers: Float[Tensor, " 9"], terms: Terms, samples: int
) -> tuple[PixelFeatures, Float[Tensor, "n m"]]:
    """The supports, at most `samples`, and the covariances of all coarse pixels with the process there.

    The supports are coarse pixels, each the farthest from those before it. With `footprints`, as many fine pixels are added, and the
    covariances are those of the mean embedding; without, they are those at the coarse pixels' mean colours.
    """
    support = coarse.pick(farthest(coarse.scaled(numbers), samples))
    if footprints is None:
        parts = torch.split(torch.arange(len(coarse.brightness), device=numbers.device), KERNEL_ROWS)
        return support, torch.cat([kernel(coarse.pick(part), support, numbers, terms) for part in parts])
    added = min(samples - len(support.brightness), len(support.brightness))
    if added > 0:
        fine = footprints.candidates()
        support = support.joined(fine.pick(farthest(fine.scaled(numbers), added)))
    return support, footprints.columns(support, numbers, terms)


def _strong(taps: Float[Tensor, "k_rows k_cols"]) -> Bool[Tensor, "k_rows k_cols"]:
    return taps > FAINT * taps.max()


def _taps(psf: SpatialResponse, rows: int, cols: int) -> tuple[Int[Tensor, "n taps"], Float[Tensor, "n taps"]]:
    """The fine pixels under each footprint, as indices of the flat image, and the PSF's weights; weight 0 beyond the border."""
    kernel_cpu = psf.kernel.double().cpu()
    down, right = _strong(kernel_cpu).nonzero().unbind(1)
    row, col = (
        (torch.arange(size // psf.ratio) * psf.ratio)[:, None] + psf.phase - (taps - 1) // 2 + offset
        for size, taps, offset in zip((rows, cols), psf.kernel.shape, (down, right), strict=True)
    )
    inside = ((row >= 0) & (row < rows))[:, None] & ((col >= 0) & (col < cols))[None]
    index = row.clamp(0, rows - 1)[:, None] * cols + col.clamp(0, cols - 1)[None]
    return index.flatten(0, 1), (inside * kernel_cpu[down, right]).flatten(0, 1)

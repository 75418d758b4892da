"""The kernel of a Gaussian process between the pixels of an image and m supports, in blocks that stay in the cache.

    k(pixel, support) = matern(colour) (share + (1 - share) near(place))        both in their length scales (pixel_features.py)
    products          = k W            of whole rows of pixels                                    W (m, q)
    weighted          = w' k           of the pixels of a footprint, with weights w               (footprints.py)

The squared colour distance is one matrix product with two more columns, [a, |a|^2, 1] [-2 b, 1, |b|^2]'. It is taken about the supports'
mean, so that float32 is precise enough. The factor of the place is the product of a factor of the row and a factor of the
column, so no distance and no exponential is needed per pixel. A root, an exponential and seven passes per kernel value remain. Only one
block of k is in memory at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from methods.gaussian.kriging.pixel_features import line_kernel

BLOCK = 2**17  # kernel values at a time on a CPU: half a megabyte in float32, which fits the cache of a core
BLOCK_ELSEWHERE = 2**24  # kernel values at a time on a GPU
PIXELS = 512  # pixels at a time, in whole rows


@dataclass(frozen=True, eq=False)
class GriddedKernel:
    """The kernel of all supports, prepared for an image of `rows` x `cols` pixels."""

    rows: int
    cols: int
    centre: Float[Tensor, " f"]
    right: Float[Tensor, "f_and_2 m"]
    row_factor: Float[Tensor, "rows m"] | None  # (1 - share) times the factor of the row; None: the kernel does not use the place
    col_factor: Float[Tensor, "cols m"] | None
    share: float
    weights: Float[Tensor, "m q"]

    @classmethod
    def prepare(
        cls,
        shape: tuple[int, int],
        colour: Float[Tensor, "m f"],
        place: Float[Tensor, "m 2"] | None,
        pixel: float,
        share: float,
        weights: Float[Tensor, "m q"],
    ) -> GriddedKernel:
        """The kernel for supports whose `colour` and `place` are divided by their length scales; without `place` it uses the colour alone.

        `pixel` is the side of one pixel, divided by the length scale of the place.
        """
        centre = colour.mean(0)
        b = (colour - centre) * 5**0.5
        right = torch.cat([-2 * b.T, torch.ones_like(b[:, :1]).T, b.square().sum(1)[None]])
        if place is None:
            return cls(*shape, centre, right, None, None, 1.0, weights)
        factors = [line_kernel(torch.arange(size).to(place)[:, None] * pixel, place[:, axis]) for axis, size in enumerate(shape)]
        return cls(*shape, centre, right, (1 - share) * factors[0], factors[1], share, weights)

    def step(self) -> int:
        """The number of rows that `products` should be given at once."""
        pixels = PIXELS if self.weights.device.type == "cpu" else BLOCK_ELSEWHERE // self.weights.shape[0]
        return max(1, pixels // self.cols)

    def products(self, begin: int, end: int, colour: Float[Tensor, "pixels f"]) -> Float[Tensor, "pixels q"]:
        """k W for the pixels of the rows `begin` to `end`, row by row; `colour` is their colour, divided by its length scales."""
        left = self.left(colour)
        supports = max(32, (BLOCK if left.device.type == "cpu" else BLOCK_ELSEWHERE) // len(left))
        total = left.new_zeros(len(left), self.weights.shape[1])
        for first in range(0, self.weights.shape[0], supports):
            block = slice(first, first + supports)
            factors = None
            if self.row_factor is not None and self.col_factor is not None:
                factors = self.row_factor[begin:end, None, block], self.col_factor[None, :, block]
            total.addmm_(self._values(left, factors, block), self.weights[block])
        return total

    def left(self, colour: Float[Tensor, "pixels f"]) -> Float[Tensor, "pixels f_and_2"]:
        """What stands on the left of the product that gives squared distances; `colour` is divided by its length scales."""
        a = (colour - self.centre) * 5**0.5
        return torch.cat([a, a.square().sum(1, keepdim=True), torch.ones_like(a[:, :1])], 1)

    def weighted(
        self, weights: Float[Tensor, "n taps"], left: Float[Tensor, "n_taps f_and_2"], index: Int[Tensor, " n_taps"]
    ) -> Float[Tensor, "n m"]:
        """w' k for n groups of pixels, one group after the other; `left` is theirs, and `index` their places in the flat image."""
        factors = None
        if self.row_factor is not None and self.col_factor is not None:
            factors = self.row_factor[index // self.cols], self.col_factor[index % self.cols]
        return torch.bmm(weights[:, None], self._values(left, factors, slice(None)).view(*weights.shape, -1))[:, 0]

    def _values(self, left: Tensor, factors: tuple[Tensor, Tensor] | None, block: slice) -> Float[Tensor, "pixels supports"]:
        """k for these pixels and a block of supports. `factors` are those of the rows and of the columns; their product is `near`."""
        squared = (left @ self.right[:, block]).clamp_min_(1e-12)
        root = squared.sqrt()
        values: Tensor = squared.mul_(1 / 3).add_(root).add_(1)
        values.mul_(root.neg_().exp_())
        if factors is not None:
            near = torch.addcmul(left.new_full((1,), self.share), *factors)  # (torch.broadcast_shapes would import sympy: half a second)
            values.mul_(near.view(values.shape))
        return values

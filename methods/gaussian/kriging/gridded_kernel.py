"""A Gaussian process's kernel between every pixel of an image and m supports, times a matrix, in blocks that stay in the cache.

    k(pixel, support) = matern(colour) (share + (1 - share) exp(-|place difference|^2 / 2))        both in their length scales
    products          = k W                                                                       W (m, q)

The squared colour distance is one matrix product with two further columns, [a, |a|^2, 1] [-2 b, 1, |b|^2]', about the supports' mean so
that float32 loses nothing that matters. The place factor of a grid is a row's factor times a column's: no distance and no exponential a
pixel. What is left is a root, an exponential and seven passes a value. No more than a block of k is ever in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

BLOCK = 2**17  # kernel values at a time on a CPU: half a megabyte in float32, in a core's cache
BLOCK_ELSEWHERE = 2**24  # on a GPU
PIXELS = 512  # at a time, at least: whole rows


@dataclass(frozen=True, eq=False)
class GriddedKernel:
    """The supports' side, prepared once for an image of `rows` x `cols` pixels."""

    rows: int
    cols: int
    centre: Float[Tensor, " f"]
    right: Float[Tensor, "f_and_2 m"]
    row_factor: Float[Tensor, "rows m"] | None  # (1 - share) times the row's part; None: no place in the kernel
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
        """For supports with `colour` and `place` in their length scales; `pixel` is one pixel in the place's. No `place`: colour alone."""
        centre = colour.mean(0)
        b = (colour - centre) * 5**0.5
        right = torch.cat([-2 * b.T, torch.ones_like(b[:, :1]).T, b.square().sum(1)[None]])
        if place is None:
            return cls(*shape, centre, right, None, None, 1.0, weights)
        factors = [
            torch.exp((torch.arange(size).to(place)[:, None] * pixel - place[:, axis]).square() / -2) for axis, size in enumerate(shape)
        ]
        return cls(*shape, centre, right, (1 - share) * factors[0], factors[1], share, weights)

    def step(self) -> int:
        """Rows that are best done at once."""
        pixels = PIXELS if self.weights.device.type == "cpu" else BLOCK_ELSEWHERE // self.weights.shape[0]
        return max(1, pixels // self.cols)

    def products(self, begin: int, end: int, colour: Float[Tensor, "pixels f"]) -> Float[Tensor, "pixels q"]:
        """k W for the pixels of rows begin..end, row-major, whose colours in their length scales are given."""
        a = (colour - self.centre) * 5**0.5
        left = torch.cat([a, a.square().sum(1, keepdim=True), torch.ones_like(a[:, :1])], 1)
        supports = max(32, (BLOCK if left.device.type == "cpu" else BLOCK_ELSEWHERE) // len(left))
        total = left.new_zeros(len(left), self.weights.shape[1])
        share = left.new_full((1, 1, 1), self.share)
        for first in range(0, self.weights.shape[0], supports):
            block = slice(first, first + supports)
            squared = (left @ self.right[:, block]).clamp_min_(1e-12)
            root = squared.sqrt()
            values = squared.mul_(1 / 3).add_(root).add_(1)
            values.mul_(root.neg_().exp_())
            if self.row_factor is not None and self.col_factor is not None:
                near = root.view(end - begin, self.cols, -1)
                torch.addcmul(share, self.row_factor[begin:end, None, block], self.col_factor[None, :, block], out=near)
                values.mul_(root)
            total.addmm_(values, self.weights[block])
        return total

"""What the network for inference does with a strip of rows: pure functions of tensors, small enough that their maps stay in the cache.

A map is (H, W, C), a strip some rows of it. A depthwise 3x3 needs a row above and below: they come with the strip, and `above` or
`below` is 1 instead where the image ends and the convolution sees zeros. Pixels are normalised with (x - mean) / sqrt(variance + 1e-5).

    shares        q, k, v = dw3(A n(x)):  q'k, the sums of squares of q and k, the sum of v, and v
    gated         gelu(dw3(A1 n(x))) * dw3(A2 n(x))
    hidden        gelu(A y)

`torch.compile` takes each as it is: they depend on tensors alone, and few shapes occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.unsupervised.mossfuse.blocks import NORM_EPS


def strips(rows: int, most: int) -> Iterator[tuple[int, int]]:
    """First row and end of each strip, as even as can be, none above `most` rows (at least 1)."""
    count = -(-rows // max(1, most))
    for index in range(count):
        yield index * rows // count, (index + 1) * rows // count


def normalised(x: Float[Tensor, "rows W C"]) -> Float[Tensor, "rows W C"]:
    """Each pixel less its mean, over its deviation."""
    return F.layer_norm(x, x.shape[-1:], eps=NORM_EPS)


def depthwise(
    x: Float[Tensor, "rows W C"], kernel: Float[Tensor, "C 1 k k"], above: int, below: int, bias: Float[Tensor, " C"] | None = None
) -> Float[Tensor, "fewer W C"]:
    """Each channel convolved with its own kernel; zeros beside the image, and `above` and `below` rows of zeros over and under it."""
    if above or below:
        x = F.pad(x, (0, 0, 0, 0, above, below))
    image = x[None].permute(0, 3, 1, 2)  # in this order torch sees that the channels are last in memory
    if x.dtype == torch.float64:
        image = image.contiguous()  # torch has no fast convolution in double, and its slow one wants this order
    side = kernel.shape[-1] // 2
    return F.conv2d(image, kernel, bias, padding=(0, side), groups=kernel.shape[0]).permute(0, 2, 3, 1)[0].contiguous()


def shares(
    x: Float[Tensor, "rows W C"],
    weight: Float[Tensor, "C3 C"],
    bias: Float[Tensor, " C3"],
    kernel: Float[Tensor, "C3 1 3 3"],
    gate: Float[Tensor, "fewer W 1"] | None,
    above: int,
    below: int,
) -> tuple[Float[Tensor, "C C"], Float[Tensor, " C2"], Float[Tensor, " C"], Float[Tensor, "fewer W C"]]:
    """What the strip adds to q'k, to the squares of q and of k, and to the sum of v; and its v. `gate` multiplies q."""
    stacked = depthwise(F.linear(normalised(x), weight, bias), kernel, above, below)
    query, key, value = stacked.chunk(3, dim=2)
    with torch.autocast(x.device.type, enabled=False):  # sums over the image, in the precision of the map
        query, key, width = query.to(x.dtype), key.to(x.dtype), x.shape[2]
        if gate is not None:
            query = query * gate.to(x.dtype)
        alike = query.reshape(-1, width).T @ key.reshape(-1, width)
        squares = torch.cat([(query * query).sum((0, 1)), (key * key).sum((0, 1))])
        return alike, squares, value.sum((0, 1), dtype=x.dtype), value


def gated(
    x: Float[Tensor, "rows W C"],
    weight_a: Float[Tensor, "C2 C"],
    bias_a: Float[Tensor, " C2"],
    kernel_a: Float[Tensor, "C2 1 3 3"],
    weight_b: Float[Tensor, "C2 C"],
    bias_b: Float[Tensor, " C2"],
    kernel_b: Float[Tensor, "C2 1 3 3"],
    above: int,
    below: int,
) -> Float[Tensor, "fewer W C2"]:
    """The gated features of a feed-forward, before its last 1x1."""
    pixels = normalised(x)
    gate = depthwise(F.linear(pixels, weight_a, bias_a), kernel_a, above, below)
    content = depthwise(F.linear(pixels, weight_b, bias_b), kernel_b, above, below)
    return F.gelu(gate) * content


def hidden(y: Float[Tensor, "rows W C"], weight: Float[Tensor, "C4 C"], bias: Float[Tensor, " C4"]) -> Float[Tensor, "rows W C4"]:
    """The wide features of a large-kernel block."""
    return F.gelu(F.linear(y, weight, bias))


def hidden_squares(y: Float[Tensor, "rows W C"], weight: Float[Tensor, "C4 C"], bias: Float[Tensor, " C4"]) -> Float[Tensor, " C4"]:
    """The sum of squares of each wide feature."""
    wide = hidden(y, weight, bias)
    with torch.autocast(y.device.type, enabled=False):
        wide = wide.to(y.dtype)
        return (wide * wide).sum((0, 1))


@dataclass(frozen=True)
class Kernels:
    """The functions above, as they are or compiled."""

    shares: Callable[..., Any] = shares
    gated: Callable[..., Any] = gated
    hidden: Callable[..., Any] = hidden
    hidden_squares: Callable[..., Any] = hidden_squares


EAGER = Kernels()


@cache
def compiled_kernels() -> Kernels:
    """The same functions through `torch.compile`, once a process; they are compiled when first used."""
    return Kernels(*(torch.compile(each, dynamic=False) for each in (shares, gated, hidden, hidden_squares)))

"""The computations of the network for inference on one strip of rows: functions of tensors, small enough that their maps stay in the cache.

A map is (H, W, C), and a strip is some rows of it. A depthwise 3x3 convolution needs one row above and one below, so the strip comes with
these rows. At the border of the image there is no such row; then `above` or `below` is 1, and the convolution uses zeros. Pixels are
normalised, n(x) = (x - mean) / sqrt(variance + 1e-5). The matrices after that multiply n + 1, which includes their bias
(`merging.moved_bias`).

    attention_sums    q, k, v = dw3(A (n(x) + 1)):  q'k, the sums of squares of q and k, the sum of v, and v
    gated             gelu(dw3(A1 (n(x) + 1))) * dw3(A2 (n(x) + 1))
    hidden            gelu(A y)

`torch.compile` can compile each of them, since they depend on tensors alone and few shapes occur. Only `attention_sums` is compiled. The
compiled GELU takes three times as long as torch's own (its error function is exact to the last bit), which is more than the rest saves.
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
    """The first row and the end of each strip. All strips are nearly equal, and none has more than `most` rows (at least 1)."""
    count = -(-rows // max(1, most))
    for index in range(count):
        yield index * rows // count, (index + 1) * rows // count


def rows_with_halo(x: Float[Tensor, "H W C"], start: int, stop: int, halo: int) -> tuple[Float[Tensor, "rows W C"], int, int]:
    """The rows `start` to `stop` with `halo` more rows on either side, and the numbers of rows missing above and below the image."""
    first, last = max(0, start - halo), min(x.shape[0], stop + halo)
    return x[first:last], halo - (start - first), halo - (last - stop)


def normalised(x: Float[Tensor, "rows W C"]) -> Float[Tensor, "rows W C"]:
    """n + 1 for each pixel. The means are computed as matrix products, which is faster than a layer norm for few channels."""
    with torch.autocast(x.device.type, enabled=False):  # norms are computed in the precision of the map
        pixels = x.reshape(-1, x.shape[2])
        mean = pixels.new_full((x.shape[2], 1), 1 / x.shape[2])
        centred = pixels - pixels @ mean
        scale = ((centred * centred) @ mean + NORM_EPS).rsqrt()
        return centred.mul_(scale).add_(1).reshape(x.shape)


def depthwise_rows(
    x: Float[Tensor, "rows W C"], kernel: Float[Tensor, "C 1 k k"], above: int, below: int, bias: Float[Tensor, " C"] | None = None
) -> Float[Tensor, "fewer W C"]:
    """Each channel convolved with its own kernel, with zeros left and right of the image and `above` and `below` rows of zeros."""
    image = x[None].permute(0, 3, 1, 2)  # with these strides torch recognises that the channels are last in memory
    if x.dtype == torch.float64:
        image = image.contiguous()  # torch's convolution in float64 is faster in this order
    side = kernel.shape[-1] // 2
    over = side if above or below else 0  # rows of zeros on both sides, which needs no copy; superfluous rows are cut off below
    rows = F.conv2d(image, kernel, bias, padding=(over, side), groups=kernel.shape[0]).permute(0, 2, 3, 1)[0].contiguous()
    return rows[over - above : rows.shape[0] - (over - below)] if over else rows


def attention_sums(
    x: Float[Tensor, "rows W C"],
    weight: Float[Tensor, "C3 C"],
    kernel: Float[Tensor, "C3 1 3 3"],
    gate: Float[Tensor, "fewer W 1"] | None,
    above: int,
    below: int,
) -> tuple[Float[Tensor, "C C"], Float[Tensor, " C2"], Float[Tensor, " C"], Float[Tensor, "fewer W C"]]:
    """The parts of the strip in q'k, in the squares of q and of k, and in the sum of v; and its v. `gate` is multiplied with q."""
    stacked = depthwise_rows(F.linear(normalised(x), weight), kernel, above, below)
    query, key, value = stacked.chunk(3, dim=2)
    with torch.autocast(x.device.type, enabled=False):  # sums over the image are computed in the precision of the map
        query, key, width = query.to(x.dtype), key.to(x.dtype), x.shape[2]
        if gate is not None:
            query = query * gate.to(x.dtype)
        alike = query.reshape(-1, width).T @ key.reshape(-1, width)
        squares = torch.cat([(query * query).sum((0, 1)), (key * key).sum((0, 1))])
        return alike, squares, value.sum((0, 1), dtype=x.dtype), value


def gated(
    x: Float[Tensor, "rows W C"],
    weight_a: Float[Tensor, "C2 C"],
    kernel_a: Float[Tensor, "C2 1 3 3"],
    weight_b: Float[Tensor, "C2 C"],
    kernel_b: Float[Tensor, "C2 1 3 3"],
    above: int,
    below: int,
) -> Float[Tensor, "fewer W C2"]:
    """The gated features of a feed-forward, before its last 1x1."""
    pixels = normalised(x)
    gate = depthwise_rows(F.linear(pixels, weight_a), kernel_a, above, below)
    content = depthwise_rows(F.linear(pixels, weight_b), kernel_b, above, below)
    return F.gelu(gate).mul_(content)


def hidden(y: Float[Tensor, "rows W C"], weight: Float[Tensor, "C4 C"], bias: Float[Tensor, " C4"]) -> Float[Tensor, "rows W C4"]:
    """The wide features of a large-kernel block."""
    return F.gelu(F.linear(y, weight, bias))


def hidden_squares(y: Float[Tensor, "rows W C"], weight: Float[Tensor, "C4 C"], bias: Float[Tensor, " C4"]) -> Float[Tensor, " C4"]:
    """The sum of squares of each wide feature."""
    wide = hidden(y, weight, bias)
    with torch.autocast(y.device.type, enabled=False):
        wide = wide.to(y.dtype)
        return wide.square_().sum((0, 1))


@dataclass(frozen=True)
class StripFunctions:
    """The functions above, each as it is or compiled."""

    attention_sums: Callable[..., Any] = attention_sums
    gated: Callable[..., Any] = gated
    hidden: Callable[..., Any] = hidden
    hidden_squares: Callable[..., Any] = hidden_squares


EAGER = StripFunctions()


@cache
def compiled_functions() -> StripFunctions:
    """The functions, with those compiled that are then faster. They are made once per process, and compiled at their first use."""
    return StripFunctions(attention_sums=torch.compile(attention_sums, dynamic=False))

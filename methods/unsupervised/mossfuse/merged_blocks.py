"""The blocks of MossFuse for inference. Each changes one map (H, W, C) of one image in place, for one strip of rows at a time.

merging.py merges the weights, and strips.py computes on a strip. The division into strips is exact: a sum over the image is the sum over
its strips, and a convolution receives the rows above and below the strip. Each pass over a map costs memory traffic. So each block makes as
few passes as its sums over the image allow: two for attention with its feed-forward, and two for a large kernel (one for the lengths, one
for the change).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import reduce

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.blocks import (
    COSINE_EPS,
    ChannelAttention,
    ChannelNorm,
    DilatedDepthwise,
    FeedForward,
    LargeKernelBlock,
    TransformerBlock,
    block_diagonal,
    head_blocks,
)
from methods.unsupervised.mossfuse.merging import TAPS, after_norm, merged_depthwise, merged_narrow
from methods.unsupervised.mossfuse.strips import StripFunctions, depthwise_rows, rows_with_halo, strips

STRIP_BYTES = 1_600_000  # of a strip of a map of 2 C channels: a few of them fit the caches of a core; smaller strips share more rows
STRIP_BYTES_GPU = 400_000_000  # on a GPU, where few large strips are better


class Frame:
    """How the maps of one image are divided into strips, and the spare map that all blocks use."""

    def __init__(self, image: Float[Tensor, "channels H W"], width: int, kernels: StripFunctions) -> None:
        self.rows, self.cols = image.shape[1:]
        most = STRIP_BYTES if image.device.type == "cpu" else STRIP_BYTES_GPU
        rows = most // (2 * width * self.cols * image.element_size())
        self.strips = list(strips(self.rows, rows))
        self.small_strips = list(strips(self.rows, rows // 2))  # for blocks that need no rows above and below
        self.spare = image.new_empty(self.rows, self.cols, width)
        self.kernels = kernels


class ConstantModule(nn.Module):
    """A module whose tensors are constants: they move to a device with it, and are not learned."""

    def hold(self, **tensors: Tensor) -> None:
        """Keeps copies of the tensors under these names."""
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.detach().clone())


class MergedAttention(ConstantModule):
    """Attention with the values v, the matrix A that mixes them, and the projection W: its output at a pixel is W A v."""

    weight: Tensor
    kernel: Tensor
    temperature: Tensor
    project: Tensor

    def __init__(self, norm: ChannelNorm, attention: ChannelAttention) -> None:
        super().__init__()
        self.hold(weight=after_norm(norm, attention.qkv.weight[:, :, 0, 0]), kernel=attention.depthwise.weight)
        self.hold(temperature=attention.temperature, project=attention.project.weight[:, :, 0, 0])

    def look(
        self, x: Float[Tensor, "H W C"], frame: Frame, gate: Callable[[int, int], Tensor] | None = None
    ) -> tuple[Float[Tensor, "C C"], Float[Tensor, " C"]]:
        """The matrix A, and the mean of A v over the image. It leaves v in `frame.spare`.

        `gate(start, stop)` is multiplied with the queries of these rows.
        """
        width = x.shape[2]
        alike, squares, total = x.new_zeros(width, width), x.new_zeros(2 * width), x.new_zeros(width)
        for start, stop in frame.strips:
            rows, above, below = rows_with_halo(x, start, stop, 1)
            factor = None if gate is None else gate(start, stop)
            part = frame.kernels.attention_sums(rows, self.weight, self.kernel, factor, above, below)
            alike, squares, total = alike + part[0], squares + part[1], total + part[2]
            frame.spare[start:stop] = part[3]
        query, key = squares.sqrt().clamp_min(COSINE_EPS).chunk(2)
        weights = torch.softmax(head_blocks((alike / query[:, None] / key)[None]) * self.temperature, dim=3)
        mix = block_diagonal(weights)[0]
        return mix, mix @ total / (frame.rows * frame.cols)


class MergedFeedForward(ConstantModule):
    """x + 1x1(gelu(dw3(1x1(n))) * dw3(1x1(n))), where n is the normalised x."""

    weight_a: Tensor
    weight_b: Tensor
    kernel_a: Tensor
    kernel_b: Tensor
    project: Tensor

    def __init__(self, norm: ChannelNorm, feed_forward: FeedForward) -> None:
        super().__init__()
        first = after_norm(norm, feed_forward.expand.weight[:, :, 0, 0])
        half, kernel = first.shape[0] // 2, feed_forward.depthwise.weight
        self.hold(weight_a=first[:half], kernel_a=kernel[:half], weight_b=first[half:], kernel_b=kernel[half:])
        self.hold(project=feed_forward.project.weight[:, :, 0, 0])

    def change(self, x: Float[Tensor, "H W C"], frame: Frame, prepare: Callable[[int, int], None]) -> None:
        """Adds the feed-forward to x, in place.

        `prepare(start, stop)` is called before, once for each row, and changes x there.
        """
        ready, before = 0, x[:0]  # number of prepared rows; the row above the strip, as it was before it was changed
        for start, stop in frame.strips:
            ahead = min(stop + 1, frame.rows)
            if ahead > ready:
                prepare(ready, ahead)
            ready = ahead
            rows = torch.cat((before, x[start:ahead]))
            before = x[stop - 1 : stop].clone()
            ends = int(start == 0), int(stop == frame.rows)
            wide = frame.kernels.gated(rows, self.weight_a, self.kernel_a, self.weight_b, self.kernel_b, *ends)
            add_product(x[start:stop], wide, self.project)


class MergedTransformer(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, block: TransformerBlock) -> None:
        super().__init__()
        self.attention = MergedAttention(block.norm1, block.attention)
        self.feed_forward = MergedFeedForward(block.norm2, block.feed_forward)

    def change(self, x: Float[Tensor, "H W C"], frame: Frame) -> None:
        """Applies the block to x, in place."""
        mixed = self.attention.project @ self.attention.look(x, frame)[0]
        self.feed_forward.change(x, frame, lambda start, stop: add_product(x[start:stop], frame.spare[start:stop], mixed))


class MergedLargeKernel(ConstantModule):
    """x + N (r h) + n, with h = gelu(B (s y)).

    y is the 7x7 depthwise convolution of x, or x itself; s comes from squeeze and excitation; r is the scale of the response norm.
    """

    kernel: Tensor
    shift: Tensor
    narrow: Tensor
    constant: Tensor
    widen: Tensor
    widen_bias: Tensor

    def __init__(self, block: LargeKernelBlock) -> None:
        super().__init__()
        self.spatial = isinstance(block.neighbourhood, DilatedDepthwise)
        if isinstance(block.neighbourhood, DilatedDepthwise):
            kernel, shift = merged_depthwise(block.neighbourhood)
            self.hold(kernel=kernel, shift=shift)
        last = merged_narrow(block)
        self.hold(narrow=last.weight, constant=last.bias, widen=block.widen.weight, widen_bias=block.widen.bias)
        self.squeeze, self.response = deepcopy(block.squeeze), deepcopy(block.response)

    def change(self, x: Float[Tensor, "H W C"], frame: Frame) -> None:
        """Applies the block to x, in place."""
        y = self._neighbours(x, frame) if self.spatial else x
        widen = self.widen * self.squeeze.of_mean(y.mean((0, 1))[None])
        squares = sum_of(frame.kernels.hidden_squares(y[start:stop], widen, self.widen_bias) for start, stop in frame.small_strips)
        narrow = self.narrow * self.response.of_norm(squares.sqrt()[None])
        for start, stop in frame.small_strips:
            wide = frame.kernels.hidden(y[start:stop], widen, self.widen_bias)
            add_product(x[start:stop], wide, narrow)
            x[start:stop] += self.constant

    def _neighbours(self, x: Float[Tensor, "H W C"], frame: Frame) -> Float[Tensor, "H W C"]:
        """The map y, stored in `frame.spare`."""
        for start, stop in frame.strips:
            rows, above, below = rows_with_halo(x, start, stop, TAPS // 2)
            frame.spare[start:stop] = depthwise_rows(rows, self.kernel, above, below, self.shift)
        return frame.spare


def add_product(x: Float[Tensor, "rows W C"], z: Float[Tensor, "rows W into"], weight: Float[Tensor, "C into"]) -> None:
    """Adds weight z to x at each pixel, in place; in one operation if all numbers have the same precision."""
    if torch.is_autocast_enabled(x.device.type):
        x += F.linear(z, weight)
    else:
        x.reshape(-1, x.shape[2]).addmm_(z.reshape(-1, z.shape[2]), weight.T)


def sum_of(parts: Iterable[Tensor]) -> Tensor:
    """The sum of the tensors, added one after the other."""
    return reduce(torch.add, parts)

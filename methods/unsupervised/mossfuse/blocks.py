"""The building blocks of MossFuse that look at one feature map: (batch, width, H, W) in, the same shape out.

Symbols: C = width, x a feature map, `dw k` a k x k convolution of each channel by itself, `1x1` a mix of channels at each pixel.

    transformer block     x + attention(norm(x)), then x + feed_forward(norm(x))
    channel attention     q, k, v = dw3(1x1(x)); per head: softmax(t * q k' / |q||k|) v, a matrix of channels by channels
    feed forward          1x1(gelu(a) * b) with a, b = dw3(1x1(x))
    large-kernel block    x + gamma * BN(W2 grn(gelu(W1 se(BN(sum of dilated dw(x)))))); without a kernel, dw and the first BN are left out

Sources: Zamir et al., "Restormer", CVPR 2022 (attention, feed forward); Ding et al., "UniRepLKNet", CVPR 2024 (large-kernel block);
Woo et al., "ConvNeXt V2", CVPR 2023 (GRN); Hu et al., "Squeeze-and-Excitation", CVPR 2018.

Everything that works at each pixel runs on views with the channels last, which are free in torch's `channels_last` memory format.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

HEADS = 8
NORM_EPS = 1e-5
COSINE_EPS = 1e-12  # smallest length that q and k are divided by
GRN_EPS = 1e-6
FIRST_GAMMA = 1e-6  # a new large-kernel block is nearly the identity


def channels_last(x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch H W C"]:
    """A view with the channels last."""
    return x.permute(0, 2, 3, 1)


def channels_first(x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch C H W"]:
    """A view with the channels first."""
    return x.permute(0, 3, 1, 2)


def channel_lengths(x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch C"]:
    """Euclidean length of each channel over the image; rows first, which is exact and keeps the sums short. Its gradient at 0 is 0."""
    return cast(Tensor, torch.linalg.vector_norm(torch.linalg.vector_norm(x, dim=2), dim=1))


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel: (x - mean) / sqrt(population variance + 1e-5) * weight + bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The normalised map."""
        return channels_first(F.layer_norm(channels_last(x), self.weight.shape, self.weight, self.bias, NORM_EPS))


class ChannelAttention(nn.Module):
    """Attention between channels: each of 8 heads mixes its C / 8 channels by how alike their images are.

    With q_c the image of channel c as a vector, head by head:  A = softmax_d(t * <q_c, k_d> / (|q_c| |k_d|)),  o_c = sum_d A_cd v_d.
    The lengths divide the small matrix of inner products and never the images themselves.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.depthwise = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=False)
        self.project = nn.Conv2d(width, width, 1, bias=False)

    def attend(
        self, x: Float[Tensor, "batch C H W"], gate: Float[Tensor, "batch gate_C gate_H gate_W"] | None = None
    ) -> Float[Tensor, "batch C H W"]:
        """The mixed values o before the projection; `gate` (broadcast over x) multiplies the queries."""
        batch, width, rows, cols = x.shape
        stacked = channels_last(self.depthwise(self.qkv(x)))
        query, key, value = stacked.chunk(3, dim=3)
        if gate is not None:
            query = query * channels_last(gate)
        alike = query.reshape(batch, -1, width).transpose(1, 2) @ key.reshape(batch, -1, width)
        alike = alike / channel_lengths(query).clamp_min(COSINE_EPS)[:, :, None] / channel_lengths(key).clamp_min(COSINE_EPS)[:, None, :]
        weights = torch.softmax(head_blocks(alike) * self.temperature, dim=3)
        mix = block_diagonal(weights)
        mixed = value.reshape(batch, -1, width) @ mix.transpose(1, 2)
        return channels_first(mixed.reshape(batch, rows, cols, width))

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """1x1(o)."""
        return cast(Tensor, self.project(self.attend(x)))


class FeedForward(nn.Module):
    """1x1(gelu(a) * b), where a and b are the halves of dw3(1x1(x)), each of 2 C channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.depthwise = nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width, bias=False)
        self.project = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The gated map."""
        gate, content = self.depthwise(self.expand(x)).chunk(2, dim=1)
        return cast(Tensor, self.project(F.gelu(gate) * content))


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width)
        self.attention = ChannelAttention(width)
        self.norm2 = ChannelNorm(width)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The refined map."""
        x = x + self.attention(self.norm1(x))
        return cast(Tensor, x + self.feed_forward(self.norm2(x)))


class DilatedDepthwise(nn.Module):
    """BN(dw7) + BN(dw5) + BN(dw3 dilated by 2) + BN(dw3 dilated by 3), then one more BN: a 7 x 7 neighbourhood seen in four ways."""

    KERNELS = ((7, 1), (5, 1), (3, 2), (3, 3))  # (taps, dilation)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width, width, taps, padding=dilation * (taps // 2), dilation=dilation, groups=width, bias=False)
            for taps, dilation in self.KERNELS
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in self.KERNELS)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The normalised sum of the four branches."""
        total = self.norms[0](self.convolutions[0](x))
        for convolution, norm in zip(self.convolutions[1:], self.norms[1:], strict=True):
            total = total + norm(convolution(x))
        return cast(Tensor, self.norm(total))


class SqueezeExcitation(nn.Module):
    """x * sigmoid(up(relu(down(mean of x over the image)))), down to C / 4 numbers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, width // 4)
        self.up = nn.Linear(width // 4, width)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The map with each channel scaled."""
        return x * self.of_mean(x.mean((2, 3)))[:, :, None, None]

    def of_mean(self, mean: Float[Tensor, "batch C"]) -> Float[Tensor, "batch C"]:
        """What each channel is multiplied by, from the channels' means over the image."""
        return torch.sigmoid(self.up(F.relu(self.down(mean))))


class ResponseNorm(nn.Module):
    """Global response normalisation, channels last: (gamma * g / (mean_c g + 1e-6) + 1) * x + beta, g the `channel_lengths` of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch H W C"]:
        """The map with each channel scaled and shifted."""
        return torch.addcmul(self.beta, x, self.of_norm(channel_lengths(x))[:, None, None, :])

    def of_norm(self, strength: Float[Tensor, "batch C"]) -> Float[Tensor, "batch C"]:
        """What each channel is multiplied by, from the channels' lengths g over the image."""
        return self.gamma * strength / (strength.mean(1, keepdim=True) + GRN_EPS) + 1


class LargeKernelBlock(nn.Module):
    """x + gamma * BN(W2 grn(gelu(W1 se(y)))) with y the dilated depthwise sum of x, or x itself when `spatial` is false."""

    def __init__(self, width: int, *, spatial: bool) -> None:
        super().__init__()
        self.neighbourhood = DilatedDepthwise(width) if spatial else nn.Identity()
        self.squeeze = SqueezeExcitation(width)
        self.widen = nn.Linear(width, 4 * width)
        self.response = ResponseNorm(4 * width)
        self.narrow = nn.Linear(4 * width, width, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.gamma = nn.Parameter(torch.full((width,), FIRST_GAMMA))

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The refined map."""
        hidden = self.response(F.gelu(self.widen(channels_last(self.squeeze(self.neighbourhood(x))))))
        return torch.addcmul(x, self.norm(channels_first(self.narrow(hidden))), self.gamma[:, None, None])


class Head(nn.Module):
    """3x3 to half the width, leaky ReLU (slope 0.01), 3x3 to the image's channels; neither clamped nor squashed."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width // 2, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width // 2, channels, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch channels H W"]:
        """The image."""
        return cast(Tensor, self.second(F.leaky_relu(self.first(x), 0.01)))


def head_blocks(square: Float[Tensor, "batch C C"]) -> Float[Tensor, "batch heads c c"]:
    """The 8 blocks of C / 8 channels on the diagonal."""
    batch, width, _ = square.shape
    size = width // HEADS
    return square.reshape(batch, HEADS, size, HEADS, size).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def block_diagonal(blocks: Float[Tensor, "batch heads c c"]) -> Float[Tensor, "batch C C"]:
    """The square matrix with `blocks` on its diagonal and zeros elsewhere."""
    batch, heads, size, _ = blocks.shape
    same = torch.eye(heads, dtype=blocks.dtype, device=blocks.device)
    return (blocks[:, :, :, None, :] * same[:, None, :, None]).reshape(batch, heads * size, heads * size)

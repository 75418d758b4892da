"""The building blocks of MossFuse with one feature map as input: (batch, width, H, W) in, the same shape out.

C is the width, x a feature map, `dw k` a k x k convolution of each channel by itself, and `1x1` a linear map of the channels at each pixel.

    transformer block     x + attention(norm(x)), then x + feed_forward(norm(x))
    channel attention     q, k, v = dw3(1x1(x)); per head: softmax(t * q k' / |q||k|) v, with a matrix of channels by channels
    feed forward          1x1(gelu(a) * b) with a, b = dw3(1x1(x))
    large-kernel block    x + gamma * BN(W2 grn(gelu(W1 se(BN(sum of dilated dw(x)))))); the form without a kernel has no dw and no first BN

Sources: Zamir et al., "Restormer", CVPR 2022 (attention, feed forward); Ding et al., "UniRepLKNet", CVPR 2024 (large-kernel block);
Woo et al., "ConvNeXt V2", CVPR 2023 (GRN); Hu et al., "Squeeze-and-Excitation", CVPR 2018.

All operations on single pixels use views with the channels last, which cost nothing in torch's `channels_last` memory format.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

HEADS = 8
NORM_EPS = 1e-5
COSINE_EPS = 1e-12  # least length by which q and k are divided
GRN_EPS = 1e-6
FIRST_GAMMA = 1e-6  # so that a new large-kernel block is nearly the identity


def channels_last(x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch H W C"]:
    """A view with the channels last."""
    return x.permute(0, 2, 3, 1)


def channels_first(x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch C H W"]:
    """A view with the channels first."""
    return x.permute(0, 3, 1, 2)


def channel_lengths(x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch C"]:
    """The Euclidean length of each channel over the image. It is computed along the rows first, so that sums are short.

    The gradient at 0 is 0.
    """
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
    """Attention between channels: each of 8 heads mixes its C / 8 channels by the similarity of their images.

    With q_c the image of channel c as a vector, for each head:  A = softmax_d(t * <q_c, k_d> / (|q_c| |k_d|)),  o_c = sum_d A_cd v_d.
    The small matrix of inner products is divided by the lengths, not the images themselves.
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
        """The mixed values o before the projection. `gate`, broadcast over x, multiplies the queries."""
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
        """The projection 1x1(o)."""
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
    """BN(BN(dw7) + BN(dw5) + BN(dw3 dilated by 2) + BN(dw3 dilated by 3)): four convolutions of a 7 x 7 neighbourhood."""

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
    """x * sigmoid(up(relu(down(mean of x over the image)))), where `down` gives C / 4 numbers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, width // 4)
        self.up = nn.Linear(width // 4, width)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The map with each channel scaled."""
        return x * self.of_mean(x.mean((2, 3)))[:, :, None, None]

    def of_mean(self, mean: Float[Tensor, "batch C"]) -> Float[Tensor, "batch C"]:
        """The factor of each channel, from the channels' means over the image."""
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
        """The factor of each channel, from the channels' lengths g over the image."""
        return self.gamma * strength / (strength.mean(1, keepdim=True) + GRN_EPS) + 1


class LargeKernelBlock(nn.Module):
    """x + gamma * BN(W2 grn(gelu(W1 se(y)))), where y is the dilated depthwise sum of x, or x itself if `spatial` is false."""

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
    """3x3 to half the width, leaky ReLU (slope 0.01), 3x3 to the channels of the image; the values have no bounds."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width // 2, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width // 2, channels, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch channels H W"]:
        """The image."""
        return cast(Tensor, self.second(F.leaky_relu(self.first(x), 0.01)))


def head_blocks(square: Float[Tensor, "batch C C"]) -> Float[Tensor, "batch heads c c"]:
    """The 8 diagonal blocks of C / 8 x C / 8 numbers."""
    batch, width, _ = square.shape
    size = width // HEADS
    return square.reshape(batch, HEADS, size, HEADS, size).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def block_diagonal(blocks: Float[Tensor, "batch heads c c"]) -> Float[Tensor, "batch C C"]:
    """The square matrix with `blocks` on its diagonal and zeros elsewhere."""
    batch, heads, size, _ = blocks.shape
    same = torch.eye(heads, dtype=blocks.dtype, device=blocks.device)
    return (blocks[:, :, :, None, :] * same[:, None, :, None]).reshape(batch, heads * size, heads * size)

"""The weights of the network for inference: chains of linear maps of a trained MossFuse network, each merged into one map.

    norm then 1x1            W (w n + b) = V (n + 1), 1 the vector of ones    n the normalised pixel, w and b of the norm
                             V = U - (U 1 / C) 1' + (W b / C) 1',  U = W diag w;  exact because the C numbers of n sum to 0
    batch norm               BN(z) = s z + t,  s = weight / sqrt(variance + eps),  t = bias - s mean        (after training: constants)
    dw then BN, four ways    one 7x7 kernel: sum of s_i kernel_i, dilated ones spread out with zeros; one shift t
    1x1 then 1x1             one matrix
    GRN, W2, BN, gamma       x + gamma (s W2 (scale h + beta) + t) = x + (gamma s W2) diag(scale) h + constant

Everything is computed in float64 and rounded once. Matrices are (out, in), as `F.linear` takes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.blocks import ChannelNorm, DilatedDepthwise, LargeKernelBlock

TAPS = 7  # of the merged kernel


@dataclass(frozen=True, eq=False)
class PixelMap:
    """The map weight x + bias of each pixel x."""

    weight: Float[Tensor, "out into"]
    bias: Float[Tensor, " out"]


def after_norm(norm: ChannelNorm, weight: Float[Tensor, "out into"]) -> Float[Tensor, "out into"]:
    """The matrix V, by which n + 1 is multiplied. It merges the norm's weight and bias with the 1x1 after it."""
    return moved_bias(weight.double() * norm.weight.double(), weight.double() @ norm.bias.double()).to(weight)


def moved_bias(weight: Float[Tensor, "out into"], bias: Float[Tensor, " out"]) -> Float[Tensor, "out into"]:
    """The V with V (n + 1) = weight n + bias for every n whose numbers sum to 0. With it no bias needs to be added."""
    return weight + ((bias - weight.sum(1)) / weight.shape[1])[:, None]


def merged_depthwise(branches: DilatedDepthwise) -> tuple[Float[Tensor, "C 1 7 7"], Float[Tensor, " C"]]:
    """The kernel and the shift of one depthwise convolution that replaces the four convolutions, their norms and the last norm."""
    like = branches.norm.weight
    scale, shift = constants(branches.norm)
    kernel = scale.new_zeros(like.shape[0], 1, TAPS, TAPS)
    total = torch.zeros_like(shift)
    for convolution, norm, (_, dilation) in zip(branches.convolutions, branches.norms, DilatedDepthwise.KERNELS, strict=True):
        branch_scale, branch_shift = constants(norm)
        kernel += branch_scale[:, None, None, None] * _spread(convolution.get_parameter("weight").double(), dilation)
        total += branch_shift
    return (scale[:, None, None, None] * kernel).to(like), (scale * total + shift).to(like)


def merged_narrow(block: LargeKernelBlock) -> PixelMap:
    """The map gamma BN(W2 (. + beta)), which follows the scaling of the response norm."""
    scale, shift = constants(block.norm)
    gamma, narrow = block.gamma.double(), block.narrow.weight.double()
    weight = (gamma * scale)[:, None] * narrow
    return PixelMap(weight.to(block.gamma), (weight @ block.response.beta.double() + gamma * shift).to(block.gamma))


def product(last: Float[Tensor, "out between 1 1"], first: Float[Tensor, "between into 1 1"]) -> Float[Tensor, "out into"]:
    """The product of two 1x1 convolutions, between which there is at most one factor per pixel."""
    return (last[:, :, 0, 0].double() @ first[:, :, 0, 0].double()).to(last)


def constants(norm: nn.Module) -> tuple[Float[Tensor, " C"], Float[Tensor, " C"]]:
    """The scale and the shift of a batch norm after learning, in float64."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        raise TypeError(f"expected a batch norm with running statistics, got {type(norm).__name__}")
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.double() - scale * norm.running_mean.double()


def _spread(kernel: Float[Tensor, "C 1 k k"], dilation: int) -> Float[Tensor, "C 1 7 7"]:
    """The same taps in a kernel of 7x7, with zeros around them and, if they are dilated, between them."""
    taps = kernel.shape[-1]
    reach = dilation * (taps - 1) + 1
    spread = kernel.new_zeros(kernel.shape[0], 1, reach, reach)
    spread[:, :, ::dilation, ::dilation] = kernel
    return F.pad(spread, [(TAPS - reach) // 2] * 4)

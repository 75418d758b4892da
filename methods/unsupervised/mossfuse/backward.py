"""Functions of MossFuse for learning, each with a backward pass written by hand: autograd's gradients with fewer passes over memory.

Maps are (batch, H, W, C). The time of a learning step goes as much into memory traffic as into arithmetic: between two products, autograd
copies halves, adds gradients, and computes layer norms and gates, and each of these passes reads and writes a map. The functions here make
as few passes as possible, in place.

    GatedFeedForward       x + P (gelu(a) * b),  a, b = dw3(A m), dw3(B m),  m = n(x) + 1, n the normalised pixel
    AttentionProducts      q, k, v = dw3(A m), q times the gate:  q'k and the lengths of q and k, image by image; and v
    WideFeatures           N (r h),  h = gelu(B y + c),  r = gamma g / (mean g + 1e-6) + 1,
                           g the length of each of h's channels in the image
    DepthwiseConvolution   each channel convolved with its own kernel

The gradient of a depthwise convolution for its input is another depthwise convolution, with the kernel turned by 180 degrees. The gradient
for the kernel is fast in torch only for 3 x 3 taps without dilation. So it is computed in pieces of 3 x 3 for a larger kernel, and for a
dilated one on the pixels that it uses. Where a length is 0, its gradient is taken as 0.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.unsupervised.mossfuse.blocks import GRN_EPS, NORM_EPS, channels_first, channels_last


class GatedFeedForward(torch.autograd.Function):
    """The gated feed-forward: `apply(x, a, b, kernel_a, kernel_b, project)`, with matrices (out, in) and kernels (2 C, 1, 3, 3)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, a: Tensor, b: Tensor, kernel_a: Tensor, kernel_b: Tensor, project: Tensor) -> Tensor:
        """The changed map."""
        pixels, mean, scale = normalised_pixels(x)
        wide_a, wide_b = ((pixels @ weight.T).view(*x.shape[:3], -1) for weight in (a, b))
        gate, content = (
            channels_last(_convolved(channels_first(wide), kernel)) for wide, kernel in ((wide_a, kernel_a), (wide_b, kernel_b))
        )
        ctx.save_for_backward(x, a, b, kernel_a, kernel_b, project, pixels, mean, scale, wide_a, wide_b, gate, content)
        return torch.addmm(pixel_rows(x), pixel_rows(F.gelu(gate).mul_(content)), project.T).view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """The gradients for all inputs, by the chain rule."""
        x, a, b, kernel_a, kernel_b, project, pixels, mean, scale, wide_a, wide_b, gate, content = ctx.saved_tensors
        grad = grad.contiguous()
        opened = F.gelu(gate)
        to_project = pixel_rows(grad).T @ pixel_rows(opened * content)
        to_wide = (pixel_rows(grad) @ project).view_as(gate)
        to_b, to_kernel_b = _before(opened.mul_(to_wide), wide_b, kernel_b)
        to_a, to_kernel_a = _before(torch.ops.aten.gelu_backward(to_wide.mul_(content), gate), wide_a, kernel_a)
        to_x = norm_backward((to_a @ a).addmm_(to_b, b), x, mean, scale).add_(grad)
        return to_x, to_a.T @ pixels, to_b.T @ pixels, to_kernel_a, to_kernel_b, to_project


class AttentionProducts(torch.autograd.Function):
    """`apply(x, weight, kernel, gate or None)` gives q'k (batch, C, C), the lengths of q and k (batch, 2 C), and v (batch, H, W, C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kernel: Tensor, gate: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The products and the values; q, k and v are computed together."""
        pixels, mean, scale = normalised_pixels(x)
        wide = (pixels @ weight.T).view(*x.shape[:3], -1)
        stacked = channels_last(_convolved(channels_first(wide), kernel))
        query, key, value = stacked.flatten(1, 2).chunk(3, dim=2)
        if gate is not None:
            query = query * gate.flatten(1, 2)
        lengths = torch.cat([(query * query).sum(1), (key * key).sum(1)], dim=1).sqrt_()
        ctx.save_for_backward(x, weight, kernel, gate, lengths, pixels, mean, scale, wide, stacked)
        return query.transpose(1, 2) @ key, lengths, value.reshape(x.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_alike: Tensor, to_lengths: Tensor, to_values: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients for all inputs, by the chain rule."""
        x, weight, kernel, gate, lengths, pixels, mean, scale, wide, stacked = ctx.saved_tensors
        query, key, _ = stacked.flatten(1, 2).chunk(3, dim=2)
        opened = None if gate is None else gate.flatten(1, 2)
        gated = query if opened is None else query * opened
        factors = torch.where(lengths > 0, to_lengths / lengths, 0)[:, None, :].chunk(2, dim=2)
        to_stacked = torch.empty_like(stacked)
        to_query, to_key, to_value = to_stacked.flatten(1, 2).chunk(3, dim=2)
        torch.mul(gated, factors[0], out=to_query)
        torch.mul(key, factors[1], out=to_key)
        for image in range(x.shape[0]):
            to_query[image].addmm_(key[image], to_alike[image].T)
            to_key[image].addmm_(gated[image], to_alike[image])
        to_value.copy_(to_values.flatten(1, 2))
        to_gate = None
        if gate is not None and opened is not None:
            to_gate = (to_query * query).sum(2).view_as(gate)
            to_query.mul_(opened)
        to_wide, to_kernel = _before(to_stacked, wide, kernel)
        return norm_backward(to_wide @ weight, x, mean, scale), to_wide.T @ pixels, to_kernel, to_gate


class WideFeatures(torch.autograd.Function):
    """`apply(y, widen (batch, 4 C, C), bias, narrow (C, 4 C), gamma, constant)` gives narrow (r h) + constant, (batch, H, W, C)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, widen: Tensor, bias: Tensor, narrow: Tensor, gamma: Tensor, constant: Tensor) -> Tensor:
        """The narrow map; B y + c is kept for the backward pass, h is not."""
        before = torch.baddbmm(bias, y.flatten(1, 2), widen.transpose(1, 2))
        wide = F.gelu(before)
        lengths = (wide * wide).sum(1).sqrt_()
        ctx.save_for_backward(y, widen, before, narrow, gamma, lengths)
        narrowed = narrow * _response(lengths, gamma)[:, None, :]
        return torch.baddbmm(constant, wide, narrowed.transpose(1, 2)).view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """The gradients; first that for N r, from which those for the lengths follow."""
        y, widen, before, narrow, gamma, lengths = ctx.saved_tensors
        there, wide = grad.flatten(1, 2), F.gelu(before)
        with torch.enable_grad():
            leaves = [tensor.detach().requires_grad_() for tensor in (narrow, gamma, lengths)]
            narrowed = leaves[0] * _response(leaves[2], leaves[1])[:, None, :]
            to_narrow, to_gamma, to_lengths = torch.autograd.grad(narrowed, leaves, there.transpose(1, 2) @ wide)
        to_wide = wide.mul_(torch.where(lengths > 0, to_lengths / lengths, 0)[:, None, :]).baddbmm_(there, narrowed.detach())
        to_before = torch.ops.aten.gelu_backward(to_wide, before)
        to_widen = to_before.transpose(1, 2) @ y.flatten(1, 2)
        to_y = (to_before @ widen).view_as(y)
        return to_y, to_widen, to_before.sum((0, 1)), to_narrow, to_gamma, there.sum((0, 1))


class DepthwiseConvolution(torch.autograd.Function):
    """`apply(x (batch, C, H, W), kernel, dilation)`: each channel convolved with its own kernel, zeros around the image."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
        """The convolved map."""
        ctx.save_for_backward(x, kernel)
        ctx.dilation = dilation
        return _convolved(x, kernel, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradient for the map, by the turned kernel, and that for the kernel, in pieces."""
        x, kernel = ctx.saved_tensors
        return _convolved(grad, kernel.flip((2, 3)), ctx.dilation), kernel_gradient(grad, x, kernel.shape[-1], ctx.dilation), None


def normalised_pixels(
    x: Float[Tensor, "batch H W C"],
) -> tuple[Float[Tensor, "pixels C"], Float[Tensor, "pixels 1"], Float[Tensor, "pixels 1"]]:
    """m = n + 1 for each pixel, with the pixel's mean and its 1 / sqrt(variance + 1e-5)."""
    pixels = pixel_rows(x)
    share = pixels.new_full((x.shape[3], 1), 1 / x.shape[3])
    mean = pixels @ share
    centred = pixels - mean
    scale = ((centred * centred) @ share + NORM_EPS).rsqrt()
    return centred.mul_(scale).add_(1), mean, scale


def norm_backward(
    grad: Float[Tensor, "pixels C"], x: Float[Tensor, "batch H W C"], mean: Float[Tensor, "pixels 1"], scale: Float[Tensor, "pixels 1"]
) -> Float[Tensor, "batch H W C"]:
    """The gradient for x, from the gradient for m."""
    shape = [x.shape[3]]
    gradient: Tensor = torch.ops.aten.native_layer_norm_backward(grad, pixel_rows(x), shape, mean, scale, None, None, [True, False, False])[
        0
    ]
    return gradient.view_as(x)


def pixel_rows(x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "pixels C"]:
    """The pixels of all images as rows."""
    return x.reshape(-1, x.shape[3])


def _before(grad: Tensor, wide: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of a depthwise 3x3 convolution, for the pixels of its input and for its kernel."""
    there = channels_first(grad)
    return pixel_rows(channels_last(_convolved(there, kernel.flip((2, 3))))), kernel_gradient(there, channels_first(wide), 3, 1)


def kernel_gradient(
    grad: Float[Tensor, "batch C H W"], x: Float[Tensor, "batch C H W"], taps: int, dilation: int
) -> Float[Tensor, "C 1 taps taps"]:
    """The gradient for a depthwise kernel, from the gradient `grad` for the output and the input x."""
    shape = (x.shape[1], 1, 3, 3)
    if dilation > 1:
        return _small_kernel_gradient(_stepped(grad, dilation), _stepped(x, dilation), shape, (1, 1))
    if taps == 3:
        return _small_kernel_gradient(grad, x, shape, (1, 1))
    rows, cols = x.shape[2:]
    padded = F.pad(x, [taps // 2] * 4)
    gradient = x.new_empty(x.shape[1], 1, taps, taps)
    firsts = sorted({min(first, taps - 3) for first in range(0, taps, 3)})
    for u in firsts:
        for v in firsts:
            part = padded[:, :, u : u + rows + 2, v : v + cols + 2]
            gradient[:, :, u : u + 3, v : v + 3] = _small_kernel_gradient(grad, part, shape, (0, 0))
    return gradient


def _stepped(x: Tensor, step: int) -> Tensor:
    """The images of every step-th pixel, (batch step step, C, H / step, W / step), with zeros where a pixel is missing."""
    batch, channels, rows, cols = x.shape
    x = F.pad(x, (0, -cols % step, 0, -rows % step))
    x = x.reshape(batch, channels, x.shape[2] // step, step, x.shape[3] // step, step).permute(0, 3, 5, 2, 4, 1)
    return x.reshape(-1, *x.shape[3:]).permute(0, 3, 1, 2)


def _convolved(x: Tensor, kernel: Tensor, dilation: int = 1) -> Tensor:
    return F.conv2d(x, kernel, padding=dilation * (kernel.shape[-1] // 2), dilation=dilation, groups=kernel.shape[0])


def _small_kernel_gradient(grad: Tensor, x: Tensor, shape: tuple[int, ...], padding: tuple[int, int]) -> Tensor:
    """The gradient for the kernel by torch's own backward pass; of the kernel it needs the shape alone."""
    like, groups = x.new_empty(shape), shape[0]
    gradient: Tensor = torch.ops.aten.convolution_backward(
        grad, x, like, None, [1, 1], list(padding), [1, 1], False, [0, 0], groups, [False, True, False]
    )[1]
    return gradient


def _response(lengths: Tensor, gamma: Tensor) -> Tensor:
    """The factor by which GRN multiplies each channel, for each image."""
    return gamma * lengths / (lengths.mean(1, keepdim=True) + GRN_EPS) + 1

"""The gradient of the mean absolute error of a per-pixel network of dense layers with shortcuts, by hand, a few pixels at a time.

The hidden layers k = 1 .. n have equally many units. With a the leaky ReLU, h_0 the pixels, and s(k) < k the layer whose output is
added to that of layer k, where there is one:

    z_k = W_k h_k-1 + b_k        h_k = a(z_k) + h_s(k)        f = W_n+1 h_n + b_n+1        error = mean |f - target|

    e = sign(f - target) / count                           dW_n+1 = e h_n'        db_n+1 = sum of e        g_n = W_n+1' e
    d_k = g_k a'(z_k)        g_s(k) += g_k                 dW_k = d_k h_k-1'      db_k = sum of d_k        g_k-1 += W_k' d_k

Sums over pixels can be taken in parts: here in chunks of pixels whose arrays stay in the second-level cache of a core, and nothing is
allocated after the first step. Autograd passes over the activations of the whole image several times, and allocates them in each step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

HELD = 2**16  # numbers in one array of a chunk: 1024 pixels of 64 units, 256 KiB in float32; an operation works on two or three arrays


@dataclass(frozen=True)
class DenseLayers:
    """The sizes of the network.

    Raises:
        ValueError: there is no hidden layer, the slope is not above 0, or a shortcut does not come from an earlier hidden layer.
    """

    channels: int  # inputs per pixel
    hidden: int  # number of hidden layers, n of the module docstring
    units: int  # outputs of each hidden layer
    bands: int  # outputs per pixel
    slope: float  # of the leaky ReLU below 0
    shortcuts: Mapping[int, int]  # s(k) for the hidden layers that have one, counted from 1

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise ValueError(f"hidden: expected at least 1 layer, got {self.hidden}")
        if not self.slope > 0:
            raise ValueError(f"slope: expected a number > 0, as the sign of a(z) must be that of z, got {self.slope}")
        for layer, source in self.shortcuts.items():
            if not 1 <= source < layer <= self.hidden:
                raise ValueError(f"shortcuts: expected a hidden layer before layer {layer} of {self.hidden}, got {source}")

    @property
    def sizes(self) -> list[int]:
        """Numbers per pixel: of the input, of each hidden layer, of the output."""
        return [self.channels, *[self.units] * self.hidden, self.bands]


def absolute_error_gradient(
    layers: DenseLayers, pixels: Float[Tensor, "pixels channels"], target: Float[Tensor, "pixels bands"]
) -> Callable[[Sequence[Tensor]], Float[Tensor, " weights"]]:
    """A function of the weights that gives the gradient of the error of the module docstring, as one vector.

    The weights are the matrix (out, in) and the bias of each layer in turn, and so are the parts of the vector. The vector is valid until
    the function is called again.
    """
    vector = pixels.new_empty(sum((into + 1) * out for into, out in pairwise(layers.sizes)))
    shapes = [shape for into, out in pairwise(layers.sizes) for shape in ((out, into), (out,))]
    pieces = vector.split_with_sizes([prod(shape) for shape in shapes])
    parts = [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]
    count = -(-len(pixels) * layers.units // HELD) if pixels.device.type == "cpu" else 1  # a GPU is fastest with all pixels at once
    chunks = list(zip(pixels.chunk(count), target.chunk(count), strict=True))
    arrays = {size: _Arrays.empty(layers, size, pixels) for size in {len(some) for some, _ in chunks}}

    @torch.no_grad()
    def gradient(weights: Sequence[Tensor]) -> Tensor:
        vector.zero_()
        for some, wanted in chunks:
            held = arrays[len(some)]
            _forward(layers, weights, some, held)
            torch.sub(held.output, wanted, out=held.output).sign_()
            _backward(layers, weights, parts, some, held)
        return vector.mul_(1 / target.numel())

    return gradient


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The arrays for a chunk of one size. Where layer k has no shortcut, a(z_k) and h_k are one array."""

    activations: list[Tensor]  # a(z_k), (pixels, units)
    hidden: list[Tensor]  # h_k, (pixels, units)
    output: Tensor  # f, then the sign of its error
    spare: list[Tensor]  # (pixels, units), free for the gradients g_k

    @classmethod
    def empty(cls, layers: DenseLayers, pixels: int, like: Tensor) -> _Arrays:
        """Arrays for so many pixels, on the device and in the dtype of `like`."""
        activations = [like.new_empty(pixels, layers.units) for _ in range(layers.hidden)]
        hidden = [torch.empty_like(array) if layer in layers.shortcuts else array for layer, array in enumerate(activations, start=1)]
        return cls(activations, hidden, like.new_empty(pixels, layers.bands), [])

    def taken(self) -> Tensor:
        """A free array, or a new one if there is none."""
        return self.spare.pop() if self.spare else torch.empty_like(self.hidden[0])


def _forward(layers: DenseLayers, weights: Sequence[Tensor], pixels: Tensor, held: _Arrays) -> None:
    """Writes all a(z_k), h_k and f."""
    before = pixels
    for layer, (activation, hidden) in enumerate(zip(held.activations, held.hidden, strict=True), start=1):
        F.leaky_relu_(torch.addmm(weights[2 * layer - 1], before, weights[2 * layer - 2].T, out=activation), layers.slope)
        if layer in layers.shortcuts:
            torch.add(activation, held.hidden[layers.shortcuts[layer] - 1], out=hidden)
        before = hidden
    torch.addmm(weights[-1], before, weights[-2].T, out=held.output)


def _backward(layers: DenseLayers, weights: Sequence[Tensor], parts: Sequence[Tensor], pixels: Tensor, held: _Arrays) -> None:
    """Adds the gradient for these pixels to `parts`, from the sign of the error. In layers with a shortcut, d_k overwrites a(z_k)."""
    _add_products(parts, layers.hidden + 1, held.output, held.hidden[-1])
    waiting = {layers.hidden: torch.mm(held.output, weights[-2], out=held.taken())}  # g_k, as far as the later layers have added to it
    for layer in range(layers.hidden, 0, -1):
        g, activation, matrix = waiting.pop(layer), held.activations[layer - 1], weights[2 * layer - 2]
        source = layers.shortcuts.get(layer)
        d = g if source is None else activation
        torch.ops.aten.leaky_relu_backward.grad_input(g, activation, layers.slope, True, grad_input=d)
        free = source is None or source in waiting  # whether g is of no use after this layer
        if source in waiting:
            waiting[source].add_(g)
        elif source is not None:
            waiting[source] = g
        _add_products(parts, layer, d, held.hidden[layer - 2] if layer > 1 else pixels)
        if layer - 1 in waiting:
            waiting[layer - 1].addmm_(d, matrix)
        elif layer > 1:
            waiting[layer - 1] = torch.mm(d, matrix, out=held.taken())
        if free:
            held.spare.append(g)


def _add_products(parts: Sequence[Tensor], layer: int, d: Tensor, before: Tensor) -> None:
    """Adds dW and db of a layer, from d at its output and the values at its input."""
    parts[2 * layer - 2].addmm_(d.T, before)
    parts[2 * layer - 1].add_(d.sum(0))

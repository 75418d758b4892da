"""Facts on methods/unsupervised/spectralift/dense_gradient.py. Oracle: autograd on the network written out, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.unsupervised.spectralift import dense_gradient
from methods.unsupervised.spectralift.dense_gradient import DenseLayers, absolute_error_gradient
from methods.unsupervised.spectralift.method import HIDDEN, SHORTCUTS, SLOPE, WIDTH, inversion_network
from tests.rounding import near

BLOCKS = DenseLayers(3, 6, 5, 7, 0.3, {2: 1, 4: 2, 6: 4})
LAYOUTS = {
    "as SpectraLift": BLOCKS,
    "no shortcut": DenseLayers(2, 3, 4, 9, 0.1, {}),
    "one layer": DenseLayers(1, 1, 6, 2, 0.2, {}),
    "two from one layer": DenseLayers(4, 4, 3, 5, 0.3, {2: 1, 3: 1}),
    "far, and crossing": DenseLayers(2, 5, 4, 3, 0.7, {4: 1, 5: 2}),
    "one feeds all": DenseLayers(2, 4, 4, 3, 0.3, {2: 1, 3: 1, 4: 1}),
}


def random_weights(layers: DenseLayers, seed: int = 0) -> list[Tensor]:
    """Matrices and biases, biases not 0."""
    rng = torch.Generator().manual_seed(seed)
    shapes = [shape for into, out in pairwise(layers.sizes) for shape in ((out, into), (out,))]
    return [torch.randn(shape, generator=rng, dtype=torch.float64) * 0.6 for shape in shapes]


def random_images(layers: DenseLayers, pixels: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(pixels)
    return tuple(torch.randn(pixels, size, generator=rng, dtype=torch.float64) for size in (layers.channels, layers.bands))


def plain(layers: DenseLayers, weights: Sequence[Tensor], pixels: Tensor) -> Tensor:
    outputs = [pixels]
    for layer in range(1, layers.hidden + 1):
        value = F.leaky_relu(outputs[-1] @ weights[2 * layer - 2].T + weights[2 * layer - 1], layers.slope)
        outputs.append(value + outputs[layers.shortcuts[layer]] if layer in layers.shortcuts else value)
    return outputs[-1] @ weights[-2].T + weights[-1]


def by_autograd(layers: DenseLayers, weights: Sequence[Tensor], pixels: Tensor, target: Tensor) -> Tensor:
    leaves = [tensor.clone().requires_grad_() for tensor in weights]
    slopes = torch.autograd.grad((plain(layers, leaves, pixels) - target).abs().mean(), leaves)
    return torch.cat([slope.flatten() for slope in slopes])


@pytest.mark.parametrize("pixels", [1, 2, 16, 17, 45, 64])  # 16 fill a chunk: alone, in part, and several of two sizes
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_gradient_is_that_of_the_network_written_out(monkeypatch: pytest.MonkeyPatch, name: str, pixels: int) -> None:
    layers = LAYOUTS[name]
    monkeypatch.setattr(dense_gradient, "HELD", 16 * layers.units)
    images, weights = random_images(layers, pixels), random_weights(layers)
    kept = [image.clone() for image in images]
    found = absolute_error_gradient(layers, *images)(weights)
    near(found, by_autograd(layers, weights, *images), 1e-12)
    assert all(torch.equal(image, before) for image, before in zip(images, kept, strict=True))


def test_spectralift_learns_with_the_gradient_of_its_own_definition() -> None:
    layers = DenseLayers(2, HIDDEN, WIDTH, 9, SLOPE, SHORTCUTS)
    (pixels, target), weights = random_images(layers, 1100), random_weights(layers)  # more pixels than a chunk has
    leaves = [tensor.clone().requires_grad_() for tensor in weights]
    slopes = torch.autograd.grad(F.l1_loss(inversion_network(leaves, pixels), target), leaves)
    near(absolute_error_gradient(layers, pixels, target)(weights), torch.cat([slope.flatten() for slope in slopes]), 1e-12)


def test_a_call_leaves_nothing_behind_for_the_next() -> None:
    images = random_images(BLOCKS, 13)
    gradient = absolute_error_gradient(BLOCKS, *images)
    for seed in (1, 2, 1):
        near(gradient(random_weights(BLOCKS, seed)), by_autograd(BLOCKS, random_weights(BLOCKS, seed), *images), 1e-12)


def test_where_the_error_or_a_unit_is_zero_the_slopes_are_those_of_torch() -> None:
    """At |0| it is 0; at a(0) it is that below 0. Some errors are 0, and the units of the first layer are all 0."""
    pixels, target = random_images(BLOCKS, 11)
    weights = random_weights(BLOCKS)
    weights[0], weights[1] = torch.zeros_like(weights[0]), torch.zeros_like(weights[1])
    weights[-2], weights[-1] = weights[-2].round(), torch.zeros_like(weights[-1])
    weights[3:12:2] = [torch.zeros_like(bias) for bias in weights[3:12:2]]  # so that f is 0 in every band
    for wanted in (torch.zeros_like(target), target.clamp_min(0)):
        leaves = [tensor.clone().requires_grad_() for tensor in weights]
        slopes = torch.autograd.grad(F.l1_loss(plain(BLOCKS, leaves, pixels), wanted), leaves)
        found, expected = absolute_error_gradient(BLOCKS, pixels, wanted)(weights), torch.cat([slope.flatten() for slope in slopes])
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shortcuts", [{1: 1}, {2: 2}, {2: 3}, {2: 0}, {4: 1}])
def test_a_shortcut_that_does_not_lead_forward_is_refused(shortcuts: Mapping[int, int]) -> None:
    with pytest.raises(ValueError, match="expected a hidden layer before layer"):
        DenseLayers(2, 3, 4, 5, 0.3, shortcuts)


def test_no_hidden_layer_and_no_slope_are_refused() -> None:
    with pytest.raises(ValueError, match="hidden: expected at least 1 layer, got 0"):
        DenseLayers(2, 0, 4, 5, 0.3, {})
    for slope in (0.0, -0.2, float("nan")):
        with pytest.raises(ValueError, match="slope: expected a number > 0"):
            DenseLayers(2, 3, 4, 5, slope, {})

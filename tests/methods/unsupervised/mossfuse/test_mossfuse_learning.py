"""The outputs and gradients of a learning step against the plain forward and autograd, piece by piece and whole."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.unsupervised.mossfuse.ablation import Without, take_away
from methods.unsupervised.mossfuse.backward import AttentionProducts, DepthwiseConvolution, GatedFeedForward, WideFeatures, kernel_gradient
from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Outputs
from tests.rounding import near

WEIGHTS = LossWeights(degradation=0.7, aggregation=1.3, self_supervised=0.9, subspace=0.2)


def _network(bands: int, channels: int, ratio: int, width: int = 8, blocks: int = 1) -> MossFuseNetwork:
    """In double, in train mode, far from its starting values."""
    torch.manual_seed(8)
    network = MossFuseNetwork(bands, channels, ratio, width, blocks).double()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.endswith(("gamma", "beta", "temperature")) or "norm" in name:
                tensor.copy_(0.5 + torch.rand_like(tensor))
        network.blind.precision_root.copy_(0.7 * torch.eye(2))
    return network.train()


def _pair(bands: int, channels: int, ratio: int, rows: int, cols: int, batch: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(9)
    fine = torch.rand(batch, channels, rows * ratio, cols * ratio, generator=rng)
    return fine.double(), torch.rand(batch, bands, rows, cols, generator=rng).double()


def _same_outputs(got: Outputs, expected: Outputs) -> None:
    for name, value in vars(expected).items():
        if isinstance(value, Tensor):
            torch.testing.assert_close(vars(got)[name], value, rtol=1e-9, atol=1e-11, msg=name)
    for name, value in vars(expected.features).items():
        torch.testing.assert_close(vars(got.features)[name], value, rtol=1e-9, atol=1e-11, msg=name)


def _same_gradients(got: nn.Module, expected: nn.Module) -> None:
    ours, theirs = dict(got.named_parameters()), dict(expected.named_parameters())
    largest = max(float(weights.grad.abs().max()) for weights in theirs.values() if weights.grad is not None)
    for name, weights in theirs.items():
        if weights.grad is None or ours[name].grad is None:
            result = [w.grad for w in (weights, ours[name]) if w.grad is not None]
            assert not any(bool((gradient.abs() > 1e-12 * largest).any()) for gradient in result), name
        else:
            torch.testing.assert_close(ours[name].grad, weights.grad, rtol=1e-7, atol=1e-12 * largest, msg=name)


@pytest.mark.parametrize(
    ("bands", "channels", "ratio", "rows", "cols", "batch", "blocks", "without"),
    [
        (7, 3, 4, 3, 5, 2, 1, "nothing"),
        (2, 1, 2, 5, 4, 1, 2, "nothing"),
        (5, 2, 3, 1, 2, 3, 1, "split"),
        (4, 2, 4, 2, 3, 2, 1, "aggregation"),
    ],
)
def test_a_learning_step_has_the_outputs_gradients_and_statistics_of_the_plain_forward(
    bands: int, channels: int, ratio: int, rows: int, cols: int, batch: int, blocks: int, without: Without
) -> None:
    plain = take_away(_network(bands, channels, ratio, blocks=blocks), without).double()
    ours = deepcopy(plain)
    msi, hsi = _pair(bands, channels, ratio, rows, cols, batch)
    expected, got = plain(msi, hsi), outputs_for_learning(ours, msi, hsi)
    _same_outputs(got, expected)
    for network, out in ((plain, expected), (ours, got)):
        measure_losses(network, out, msi, hsi).total(WEIGHTS).backward()
    _same_gradients(ours, plain)
    for name, tensor in plain.named_buffers():
        torch.testing.assert_close(dict(ours.named_buffers())[name], tensor, rtol=1e-10, atol=1e-12, msg=name)


def test_in_single_precision_the_gradients_are_the_exact_ones_up_to_rounding() -> None:
    """Within 4e-4 of the largest of each: it was 0.7e-4 to 1.0e-4 with several instruction sets and with noise in the last bits."""
    exact = _network(5, 3, 8, width=16)
    ours = deepcopy(exact).float()
    msi, hsi = _pair(5, 3, 8, 2, 3, 2)
    measure_losses(exact, exact(msi, hsi), msi, hsi).total(WEIGHTS).backward()
    single = msi.float(), hsi.float()
    measure_losses(ours, outputs_for_learning(ours, *single), *single).total(WEIGHTS).backward()
    largest = max(float(weights.grad.abs().max()) for weights in exact.parameters() if weights.grad is not None)
    for (name, weights), other in zip(exact.named_parameters(), ours.parameters(), strict=True):
        if weights.grad is not None and other.grad is not None:
            size = float(weights.grad.abs().max())
            assert float((other.grad - weights.grad).abs().max()) < 4e-4 * max(size, 1e-3 * largest), name


def _leaves(*shapes: tuple[int, ...]) -> list[Tensor]:
    rng = torch.Generator().manual_seed(10)
    return [torch.randn(shape, generator=rng).double().requires_grad_() for shape in shapes]


def _dw(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(x.permute(0, 3, 1, 2), kernel, padding=1, groups=kernel.shape[0]).permute(0, 2, 3, 1)


def _shifted(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-5) + 1


def _compare(got: Tensor, expected: Tensor, leaves: list[Tensor]) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
    weights = torch.randn(got.shape, generator=torch.Generator().manual_seed(11)).double()
    result = [torch.autograd.grad(out, leaves, weights, retain_graph=True, materialize_grads=True) for out in (got, expected)]
    for ours, theirs in zip(*result, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_gated_feed_forward_is_its_formula() -> None:
    leaves = _leaves((2, 5, 7, 3), (4, 3), (4, 3), (4, 1, 3, 3), (4, 1, 3, 3), (3, 4))
    x, a, b, kernel_a, kernel_b, project = leaves
    expected = x + (F.gelu(_dw(_shifted(x) @ a.T, kernel_a)) * _dw(_shifted(x) @ b.T, kernel_b)) @ project.T
    _compare(GatedFeedForward.apply(*leaves), expected, leaves)


@pytest.mark.parametrize("gated", [True, False])
def test_shares_are_products_lengths_and_values(gated: bool) -> None:
    leaves = _leaves((2, 5, 7, 3), (9, 3), (9, 1, 3, 3), (2, 5, 7, 1))[: 4 if gated else 3]
    query, key, value = _dw(_shifted(leaves[0]) @ leaves[1].T, leaves[2]).chunk(3, dim=3)
    query = query * leaves[3] if gated else query
    lengths = torch.cat([query.square().sum((1, 2)), key.square().sum((1, 2))], dim=1).sqrt()
    result = AttentionProducts.apply(*leaves, *([] if gated else [None]))
    for got, expected in zip(result, (torch.einsum("bijc,bijd->bcd", query, key), lengths, value), strict=True):
        _compare(got, expected, leaves)


def test_wide_is_its_formula() -> None:
    leaves = _leaves((2, 5, 7, 3), (2, 12, 3), (12,), (3, 12), (12,), (3,))
    y, widen, bias, narrow, gamma, constant = leaves
    wide = F.gelu(torch.einsum("bijc,bdc->bijd", y, widen) + bias)
    lengths = wide.square().sum((1, 2)).sqrt()
    response = gamma * lengths / (lengths.mean(1, keepdim=True) + 1e-6) + 1
    _compare(WideFeatures.apply(*leaves), (wide * response[:, None, None, :]) @ narrow.T + constant, leaves)


@pytest.mark.parametrize(("taps", "dilation"), [(7, 1), (5, 1), (3, 1), (3, 2), (3, 3)])
def test_depthwise_has_the_gradients_of_a_convolution(taps: int, dilation: int) -> None:
    leaves = _leaves((2, 4, 8, 11), (4, 1, taps, taps))
    expected = F.conv2d(leaves[0], leaves[1], padding=dilation * (taps // 2), dilation=dilation, groups=4)
    _compare(DepthwiseConvolution.apply(*leaves, dilation), expected, leaves)


@pytest.mark.parametrize(("taps", "dilation"), [(7, 1), (3, 3)])
def test_a_kernel_wider_than_the_image_has_its_gradient_too(taps: int, dilation: int) -> None:
    x, grad = _leaves((1, 2, 2, 1), (1, 2, 2, 1))
    kernel = torch.zeros(2, 1, taps, taps).double().requires_grad_()
    out = F.conv2d(x.detach(), kernel, padding=dilation * (taps // 2), dilation=dilation, groups=2)
    (expected,) = torch.autograd.grad(out, kernel, grad.detach())
    torch.testing.assert_close(kernel_gradient(grad.detach(), x.detach(), taps, dilation), expected)


def test_where_everything_is_zero_gradients_are_finite() -> None:
    network = MossFuseNetwork(4, 2, 4, width=8).train()
    msi, hsi = torch.zeros(1, 2, 8, 12), torch.zeros(1, 4, 2, 3)
    measure_losses(network, outputs_for_learning(network, msi, hsi), msi, hsi).total(WEIGHTS).backward()
    assert all(bool(torch.isfinite(weights.grad).all()) for weights in network.parameters() if weights.grad is not None)


def test_under_autocast_the_plain_forward_is_taken() -> None:
    network = _network(4, 2, 4).float()
    msi, hsi = (image.float() for image in _pair(4, 2, 4, 2, 3, 1))
    ours, taken = deepcopy(network), list[str]()
    ours.register_forward_hook(lambda *_: taken.append("plain forward"))
    with torch.autocast("cpu", torch.bfloat16):
        got, expected = outputs_for_learning(ours, msi, hsi), network(msi, hsi)
    assert taken == ["plain forward"]
    near(got.cube, expected.cube, 0.05)  # bfloat16 has 8 bits
    outputs_for_learning(ours, msi, hsi)
    assert taken == ["plain forward"]

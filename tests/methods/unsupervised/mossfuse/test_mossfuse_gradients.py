"""The gradient of MossFuse's training step against a loss written out pixel by pixel: no fixture, no function of the package in the loss.

The oracle degrades, integrates and interpolates by loops over pixels and taps, and takes the gradient of each of the authors' two losses
for the weights that it teaches: one for everything but the sensors, the other for the sensors alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Outputs

BANDS, CHANNELS, RATIO, ROWS, COLS = 4, 2, 4, 2, 3  # coarse pixels
WEIGHTS = LossWeights(degradation=0.7, aggregation=1.3, self_supervised=0.9, subspace=0.2)


def _psf(root: Tensor, taps: int) -> Tensor:
    """exp(-|L (u - m)|^2 / 2), row by row, divided by the sum."""
    rows = []
    for u in range(taps):
        row = []
        for v in range(taps):
            du, dv = u - taps // 2, v - taps // 2
            first = root[0, 0] * du
            second = root[1, 0] * du + root[1, 1] * dv
            row.append(torch.exp(-(first**2 + second**2) / 2))
        rows.append(torch.stack(row))
    kernel = torch.stack(rows)
    return kernel / kernel.sum()


def _blurred(image: Tensor, kernel: Tensor) -> Tensor:
    pixels = []
    for i in range(ROWS):
        for j in range(COLS):
            total = torch.zeros(image.shape[0], dtype=image.dtype)
            for u in range(RATIO - 1):
                for v in range(RATIO - 1):
                    total = total + kernel[u, v] * image[:, RATIO * i + u, RATIO * j + v]
            pixels.append(total)
    return torch.stack(pixels, dim=1).reshape(-1, ROWS, COLS)


def _integrated(image: Tensor, srf: Tensor) -> Tensor:
    channels = []
    for c in range(CHANNELS):
        total = torch.zeros_like(image[0])
        for b in range(BANDS):
            total = total + srf[c, b] * image[b]
        channels.append(total)
    return torch.stack(channels)


def _interpolated(image: Tensor, centre: int) -> Tensor:
    """Bilinear between the fine pixels that the coarse ones sit on; constant beyond the outer ones."""
    fine = torch.zeros(image.shape[0], ROWS * RATIO, COLS * RATIO, dtype=image.dtype)
    for row in range(ROWS * RATIO):
        for col in range(COLS * RATIO):
            i, j = (min(max((at - centre) / RATIO, 0), last) for at, last in ((row, ROWS - 1), (col, COLS - 1)))
            for low, share_i in ((int(i), 1 - i % 1), (min(int(i) + 1, ROWS - 1), i % 1)):
                for left, share_j in ((int(j), 1 - j % 1), (min(int(j) + 1, COLS - 1), j % 1)):
                    fine[:, row, col] += share_i * share_j * image[:, low, left]
    return fine


def _distance(a: Tensor, b: Tensor) -> Tensor:
    total = torch.zeros((), dtype=a.dtype)
    for x, y in zip(a.flatten(), b.flatten(), strict=True):
        total = total + torch.abs(x - y)
    return total / a.numel()


def _alike(a: Tensor, b: Tensor) -> Tensor:
    return torch.exp((a * b).sum() / (a * a).sum().sqrt() / (b * b).sum().sqrt())


def _subspace(out: Outputs) -> Tensor:
    f = out.features
    good = _alike(f.msi_shared, f.hsi_shared)
    bad = (
        _alike(f.msi_shared, f.msi_complementary)
        + _alike(f.hsi_shared, f.hsi_complementary)
        + _alike(f.msi_complementary, f.hsi_complementary)
    )
    return -torch.log(good / (good + bad))


def _written_out(network: MossFuseNetwork, out: Outputs, msi: Tensor, hsi: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of everything but the sensors, and the sensors' own."""
    srf = network.blind.srf_weights / network.blind.srf_weights.sum(1, keepdim=True)
    kernel = _psf(network.blind.precision_root, RATIO - 1)
    low = [_integrated(hsi, srf).clamp(0, 1), _blurred(msi, kernel).clamp(0, 1)]
    centre = (RATIO - 1) // 2
    sampled = torch.stack(
        [torch.stack([out.hsi_reconstruction[0][:, RATIO * i + centre, RATIO * j + centre] for j in range(COLS)]) for i in range(ROWS)]
    )
    reconstructions = (
        _distance(out.msi_reconstruction[0], msi)
        + _distance(sampled.permute(2, 0, 1), hsi)
        + sum(_distance(out.low_msi_reconstruction[0], _interpolated(image, centre).detach()) for image in low)
    )
    cycle = _distance(_blurred(out.cube[0], kernel), hsi) + _distance(_integrated(out.cube[0], srf), msi)
    everything = WEIGHTS.aggregation * cycle + WEIGHTS.self_supervised * reconstructions + WEIGHTS.subspace * _subspace(out)
    return everything, WEIGHTS.degradation * _distance(*low)


def test_the_step_has_the_gradient_of_the_loss_written_out_pixel_by_pixel() -> None:
    torch.manual_seed(0)
    network = MossFuseNetwork(BANDS, CHANNELS, RATIO, width=8).double()
    with torch.no_grad():
        network.blind.precision_root.copy_(torch.tensor([[0.7, 0.0], [0.2, 0.9]]))
        network.blind.srf_weights.copy_(torch.rand(CHANNELS, BANDS) + 0.1)
        for name, tensor in network.named_parameters():
            if name.endswith("gamma"):
                tensor.add_(0.1)  # so that the large-kernel blocks count
    msi, hsi = torch.rand(CHANNELS, ROWS * RATIO, COLS * RATIO).double(), torch.rand(BANDS, ROWS, COLS).double()

    measure_losses(network, network(msi[None], hsi[None]), msi[None], hsi[None]).total(WEIGHTS).backward()
    got = {name: tensor.grad for name, tensor in network.named_parameters()}

    everything, sensors = _written_out(network, network(msi[None], hsi[None]), msi, hsi)
    named = dict(network.named_parameters())
    ours = [name for name in named if name.startswith("blind.")]
    others = [name for name in named if not name.startswith("blind.")]
    expected = dict(
        zip(others, torch.autograd.grad(everything, [named[name] for name in others], retain_graph=True, allow_unused=True), strict=True)
    )
    expected |= dict(zip(ours, torch.autograd.grad(sensors, [named[name] for name in ours]), strict=True))
    for name, gradient in expected.items():
        if gradient is None or not gradient.any():
            assert got[name] is None or not got[name].any(), name
        else:
            torch.testing.assert_close(got[name], gradient, rtol=1e-8, atol=1e-12, msg=name)


def test_no_four_vectors_bring_the_subspace_term_below_its_floor() -> None:
    rng = torch.Generator().manual_seed(1)
    lowest = []
    for _ in range(3):
        ys, yc, xs, xc = (torch.randn(3, generator=rng).double().requires_grad_() for _ in range(4))
        optimiser = torch.optim.Adam([ys, yc, xs, xc], lr=0.05)
        for _ in range(400):
            good = _alike(ys, xs)
            loss = -torch.log(good / (good + _alike(ys, yc) + _alike(xs, xc) + _alike(yc, xc)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        lowest.append(float(loss.detach()))
    assert min(lowest) > 0.4968 - 5e-5
    assert min(lowest) < 0.4968 + 5e-5

"""The losses by plainly written formulas, what each of them teaches, and learning on one pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.unsupervised.mossfuse.blind_degradation import blur, integrate
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses, subspace_clustering
from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, MossFuseNetwork
from methods.unsupervised.mossfuse.scene_training import Budget, draw_crop, learn_on_pair, new_mossfuse


def _network(bands: int = 5, channels: int = 2, ratio: int = 4) -> MossFuseNetwork:
    torch.manual_seed(7)
    return MossFuseNetwork(bands, channels, ratio, width=8)


def _smooth_pair(bands: int, channels: int, ratio: int, rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """An MSI and an HSI of one smooth scene."""
    place = torch.linspace(0, 3, rows * ratio)[:, None] + torch.linspace(0, 2, cols * ratio)[None, :]
    scene = torch.stack([0.5 + 0.4 * torch.sin(place + 0.2 * band) for band in range(bands)])
    weights = torch.rand(channels, bands, generator=torch.Generator().manual_seed(2))
    psf = torch.ones(ratio - 1, ratio - 1) / (ratio - 1) ** 2
    return integrate(scene[None], weights / weights.sum(1, keepdim=True))[0], blur(scene[None], psf, ratio)[0]


def _l1(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().sum() / a.numel()


def _cosine(a: Tensor, b: Tensor) -> float:
    """By loops over all entries."""
    x, y = a.flatten().tolist(), b.flatten().tolist()
    return sum(p * q for p, q in zip(x, y, strict=True)) / math.sqrt(sum(p * p for p in x)) / math.sqrt(sum(q * q for q in y))


def test_subspace_term_is_the_formula_over_whole_batches() -> None:
    ys, yc, xs, xc = torch.randn(4, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).double() + 0.3
    alike = math.exp(_cosine(ys, xs))
    apart = math.exp(_cosine(ys, yc)) + math.exp(_cosine(xs, xc)) + math.exp(_cosine(yc, xc))
    got = subspace_clustering(FeatureMaps(msi_shared=ys, msi_complementary=yc, hsi_shared=xs, hsi_complementary=xc))
    assert float(got) == pytest.approx(-math.log(alike / (alike + apart)), rel=1e-12)


def test_subspace_term_has_its_floor_at_the_known_angles() -> None:
    def at(degrees: float) -> Tensor:
        return torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], dtype=torch.float64).reshape(1, 2, 1, 1)

    apart, between = math.degrees(math.acos(-0.574)), math.degrees(math.acos(-0.577))
    floor = subspace_clustering(
        FeatureMaps(msi_shared=at(-apart), msi_complementary=at(0), hsi_shared=at(between + apart), hsi_complementary=at(between))
    )
    assert float(floor) == pytest.approx(0.4968, abs=1e-4)


def test_losses_are_their_formulas() -> None:
    network = _network()
    msi, hsi = torch.rand(1, 2, 12, 20), torch.rand(1, 5, 3, 5)
    out = network(msi, hsi)
    losses = measure_losses(network, out, msi, hsi)
    low = [network.upsample(image) for image in (out.low_msi_from_hsi, out.low_msi_from_msi)]
    expected = (
        _l1(out.msi_reconstruction, msi)
        + _l1(out.hsi_reconstruction[:, :, 1::4, 1::4], hsi)
        + sum(_l1(out.low_msi_reconstruction, image) for image in low)
    )
    torch.testing.assert_close(losses.self_supervised, expected)
    torch.testing.assert_close(losses.degradation, _l1(out.low_msi_from_hsi, out.low_msi_from_msi))
    torch.testing.assert_close(losses.aggregation, _l1(out.hsi_cycle, hsi) + _l1(out.msi_cycle, msi))
    total = losses.total(LossWeights(2.0, 3.0, 5.0, 7.0))
    torch.testing.assert_close(total, 2 * losses.degradation + 3 * losses.aggregation + 5 * losses.self_supervised + 7 * losses.subspace)


def test_sensors_learn_from_the_degradation_term_alone() -> None:
    network = _network()
    msi, hsi = torch.rand(1, 2, 12, 20), torch.rand(1, 5, 3, 5)
    measure_losses(network, network(msi, hsi), msi, hsi).total(LossWeights(degradation=0.0)).backward()
    assert all(weights.grad is not None and not weights.grad.any() for weights in network.blind.parameters())
    network.zero_grad()
    measure_losses(network, network(msi, hsi), msi, hsi).degradation.backward()
    taught = {name.split(".")[0] for name, weights in network.named_parameters() if weights.grad is not None and bool(weights.grad.any())}
    assert taught == {"blind"}


def test_one_backward_gives_the_gradients_of_two_separate_ones() -> None:
    network, weights = _network().double(), LossWeights()
    msi, hsi = torch.rand(1, 2, 12, 20, dtype=torch.float64), torch.rand(1, 5, 3, 5, dtype=torch.float64)
    with torch.no_grad():
        network.blind.precision_root.copy_(0.7 * torch.eye(2))
    out = network(msi, hsi)
    measure_losses(network, out, msi, hsi).total(weights).backward()
    once = {name: tensor.grad for name, tensor in network.named_parameters()}

    out = network(msi, hsi)  # now nothing is detached: the sensors are held by asking only for the others' gradients
    low_from_hsi, low_from_msi = network.blind(msi, hsi)
    attached = (
        _l1(blur(out.cube, network.blind.psf(), 4), hsi)
        + _l1(integrate(out.cube, network.blind.srf()), msi)
        + _l1(out.msi_reconstruction, msi)
        + _l1(out.hsi_reconstruction[:, :, 1::4, 1::4], hsi)
        + _l1(out.low_msi_reconstruction, network.upsample(low_from_hsi))
        + _l1(out.low_msi_reconstruction, network.upsample(low_from_msi))
        + 0.1 * subspace_clustering(out.features)
    )
    names = [name for name in once if not name.startswith("blind.")]
    sensors = [name for name in once if name.startswith("blind.")]
    parameters = dict(network.named_parameters())
    twice = dict(
        zip(names, torch.autograd.grad(attached, [parameters[name] for name in names], retain_graph=True, allow_unused=True), strict=True)
    )
    twice |= dict(zip(sensors, torch.autograd.grad(_l1(low_from_hsi, low_from_msi), [parameters[name] for name in sensors]), strict=True))
    unused = [name for name, gradient in twice.items() if gradient is None]
    assert {name.removesuffix(".weight") for name in unused} == {
        *("msi_decoder.unused", "hsi_decoder.unused"),
        *(
            f"{gate}.spectral_gate.{part}"
            for gate in ("fused_decoder.spectral", "hsi_decoder.aggregation")
            for part in ("first", "second", "third")
        ),
    }
    for name, expected in twice.items():
        got = once[name]
        if expected is not None:
            assert got is not None
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12, msg=name)


def test_learning_lowers_the_loss() -> None:
    msi, hsi = _smooth_pair(5, 2, 4, 5, 3)
    network = new_mossfuse(5, 2, 4, torch.Generator().manual_seed(0), msi)
    history = learn_on_pair(network, msi, hsi, Budget(20, 3e-3, 12, 100, 0.05), LossWeights(), torch.Generator().manual_seed(0))
    assert history.shape == (20,)
    assert float(history[-5:].mean()) < 0.6 * float(history[:3].mean())
    assert not network.training


def test_an_all_black_pair_gives_finite_weights() -> None:
    msi, hsi = torch.zeros(2, 8, 12), torch.zeros(5, 2, 3)
    network = new_mossfuse(5, 2, 4, torch.Generator().manual_seed(0), msi)
    learn_on_pair(network, msi, hsi, Budget(3, 1e-2, 32, 3, 0.05), LossWeights(), torch.Generator().manual_seed(0))
    assert all(bool(torch.isfinite(weights).all()) for weights in network.state_dict().values())
    with torch.inference_mode():
        assert bool(torch.isfinite(network.fused(msi[None], hsi[None])).all())


@pytest.mark.parametrize(("crop", "coarse"), [(1, (1, 1)), (11, (2, 2)), (12, (3, 3)), (16, (4, 3)), (500, (5, 3))])
def test_crops_are_whole_coarse_pixels_of_both_images(crop: int, coarse: tuple[int, int]) -> None:
    hsi = torch.arange(15.0).reshape(1, 5, 3)
    msi = hsi.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    rng, seen = torch.Generator().manual_seed(0), set()
    for _ in range(40):
        fine, low = draw_crop(msi, hsi, crop, rng)
        assert low.shape == (1, *coarse)
        torch.testing.assert_close(fine, low.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2), rtol=0, atol=0)
        seen.add(float(low[0, 0, 0]))
    assert len(seen) == (5 - coarse[0] + 1) * (3 - coarse[1] + 1)

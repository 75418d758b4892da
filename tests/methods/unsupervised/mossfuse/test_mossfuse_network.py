"""The network: the authors' outputs, counts, shapes, and blocks against plainly written formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.unsupervised.mossfuse.aggregation import SpatialAggregation, SpectralAggregation
from methods.unsupervised.mossfuse.blocks import ChannelAttention, ChannelNorm, LargeKernelBlock, ResponseNorm
from methods.unsupervised.mossfuse.checkpoint import load_network
from methods.unsupervised.mossfuse.fine_grid import interpolate_bilinear
from methods.unsupervised.mossfuse.mossfuse_network import NO_QUIRKS, MossFuseNetwork, Outputs, Quirks
from methods.unsupervised.mossfuse.scene_training import new_mossfuse
from tests.rounding import near

INFERENCE = ("msi_encoder", "hsi_encoder", "fused_decoder")


def _small(bands: int, channels: int, ratio: int, width: int = 8, blocks: int = 1, quirks: Quirks = NO_QUIRKS) -> MossFuseNetwork:
    """A narrow network in eval mode whose norms and large-kernel blocks are far from their starting values."""
    torch.manual_seed(3)
    network = MossFuseNetwork(bands, channels, ratio, width, blocks, quirks).eval()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.endswith(("gamma", "beta", "temperature")) or "norm" in name:
                tensor.copy_(0.5 + torch.rand_like(tensor))
        for name, tensor in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                tensor.copy_(0.2 + torch.rand_like(tensor))
    return network


def _pair(bands: int, channels: int, ratio: int, rows: int, cols: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.rand(batch, channels, rows * ratio, cols * ratio, generator=rng), torch.rand(batch, bands, rows, cols, generator=rng)


def _named(out: Outputs) -> dict[str, Tensor]:
    """Our outputs under the fixture's names."""
    return {
        "msi_shared__first8": out.features.msi_shared[:, :8],
        "msi_complementary__first8": out.features.msi_complementary[:, :8],
        "hsi_shared__first8": out.features.hsi_shared[:, :8],
        "hsi_complementary__first8": out.features.hsi_complementary[:, :8],
        "msi_reconstruction": out.msi_reconstruction,
        "hsi_reconstruction": out.hsi_reconstruction,
        "lr_msi_from_hsi": out.low_msi_from_hsi,
        "lr_msi_from_msi": out.low_msi_from_msi,
        "lr_msi_reconstruction": out.low_msi_reconstruction,
        "srf": out.srf,
        "psf": out.psf,
        "hr_hsi": out.cube,
        "lr_hsi_cycle": out.hsi_cycle,
        "hr_msi_cycle": out.msi_cycle,
    }


def _in_double(network: MossFuseNetwork) -> MossFuseNetwork:
    """The same weights in float64."""
    other = MossFuseNetwork(network.bands, network.channels, network.ratio, network.width, network.depth, network.quirks)
    other.load_state_dict(network.state_dict())
    return other.double().eval()


@pytest.fixture(scope="module")
def parity(shared: Path) -> tuple[MossFuseNetwork, dict[str, Tensor]]:
    weights = shared / "data" / "weights" / "mossfuse_official_cave_x32.pth"
    fixture = shared / "parity" / "mossfuse" / "official_checkpoint_64x96.npz"
    if not (weights.is_file() and fixture.is_file()):
        pytest.skip("needs the authors' checkpoint and the fixture of its outputs")
    with np.load(fixture) as arrays:
        return load_network(weights, 32), {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def test_every_output_equals_the_authors(parity: tuple[MossFuseNetwork, dict[str, Tensor]]) -> None:
    network, expected = parity
    with torch.inference_mode():
        got = _named(network(expected["hr_msi"], expected["lr_hsi"]))
    assert got.keys() | {"hr_msi", "lr_hsi"} == expected.keys()
    worst = {name: float((value - expected[name]).abs().max()) for name, value in got.items()}
    assert max(worst.values()) < 1e-5, worst


def test_the_fused_path_alone_equals_the_authors_in_both_precisions(parity: tuple[MossFuseNetwork, dict[str, Tensor]]) -> None:
    network, expected = parity
    with torch.inference_mode():
        single = network.fused(expected["hr_msi"], expected["lr_hsi"])
        double = _in_double(network).fused(expected["hr_msi"].double(), expected["lr_hsi"].double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(single, expected["hr_hsi"], rtol=0, atol=1e-5)
    torch.testing.assert_close(double.float(), expected["hr_hsi"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("blocks", "total", "inference"), [(1, 585_485, 449_056), (2, 743_069, 527_848), (4, 1_058_237, 685_432)])
def test_counts_are_those_of_the_release(blocks: int, total: int, inference: int) -> None:
    network = MossFuseNetwork(31, 3, 32, blocks=blocks)
    parts = {name: sum(weights.numel() for weights in part.parameters()) for name, part in network.named_children()}
    assert sum(parts.values()) == total
    assert sum(parts[name] for name in INFERENCE) == inference
    assert parts["blind"] == 97
    if blocks == 1:
        assert (parts["msi_encoder"], parts["hsi_encoder"], parts["fused_decoder"]) == (185_800, 158_172, 105_084)
        assert (parts["msi_decoder"], parts["hsi_decoder"], parts["shared_decoder"]) == (43_262, 51_182, 41_888)


@pytest.mark.parametrize(
    ("bands", "channels", "ratio", "rows", "cols"),
    [(31, 3, 4, 2, 3), (2, 1, 2, 5, 3), (100, 8, 3, 4, 7), (5, 4, 9, 1, 2), (1, 1, 16, 1, 1)],
)
def test_every_size_gives_every_output_in_its_shape(bands: int, channels: int, ratio: int, rows: int, cols: int) -> None:
    network = _small(bands, channels, ratio)
    msi, hsi = _pair(bands, channels, ratio, rows, cols)
    with torch.inference_mode():
        out = network(msi, hsi)
        fused = network.fused(msi, hsi)
    fine, coarse = (rows * ratio, cols * ratio), (rows, cols)
    assert out.cube.shape == out.hsi_reconstruction.shape == (1, bands, *fine)
    assert out.msi_cycle.shape == out.msi_reconstruction.shape == out.low_msi_reconstruction.shape == (1, channels, *fine)
    assert out.low_msi_from_hsi.shape == out.low_msi_from_msi.shape == (1, channels, *coarse)
    assert out.hsi_cycle.shape == (1, bands, *coarse)
    assert out.psf.shape == (ratio - 1, ratio - 1)
    torch.testing.assert_close(fused, out.cube)
    assert bool(torch.isfinite(out.cube).all())


def test_the_fused_path_touches_neither_auxiliary_decoders_nor_sensors() -> None:
    network = _small(6, 3, 4)
    msi, hsi = _pair(6, 3, 4, 2, 3)
    with torch.no_grad():
        clean = network.fused(msi, hsi)
        for name, part in network.named_children():
            if name not in INFERENCE:
                for weights in part.parameters():
                    weights.fill_(torch.nan)
        near(network.fused(msi, hsi), clean)  # NaN where one of those weights is read


def test_images_of_a_batch_do_not_mix_in_eval_mode() -> None:
    network = _small(6, 3, 4)
    msi, hsi = _pair(6, 3, 4, 2, 3, batch=2)
    with torch.inference_mode():
        together = network.fused(msi, hsi)
        apart = torch.cat([network.fused(msi[i : i + 1], hsi[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((5, 3, 1), "ratio: expected"), ((5, 3, 4, 12), "multiple of 8"), ((0, 3, 4), "at least one band"), ((5, 3, 4, 8, 0), "at least one")],
)
def test_impossible_networks_are_refused(arguments: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MossFuseNetwork(*arguments)


def test_channel_norm_is_the_formula_at_each_pixel() -> None:
    norm, x = ChannelNorm(5), torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        norm.weight.copy_(torch.arange(5.0))
        norm.bias.copy_(torch.arange(5.0).flip(0))
        got = norm(x)
    pixel = x[1, :, 2, 1]
    expected = (pixel - pixel.mean()) / (pixel.var(correction=0) + 1e-5).sqrt() * torch.arange(5.0) + torch.arange(5.0).flip(0)
    torch.testing.assert_close(got[1, :, 2, 1], expected)


@pytest.mark.parametrize("gated", [False, True])
def test_channel_attention_is_softmax_of_cosines_head_by_head(gated: bool) -> None:
    torch.manual_seed(2)
    attention, x = ChannelAttention(24), torch.randn(2, 24, 5, 7)
    gate = torch.rand(2, 1, 5, 7) if gated else None
    with torch.no_grad():
        attention.temperature.copy_(torch.rand(8, 1, 1) * 4)
        got = attention.attend(x, gate)
        q, k, v = attention.depthwise(attention.qkv(x)).chunk(3, dim=1)
        q = q * gate if gate is not None else q
        for image in range(2):
            for head in range(8):
                mine = slice(3 * head, 3 * head + 3)
                qh, kh = (F.normalize(a[image, mine].flatten(1), dim=1) for a in (q, k))
                expected = torch.softmax(qh @ kh.T * attention.temperature[head], dim=1) @ v[image, mine].flatten(1)
                torch.testing.assert_close(got[image, mine].flatten(1), expected, rtol=1e-4, atol=1e-5)


def test_response_norm_scales_each_channel_by_its_share_of_strength() -> None:
    norm, x = ResponseNorm(3), torch.randn(1, 4, 5, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        norm.gamma.copy_(torch.tensor([1.0, -2.0, 0.5]))
        norm.beta.copy_(torch.tensor([0.1, 0.2, 0.3]))
        got = norm(x)
    strength = [float((x[..., c] ** 2).sum()) ** 0.5 for c in range(3)]
    for c in range(3):
        share = strength[c] / (sum(strength) / 3 + 1e-6)
        torch.testing.assert_close(got[..., c], (norm.gamma[c].detach() * share + 1) * x[..., c] + norm.beta[c].detach())


@pytest.mark.parametrize("spatial", [True, False])
def test_a_new_large_kernel_block_is_nearly_the_identity(spatial: bool) -> None:
    block, x = LargeKernelBlock(8, spatial=spatial), torch.randn(1, 8, 9, 11)
    with torch.no_grad():
        difference = (block(x) - x).abs().max()
    assert 0 < float(difference) < 1e-4


def test_the_spectral_gate_on_the_queries_cancels_and_the_spatial_one_does_not() -> None:
    torch.manual_seed(4)
    x, y = torch.randn(1, 16, 6, 9), torch.randn(1, 16, 6, 9)
    for aggregation, cancels in ((SpectralAggregation(16), True), (SpatialAggregation(16), False)):
        with torch.no_grad():
            gate = aggregation.spectral_gate(y) if isinstance(aggregation, SpectralAggregation) else aggregation.spatial_gate(y)
            gate = gate**4  # far from constant
            difference = (aggregation.attention.attend(x, gate) - aggregation.attention.attend(x)).abs().max()
        assert (float(difference) < 1e-6) == cancels


def test_attention_has_a_gradient_where_everything_is_zero() -> None:
    attention, x = ChannelAttention(8), torch.zeros(1, 8, 4, 5, requires_grad=True)
    attention(x).sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


def test_fresh_weights_lie_within_one_over_root_fan_in() -> None:
    network = new_mossfuse(7, 3, 4, torch.Generator().manual_seed(0), torch.zeros(1))
    weights = network.hsi_encoder.embed.weight
    bound = (7 * 9) ** -0.5
    assert 0.95 * bound < float(weights.detach().abs().max()) <= bound
    assert bool((network.hsi_encoder.complementary.norm1.weight == 1).all())


@pytest.mark.parametrize(("ratio", "centre"), [(2, 0.0), (4, 1.0), (3, 1.0), (8, 3.0), (8, 3.5), (5, 2.0)])
def test_interpolation_goes_straight_between_the_pixels_that_coarse_ones_sit_on(ratio: int, centre: float) -> None:
    coarse = torch.rand(2, 3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fine = interpolate_bilinear(coarse, ratio, centre)
    knots = [[i * ratio + centre for i in range(size)] for size in (4, 6)]
    for row in range(4 * ratio):
        lines = np.stack([[np.interp(row, knots[0], coarse[b, c, :, j]) for j in range(6)] for b in range(2) for c in range(3)])
        expected = np.stack([np.interp(range(6 * ratio), knots[1], line) for line in lines]).reshape(2, 3, -1)
        np.testing.assert_allclose(fine[:, :, row], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", [3, 4, 8])
def test_a_ramp_sampled_by_the_sensors_comes_back_unless_shifted(ratio: int) -> None:
    ramp = torch.arange(5.0 * ratio).expand(1, 2, 3 * ratio, -1)
    inside = slice(ratio, 4 * ratio)
    for shifted, off in ((False, 0.0), (True, 0.5 if ratio % 2 == 0 else 0.0)):
        network = MossFuseNetwork(2, 1, ratio, width=8, quirks=Quirks(half_pixel_shift=shifted))
        sampled = ramp[:, :, network.blind.centre :: ratio, network.blind.centre :: ratio]
        difference = (ramp - network.upsample(sampled))[..., inside]
        torch.testing.assert_close(difference, torch.full_like(difference, off), rtol=0, atol=1e-4)


def test_the_query_gate_changes_rounding_alone() -> None:
    with torch.inference_mode():
        cubes = [_small(6, 3, 4, 16, quirks=Quirks(query_gate=gate)).fused(*_pair(6, 3, 4, 2, 3)) for gate in (False, True)]
    assert 0 < float((cubes[0] - cubes[1]).abs().max()) < 1e-5

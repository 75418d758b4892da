"""The merged network for inference: every block, and the whole, against the network as it is trained."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from datasets.observation import Observation
from methods.unsupervised.mossfuse import merged_blocks, strips
from methods.unsupervised.mossfuse.aggregation import SpatialAggregation, SpectralAggregation
from methods.unsupervised.mossfuse.blocks import DilatedDepthwise, LargeKernelBlock, TransformerBlock
from methods.unsupervised.mossfuse.checkpoint import load_network, their_name
from methods.unsupervised.mossfuse.inference import MergedNetwork
from methods.unsupervised.mossfuse.merged_aggregation import MergedSpatialAggregation, MergedSpectralAggregation
from methods.unsupervised.mossfuse.merged_blocks import Frame, MergedLargeKernel, MergedTransformer
from methods.unsupervised.mossfuse.merging import constants, merged_depthwise, moved_bias
from methods.unsupervised.mossfuse.method import Method
from methods.unsupervised.mossfuse.mossfuse_network import NO_QUIRKS, RELEASED_QUIRKS, MossFuseNetwork, Quirks
from tests.rounding import near

WIDTH, ROWS, COLS = 16, 13, 22
ROOT = Path(__file__).resolve().parents[4]


def _far_from_new(module: nn.Module, seed: int = 3) -> None:
    """Random norms, statistics and gammas: a new module hides mistakes behind zeros and ones."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            if name.endswith(("gamma", "beta", "temperature")) or "norm" in name:
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=rng))
        for name, tensor in module.named_buffers():
            if name.endswith("running_mean"):
                tensor.copy_(torch.randn(tensor.shape, generator=rng) * 0.3)
            elif name.endswith("running_var"):
                tensor.copy_(0.3 + torch.rand(tensor.shape, generator=rng))
    module.eval()


def _network(bands: int, channels: int, ratio: int, width: int = 16, blocks: int = 1, quirks: Quirks = NO_QUIRKS) -> MossFuseNetwork:
    torch.manual_seed(4)
    network = MossFuseNetwork(bands, channels, ratio, width, blocks, quirks)
    _far_from_new(network)
    return network


def _images(bands: int, channels: int, ratio: int, rows: int, cols: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(6)
    return torch.rand(batch, channels, rows * ratio, cols * ratio, generator=rng), torch.rand(batch, bands, rows, cols, generator=rng)


@pytest.fixture(params=[1, 2000, 10**9], ids=["strips of a row", "strips of some rows", "one strip"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How the image is cut; no result may depend on it."""
    monkeypatch.setattr(merged_blocks, "STRIP_BYTES", request.param)
    return int(request.param)


def _frame(x: Tensor, width: int = WIDTH) -> Frame:
    return Frame(x[0], width, strips.EAGER)


def _compare(block: nn.Module, change: Callable[[Tensor], None], x: Tensor, *more: Tensor) -> None:
    """The merged block in place on rows-columns-channels against the block on channels-rows-columns."""
    with torch.inference_mode():
        expected = block(x, *more)[0].permute(1, 2, 0)
        got = x[0].permute(1, 2, 0).clone(memory_format=torch.contiguous_format)
        change(got)
    assert float((expected - x[0].permute(1, 2, 0)).abs().max()) > 0.05, "the block must do something"
    torch.testing.assert_close(got, expected, rtol=0, atol=5e-5)  # of values up to 7; it was 1.1e-5 with noise in the last bits


def test_a_merged_transformer_block_is_the_block(cut: int) -> None:
    torch.manual_seed(0)
    block, x = TransformerBlock(WIDTH), torch.randn(1, WIDTH, ROWS, COLS)
    _far_from_new(block)
    _compare(block, lambda y: MergedTransformer(block).change(y, _frame(x)), x)


@pytest.mark.parametrize("spatial", [True, False])
def test_a_merged_large_kernel_block_is_the_block(cut: int, spatial: bool) -> None:
    torch.manual_seed(0)
    block, x = LargeKernelBlock(WIDTH, spatial=spatial), torch.randn(1, WIDTH, ROWS, COLS)
    _far_from_new(block)
    _compare(block, lambda y: MergedLargeKernel(block).change(y, _frame(x)), x)


def test_merged_aggregations_are_the_aggregations_with_and_without_the_gate_that_cancels(cut: int) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(1, WIDTH, ROWS, COLS), torch.randn(1, WIDTH, ROWS, COLS)
    side = y[0].permute(1, 2, 0).contiguous()
    spatial = SpatialAggregation(WIDTH)
    _far_from_new(spatial)
    _compare(spatial, lambda z: MergedSpatialAggregation(spatial).change(z, side, _frame(x)), x, y)
    for query_gate in (False, True):
        spectral = SpectralAggregation(WIDTH, query_gate=query_gate)
        _far_from_new(spectral)
        _compare(spectral, partial(_spectral, spectral, side, x), x, y)


def _spectral(block: SpectralAggregation, side: Tensor, x: Tensor, z: Tensor) -> None:
    MergedSpectralAggregation(block).change(z, side, _frame(x))


def test_four_depthwise_and_five_norms_are_one_convolution() -> None:
    torch.manual_seed(0)
    branches, x = DilatedDepthwise(5).double(), torch.randn(1, 5, 9, 14, dtype=torch.float64)
    _far_from_new(branches)
    with torch.no_grad():
        kernel, shift = merged_depthwise(branches)
        assert kernel.shape == (5, 1, 7, 7)
        got = nn.functional.conv2d(x, kernel, shift, padding=3, groups=5)
        torch.testing.assert_close(got, branches(x), rtol=1e-12, atol=1e-12)


def test_only_a_norm_with_statistics_has_constants() -> None:
    with pytest.raises(TypeError, match="expected a batch norm with running statistics"):
        constants(nn.BatchNorm2d(3, track_running_stats=False))


@pytest.mark.parametrize(
    ("bands", "channels", "ratio", "rows", "cols", "blocks", "quirks"),
    [
        (31, 3, 4, 3, 5, 1, NO_QUIRKS),
        (2, 1, 2, 7, 4, 1, RELEASED_QUIRKS),
        (50, 8, 3, 4, 7, 2, NO_QUIRKS),
        (5, 4, 9, 1, 2, 3, NO_QUIRKS),
        (6, 2, 8, 3, 2, 1, RELEASED_QUIRKS),
        (1, 1, 2, 1, 1, 1, NO_QUIRKS),
    ],
)
def test_the_merged_network_is_the_network(
    cut: int, bands: int, channels: int, ratio: int, rows: int, cols: int, blocks: int, quirks: Quirks
) -> None:
    network = _network(bands, channels, ratio, blocks=blocks, quirks=quirks)
    msi, hsi = _images(bands, channels, ratio, rows, cols)
    with torch.inference_mode():
        expected, got = network.fused(msi, hsi), MergedNetwork(network).fused(msi, hsi)
        assert got.shape == expected.shape
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5 * max(1.0, float(expected.abs().max())))
        network.double()
        exact = network.fused(msi.double(), hsi.double())
        merged = MergedNetwork(network).fused(msi.double(), hsi.double())
    assert merged.dtype == torch.float64
    torch.testing.assert_close(merged, exact, rtol=0, atol=1e-12 * max(1.0, float(exact.abs().max())))


def test_images_of_a_batch_are_fused_one_by_one() -> None:
    network = MergedNetwork(_network(6, 3, 4))
    msi, hsi = _images(6, 3, 4, 2, 3, batch=2)
    with torch.inference_mode():
        together = network.fused(msi, hsi)
        near(together[1:], network.fused(msi[1:], hsi[1:]))


def test_the_merged_network_gives_the_authors_cube(shared: Path) -> None:
    weights = shared / "data" / "weights" / "mossfuse_official_cave_x32.pth"
    fixture = shared / "parity" / "mossfuse" / "official_checkpoint_64x96.npz"
    if not (weights.is_file() and fixture.is_file()):
        pytest.skip("needs the authors' checkpoint and the fixture of its outputs")
    with np.load(fixture) as arrays, torch.inference_mode():
        msi, hsi, cube = (torch.from_numpy(arrays[name]) for name in ("hr_msi", "lr_hsi", "hr_hsi"))
        torch.testing.assert_close(MergedNetwork(load_network(weights, 32)).fused(msi, hsi), cube, rtol=0, atol=1e-5)


def test_the_network_that_it_came_from_is_left_as_it_was() -> None:
    network = _network(6, 3, 4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    merged = MergedNetwork(network).double()
    with torch.no_grad():
        for tensor in (*merged.parameters(), *merged.buffers()):
            tensor.zero_()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_a_network_that_still_learns_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a network in eval mode"):
        MergedNetwork(_network(6, 3, 4).train())


@pytest.mark.parametrize(("rows", "most"), [(7, 3), (8, 8), (5, 100), (4, 0), (1, 1), (512, 15)])
def test_strips_cover_every_row_once_and_are_even(rows: int, most: int) -> None:
    cuts = list(strips.strips(rows, most))
    assert [row for start, stop in cuts for row in range(start, stop)] == list(range(rows))
    sizes = {stop - start for start, stop in cuts}
    assert max(sizes) <= max(1, most)
    assert max(sizes) - min(sizes) <= 1


TRACED = """
import sys; sys.path.insert(0, sys.argv[1])
import torch
from methods.unsupervised.mossfuse import inference, strips
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
torch.set_num_threads(1)
network = MossFuseNetwork(6, 3, 4, 8).eval()
msi, hsi = torch.rand(1, 3, 12, 20), torch.rand(1, 6, 3, 5)
compiled, eager = strips.compiled_functions(), strips.EAGER  # only what the compiler makes faster is compiled
assert compiled.attention_sums is not eager.attention_sums
assert (compiled.gated, compiled.hidden, compiled.hidden_squares) == (eager.gated, eager.hidden, eager.hidden_squares)
functions = (strips.attention_sums, strips.gated, strips.hidden, strips.hidden_squares)
traced = strips.StripFunctions(*(torch.compile(each, backend="eager", fullgraph=True) for each in functions))
inference.compiled_functions = lambda: traced
with torch.inference_mode():
    difference = network.fused(msi, hsi) - inference.MergedNetwork(network, compiled=True).fused(msi, hsi)
assert float(difference.abs().max()) < 1e-5, difference
"""


def test_every_function_of_a_strip_can_be_traced_whole() -> None:
    """In a process of its own: the shape checker of the test run cannot be traced."""
    ended = subprocess.run([sys.executable, "-c", TRACED, str(ROOT)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_bias_after_a_norm_moves_into_the_matrix() -> None:
    rng = torch.Generator().manual_seed(12)
    weight, bias, n = (torch.randn(shape, generator=rng).double() for shape in ((7, 5), (7,), (11, 5)))
    n = n - n.mean(1, keepdim=True)
    torch.testing.assert_close((n + 1) @ moved_bias(weight, bias).T, n @ weight.T + bias)


def test_pixels_far_from_zero_are_normalised_as_near_it() -> None:
    x = 0.3 * torch.randn(4, 6, 16, generator=torch.Generator().manual_seed(13)) + 50
    exact = torch.nn.functional.layer_norm(x.double(), (16,), eps=1e-5) + 1
    torch.testing.assert_close(strips.normalised(x).double(), exact, rtol=0, atol=1e-4)


def test_bfloat16_is_another_result_and_near() -> None:
    network = _network(6, 3, 4, width=16)
    msi, hsi = _images(6, 3, 4, 6, 9)
    with torch.inference_mode():
        expected, got = MergedNetwork(network).fused(msi, hsi), MergedNetwork(network, low_precision=True).fused(msi, hsi)
    assert got.dtype == torch.float32
    difference = float((got - expected).abs().max() / expected.abs().max())
    assert 1e-5 < difference < 0.1


def _seen(dtype: torch.dtype = torch.float32) -> Observation:
    msi, hsi = _images(5, 2, 4, 3, 5)
    return Observation(hsi[0].to(dtype), msi[0].to(dtype), torch.linspace(400, 700, 5).to(dtype), 4, (1.0, 1.0))


def _file(folder: Path) -> Path:
    network, file = _network(5, 2, 4), folder / "mine.pth"
    torch.save({"Model_stage1": {f"module.{their_name(name)}": tensor for name, tensor in network.state_dict().items()}}, file)
    return file


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_variant_fuses_and_says_its_name(tmp_path: Path, dtype: torch.dtype) -> None:
    plain = Method(checkpoint=_file(tmp_path), checkpoint_ratio=4)
    expected = plain.fit([], torch.Generator()).fuse(_seen(dtype), torch.Generator()).cube
    for variant, name, off in (
        (replace(plain, inference="unmerged"), "MossFuse, unmerged", 1e-5),
        (replace(plain, autocast=True), "MossFuse, bf16", 0.2),
    ):
        fitted = variant.fit([], torch.Generator())
        assert variant.describe().name == fitted.describe().name == name
        estimate = fitted.fuse(_seen(dtype), torch.Generator())
        assert estimate.cube.dtype == dtype
        assert not estimate.cube.is_inference()
        assert estimate.psf is not None
        torch.testing.assert_close(estimate.cube, expected, rtol=0, atol=off * float(expected.abs().max()))
    assert plain.describe().name == "MossFuse"
    assert replace(plain, compiled=True, autocast=True).describe().name == "MossFuse, compiled, bf16"
    assert "bf16 gives another result" in replace(plain, autocast=True).describe().fidelity
    assert Method(steps=7, inference="unmerged").describe().name == "MossFuse (7 steps, under-trained), unmerged"


def test_variants_that_do_not_exist_are_refused() -> None:
    with pytest.raises((ValueError, TypeError), match="inference"):  # the shape checker of the test run may be first to refuse it
        Method(inference="fast")  # type: ignore[arg-type]
    for wrong in ({"compiled": True}, {"autocast": True}):
        with pytest.raises(ValueError, match="both are variants of the merged network"):
            Method(inference="unmerged", **wrong)

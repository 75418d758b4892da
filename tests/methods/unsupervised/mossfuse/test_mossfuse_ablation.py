"""MossFuse without a part: what is gone, what stays, and what the known sensors are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from datasets.data_roots import DataRoots
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation, WithheldError
from methods.contract import Desk, Estimate, Example, RefusedError
from methods.unsupervised.mossfuse.ablation import FittedAblation, KnownDegradation
from methods.unsupervised.mossfuse.method import Method
from methods.unsupervised.mossfuse.scene_training import new_mossfuse
from tests.rounding import near

BANDS, CHANNELS, RATIO = 5, 2, 4
QUICK = Method(steps=3, crop=8, blind_steps=4)


def _observation(taps: tuple[int, int] = (3, 2), phase: int = 1) -> Observation:
    rng = torch.Generator().manual_seed(9)
    cube = torch.rand(BANDS, 12, 20, generator=rng)
    kernel, weights = torch.rand(taps, generator=rng), torch.rand(CHANNELS, BANDS, generator=rng)
    psf, srf = SpatialResponse(kernel / kernel.sum(), RATIO, phase), SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, BANDS), RATIO, psf.centre, Known(psf, srf))


def _fuse(method: Method, seen: Observation) -> Estimate:
    return method.fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())


@pytest.mark.parametrize(
    "method", [replace(QUICK, without="split"), replace(QUICK, without="aggregation"), replace(QUICK, sensors="known")]
)
def test_every_variant_learns_fuses_and_repeats(method: Method) -> None:
    seen = _observation()
    estimate = _fuse(method, seen)
    assert estimate.cube.shape == (BANDS, 12, 20)
    assert bool(torch.isfinite(estimate.cube).all())
    assert not estimate.cube.is_inference()
    near(estimate.cube, _fuse(method, seen).cube)
    assert float((estimate.cube - _fuse(QUICK, seen).cube).abs().max()) > 1e-4


def test_without_the_split_both_maps_are_one_and_the_branches_are_gone() -> None:
    network = new_mossfuse(BANDS, CHANNELS, RATIO, torch.Generator().manual_seed(0), torch.zeros(1), "split").eval()
    features = network.encode(torch.rand(1, CHANNELS, 12, 20), torch.rand(1, BANDS, 3, 5))
    assert torch.equal(features.msi_shared, features.msi_complementary)
    assert torch.equal(features.hsi_shared, features.hsi_complementary)
    assert not any(".complementary." in name for name in network.state_dict())


def test_without_the_split_the_weight_of_the_subspace_term_is_idle() -> None:
    seen = _observation()
    light, heavy = (_fuse(replace(QUICK, without="split", subspace_weight=weight), seen).cube for weight in (0.1, 50.0))
    near(heavy, light)


def test_without_aggregation_no_gate_is_left() -> None:
    network = new_mossfuse(BANDS, CHANNELS, RATIO, torch.Generator().manual_seed(0), torch.zeros(1), "aggregation")
    names = list(network.state_dict())
    assert not any("gate" in name for name in names)
    assert sum(name.endswith(".mix.weight") for name in names) == 4


def test_fewer_parameters_are_counted() -> None:
    seen = _observation()
    whole = QUICK.fit([Example(seen)], torch.Generator()).parameter_count()
    for method in (replace(QUICK, without="split"), replace(QUICK, without="aggregation")):
        fitted = method.fit([Example(seen)], torch.Generator())
        assert isinstance(fitted, FittedAblation)
        assert fitted.parameter_count().inference < whole.inference
        assert fitted.describe() == method.describe()


@pytest.mark.parametrize(("taps", "phase"), [((3, 2), 1), ((4, 4), 1), ((1, 3), 2), ((2, 2), 0)])
def test_known_sensors_are_the_operators_themselves(taps: tuple[int, int], phase: int) -> None:
    seen = _observation(taps, phase)
    blind = KnownDegradation(seen)
    from_hsi, from_msi = blind(seen.msi[None], seen.hsi[None])
    torch.testing.assert_close(from_msi[0], seen.psf(seen.msi).clamp(0, 1))
    torch.testing.assert_close(from_hsi[0], seen.srf(seen.hsi).clamp(0, 1))
    torch.testing.assert_close(blind.spatial_response()(seen.msi), seen.psf(seen.msi))
    assert blind.spatial_response().centre == pytest.approx(seen.psf.centre)
    assert not list(blind.parameters())


def test_known_sensors_are_handed_back_and_asked_for() -> None:
    seen, method = _observation(), replace(QUICK, sensors="known")
    estimate = _fuse(method, seen)
    assert estimate.srf is not None
    assert torch.equal(estimate.srf.weights, seen.srf.weights)
    assert method.describe().tier == "told blur and colour response"
    with pytest.raises(WithheldError):
        _fuse(method, seen.withhold(psf=True, srf=True))


def test_a_psf_that_leaves_its_block_is_refused() -> None:
    with pytest.raises(RefusedError, match="inside one block of 4 x 4 fine pixels, got 6 x 6 taps at phase 1"):
        KnownDegradation(_observation((6, 6)))


def test_ablations_take_no_weights_and_learn_on_the_scene(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its weights are for the whole network"):
        Method(checkpoint=tmp_path / "x.pth", without="split")
    with pytest.raises(ValueError, match="ablations learn on the scene"):
        replace(QUICK, sensors="known").train([Example(_observation())], [], torch.Generator(), Desk(tmp_path))


def test_the_ablation_plan_has_each_part_once() -> None:
    from benchmark.matrix.plan_file import read_plan

    plan = read_plan(Path(__file__).resolve().parents[4] / "benchmark" / "plans" / "mossfuse_ablation.toml", DataRoots.parse([]))
    assert [one.label for one in plan.contestants] == [
        *("whole", "without L_SC", "without L_SCT", "without split", "without aggregation", "known sensors")
    ]

"""MossFuse as a contestant: cards, both ways to weights, randomness, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from datasets.observation import Observation
from methods.contract import Estimate, Example, FusionMethod, RefusedError
from methods.numerics.networks.named_weights import CheckpointError
from methods.unsupervised.mossfuse.checkpoint import their_name
from methods.unsupervised.mossfuse.method import Method
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
from tests.rounding import near

QUICK = Method(steps=2, crop=8, blind_steps=5)


def _observation(bands: int, channels: int, ratio: int, rows: int, cols: int, dtype: torch.dtype = torch.float32) -> Observation:
    rng = torch.Generator().manual_seed(9)
    return Observation(
        hsi=torch.rand(bands, rows, cols, generator=rng).to(dtype),
        msi=torch.rand(channels, rows * ratio, cols * ratio, generator=rng).to(dtype),
        wavelengths=torch.linspace(400, 700, bands).to(dtype),
        ratio=ratio,
        phase=((ratio - 1) / 2, (ratio - 1) / 2),
    )


def _fitted(method: Method, seen: Observation, seed: int = 0) -> FusionMethod:
    return method.fit([Example(seen)], torch.Generator().manual_seed(seed))


def _fuse(method: Method, seen: Observation, seed: int = 0) -> Estimate:
    return _fitted(method, seen, seed).fuse(seen, torch.Generator().manual_seed(seed))


def _weights_file(folder: Path) -> Path:
    """A file in the authors' form: 5 bands, 2 channels, narrow."""
    torch.manual_seed(1)
    network, file = MossFuseNetwork(5, 2, 4, width=8), folder / "mine.pth"
    torch.save({"Model_stage1": {f"module.{their_name(name)}": tensor for name, tensor in network.state_dict().items()}}, file)
    return file


@pytest.mark.parametrize(
    ("bands", "channels", "ratio", "rows", "cols", "dtype"),
    [
        (31, 3, 4, 2, 3, torch.float32),
        (2, 1, 2, 7, 4, torch.float32),
        (100, 8, 3, 3, 5, torch.float32),
        (4, 3, 8, 1, 2, torch.float64),
        (3, 3, 2, 1, 1, torch.float32),
    ],
)
def test_it_learns_and_fuses_any_pair(bands: int, channels: int, ratio: int, rows: int, cols: int, dtype: torch.dtype) -> None:
    seen = _observation(bands, channels, ratio, rows, cols, dtype)
    estimate = _fuse(QUICK, seen)
    assert estimate.cube.shape == (bands, rows * ratio, cols * ratio)
    assert estimate.cube.dtype == dtype
    assert estimate.cube.is_contiguous()
    assert not estimate.cube.is_inference()
    assert not estimate.cube.requires_grad
    assert bool(torch.isfinite(estimate.cube).all())
    assert estimate.psf is not None
    assert estimate.srf is not None
    assert estimate.psf.kernel.shape == (ratio - 1, ratio - 1)
    assert estimate.psf.ratio == ratio
    assert estimate.srf.weights.shape == (channels, bands)
    assert not estimate.psf.kernel.requires_grad
    assert not estimate.srf.weights.requires_grad


def test_one_seed_gives_one_cube_and_two_seeds_give_two() -> None:
    seen = _observation(5, 2, 4, 4, 6)
    first, again, other = (_fuse(QUICK, seen, seed).cube for seed in (3, 3, 4))
    near(again, first)
    assert float((first - other).abs().max()) > 1e-3


def test_neither_the_pair_nor_torchs_own_generator_changes(tmp_path: Path) -> None:
    seen = _observation(5, 2, 4, 4, 6)
    hsi, msi, state = seen.hsi.clone(), seen.msi.clone(), torch.get_rng_state()
    _fuse(QUICK, seen)
    state_after_learning = torch.get_rng_state()
    file = _weights_file(tmp_path)
    before = torch.get_rng_state()
    fitted = Method(checkpoint=file, checkpoint_ratio=4).fit([], torch.Generator())
    fitted.fuse(seen.to("cpu", torch.float64), torch.Generator())
    assert torch.equal(state, state_after_learning)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(seen.hsi, hsi)
    assert torch.equal(seen.msi, msi)


def test_learning_works_where_gradients_are_switched_off() -> None:
    seen = _observation(5, 2, 4, 2, 3)
    with torch.no_grad():
        off = _fuse(QUICK, seen).cube
    near(off, _fuse(QUICK, seen).cube)


def test_the_default_card_says_under_trained_and_is_not_ranked() -> None:
    card = Method().describe()
    assert card == Method.card
    assert card.name == f"MossFuse ({Method().steps} steps, under-trained)"
    assert card.unranked.startswith(f"under-trained: {Method().steps} steps")
    assert (card.learns, card.supervision, card.tier) == ("on the scene", "self", "told nothing")
    assert "7 steps" in Method(steps=7).describe().name
    assert _fitted(QUICK, _observation(5, 2, 4, 2, 3)).describe() == QUICK.describe()


def test_the_card_of_a_checkpoint_names_its_training_set_and_size(tmp_path: Path) -> None:
    method = Method(checkpoint=_weights_file(tmp_path), checkpoint_ratio=4)
    card = method.describe()
    assert (card.name, card.learns, card.supervision, card.unranked) == ("MossFuse", "beforehand", "self", "")
    assert card.trained_on == "an unstated set (mine.pth)"
    assert card.tier == "told nothing; learned from other scenes, without their truth"
    assert (card.min_bands, card.max_bands, card.min_channels, card.max_channels) == (5, 5, 2, 2)
    assert method.fit([], torch.Generator()).describe() == card


def test_the_authors_file_is_recognised_and_counted(shared: Path) -> None:
    file = shared / "data" / "weights" / "mossfuse_official_cave_x32.pth"
    if not file.is_file():
        pytest.skip("needs the authors' checkpoint")
    method = Method(checkpoint=file)
    assert method.describe().trained_on == "CAVE train, x32"
    fitted = method.fit([], torch.Generator())
    count = fitted.parameter_count()
    assert (count.total, count.inference) == (585_485, 449_153)
    with pytest.raises(RefusedError, match=r"expected the 31 bands, 3 channels and ratio 32 .* got 31 bands, 3 channels and ratio 8"):
        fitted.fuse(_observation(31, 3, 8, 2, 3), torch.Generator())
    with pytest.raises(ValueError, match="checkpoint_ratio: expected 32"):
        Method(checkpoint=file, checkpoint_ratio=16).fit([], torch.Generator())


@pytest.mark.parametrize(("bands", "channels", "ratio"), [(6, 2, 4), (5, 3, 4), (5, 2, 8)])
def test_a_pair_that_the_weights_do_not_fit_is_refused(tmp_path: Path, bands: int, channels: int, ratio: int) -> None:
    method = Method(checkpoint=_weights_file(tmp_path), checkpoint_ratio=4)
    fitted = method.fit([], torch.Generator())
    text = f"expected the 5 bands, 2 channels and ratio 4 .* got {bands} bands, {channels} channels and ratio {ratio}"
    with pytest.raises(RefusedError, match=text):
        fitted.fuse(_observation(bands, channels, ratio, 2, 3), torch.Generator())
    assert bool(method.describe().refusal(bands, channels)) == ((bands, channels) != (5, 2))


def test_one_fitted_method_serves_both_precisions_and_is_left_as_it_was(tmp_path: Path) -> None:
    fitted = Method(checkpoint=_weights_file(tmp_path), checkpoint_ratio=4).fit([], torch.Generator())
    seen = _observation(5, 2, 4, 3, 5)
    single = fitted.fuse(seen, torch.Generator()).cube
    double = fitted.fuse(seen.to("cpu", torch.float64), torch.Generator()).cube
    torch.testing.assert_close(double.float(), single, rtol=0, atol=1e-5)
    near(fitted.fuse(seen, torch.Generator()).cube, single)


def test_a_ratio_that_nobody_states_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"checkpoint_ratio: expected the ratio of the training of mine.pth"):
        Method(checkpoint=_weights_file(tmp_path)).fit([], torch.Generator())


def test_a_missing_checkpoint_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a file, got nothing there"):
        Method(checkpoint=tmp_path / "absent.pth").describe()


def test_ratio_one_is_refused() -> None:
    with pytest.raises(RefusedError, match="ratios of 2 and more, got 1"):
        _fitted(QUICK, _observation(5, 2, 1, 4, 6))


def test_learning_needs_exactly_one_pair() -> None:
    with pytest.raises(ValueError, match="expected the one pair to learn on, got 0"):
        QUICK.fit([], torch.Generator())


@pytest.mark.parametrize(
    ("field", "value"), [("steps", 0), ("crop", 0), ("blind_steps", -1), ("learning_rate", 0.0), ("checkpoint_ratio", 1)]
)
def test_impossible_parameters_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}: expected"):
        replace(QUICK, **{field: value})

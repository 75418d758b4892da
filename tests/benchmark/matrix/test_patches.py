"""Patches for training: each is what the sensors would see of a window of some scene, however it is turned."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.matrix.patches import Patches, turned
from datasets.observation import WithheldError
from datasets.protocols import protocol_from
from datasets.scene import Scene, SceneError
from datasets.simulation import Protocol
from methods.contract import Card, Example
from tests.rounding import apart, near

SELF = Card(name="self", paper="p", doi="d", year=2020, supervision="self", learns="beforehand", fidelity="f")
TRUTH = replace(SELF, name="truth", supervision="truth", needs_psf=True, needs_srf=True)
ROWS, COLS, BANDS = 40, 56, 5


def _scene(seed: int = 0) -> Scene:
    cube = torch.rand(BANDS, ROWS, COLS, generator=torch.Generator().manual_seed(seed))
    return Scene(f"random{seed}", cube, torch.linspace(420, 690, BANDS))


def _protocol(taps: int, phase: int, ratio: int = 4) -> Protocol:
    return protocol_from(
        {
            "name": "lopsided",
            "ratio": ratio,
            "psf": {"kind": "gaussian", "taps": taps, "sigma": 1.3},
            "phase": phase,
            "sensor": "rgb_camera",
        },
        None,
    )


def _patches(protocol: Protocol, card: Card = TRUTH, **changes: object) -> Patches:
    return replace(Patches([_scene(0), _scene(1)], protocol, 12, 40, 7, card, ("a", "b")), **changes)  # type: ignore[arg-type]


def _place(truth: Tensor, scenes: list[Tensor]) -> tuple[Tensor, int, int]:
    """The turned scene that holds `truth`, and where: found by its corner."""
    for whole in scenes:
        for top, left in (whole[0] == truth[0, 0, 0]).nonzero().tolist():
            window = whole[:, top : top + truth.shape[1], left : left + truth.shape[2]]
            if window.shape == truth.shape and torch.equal(window, truth):
                return whole, top, left
    raise AssertionError("the truth is no window of any scene")


def _coarse_pixel(whole: Tensor, kernel: Tensor, row: int, col: int) -> Tensor:
    """One pixel of the HSI by the formula, its anchor over fine pixel (row, col)."""
    total = torch.zeros(whole.shape[0], dtype=torch.float64)
    for u in range(kernel.shape[0]):
        for v in range(kernel.shape[1]):
            at = row + u - (kernel.shape[0] - 1) // 2, col + v - (kernel.shape[1] - 1) // 2
            total += float(kernel[u, v]) * whole[:, at[0], at[1]].double()
    return total


@pytest.mark.parametrize(("taps", "phase"), [(3, 1), (8, 1), (7, 3), (9, 0)])
def test_a_patch_is_a_true_observation_of_a_turned_scene_borders_included(taps: int, phase: int) -> None:
    protocol = _protocol(taps, phase)
    turns = [turned(scene.cube, turn) for scene in (_scene(0), _scene(1)) for turn in range(8)]
    for example in _patches(protocol)[:6]:
        assert example.truth is not None
        whole, top, left = _place(example.truth, turns)
        torch.testing.assert_close(example.seen.msi, protocol.spectral(example.seen.wavelengths)(example.truth.double()).float())
        for i in range(3):
            for j in range(3):
                expected = _coarse_pixel(whole, protocol.spatial().kernel, top + 4 * i + phase, left + 4 * j + phase)
                torch.testing.assert_close(example.seen.hsi[:, i, j].double(), expected, rtol=0, atol=1e-6)


def test_all_eight_symmetries_are_drawn_and_both_scenes() -> None:
    turns = [turned(scene.cube, turn) for scene in (_scene(0), _scene(1)) for turn in range(8)]
    found = {id(_place(example.truth, turns)[0]) for example in _patches(_protocol(3, 1), amount=120) if example.truth is not None}
    assert len(found) == 16


def test_the_symmetries_are_eight_different_ones_and_the_first_is_none() -> None:
    image = torch.arange(9.0).reshape(1, 3, 3)
    assert len({tuple(turned(image, turn).flatten().tolist()) for turn in range(8)}) == 8
    assert torch.equal(turned(image, 0), image)


def test_a_patch_is_a_function_of_seed_and_number_alone() -> None:
    first, again = _patches(_protocol(3, 1)), _patches(_protocol(3, 1), amount=13)
    near(again[11].seen.hsi, first[11].seen.hsi)
    near(first[-1].seen.msi, first[39].seen.msi)
    assert apart(first[12].seen.hsi, first[11].seen.hsi) > 0.1
    assert apart(_patches(_protocol(3, 1), seed=8)[11].seen.hsi, first[11].seen.hsi) > 0.1
    with pytest.raises(IndexError, match="below 40, got 40"):
        first[40]


def test_noise_belongs_to_the_patch_and_repeats_with_it() -> None:
    quiet = _protocol(3, 1)
    noisy = replace(quiet, hsi_snr_db=20.0, msi_snr_db=30.0)
    one, same, clean = _patches(noisy)[5], _patches(noisy)[5], _patches(quiet)[5]
    near(same.seen.hsi, one.seen.hsi)
    ratio_db = 10 * math.log10(float(clean.seen.msi.square().mean() / (one.seen.msi - clean.seen.msi).square().mean()))
    assert ratio_db == pytest.approx(30, abs=1.5)


def test_what_the_card_does_not_ask_for_stays_here() -> None:
    example = _patches(_protocol(3, 1), card=SELF)[0]
    assert example.truth is None
    with pytest.raises(WithheldError):
        _ = example.seen.psf
    with pytest.raises(WithheldError):
        _ = example.seen.srf


def _misfit(example: Example, protocol: Protocol) -> float:
    assert example.truth is not None
    again = replace(protocol.spatial(), boundary="replicate")(example.truth.double()).float()
    return float((again - example.seen.hsi).abs().max())


def test_turning_after_the_observation_moves_the_phase_and_before_does_not() -> None:
    protocol = _protocol(3, 1)  # taps 0..2 of each block of 4: not symmetric, as MossFuse's 0..30 of 32
    before, after, none = ([_misfit(e, protocol) for e in _patches(protocol, augment=how)[:24]] for how in ("before", "after", "none"))
    assert max(before) < 1e-6
    assert max(none) < 1e-6
    wrong = np.array(after) > 1e-2
    assert 0.5 < wrong.mean() < 1  # three of four patches are mirrored along some axis


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"side": 10}, "expected a multiple of the ratio 4, got 10"),
        ({"side": 44}, "expected scenes of at least 44 x 44 pixels .* random0 of 40 x 56"),
        ({"amount": 0}, "got 2 scenes and 0 patches"),
        ({"scenes": [], "digests": ()}, "got 0 scenes"),
    ],
)
def test_impossible_patches_are_refused(changes: dict[str, object], text: str) -> None:
    with pytest.raises(SceneError, match=text):
        _patches(_protocol(3, 1), **changes)


def test_a_mismatch_protocol_is_refused() -> None:
    with pytest.raises(SceneError, match="got the mismatch protocol lopsided"):
        _patches(replace(_protocol(3, 1), shift=(0.5, 0.0)))

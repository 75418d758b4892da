"""Observations: noise as asked, bits as before, the PSF that is handed over is the one that was applied."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.observation import WithheldError
from datasets.protocols import PRESETS, protocol_from
from datasets.scene import Scene, SceneError, crop_to_ratio
from datasets.sensors import NIKON
from datasets.settings import SettingError
from datasets.simulation import NoiseSeed, Protocol, _moved, observe
from tests.rounding import apart, near


def scene(rows: int = 48, cols: int = 64, bands: int = 31) -> Scene:
    cube = torch.rand(bands, rows, cols, generator=torch.Generator().manual_seed(3))
    return Scene("random", cube, torch.linspace(400, 700, bands))


def protocol(name: str = "camera-x8", **changes: object) -> Protocol:
    return protocol_from({"name": name, **changes}, None)


def test_what_is_handed_over_is_what_was_applied() -> None:
    truth = scene()
    for name in ("camera-x8", "wald-x4"):
        seen = observe(truth, protocol(name), NoiseSeed(0, "a scene"))
        torch.testing.assert_close(seen.psf(truth.cube), seen.hsi, rtol=0, atol=2e-6)
        torch.testing.assert_close(seen.srf(truth.cube), seen.msi, rtol=0, atol=2e-6)
        assert seen.phase == pytest.approx(seen.psf.centre, abs=1e-6)


def test_block_centred_presets_register_at_the_middle_of_the_block() -> None:
    assert protocol("wald-x4").spatial().centre == pytest.approx((1.5, 1.5))
    assert protocol("wald-x8").spatial().centre == pytest.approx((3.5, 3.5))
    assert protocol("camera-x8").spatial().centre == pytest.approx((3.0, 3.0))


@pytest.mark.parametrize(("hsi_db", "msi_db"), [(20.0, 40.0), (35.0, 10.0)])
def test_the_signal_to_noise_ratio_is_the_one_asked_for(hsi_db: float, msi_db: float) -> None:
    truth, quiet = scene(128, 160), protocol("wald-x4")
    noisy = replace(quiet, hsi_snr_db=hsi_db, msi_snr_db=msi_db)
    clean, seen = observe(truth, quiet, NoiseSeed(0, "a scene")), observe(truth, noisy, NoiseSeed(0, "a scene"))
    for signal, image, decibels in ((clean.hsi, seen.hsi, hsi_db), (clean.msi, seen.msi, msi_db)):
        measured = 10 * torch.log10(signal.square().mean() / (image - signal).square().mean())
        assert float(measured) == pytest.approx(decibels, abs=0.15)


def test_one_seed_gives_the_same_pair_and_another_seed_other_noise() -> None:
    truth, noisy = scene(), protocol("noisy-x4")
    first, second, other = (observe(truth, noisy, NoiseSeed(seed, "a scene")) for seed in (7, 7, 8))
    near(second.hsi, first.hsi)
    near(second.msi, first.msi)
    assert apart(other.hsi, first.hsi) > 1e-3


def test_the_noise_is_philox_from_the_seed_the_scene_and_the_image() -> None:
    truth = Scene("flat", torch.full((31, 8, 8), 0.5), torch.linspace(400, 700, 31))
    seen = observe(truth, protocol("camera-x8", hsi_snr_db=20), NoiseSeed(5, "a scene"))
    digest = hashlib.sha256(b"a scene hsi").digest()
    words = [int.from_bytes(digest[4 * place : 4 * place + 4], "little") for place in range(8)]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([5, *words])))
    expected = 0.5 + 0.05 * rng.standard_normal((31, 1, 1))
    np.testing.assert_allclose(seen.hsi.numpy(), expected, rtol=0, atol=1e-6)


def test_scenes_images_seeds_and_patches_have_noise_of_their_own() -> None:
    seeds = [NoiseSeed(0, "a"), NoiseSeed(0, "b"), NoiseSeed(1, "a"), NoiseSeed(0, "a", 0), NoiseSeed(0, "a", 1)]
    fields = [one.generator(image).standard_normal(4000) for one in seeds for image in ("hsi", "msi")]  # type: ignore[arg-type]
    apart = np.abs(np.corrcoef(fields) - np.eye(len(fields)))
    assert apart.max() < 0.08, "independent fields of 4,000 values correlate by 0.016 (one standard deviation)"
    again = NoiseSeed(0, "a").generator("hsi").standard_normal(4000)
    assert np.array_equal(again, fields[0]), "one seed, one scene, one image: one field"


def test_what_the_protocol_withholds_is_not_in_the_object() -> None:
    seen = observe(scene(), replace(protocol(), reveals=("srf",)), NoiseSeed(0, "a scene"))
    assert seen.known.psf is None
    with pytest.raises(WithheldError, match="needs_psf=True"):
        _ = seen.psf
    blind = seen.withhold(psf=False, srf=True)
    assert blind.known.srf is None
    with pytest.raises(WithheldError, match="needs_srf=True"):
        _ = blind.srf


def test_values_above_one_are_kept() -> None:
    bright = Scene("glint", torch.full((31, 8, 8), 1.7), torch.linspace(400, 700, 31))
    assert float(observe(bright, protocol(), NoiseSeed(0, "a scene")).msi.max()) == pytest.approx(1.7)


def test_cropping_keeps_the_top_left_corner() -> None:
    truth = scene(50, 70)
    cropped = crop_to_ratio(truth, 8)
    assert cropped.cube.shape == (31, 48, 64)
    assert torch.equal(cropped.cube, truth.cube[:, :48, :64])
    with pytest.raises(SceneError, match="at least 64 x 64"):
        crop_to_ratio(truth, 64)


def test_a_broken_scene_is_refused() -> None:
    cube = torch.rand(3, 4, 4)
    cube[1, 2, 3] = torch.nan
    with pytest.raises(SceneError, match="got 1 NaN or Inf of 48"):
        Scene("hole", cube, torch.tensor([400.0, 410, 420]))
    with pytest.raises(SceneError, match="wavelengths that rise"):
        Scene("order", torch.rand(3, 4, 4), torch.tensor([400.0, 420, 410]))


def test_presets_are_complete_and_those_without_data_say_what_they_need() -> None:
    for name, table in PRESETS.items():
        if table["sensor"] == NIKON:
            with pytest.raises(SettingError, match="fetch nikon_d700"):
                protocol_from(name, None)
        else:
            assert protocol_from(name, None).ratio == int(name.rsplit("-x", 1)[1])


def test_mossfuse_presets_have_the_released_numbers() -> None:
    for ratio in (8, 16, 32):
        table = PRESETS[f"mossfuse-x{ratio}"]
        assert table["psf"] == {"kind": "gaussian", "taps": ratio - 1, "sigma": 2.0}
        assert table["phase"] == ratio // 2 - 1


@pytest.mark.parametrize("ratio", [4, 8, 16, 32])
def test_dhif_presets_are_its_circular_filter_sampled_before_the_middle(ratio: int) -> None:
    """The oracle goes DHIF-Net's way: the kernel's transform over the whole image, its middle moved to the origin."""
    truth = scene(2 * ratio, 3 * ratio, 31)
    offsets = np.arange(ratio) - (ratio - 1) / 2
    line = np.exp(-(offsets**2) / 8)
    padded = np.zeros(truth.cube.shape[1:])
    padded[:ratio, :ratio] = np.outer(line, line) / line.sum() ** 2
    transfer = np.fft.fft2(np.roll(padded, (-(ratio // 2), -(ratio // 2)), (0, 1)))
    blurred = np.fft.ifft2(np.fft.fft2(truth.cube.double().numpy()) * transfer).real
    seen = observe(truth, protocol(f"dhif-x{ratio}", sensor="rgb_camera"), NoiseSeed(0, "a scene"))
    first = ratio // 2 - 1
    assert np.allclose(seen.hsi.numpy(), blurred[:, first::ratio, first::ratio], atol=1e-6)


@pytest.mark.parametrize("ratio", [4, 8])
def test_psrt_presets_are_three_by_three_around_the_pixel_behind_the_middle(ratio: int) -> None:
    truth = scene(2 * ratio, 3 * ratio, 31)
    seen = observe(truth, protocol(f"psrt-x{ratio}", sensor="rgb_camera"), NoiseSeed(0, "a scene"))
    weights = {(u, v): float(np.exp(-(u * u + v * v) / (2 * 0.5**2))) for u in (-1, 0, 1) for v in (-1, 0, 1)}
    for row in range(2):
        for col in range(3):
            middle_row, middle_col = ratio * row + ratio // 2, ratio * col + ratio // 2
            mixed = sum(weight * truth.cube[:, middle_row + u, middle_col + v].double() for (u, v), weight in weights.items())
            assert np.allclose(seen.hsi[:, row, col].numpy(), np.asarray(mixed) / sum(weights.values()), atol=1e-6)


def test_presets_for_remote_sensing_have_the_numbers_of_their_sources() -> None:
    wide, blocks = protocol("hiftool-wdc-x32"), protocol("m2unet-x12")
    assert (wide.ratio, wide.phase, wide.boundary) == (32, 16, "replicate")
    assert wide.spatial().kernel.shape == (31, 31)
    assert blocks.spatial().centre == pytest.approx((5.5, 5.5))
    kernel = blocks.spatial().kernel
    assert float(kernel[5, 3] / kernel[5, 5]) == pytest.approx(np.exp(-(2.5**2 - 0.5**2) / (2 * 5.0959**2)), rel=1e-4)


def test_a_preset_may_be_changed_number_by_number_and_typos_are_errors() -> None:
    assert protocol("wald-x4", hsi_snr_db=30).hsi_snr_db == 30.0
    with pytest.raises(SettingError, match="did you mean 'hsi_snr_db'"):
        protocol("wald-x4", hsi_snr=30)
    with pytest.raises(SettingError, match=r"did you mean 'wald-x[48]'"):
        protocol_from("wald-x5", None)
    with pytest.raises(SettingError, match='"all", "covered" or a list'):
        protocol("wald-x4", channels="some")


def test_the_numbers_of_a_protocol_know_neither_its_name_nor_its_source() -> None:
    same = replace(protocol("wald-x4"), name="other", source="elsewhere")
    assert same.numbers() == protocol("wald-x4").numbers()
    assert replace(same, phase=0).numbers() != same.numbers()


def smooth_scene(rows: int = 48, cols: int = 64) -> Scene:
    """A band-limited scene: shifted by interpolation without visible loss."""
    row, col = torch.meshgrid(torch.arange(rows) / rows, torch.arange(cols) / cols, indexing="ij")
    bands = [
        0.5 + 0.2 * torch.sin(2 * torch.pi * (row * 2 + 0.03 * b)) + 0.2 * torch.cos(2 * torch.pi * (col * 3 + 0.05 * b)) for b in range(31)
    ]
    return Scene("smooth", torch.stack(bands), torch.linspace(400, 700, 31))


def test_a_given_psf_and_phase_falsify_what_is_told_and_not_what_is_seen() -> None:
    truth, told = scene(), {"kind": "box", "taps": 5}
    plain, false = protocol(), protocol(given_psf=told, given_phase=6)
    right, wrong = observe(truth, plain, NoiseSeed(0, "a scene")), observe(truth, false, NoiseSeed(0, "a scene"))
    near(wrong.hsi, right.hsi)
    near(wrong.msi, right.msi)
    assert tuple(wrong.psf.kernel.shape) == (5, 5)
    assert (right.phase, wrong.phase) == (pytest.approx((3.0, 3.0)), pytest.approx((6.0, 6.0)))
    assert (plain.mismatched, false.mismatched) == (False, True)
    assert plain.numbers() != false.numbers()


def test_a_shifted_srf_is_told_while_the_true_one_is_seen() -> None:
    truth = scene()
    right = observe(truth, protocol(), NoiseSeed(0, "a scene"))
    wrong = observe(truth, protocol(given_srf_shift_nm=12.0), NoiseSeed(0, "a scene"))
    near(wrong.msi, right.msi)
    centres = [(seen.srf.weights * truth.wavelengths).sum(1) for seen in (right, wrong)]
    assert float((centres[1] - centres[0])[1]) == pytest.approx(12, abs=1.5)  # green, far from the ends of the range


def test_a_gain_multiplies_the_msi_alone() -> None:
    truth = scene()
    right, wrong = (observe(truth, protocol(msi_gain=gain), NoiseSeed(0, "a scene")) for gain in (1.0, 1.1))
    torch.testing.assert_close(wrong.msi, right.msi * 1.1)
    near(wrong.hsi, right.hsi)


@pytest.mark.parametrize("shift", [(2.0, 0.0), (0.0, -1.0), (3.0, 2.0)])
def test_a_whole_shift_samples_the_ground_that_many_pixels_on(shift: tuple[float, float]) -> None:
    truth = smooth_scene()
    moved = observe(truth, protocol(shift=shift), NoiseSeed(0, "a scene"))
    rolled = Scene("rolled", torch.roll(truth.cube, (-int(shift[0]), -int(shift[1])), (1, 2)), truth.wavelengths)
    expected = observe(rolled, protocol(), NoiseSeed(0, "a scene"))
    torch.testing.assert_close(moved.hsi[:, 1:-1, 1:-1], expected.hsi[:, 1:-1, 1:-1], rtol=0, atol=1e-5)
    near(moved.msi, observe(truth, protocol(), NoiseSeed(0, "a scene")).msi)


def test_half_a_pixel_there_and_back_is_where_it_was() -> None:
    truth = smooth_scene()
    there = _moved(truth.cube.double(), (0.5, -0.25), 3.0)
    turn = np.deg2rad(-3.0)
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([-0.5, 0.25])
    again = _moved(there, (float(back[0]), float(back[1])), -3.0)
    torch.testing.assert_close(again[:, 8:-8, 8:-8], truth.cube.double()[:, 8:-8, 8:-8], rtol=0, atol=2e-3)
    assert float((there - truth.cube)[:, 8:-8, 8:-8].abs().max()) > 0.05


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    cube = torch.rand(2, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_moved(cube, (0.0, 0.0), 90.0), cube.rot90(-1, (1, 2)), rtol=0, atol=1e-9)


def test_the_noise_level_told_is_the_noise_that_was_added() -> None:
    truth = scene()
    clean = observe(truth, protocol(), NoiseSeed(4, "a scene"))
    noisy = observe(truth, protocol(hsi_snr_db=30.0, msi_snr_db=20.0), NoiseSeed(4, "a scene"))
    assert (clean.noise.hsi, clean.noise.msi) == (0.0, 0.0)
    assert float((noisy.hsi - clean.hsi).double().std()) == pytest.approx(noisy.noise.hsi, rel=0.05)
    assert float((noisy.msi - clean.msi).double().std()) == pytest.approx(noisy.noise.msi, rel=0.05)


def test_a_mismatch_tells_another_noise_level_and_changes_nothing_else() -> None:
    truth = scene()
    wrong = protocol(hsi_snr_db=30.0, msi_snr_db=20.0, given_hsi_noise_db=6.0, given_msi_noise_db=-20.0)
    true, told = (observe(truth, each, NoiseSeed(4, "a scene")) for each in (protocol(hsi_snr_db=30.0, msi_snr_db=20.0), wrong))
    assert wrong.mismatched
    near(told.hsi, true.hsi)
    near(told.msi, true.msi)
    assert told.noise.hsi == pytest.approx(true.noise.hsi * 10**0.3)
    assert told.noise.msi == pytest.approx(true.noise.msi / 10)


def test_the_noise_level_is_withheld_unless_it_is_asked_for() -> None:
    seen = observe(scene(), protocol(), NoiseSeed(0, "a scene"))
    with pytest.raises(WithheldError, match="needs_noise=True"):
        _ = seen.withhold(psf=False, srf=False).noise
    assert seen.withhold(psf=True, srf=True, noise=False).noise == seen.noise
    hidden = observe(scene(), protocol(reveals=("psf", "srf")), NoiseSeed(0, "a scene"))
    assert hidden.known.noise is None

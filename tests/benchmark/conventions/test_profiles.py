"""The scores of the convention profiles: against libraries where they are at hand, formulas written out elsewhere, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sewar
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from benchmark.conventions.computation import ssim_gaussian_mirrored
from benchmark.conventions.defects import eight_bits, ssim_mixed, uiqi_gaussian, uiqi_of_means
from benchmark.conventions.profile_table import PROFILES, score_profile
from benchmark.metrics.textbook import score
from tests.benchmark.conventions.profile_pair import ALL, BANDS, RATIO, Cube, pair


def last(cube: Cube) -> Cube:
    return np.ascontiguousarray(cube.transpose(1, 2, 0))


def scores(name: str, reference: Cube, estimate: Cube, ratio: int = RATIO) -> dict[str, float]:
    """Of a pair for which every metric of the profile is defined."""
    found = {metric: value for metric, value in score_profile(name, reference, estimate, ratio).items() if value is not None}
    assert set(found) == set(PROFILES[name].functions)
    return found


# ---- what the specification's table shows, as relations between profiles of one pair


def test_band_maxima_as_peaks_give_the_same_psnr_to_three_projects_and_a_lower_one_than_peak_one() -> None:
    reference, estimate = pair()
    m2u = scores("m2u", reference, estimate)["psnr"]
    for name in ("daem", "yokoya"):
        assert scores(name, reference, estimate)["psnr"] == pytest.approx(m2u, rel=1e-12)
    peaks = reference.max((1, 2))
    assert m2u == pytest.approx(scores("textbook", reference, estimate)["psnr"] + 20 * np.log10(peaks).mean(), abs=1e-10)
    assert m2u < scores("textbook", reference, estimate)["psnr"] - 1


def test_the_mean_of_bands_is_shared_by_three_and_the_psnr_of_the_cube_by_two() -> None:
    reference, estimate = pair()
    textbook = score(reference, estimate, RATIO)
    for name in ("mossfuse", "hiftool"):
        assert scores(name, reference, estimate)["psnr"] == pytest.approx(textbook["psnr"], abs=1e-10)
    for name in ("sewar", "torchmetrics"):
        assert scores(name, reference, estimate)["psnr"] == pytest.approx(textbook["psnr_cube"], abs=1e-10)


@pytest.mark.parametrize("ratio", [4, 8, 16, 32])
def test_ergas_differs_by_the_ratio_each_takes_and_the_bands_it_divides_by(ratio: int) -> None:
    reference, estimate = pair()
    right = scores("textbook", reference, estimate, ratio)["ergas"]
    factors = {"m2u": 1, "daem": ratio / 32, "mossfuse": ratio / 32 * math.sqrt(BANDS / (BANDS + 1))}
    factors |= {"hyperbench": ratio / 4, "sewar": ratio / 4, "torchmetrics": ratio / 4}
    for name, factor in factors.items():
        assert scores(name, reference, estimate, ratio)["ergas"] == pytest.approx(factor * right, rel=1e-12), name


def test_yokoyas_ergas_swaps_the_means_and_so_rewards_a_bright_estimate() -> None:
    reference, estimate = pair()
    mse, means = ((estimate - reference) ** 2).mean((1, 2)), estimate.mean((1, 2))
    assert scores("yokoya", reference, estimate)["ergas"] == pytest.approx(100 / RATIO * math.sqrt((mse / means**2).mean()), rel=1e-12)
    brighter, darker = (scores("yokoya", reference, reference + step)["ergas"] for step in (0.02, -0.02))
    assert brighter < darker
    assert scores("textbook", reference, reference + 0.02)["ergas"] == pytest.approx(
        scores("textbook", reference, reference - 0.02)["ergas"]
    )


def test_the_angle_is_one_in_degrees_or_radians_away_from_zeros() -> None:
    reference, estimate = pair()
    right = scores("textbook", reference, estimate)["sam"]
    for name in ("mossfuse", "m2u", "daem", "yokoya", "cnnfus", "hyperbench"):
        assert scores(name, reference, estimate)["sam"] == pytest.approx(right, rel=1e-9), name
    for name in ("sewar", "torchmetrics"):
        assert math.degrees(scores(name, reference, estimate)["sam"]) == pytest.approx(right, rel=1e-9), name


def test_the_borders_that_projects_crop_are_cropped() -> None:
    reference, estimate = pair()
    whole = score(reference, estimate, 5)
    inside = score(reference[:, 5:-5, 5:-5], estimate[:, 5:-5, 5:-5], 5)
    for name, seen in (("hysure", (inside, inside, inside)), ("cnnfus", (whole, inside, inside))):
        found = scores(name, reference, estimate, 5)
        for metric, where in zip(("sam", "ergas", "rmse"), seen, strict=True):
            assert found[metric] == pytest.approx(where[metric], rel=1e-9), (name, metric)
    lopsided = score(reference[:, 10:34, 10:41], estimate[:, 10:34, 10:41], RATIO)  # 45 - 11 and 52 - 11
    assert scores("matciotola", reference, estimate)["ergas"] == pytest.approx(lopsided["ergas"], rel=1e-9)
    assert scores("matciotola", reference, estimate)["sam"] == pytest.approx(lopsided["sam"], rel=1e-9)


# ---- libraries


def test_the_sewar_profile_is_sewar() -> None:
    reference, estimate = pair()
    a, b = last(reference), last(estimate)
    expected = {
        "psnr": sewar.psnr(a, b, MAX=1.0),
        "ssim": sewar.ssim(a, b, MAX=1.0)[0],
        "sam": sewar.sam(a, b),
        "ergas": sewar.ergas(a, b),
        "uiqi": sewar.uqi(a, b),
        "rmse": sewar.rmse(a, b),
    }
    assert scores("sewar", reference, estimate) == pytest.approx(expected, rel=1e-12)


def test_the_hyperbench_profile_is_sewar_on_values_cut_to_eight_bits() -> None:
    reference, estimate = pair()
    a, b = ((255 * last(cube)).astype(np.uint8) for cube in (reference, estimate))
    found = scores("hyperbench", reference, estimate)
    assert found["psnr"] == pytest.approx(sewar.psnr(a, b), rel=1e-12)
    assert found["ssim"] == pytest.approx(sewar.ssim(a, b)[0], rel=1e-10)
    assert found["sam"] == pytest.approx(np.degrees(sewar.sam(last(reference), last(estimate))), rel=1e-12)
    assert found["ergas"] == pytest.approx(sewar.ergas(last(reference), last(estimate)), rel=1e-12)
    assert found["uiqi"] == pytest.approx(sewar.uqi(last(reference), last(estimate)), rel=1e-12)


def test_cutting_to_eight_bits_costs_five_decibels_at_sixty() -> None:
    reference, _ = pair(rows=90, cols=90)
    estimate = reference + 1e-3 * np.random.default_rng(1).standard_normal(reference.shape)
    found = {name: scores(name, reference, np.clip(estimate, 0, 1))["psnr"] for name in ("sewar", "hyperbench")}
    assert found["sewar"] == pytest.approx(60, abs=0.1)
    assert found["hyperbench"] == pytest.approx(55, abs=0.5)
    assert set(np.unique(eight_bits(np.array([[[-0.2, 0.0, 0.999, 1.0, 1.5]]])))) == {0, 254, 255}


def test_ssim_of_mossfuse_m2u_and_daem_is_scikit_images_with_their_ranges() -> None:
    reference, estimate = pair()
    whole = structural_similarity(reference, np.clip(estimate, 0, 1), channel_axis=0, data_range=1.0)
    assert scores("mossfuse", reference, estimate)["ssim"] == pytest.approx(whole, rel=1e-10)
    own = np.mean([structural_similarity(x, y, data_range=np.ptp(y)) for x, y in zip(reference, estimate, strict=True)])
    times = np.mean([structural_similarity(255 * x, 255 * y, data_range=255 * np.ptp(y)) for x, y in zip(reference, estimate, strict=True)])
    assert scores("m2u", reference, estimate)["ssim"] == pytest.approx(own, rel=1e-10)
    assert scores("daem", reference, estimate)["ssim"] == pytest.approx(times, rel=1e-10)


def windows(image: Cube, mirrored: bool) -> Cube:
    """Every 11 x 11 window of an image, flattened; with `mirrored`, also those centred near the border."""
    padded = np.pad(image, 5, mode="reflect") if mirrored else image
    return np.lib.stride_tricks.sliding_window_view(padded, (11, 11)).reshape(-1, 121)


def gaussian_weights() -> Cube:
    offsets = np.hypot(*np.meshgrid(np.arange(-5, 6), np.arange(-5, 6)))
    weights = np.exp(-(offsets**2) / 4.5).ravel()
    return np.asarray(weights / weights.sum())


def test_torchmetrics_ssim_is_the_mean_over_mirrored_gaussian_windows() -> None:
    reference, estimate = pair(2, 15, 19)
    weights, values = gaussian_weights(), []
    for x, y in zip(reference, estimate, strict=True):
        a, b = windows(x, mirrored=True), windows(y, mirrored=True)
        assert len(a) == x.size
        ma, mb = a @ weights, b @ weights
        sa, sb, sab = (
            (a - ma[:, None]) ** 2 @ weights,
            (b - mb[:, None]) ** 2 @ weights,
            ((a - ma[:, None]) * (b - mb[:, None])) @ weights,
        )
        values.append(((2 * ma * mb + 1e-4) * (2 * sab + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (sa + sb + 9e-4))).mean())
    assert ssim_gaussian_mirrored(reference, estimate) == pytest.approx(np.mean(values), rel=1e-11)
    assert scores("torchmetrics", *pair())["ssim"] == pytest.approx(score(*pair(), RATIO)["ssim"], abs=5e-3)


def test_torchmetrics_uiqi_is_neither_wang_and_boviks_nor_free_of_scale() -> None:
    reference, estimate = pair(2, 15, 19)
    weights, values = gaussian_weights(), []
    for x, y in zip(reference, estimate, strict=True):
        a, b = windows(x, mirrored=False), windows(y, mirrored=False)
        ma, mb = a @ weights, b @ weights
        sa, sb, sab = (
            (a - ma[:, None]) ** 2 @ weights,
            (b - mb[:, None]) ** 2 @ weights,
            ((a - ma[:, None]) * (b - mb[:, None])) @ weights,
        )
        values.append((4 * ma * mb * sab / ((ma**2 + mb**2) * (sa + sb) + 2.0**-23)).mean())
    assert uiqi_gaussian(reference, estimate) == pytest.approx(np.mean(values), rel=1e-9)
    assert uiqi_gaussian(1e-3 * reference, 1e-3 * estimate) < 0.1
    assert uiqi_gaussian(reference, reference) < 1
    assert uiqi_gaussian(np.full((1, 12, 12), 0.4), np.full((1, 12, 12), 0.4)) == pytest.approx(0, abs=1e-6)


# ---- defects


def test_sewars_uiqi_calls_independent_images_alike_and_hides_noise() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 1, 64, 64))
    right = score(one, other, RATIO)["uiqi"]
    assert right is not None
    assert abs(right) < 0.03  # 0.018
    assert uiqi_of_means(one, other) > 0.5  # 0.73
    smooth = gaussian_filter(one, (0, 3, 3))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    noisy = smooth + 0.1 * rng.standard_normal(smooth.shape)
    textbook = score(smooth, noisy, RATIO)["uiqi"]
    assert textbook is not None
    assert textbook < 0.7  # 0.49
    assert uiqi_of_means(smooth, noisy) > 0.95  # 0.97


def test_hiftools_ssim_is_above_one_for_equal_cubes_and_blind_to_an_added_constant() -> None:
    reference, estimate = pair()
    assert scores("hiftool", reference, reference * 0.999)["ssim"] > 1
    assert ssim_mixed(reference, reference) > 1
    assert ssim_mixed(reference, estimate + 0.3) == pytest.approx(ssim_mixed(reference, estimate), rel=1e-10)
    uneven = np.stack([np.indices((8, 9)).sum(0) * gain for gain in (0.001, 0.002, 0.05, 0.06)])
    assert ssim_mixed(uneven, uneven) > 3
    one = reference[:1]
    assert ssim_mixed(one, one) == pytest.approx(1, abs=1e-12)


def test_hiftools_ssim_is_the_mean_of_the_table_that_broadcasting_makes() -> None:
    reference, estimate = pair(4, 12, 17)
    c1, c2 = 0.01**2, 0.03**2
    table = np.empty((4, 4))
    for b in range(4):
        for c in range(4):
            mean = reference[b].mean()
            covariance = ((reference[c] - reference[c].mean()) * (estimate[c] - reference[c].mean())).mean()
            luminance = (2 * mean * mean + c1) / (mean**2 + mean**2 + c1)
            table[b, c] = luminance * (2 * covariance + c2) / (reference[b].var() + estimate[b].var() + c2)
    assert ssim_mixed(reference, estimate) == pytest.approx(table.mean(), rel=1e-12)


def test_the_estimates_range_in_ssim_lets_the_estimate_set_the_constants() -> None:
    reference, estimate = pair()
    spiked = estimate.copy()
    spiked[:, 0, 0] = 50.0  # one wild pixel a band: far less alike, and yet
    assert scores("m2u", reference, spiked)["ssim"] > scores("m2u", reference, estimate)["ssim"]
    assert scores("sewar", reference, spiked)["ssim"] < scores("sewar", reference, estimate)["ssim"]


def test_one_zero_pixel_takes_away_two_projects_angle_and_counts_as_met_in_a_third() -> None:
    reference, estimate = pair()
    dark = reference.copy()
    dark[:, 20, 20] = 0
    found = {name: score_profile(name, dark, estimate, RATIO)["sam"] for name in ALL if "sam" in PROFILES[name].functions}
    assert {name for name, value in found.items() if value is None} == {"mossfuse", "torchmetrics"}
    assert found["sewar"] is not None
    assert math.degrees(found["sewar"]) == pytest.approx(found["textbook"], rel=1e-9)
    kept, met = score_profile("m2u", dark[:, 10:34, 10:41], estimate[:, 10:34, 10:41], RATIO)["sam"], found["matciotola"]
    assert kept is not None
    assert met == pytest.approx(kept * (24 * 31 - 1) / (24 * 31), rel=1e-9)


def test_clipping_is_where_the_project_clips() -> None:
    reference, estimate = pair()
    wild = estimate.copy()
    wild[:, 22, 22] = 3.0
    wild[:, 23, 23] = -2.0
    tame = np.clip(wild, 1e-9, 1)
    for name in ("mossfuse", "matciotola"):
        assert scores(name, reference, wild)["ergas"] == pytest.approx(scores(name, reference, tame)["ergas"], rel=1e-6)
    for name in ("m2u", "daem", "sewar", "torchmetrics", "textbook"):
        assert scores(name, reference, wild)["ergas"] > 2 * scores(name, reference, tame)["ergas"], name
    assert scores("hyperbench", reference, wild)["psnr"] == pytest.approx(scores("hyperbench", reference, tame)["psnr"], rel=1e-12)
    floor = np.clip(wild, 1e-5, 1)
    assert scores("mossfuse", reference, wild)["sam"] == pytest.approx(score(reference, floor, RATIO)["sam"], rel=1e-9)

"""`score`: every metric by name, what is not defined, what is refused; the facts and the key."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.identity.source_keys import metrics_key, metrics_sources
from benchmark.metrics import textbook
from benchmark.metrics.metric_facts import HEADLINE, METRICS, TEXTBOOK, find_metric
from benchmark.metrics.textbook import none_where_undefined, score
from tests.rounding import scores_near

ROOT = Path(__file__).resolve().parents[3]
COUNTS = ("sam_pixels_left_out", "bands_left_out", "ergas_bands_left_out")


def pair(shape: tuple[int, int, int] = (3, 33, 40), seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.1, 0.9, shape)
    return reference.astype(np.float32), (reference + 0.1 * rng.standard_normal(shape)).astype(np.float32)


def undefined(scores: dict[str, float | None]) -> set[str]:
    return {name for name, value in scores.items() if value is None}


def test_every_metric_of_the_facts_is_scored_and_no_other() -> None:
    assert list(score(*pair(), 4)) == [metric.name for metric in TEXTBOOK]
    assert set(HEADLINE) <= {metric.name for metric in TEXTBOOK}


def test_an_ordinary_pair_has_every_metric_and_json_takes_them() -> None:
    scores = score(*pair(), 4)
    assert undefined(scores) == set()
    assert all(type(value) is float for value in scores.values())
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_better_is_higher_or_lower_as_the_facts_say() -> None:
    reference, estimate = pair()
    near, far = score(reference, reference + (estimate - reference) / 2, 4), score(reference, estimate, 4)
    for metric in TEXTBOOK:
        a, b = near[metric.name], far[metric.name]
        assert a is not None
        assert b is not None
        if metric.higher_is_better is None:
            assert a == b
        else:
            assert (a > b) is metric.higher_is_better, metric.name


def test_identical_cubes_have_an_infinite_psnr_and_every_metric() -> None:
    reference, _ = pair()
    scores = score(reference, reference.copy(), 4)
    assert undefined(scores) == set()
    assert scores["psnr"] == scores["psnr_cube"] == math.inf
    assert scores["sam"] == scores["ergas"] == scores["rmse"] == 0
    assert [scores[name] for name in ("ssim", "uiqi", "q2n", "cc")] == pytest.approx([1, 1, 1, 1], abs=1e-12)


def test_a_black_reference_has_the_error_of_the_cube_alone() -> None:
    reference, estimate = pair()
    scores = score(np.zeros_like(reference), estimate, 4)
    assert undefined(scores) == {"psnr", "ssim", "uiqi", "cc", "sam", "ergas"}
    assert [scores[name] for name in COUNTS] == [33 * 40, 3, 3]


def test_constant_reference_bands_of_another_level_than_zero_leave_the_relative_error_and_the_angle() -> None:
    reference, estimate = pair()
    scores = score(np.full_like(reference, 0.25), estimate, 4)
    assert undefined(scores) == {"psnr", "ssim", "uiqi", "cc"}
    assert [scores[name] for name in COUNTS] == [0, 3, 0]


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_a_constant_band_decides_no_mean_over_bands_however_it_is_met(level: float) -> None:
    """The other route: scikit-image on the live bands one by one, loops elsewhere."""
    reference, estimate = pair((5, 33, 40), seed=3)
    live, dead = [0, 2, 4], [1, 3]
    found = []
    for met in (0.0, 1e-9, 0.3):  # exactly, nearly, not at all
        reference[dead], estimate[dead] = level, level + met
        found.append(score(reference, estimate, 4))
    by_band = [(reference[b].astype(np.float64), estimate[b].astype(np.float64)) for b in live]
    expected = {
        "psnr": np.mean([peak_signal_noise_ratio(r, e, data_range=1) for r, e in by_band]),
        "ssim": np.mean(
            [structural_similarity(r, e, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False) for r, e in by_band]
        ),
        "cc": np.mean([np.corrcoef(r.ravel(), e.ravel())[0, 1] for r, e in by_band]),
    }
    for scores in found:
        assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-10)
        assert [scores[name] for name in COUNTS] == [0, 2, 0 if level else 2]
    exact, far = found[0], found[-1]
    mse = math.fsum(float(((e - r) ** 2).mean()) for r, e in by_band)
    assert exact["rmse"] == pytest.approx(math.sqrt(mse / 5), rel=1e-9)  # every band counts, constant ones too
    assert far["rmse"] == pytest.approx(math.sqrt((mse + 2 * 0.09) / 5), rel=1e-6)
    assert far["psnr_cube"] == pytest.approx(-10 * math.log10((mse + 2 * 0.09) / 5), abs=1e-5)


def test_a_live_band_that_is_met_exactly_makes_psnr_infinite_and_a_constant_one_does_not() -> None:
    reference, estimate = pair()
    reference[1] = estimate[1] = 0.5
    assert math.isfinite(score(reference, estimate, 4)["psnr"] or math.nan)
    estimate[2] = reference[2]
    scores = score(reference, estimate, 4)
    assert scores["psnr"] == math.inf
    assert math.isfinite(scores["psnr_cube"] or math.nan)


def test_one_pixel_that_differs_makes_a_band_live_wherever_it_is() -> None:
    for row, col in ((0, 0), (0, 39), (32, 0), (32, 39), (17, 21)):
        reference = np.full((1, 33, 40), 0.5, dtype=np.float32)
        reference[0, row, col] += np.float32(1e-6)
        scores = score(reference, reference + np.float32(0.1), 4)
        assert scores["bands_left_out"] == 0
        assert scores["psnr"] == pytest.approx(20, abs=1e-4)


def test_none_stands_for_what_is_not_a_number_and_for_minus_infinity_alone() -> None:
    values = {"a": math.inf, "b": -math.inf, "c": math.nan, "d": -2.5, "e": 0.0}
    assert none_where_undefined(values) == {"a": math.inf, "b": None, "c": None, "d": -2.5, "e": 0.0}


def test_a_constant_estimate_lacks_only_its_correlation() -> None:
    reference, _ = pair()
    assert undefined(score(reference, np.full_like(reference, 0.3), 4)) == {"cc"}


@pytest.mark.parametrize(
    ("shape", "missing"),
    [((3, 31, 40), {"q2n"}), ((2, 40, 10), {"q2n", "ssim"}), ((2, 7, 9), {"q2n", "ssim", "uiqi"}), ((3, 1, 2), {"q2n", "ssim", "uiqi"})],
)
def test_windows_larger_than_the_image_leave_their_metric_undefined(shape: tuple[int, int, int], missing: set[str]) -> None:
    assert undefined(score(*pair(shape), 4)) == missing


def test_a_single_pixel_has_no_structure_but_an_angle() -> None:
    scores = score(np.array([[[0.5]], [[0.0]]]), np.array([[[0.5]], [[0.5]]]), 1)
    assert undefined(scores) == {"psnr", "ssim", "uiqi", "q2n", "cc"}
    assert scores["sam"] == pytest.approx(45, abs=1e-12)
    assert [scores[name] for name in COUNTS] == [0, 2, 1]


def test_one_band_has_every_metric() -> None:
    assert undefined(score(*pair((1, 35, 41)), 2)) == set()


def test_a_known_pair_has_known_scores() -> None:
    reference = np.broadcast_to(np.array([0.5, 0.9])[:, None, None], (2, 32, 48)).copy()
    reference[:, ::2] -= 0.2  # means 0.4 and 0.8
    estimate = (
        reference + np.array([0.04, 0.16])[:, None, None]
    )  # a tenth and a fifth of the means; the second band's bright half is above 1
    assert score(reference, estimate, 5) == pytest.approx(
        {
            **score(reference, estimate, 1),
            "psnr": -10 * (math.log10(0.04**2) + math.log10(0.16**2)) / 2,
            "psnr_cube": -10 * math.log10((0.04**2 + 0.16**2) / 2),
            "ergas": 20 * math.sqrt((0.01 + 0.04) / 2),
            "rmse": math.sqrt((0.04**2 + 0.16**2) / 2),
            "cc": 1,
            "out_of_range": 0.25,
            **dict.fromkeys(COUNTS, 0),
            "uiqi": (2 * 0.4 * 0.44 / (0.4**2 + 0.44**2) + 2 * 0.8 * 0.96 / (0.8**2 + 0.96**2)) / 2,
            "q2n": 2 * math.hypot(0.4, 0.8) * math.hypot(0.44, 0.96) / (0.4**2 + 0.8**2 + 0.44**2 + 0.96**2),
            "sam": math.degrees(math.atan2(1.06, 0.54) + math.atan2(0.86, 0.34) - math.atan2(0.9, 0.5) - math.atan2(0.7, 0.3)) / 2,
        },
        abs=1e-12,
    )


def test_the_ratio_divides_ergas_and_touches_nothing_else() -> None:
    one, eight = score(*pair(), 1), score(*pair(), 8)
    assert one["ergas"] is not None
    assert eight.pop("ergas") == pytest.approx(one.pop("ergas") / 8, rel=1e-14)
    assert scores_near(one, eight)


def test_views_and_any_memory_order_score_alike() -> None:
    reference, estimate = pair()
    turned = np.ascontiguousarray(estimate.transpose(1, 2, 0)).transpose(2, 0, 1)
    assert score(reference, turned, 4) == pytest.approx(score(reference, estimate, 4), rel=1e-14)


def test_scoring_leaves_both_cubes_untouched_and_repeats() -> None:
    reference, estimate = (cube.astype(np.float64) for cube in pair())
    kept = reference.copy(), estimate.copy()
    reference.setflags(write=False)
    estimate.setflags(write=False)
    assert score(reference, estimate, 4) == pytest.approx(score(*kept, 4), rel=1e-12)
    np.testing.assert_array_equal(reference, kept[0])
    np.testing.assert_array_equal(estimate, kept[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["reference", "estimate"])
def test_a_value_that_is_not_finite_is_refused(side: str, bad: float) -> None:
    cubes = dict(zip(("reference", "estimate"), pair(), strict=True))
    cubes[side][1, 2, 3] = bad
    with pytest.raises(ValueError, match=f"finite values in the {side}, got 1 NaN or Inf of 3960"):
        score(**cubes, ratio=4)


@pytest.mark.parametrize("shape", [(3, 33, 39), (2, 33, 40), (33, 40)])
def test_another_shape_is_refused_and_both_are_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected an estimate of shape \(3, 33, 40\).*got \("):
        score(pair()[0], np.zeros(shape), 4)


def test_empty_cubes_and_a_ratio_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        score(np.zeros((3, 0, 4)), np.zeros((3, 0, 4)), 4)
    with pytest.raises(ValueError, match="ratio: expected a whole number >= 1"):
        score(*pair(), 0)


def test_every_fact_is_found_by_its_name_and_a_typo_names_the_valid_ones() -> None:
    assert len({metric.name for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)
    assert find_metric("sam").unit == "deg"
    with pytest.raises(LookupError, match=r"unknown metric 'snr'; valid: psnr, psnr_cube, ssim"):
        find_metric("snr")


def test_the_facts_import_neither_numpy_nor_torch() -> None:
    command = "import sys, benchmark.metrics.metric_facts; sys.exit(int(bool({'numpy', 'torch', 'scipy'} & set(sys.modules))))"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0


def test_the_metrics_need_no_torch() -> None:
    command = "import sys, benchmark.metrics.textbook; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0


def test_the_key_covers_every_source_that_scores_depend_on() -> None:
    files = set(metrics_sources().files)
    home = textbook.__file__ and Path(textbook.__file__).parent
    names = {file.name for file in Path(home).glob("*.py")} - {"__init__.py", "spelling.py"}
    assert {f"benchmark/metrics/{name}" for name in names} <= files
    assert {"datasets/degradation.py", "datasets/cube_file.py"} <= files, "what the scores without reference are computed with"
    assert metrics_key() == metrics_sources().digest

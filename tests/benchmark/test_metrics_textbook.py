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

from benchmark.metrics import textbook
from benchmark.metrics.facts import HEADLINE, METRICS, TEXTBOOK, find_metric
from benchmark.metrics.textbook import metrics_key, score
from tests.rounding import scores_near

ROOT = Path(__file__).resolve().parents[2]


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


def test_identical_cubes_leave_only_the_infinite_psnr_undefined() -> None:
    reference, _ = pair()
    scores = score(reference, reference.copy(), 4)
    assert undefined(scores) == {"psnr", "psnr_cube"}
    assert scores["sam"] == scores["ergas"] == scores["rmse"] == 0
    assert [scores[name] for name in ("ssim", "uiqi", "q2n", "cc")] == pytest.approx([1, 1, 1, 1], abs=1e-12)


def test_a_black_reference_has_no_angle_no_relative_error_and_no_correlation() -> None:
    reference, estimate = pair()
    scores = score(np.zeros_like(reference), estimate, 4)
    assert undefined(scores) == {"sam", "ergas", "cc"}
    assert scores["sam_pixels_left_out"] == 33 * 40


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
    assert undefined(scores) == {"psnr", "ssim", "uiqi", "q2n", "cc", "ergas"}
    assert scores["sam"] == pytest.approx(45, abs=1e-12)


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
            "sam_pixels_left_out": 0,
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
    command = "import sys, benchmark.metrics.facts; sys.exit(int(bool({'numpy', 'torch', 'scipy'} & set(sys.modules))))"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0


def test_the_metrics_need_no_torch() -> None:
    command = "import sys, benchmark.metrics.textbook; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0


def test_the_key_changes_with_any_source_byte_and_any_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metrics_key()
    assert len(real) == 16
    assert int(real, 16) >= 0
    for file in textbook.HOME.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(textbook, "HOME", tmp_path)
    assert metrics_key() == real
    with (tmp_path / "pixel.py").open("a") as stream:
        stream.write("\n")
    changed = metrics_key()
    (tmp_path / "another.py").touch()
    added = metrics_key()
    (tmp_path / "another.py").rename(tmp_path / "renamed.py")
    assert len({real, changed, added, metrics_key()}) == 4

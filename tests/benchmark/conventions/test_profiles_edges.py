"""Every convention profile on any input: equal, black, constant, tiny and broken cubes; and what the profiles say of themselves."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.conventions.profile_facts import DIGITS, FACTS, METRIC_LABELS, UNDOCUMENTED, ProfileFacts
from benchmark.conventions.profile_table import PROFILES, ProfileError, score_profile
from benchmark.identity.source_keys import profiles_key
from benchmark.metrics.metric_facts import METRICS
from tests.benchmark.conventions.profile_pair import ALL, RATIO, pair

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ALL)
def test_equal_cubes_have_an_infinite_psnr_and_no_error(name: str) -> None:
    reference, _ = pair()
    found = score_profile(name, reference, reference.copy(), RATIO)
    assert found.pop("psnr", math.inf) == math.inf
    for metric in ("ergas", "rmse"):
        assert found.get(metric, 0.0) == 0
    if found.get("sam") is not None:  # MossFuse's arccos may meet a cosine of 1 + 2e-16, which is none
        assert found["sam"] == pytest.approx(0, abs=1e-5)
    if name not in ("hiftool", "torchmetrics"):
        for metric in ("ssim", "uiqi"):
            assert found.get(metric, 1.0) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_a_black_reference_has_no_angle_and_an_infinite_relative_error(name: str) -> None:
    reference, estimate = pair()
    found = score_profile(name, np.zeros_like(reference), estimate, RATIO)
    if name == "matciotola":
        assert found == {"sam": 0.0, "ergas": math.inf}  # no pixel has an angle: the sum over all is 0
    elif name == "yokoya":
        assert found["psnr"] is found["sam"] is None  # a peak of 0
        assert found["ergas"] is not None
        assert math.isfinite(found["ergas"])
    elif name == "textbook":
        assert set(found.values()) == {None, found["rmse"]}
    else:
        assert found.get("sam") is None
        assert found.get("ergas", math.inf) == math.inf
    assert all(value is None or value > -math.inf for value in found.values())


@pytest.mark.parametrize("name", [name for name in ALL if name != "textbook"])
def test_other_projects_leave_no_band_out(name: str) -> None:
    reference, estimate = pair()
    reference[2] = estimate[2] = 0.25  # met exactly: no project but ours looks whether there is anything to meet
    found = score_profile(name, reference, estimate, RATIO)
    if "psnr" in found and name not in ("torchmetrics", "sewar", "hyperbench"):  # these take the whole cube
        assert found["psnr"] == math.inf
    reference[2] = 0  # and the estimate is 0.25
    found = score_profile(name, reference, estimate, RATIO)
    if "ergas" in found and name != "yokoya":  # which divides by the estimate's mean
        assert found["ergas"] == math.inf


@pytest.mark.parametrize("name", ALL)
def test_constant_cubes_score_finite_or_none(name: str) -> None:
    reference = np.full((3, 24, 40), 0.4)
    found = score_profile(name, reference, np.full((3, 24, 40), 0.5), 4)
    assert all(value is None or math.isfinite(value) for value in found.values())
    for metric, value in (("psnr", 20.0), ("rmse", 0.1)):
        if metric in found and name not in ("m2u", "daem", "yokoya", "hyperbench") and (name, metric) != ("textbook", "psnr"):
            assert found[metric] == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_one_band_and_tiny_images_are_scored_as_far_as_they_can_be(name: str) -> None:
    assert all(value is not None for value in score_profile(name, *pair(bands=1), 4).values()) or name == "mossfuse"
    tiny = score_profile(name, *pair(3, 5, 4), 2)
    assert all(tiny.get(metric) is None for metric in ("ssim", "uiqi") if name != "hiftool")
    if "psnr" in tiny:
        assert tiny["psnr"] is not None
    edge = score_profile(name, *pair(3, 4, 4), 2)  # nothing is left inside a border of 2
    if name in ("hysure", "matciotola"):
        assert set(edge.values()) == {None}


@pytest.mark.parametrize("name", ALL)
def test_what_has_no_score_is_refused(name: str) -> None:
    reference, estimate = pair(2, 12, 13)
    broken = estimate.copy()
    broken[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="finite values in the estimate"):
        score_profile(name, reference, broken, RATIO)
    with pytest.raises(ValueError, match="expected an estimate of shape"):
        score_profile(name, reference, estimate[:, 1:], RATIO)
    with pytest.raises(ValueError, match="ratio"):
        score_profile(name, reference, estimate, 0)


@pytest.mark.parametrize("name", ALL)
def test_scoring_leaves_both_cubes_untouched(name: str) -> None:
    reference, estimate = (cube.astype(np.float32) for cube in pair())
    kept = reference.copy(), estimate.copy()
    reference.setflags(write=False)
    estimate.setflags(write=False)
    score_profile(name, reference, estimate, RATIO)
    np.testing.assert_array_equal(reference, kept[0])
    np.testing.assert_array_equal(estimate, kept[1])


# ---- facts


def test_the_profiles_are_those_with_a_specification_each_with_a_function_a_rule() -> None:
    assert list(PROFILES) == [facts.name for facts in FACTS] == ALL
    for profile in PROFILES.values():
        assert [rule.metric for rule in profile.facts.rules] == list(profile.functions)


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.name)
def test_every_rule_names_a_file_and_every_defect_is_a_sentence_with_its_place(facts: ProfileFacts) -> None:
    for rule in facts.rules:
        assert rule.definition
        assert any(mark in rule.source for mark in (".py", ".m", "QualityIndices", "ERGAS(")), rule.source
        assert rule.metric in METRIC_LABELS
        assert rule.metric in DIGITS
        assert rule.unit == {"psnr": "dB", "sam": rule.unit}.get(rule.metric, "")
    for sentence in (*facts.defects, *facts.left_out):
        assert sentence.endswith(".")
    assert len({rule.metric for rule in facts.rules}) == len(facts.rules)
    lines = [rule for rule in facts.rules if ":" in rule.source and UNDOCUMENTED not in rule.source]
    assert lines or facts.name in ("textbook", "yokoya")


def test_a_typo_names_the_profiles() -> None:
    with pytest.raises(ProfileError, match=r"unknown profile 'mosfuse'; valid: textbook, mossfuse, m2u"):
        score_profile("mosfuse", *pair(), RATIO)


def test_the_facts_import_neither_numpy_nor_torch_and_the_functions_no_torch_and_no_sewar() -> None:
    for module, heavy in (("profile_facts", {"numpy", "torch", "scipy"}), ("profile_table", {"torch", "sewar", "skimage"})):
        command = f"import sys, benchmark.conventions.{module}; sys.exit(int(bool({heavy!r} & set(sys.modules))))"
        assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0, module


def test_the_key_is_sixteen_hex_digits_and_stays() -> None:
    assert len(profiles_key()) == 20
    assert int(profiles_key(), 16) >= 0
    assert profiles_key() == profiles_key()


def test_the_page_on_metrics_states_every_rule_defect_and_metric() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for facts in FACTS:
        for rule in facts.rules:
            row = f"| {METRIC_LABELS[rule.metric]} | {rule.unit} | {rule.definition} | `{rule.source}` |"
            assert row.replace("  ", " ") in page.replace("  ", " "), row
        for sentence in (*facts.defects, *facts.left_out):
            assert f"- {sentence}" in page, sentence
    for metric in METRICS:
        assert f"| `{metric.name}` | {metric.label} | {metric.unit} |".replace("  ", " ") in page.replace("  ", " "), metric.name

"""How much of each estimate the page holds, by the number of estimates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.run_folder.record import Result
from reports.scene.detail import BUDGET, LADDER, LEAST_RATE, PACKED, DetailPlan, plan_detail


def size_of(plan: DetailPlan) -> tuple[int, int]:
    return plan.detail.longest, plan.detail.grid


def test_the_finest_detail_is_taken_that_fits_the_budget(results: list[Result]) -> None:
    for few in (results, []):
        assert size_of(plan_detail(few)) == size_of(DetailPlan(LADDER[0], 1))
        assert plan_detail(few).detail.most > 2 * LEAST_RATE * 512**2  # little is left out
    scored = next(result for result in results if result.outcome == "scored")
    many = [
        replace(scored, scene=f"s{scene}", label=f"m{method}", observed={"shape": [31, 512, 512]})
        for scene in range(12)
        for method in range(10)
    ]
    plan = plan_detail(many)
    assert (size_of(plan), plan.scenes) == ((256, 32), 12)
    assert 12 * 4 / 3 * (33 * plan.detail.most + PACKED * 32**2 * 31 * 12) == pytest.approx(BUDGET)
    posterior = plan_detail([replace(result, metrics={**result.metrics, "std_rms_z": 1.0}) for result in many])
    assert size_of(posterior) == (256, 32)
    assert LEAST_RATE * 256**2 < posterior.detail.most == pytest.approx(plan.detail.most * 33 / 43)
    some = plan_detail([result for result in many if result.label in ("m0", "m1", "m2", "m3")])
    assert size_of(some) == (512, 32)  # every pixel of 12 scenes by 4 methods
    seeds = [replace(result, seed=seed) for result in many for seed in range(3)]
    assert plan_detail(seeds) == plan  # one seed of each is drawn


def test_a_run_that_no_detail_fits_draws_its_first_scenes(results: list[Result]) -> None:
    scored = next(result for result in results if result.outcome == "scored")
    many = [replace(scored, scene=f"s{scene}", observed={"shape": [200, 9, 9]}) for scene in range(4000)]
    plan = plan_detail(many)
    assert plan.detail == replace(LADDER[-1], most=LEAST_RATE * 64**2)
    assert 0 < plan.scenes < 4000
    assert plan.has_room(plan.scenes)
    assert not plan.has_room(plan.scenes + 1)
    least = LADDER[-1]
    assert plan.scenes * 4 / 3 * (3 * LEAST_RATE * least.longest**2 + PACKED * least.grid**2 * 200) <= BUDGET

"""Sweeps are found where one number varies, and drawn as curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmark.run_folder.record import Result
from reports.summary import summarise
from reports.sweeps import draw_sweep, find_sweeps
from tests.reports.conftest import fake_results


def results_over(changes: list[Mapping[str, Any]]) -> list[Result]:
    """One protocol of the fake run, once for each change of its numbers; the score is 40 minus the place."""
    base = fake_results()
    name = base[0].protocol["name"]
    made = []
    for place, change in enumerate(changes):
        for result in base:
            if result.protocol["name"] == name:
                metrics = {key: None if value is None else 40.0 - place for key, value in result.metrics.items()}
                protocol = {**result.protocol, "name": f"p{place}", **change}
                made.append(replace(result, key=f"{result.key}{place}", protocol=protocol, metrics=metrics))
    return made


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ([{"hsi_snr_db": 40.0}, {"hsi_snr_db": 20.0}, {"hsi_snr_db": 30.0}], "hsi_snr_db"),
        ([{"shift": [value, 0.0]} for value in (0.0, 0.5, 1.0)], "shift.0"),
        ([{"given_psf": {"kind": "gaussian", "sigma": value}} for value in (1, 2, 4)], "given_psf.sigma"),
    ],
)
def test_one_varying_number_makes_a_sweep_in_its_order(changes: list[Mapping[str, Any]], number: str) -> None:
    (sweep,) = find_sweeps(summarise(results_over(changes)))
    assert sweep.number == number
    values = [point for point, _ in sweep.points]
    assert values == sorted(values)
    figure = draw_sweep(sweep)
    lines = figure.axes[0].get_lines()
    assert lines
    for line in lines:
        assert list(line.get_xdata()) == values
        drawn = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for place, change in enumerate(changes):
            at = values[sorted(range(3), key=lambda k: values_of(changes)[k]).index(place)]
            assert drawn[at] == pytest.approx(40.0 - place)
            assert change


def values_of(changes: list[Mapping[str, Any]]) -> list[float]:
    """The number that varies, in the order of the changes."""
    leaves = [next(iter(change.values())) for change in changes]
    return [float(leaf[0] if isinstance(leaf, list) else leaf["sigma"] if isinstance(leaf, Mapping) else leaf) for leaf in leaves]


@pytest.mark.parametrize(
    "changes",
    [
        [{"hsi_snr_db": 40.0}, {"hsi_snr_db": 20.0}],
        [{"hsi_snr_db": 40.0, "ratio": 2}, {"hsi_snr_db": 20.0, "ratio": 4}, {"hsi_snr_db": 10.0, "ratio": 8}],
        [{"boundary": "reflect"}, {"boundary": "circular"}, {"boundary": "replicate"}],
    ],
)
def test_two_points_two_numbers_or_words_make_none(changes: list[Mapping[str, Any]]) -> None:
    assert find_sweeps(summarise(results_over(changes))) == []


def test_an_infinite_mean_is_left_out_of_its_line_and_the_figure_says_so() -> None:
    results = results_over([{"hsi_snr_db": 20.0}, {"hsi_snr_db": 30.0}, {"hsi_snr_db": 40.0}])
    exact = [
        replace(r, metrics={**r.metrics, "psnr": math.inf})
        if (r.method, r.scene, r.protocol["hsi_snr_db"]) == ("rfuse", "beads", 40.0)
        else r
        for r in results
    ]
    panel = draw_sweep(find_sweeps(summarise(exact))[0]).axes[0]
    points = {str(line.get_label()).partition(" [")[0]: list(line.get_xdata()) for line in panel.get_lines()}
    assert points["R-FUSE"] == [20.0, 30.0]
    assert points["HySure"] == [20.0, 30.0, 40.0]
    assert panel.get_title(loc="right").startswith("infinite means not shown; band")
    assert not draw_sweep(find_sweeps(summarise(results))[0]).axes[0].get_title(loc="right").startswith("infinite")


def test_no_noise_is_the_right_end_of_a_noise_axis() -> None:
    (sweep,) = find_sweeps(summarise(results_over([{"hsi_snr_db": None}, {"hsi_snr_db": 20.0}, {"hsi_snr_db": 30.0}])))
    assert [number for number, _ in sweep.points] == [20.0, 30.0, float("inf")]
    panel = draw_sweep(sweep).axes[0]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["20", "30", "none"]
    assert list(panel.get_xticks()) == [20.0, 30.0, 40.0]


def test_the_psf_and_the_phase_go_with_the_ratio_and_the_msis_noise_with_the_hsis() -> None:
    by_ratio = [{"ratio": r, "phase": r // 2 - 1, "psf": {"kind": "gaussian", "taps": r - 1, "sigma": 2.0}} for r in (8, 16, 32)]
    (sweep,) = find_sweeps(summarise(results_over(by_ratio)))
    assert (sweep.number, sweep.with_it) == ("ratio", ("phase", "psf.taps"))
    assert list(draw_sweep(sweep).axes[0].get_xticks()) == [0.0, 1.0, 2.0]  # powers of two stand at equal distances
    (noise,) = find_sweeps(summarise(results_over([{"hsi_snr_db": s, "msi_snr_db": s + 5} for s in (20.0, 30.0, 40.0)])))
    assert (noise.number, noise.with_it) == ("hsi_snr_db", ("msi_snr_db",))


def test_a_grid_of_two_numbers_is_a_sweep_of_one_at_each_of_the_other() -> None:
    grid = [{"hsi_snr_db": noise, "shift": [shift, 0.0]} for noise in (20.0, 30.0, 40.0) for shift in (0.0, 1.0)]
    assert [sweep.number for sweep in find_sweeps(summarise(results_over(grid)))] == ["hsi_snr_db", "hsi_snr_db"]


def test_the_band_is_the_range_of_few_scenes_and_the_interval_of_the_mean_of_many() -> None:
    changes = [{"shift": [value, 0.0]} for value in (0.0, 1.0, 2.0)]
    few = results_over(changes)
    many = [
        replace(r, scene=f"scene{n}", key=f"{r.key}{n}", metrics={**r.metrics, "psnr": 30.0 + n})
        for r in few
        if r.scene == "beads" and r.seed == 0 and r.outcome == "scored"
        for n in range(8)
    ]
    for results, words in ((few, "band: range of the scenes"), (many, "band: 95 % interval of the mean")):
        (sweep,) = find_sweeps(summarise(results))
        panel = draw_sweep(sweep).axes[0]
        assert panel.get_title(loc="right") == words
    edges = np.concatenate([path.vertices[:, 1] for band in panel.collections for path in band.get_paths()])
    values = np.arange(30.0, 38.0)
    half = 1.96 * values.std() / np.sqrt(8)
    assert edges.min() == pytest.approx(values.mean() - half, abs=0.2)
    assert edges.max() == pytest.approx(values.mean() + half, abs=0.2)

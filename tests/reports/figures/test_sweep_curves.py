"""Sweeps drawn as curves: the places of the points, and what is drawn around them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from reports.content.summary import summarise
from reports.content.sweeps import find_sweeps
from reports.figures.sweep_curves import sweep_figure
from tests.reports.conftest import results_over


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
    figure = sweep_figure(sweep)
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
    panel = sweep_figure(find_sweeps(summarise(exact))[0]).axes[0]
    points = {str(line.get_label()).partition(" [")[0]: list(line.get_xdata()) for line in panel.get_lines()}
    assert points["R-FUSE"] == [20.0, 30.0]
    assert points["HySure"] == [20.0, 30.0, 40.0]
    assert panel.get_title(loc="right").startswith("infinite means not shown; dots")
    assert not sweep_figure(find_sweeps(summarise(results))[0]).axes[0].get_title(loc="right").startswith("infinite")


def test_no_noise_is_the_right_end_of_a_noise_axis() -> None:
    (sweep,) = find_sweeps(summarise(results_over([{"hsi_snr_db": None}, {"hsi_snr_db": 20.0}, {"hsi_snr_db": 30.0}])))
    assert [number for number, _ in sweep.points] == [20.0, 30.0, float("inf")]
    panel = sweep_figure(sweep).axes[0]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["20", "30", "none"]
    assert list(panel.get_xticks()) == [20.0, 30.0, 40.0]


def test_the_psf_and_the_phase_go_with_the_ratio_and_the_msis_noise_with_the_hsis() -> None:
    by_ratio = [{"ratio": r, "phase": r // 2 - 1, "psf": {"kind": "gaussian", "taps": r - 1, "sigma": 2.0}} for r in (8, 16, 32)]
    (sweep,) = find_sweeps(summarise(results_over(by_ratio)))
    assert (sweep.number, sweep.belonging) == ("ratio", ("phase", "psf.taps"))
    assert list(sweep_figure(sweep).axes[0].get_xticks()) == [0.0, 1.0, 2.0]  # powers of two stand at equal distances
    (noise,) = find_sweeps(summarise(results_over([{"hsi_snr_db": s, "msi_snr_db": s + 5} for s in (20.0, 30.0, 40.0)])))
    assert (noise.number, noise.belonging) == ("hsi_snr_db", ("msi_snr_db",))


def on_scenes(results: list[Result], count: int) -> list[Result]:
    """One seed of one scene of these results on as many scenes; the PSNR on scene n is 30 + n."""
    return [
        replace(r, scene=f"scene{n}", key=f"{r.key}{n}", metrics={**r.metrics, "psnr": 30.0 + n})
        for r in results
        if r.scene == "beads" and r.seed == 0 and r.outcome == "scored"
        for n in range(count)
    ]


def drawn_around(panel: Axes) -> tuple[np.ndarray, np.ndarray]:
    """The heights of the edges of the bands, and of the dots."""
    bands = [path.vertices[:, 1] for each in panel.collections if not len(each.get_offsets()) > 1 for path in each.get_paths()]
    dots = [np.asarray(each.get_offsets())[:, 1] for each in panel.collections if len(each.get_offsets()) > 1]
    return np.concatenate([np.zeros(0), *bands]), np.concatenate([np.zeros(0), *dots])


SHIFTS = [{"shift": [value, 0.0]} for value in (0.0, 1.0, 2.0)]


def test_the_band_is_the_interval_of_the_mean_over_six_scenes_and_more() -> None:
    (sweep,) = find_sweeps(summarise(on_scenes(results_over(SHIFTS), 8)))
    panel = sweep_figure(sweep).axes[0]
    assert panel.get_title(loc="right") == "band: 95 % interval of the mean"
    edges, dots = drawn_around(panel)
    values = np.arange(30.0, 38.0)
    half = 1.96 * values.std() / np.sqrt(8)
    assert edges.min() == pytest.approx(values.mean() - half, abs=0.2)
    assert edges.max() == pytest.approx(values.mean() + half, abs=0.2)
    assert not len(dots)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_fewer_than_six_scenes_are_drawn_as_dots_without_a_band(count: int) -> None:
    (sweep,) = find_sweeps(summarise(on_scenes(results_over(SHIFTS), count)))
    panel = sweep_figure(sweep).axes[0]
    assert panel.get_title(loc="right") == "dots: the scenes"
    edges, dots = drawn_around(panel)
    assert not len(edges)
    assert set(dots) == {30.0 + n for n in range(count)}


def test_a_protocol_with_few_scenes_has_dots_beside_the_bands_of_the_others() -> None:
    results = on_scenes(results_over(SHIFTS), 8)
    mixed = [r for r in results if r.protocol["shift"] != [2.0, 0.0] or r.scene in ("scene0", "scene1")]
    (sweep,) = find_sweeps(summarise(mixed))
    panel = sweep_figure(sweep).axes[0]
    assert panel.get_title(loc="right") == "band: 95 % interval of the mean; dots: the scenes"
    edges, dots = drawn_around(panel)
    assert edges.max() < 37
    assert set(dots) == {30.0, 31.0}

"""Sweeps are found where one number varies, and drawn as curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from benchmark.result import Result
from reports.summary import summarise
from reports.sweeps import draw_sweep, find_sweep
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
    sweep = find_sweep(summarise(results_over(changes)))
    assert sweep is not None
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
        [{"hsi_snr_db": None}, {"hsi_snr_db": 20.0}, {"hsi_snr_db": 30.0}],
    ],
)
def test_two_points_two_numbers_or_words_make_none(changes: list[Mapping[str, Any]]) -> None:
    assert find_sweep(summarise(results_over(changes))) is None

"""One colour for each method, in every chart and figure, told apart by people with a colour blindness."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import reports
from benchmark.run_folder.record import Result
from reports.content.method_series import COLOURS, series_numbers
from reports.content.summary import summarise
from reports.style import INK, PALETTE, series_colour, series_dash

SEEN_BY = {  # linear RGB; severity 1 (Machado, Oliveira and Fernandes 2009)
    "everybody": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of a colour, as these people see it."""
    encoded = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(seen @ linear, 0, 1) / np.array([0.95047, 1, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("people", SEEN_BY)
def test_no_two_colours_look_alike(people: str) -> None:
    """Okabe and Ito's colours, darkened for contrast, came as close as 2: a reader with deuteranopia saw one colour."""
    for one, other in combinations((*PALETTE, INK), 2):
        assert np.linalg.norm(lab(one, SEEN_BY[people]) - lab(other, SEEN_BY[people])) > 17, (one, other)


def test_the_page_on_paper_and_in_daylight_has_the_colours_of_the_figures() -> None:
    for name in ("page.css", "media.css"):
        style = (Path(reports.__path__[0]) / "web" / name).read_text(encoding="utf-8")
        found = dict(re.findall(r"--s(\d): (#[0-9a-f]{6})", style[: style.index("prefers-color-scheme")] if name == "page.css" else style))
        assert tuple(found[str(place)] for place in range(COLOURS)) == PALETTE, name


def test_a_colour_follows_the_method_not_its_place(results: list[Result]) -> None:
    whole = series_numbers(summarise(results))
    assert len(set(whole.values())) == len(whole)
    turned = [replace(r, metrics={**r.metrics, "psnr": 60 - (r.metrics["psnr"] or 0)} if r.metrics else {}) for r in reversed(results)]
    assert series_numbers(summarise(turned)) == whole
    few = series_numbers(summarise([r for r in results if r.method in ("rfuse", "bicubic")]))
    assert {key: whole[key] for key in few} == few


def test_a_second_form_of_a_method_takes_no_others_colour(results: list[Result]) -> None:
    blind = [replace(r, label="R-FUSE, blind", tier="told nothing", parameters={"blind": "hysure"}) for r in results if r.method == "rfuse"]
    alone, both = series_numbers(summarise(results)), series_numbers(summarise([*results, *blind]))
    assert {key: both[key] for key in alone} == alone
    assert series_colour(both["R-FUSE, blind", "told nothing"]) != series_colour(both["R-FUSE", "told blur and colour response"])


def test_more_methods_than_colours_differ_in_dash(results: list[Result]) -> None:
    base = next(r for r in results if r.outcome == "scored")
    numbers = series_numbers(summarise([replace(base, method=f"m{n}", label=f"Method {n}") for n in range(20)]))
    assert len({(series_colour(number), series_dash(number)) for number in numbers.values()}) == 20

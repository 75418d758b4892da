"""The lists of `list`: how each metric is to be read, and which data sets there are."""

from __future__ import annotations

from pathlib import Path

from benchmark.metrics.metric_facts import METRICS
from benchmark.review.listing import listing
from datasets.data_roots import DataRoots
from datasets.sets.all_sets import SETS
from tests.datasets.sets.fake_sets import FAKES


def test_a_metric_that_has_no_better_direction_is_called_what_it_is() -> None:
    words = {row[0]: row[1] for row in listing("metrics", DataRoots.parse([]))}
    assert len(words) == len(METRICS)
    assert (words["std_within_1"], words["std_within_2"], words["std_rms_z"]) == ("a share", "a share", "a ratio")
    counts = {name for name, word in words.items() if word == "a count"}
    assert counts == {"sam_pixels_left_out", "bands_left_out", "ergas_bands_left_out", "hsi_bands_left_out", "pixels_left_out"}
    assert (words["psnr"], words["sam"]) == ("higher is better", "lower is better")


def test_data_sets_are_a_table_that_says_what_is_there(tmp_path: Path) -> None:
    for name in ("jasper_ridge", "pavia_university"):
        FAKES[name].write(tmp_path / name)
    heads, *rows = listing("datasets", DataRoots(tmp_path))
    assert heads == ("name", "there", "scenes", "rows x cols x bands", "size", "licence")
    by_name = {row[0]: row[1:] for row in rows}
    assert set(by_name) == set(SETS)
    assert by_name["jasper_ridge"] == ("1 scene", "whole", "100 x 100 x 198", "3 MB", "none stated")
    assert by_name["pavia_university"][0] == "3 scenes"
    assert by_name["harvard"][0] == "-"

"""The lists of `list`: how each metric is to be read."""

from __future__ import annotations

from benchmark.metrics.metric_facts import METRICS
from benchmark.review.listing import listing
from datasets.data_roots import DataRoots


def test_a_metric_that_has_no_better_direction_is_called_what_it_is() -> None:
    words = {row[0]: row[1] for row in listing("metrics", DataRoots.parse([]))}
    assert len(words) == len(METRICS)
    assert (words["std_within_1"], words["std_within_2"], words["std_rms_z"]) == ("a share", "a share", "a ratio")
    counts = {name for name, word in words.items() if word == "a count"}
    assert counts == {"sam_pixels_left_out", "bands_left_out", "ergas_bands_left_out", "hsi_bands_left_out", "pixels_left_out"}
    assert (words["psnr"], words["sam"]) == ("higher is better", "lower is better")

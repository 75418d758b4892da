"""The referee holds few cubes at a time: what a method needs, and no more, decides whether a large scene fits into memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.performance.stage_memory import STAGES, peak_in_cubes

MOST = {"observe": 1.5, "fuse": 3.0, "score": 2.9, "report": 2.9}  # cubes; the scene that is observed is one more
SIZE = (376, 400, 64)  # a cube of 38 MB


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
def test_no_stage_of_a_cell_holds_more_than_a_few_cubes(tmp_path: Path) -> None:
    peaks = {stage: peak_in_cubes(stage, tmp_path, SIZE) for stage in STAGES}
    assert all(peaks[stage] < MOST[stage] for stage in STAGES), peaks
    assert peaks["score"] > 1.5, "reference and estimate are two cubes: the measure works"

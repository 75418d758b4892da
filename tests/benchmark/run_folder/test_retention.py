"""Which estimate of a tier is kept as its best: infinity before every number, what is not defined after all."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.retention import prune
from tests.benchmark.folders import run_folder, variant


@pytest.mark.parametrize(
    ("scores", "best"),
    [({"a": 30.0, "b": math.inf, "c": 60.0}, "b"), ({"a": None, "b": 12.5, "c": 12.0}, "b"), ({"a": None, "b": 30.0, "c": math.inf}, "c")],
)
def test_the_top_is_the_highest_psnr(tmp_path: Path, scores: dict[str, float | None], best: str) -> None:
    records = [variant(key, parameters={"rank": place}, metrics={"psnr": value}) for place, (key, value) in enumerate(scores.items())]
    folder = run_folder(tmp_path / "run", records)
    prune(RunFolder(folder), records, "top")
    assert [file.stem[0] for file in sorted((folder / "estimates").glob("*.h5"))] == [best]

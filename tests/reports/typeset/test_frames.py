"""The frames for CSV files: they have every number of the records, unrounded."""

from __future__ import annotations

import json
from io import StringIO

import pandas as pd
import pytest

from benchmark.run_folder.record import Result
from reports.content.summary import summarise
from reports.typeset.frames import record_frame, summary_frame


def test_the_frame_has_every_cell_and_every_number(results: list[Result]) -> None:
    table = record_frame(results).set_index("key")
    assert len(table) == 60
    for result in results:
        row = table.loc[result.key]
        assert row["outcome"] == result.outcome
        if result.clock and result.memory:
            assert row["clock.fuse"] == result.clock.fuse
            assert row["memory.peak"] == result.memory.peak
            assert row["metric.psnr"] == result.metrics["psnr"]
        else:
            assert pd.isna(row["metric.psnr"])
        assert json.loads(row["protocol.psf"]) == result.protocol["psf"]


def test_the_frame_survives_csv_with_hostile_text_in_it(results: list[Result]) -> None:
    back = pd.read_csv(StringIO(record_frame(results).to_csv(index=False)), keep_default_na=False)
    assert list(back["reason"]) == [result.reason for result in results]
    assert list(back["label"]) == [result.label for result in results]


def test_the_summary_as_csv_has_unrounded_means(results: list[Result]) -> None:
    summary = summarise(results)[0]
    back = pd.read_csv(StringIO(summary_frame(summary).to_csv(index=False))).set_index("method")
    for row in summary.rows:
        assert back.loc[row.results[0].method, "psnr"] == pytest.approx(row.values["psnr"].mean, rel=1e-15)
    assert back.loc["rfuse", "sam_place"] == "best"
    assert not back.loc["mossfuse", "ranked"]

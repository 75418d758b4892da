"""What a caption says of the scenes."""

from __future__ import annotations

from dataclasses import replace

from benchmark.run_folder.record import Result
from reports.content.captions import cropped_sentence, summary_caption
from reports.content.summary import summarise


def test_scenes_that_lost_rows_or_columns_to_the_ratio_are_named_once(results: list[Result]) -> None:
    whole = summarise(results)[0]
    assert cropped_sentence(whole) == ""
    first = whole.scenes[0]

    def observed(result: Result) -> Result:
        size = [31, 260, 348] if result.scene == first else [31, 256, 344]
        return replace(result, observed={"shape": [31, 256, 344], "whole_shape": size})

    summary = summarise([observed(result) for result in results])[0]
    assert first in cropped_sentence(summary)
    assert cropped_sentence(summary).count("260") == 1
    assert cropped_sentence(summary) in summary_caption(summary)[0][1]

"""The names of files: safe, unlike each other, bounded, and the same part for the same text."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.content.file_names import LONGEST_STEM, FileNames

LIKELY = ["a b", "a-b", "A B", "a-b_2", "", ".", "-", "..", "protocols", "x" * 300, "X" * 300]
AWKWARD = st.one_of(st.text(max_size=400), st.sampled_from(LIKELY))


def test_ordinary_names_stay_as_they_are() -> None:
    names = FileNames()
    assert names.stem("summary", "camera-x8") == "summary_camera-x8"
    assert (
        names.stem("statistics", "noisy_x4 & <b>", "told blur and colour response") == "statistics_noisy_x4-b_told-blur-and-colour-response"
    )
    assert names.stem("", "camera-x8", "chart & toy", "protocol-1-scene-2") == "camera-x8_chart-toy_protocol-1-scene-2"
    assert names.stem("psnr_seconds") == "psnr_seconds"


def test_texts_that_are_alike_are_numbered_and_keep_their_number_in_every_name() -> None:
    names = FileNames()
    assert [names.stem("summary", text) for text in ("a b", "a-b", "A B")] == ["summary_a-b", "summary_a-b_2", "summary_a-b_3"]
    assert [names.stem("errors", text) for text in ("A B", "a b")] == ["errors_a-b_3", "errors_a-b"]
    assert names.stem("errors", "a-b_2") == "errors_a-b_2_2"  # a text that looks like a numbered one


def test_names_of_different_texts_that_join_to_the_same_are_numbered() -> None:
    names = FileNames()
    assert [names.stem("cd", "a_b", "c"), names.stem("cd", "a", "b_c")] == ["cd_a_b_c", "cd_a_b_c_2"]
    assert [names.stem("psnr_seconds_part2"), names.stem("psnr_seconds", "part2")] == ["psnr_seconds_part2", "psnr_seconds_part2_2"]
    assert [names.stem("sweep", "ratio"), names.stem("sweep", "ratio")] == ["sweep_ratio", "sweep_ratio_2"]


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    stem = FileNames().stem("summary", "noisy camera, " + "cave/" * 60 + "balloons_ms")
    assert stem.startswith("summary_noisy-camera-cave")
    assert stem.endswith("balloons_ms")
    assert len(stem) < 100


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(AWKWARD, AWKWARD), min_size=1, max_size=12))
def test_every_name_is_safe_bounded_and_new(texts: list[tuple[str, str]]) -> None:
    names = FileNames()
    stems = [names.stem(kind, *pair) for pair in texts for kind in ("statistics", "")]
    assert len({stem.lower() for stem in stems}) == len(stems)
    for stem in stems:
        assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*", stem)
        assert not stem.endswith((".", "-"))
        assert len(stem) <= LONGEST_STEM + 4  # a number may follow

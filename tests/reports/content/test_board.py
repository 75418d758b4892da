"""The leaderboard: ranks inside what methods are told and over all, baselines and unranked rows below a rule, bars on one axis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.content.board import Board, BoardRow, leaderboard
from reports.content.protocol_words import protocol_chips
from reports.content.row import plain_reason
from reports.content.summary import summarise
from reports.style import DASH, duration_text
from tests.reports.conftest import HOSTILE, fake_results


@pytest.fixture(scope="module")
def board() -> Board:
    return leaderboard(summarise(fake_results())[0])


def row(board: Board, label: str) -> BoardRow:
    return next(each for each in board.rows if each.row.label == label)


def test_ranks_are_inside_what_methods_are_told_and_over_all(board: Board) -> None:
    assert (row(board, "R-FUSE").within, row(board, "R-FUSE").overall) == (1, 1)
    assert (row(board, "HySure").within, row(board, "HySure").overall) == (2, 2)
    assert (row(board, "Bicubic").within, row(board, "Bicubic").overall) == (1, 3)
    assert (row(board, "MossFuse (50 steps, under-trained)").within, row(board, HOSTILE).within) == (None, None)


def test_rows_without_a_rank_stand_below_the_rule_each_with_its_reason(board: Board) -> None:
    below = {each.row.label: each.why for each in board.below}
    assert below["MossFuse (50 steps, under-trained)"] == "not ranked: under-trained: 50 of 10_000 steps"
    assert below[HOSTILE].startswith("not ranked, 5 of 6 cells scored: failed, ValueError")
    assert not set(below) & {each.row.label for _, rows in board.groups for each in rows}


def test_a_baseline_stands_below_the_rule_and_keeps_its_rank() -> None:
    base = [replace(r, card={**r.card, "family": "interpolation"}) if r.method == "bicubic" else r for r in fake_results()]
    board = leaderboard(summarise(base)[0])
    assert row(board, "Bicubic").why.startswith("baseline")
    assert row(board, "Bicubic") in board.below
    assert row(board, "Bicubic").overall == 3


def test_the_best_of_all_is_marked_by_the_printed_digits_and_only_among_ranked_rows(board: Board) -> None:
    assert row(board, "R-FUSE").best_of_all >= {"psnr", "sam", "ergas"}
    assert [each.row.label for each in board.rows if each.best_of_all] == ["R-FUSE"]


def test_a_bar_has_the_mean_and_each_scene_on_one_axis_with_round_ends(board: Board) -> None:
    low, high = (float(part) for part in board.axis.removesuffix(" dB").split(" to "))
    for each in board.rows:
        assert each.bar is not None
        value = each.row.values["psnr"].mean
        assert low + each.bar.mean * (high - low) == pytest.approx(value)
        assert len(each.bar.scenes) == 3
        assert all(0 <= place <= 1 for _, place in each.bar.scenes)
    assert (low % 5, high % 5) == (0, 0)


def test_time_has_the_unit_that_fits_it(board: Board) -> None:
    seconds = {0.0007: "0.70 ms", 0.0071: "7.1 ms", 1.2: "1.2 s", 99.0: "99 s", 180.0: "3.0 min", 9000.0: "2.5 h", 0.0: DASH}
    assert {value: duration_text(value) for value in seconds} == seconds
    columns = {column.key: column for column in board.columns}
    assert row(board, "Bicubic").text(columns["seconds"]) == "4.0 ms"
    assert row(board, "MossFuse (50 steps, under-trained)").text(columns["learning_seconds"]) == "31 s"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("RefusedError: Net, our weights takes 31 bands, got 101", "needs 31 bands, the scene has 101"),
        ("RefusedError: Net takes at least 3 channels, got 1", "needs at least 3 channels, the sharp image has 1"),
        ("RefusedError: Net takes ratio 8 or 16, got 4", "needs ratio 8 or 16, the protocol has 4"),
        ("RefusedError: something else", "something else"),
        ("ValueError: x takes 3, got 4", "ValueError: x takes 3, got 4"),
    ],
)
def test_a_refusal_says_what_the_method_needs_and_what_there_is(record: str, words: str) -> None:
    assert plain_reason(record) == words


def test_chips_say_a_protocol_in_plain_words() -> None:
    first, second = ([chip.text for chip in protocol_chips(summary)] for summary in summarise(fake_results()))
    assert first == ["ratio 8", "Gaussian blur", "RGB camera", "no noise"]
    assert second == ["ratio 4", "Gaussian blur", "WorldView-2", "noise 35 / 40 dB", "the blur is not told"]

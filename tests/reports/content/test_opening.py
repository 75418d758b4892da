"""The first sentences of the page: who is best, knowing what, who is best of those told nothing, and whether the scenes are enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmark.run_folder.record import Clock, Result
from reports.content.opening import opening_sentences, opening_title
from reports.content.summary import summarise
from reports.content.verdicts import compare_tiers
from tests.reports.conftest import fake_results, many_scenes


def with_scores(scores: dict[tuple[str, int], float], **changes: Any) -> list[Result]:
    """The fake run, all of it scored, with this PSNR for each method and ratio; methods without one are left out."""
    base = fake_results()
    pattern = next(result for result in base if result.outcome == "scored")
    kept = [r for r in base if (r.method, r.protocol["ratio"]) in scores and r.seed == 0]
    return [
        replace(
            r,
            outcome="scored",
            reason="",
            metrics={**pattern.metrics, "psnr": scores[r.method, r.protocol["ratio"]]},
            clock=Clock(fuse=0.007, fuse_low=0.007, fuse_high=0.007, rounds=3, warmed=True),
            **changes,
        )
        for r in kept
    ]


def sentences_of(results: list[Result]) -> list[str]:
    summaries = summarise(results)
    return opening_sentences(summaries, compare_tiers(summaries))


def test_the_best_of_all_and_the_best_of_those_told_nothing_are_named_with_scores_time_and_knowledge() -> None:
    scores = {
        ("rfuse", 8): 40.0,
        ("rfuse", 4): 45.97,
        ("hysure", 8): 39.0,
        ("hysure", 4): 44.0,
        ("bicubic", 8): 30.05,
        ("bicubic", 4): 36.02,
    }
    assert sentences_of(with_scores(scores)) == [
        "R-FUSE is most accurate by peak signal-to-noise ratio (PSNR): 40.00 dB at ratio 8 and 45.97 dB at ratio 4 with noise; it is told "
        "the blur and the camera's colour response.",
        "Told nothing: Bicubic, 30.05 and 36.02 dB (in 7.0 ms).",
        "Three scenes: too few for a statistical verdict.",
    ]


def test_two_winners_are_both_named_each_under_its_protocol() -> None:
    scores = {("rfuse", 8): 40.0, ("rfuse", 4): 41.0, ("hysure", 8): 39.0, ("hysure", 4): 44.0}
    assert sentences_of(with_scores(scores))[0] == (
        "Most accurate by peak signal-to-noise ratio (PSNR): R-FUSE with 40.00 dB at ratio 8 (told blur and colour response); HySure with "
        "44.00 dB at ratio 4 with noise (told blur and colour response)."
    )


def test_a_tie_as_printed_is_told_as_a_tie() -> None:
    first = sentences_of(with_scores({("rfuse", 8): 40.001, ("hysure", 8): 40.0}))[0]
    assert first.startswith(("R-FUSE and HySure are most accurate", "HySure and R-FUSE are most accurate"))
    assert "they are told the blur and the camera's colour response" in first


def test_where_the_best_of_all_is_told_nothing_it_is_named_once() -> None:
    sentences = sentences_of(with_scores({("bicubic", 8): 41.0, ("rfuse", 8): 40.0}))
    assert sentences[0].endswith("it is told nothing but the two images.")
    assert not any(sentence.startswith("Told nothing") for sentence in sentences)


def test_without_any_ranked_row_nobody_is_called_best() -> None:
    results = [replace(r, outcome="failed", reason="x", metrics={}, clock=None) for r in fake_results()]
    assert sentences_of(results)[0] == "No method has all its scores under any protocol, so that none is ranked."


def test_an_unranked_row_with_the_highest_score_is_not_called_best() -> None:
    scores = {("mossfuse", 8): 50.0, ("rfuse", 8): 40.0}
    assert sentences_of(with_scores(scores))[0].startswith("R-FUSE is most accurate")


def test_many_scenes_have_a_verdict_on_the_first_two() -> None:
    results = [r for r in many_scenes(fake_results()) if r.method in ("rfuse", "bicubic")]
    last = sentences_of(results)[-1]
    assert last == "The paired statistics over 8 scenes: R-FUSE is better than Bicubic at ratio 8."
    assert "too few" not in last


def test_the_verdict_is_on_the_best_of_another_method_and_protocols_of_one_verdict_stand_together() -> None:
    base = [r for r in many_scenes(fake_results()) if r.method in ("rfuse", "bicubic")]
    better = {"psnr": 99.0}
    again = [replace(r, key=f"{r.key}b", label="R-FUSE, b", metrics={**r.metrics, **better}) for r in base if r.method == "rfuse"]
    results = [*base, *again]
    results += [replace(r, key=f"{r.key}n", protocol={**r.protocol, "name": "far", "ratio": 16}) for r in results]
    assert sentences_of(results)[-1] == (
        "The paired statistics over 8 scenes: R-FUSE, b is better than Bicubic at ratio 8 and at ratio 16."
    )
    alone = [r for r in results if r.method == "rfuse"]
    assert "R-FUSE, b is better than R-FUSE at ratio 8" in sentences_of(alone)[-1]


def test_where_every_protocol_agrees_one_short_sentence_says_so() -> None:
    """Four clauses of two names each made the first screen unreadable."""
    base = [r for r in many_scenes(fake_results()) if r.method in ("rfuse", "bicubic")]
    best = [replace(r, metrics={**r.metrics, "psnr": 60.0 if r.method == "bicubic" else 30.0}) for r in base]
    results = [*base, *(replace(r, key=f"{r.key}n", protocol={**r.protocol, "name": "far", "ratio": 16}) for r in best)]
    assert sentences_of(results)[-1] == (
        "The paired statistics over 8 scenes put the first above the best of the other methods under each protocol."
    )
    close = [replace(r, metrics={**r.metrics, "psnr": 30.0}) for r in best]
    results = [*base, *(replace(r, key=f"{r.key}n", protocol={**r.protocol, "name": "far", "ratio": 16}) for r in close)]
    assert "R-FUSE is better than Bicubic at ratio 8; " in sentences_of(results)[-1]


@pytest.mark.parametrize(("scenes", "words"), [(1, "One scene:"), (2, "Two scenes:")])
def test_the_number_of_scenes_is_told_in_words(scenes: int, words: str) -> None:
    results = [r for r in with_scores({("rfuse", 8): 40.0, ("bicubic", 8): 30.0}) if r.scene in ("beads", "chart & toy")[:scenes]]
    assert sentences_of(results)[-1].startswith(words)


def test_the_title_counts_methods_and_scenes() -> None:
    assert opening_title(summarise(fake_results())) == "5 fusion methods compared on 3 scenes"


def test_of_many_protocols_the_three_with_most_wins_are_named_and_no_score() -> None:
    results = []
    for number in range(6):
        scores = {("rfuse", 8): 42.0 - number, ("hysure", 8): 42.0}
        change = {"name": f"p{number}", "ratio": 8 + number}
        results += [replace(r, key=f"{r.key}{number}", protocol={**r.protocol, **change}) for r in with_scores(scores)]
    assert sentences_of(results)[0] == (
        "Most accurate by peak signal-to-noise ratio (PSNR): HySure under 5 of 6 protocols (told blur and colour response); HySure and "
        "R-FUSE under 1 of 6 protocols (told blur and colour response)."
    )

"""The word on each statement of MossFuse's paper: reproduced, refuted and open are each reached, by records made for it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from reports.content.ledger import ClaimsError, read_claims
from reports.content.provenance import Provenance
from reports.content.rival_pairs import ALL_TIERS, OWN, TOLD, rival_pairs
from reports.content.statement_ledger import STATEMENTS, read_statements
from reports.content.statement_rules import Judgement, judge_rivals, judge_statements
from reports.content.summary import Summary, summarise
from tests.reports.result_bundles import LEDGER, moss, row, spread

OUTPERFORMS, FEWER, LESS, SIZE, SCORE, SECOND = (statement.says for statement in LEDGER.statements)
SRF = {"tier": "told the colour response"}


def plotted(psnr: float, fuse: float = 50.0, size: int = 1_000_000) -> list[Result]:
    """Every rival of the plot, told nothing."""
    return [record for each in LEDGER.rivals for record in row(each.label, spread(psnr, 0.25), fuse=fuse, size=size, method=each.method)]


def tables(*rows: Sequence[Result]) -> list[Summary]:
    environments = {"e0": {"processor": "P", "cores": 2}}
    return summarise([record for each in rows for record in each], ("psnr", "sam"), provenance=Provenance(environments))


def judged(says: str, *rows: Sequence[Result]) -> list[Judgement]:
    return [each for each in judge_statements(LEDGER, tables(*rows)) if each.says == says]


def words(says: str, *rows: Sequence[Result]) -> list[str]:
    return [each.word for each in judged(says, *rows)]


def test_a_better_rival_refutes_in_its_own_scope_alone() -> None:
    own, told, whole = judged(OUTPERFORMS, moss(43.0), plotted(39.0), row("Lift", spread(46.0), **SRF))
    assert [own.word, told.word, whole.word] == ["open", "reproduced", "refuted"]
    assert own.reason == "no rival of this tier has a score"
    assert (told.scope, whole.scope) == ("told nothing, whatever it learned", "all tiers")
    assert told.reason == "better than 5, worse than 0 of 5 rivals"
    assert whole.measured.startswith("against Lift, the strongest, -3.00 dB [")
    assert whole.reason == "better than 5, worse than 1 of 6 rivals"
    assert whole.n == 12


def test_a_rival_of_its_own_class_is_compared_there() -> None:
    rival = row("Other", spread(45.0), tier=moss(1.0)[0].tier)
    assert words(OUTPERFORMS, moss(43.0), rival)[0] == "refuted"
    truth = row("Seen", spread(45.0), tier="told nothing; learned from other scenes, with their truth")
    assert words(OUTPERFORMS, moss(43.0), plotted(39.0), truth) == ["open", "reproduced", "refuted"], "truth is another scope"


@pytest.mark.parametrize(
    ("rivals", "why"),
    [
        ([row("GSA", spread(33.0))], "of the plotted rivals DAEM, EDIP-Net, MHF-net, UAL and CUCaNet are not measured"),
        ([plotted(39.0)[12:]], "of the plotted rivals DAEM is not measured"),
        ([plotted(39.0), row("Near", spread(43.1))], "better than 5, worse than 0 of 6 rivals; the others cannot be told apart from it"),
    ],
)
def test_without_all_plotted_rivals_or_with_an_equal_one_it_stays_open(rivals: list[list[Result]], why: str) -> None:
    found = judged(OUTPERFORMS, moss(43.0), *rivals)[-1]
    assert found.word == "open"
    assert why in found.reason


def test_fewer_than_six_scenes_are_no_verdict_however_clear() -> None:
    everything = [*moss(43.0), *plotted(20.0), *row("Lift", spread(60.0), **SRF)]
    five = [record for record in everything if record.scene in LEDGER.statements[0].scenes[:5]]
    assert words(OUTPERFORMS, five) == ["open", "open", "open"]
    assert judged(OUTPERFORMS, five)[-1].reason == "5 common scenes, a verdict needs 6"
    assert set(words(FEWER, five) + words(LESS, five) + words(SCORE, five)) == {"open"}
    assert judged(SCORE, five)[0].reason == "5 of its 12 scenes"


@pytest.mark.parametrize("says", [OUTPERFORMS, FEWER, LESS, SIZE, SCORE, SECOND])
def test_weights_that_are_not_the_authors_answer_for_nothing(says: str) -> None:
    ours = moss(43.0, files={"checkpoint": "another"})
    (found,) = judged(says, ours, plotted(50.0, fuse=0.001, size=10))
    assert (found.word, found.reason) == ("open", "no score of MossFuse, the authors' weights under this protocol")
    elsewhere = [replace(record, protocol={**record.protocol, "ratio": 8}) for record in moss(43.0)]
    assert words(says, elsewhere, plotted(50.0)) == ["open"]


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        ([plotted(39.0)], "reproduced"),
        ([plotted(39.0), row("Small", spread(46.0), size=900)], "refuted"),
        ([plotted(39.0), row("Small", spread(43.0, 0.2), size=900)], "refuted"),  # equal in PSNR
        ([plotted(39.0), row("Small", spread(30.0), size=900)], "open"),  # lighter, and less accurate
        ([plotted(39.0), row("Closed form", spread(46.0), size=0)], "reproduced"),  # learns nothing: no count to compare
        ([plotted(39.0)[:-12]], "open"),
        ([row("Closed form", spread(46.0), size=0)], "open"),
    ],
)
def test_fewer_parameters(rivals: list[list[Result]], expected: str) -> None:
    assert words(FEWER, moss(43.0), *rivals) == [expected, expected]


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        ([plotted(39.0)], "reproduced"),
        ([plotted(39.0), row("Quick", spread(46.0), fuse=0.2)], "refuted"),
        ([plotted(39.0), row("Quick", spread(46.0), fuse=0.6)], "open"),  # not half the time
        ([plotted(39.0), row("Quick", spread(30.0), fuse=0.2)], "open"),  # less accurate
        ([plotted(39.0), row("Learns", spread(46.0), fuse=0.2, fit=9.0, card={"learns": "on the scene"})], "reproduced"),
        ([plotted(39.0), row("Loads", spread(46.0), fuse=0.2, fit=9.0)], "refuted"),  # loading is not the time of a scene
        ([plotted(39.0), row("Far", spread(46.0), fuse=0.2, environment="e1")], "open"),  # timed elsewhere
    ],
)
def test_less_time(rivals: list[list[Result]], expected: str) -> None:
    found = judged(LESS, moss(43.0), *rivals)
    assert [each.word for each in found] == [expected, expected]


def test_the_named_ratio_of_seconds_is_that_of_the_records() -> None:
    found = judged(LESS, moss(43.0, fuse=3.0), plotted(39.0), row("Quick", spread(46.0), fuse=0.25))[-1]
    assert "MossFuse 3.0 s a scene on a CPU; 12 [12, 12] times as long as Quick" in found.measured


@pytest.mark.parametrize(
    ("size", "used", "expected"),
    [(585_485, 449_153, "refuted"), (543_000, 400_000, "reproduced"), (700_000, 538_000, "reproduced")],
)
def test_the_number_of_parameters(size: int, used: int, expected: str) -> None:
    own = [replace(record, parameters_inference=used) for record in moss(43.0, size=size)]
    (found,) = judged(SIZE, own)
    assert (found.word, found.measured) == (expected, f"{size:,}, of which {used:,} in inference")


@pytest.mark.parametrize(("mean", "expected"), [(43.09, "reproduced"), (42.0, "reproduced"), (41.86, "reproduced"), (41.84, "refuted")])
def test_the_psnr_must_be_reached(mean: float, expected: str) -> None:
    (found,) = judged(SCORE, moss(mean))
    assert (found.word, found.n) == (expected, 12)
    assert found.measured.startswith(f"{mean:.2f} dB [")
    assert found.reason.endswith("exceeded") == (mean == 43.09)
    assert words(SCORE, moss(mean)[:-1]) == ["open"]


@pytest.mark.parametrize(
    ("fuse", "device", "expected"),
    [(0.5, "cpu", "reproduced"), (4.0, "cpu", "open"), (4.0, "cuda", "refuted"), (0.1, "cuda", "reproduced")],
)
def test_seconds_on_a_cpu_refute_no_claim_about_a_machine_that_is_not_stated(fuse: float, device: str, expected: str) -> None:
    assert words(SECOND, moss(43.0, fuse=fuse, device=device)) == [expected]


def test_a_row_of_a_gpu_answers_for_the_seconds_before_that_of_a_cpu() -> None:
    gpu = [replace(record, label="MossFuse, on a GPU") for record in moss(43.0, fuse=0.2, device="cuda")]
    (found,) = judged(SECOND, moss(43.0, fuse=5.0), gpu)
    assert (found.word, found.measured) == ("reproduced", "200 ms on a GPU")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("reproduced", "open", "reproduced")),
        ({"device": "cuda"}, ("reproduced", "reproduced", "reproduced")),
        ({"device": "cuda", "fuse": 45.0}, ("reproduced", "open", "reproduced")),
        ({"psnr": 44.0, "size": 25_000}, ("refuted", "open", "refuted")),
        ({"psnr": 33.0}, ("refuted", "open", "reproduced")),
        ({"psnr": 33.0, "parameters": {"budget": 0.1}}, ("open", "open", "reproduced")),
        ({"scenes": 11}, ("open", "open", "reproduced")),
    ],
)
def test_the_plotted_numbers_of_a_rival(facts: dict[str, Any], expected: tuple[str, ...]) -> None:
    given = {"psnr": 40.1, "scenes": 12, "size": 19_100, "fuse": 20.0, **facts}
    scores = spread(given.pop("psnr"), scenes=given.pop("scenes"))
    found = judge_rivals(LEDGER, tables(row("DAEM", scores, **given)))
    assert tuple(number.word for number in found[0].numbers) == expected
    assert {number.reason for other in found[1:] for number in other.numbers} == {"not in the bundles"}


def test_scenes_that_only_one_of_two_has_do_not_count_and_a_failure_is_a_loss() -> None:
    subject, short = moss(43.0), row("Short", spread(45.0, scenes=7))
    failing, skipped = (
        [replace(each, outcome=outcome, reason="so", metrics={}, clock=None) if place == 2 else each for place, each in enumerate(records)]
        for outcome, records in (("failed", row("Failing", spread(45.0))), ("skipped", row("Skips", spread(45.0))))
    )
    (summary,) = tables(subject, short, failing, skipped)
    own = next(each for each in summary.rows if each.label == "MossFuse")
    found = {each.rival.label: each for each in rival_pairs(summary, own)}
    assert [found[name].n for name in ("Short", "Failing", "Skips")] == [7, 12, 11]
    assert found["Skips"].pair.verdict == "worse"
    assert found["Failing"].pair.failed == (0, 1)
    assert found["Failing"].pair.verdict == "open", "a rival that failed on a scene is never called better"


def test_rivals_of_too_few_scenes_neither_count_nor_weaken_what_is_said_of_the_others() -> None:
    near = row("Near", [value + 1 for value in spread(43.0, 0.2)][:7], size=3, fuse=0.1)  # p of seven scenes: 0.016
    few = [row(f"Few {number}", spread(60.0, scenes=2), size=3, fuse=0.1) for number in range(4)]
    for records in ([near], [near, *few]):
        (summary,) = tables(moss(43.0), *records)
        pairs = rival_pairs(summary, next(each for each in summary.rows if each.label == "MossFuse"))
        (found,) = [each.pair for each in pairs if each.rival.label == "Near"]
        assert (found.holm, found.verdict) == (pytest.approx(2 / 2**7), "worse"), len(records)
        rest = "; 4 more have fewer than 6 common scenes" if len(records) > 1 else ""
        assert judged(OUTPERFORMS, moss(43.0), *records)[-1].reason == f"better than 0, worse than 1 of 1 rivals{rest}"
        assert judged(FEWER, moss(43.0), *records)[-1].reason.startswith("1 of 1 rivals that learn have fewer, and are better")
        assert judged(LESS, moss(43.0, fuse=9.0), *records)[-1].reason.startswith("1 of 1 rivals take less than half its time")
        assert judged(FEWER, moss(43.0), *records)[-1].reason.endswith(rest)
    assert judged(OUTPERFORMS, moss(43.0), *few)[-1].word == "open"


def test_unranked_rows_and_other_rows_of_the_method_are_no_rivals() -> None:
    control = row("Control", spread(60.0), card={"unranked": "a control"})
    ours = [replace(record, label="MossFuse, ours") for record in moss(50.0, files={"checkpoint": "another"})]
    (summary,) = tables(moss(43.0), control, ours, row("GSA", spread(30.0)))
    own = next(each for each in summary.rows if each.label == "MossFuse")
    assert [[each.rival.label for each in rival_pairs(summary, own, scope)] for scope in (OWN, TOLD, ALL_TIERS)] == [[], ["GSA"], ["GSA"]]


def test_the_plot_is_read_as_the_ledger_of_published_numbers_has_it() -> None:
    printed = {(claim.method, claim.metric): claim.printed for claim in read_claims() if claim.source.id == "mossfuse-figure"}
    for rival in LEDGER.rivals:
        assert rival.numbers[0].printed == printed[rival.method, "psnr"]
    assert LEDGER.statements[3].number is not None
    assert LEDGER.statements[3].number.printed == printed["mossfuse", "parameters"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('weights = "8f9a', 'weight = "8f9a', "expected a subject with method, label and weights"),
        ('source = "abstract"', 'source = "elsewhere"', "one of the sources abstract, figure"),
        ('kind = "less time"', 'kind = "quick"', "expected a kind of outperforms"),
        ('protocol = "mossfuse-x32"', 'protocol = "unstated"', "expected a protocol with numbers"),
        ('printed = "42.25"', 'printed = "forty"', "expected a number such as 42.25"),
        ('psnr = "39.8"', "", "expected a positive number for one of psnr"),
        ('sure = "seen"', 'sure = "perhaps"', "how sure it is"),
    ],
)
def test_a_ledger_in_which_something_is_missing_is_refused(tmp_path: Path, old: str, new: str, text: str) -> None:
    whole = STATEMENTS.read_text(encoding="utf-8")
    assert old in whole
    file = tmp_path / "statements.toml"
    file.write_text(whole.replace(old, new), encoding="utf-8")
    assert tomllib.loads(file.read_text(encoding="utf-8"))
    with pytest.raises(ClaimsError, match=text):
        read_statements(file)

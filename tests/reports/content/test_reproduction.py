"""What a run says to the claims: each reason means what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from reports.content.ledger import read_claims
from reports.content.reproduction import JudgedClaim, answered_claims_table, claims_section, claims_table, judge_claims
from reports.typeset.frames import claims_frame
from reports.typeset.latex_tables import latex_text_table

PROTOCOL: dict[str, Any] = {
    "name": "mossfuse-x32",
    "ratio": 32,
    "phase": 15,
    "psf": {"kind": "gaussian", "taps": 31, "sigma": 2.0, "angle": 0.0},
    "boundary": "circular",
    "sensor": "nikon_d700_mossfuse_31",
    "hsi_snr_db": None,
    "msi_snr_db": None,
}
SCENES = next(claim.scenes for claim in read_claims() if claim.source.id == "mossfuse-code")


def run_of(results: list[Result], psnr: float, scenes: tuple[str, ...] = SCENES, **changes: Any) -> list[Result]:
    """MossFuse with its weights on these scenes; the scores spread around `psnr`."""
    base = next(r for r in results if r.method == "mossfuse")
    spread = [0.5 * (-1) ** place for place in range(len(scenes))]
    card = {**base.card, "unranked": "", "learns": "beforehand"}
    made = [
        replace(base, key=f"k{n}", scene=scene, protocol=PROTOCOL, card=card, metrics={**base.metrics, "psnr": psnr + spread[n] - 7})
        for n, scene in enumerate(scenes)
    ]
    return [replace(r, **changes) for r in made]


def stored_of(records: list[Result]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Under MossFuse's own convention everything is 7 dB higher."""
    return {r.key: {"mossfuse": {"psnr": float(r.metrics["psnr"] or 0) + 7}} for r in records}


def entry(records: list[Result], stored: Mapping[str, Any], source: str = "mossfuse-code", metric: str = "psnr") -> JudgedClaim:
    found = [each for each in judge_claims(read_claims(), records, stored) if (each.claim.source.id, each.claim.metric) == (source, metric)]
    return next(each for each in found if each.claim.label == "MossFuse")


def test_same_method_protocol_scenes_and_convention_reproduce_or_do_not(results: list[Result]) -> None:
    for psnr, reason in ((43.35, "reproduced"), (42.5, "not reproducible")):
        records = run_of(results, psnr)
        found = entry(records, stored_of(records))
        assert (found.reason, found.ours) == (reason, pytest.approx(psnr))
        assert found.difference == pytest.approx(psnr - 43.20)


def test_without_the_convention_ours_is_the_textbooks_and_is_said_to_be(results: list[Result]) -> None:
    records = run_of(results, 43.2)
    found = entry(records, {})
    assert found.reason == "metric differs"
    assert found.ours == pytest.approx(fmean(float(r.metrics["psnr"] or 0) for r in records))
    assert "rescore --profile mossfuse" in found.remark


def test_what_the_ledger_knows_about_the_weights_is_the_reason(results: list[Result]) -> None:
    records = run_of(results, 43.2)
    found = entry(records, stored_of(records), source="mossfuse-v3")
    assert (found.reason, found.ours) == ("weights differ", pytest.approx(43.2))


def test_another_protocol_or_other_scenes_are_no_reproduction(results: list[Result]) -> None:
    shifted = run_of(results, 43.2, protocol={**PROTOCOL, "phase": 16})
    assert (entry(shifted, stored_of(shifted)).reason, entry(shifted, stored_of(shifted)).ours) == ("protocol differs", None)
    fewer = run_of(results, 43.2, SCENES[:4])
    found = entry(fewer, stored_of(fewer))
    assert found.reason == "protocol differs"
    assert "4 of its 12 scenes" in found.remark


@pytest.mark.parametrize("changed", [{"hsi_snr_db": 35.0}, {"msi_snr_db": 40.0}, {"msi_gain": 1.1}, {"given_phase": 14}])
def test_records_with_noise_or_a_mismatch_are_of_another_protocol_and_do_not_enter_the_mean(
    results: list[Result], changed: dict[str, Any]
) -> None:
    """The ledger's numbers say nothing of noise: a published score is without it."""
    clean = run_of(results, 43.35)
    others = [replace(r, key=r.key + "n", protocol={**r.protocol, **changed}) for r in run_of(results, 40.0)]
    found = entry([*clean, *others], stored_of([*clean, *others]))
    assert found.ours == pytest.approx(43.35)
    alone = entry(others, stored_of(others))
    assert (alone.ours, alone.reason, alone.remark) == (None, "protocol differs", "run only under another protocol")


def test_another_form_of_the_method_or_an_unranked_one_is_not_run(results: list[Result]) -> None:
    records = run_of(results, 43.2)
    for card in ({"learns": "on the scene"}, {"unranked": "under-trained"}):
        other = [replace(r, card={**r.card, **card}) for r in records]
        assert entry(other, stored_of(other)).reason == "not run"
    assert entry([replace(r, outcome="failed") for r in records], {}).reason == "not run"


def test_parameters_are_set_against_the_records_own_count(results: list[Result]) -> None:
    records = run_of(results, 43.2, parameters_total=585_485)
    found = entry(records, {}, source="mossfuse-figure", metric="parameters")
    assert (found.claim.value, found.ours, found.reason) == (540_000.0, 585_485.0, "not reproducible")


def test_every_claim_is_on_the_table_with_its_source_and_the_page_counts_the_reasons(results: list[Result]) -> None:
    records = run_of(results, 43.2)
    entries = judge_claims(read_claims(), records, stored_of(records))
    table = claims_table(entries)
    assert len(table.rows) == len(entries) == len(claims_frame(entries))
    assert {each.claim.source.address for each in entries} == {
        next(a for a in {e.claim.source.address for e in entries} if f"({a})" in row[8]) for row in table.rows
    }
    section = claims_section(entries)
    assert section is not None
    assert f"{len(entries)} published numbers: 1 reproduced" in section.sentences[0]
    assert claims_section(judge_claims(read_claims(), [], {})) is None
    (shown,), (folded,) = section.tables, section.folded
    alike = [each for each in entries if each.reason in ("reproduced", "not reproducible", "weights differ")]
    assert {row[5] for row in shown.rows} <= {"reproduced", "not reproducible", "weights differ"}
    assert (len(shown.rows), len(folded.rows)) == (len(alike), len(entries) - len(alike))
    assert 0 < len(alike) < len(entries)
    assert "“metric differs”" in table.notes[0]
    assert "``metric differs''" in latex_text_table(answered_claims_table(entries))
    assert not any("`" in note for note in table.notes)
    assert "newer than the paper" in latex_text_table(answered_claims_table(entries))

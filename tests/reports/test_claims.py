"""The ledger: every figure stands where its source says it does, and each reason code means what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from reports.claims import Entry, claims_frame, claims_section, claims_table, judge, short_claims_table
from reports.ledger import LEDGER, ClaimsError, read_claims
from reports.profiles import profile_latex

# Words of the section of the field's notes in which each source's figures stand; the second part must be in the line of the figures.
STANDS: Mapping[str, tuple[str, str]] = {
    "mossfuse-v3": ("### 7a.", "paper"),
    "mossfuse-figure": ("### 7a.", "scatter plot"),
    "mossfuse-code": ("## 0. What matters most", "official MossFuse checkpoint reproduces"),
    "spectralift-code": ("### 2b.", ""),
    "spectralift-csv": ("### 7b.", ""),
    "lttr": ("## 6. Numbers in papers", "LTTR"),
    "ltmr": ("## 6. Numbers in papers", "LTMR"),
    "nlstf": ("## 6. Numbers in papers", "NLSTF CVPR 2017"),
    "nlstf-smbf": ("## 6. Numbers in papers", "NLSTF-SMBF"),
    "cstf": ("## 6. Numbers in papers", "CSTF (TIP 2018)"),
    "m2unet": ("## 4.", "TianGong-1"),
    "edip": ("### EDIP-Net", "Published"),
}
LINES = {"m2unet": ("### M2U-Net", "Published"), "edip": ("### EDIP-Net", "")}


def sections(shared: Path) -> list[tuple[str, list[str]]]:
    """(heading, lines) of every section of the notes."""
    found: list[tuple[str, list[str]]] = []
    for file in sorted((shared / "reference").glob("*.md")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or not found:
                found.append((line, []))
            found[-1][1].append(line)
    return found


def test_every_figure_is_printed_where_its_source_says(shared: Path) -> None:
    notes = sections(shared)
    for claim in read_claims():
        heading, word = LINES.get(claim.source.id, STANDS[claim.source.id])
        lines = [line for head, inside in notes if head.startswith(heading) for line in inside if word in line]
        assert lines, f"{claim.source.id}: nothing stands under {heading!r} with {word!r}"
        if claim.metric == "parameters":
            lines = [line for _, inside in notes for line in inside if "540 K" in line]
        number = re.compile(rf"(?<![\d.]){re.escape(claim.printed)}(?!\d)")
        short = re.compile(rf"(?<![\d.]){re.escape(claim.printed.removeprefix('0').rstrip('0'))}0*(?!\d)")
        assert any(number.search(line) or short.search(line) for line in lines), (
            f"{claim.label}: {claim.printed} is not in {claim.source.id}"
        )


def test_a_figure_that_was_changed_or_moved_to_another_source_is_found(
    shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = LEDGER.read_text(encoding="utf-8")
    for before, after in (('"46.161"', '"46.611"'), ('source = "lttr"\nscenes = "cave-all"', 'source = "cstf"\nscenes = "cave-all"')):
        assert text.count(before) == 1
        (tmp_path / "claims.toml").write_text(text.replace(before, after), encoding="utf-8")
        wrong = read_claims(tmp_path / "claims.toml")
        with monkeypatch.context() as patched:
            patched.setitem(globals(), "read_claims", lambda wrong=wrong: wrong)
            with pytest.raises(AssertionError, match="is not in"):
                test_every_figure_is_printed_where_its_source_says(shared)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('source = "lttr"', 'source = "ltr"', "expected one of the sources"),
        ('place = "Tables I and II"', 'place = ""', "expected a title, an address, a place"),
        ('sure = "figure"\nreading = { psnr = 0.2 }', 'sure = "figure"', "what figures read off a plot may be off by"),
        ('sure = "own"', 'sure = "quite"', "how sure it is"),
        ('protocol = "dian-x8"', 'protocol = "dian-x9"', "expected scenes and a protocol"),
        ('profile = "m2u"', 'profile = "m2unet"', "expected a profile of ours"),
        ('"46.161"', '"46,16 dB"', "expected a number"),
        ('["weights differ"', '["other weights"', "expected a reason of"),
        ('metrics = ["psnr", "ssim", "sam", "ergas", "uiqi"]', 'metrics = ["psnr", "ssim", "sam", "ergas", "q"]', "a metric of"),
    ],
)
def test_a_ledger_that_says_less_than_it_must_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = LEDGER.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "claims.toml").write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ClaimsError, match=message):
        read_claims(tmp_path / "claims.toml")


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


def entry(records: list[Result], stored: Mapping[str, Any], source: str = "mossfuse-code", metric: str = "psnr") -> Entry:
    found = [each for each in judge(read_claims(), records, stored) if each.claim.source.id == source and each.claim.metric == metric]
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
    entries = judge(read_claims(), records, stored_of(records))
    table = claims_table(entries)
    assert len(table.rows) == len(entries) == len(claims_frame(entries))
    assert {each.claim.source.address for each in entries} == {
        next(a for a in {e.claim.source.address for e in entries} if f"({a})" in row[8]) for row in table.rows
    }
    section = claims_section(entries)
    assert section is not None
    assert f"{len(entries)} published figures: 1 reproduced" in section.sentences[0]
    assert claims_section(judge(read_claims(), [], {})) is None
    assert "newer than the paper" in profile_latex(short_claims_table(entries))

"""The ledger: every number stands where its source says it does, and an incomplete ledger is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from reports.content.ledger import LEDGER, ClaimsError, read_claims

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
    "sfno": ("### 2b.", "/"),
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
        ('sure = "figure"\nreading = { psnr = 0.2 }', 'sure = "figure"', "how far numbers read off a plot may be off"),
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

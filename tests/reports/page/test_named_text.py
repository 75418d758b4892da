"""Names of methods in bold: whole, the longest first, escaped, and with what their abbreviations stand for behind them."""

from __future__ import annotations

from reports.content.expansions import FirstUses
from reports.page.named_text import with_bold_names


def bold(text: str, *names: str) -> str:
    return str(with_bold_names(text, names, FirstUses()))


def test_the_longest_name_is_taken_and_no_part_of_a_word() -> None:
    text = "FUSE, blind and FUSE are best; R2FUSE and FUSED are not."
    assert bold(text, "FUSE", "FUSE, blind") == "<b>FUSE, blind</b> and <b>FUSE</b> are best; R2FUSE and FUSED are not."


def test_an_abbreviation_inside_a_name_is_told_behind_it_once() -> None:
    text = "Kriging, SRF known and PSF known, by SRF and PSF."
    assert bold(text, "Kriging, SRF known", "PSF known") == (
        "<b>Kriging, SRF known</b> (SRF: spectral response function) and <b>PSF known</b> (PSF: point spread function), by SRF and PSF."
    )
    assert bold("by SRF", "x") == "by SRF (spectral response function)"


def test_what_comes_from_records_is_escaped_inside_and_outside_of_names() -> None:
    assert bold("<i> & A<b> is best", "A<b>") == "&lt;i&gt; &amp; <b>A&lt;b&gt;</b> is best"
    assert bold("A & B") == "A &amp; B"

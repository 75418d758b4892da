"""The words of a report: one source, sorted, each once; and abbreviations that mean in the code what they mean there."""

from __future__ import annotations

import re

from reports.content.expansions import EXPANSIONS, FirstUses
from reports.content.glossary import GLOSSARY, meaning_of, report_words


def test_a_report_has_about_sixty_words_each_once_and_in_order() -> None:
    terms = [term for term, _ in report_words()]
    assert 55 <= len(terms) <= 80
    assert terms == sorted(terms, key=str.lower)
    assert len(set(terms)) == len(terms)
    every = re.findall(r"- \*\*([^*]+)\*\*: ", GLOSSARY.read_text(encoding="utf-8"))
    assert len(set(every)) == len(every)


def test_each_sentence_on_a_word_is_whole() -> None:
    for term, sentence in report_words():
        assert sentence.endswith("."), term
        assert term.lower().rstrip("s")[:4] in sentence.lower(), term


def test_an_abbreviation_stands_for_the_words_that_the_glossary_has() -> None:
    for word in ("PSNR", "SSIM", "SAM", "ERGAS", "UIQI", "HQNR", "QNR", "PSF", "SRF", "MTF", "SNR", "FWHM"):
        assert EXPANSIONS[word] in meaning_of(word), word


def test_an_abbreviation_is_spelled_out_at_its_first_place_and_only_there() -> None:
    uses = FirstUses()
    assert uses.expand("the PSF, and the PSF again") == "the PSF (point spread function), and the PSF again"
    assert uses.expand("HQNR is not QNR; a PSF") == "HQNR (hybrid quality with no reference) is not QNR (quality with no reference); a PSF"
    assert uses.expand("peak signal-to-noise ratio (PSNR) 3 dB; PSNR") == "peak signal-to-noise ratio (PSNR) 3 dB; PSNR"
    uses.say("SAM")
    assert uses.expand("SAM and SAMPLE") == "SAM and SAMPLE"

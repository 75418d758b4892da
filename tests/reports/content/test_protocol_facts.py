"""The words for a protocol: what is given wrongly is stated, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.run_folder.record import Result
from reports.content.protocol_facts import differing_labels, dotted_values, neutral_labels, protocol_facts, protocol_sentence
from reports.content.summary import summarise
from reports.typeset.latex_tables import latex_summary

TRUE = {"given_psf": None, "given_phase": None, "given_srf_shift_nm": 0.0, "msi_gain": 1.0, "shift": [0.0, 0.0], "rotation_deg": 0.0}
WRONG = {"given_psf": {"kind": "gaussian", "sigma": 1.5}, "given_phase": 4, "given_srf_shift_nm": -5.0, "given_hsi_noise_db": 3.0}
WRONG |= {"msi_gain": 1.1, "shift": [0.25, 0.0], "rotation_deg": 0.5}


def test_the_caption_says_what_methods_are_given_wrongly_and_nothing_of_it_where_all_is_true(results: list[Result]) -> None:
    base = [r for r in results if r.protocol["ratio"] == 8]
    plain, right, wrong = (
        protocol_sentence(summarise([replace(r, protocol={**r.protocol, **change}) for r in base])[0].protocol)
        for change in ({}, TRUE, TRUE | WRONG)
    )
    assert right == plain
    assert wrong.removeprefix(plain) == (
        "; methods are given a wrong PSF: gaussian, sigma 1.5; methods are given a wrong phase: 4 px; methods are given an SRF that is 5 "
        "nm too low; methods are given an HSI noise level that is 3 dB too high; MSI gain 1.1; HSI shifted by 0.25, 0 px (rows, columns); "
        "HSI rotated by 0.5 deg"
    )
    assert "HSI shifted by 0.25, 0 px" in latex_summary(summarise([replace(r, protocol={**r.protocol, **WRONG}) for r in base])[0])


@pytest.mark.parametrize(("value", "words"), [(0, None), (2.5, "2.5 dB too high"), (-4, "4 dB too low")])
def test_a_level_that_is_off_is_too_high_or_too_low(value: float, words: str | None) -> None:
    sentence = protocol_sentence({"given_msi_noise_db": value})
    assert sentence == ("no noise" if words is None else f"no noise; methods are given an MSI noise level that is {words}")


def test_what_makes_a_mismatch_in_no_protocol_is_neutral_and_the_rest_is_not() -> None:
    neutral = {"given psf", "given phase", "given srf shift nm", "given hsi noise db", "given msi noise db", "msi gain", "shift"}
    assert neutral_labels([TRUE, {**TRUE, "ratio": 8}, {}]) == {*neutral, "rotation deg"}
    assert neutral_labels([TRUE, {**TRUE, "rotation_deg": 0.5}]) == neutral
    assert neutral_labels([TRUE | WRONG]) == {"given msi noise db"}


def test_a_psf_is_told_in_words() -> None:
    psf = {"kind": "gaussian", "taps": 16, "mtf_nyquist": 0.3}
    assert dict(protocol_facts({"psf": psf}))["PSF"] == "gaussian, taps 16, MTF at Nyquist 0.3"


def test_nested_tables_and_lists_have_dotted_names() -> None:
    table = {"ratio": 4, "psf": {"kind": "gaussian", "angles": [10.0, 20.0]}, "shift": [0.5, -1.0], "none": None}
    assert dotted_values(table) == {
        "ratio": 4,
        "psf.kind": "gaussian",
        "psf.angles.0": 10.0,
        "psf.angles.1": 20.0,
        "shift.0": 0.5,
        "shift.1": -1.0,
        "none": None,
    }


def test_of_several_protocols_the_numbers_that_differ_are_told_and_of_one_those_that_are_not_usual() -> None:
    one = {"name": "a", "ratio": 8, "psf": {"kind": "box"}, "phase": 3, "boundary": "circular", "channels": "all", "sensor": "x"}
    assert differing_labels([one, {**one, "phase": 4, "name": "b"}]) == {"ratio", "phase"}
    assert differing_labels([one]) == {"ratio", "PSF", "phase", "SRF"}
    assert differing_labels([{**one, "boundary": "reflect"}]) == {"ratio", "PSF", "phase", "SRF", "boundary"}

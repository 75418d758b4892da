"""Facts on cards: what a tier says, what cannot be true together, and what our own cards say of configurations that differ in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.authors.sample_pairs import Lessons, random_pair
from benchmark.matrix.contestant import card_facts
from datasets.settings import configure
from methods.blind import blind_form
from methods.catalog import find, find_one
from methods.contract import Card, FusionMethod, TrainableMethod, learn
from tests.rounding import near

METHODS = find()
SHIPPED = "methods/unsupervised/mossfuse/weights/cave_x8.safetensors"
PLAIN = Card(name="x", paper="a test", doi="", year=2026, fidelity="none")


def built(name: str, **parameters: object) -> FusionMethod | TrainableMethod:
    return configure(find_one(name).form(parameters), parameters)


@pytest.mark.parametrize(
    ("psf", "srf", "noise", "words"),
    [
        (False, False, False, "told nothing"),
        (True, False, False, "told the blur"),
        (False, True, False, "told the colour response"),
        (False, False, True, "told the noise level"),
        (True, True, False, "told blur and colour response"),
        (True, False, True, "told blur and noise level"),
        (False, True, True, "told colour response and noise level"),
        (True, True, True, "told blur, colour response and noise level"),
    ],
)
def test_a_tier_says_what_a_method_is_told_and_whose_truth_it_has_seen(psf: bool, srf: bool, noise: bool, words: str) -> None:
    card = replace(PLAIN, needs_psf=psf, needs_srf=srf, needs_noise=noise)
    assert card.tier == words
    assert replace(card, learns="on the scene", supervision="self").tier == words  # it knows no more
    assert replace(card, learns="beforehand", supervision="self").tier == f"{words}; learned from other scenes, without their truth"
    assert replace(card, learns="beforehand", supervision="truth").tier == f"{words}; learned from other scenes, with their truth"


def test_free_text_decides_no_tier() -> None:
    card = replace(PLAIN, learns="beforehand", supervision="truth")
    others = [replace(card, trained_on=text, tuned_on=text) for text in ("CAVE train, x32", "CAVE train, mossfuse-x32", "")]
    assert {other.tier for other in others} == {card.tier}


@pytest.mark.parametrize(
    ("learns", "supervision"),
    [("never", "self"), ("never", "truth"), ("on the scene", "none"), ("on the scene", "truth"), ("beforehand", "none")],
)
def test_facts_that_contradict_each_other_are_refused_with_the_way_out(learns: Any, supervision: Any) -> None:
    with pytest.raises(ValueError, match=rf"card of x: learns='{learns}' and supervision='{supervision}' contradict each other: expected"):
        replace(PLAIN, learns=learns, supervision=supervision)


@pytest.mark.parametrize(("field", "wrong"), [("supervision", "Truth"), ("learns", "before"), ("implementation", "optimised")])
def test_a_word_that_no_card_has_is_an_error_that_names_the_right_ones(field: str, wrong: str) -> None:
    card = replace(PLAIN)
    object.__setattr__(card, field, wrong)  # past the shape checker, which runs in tests alone
    with pytest.raises(ValueError, match=rf"card of x: {field}: expected one of .*, got '{wrong}'"):
        card.__post_init__()


@pytest.mark.parametrize("name", [name for name, entry in METHODS.items() if entry.load().card.learns == "beforehand"])
def test_what_learns_beforehand_learns_from_what_its_card_says(name: str) -> None:
    kind = METHODS[name].load()
    method = configure(kind, kind.trial)
    assert isinstance(method, TrainableMethod)
    card, seen = method.describe(), random_pair(7, 3)
    blind, sighted = (Lessons(replace(card, supervision=which), seen) for which in ("self", "truth"))  # type: ignore[arg-type]  # a literal
    cube = learn(method, seen, torch.Generator().manual_seed(0), sighted).fuse(seen, torch.Generator().manual_seed(0)).cube
    if card.supervision == "truth":
        with pytest.raises(ValueError, match="without"):
            learn(method, seen, torch.Generator().manual_seed(0), blind)
    else:
        without = learn(method, seen, torch.Generator().manual_seed(0), blind).fuse(seen, torch.Generator().manual_seed(0)).cube
        near(without, cube, 1e-4)


ALONE = {"tune": False, "consistency": False, "uncertainty": False}
SMALL = {"samples": 64, "tuning_samples": 64}


@pytest.mark.parametrize(
    ("name", "parameters", "random"),
    [
        ("hysure", {"rank": 4}, True),
        ("hysure", {"rank": 4, "basis": "svd"}, False),
        ("hysure", {"rank": 4, "basis": "svd", "variant": "converged", "knows": "nothing", "most_iterations": 20}, False),
        ("rfuse", {"noise": "told"}, False),
        ("rfuse", {"blind": "predictability"}, False),
        ("rfuse", {"blind": "hysure"}, False),
        ("cstf", {"rows": 12, "cols": 12, "spectra": 5, "rounds": 1, "blind": "hysure"}, True),
        ("csu", {"rounds": 20, "blur": "box"}, True),
        ("kriging", SMALL, True),
        ("kriging", {**SMALL, "knows": "nothing"}, True),
        ("kriging", {**SMALL, **ALONE}, False),
        ("kriging", {**SMALL, **ALONE, "tune": True}, True),
        ("kriging", {**SMALL, **ALONE, "tune": True, "terms": "linear"}, False),
        ("kriging", {**SMALL, **ALONE, "consistency": True}, True),
        ("kriging", {**SMALL, **ALONE, "uncertainty": True}, True),  # the stated deviation
        ("daem", {"learns": "on the scene", "budget": 4e-3, "batch": 2}, True),
        ("mossfuse", {"steps": 2, "crop": 16, "blind_steps": 20}, True),
        ("mossfuse", {"checkpoint": SHIPPED}, False),
    ],
)
def test_the_card_says_of_each_configuration_whether_two_seeds_differ(name: str, parameters: dict[str, Any], random: bool) -> None:
    if "checkpoint" in parameters:
        parameters = {"checkpoint": Path(__file__).parents[2] / parameters["checkpoint"]}
    method = built(name, **parameters)
    card = method.describe()
    seen = card.entitle(random_pair(31, 3, ratio=8 if "checkpoint" in parameters else 4, coarse=(8, 12)))
    result = []
    for seed in (0, 1):
        fitted = learn(method, seen, torch.Generator().manual_seed(seed))
        estimate = fitted.fuse(seen, torch.Generator().manual_seed(seed))
        result.append(torch.cat([part.flatten() for part in (estimate.cube, estimate.std) if part is not None]))
    assert card.random is random
    assert bool((result[0] - result[1]).abs().max() > 1e-5 * result[0].abs().max()) is random


@pytest.mark.parametrize(
    ("name", "parameters", "implementation"),
    [
        ("gsa", {}, "as described"),
        ("rfuse", {"blind": "gradient"}, "optimised, same output"),
        ("mossfuse", {}, "optimised, same output"),
        ("mossfuse", {"inference": "unmerged"}, "optimised, same output"),  # its learning
        ("mossfuse", {"checkpoint": SHIPPED}, "optimised, same output"),
        ("mossfuse", {"checkpoint": SHIPPED, "compiled": True}, "optimised, same output"),
        ("mossfuse", {"checkpoint": SHIPPED, "autocast": True}, "optimised, another output"),
        ("mossfuse", {"checkpoint": SHIPPED, "inference": "unmerged"}, "as described"),
        ("conssfcnn", {}, "as described"),
        ("conssfcnn", {"wiring": "as released"}, "optimised, same output"),
        ("dip", {}, "as described"),
        ("dip", {"compiled": True}, "optimised, same output"),
        ("dip", {"cuda_graph": True, "autocast": True}, "optimised, another output"),
        ("m2unet", {}, "optimised, same output"),
        ("m2unet", {"autocast": True}, "optimised, another output"),
    ],
)
def test_the_card_says_whose_steps_are_timed(name: str, parameters: dict[str, Any], implementation: str) -> None:
    if "checkpoint" in parameters:
        parameters = {**parameters, "checkpoint": Path(__file__).parents[2] / parameters["checkpoint"]}
    assert built(name, **parameters).describe().implementation == implementation


CAVE, BORDER = "CAVE's 20 training scenes", "Jasper Ridge (a run there showed that the search for the blur must leave the border out)"
KRIGING, WIDE = (
    ", Samson, HyMap Berlin and Hyperion Paris",
    "Pavia Centre (a run there showed that a prior around 0 harms where the SRF is known)",
)


@pytest.mark.parametrize(
    ("name", "parameters", "tuned_on"),
    [
        ("gsa", {}, ""),
        ("lttr", {}, "CAVE, by its authors (eta)"),
        ("rfuse", {}, f"{CAVE} (prior weight and rank)"),
        ("rfuse", {"prior_weight": 1e-3}, f"{CAVE} (rank)"),
        ("rfuse", {"rank": 10}, f"{CAVE} (prior weight)"),
        ("rfuse", {"rank": 10, "prior_weight": 1e-3}, ""),
        ("rfuse", {"noise": "told", "prior_weight": 1e-3}, f"{CAVE} (prior weight and rank)"),
        ("rfuse", {"noise": "told", "prior_variance": 0.2, "rank": 9}, ""),
        ("rfuse", {"blind": "hysure"}, f"{CAVE} (prior weight and rank)"),
        ("csu", {"blind": "predictability"}, BORDER),
        ("kriging", {"knows": "psf+srf"}, f"{CAVE}{KRIGING}; {WIDE}"),
        ("kriging", {}, f"{CAVE}{KRIGING}; {BORDER}; {WIDE}"),
        ("hysure", {}, ""),
        ("hysure", {"variant": "converged"}, "CAVE's balloons (mu)"),
        ("hysure", {"variant": "converged", "penalty": 0.01}, ""),
    ],
)
def test_the_card_says_on_which_scenes_its_defaults_were_tuned(name: str, parameters: dict[str, Any], tuned_on: str) -> None:
    assert built(name, **parameters).describe().tuned_on == tuned_on


def test_a_control_is_not_ranked_and_says_why_beside_its_reduced_training() -> None:
    assert built("mstpp").describe().unranked.startswith("a control: it ignores the HSI")
    reduced = built("mstpp", budget=0.5).describe()
    assert reduced.unranked.startswith("a control: it ignores the HSI")
    assert reduced.unranked.endswith("; reduced: 0.5 of the published training of 300000 steps")


def test_a_record_keeps_what_a_card_says() -> None:
    facts = card_facts(built("rfuse").describe())
    assert (facts["random"], facts["implementation"]) == (False, "optimised, same output")
    assert facts["tuned_on"].startswith(CAVE)


def test_the_blind_form_of_a_method_names_the_files_that_the_method_reads() -> None:
    kind = type("Method", (METHODS["rfuse"].load(),), {"files": ("table.csv",)})
    assert blind_form(kind).files == ("table.csv",)
    assert all(entry.load().files == () for entry in METHODS.values())  # ours read none but those that a plan names

"""The words of tiers, which methods/contract.py makes and reports order, shorten and select: the two floors share no code for them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from benchmark.run_folder.record import Result
from methods.contract import Card
from reports.choice import chosen, read_choice
from reports.style import short_tier, tier_order

PLAIN = Card(name="x", paper="a test", doi="", year=2026, fidelity="none")
TOLD = [
    replace(PLAIN, needs_noise=noise, needs_psf=psf, needs_srf=srf) for srf, psf, noise in product((False, True), repeat=3)
]  # from nothing to all
LEARNED = [{}, {"learns": "beforehand", "supervision": "self"}, {"learns": "beforehand", "supervision": "truth"}]
TIERS = [replace(card, **facts).tier for facts in LEARNED for card in TOLD]  # type: ignore[arg-type]  # of several types


def test_tiers_come_in_order_of_what_was_learned_and_then_told_and_older_words_last() -> None:
    assert len(set(TIERS)) == 24
    older = ["blind", "psf+srf known", "told nothing; trained on CAVE"]
    assert sorted([*older, *reversed(TIERS)], key=tier_order) == [*TIERS, *older]


def test_short_tiers_are_short_and_still_tell_all_tiers_apart() -> None:
    short = {short_tier(tier) for tier in TIERS}
    assert len(short) == 24
    assert max(map(len, short)) < 50
    assert {"told nothing", "told blur + colour", "told blur + colour + noise", "told nothing; learned with truth"} <= short
    assert short_tier("trained on 18 scenes, x8") == "trained on 18 scenes, x8"


def test_a_tier_with_commas_is_selected_by_its_own_words_and_beside_others(results: list[Result]) -> None:
    many = [replace(result, tier=TIERS[place % 24]) for place, result in enumerate(results)]

    def kept(*texts: str) -> set[str]:
        return {result.tier for result in chosen(many, read_choice(select=[f"tier={text}" for text in texts]))}

    assert all(kept(tier) == {tier} for tier in TIERS)
    assert kept(",".join(TIERS[5:9])) == kept(*TIERS[5:9]) == set(TIERS[5:9])
    assert kept("*, with their truth") == {tier for tier in TIERS if tier.endswith("with their truth")}
    assert kept("told nothing*") == {TIERS[0], TIERS[8], TIERS[16]}

"""The budget of a method that is trained: a share of the training that its authors published.

Below 1 the card says "reduced", and the row is not ranked. Above 1 the plan must say that it is meant, and the card says how many times
the published training it was: `budget = 20` looks like 20 steps, and would be 20 times some hundred thousand.

    parameters = { budget = 2, more_than_published = true }
"""

from __future__ import annotations

from dataclasses import replace

from methods.contract import Card

EXACT = 1.001  # a share up to this one is the published training: steps are whole numbers


def checked_budget(budget: float, *, more_than_published: bool) -> None:
    """Raises ValueError if the budget is not a finite number above 0, or is above 1 and `more_than_published` is not set."""
    if not 0 < budget < float("inf"):
        raise ValueError(f"budget: expected a number > 0 (1 is the published number of steps), got {budget}")
    if budget > EXACT and not more_than_published:
        raise ValueError(
            f"budget: expected at most 1, a share of the published steps, got {budget:g}, which is {budget:g} times the published steps; "
            "if that is meant, write more_than_published = true beside it"
        )


def card_at_budget(card: Card, budget: float) -> Card:
    """The card; below a budget of 1 it says "reduced" and is not ranked, and above 1 it says how many times the published steps."""
    if budget >= 1:
        return card if budget <= EXACT else replace(card, name=f"{card.name} ({budget:g} times the published steps)")
    mark = f"reduced: {budget:g} of the published steps"
    return replace(card, name=f"{card.name} ({mark})", unranked="; ".join(filter(None, (card.unranked, mark))))

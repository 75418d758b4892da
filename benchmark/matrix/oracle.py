"""The oracle row: what a method would reach if the truth were allowed to pick among its iterates, as the authors of some let it.

    [[method]]
    name = "m2unet"
    oracle = 20         # the best by PSNR of the 20 iterates that stand after each 20th of the steps of the last stage

The method still sees no truth. Its process fuses each iterate and leaves the cubes in its working folder; they go to `iterates/<key>/` in
the run folder; the process that scores, which has the truth and no method, picks one, and that one is the cell's estimate from then on.
The record says which it was, and the PSNR of each. The row says what it is in its label, and is never ranked.
"""

from __future__ import annotations

from dataclasses import replace

from datasets.settings import SettingError
from methods.contract import AnyMethod, Card
from methods.iterates import IteratedMethod

LEAST = 2  # of one iterate there is nothing to pick


def label_suffix(count: int) -> str:
    """What the label of such a row ends in."""
    return f", oracle (best of {count} by the truth)"


def oracle_card(card: Card, count: int) -> Card:
    """The card, never to be ranked."""
    mark = f"oracle: the referee looked at the truth, and took the best of {count} iterates"
    return replace(card, unranked="; ".join(filter(None, (card.unranked, mark))))


def check_oracle(name: str, method: AnyMethod, count: int) -> None:
    """Refuse what has no iterates to pick from; 0 stands for no oracle.

    Raises:
        SettingError: the method hands out no iterates of a learning on the scene, or fewer than two are asked for.
    """
    if count == 0:
        return
    if count < LEAST:
        raise SettingError(f"method {name}: oracle: expected {LEAST} iterates or more, got {count}; leave it out for the last iterate")
    learns = method.describe().learns
    if not isinstance(method, IteratedMethod) or learns != "on the scene":
        got = f"one that learns {learns}" if isinstance(method, IteratedMethod) else "one that does not"
        raise SettingError(
            f"method {name}: oracle: expected a method that learns on the scene and shows its iterates (methods/iterates.py), got {got}; "
            "leave `oracle` out"
        )

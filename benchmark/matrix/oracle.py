"""The oracle row: what a method would reach if the truth were allowed to pick one of its iterates, as some authors let it.

    [[method]]
    name = "m2unet"
    oracle = 20         # the best by PSNR of 20 iterates: those after each 20th of the steps of the last stage

The method is given no truth. Its process fuses each iterate and leaves the cubes in its scratch folder, from which they are moved to
`iterates/<key>/` in the run folder. The process that scores, which has the truth and no method, picks one of them as the estimate of the
cell. The record says which one, and has the PSNR of each. The label says that the row is an oracle row, and it is never ranked.
"""

from __future__ import annotations

from dataclasses import replace

from datasets.settings import SettingError
from methods.contract import Card, Learns

LEAST = 2  # among fewer iterates there is nothing to pick


def label_suffix(count: int) -> str:
    """The end of the label of an oracle row with that number of iterates."""
    return f", oracle (best of {count} by the truth)"


def oracle_card(card: Card, count: int) -> Card:
    """The card of the oracle row, which is never ranked."""
    mark = f"oracle: the referee looked at the truth, and took the best of {count} iterates"
    return replace(card, unranked="; ".join(filter(None, (card.unranked, mark))))


def check_oracle(name: str, count: int, learns: Learns, *, shows_iterates: bool) -> None:
    """Nothing, where a method that learns so can have an oracle row of `count` iterates; 0 stands for an ordinary row.

    Raises:
        SettingError: the method does not learn on the scene or shows no iterates, or fewer than two are asked for.
    """
    if count == 0:
        return
    if count < LEAST:
        raise SettingError(f"method {name}: oracle: expected {LEAST} iterates or more, got {count}; leave it out for the last iterate")
    if not shows_iterates or learns != "on the scene":
        got = f"one that learns {learns}" if shows_iterates else "one that does not"
        raise SettingError(
            f"method {name}: oracle: expected a method that learns on the scene and shows its iterates (methods/iterates.py), got {got}; "
            "leave `oracle` out"
        )

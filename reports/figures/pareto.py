"""The Pareto front of methods: those than which no other is both cheaper and better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def pareto_front(items: Iterable[Item], cost: Callable[[Item], float], merit: Callable[[Item], float]) -> list[Item]:
    """The items that no other one beats, the cheapest first.

    One item beats another where its cost is not higher, its merit is not lower, and one of the two is better.
    """
    front: list[Item] = []
    for item in sorted(items, key=lambda each: (cost(each), -merit(each))):
        if not front or merit(item) > merit(front[-1]):
            front.append(item)
    return front

"""The optional part of the contract: methods that learn on the scene in many equal steps, and can show where they stand on the way.

The authors of such methods often print the iterate that is best against the ground truth. A method here never sees a truth: its result is
its last iterate. What it hands out on the way lets the *referee* say how much the choice would have gained (`oracle` in a plan).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import torch

from methods.contract import Example, FusionMethod, TrainableMethod

Learned = TypeVar("Learned", bound=FusionMethod, covariant=True)


class IteratedMethod(TrainableMethod, Generic[Learned]):
    """A method whose learning can be looked at from outside: it says how with `iterates`, and `fit` is the last of them."""

    @abstractmethod
    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[Learned]:
        """The fitted method after each of `count` equal shares of the steps of its last stage, or after each step where there are fewer.

        The last one does not depend on `count`: the same bits on one machine and one number of threads. Each may be used until the next
        one is asked for, which may change it.
        """

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> Learned:
        """The last iterate."""
        return next(self.iterates(examples, rng, 1))

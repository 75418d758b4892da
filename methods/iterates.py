"""An optional part of the contract, for methods that learn on the scene in many equal steps and can return the states on the way.

Authors of such methods often report the iterate that is best by the ground truth. A method of this suite never sees the truth, and its
result is its last iterate. From the other iterates the *referee* can compute what that choice would have gained (`oracle` in a plan).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import torch

from methods.contract import Example, FusionMethod, TrainableMethod

Learned = TypeVar("Learned", bound=FusionMethod, covariant=True)


class IteratedMethod(TrainableMethod, Generic[Learned]):
    """A method that can return its state at several moments of its learning. It defines `iterates`; `fit` returns the last of them."""

    @abstractmethod
    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[Learned]:
        """The fitted method after each of `count` equal shares of the steps of its last stage; after each step if there are fewer steps.

        The last one does not depend on `count`: it has the same bits on one machine with one number of threads. Each one is valid until the
        next one is asked for, which may change it.
        """

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> Learned:
        """The fitted method after all steps."""
        return next(self.iterates(examples, rng, 1))

"""Methods whose network learns the mapping (hsi, msi) -> cube beforehand, from examples with their truth.

    step k:  weights <- Adam(weights, gradient of the mean loss over examples k b ... (k + 1) b - 1)       k = 0 ... steps - 1

with b patches per step. The number of steps is the published number times `budget`. The last iterate is kept; nothing is chosen by a test
scene. A configuration that takes fewer patches than the publication says "reduced" in its name and is not ranked.

A method of this kind defines its card, its published training, its network and, if it is not the mean square error, its loss. All random
numbers, those of the first weights included, come from the generator that is handed in; torch's global generator is left as it was.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card, Example, FusionMethod, TrainableMethod
from methods.numerics.networks.first_weights import draw_uniform_weights, new_network
from methods.numerics.networks.fitted_network import FittedNetwork
from methods.numerics.networks.published_budget import EXACT, checked_budget

Rate = Callable[[int, int], float]  # (step, number of steps) -> factor of the learning rate


def constant_rate(step: int, steps: int) -> float:
    """The factor 1 for every step: the learning rate stays as it is."""
    return 1.0


@dataclass(frozen=True)
class PublishedTraining:
    """The training that a publication describes."""

    steps: int
    batch: int  # patches per step
    learning_rate: float
    patch: int  # side of a patch in fine pixels, for the record; the plan's [training] table decides the side
    weight_decay: float = 0.0
    optimiser: Literal["adam", "adamw"] = "adam"
    rate: Rate = constant_rate
    gradient_norm: float | None = None  # at which the gradient of all weights together is cut; None: it is not cut

    def __str__(self) -> str:
        patches = f"{self.batch} patch{'es' * (self.batch > 1)} of {self.patch} x {self.patch} pixels"
        return f"{self.steps:,} steps of {patches}, learning rate {self.learning_rate:g}"


@dataclass(frozen=True)
class SupervisedMethod(TrainableMethod):
    """A method whose network learns beforehand, with truth. Each such method defines `card`, `published` and `build`."""

    published: ClassVar[PublishedTraining]

    budget: float = 1.0  # multiplies the published number of steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1, and for more patches in all than published
    batch: int | None = None  # patches per step; None: as published
    learning_rate: float | None = None  # None: as published

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch: expected a whole number >= 1, got {self.batch}")
        if self.share > EXACT and not self.more_than_published:
            raise ValueError(
                f"batch: expected at most the published training, {self.published}, got {self.share:.3g} times as much; lower budget, or "
                "if that is meant, write more_than_published = true beside it"
            )
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ValueError(f"learning_rate: expected a number above 0, got {self.learning_rate}")

    @abstractmethod
    def build(self, bands: int, channels: int, ratio: int) -> nn.Module:
        """The network, a function from batches (hsi, msi) to the cube. `fit` draws its weights."""

    def draw(self, network: nn.Module, rng: torch.Generator) -> None:
        """Sets the first weights of the network, which is on the CPU: by torch's own rule, unless a method overrides this."""
        draw_uniform_weights(network, rng)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The loss of one batch: the mean square error, unless a method overrides this."""
        return F.mse_loss(network(hsi, msi), truth)

    def largest(self) -> int | None:
        """How many fine pixels an image may have at most; None: any number."""
        return None

    def describe(self) -> Card:
        """The card; it says "reduced" if fewer patches are taken than published, and how many times as many if more are."""
        share = self.share
        if share > EXACT:
            return replace(self.card, name=f"{self.card.name} ({share:.3g} times the published training)")
        if share > 0.999:
            return self.card
        mark = f"reduced: {share:.2g} of the published training"
        unranked = "; ".join(filter(None, (self.card.unranked, f"{mark} of {self.published.steps} steps")))
        return replace(self.card, name=f"{self.card.name} ({mark})", unranked=unranked)

    @property
    def share(self) -> float:
        """The number of patches that it learns from, over the published one."""
        return self.steps * (self.batch or self.published.batch) / (self.published.steps * self.published.batch)

    @property
    def steps(self) -> int:
        """The number of steps of this configuration."""
        return max(1, round(self.budget * self.published.steps))

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The network after the last step. It raises what `trained` raises."""
        return self.trained(examples, rng)

    def trained(self, examples: Sequence[Example], rng: torch.Generator) -> FittedNetwork:
        """The network after the last step.

        Raises:
            RefusedError: the network cannot be built for this many bands and channels, or for this ratio.
            ValueError: there is no example, or one has no truth.
        """
        network = new_network(lambda: self._built(examples), lambda network: self.draw(network, rng), like=_first(examples).seen.hsi)
        self.teach(network, examples)
        seen = examples[0].seen
        return FittedNetwork(network.eval(), self.describe(), (seen.hsi.shape[0], seen.msi.shape[0], seen.ratio), self.largest())

    def teach(self, network: nn.Module, examples: Sequence[Example]) -> list[float]:
        """Trains the network in place. Returns the loss of each step."""
        published, size = self.published, self.batch or self.published.batch
        peak = self.learning_rate or published.learning_rate
        kind = torch.optim.AdamW if published.optimiser == "adamw" else torch.optim.Adam
        optimiser = kind(network.parameters(), lr=peak, weight_decay=published.weight_decay)
        history = []
        network.train()
        with torch.enable_grad():
            for step in range(self.steps):
                optimiser.param_groups[0]["lr"] = peak * published.rate(step, self.steps)
                hsi, msi, truth = stacked([examples[step * size + place] for place in range(size)])
                loss = self.loss(network, hsi, msi, truth)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types here
                if published.gradient_norm is not None:
                    nn.utils.clip_grad_norm_(network.parameters(), published.gradient_norm)
                optimiser.step()
                history.append(loss.detach())
        return torch.stack(history).tolist()

    def _built(self, examples: Sequence[Example]) -> nn.Module:
        seen = examples[0].seen
        return self.build(seen.hsi.shape[0], seen.msi.shape[0], seen.ratio)


def stacked(
    examples: Sequence[Example],
) -> tuple[Float[Tensor, "batch bands h w"], Float[Tensor, "batch channels H W"], Float[Tensor, "batch bands H W"]]:
    """The HSIs, the MSIs and the truths of examples of one size, each as a batch.

    Raises:
        ValueError: an example has no truth.
    """
    truths = [example.truth for example in examples if example.truth is not None]
    if len(truths) < len(examples):
        raise ValueError('supervised learning: expected examples with truth, got one without; set supervision="truth" on the card')
    return torch.stack([one.seen.hsi for one in examples]), torch.stack([one.seen.msi for one in examples]), torch.stack(truths)


def _first(examples: Sequence[Example]) -> Example:
    if not len(examples):
        raise ValueError("supervised learning: expected examples, got none; name training scenes in the plan's [training]")
    return examples[0]

"""What a contestant is: a card, an `Estimate`, and one of two abstract classes.

A method is a frozen dataclass named `Method`; its fields are its hyper-parameters and thereby its configuration schema.
It is given an `Observation` and a `torch.Generator`, and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation


class RefusedError(ValueError):
    """Input that a method cannot take, by a fact on its card; the referee records the cell as skipped, with this text."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The facts on a method, shown in every table."""

    name: str  # as the paper spells it
    paper: str  # authors, title or venue
    doi: str
    year: int
    needs_psf: bool = False
    needs_srf: bool = False
    needs_noise: bool = False
    supervision: Literal["none", "self", "truth"] = "none"  # what learning uses: nothing, observations only, truth
    learns: Literal["never", "on the scene", "beforehand"] = "never"
    trained_on: str = ""  # what a method that learns beforehand has seen
    trained_scenes: tuple[str, ...] = ()  # names or fingerprints of those scenes: a test on one of them is refused
    unranked: str = ""  # why this configuration must not be ranked ("under-trained: ..."); empty when it may be
    min_bands: int = 1  # smaller inputs are refused
    max_bands: int | None = None
    min_channels: int = 1
    max_channels: int | None = None
    fidelity: str  # how it was checked against the authors' code, or why it could not be

    @property
    def tier(self) -> str:
        """What the method knows: blind | psf known | srf known | psf+srf[+noise] known | trained on <what>[, ... known]."""
        known = "+".join(self.needs)
        if self.learns == "beforehand":
            trained = f"trained on {self.trained_on or 'what the plan says'}"
            return f"{trained}, {known} known" if known else trained
        return f"{known} known" if known else "blind"

    @property
    def needs(self) -> tuple[str, ...]:
        """What of psf, srf and noise (level) it asks for."""
        asked = (("psf", self.needs_psf), ("srf", self.needs_srf), ("noise", self.needs_noise))
        return tuple(name for name, needed in asked if needed)

    def entitle(self, seen: Observation) -> Observation:
        """The same pair with what this card asks for, where it is there, and nothing else."""
        return seen.withhold(psf=not self.needs_psf, srf=not self.needs_srf, noise=not self.needs_noise)

    def refusal(self, bands: int, channels: int) -> str:
        """Why an image of this many bands and channels is refused; empty when it is taken."""
        for what, got, low, high in (
            ("bands", bands, self.min_bands, self.max_bands),
            ("channels", channels, self.min_channels, self.max_channels),
        ):
            if got < low or (high is not None and got > high):
                wanted = f"at least {low}" if high is None else f"{low}" if low == high else f"{low} to {high}"
                return f"{self.name} takes {wanted} {what}, got {got}"
        return ""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a method gives back: the fused cube, and whatever else it found out."""

    cube: Float[Tensor, "bands H W"]
    psf: SpatialResponse | None = None  # blind methods report what they estimated
    srf: SpectralResponse | None = None
    std: Float[Tensor, "bands H W"] | None = None  # posterior standard deviation, where a method has one


@dataclass(frozen=True, eq=False)
class Example:
    """What a method that learns is given: a pair, and the truth for cards with supervision="truth" alone."""

    seen: Observation
    truth: Float[Tensor, "bands H W"] | None = None


@dataclass(frozen=True)
class ParameterCount:
    """Learned numbers of a method: all of them, and those that inference uses."""

    total: int = 0
    inference: int = 0


class _Described(ABC):  # the two kinds below have the abstract methods
    """What both kinds of method have."""

    card: ClassVar[Card]  # for the default parameters
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({})  # settings for a run of a second, used by the contract checks alone

    def describe(self) -> Card:
        """The card of this configuration: known or blind, checkpoint or on the scene. It decides the tier."""
        return self.card


class FusionMethod(_Described):
    """A method that is ready to fuse."""

    @abstractmethod
    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube. `seen` holds what the card asks for; `rng` lives on the CPU, seeded by the referee."""

    def parameter_count(self) -> ParameterCount:
        """Learned parameters; a method without any need not override this."""
        return ParameterCount()


class TrainableMethod(_Described):
    """A method that learns first, or loads weights: `fit` gives the `FusionMethod` that is then timed.

    With learns="on the scene", `fit` is given that one observation; with learns="beforehand", training examples: patches without end, made
    when they are asked for (`examples[k]` for step k), so the method's own budget says how many it takes. A method that takes its weights
    from a file says on its card what they were `trained_on`, and is given none. Its time is its own column, never part of inference.
    What `fit` returns must survive pickling: it is kept, and used for every scene.
    """

    @abstractmethod
    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The fitted method. `rng` lives on the CPU, seeded by the referee."""


@dataclass(frozen=True)
class Moment:
    """Where a long training stands; what its progress line shows."""

    step: int  # done
    steps: int  # of the whole budget
    losses: Mapping[str, float]  # by name, means since the last moment
    seconds: float  # spent in all, also before a resumption
    left_s: float  # at the pace of this process


@dataclass(frozen=True)
class Desk:
    """Where a long training keeps its state, and whom it tells."""

    folder: Path
    device: str = "cpu"
    every_s: float = 120.0  # between two checkpoints
    limit_s: float | None = None  # stop after so long, at a checkpoint; None: train to the end of the budget
    tell: Callable[[Moment], None] = lambda moment: None


class LongTrainedMethod(TrainableMethod):
    """A method whose training takes hours: it can be stopped at any moment and goes on, and its weights can be shipped.

    A training that went on ends with the weights of one that was never stopped: the same bits on one machine and one number of threads.
    """

    @abstractmethod
    def train(self, examples: Sequence[Example], validation: Sequence[Example], rng: torch.Generator, desk: Desk) -> FusionMethod:
        """What `fit` gives, in one pass over `examples`, which are made when they are asked for. Goes on from the desk's checkpoint.

        The budget is the number of examples and fixed; `validation` is for the curve alone, nothing is chosen by it.
        """

    @abstractmethod
    def save(self, fitted: FusionMethod, file: Path, facts: Mapping[str, str]) -> None:
        """Writes the weights of what `train` gave, with `facts` on the training, into a file that this method can be given."""


AnyMethod = FusionMethod | TrainableMethod


def learn(method: AnyMethod, seen: Observation, rng: torch.Generator, examples: Sequence[Example] = ()) -> FusionMethod:
    """The method ready to fuse `seen`: itself, or fitted on what its card says (on this pair, from its weights, or on `examples`)."""
    if isinstance(method, FusionMethod):
        return method
    return method.fit([Example(seen)] if method.describe().learns == "on the scene" else examples, rng)


def awaits_training(method: AnyMethod) -> bool:
    """Whether it must be given examples before it can fuse: it learns beforehand, and has seen nothing yet."""
    card = method.describe()
    return isinstance(method, TrainableMethod) and card.learns == "beforehand" and not card.trained_on

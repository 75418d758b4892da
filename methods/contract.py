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
from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation

Supervision = Literal["none", "self", "truth"]
Learns = Literal["never", "on the scene", "beforehand"]
Implementation = Literal["as described", "optimised, same output", "optimised, another output", "the authors' own"]

_SOURCES: Mapping[Learns, tuple[Supervision, ...]] = MappingProxyType(
    {"never": ("none",), "on the scene": ("self",), "beforehand": ("self", "truth")}
)
_WORDS: Mapping[str, str] = MappingProxyType({"psf": "blur", "srf": "colour response", "noise": "noise level"})


class RefusedError(ValueError):
    """Input that a method cannot take, by a fact on its card; the referee records the cell as skipped, with this text."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The facts on a method, shown in every table.

    `supervision` is what learning uses: nothing, observations alone, or the truth of scenes other than the one to be fused. It follows
    from `learns` that some pairs of the two cannot be: a method that never learns uses nothing, one that learns on the scene has that
    observation alone, and one that learned beforehand learned from something.

    `implementation` says what the seconds, the memory and the counted operations of a row belong to:

        as described                 to the steps that the publication describes
        optimised, same output       to other steps, which give the same cube up to rounding: work that the cube does not need is left
                                     out, matrices are merged, a closed form stands in the place of an inner iteration
        optimised, another output    to other steps, which give another cube (a lower precision)
        the authors' own             to the program of the method's authors

    Raises:
        ValueError: facts that contradict each other, or a word that is none of those above.
    """

    name: str  # as the paper spells it
    paper: str  # authors, title or venue
    doi: str
    year: int
    needs_psf: bool = False
    needs_srf: bool = False
    needs_noise: bool = False
    supervision: Supervision = "none"
    learns: Learns = "never"
    random: bool = True  # whether the result depends on the seed; True is the careful choice, since every seed is run then
    implementation: Implementation = "as described"
    trained_on: str = ""  # what a method that learns beforehand has seen
    trained_scenes: tuple[str, ...] = ()  # names or fingerprints of those scenes: a test on one of them is refused
    tuned_on: str = ""  # scenes on which the defaults that it runs with were tuned, by the authors or here; empty: none is known of
    unranked: str = ""  # why this configuration must not be ranked ("under-trained: ..."); empty when it may be
    min_bands: int = 1  # smaller inputs are refused
    max_bands: int | None = None
    min_channels: int = 1
    max_channels: int | None = None
    fidelity: str  # how it was checked against the authors' code, or why it could not be

    def __post_init__(self) -> None:
        for field, value, words in (
            ("supervision", self.supervision, get_args(Supervision)),
            ("learns", self.learns, get_args(Learns)),
            ("implementation", self.implementation, get_args(Implementation)),
        ):
            if value not in words:
                raise ValueError(f"card of {self.name}: {field}: expected one of {', '.join(map(repr, words))}, got {value!r}")
        possible = _SOURCES[self.learns]
        if self.supervision not in possible:
            raise ValueError(
                f"card of {self.name}: learns={self.learns!r} and supervision={self.supervision!r} contradict each other: expected "
                f"supervision={' or '.join(map(repr, possible))}; write 'none' with learns='never', 'self' with 'on the scene', and with "
                "'beforehand' either 'truth', where it is given the truth of other scenes, or 'self', where it is given observations alone"
            )

    @property
    def tier(self) -> str:
        """What the method knows, in words: "told nothing", "told the blur", "told blur and colour response" and so on.

        A method that learned beforehand has "; learned from other scenes, with their truth" or "..., without their truth" after that. The
        tier follows from the facts above alone and never from free text, so that methods meet in one tier whatever their training sets
        are called; `trained_on` and `tuned_on` are notes of a row. A method that learns on the scene knows no more than one that
        never learns: both have the one pair and what they are told of it, so both are in one tier.
        """
        words = [_WORDS[name] for name in self.needs]
        knowledge = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else f"the {words[0]}" if words else "nothing"
        if self.learns != "beforehand":
            return f"told {knowledge}"
        return f"told {knowledge}; learned from other scenes, {'with' if self.supervision == 'truth' else 'without'} their truth"

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
    files: ClassVar[tuple[str, ...]] = ()
    """Data files that the method reads from beside its own file: names or patterns ("weights/*.npz"), relative to that file's folder.

    Their content counts for the result: it is hashed into the key of every cell. A file that a plan names, as a parameter of the type
    `Path`, is hashed anyway and is not listed here.
    """

    def describe(self) -> Card:
        """The card of this configuration: what it is told, when it learns and from what, whether it is random. It decides the tier."""
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

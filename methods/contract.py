"""The contract of a method: the card that describes it, the `Estimate` that it returns, and the abstract classes that it derives from.

A method is a frozen dataclass named `Method`. Its fields are its hyper-parameters, and so they are also the settings that a plan may give.
A method that needs no learning derives from `FusionMethod`. A method that learns derives from `TrainableMethod`, whose `fit` returns a
`FusionMethod`. Both receive an `Observation` and a `torch.Generator`, and nothing else.
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
from datasets.observation import Observation, PairSizes

Supervision = Literal["none", "self", "truth"]
Learns = Literal["never", "on the scene", "beforehand"]
Implementation = Literal["as described", "optimised, same output", "optimised, another output", "the authors' own"]

_SOURCES: Mapping[Learns, tuple[Supervision, ...]] = MappingProxyType(
    {"never": ("none",), "on the scene": ("self",), "beforehand": ("self", "truth")}
)
_WORDS: Mapping[str, str] = MappingProxyType({"psf": "blur", "srf": "colour response", "noise": "noise level"})


class RefusedError(ValueError):
    """The input is one that the method cannot take, by a fact on its card. The referee records the cell as skipped, with this text."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The facts about a method. Every table shows them.

    `learns` says when the method learns, and `supervision` says what it learns from:

        learns="never"           supervision="none"               the method does not learn
        learns="on the scene"    supervision="self"               it learns from the pair that it then fuses
        learns="beforehand"      supervision="self" or "truth"    it learns from other pairs, without or with their truth

    `implementation` says which computation the seconds, the memory and the counted operations of a row belong to:

        as described                 the steps that the publication describes
        optimised, same output       other steps that give the same cube up to rounding: for example, work that the cube does not need is
                                     left out, matrices are merged, or a closed form replaces an inner iteration
        optimised, another output    other steps that give another cube, for example in a lower precision
        the authors' own             the program of the method's authors

    Raises:
        ValueError: two facts contradict each other, or a word is none of those above.
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
    random: bool = True  # whether the result depends on the seed; True is the safe choice, since every seed is run then
    implementation: Implementation = "as described"
    trained_on: str = ""  # the training set of a method that learns beforehand
    trained_scenes: tuple[str, ...] = ()  # names or fingerprints of those scenes; a test on one of them is refused
    tuned_on: str = ""  # scenes on which the default parameters were tuned, by the authors or by us; empty: none is known
    unranked: str = ""  # why this configuration must not be ranked ("under-trained: ..."); empty where it may be ranked
    min_bands: int = 1  # an image with fewer bands is refused
    max_bands: int | None = None
    min_channels: int = 1
    max_channels: int | None = None
    ratios: tuple[int, ...] = ()  # the ratios that it takes, as for a network with fixed strides; empty: every one
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
                "'beforehand' either 'truth', if it learns from the truth of other scenes, or 'self', if it learns from observations alone"
            )

    @property
    def tier(self) -> str:
        """The group in which the method is ranked, in words: "told nothing", "told the blur", "told blur and colour response" and so on.

        For a method that learns beforehand, "; learned from other scenes, with their truth" or "..., without their truth" follows. The
        words follow from the facts above alone, never from free text, so that methods trained on different sets share a tier. A method
        that learns on the scene is in the same tier as one that never learns: both know the one pair and what the card asks for.
        """
        words = [_WORDS[name] for name in self.needs]
        knowledge = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else f"the {words[0]}" if words else "nothing"
        if self.learns != "beforehand":
            return f"told {knowledge}"
        return f"told {knowledge}; learned from other scenes, {'with' if self.supervision == 'truth' else 'without'} their truth"

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of what the method asks for, out of "psf", "srf" and "noise" (the noise level)."""
        asked = (("psf", self.needs_psf), ("srf", self.needs_srf), ("noise", self.needs_noise))
        return tuple(name for name, needed in asked if needed)

    def entitle(self, seen: Observation) -> Observation:
        """The same pair, with the responses and the noise level that this card asks for, as far as the pair has them, and no others."""
        return seen.withhold(psf=not self.needs_psf, srf=not self.needs_srf, noise=not self.needs_noise)

    def refusal(self, bands: int, channels: int, ratio: int | None = None) -> str:
        """Why the method refuses a pair with this many bands and channels, and of this ratio; empty if it takes it."""
        if ratio is not None and self.ratios and ratio not in self.ratios:
            return f"{self.name} takes ratio {' or '.join(map(str, self.ratios))}, got {ratio}"
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
    """The result of a method: the fused cube, and what else the method estimated."""

    cube: Float[Tensor, "bands H W"]
    psf: SpatialResponse | None = None  # the estimate of a blind method, which is scored too
    srf: SpectralResponse | None = None  # the same
    std: Float[Tensor, "bands H W"] | None = None  # posterior standard deviation, where the method has one


@dataclass(frozen=True, eq=False)
class Example:
    """One training example: an observed pair, and its true cube where the card says supervision="truth"."""

    seen: Observation
    truth: Float[Tensor, "bands H W"] | None = None


@dataclass(frozen=True)
class ParameterCount:
    """How many numbers a method has learned."""

    total: int = 0  # all of them
    inference: int = 0  # those that `fuse` uses


class _Described(ABC):  # the abstract methods are those of the two classes below
    """What both kinds of method have in common."""

    card: ClassVar[Card]  # of the default parameters
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({})  # parameters for a run of about a second; only the contract's checks use them
    files: ClassVar[tuple[str, ...]] = ()
    """The data files that the method reads from the folder of its source file, as names or patterns, such as "weights/*.npz".

    Their content is hashed into the key of every cell, since the result depends on it. A file that a plan names, as a parameter of the
    type `Path`, is hashed without being listed here.
    """

    def describe(self) -> Card:
        """The card of this configuration. Override it where a fact on the card depends on the parameters; the tier follows from it."""
        return self.card

    def memory_estimate(self, sizes: PairSizes) -> int | None:
        """About how many bytes learning and fusing take at their peak, beyond the process and the pair; None where that is not known.

        A cell whose memory would not do is then ended with a reason before the work starts. So the estimate should not lie above what the
        method takes: a cell that would have run is a worse loss than one that runs out of memory.
        """
        return None


class FusionMethod(_Described):
    """A method that is ready to fuse."""

    @abstractmethod
    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube, on the device and in the dtype of `seen.hsi`.

        `seen` holds the responses and the noise level that the card asks for, and no others. It must not be changed. `rng` is on the CPU,
        and the referee has seeded it; all random numbers come from it.

        Raises:
            RefusedError: the pair is one that the method cannot take, as its card says.
        """

    def parameter_count(self) -> ParameterCount:
        """How many numbers the method has learned. A method that has learned none keeps this default."""
        return ParameterCount()


class TrainableMethod(_Described):
    """A method that learns, or loads weights: `fit` returns the `FusionMethod` that fuses. The time of `fit` has a column of its own."""

    @abstractmethod
    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The fitted method. It is pickled, and then used for every scene that it was fitted for.

        The card decides what `examples` holds:

            learns="on the scene"                      the one observation that is fused afterwards
            learns="beforehand"                        training patches: step k takes `examples[k]`. They are made when they are asked
                                                       for and never end, so the method's own budget decides how many are used
            learns="beforehand", with a `trained_on`   nothing: the method loads weights that were trained on that set

        `rng` is on the CPU, and the referee has seeded it; all random numbers come from it.
        """


@dataclass(frozen=True)
class Moment:
    """How far a long training has come. The progress line shows it."""

    step: int  # number of steps made
    steps: int  # number of steps of the whole training
    losses: Mapping[str, float]  # by name: means since the last report
    seconds: float  # spent on the training, those before an interruption included
    left_s: float  # seconds that the rest will take at the pace of this process


@dataclass(frozen=True)
class Desk:
    """Where a long training keeps its checkpoints, how long it may run, and to which function it reports its progress."""

    folder: Path  # of the checkpoints
    device: str = "cpu"
    every_s: float = 120.0  # seconds between two checkpoints
    limit_s: float | None = None  # seconds after which the training stops, at a checkpoint; None: it runs to the end of the budget
    tell: Callable[[Moment], None] = lambda moment: None  # is called with each progress report


class LongTrainedMethod(TrainableMethod):
    """A method whose training takes hours.

    The training can be stopped at any time and continued from its last checkpoint. On one machine with one number of threads, it ends with
    the same bits as a training that was never stopped. The trained weights can be saved in a file.
    """

    @abstractmethod
    def train(self, examples: Sequence[Example], validation: Sequence[Example], rng: torch.Generator, desk: Desk) -> FusionMethod:
        """The fitted method after one pass over `examples`, which are made when they are asked for. Starts from the desk's checkpoint.

        The number of examples is the budget of the training. `validation` serves the training curve alone; nothing is chosen by it.
        """

    @abstractmethod
    def save(self, fitted: FusionMethod, file: Path, facts: Mapping[str, str]) -> None:
        """Writes the weights of `fitted`, which `train` returned, into a file that this method can load, with `facts` on the training."""


AnyMethod = FusionMethod | TrainableMethod


def learn(method: AnyMethod, seen: Observation, rng: torch.Generator, examples: Sequence[Example] = ()) -> FusionMethod:
    """The method, ready to fuse `seen`. A method that learns is fitted first: on this pair, from its weights or on `examples`."""
    if isinstance(method, FusionMethod):
        return method
    return expect_fitted(method.fit([Example(seen)] if method.describe().learns == "on the scene" else examples, rng), "fit")


def expect_fitted(fitted: object, function: str) -> FusionMethod:
    """What `fit` or `adapt` returned, where it is a method that fuses.

    Raises:
        TypeError: it is something else, such as None where there is no `return`.
    """
    if not isinstance(fitted, FusionMethod):
        raise TypeError(
            f"expected `{function}` to return a FusionMethod, got {'None' if fitted is None else type(fitted).__name__}; write "
            "`return Fitted(network)` at its end, with a frozen dataclass `class Fitted(FusionMethod)` that has `network` as a field and "
            "fuses with it in `fuse`"
        )
    return fitted


def awaits_training(method: AnyMethod) -> bool:
    """Whether the method needs training examples: it learns beforehand, and its card names no training set."""
    card = method.describe()
    return isinstance(method, TrainableMethod) and card.learns == "beforehand" and not card.trained_on

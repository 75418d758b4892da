"""Any method that must be told a response, run blind: the responses are estimated from the pair first.

A plan asks for it with the parameter `blind`, which every method that needs a PSF or an SRF takes besides its own:

    [[method]]
    name = "rfuse"
    parameters = { blind = "hysure" }            # BlindFuse

    hysure           smooth least squares (`numerics/smooth_responses.py`)
    gradient         projected gradient on non-negative responses, M2U-Net's first stage (`numerics/constrained_responses.py`)
    predictability   the Gaussian blur under which the HSI predicts the MSI best (`numerics/responses.py`)

The method is handed the estimates where it asks for the truth, and they come back with its cube, to be scored. It is told no response then,
and its tier says so. The estimators draw no random numbers, so the result depends on the seed where the method's own does.
The estimation counts as learning for a method that learns on the scene, as inference for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, overload

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.adapting import AdaptingMethod, adapted
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from methods.iterates import IteratedMethod
from methods.numerics.sensors.constrained_responses import constrained_responses
from methods.numerics.sensors.predictive_responses import predictive_responses
from methods.numerics.sensors.smooth_responses import smooth_responses

PARAMETER = "blind"  # reserved: no method may have a field of this name
Estimator = Literal["hysure", "gradient", "predictability"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


class NothingToEstimateError(ValueError):
    """`blind` asked of a method that is told nothing anyway."""


@dataclass(frozen=True, eq=False)
class EstimatedResponses:
    """What an estimator says of the two sensors: msi = gain R x."""

    psf: SpatialResponse
    srf: SpectralResponse
    gain: Float[Tensor, " channels"]  # 1 where the estimator has rows of R that sum to 1


def estimate_responses(seen: Observation, estimator: Estimator) -> EstimatedResponses:
    """The responses of the pair, from the images, the ratio and the registration alone; deterministic, in the dtype of the images."""
    return _ESTIMATORS[estimator](seen)


def _by_smoothness(seen: Observation) -> EstimatedResponses:
    return EstimatedResponses(*smooth_responses(seen))


def _by_gradient(seen: Observation) -> EstimatedResponses:
    psf, srf = constrained_responses(seen)
    return EstimatedResponses(psf, srf, seen.msi.new_ones(seen.msi.shape[0]))


def _by_predictability(seen: Observation) -> EstimatedResponses:
    responses = predictive_responses(seen)
    return EstimatedResponses(responses.psf, responses.srf, seen.msi.new_ones(seen.msi.shape[0]))


_ESTIMATORS: Mapping[Estimator, Callable[[Observation], EstimatedResponses]] = MappingProxyType(
    {"hysure": _by_smoothness, "gradient": _by_gradient, "predictability": _by_predictability}
)
_REFERENCES: Mapping[Estimator, str] = MappingProxyType(
    {
        "hysure": "HySure's estimator (Simoes et al. 2015)",
        "gradient": "a projected gradient (first stage of M2U-Net, Li et al. 2024)",
        "predictability": "predictability (of this suite)",
    }
)

_TUNED: Mapping[Estimator, str] = MappingProxyType(
    {"hysure": "", "gradient": "", "predictability": "the search for the blur leaves the border out since a run on Jasper Ridge"}
)


@cache
def blind_form(kind: type[AnyMethod]) -> type[AnyMethod]:
    """`kind` with one more parameter, `blind`, and with the responses that its card asks for estimated by it."""
    learning = _BlindIterated if issubclass(kind, IteratedMethod) else _BlindLearning
    form: type[AnyMethod] = _BlindFusion if issubclass(kind, FusionMethod) else learning
    return make_dataclass(
        kind.__name__, [(PARAMETER, Estimator, field(kw_only=True))], bases=(form, kind), frozen=True, namespace={"__module__": __name__}
    )


def blind_card(card: Card, estimator: Estimator) -> Card:
    """The card of the method run blind: told no response. Whether it is random is the method's own fact, since estimators draw nothing.

    Raises:
        NothingToEstimateError: the method needs neither response.
    """
    if not (card.needs_psf or card.needs_srf):
        raise NothingToEstimateError(
            f"blind = {estimator!r}: expected a method that needs the PSF or the SRF, got {card.name}, which needs neither; leave it out"
        )
    wanted = " and ".join(name for name, needed in (("PSF", card.needs_psf), ("SRF", card.needs_srf)) if needed)
    return replace(
        card,
        name=f"{card.name} + {estimator} blind",
        needs_psf=False,
        needs_srf=False,
        tuned_on="; ".join(filter(None, (card.tuned_on, _TUNED[estimator]))),
        fidelity=f"{wanted} estimated from the pair by {_REFERENCES[estimator]}. The method: {card.fidelity}",
    )


def _with_estimated(seen: Observation, card: Card, responses: EstimatedResponses) -> Observation:
    """The pair as the inner method sees it: estimates for what its card asks for, nothing else.

    A method that is told the SRF takes it for the whole truth on the MSI, so the estimated gains are divided out.
    """
    known = Known(responses.psf if card.needs_psf else None, responses.srf if card.needs_srf else None, seen.known.noise)
    return replace(seen, msi=seen.msi / responses.gain[:, None, None] if card.needs_srf else seen.msi, known=known)


def _with_responses(estimate: Estimate, responses: EstimatedResponses) -> Estimate:
    """The estimate with the responses that it rests on, where the method has none of its own."""
    return replace(estimate, psf=estimate.psf or responses.psf, srf=estimate.srf or responses.srf)


class _BlindFusion(FusionMethod):
    """Stands before a method that does not learn; `super()` is that method."""

    blind: Estimator

    def describe(self) -> Card:
        """The method's card, without needs."""
        return blind_card(super().describe(), self.blind)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self).__bases__[1], {item.name: self.__dict__[item.name] for item in fields(self)})  # type: ignore[arg-type]

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """Estimate, then fuse."""
        responses = estimate_responses(seen, self.blind)
        estimate: Estimate = super().fuse(_with_estimated(seen, super().describe(), responses), rng)  # type: ignore[safe-super]
        return _with_responses(estimate, responses)


class _BlindLearning(TrainableMethod):
    """Stands before a method that learns; `super()` is that method."""

    blind: Estimator

    def describe(self) -> Card:
        """The method's card, without needs."""
        return blind_card(super().describe(), self.blind)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self).__bases__[1], {item.name: self.__dict__[item.name] for item in fields(self)})  # type: ignore[arg-type]

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """Learn with the responses estimated for each example; on a scene of its own, they serve the fusion as well."""
        card = super().describe()
        method_card, responses = _with_estimates(examples, card, self.blind)
        fitted: FusionMethod = super().fit(method_card, rng)  # type: ignore[safe-super]
        kind = _FittedBlindAdapting if isinstance(fitted, AdaptingMethod) else _FittedBlind
        return kind(fitted, card, self.blind, responses)


class _BlindIterated(_BlindLearning):
    """Stands before a method that shows its iterates; the responses are estimated once."""

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The last iterate."""
        return next(self.iterates(examples, rng, 1))

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FusionMethod]:
        """The method's iterates, learned with the estimates."""
        card = super(_BlindLearning, self).describe()  # of the method, as it needs responses
        method_card, responses = _with_estimates(examples, card, self.blind)
        for fitted in super().iterates(method_card, rng, count):  # type: ignore[misc]
            yield _FittedBlind(fitted, card, self.blind, responses)


def _with_estimates(examples: Sequence[Example], card: Card, estimator: Estimator) -> tuple[Sequence[Example], EstimatedResponses | None]:
    """The examples as the inner method with this card sees them, and what was found on the one that it learns and fuses, if it does."""
    if card.learns == "on the scene" and len(examples) == 1:
        responses = estimate_responses(examples[0].seen, estimator)
        return [replace(examples[0], seen=_with_estimated(examples[0].seen, card, responses))], responses
    return _BlindExamples(examples, card, estimator), None


def _remade(kind: type[AnyMethod], values: Mapping[str, Any]) -> AnyMethod:
    """A blind method out of a pickle: its class was made at run time, so it is made again."""
    return blind_form(kind)(**values)


@dataclass(frozen=True, eq=False)
class _BlindExamples(Sequence[Example]):
    """Examples with estimated responses, each estimated when it is asked for: there may be no end of them."""

    examples: Sequence[Example]
    card: Card  # of the inner method
    blind: Estimator

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        example = self.examples[index]
        return replace(example, seen=_with_estimated(example.seen, self.card, estimate_responses(example.seen, self.blind)))


@dataclass(frozen=True, eq=False)
class _FittedBlind(FusionMethod):
    """A fitted method behind the estimator."""

    card: ClassVar[Card]

    inner: FusionMethod
    method_card: Card  # of the inner method
    blind: Estimator
    responses: EstimatedResponses | None  # None: estimated for each pair that is fused

    def describe(self) -> Card:
        """The inner method's card, without needs."""
        return blind_card(self.method_card, self.blind)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """Fuse with the estimates."""
        responses = self.responses or estimate_responses(seen, self.blind)
        return _with_responses(self.inner.fuse(_with_estimated(seen, self.method_card, responses), rng), responses)

    def parameter_count(self) -> ParameterCount:
        """The inner method's."""
        return self.inner.parameter_count()


@dataclass(frozen=True, eq=False)
class _FittedBlindAdapting(_FittedBlind, AdaptingMethod):
    """The same before a method that learns on the scene besides: the responses are estimated once, and count as that learning."""

    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        """The inner method, adapted to the pair with the estimates."""
        responses = self.responses or estimate_responses(seen, self.blind)
        return _FittedBlind(
            adapted(self.inner, _with_estimated(seen, self.method_card, responses), rng), self.method_card, self.blind, responses
        )

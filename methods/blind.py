"""The parameter `blind`: any method that needs a response runs without it, with responses that are estimated from the pair first.

Every method that needs a PSF or an SRF takes this parameter in a plan, besides its own parameters:

    [[method]]
    name = "rfuse"
    parameters = { blind = "hysure" }            # this is BlindFuse

`numerics/sensors/response_estimators.py` has the estimators and their names. The method receives the estimates in the place of the true
responses, and returns them with its cube, so that they are scored too. Its card then asks for no response, and its tier says so. The
result is random only if the method itself is random, since the estimators draw nothing. The time of the estimation counts as learning for
a method that learns on the scene, and as inference for all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import cache
from typing import Any, ClassVar, overload

import torch

from datasets.observation import Known, Observation
from methods.adapting import AdaptingMethod, adapted
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from methods.iterates import IteratedMethod
from methods.numerics.sensors.response_estimators import (
    ESTIMATOR_REFERENCES,
    ESTIMATORS_TUNED_ON,
    EstimatedResponses,
    Estimator,
    estimate_responses,
)

PARAMETER = "blind"  # reserved: no method may have a field of this name


class NothingToEstimateError(ValueError):
    """`blind` was given to a method that needs neither the PSF nor the SRF."""


@cache
def blind_form(kind: type[AnyMethod]) -> type[AnyMethod]:
    """The class `kind` with one more parameter, `blind`, which estimates the responses that the method's card asks for."""
    learning = _BlindIterated if issubclass(kind, IteratedMethod) else _BlindLearning
    form: type[AnyMethod] = _BlindFusion if issubclass(kind, FusionMethod) else learning
    return make_dataclass(
        kind.__name__, [(PARAMETER, Estimator, field(kw_only=True))], bases=(form, kind), frozen=True, namespace={"__module__": __name__}
    )


def blind_card(card: Card, estimator: Estimator) -> Card:
    """The card of the blind form of a method: it asks for no response, and names the estimator.

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
        tuned_on="; ".join(filter(None, (card.tuned_on, ESTIMATORS_TUNED_ON[estimator]))),
        fidelity=f"{wanted} estimated from the pair by {ESTIMATOR_REFERENCES[estimator]}. The method: {card.fidelity}",
    )


class _BlindFusion(FusionMethod):
    """The blind form of a method that does not learn. It is the first base of that form, so `super()` is the method."""

    blind: Estimator

    def describe(self) -> Card:
        """The method's card, without the responses that it needs."""
        return blind_card(super().describe(), self.blind)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self).__bases__[1], {item.name: self.__dict__[item.name] for item in fields(self)})  # type: ignore[arg-type]

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of the method with the estimated responses, and these responses."""
        responses = estimate_responses(seen, self.blind)
        estimate: Estimate = super().fuse(_with_estimated(seen, super().describe(), responses), rng)  # type: ignore[safe-super]
        return _reporting(estimate, responses)


class _BlindLearning(TrainableMethod):
    """The blind form of a method that learns. It is the first base of that form, so `super()` is the method."""

    blind: Estimator

    def describe(self) -> Card:
        """The method's card, without the responses that it needs."""
        return blind_card(super().describe(), self.blind)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self).__bases__[1], {item.name: self.__dict__[item.name] for item in fields(self)})  # type: ignore[arg-type]

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The method, fitted with the responses estimated for each example.

        A method that learns on the scene fuses with the responses that it learned with. Any other estimates them again for each pair that
        it fuses.
        """
        method_card = super().describe()
        blind_examples, responses = _blind_examples(examples, method_card, self.blind)
        fitted: FusionMethod = super().fit(blind_examples, rng)  # type: ignore[safe-super]
        kind = _FittedBlindAdapting if isinstance(fitted, AdaptingMethod) else _FittedBlind
        return kind(fitted, method_card, self.blind, responses)


class _BlindIterated(_BlindLearning):
    """The blind form of a method that returns its iterates. The responses are estimated once."""

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The fitted method after all steps."""
        return next(self.iterates(examples, rng, 1))

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FusionMethod]:
        """The iterates of the method, learned with the estimated responses."""
        method_card = super(_BlindLearning, self).describe()  # the card of the method, with the responses that it needs
        blind_examples, responses = _blind_examples(examples, method_card, self.blind)
        for fitted in super().iterates(blind_examples, rng, count):  # type: ignore[misc]
            yield _FittedBlind(fitted, method_card, self.blind, responses)


@dataclass(frozen=True, eq=False)
class _FittedBlind(FusionMethod):
    """A fitted method that fuses with estimated responses."""

    card: ClassVar[Card]

    inner: FusionMethod
    method_card: Card  # of the inner method, with the responses that it needs
    blind: Estimator
    responses: EstimatedResponses | None  # None: they are estimated for each pair that is fused

    def describe(self) -> Card:
        """The inner method's card, without the responses that it needs."""
        return blind_card(self.method_card, self.blind)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of the inner method with the estimated responses, and these responses."""
        responses = self.responses or estimate_responses(seen, self.blind)
        return _reporting(self.inner.fuse(_with_estimated(seen, self.method_card, responses), rng), responses)

    def parameter_count(self) -> ParameterCount:
        """The count of the inner method."""
        return self.inner.parameter_count()


@dataclass(frozen=True, eq=False)
class _FittedBlindAdapting(_FittedBlind, AdaptingMethod):
    """The same for a method that also learns on the scene that it fuses. The estimation, made once, counts as this learning."""

    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        """The inner method, adapted to the pair with the estimated responses."""
        responses = self.responses or estimate_responses(seen, self.blind)
        inner = adapted(self.inner, _with_estimated(seen, self.method_card, responses), rng)
        return _FittedBlind(inner, self.method_card, self.blind, responses)


def _blind_examples(
    examples: Sequence[Example], method_card: Card, estimator: Estimator
) -> tuple[Sequence[Example], EstimatedResponses | None]:
    """The examples with estimated responses, and the estimates themselves if the method learns on the one scene that it fuses."""
    if method_card.learns == "on the scene" and len(examples) == 1:
        responses = estimate_responses(examples[0].seen, estimator)
        return [replace(examples[0], seen=_with_estimated(examples[0].seen, method_card, responses))], responses
    return _ExamplesWithEstimates(examples, method_card, estimator), None


@dataclass(frozen=True, eq=False)
class _ExamplesWithEstimates(Sequence[Example]):
    """Examples with estimated responses. Each is estimated when it is asked for, since the examples may never end."""

    examples: Sequence[Example]
    method_card: Card
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
        return replace(example, seen=_with_estimated(example.seen, self.method_card, estimate_responses(example.seen, self.blind)))


def _with_estimated(seen: Observation, method_card: Card, responses: EstimatedResponses) -> Observation:
    """The pair as the inner method sees it: with the estimates of those responses that its card asks for, and no others.

    A method that knows the SRF expects msi = R x, without a gain, so the MSI is divided by the estimated gains.
    """
    known = Known(responses.psf if method_card.needs_psf else None, responses.srf if method_card.needs_srf else None, seen.known.noise)
    return replace(seen, msi=seen.msi / responses.gain[:, None, None] if method_card.needs_srf else seen.msi, known=known)


def _reporting(estimate: Estimate, responses: EstimatedResponses) -> Estimate:
    """The estimate with the responses that it rests on, where the method has not estimated its own."""
    return replace(estimate, psf=estimate.psf or responses.psf, srf=estimate.srf or responses.srf)


def _unpickled(kind: type[AnyMethod], values: Mapping[str, Any]) -> AnyMethod:
    """A blind method read from a pickle. Its class was made at run time, so it is made again here."""
    return blind_form(kind)(**values)

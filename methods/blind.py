"""Any method that must be told a response, run blind: the responses are estimated from the pair first.

A plan asks for it with the parameter `blind`, which every method that needs a PSF or an SRF takes besides its own:

    [[method]]
    name = "rfuse"
    parameters = { blind = "hysure" }            # BlindFuse

    hysure           smooth least squares (`numerics/smooth_responses.py`)
    gradient         projected gradient on non-negative responses, M2U-Net's first stage (`numerics/constrained_responses.py`)
    predictability   the Gaussian blur under which the HSI predicts the MSI best (`numerics/responses.py`)

The method is handed the estimates where it asks for the truth, and they come back with its cube, to be scored. Its tier is "blind".
The estimation counts as learning for a method that learns on the scene, as inference for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, overload

import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from methods.numerics.constrained_responses import constrained_responses
from methods.numerics.responses import predictability
from methods.numerics.smooth_responses import smooth_responses

PARAMETER = "blind"  # reserved: no method may have a field of this name
Estimator = Literal["hysure", "gradient", "predictability"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)
Pair = tuple[SpatialResponse, SpectralResponse]


class NothingToEstimateError(ValueError):
    """`blind` asked of a method that is told nothing anyway."""


def estimate_responses(seen: Observation, estimator: Estimator) -> Pair:
    """PSF and SRF of the pair, from the images, the ratio and the registration alone; deterministic, in the dtype of the images."""
    return _ESTIMATORS[estimator](seen)


def _by_predictability(seen: Observation) -> Pair:
    found = predictability(seen)
    return found.psf, found.srf


_ESTIMATORS: Mapping[Estimator, Callable[[Observation], Pair]] = MappingProxyType(
    {"hysure": smooth_responses, "gradient": constrained_responses, "predictability": _by_predictability}
)
_REFERENCES: Mapping[Estimator, str] = MappingProxyType(
    {
        "hysure": "HySure's estimator (Simoes et al. 2015)",
        "gradient": "a projected gradient (first stage of M2U-Net, Li et al. 2024)",
        "predictability": "predictability (of this suite)",
    }
)


@cache
def blind_form(kind: type[AnyMethod]) -> type[AnyMethod]:
    """`kind` with one more parameter, `blind`, and with the responses that its card asks for estimated by it."""
    form: type[AnyMethod] = _BlindFusion if issubclass(kind, FusionMethod) else _BlindLearning
    return make_dataclass(
        kind.__name__, [(PARAMETER, Estimator, field(kw_only=True))], bases=(form, kind), frozen=True, namespace={"__module__": __name__}
    )


def blind_card(card: Card, estimator: Estimator) -> Card:
    """The card of the method run blind.

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
        fidelity=f"{wanted} estimated from the pair by {_REFERENCES[estimator]}. The method: {card.fidelity}",
    )


def _told(seen: Observation, card: Card, found: Pair) -> Observation:
    """The pair as the inner method sees it: estimates for what its card asks for, nothing else."""
    psf, srf = found
    return replace(seen, known=Known(psf if card.needs_psf else None, srf if card.needs_srf else None, seen.known.noise))


def _with_responses(estimate: Estimate, found: Pair) -> Estimate:
    """The estimate with the responses that it rests on, where the method has none of its own."""
    return replace(estimate, psf=estimate.psf or found[0], srf=estimate.srf or found[1])


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
        found = estimate_responses(seen, self.blind)
        estimate: Estimate = super().fuse(_told(seen, super().describe(), found), rng)  # type: ignore[safe-super]
        return _with_responses(estimate, found)


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
        found: Pair | None = None
        told: Sequence[Example] = _ToldExamples(examples, card, self.blind)
        if card.learns == "on the scene" and len(examples) == 1:
            found = estimate_responses(examples[0].seen, self.blind)
            told = [replace(examples[0], seen=_told(examples[0].seen, card, found))]
        fitted: FusionMethod = super().fit(told, rng)  # type: ignore[safe-super]
        return _Fitted(fitted, card, self.blind, found)


def _remade(kind: type[AnyMethod], values: Mapping[str, Any]) -> AnyMethod:
    """A blind method out of a pickle: its class was made at run time, so it is made again."""
    return blind_form(kind)(**values)


@dataclass(frozen=True, eq=False)
class _ToldExamples(Sequence[Example]):
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
        return replace(example, seen=_told(example.seen, self.card, estimate_responses(example.seen, self.blind)))


@dataclass(frozen=True, eq=False)
class _Fitted(FusionMethod):
    """A fitted method behind the estimator."""

    card: ClassVar[Card]

    inner: FusionMethod
    told: Card  # of the inner method
    blind: Estimator
    found: Pair | None  # None: estimated for each pair that is fused

    def describe(self) -> Card:
        """The inner method's card, without needs."""
        return blind_card(self.told, self.blind)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """Fuse with the estimates."""
        found = self.found or estimate_responses(seen, self.blind)
        return _with_responses(self.inner.fuse(_told(seen, self.told, found), rng), found)

    def parameter_count(self) -> ParameterCount:
        """The inner method's."""
        return self.inner.parameter_count()

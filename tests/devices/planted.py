"""Methods with one fault each that only a second device shows, and what is to be found of it: whether the test would notice.

All spread the HSI's pixels over the fine grid; what they do besides is their fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from datasets.observation import Observation
from methods.catalog import Entry
from methods.contract import Card, Estimate, Example, FusionMethod, TrainableMethod
from tests.devices.cases import Case, Kind

CARD = Card(name="Planted", paper="a test", doi="", year=2026, fidelity="none")
_KEPT: list[Tensor] = []


@dataclass(frozen=True)
class Spread(FusionMethod):
    """Without a fault."""

    card: ClassVar[Card] = CARD

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        wide = seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)
        return Estimate(self.changed(wide, seen, rng))

    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + seen.msi.mean() / 100


class AddsFromTheCpu(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.linspace(0, 1, wide.shape[2])


class PicksFromTheCpu(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide.index_select(2, torch.arange(wide.shape[2]))


class GathersOnTheCpu(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.linspace(0, 1, 7)[(wide[0] > 0.5).long()]


class AddsOntoANumber(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.tensor(0.0).add_(wide.mean())


class Draws(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.empty_like(wide).uniform_(generator=rng)


class DrawsFromNowhere(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.rand(wide.shape, device=wide.device)


class CallsNumpy(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return torch.from_numpy(wide.numpy())


class ComesBack(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide.cpu()


class Keeps(Spread):
    """What it has made on the device that came first."""

    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        _KEPT.append(wide)
        return wide + _KEPT[0]


class Differs(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide if wide.device.type == "cpu" else 1.001 * wide


class Counts(Spread):
    """By an operator that torch has for the CPU alone."""

    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        return wide + torch.histogram(wide.flatten(), 4)[0][0]


class CountsInside(Spread):
    """The same inside an operator that is made of others, which in inference mode comes whole."""

    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        with torch.inference_mode():
            return wide + torch.histogramdd(wide.flatten()[:, None], 4)[0][0]


class MultipliesWholeNumbers(Spread):
    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        flat = (100 * wide).long().flatten(1)
        return wide + (flat @ flat.T).double().mean()


@dataclass(frozen=True, eq=False)
class KeepsCopies(Spread):
    """One a device, and pickles them: after a file they lie elsewhere than their place says."""

    copies: dict[torch.device, Tensor] = field(default_factory=dict)

    def changed(self, wide: Tensor, seen: Observation, rng: torch.Generator) -> Tensor:
        if wide.device not in self.copies:
            self.copies[wide.device] = torch.ones(1, 1, wide.shape[2]).to(wide)
        return wide + self.copies[wide.device]


@dataclass(frozen=True)
class Learns(TrainableMethod):
    """Gives `KeepsCopies`."""

    card: ClassVar[Card] = Card(name="Planted", paper="a test", doi="", year=2026, fidelity="none", supervision="self", learns="beforehand")

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        return KeepsCopies()


TWO_DEVICES = "at least two devices"
FAULTS: Mapping[type[FusionMethod | TrainableMethod], str] = {  # words of what is found; "" for nothing
    Spread: "",
    AddsFromTheCpu: TWO_DEVICES,
    PicksFromTheCpu: TWO_DEVICES,
    GathersOnTheCpu: TWO_DEVICES,
    AddsOntoANumber: TWO_DEVICES,
    Keeps: TWO_DEVICES,
    Draws: "with a generator of the CPU",
    DrawsFromNowhere: "from the device's global generator",
    CallsNumpy: "numpy",
    ComesBack: "expected it on pretend:0, got it on cpu",
    Differs: "apart, more than",
    Counts: "no CUDA kernel",
    CountsInside: "no CUDA kernel",
    MultipliesWholeNumbers: "no CUDA kernel for torch.int64",
    Learns: TWO_DEVICES,
}


def planted() -> Iterator[Case]:
    """One case for each, in their order."""
    for kind in FAULTS:
        way: Kind = "carried" if issubclass(kind, TrainableMethod) else "alone"
        yield Case(way, Entry(kind.__name__, "planted", None, f"{__name__}:{kind.__name__}"), {})

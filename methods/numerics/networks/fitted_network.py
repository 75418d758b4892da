"""A network that has learned beforehand, ready to fuse pairs like those of its training."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod, ParameterCount, RefusedError


@dataclass(frozen=True, eq=False)
class FittedNetwork(FusionMethod):
    """A trained network, and the card of its method."""

    card: ClassVar[Card] = Card(name="network", paper="its method's card says it", doi="", year=2026, fidelity="its method's card says it")

    network: nn.Module
    method_card: Card
    size: tuple[int, int, int]  # bands, channels and ratio of its training
    most_pixels: int | None = None  # an image with more fine pixels is refused
    _placed: dict[tuple[torch.device, torch.dtype], nn.Module] = field(default_factory=dict, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The fields without the copies, which are on devices of this process: after loading, they might be on other devices."""
        return {**self.__dict__, "_placed": {}}

    def describe(self) -> Card:
        """The card of the method that was trained."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube that the network gives for the whole image. It draws nothing from `rng`.

        Raises:
            RefusedError: the pair has other bands, channels or ratio than the training, or its image is too large.
        """
        self.check(seen)
        with torch.inference_mode():
            cube = self.on(seen)(seen.hsi[None], seen.msi[None])[0]
        return Estimate(cube.clone(memory_format=torch.contiguous_format))  # cloned outside inference mode: an ordinary tensor

    def check(self, seen: Observation) -> None:
        """Raises RefusedError for a pair that the network was not trained for, or whose image is too large."""
        got = (seen.hsi.shape[0], seen.msi.shape[0], seen.ratio)
        if got != self.size:
            raise RefusedError(
                f"{self.method_card.name}: expected the {self.size[0]} bands, {self.size[1]} channels and ratio {self.size[2]} of its "
                f"training, got {got[0]} bands, {got[1]} channels and ratio {got[2]}; train it on such pairs"
            )
        pixels = seen.msi.shape[1] * seen.msi.shape[2]
        if self.most_pixels is not None and pixels > self.most_pixels:
            raise RefusedError(
                f"{self.method_card.name}: expected at most {self.most_pixels} fine pixels (each attends to all others, so the time "
                f"grows with the square of their number), got {pixels}; crop the scene"
            )

    def parameter_count(self) -> ParameterCount:
        """The number of all weights, and of those that the output depends on; the card names the others."""
        total = sum(weights.numel() for weights in self.network.parameters())
        return ParameterCount(total, total - sum(weights.numel() for weights in idle(self.network)))

    def on(self, seen: Observation) -> nn.Module:
        """A copy of the network on the device and in the dtype of `seen`, made once; the original is not changed."""
        place = (seen.hsi.device, seen.hsi.dtype)
        if place not in self._placed:
            self._placed[place] = deepcopy(self.network).to(seen.hsi).eval()
        return self._placed[place]


def idle(network: nn.Module) -> list[nn.Parameter]:
    """The parameters named `idle...`: a publication counts them, so the network keeps them, but no output depends on them."""
    return [tensor for name, tensor in network.named_parameters() if name.rpartition(".")[2].startswith("idle")]

"""Faster learning steps for a network that learns on a scene. Each is used only on request, and the card names it.

    compiled      the network is compiled by `torch.compile`: the same numbers up to rounding; the first step waits for the compiler
    cuda_graph    compiled, and its kernels are recorded once and replayed (`reduce-overhead`); on CUDA devices only
    autocast      the network computes in bfloat16 where torch considers that safe; this gives another result

They change the network's computation in learning alone. The loss, Adam and the fusion stay in the precision of the pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from methods.contract import Card, RefusedError

Called = Callable[[Mapping[str, Tensor], tuple[Any, ...]], Any]  # (parameters by name, inputs) -> output; tensors, if accelerated


@dataclass(frozen=True)
class Acceleration:
    """The parameters of a method that asks for faster steps. Such a method derives from this class as well as from `TrainableMethod`."""

    compiled: bool = field(default=False, kw_only=True)  # by torch.compile
    cuda_graph: bool = field(default=False, kw_only=True)  # compiled, and replayed as a CUDA graph
    autocast: bool = field(default=False, kw_only=True)  # in bfloat16, which gives another result

    @property
    def accelerated(self) -> bool:
        """Whether any of them is asked for."""
        return self.compiled or self.cuda_graph or self.autocast

    def labelled(self, card: Card) -> Card:
        """The card, with those that are asked for in its name, and with an `implementation` other than "as described"."""
        asked = (("compiled", self.compiled), ("CUDA graph", self.cuda_graph), ("bf16", self.autocast))
        labels = [word for word, wanted in asked if wanted]
        if not labels:
            return card
        card = replace(card, name=", ".join([card.name, *labels]), implementation="optimised, same output")
        if not self.autocast:
            return card
        away = "; learned in bf16, which gives another result"
        return replace(card, implementation="optimised, another output", fidelity=card.fidelity + away)

    def called(self, network: nn.Module, device: torch.device) -> Called:
        """The network as a function of its parameters and its inputs.

        Raises:
            RefusedError: a CUDA graph is asked for on a device without CUDA.
        """
        if self.cuda_graph and device.type != "cuda":
            raise RefusedError(f"cuda_graph: expected a CUDA device, got {device.type}; leave it out, or take `compiled`")

        def plain(parameters: Mapping[str, Tensor], inputs: tuple[Any, ...]) -> Any:
            return functional_call(network, dict(parameters), inputs)

        call: Called = plain
        if self.compiled or self.cuda_graph:
            call = torch.compile(plain, dynamic=False, mode="reduce-overhead" if self.cuda_graph else "default")
        if not self.autocast:
            return call

        def low(parameters: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
            with torch.autocast(device.type, torch.bfloat16):
                output: Tensor = call(parameters, inputs)
                return output.to(inputs[0].dtype)

        return low


PLAIN = Acceleration()

"""First weights of a network, drawn on the CPU from the generator that is handed in; torch's global generator is left as it was.

uniform    weights and biases uniform within 1 / sqrt(inputs of a unit): torch's own rule
He         weights normal with variance gain / inputs of a unit, biases 0. He et al., ICCV 2015
Glorot     weights uniform within sqrt(6 / (inputs + outputs)), biases 0. Glorot and Bengio, AISTATS 2010
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def new_network(build: Callable[[], Network], draw: Callable[[Network], None], like: Tensor) -> Network:
    """The network that `build` gives, its weights set by `draw` on the CPU, then moved to the device and the dtype of `like`.

    What `draw` leaves alone keeps the values that torch gives it.
    """
    with torch.random.fork_rng(devices=[]):
        network = build()
    with torch.no_grad():
        draw(network)
    return network.to(like)


def draw_uniform_weights(network: nn.Module, rng: torch.Generator) -> None:
    """Sets the weights and biases of all convolutions and linear maps by the uniform rule; everything else stays as it is."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            bound = 1 / sqrt(module.weight[0].numel())
            for tensor in (module.weight, module.bias):
                if tensor is not None:
                    nn.init.uniform_(tensor, -bound, bound, generator=rng)


def draw_he_weights(network: nn.Module, rng: torch.Generator, gain: float = 2.0) -> None:
    """Sets the weights and biases of all convolutions and linear maps by He's rule; everything else stays as it is."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=(gain / module.weight[0].numel()) ** 0.5, generator=rng)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def normal_weights(shape: Sequence[int], std: float, rng: torch.Generator, like: Tensor) -> Tensor:
    """Normal numbers of mean 0 and standard deviation `std`, drawn in float32, on the device and in the dtype of `like`."""
    return (torch.randn(*shape, generator=rng, dtype=torch.float32) * std).to(like)


def glorot_weights(units: Sequence[int], rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The (out, in) matrix and the bias of each layer between two numbers of `units`, by Glorot's rule, drawn in float32."""
    start = []
    for incoming, outgoing in pairwise(units):
        limit = (6 / (incoming + outgoing)) ** 0.5
        matrix = (2 * torch.rand(outgoing, incoming, generator=rng, dtype=torch.float32) - 1) * limit
        start += [matrix.to(like), like.new_zeros(outgoing)]
    return start

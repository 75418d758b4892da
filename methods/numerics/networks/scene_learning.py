"""Common parts of the methods that learn on one scene: steps by a budget, losses, and a loop that raises an error if learning diverges.

The budget multiplies every published number of steps (`published_budget.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Example, RefusedError
from methods.numerics.networks.acceleration import PLAIN, Acceleration
from methods.numerics.networks.fitting import iterates

CHUNK = 8192  # fine pixels per forward pass of a per-pixel network: its values stay in the cache, and memory does not grow with the image


class DivergedError(ArithmeticError):
    """Learning diverged. The text says where, and what to change."""


def scaled(steps: int, budget: float) -> int:
    """The number of steps for this budget: the published number times the budget, at least 1."""
    return max(1, round(steps * budget))


def checked_positive(settings: Mapping[str, float]) -> None:
    """Raises ValueError with the name of the first setting that is not above 0."""
    for name, value in settings.items():
        if not value > 0:
            raise ValueError(f"{name}: expected a number > 0, got {value}")


def only_scene(examples: Sequence[Example], name: str, least_ratio: int = 2) -> Observation:
    """The one pair of `examples`, on which the method called `name` learns.

    Raises:
        ValueError: there is not exactly one example.
        RefusedError: the pair's ratio is below `least_ratio`.
    """
    if len(examples) != 1:
        raise ValueError(f"{name} learns on one scene: expected 1 example, got {len(examples)}; fit a method for each scene")
    seen = examples[0].seen
    if seen.ratio < least_ratio:
        raise RefusedError(f"{name} takes ratios of {least_ratio} and more, got {seen.ratio}: at ratio 1 there is nothing to fuse")
    return seen


def must_be_finite(tensors: Iterable[Tensor], what: str, way_out: str) -> None:
    """Raises DivergedError if a learned number is NaN or infinite; `what` has diverged, and `way_out` says what to change."""
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise DivergedError(f"{what} diverged: expected finite weights after learning, got NaN or Inf; {way_out}")


def network_iterates(
    network: nn.Module,
    loss: Callable[[Callable[..., Any]], Tensor],
    rates: Iterable[float],
    count: int,
    what: str,
    way_out: str,
    *,
    project: Callable[[Mapping[str, Tensor]], None] | None = None,
    share: Callable[[str], float] | None = None,
    acceleration: Acceleration = PLAIN,
) -> Iterator[None]:
    """Learns the parameters of `network` in place with Adam, and halts after each of `count` equal shares of the steps.

    At each halt `network` has the weights of that moment.

    Args:
        network: what is learned.
        loss: the loss as a function of the network, which it calls with its inputs.
        rates: the learning rate of each step.
        count: how many halts; if there are fewer steps, there is one halt per step.
        what: the name of what is learned, for an error.
        way_out: what to change if learning diverges, for an error.
        project: is called with the parameters by name after each step, and may change them in place.
        share: gives the multiple of the learning rate for a parameter of this name.
        acceleration: faster steps, for a network from tensors to one tensor.

    Raises:
        DivergedError: the weights are no longer finite.
        RefusedError: this device does not have the acceleration.
    """
    names = [name for name, _ in network.named_parameters()]
    start = [parameter.detach() for parameter in network.parameters()]
    call = acceleration.called(network, start[0].device)

    def measure(parameters: Sequence[Tensor]) -> Tensor:
        table = dict(zip(names, parameters, strict=True))
        return loss(lambda *inputs: call(table, inputs))

    for weights in iterates(
        measure,
        start,
        rates,
        count,
        epsilon=1e-8,
        project=None if project is None else lambda values: project(dict(zip(names, values, strict=True))),
        shares=None if share is None else [share(name) for name in names],
    ):
        must_be_finite(weights, what, way_out)
        with torch.no_grad():
            for parameter, value in zip(network.parameters(), weights, strict=True):
                parameter.copy_(value)
        yield


def pair_loss(seen: Observation, psf: SpatialResponse, srf: SpectralResponse, *inputs: Tensor) -> Callable[[Callable[..., Any]], Tensor]:
    """A function of a network that gives |srf(X) - msi| + |psf(X) - hsi|, means of absolute differences, for its cube X = network(*inputs).

    Inputs and cube are batches of one image.
    """

    def measure(network: Callable[..., Any]) -> Tensor:
        fused = network(*inputs)[0]
        return F.l1_loss(srf(fused), seen.msi) + F.l1_loss(psf(fused), seen.hsi)

    return measure


def edge_repeating(psf: SpatialResponse) -> SpatialResponse:
    """The same response, with the edge pixel repeated beyond the border, as the estimators of responses read the images."""
    return replace(psf, boundary="replicate")


def strided_blur(
    image: Float[Tensor, "bands H W"], kernel: Float[Tensor, "rows cols"], first: tuple[int, int], ratio: int
) -> Float[Tensor, "bands h w"]:
    """Each band blurred by `kernel` and decimated, with the edge pixel repeated beyond the border.

    `first` is the fine pixel under the first tap for coarse pixel (0, 0). Only the coarse pixels are computed. Gradients flow to the
    kernel.
    """
    spans = [(start, start + size - ratio + taps) for start, size, taps in zip(first, image.shape[1:], kernel.shape, strict=True)]
    padded = image
    for axis, (begin, end) in enumerate(spans, start=1):
        size = image.shape[axis]
        if begin >= 0 and end <= size:
            padded = padded.narrow(axis, begin, end - begin)
        else:
            padded = padded.index_select(axis, torch.arange(begin, end).clamp(0, size - 1).to(image.device))
    return F.conv2d(padded[:, None], kernel[None, None], stride=ratio)[:, 0]


def by_pixels(network: Callable[..., Tensor], *images: Float[Tensor, "_ H W"], chunk: int = 0) -> Float[Tensor, "bands H W"]:
    """The output of a per-pixel network, a function of (features, pixels) matrices, on whole images; `chunk` or CHUNK pixels at a time."""
    flat, size = [image.flatten(1) for image in images], chunk or CHUNK
    with torch.no_grad():
        parts = [network(*(image[:, begin : begin + size] for image in flat)) for begin in range(0, flat[0].shape[1], size)]
    return torch.cat(parts, dim=1).reshape(-1, *images[0].shape[1:])

"""Learning from one observed pair, with a fixed budget and the last iterate.

1. The sensors alone: `blind_steps` steps of Adam on the degradation loss of the whole pair. This loss depends on the sensors alone, and
   their few numbers must change much, since the PSF begins nearly as a single tap. So they have a learning rate of their own, which falls
   linearly to 0.
2. The whole network: `steps` steps of Adam on all four losses. Each step uses one random crop, aligned with the coarse grid; the learning
   rate falls linearly to 0. One backward pass is enough: in the cycle the sensors are constants, so each part learns from its own terms.

All random numbers, those of the first weights included, come from the generator that is handed in; torch's global generator is left as it
was.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.numerics.networks.first_weights import draw_uniform_weights, new_network
from methods.unsupervised.mossfuse.ablation import Without, take_away
from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork


@dataclass(frozen=True)
class Budget:
    """The length of the training, and its settings. There is no stopping rule."""

    steps: int  # of the whole network
    learning_rate: float
    crop: int  # longest side of a crop, in fine pixels; a crop has at least one coarse pixel
    blind_steps: int  # of the sensors, before
    blind_learning_rate: float


def new_mossfuse(
    bands: int, channels: int, ratio: int, rng: torch.Generator, like: Tensor, without: Without = "nothing"
) -> MossFuseNetwork:
    """A network with fresh weights, drawn from `rng` on the CPU; on the device and in the dtype of `like`.

    Convolutions and linear layers are drawn by torch's own rule. Norms, scales and sensors begin with fixed values.
    """
    return new_network(
        lambda: take_away(MossFuseNetwork(bands, channels, ratio), without), lambda network: draw_uniform_weights(network, rng), like
    )


def learn_on_pair(
    network: MossFuseNetwork,
    msi: Float[Tensor, "channels H W"],
    hsi: Float[Tensor, "bands h w"],
    budget: Budget,
    weights: LossWeights,
    rng: torch.Generator,
) -> Float[Tensor, " steps"]:
    """Trains the network in place and puts it into eval mode. Returns the total loss of each step of the second stage."""
    network.train()
    learn_sensors(network, msi, hsi, budget)
    optimiser = torch.optim.Adam(network.parameters(), lr=budget.learning_rate, fused=True)
    history = []
    for step in range(budget.steps):
        optimiser.param_groups[0]["lr"] = budget.learning_rate * (1 - step / budget.steps)
        msi_crop, hsi_crop = draw_crop(msi, hsi, budget.crop, rng)
        pair = msi_crop[None], hsi_crop[None]
        total = measure_losses(network, outputs_for_learning(network, *pair), *pair).total(weights)
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]  # torch declares no types here
        optimiser.step()
        history.append(total.detach())
    network.eval()
    return torch.stack(history) if history else msi.new_zeros(0)


def learn_sensors(network: MossFuseNetwork, msi: Float[Tensor, "channels H W"], hsi: Float[Tensor, "bands h w"], budget: Budget) -> None:
    """Trains the sensors in place: the first stage of the module docstring. Known sensors are left as they are."""
    blind = network.blind
    if not list(blind.parameters()):
        return
    optimiser = torch.optim.Adam(blind.parameters(), lr=budget.blind_learning_rate)
    for step in range(budget.blind_steps):
        optimiser.param_groups[0]["lr"] = budget.blind_learning_rate * (1 - step / budget.blind_steps)
        from_hsi, from_msi = blind(msi[None], hsi[None])
        optimiser.zero_grad()
        F.l1_loss(from_hsi, from_msi).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def draw_crop(
    msi: Float[Tensor, "channels H W"], hsi: Float[Tensor, "bands h w"], crop: int, rng: torch.Generator
) -> tuple[Float[Tensor, "channels crop_H crop_W"], Float[Tensor, "bands crop_h crop_w"]]:
    """The same random window of both images, with crop // ratio coarse pixels along each axis: at least one, at most all."""
    ratio = msi.shape[1] // hsi.shape[1]
    rows, cols = (min(size, max(1, crop // ratio)) for size in hsi.shape[1:])
    top, left = (int(torch.randint(size - taken + 1, (), generator=rng)) for size, taken in zip(hsi.shape[1:], (rows, cols), strict=True))
    coarse = hsi[:, top : top + rows, left : left + cols]
    fine = msi[:, top * ratio : (top + rows) * ratio, left * ratio : (left + cols) * ratio]
    return fine, coarse

"""Seconds of one training step of MossFuse: ours, and the authors' as it is described, in one process.

    make performance

The authors' step: every output as in `mossfuse_yardstick`, nothing detached, two backward passes over one graph that is kept between them
(the sensors' loss, then the rest) with `requires_grad` switched before each, Adam. Ours: one backward pass. At their setting of 128 x 128
fine pixels, ratio 32, two pairs a step, and at 64 x 64, ratio 8, one pair. The first test shows that both steps have the same gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.unsupervised.mossfuse.losses import LossWeights, measure, subspace_clustering
from methods.unsupervised.mossfuse.network import RELEASED_QUIRKS, MossFuseNetwork
from tests.performance.mossfuse_yardstick import everything

Benchmark = Callable[..., None]
WEIGHTS = LossWeights()


def their_gradients(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> None:
    """Leaves the gradients of the authors' two backward passes in the weights."""
    sensors = set(network.blind.parameters())
    out = everything(network, msi, hsi)
    centre, ratio = network.blind.centre, network.ratio
    for weights in network.parameters():
        weights.requires_grad_(weights in sensors)
    F.l1_loss(out.low_msi_from_hsi, out.low_msi_from_msi).backward(retain_graph=True)
    for weights in network.parameters():
        weights.requires_grad_(weights not in sensors)
    rest = (
        F.l1_loss(out.hsi_cycle, hsi)
        + F.l1_loss(out.msi_cycle, msi)
        + F.l1_loss(out.msi_reconstruction, msi)
        + F.l1_loss(out.hsi_reconstruction[:, :, centre::ratio, centre::ratio], hsi)
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_hsi))
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_msi))
        + 0.1 * subspace_clustering(out.features)
    )
    rest.backward()
    for weights in network.parameters():
        weights.requires_grad_(True)


def our_gradients(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> None:
    """Leaves the gradients of our one backward pass in the weights."""
    measure(network, network(msi, hsi), msi, hsi).total(WEIGHTS).backward()  # type: ignore[no-untyped-call]


def _setting(side: int, ratio: int, batch: int) -> tuple[MossFuseNetwork, Tensor, Tensor]:
    torch.manual_seed(0)
    network = MossFuseNetwork(31, 3, ratio, quirks=RELEASED_QUIRKS).train()
    return network, torch.rand(batch, 3, side, side), torch.rand(batch, 31, side // ratio, side // ratio)


def _step(gradients: Callable[[MossFuseNetwork, Tensor, Tensor], None], side: int, ratio: int, batch: int) -> Callable[[], None]:
    network, msi, hsi = _setting(side, ratio, batch)
    optimiser = torch.optim.Adam(network.parameters(), lr=9e-5)

    def step() -> None:
        optimiser.zero_grad()
        gradients(network, msi, hsi)
        optimiser.step()

    return step


def test_both_steps_have_the_same_gradients() -> None:
    network, msi, hsi = _setting(32, 8, 2)
    network.double()
    with torch.no_grad():
        network.blind.precision_root.copy_(0.6 * torch.eye(2))
    found = []
    for gradients in (their_gradients, our_gradients):
        network.zero_grad()
        gradients(network, msi.double(), hsi.double())
        found.append({name: None if weights.grad is None else weights.grad.clone() for name, weights in network.named_parameters()})
    for name, theirs in found[0].items():
        ours = found[1][name]
        if theirs is None:
            assert ours is None, name
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12, msg=name)


@pytest.mark.parametrize(("side", "ratio", "batch"), [(128, 32, 2), (64, 8, 1)], ids=["128x128 x32, 2 pairs", "64x64 x8, 1 pair"])
@pytest.mark.parametrize("whose", ["authors'", "ours"])
@pytest.mark.benchmark(group="MossFuse, one training step", max_time=5, min_rounds=3)
def test_step(benchmark: Benchmark, whose: str, side: int, ratio: int, batch: int) -> None:
    step = _step(their_gradients if whose == "authors'" else our_gradients, side, ratio, batch)
    step()
    benchmark(step)

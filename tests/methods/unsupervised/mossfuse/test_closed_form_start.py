"""First weights from a closed form: the network begins as the linear fusion that numpy computes by least squares, and can learn from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.unsupervised.mossfuse.blocks import LargeKernelBlock
from methods.unsupervised.mossfuse.closed_form_start import start_linearly
from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, build_network
from methods.unsupervised.mossfuse.scene_training import new_mossfuse

BANDS, CHANNELS, RATIO, WIDTH, RANK = 7, 3, 4, 16, 4


def _pairs(amount: int = 3) -> list[tuple[Tensor, Tensor]]:
    rng = torch.Generator().manual_seed(4)
    pairs = []
    for _ in range(amount):
        hsi = (
            torch.rand(BANDS, 3, 2, generator=rng, dtype=torch.float64) * torch.linspace(0.2, 1, BANDS, dtype=torch.float64)[:, None, None]
        )
        pairs.append((torch.rand(CHANNELS, 3 * RATIO, 2 * RATIO, generator=rng, dtype=torch.float64), hsi))
    return pairs


def _network() -> MossFuseNetwork:
    network = build_network(BANDS, CHANNELS, RATIO, WIDTH).double()
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in network.parameters():
            if weights.ndim > 1:
                weights.copy_(torch.rand(weights.shape, generator=rng, dtype=weights.dtype) / weights[0].numel() ** 0.5)
        for block in network.modules():
            if isinstance(block, LargeKernelBlock):
                block.gamma.zero_()  # 1e-6 in a new network
        network.blind.srf_weights.copy_(torch.rand(CHANNELS, BANDS, generator=rng, dtype=torch.float64))
    return network


def _linear_fusion(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cube by the formula, E E' up(hsi), and R E E' up(hsi), pixel by pixel: C by least squares, E by singular vectors."""
    spectra = np.concatenate([hsi.numpy().reshape(BANDS, -1) for _, hsi in _pairs()], axis=1)
    spectra = spectra / np.maximum(np.sqrt(np.mean(spectra**2, axis=0)), 0.01) ** 0.5  # its squares are then weighted by 1 / brightness
    srf = network.blind.srf().detach().numpy()
    seen = srf @ spectra
    ridge = np.sqrt(1e-6 * np.mean(seen**2) * spectra.shape[1]) * np.eye(CHANNELS)  # further rows of the least squares
    guess = np.linalg.lstsq(np.vstack([seen.T, ridge]), np.vstack([spectra.T, np.zeros((CHANNELS, BANDS))]), rcond=None)[0].T
    basis = np.linalg.svd(spectra)[0][:, :RANK]
    fine = network.upsample(hsi[None])[0].numpy()
    cube, smooth, low = np.zeros_like(fine), np.zeros_like(fine), np.zeros_like(msi.numpy())
    for row in range(fine.shape[1]):
        for col in range(fine.shape[2]):
            smooth[:, row, col] = basis @ (basis.T @ fine[:, row, col])
            low[:, row, col] = srf @ smooth[:, row, col]
            corrected = smooth[:, row, col] + guess @ (msi.numpy()[:, row, col] - low[:, row, col])
            cube[:, row, col] = basis @ (basis.T @ corrected)
    return cube, smooth, low


def test_the_network_begins_as_the_linear_fusion() -> None:
    network, (msi, hsi) = _network(), _pairs()[0]
    sensors = {name: tensor.clone() for name, tensor in network.blind.state_dict().items()}
    start_linearly(network, _pairs())
    for mode in (network.train(), network.eval()):
        with torch.no_grad():
            out = mode(msi[None], hsi[None])
        cube, smooth, low = _linear_fusion(network, msi, hsi)
        assert np.abs(out.cube[0].numpy() - cube).max() < 1e-8
        assert np.abs(out.hsi_reconstruction[0].numpy() - smooth).max() < 1e-8
        assert np.abs(out.low_msi_reconstruction[0].numpy() - low).max() < 1e-8
        assert np.abs((out.msi_reconstruction[0] - msi).numpy()).max() < 1e-8
    assert all(torch.equal(tensor, sensors[name]) for name, tensor in network.blind.state_dict().items())


def test_the_subspace_loss_begins_near_its_least_value() -> None:
    network, pairs = _network(), _pairs()
    start_linearly(network, pairs)
    with torch.no_grad():
        for msi, hsi in pairs:
            loss = measure_losses(network, network(msi[None], hsi[None]), msi[None], hsi[None]).subspace
            assert 0.4968 < float(loss) < 0.56  # at random it is 1.4 to 1.9


def test_every_weight_of_the_network_learns() -> None:
    """No product of two zeros: after two steps of descent all weights have a gradient, apart from those that have none by design."""
    rng = torch.Generator().manual_seed(3)
    network, pairs = new_mossfuse(BANDS, CHANNELS, RATIO, rng, like=torch.zeros((), dtype=torch.float64)), _pairs(2)
    start_linearly(network.train(), pairs)
    descent = torch.optim.SGD(network.parameters(), lr=1e-3)
    msi, hsi = (torch.stack(images) for images in zip(*pairs, strict=True))
    for _ in range(3):
        descent.zero_grad()
        measure_losses(network, outputs_for_learning(network, msi, hsi), msi, hsi).total(LossWeights()).backward()
        descent.step()
    still = [name for name, weights in network.named_parameters() if weights.grad is None or not bool(weights.grad.any())]
    assert len(still) < 10
    assert all("unused" in name or "spectral.spectral_gate" in name or "hsi_decoder.aggregation.spectral_gate" in name for name in still)


def test_the_learning_step_computes_the_same_outputs() -> None:
    network, (msi, hsi) = _network(), _pairs()[1]
    start_linearly(network, _pairs())
    with torch.no_grad():
        plain, learning = network(msi[None], hsi[None]), outputs_for_learning(network, msi[None], hsi[None])
    assert F.l1_loss(learning.cube, plain.cube) < 1e-10
    assert F.l1_loss(learning.features.hsi_complementary, plain.features.hsi_complementary) < 1e-10


@pytest.mark.parametrize(("channels", "amount"), [(5, 2), (3, 0)])
def test_too_many_channels_and_no_pairs_are_refused(channels: int, amount: int) -> None:
    network = build_network(BANDS, channels, RATIO, WIDTH)
    with pytest.raises(ValueError, match=f"at most 4 channels at width 16, got {amount} pairs and {channels} channels; start at random"):
        start_linearly(network, _pairs(amount))

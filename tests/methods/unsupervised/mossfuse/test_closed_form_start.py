"""First weights from a closed form: the network begins as the regression that numpy computes by least squares, and can learn from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.unsupervised.mossfuse.blocks import LargeKernelBlock
from methods.unsupervised.mossfuse.closed_form_start import start_in_closed_form
from methods.unsupervised.mossfuse.detail_regression import fit_details
from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, build_network
from methods.unsupervised.mossfuse.scene_training import new_mossfuse

BANDS, CHANNELS, RATIO, WIDTH, RANK, PARTNERS = 9, 3, 4, 16, 7, 5


def _pairs(amount: int = 40) -> list[tuple[Tensor, Tensor]]:
    """Pairs of 5 x 4 coarse pixels: mixtures of twelve spectra that vary slowly, in light that varies from pixel to pixel.

    The MSI is what the sensors of `_network` see.
    """
    rng, srf = torch.Generator().manual_seed(4), _network().blind.srf().detach()
    spectra = torch.rand(BANDS, 12, generator=rng, dtype=torch.float64) / 4 * torch.linspace(0.4, 1, BANDS, dtype=torch.float64)[:, None]
    pairs = []
    for _ in range(amount):
        shares = torch.rand(1, 12, 5, 4, generator=rng, dtype=torch.float64)
        shares = F.interpolate(shares, scale_factor=RATIO, mode="bilinear")[0]
        light = F.interpolate(0.8 + 0.4 * torch.rand(1, 1, 5, 4, generator=rng, dtype=torch.float64), scale_factor=RATIO)[0]
        light = light + 0.05 * torch.rand(1, 5 * RATIO, 4 * RATIO, generator=rng, dtype=torch.float64)
        cube = torch.einsum("bm,mhw->bhw", spectra, shares) * light
        pairs.append((torch.einsum("cb,bhw->chw", srf, cube), F.avg_pool2d(cube[None], RATIO)[0]))
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


def _least_squares(terms: np.ndarray, target: np.ndarray, weights: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """The matrix that gives `target` from `terms` (rows: samples), by least squares with further rows for the ridge."""
    root = np.sqrt(weights)[:, None]
    rows = np.vstack([terms * root, np.diag(np.sqrt(ridge))])
    return np.linalg.lstsq(rows, np.vstack([target * root, np.zeros((len(ridge), target.shape[1]))]), rcond=None)[0].T


class _Regression:
    """The regression of detail_regression.py: E by singular vectors, all else by least squares, and pixels one by one."""

    def __init__(self, srf: np.ndarray, hsis: list[np.ndarray]) -> None:
        self.srf = srf
        spectra, smooth = [], []
        for hsi in hsis:
            for row in range(1, hsi.shape[1] - 1):
                for col in range(1, hsi.shape[2] - 1):
                    spectra.append(hsi[:, row, col])
                    smooth.append(sum(hsi[:, row + i, col + j] for i in (-1, 1) for j in (-1, 1)) / 4)
        known, around = np.array(spectra), np.array(smooth)
        weights = 1 / np.maximum(np.sqrt(np.mean(known**2, axis=1)), 0.01) / len(known)
        self.basis = np.linalg.svd((known * np.sqrt(weights)[:, None]).T)[0][:, :RANK]
        self.basis = self.basis * np.sign(self.basis.sum(axis=0))  # the mean over y, z and d depends on it
        colours = known @ srf.T
        ridge = np.full(CHANNELS, 1e-6 * np.mean(np.sum(weights[:, None] * colours**2, axis=0)))
        self.colour = self.basis.T @ _least_squares(colours, known, weights, ridge)
        lacking = colours - around @ self.basis @ (srf @ self.basis).T
        self.linear = _least_squares(lacking, (known - around) @ self.basis, weights, 1e-6 * np.sum(weights[:, None] * lacking**2, axis=0))
        self.products: list[np.ndarray] = []
        for _ in range(2):
            guessed = np.array([self.coordinates(z, v) for z, v in zip(colours, around, strict=True)])
            terms = np.array([self.terms(y, z, d) for y, z, d in zip(guessed, colours, lacking, strict=True)])
            left = known @ self.basis - guessed
            self.products.append(_least_squares(terms, left, weights, 1e-3 * np.sum(weights[:, None] * terms**2, axis=0)))

    def terms(self, y: np.ndarray, z: np.ndarray, d: np.ndarray) -> np.ndarray:
        """All products of one pixel, over the variance that a layer norm sees."""
        values = np.concatenate([y, z, d, [0.7, -0.7], np.zeros(WIDTH - RANK - 2 * CHANNELS - 2)])
        return np.array([y[j] * d[i] for j in range(PARTNERS) for i in range(CHANNELS)]) / (np.var(values) + 1e-5)

    def coordinates(self, z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The coordinates of one spectrum, after the products that are known so far."""
        c = self.basis.T @ v
        d = z - self.srf @ self.basis @ c
        y = c + self.linear @ d
        for matrix in self.products:
            y = y + matrix @ self.terms(y, z, d)
        return y

    def spectrum(self, z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The spectrum of a pixel of colour z where the interpolated HSI is v."""
        y = self.coordinates(z, v)
        return self.basis @ (y + self.colour @ (z - self.srf @ self.basis @ y))


def test_the_network_begins_as_the_regression() -> None:
    network, (msi, hsi) = _network(), _pairs()[0]
    sensors = {name: tensor.clone() for name, tensor in network.blind.state_dict().items()}
    start_in_closed_form(network, _pairs())
    srf, fine = network.blind.srf().detach().numpy(), network.upsample(hsi[None])[0].numpy()
    regression = _Regression(srf, [one.numpy() for _, one in _pairs()])
    assert all(np.abs(matrix).max() > 0.01 for matrix in (regression.linear, *regression.products, regression.colour))
    for mode in (network.train(), network.eval()):
        with torch.no_grad():
            out = mode(msi[None], hsi[None])
        for row, col in [(0, 0), (7, 3), (12, 15), (19, 9)]:
            z, v = msi.numpy()[:, row, col], fine[:, row, col]
            smooth = regression.basis @ regression.basis.T @ v
            assert np.abs(out.cube[0].numpy()[:, row, col] - regression.spectrum(z, v)).max() < 1e-8
            assert np.abs(out.hsi_reconstruction[0].numpy()[:, row, col] - smooth).max() < 1e-8
            assert np.abs(out.low_msi_reconstruction[0].numpy()[:, row, col] - srf @ smooth).max() < 1e-8
        assert np.abs((out.msi_reconstruction[0] - msi).numpy()).max() < 1e-8
    assert all(torch.equal(tensor, sensors[name]) for name, tensor in network.blind.state_dict().items())


def test_the_regression_is_nearer_to_the_scene_than_its_linear_part() -> None:
    """On a scene of whose coarse pixels it was not fitted: the spectra of one camera, other mixtures."""
    network, pairs = _network(), _pairs(41)
    fit = fit_details([hsi for _, hsi in pairs[:40]], network.blind.srf().detach(), WIDTH)
    hsi = pairs[40][1]
    spectra, smooth = hsi[:, 1:-1, 1:-1].flatten(1), (hsi[:, :-2, :-2] + hsi[:, :-2, 2:] + hsi[:, 2:, :-2] + hsi[:, 2:, 2:]).flatten(1) / 4
    z, c = fit.srf @ spectra, fit.basis.T @ smooth
    d = fit.lacking(z, c)
    linear = c + fit.linear @ d
    y = linear
    for matrix in fit.products:
        y = y + matrix @ fit.multiplied(y, z, d)
    before, after = (float((fit.basis @ guess - spectra).square().mean()) for guess in (linear, y))
    assert after < before


def test_the_subspace_loss_begins_near_its_least_value() -> None:
    network, pairs = _network(), _pairs()
    start_in_closed_form(network, pairs)
    with torch.no_grad():
        for msi, hsi in pairs:
            loss = measure_losses(network, network(msi[None], hsi[None]), msi[None], hsi[None]).subspace
            assert 0.4968 < float(loss) < 0.56  # at random it is 1.4 to 1.9


def test_every_weight_of_the_network_learns() -> None:
    """No product of two zeros: after two steps of descent all weights have a gradient, apart from those that have none by design."""
    rng = torch.Generator().manual_seed(3)
    network, pairs = new_mossfuse(BANDS, CHANNELS, RATIO, rng, like=torch.zeros((), dtype=torch.float64)), _pairs(2)
    start_in_closed_form(network.train(), pairs)
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
    start_in_closed_form(network, _pairs())
    with torch.no_grad():
        plain, learning = network(msi[None], hsi[None]), outputs_for_learning(network, msi[None], hsi[None])
    assert F.l1_loss(learning.cube, plain.cube) < 1e-10
    assert F.l1_loss(learning.features.hsi_complementary, plain.features.hsi_complementary) < 1e-10


@pytest.mark.parametrize(
    ("channels", "amount", "rows", "named"),
    [
        (7, 2, 5, "2 patches, the smallest of 5 x 4, 7 channels and width 16"),
        (3, 0, 5, "0 patches, 3 channels"),
        (3, 1, 2, "smallest of 2 x 4"),
    ],
)
def test_what_gives_no_regression_is_refused(channels: int, amount: int, rows: int, named: str) -> None:
    network = build_network(BANDS, channels, RATIO, WIDTH).double()
    pairs = [(msi[:, : rows * RATIO], hsi[:, :rows]) for msi, hsi in _pairs(amount)]
    with pytest.raises(ValueError, match=f"at least 3 x 3 coarse pixels, and a width of at least 2 x channels .*{named}.*start at random"):
        start_in_closed_form(network, pairs)

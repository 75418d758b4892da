"""The scores of a real pair against their formulas, written down here by other routes: products of pixels, blocks by hand, scipy's blur."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate

from benchmark.metrics.metric_facts import HEADLINE_WITHOUT_TRUTH, NO_REFERENCE, TEXTBOOK
from benchmark.metrics.scoring import score_without_truth
from datasets.cube_file import CubeFile
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from tests.real_pairs import CURVES, KERNEL, RATIO, WAVELENGTHS, images

WEIGHTS = KERNEL / KERNEL.sum()
SRF = CURVES / CURVES.sum(1, keepdims=True)
Numbers = NDArray[np.float64]


@pytest.fixture(scope="module")
def seen() -> Observation:
    hsi, msi = images()
    psf = SpatialResponse(torch.from_numpy(WEIGHTS), RATIO, 1, "reflect")
    known = Known(psf, SpectralResponse(torch.from_numpy(SRF), ("low", "middle", "high")))
    return Observation(torch.from_numpy(hsi), torch.from_numpy(msi), torch.from_numpy(WAVELENGTHS).float(), RATIO, psf.centre, known)


@pytest.fixture(scope="module")
def estimate(seen: Observation) -> NDArray[np.float32]:
    rng = np.random.default_rng(5)
    coarse = seen.hsi.numpy().repeat(RATIO, 1).repeat(RATIO, 2)
    detail = seen.msi.numpy().mean(0) / seen.msi.numpy().mean()
    return (coarse * (0.6 + 0.4 * detail) + 0.01 * rng.normal(size=coarse.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def scores(seen: Observation, estimate: NDArray[np.float32]) -> dict[str, float | None]:
    return score_without_truth(CubeFile(estimate), seen, seen.known)


def lowered(cube: Numbers) -> Numbers:
    """S of a cube, by scipy."""
    return np.stack([correlate(band.astype(np.float64), WEIGHTS, mode="mirror")[1::RATIO, 1::RATIO] for band in cube])


def conjugate(a: Numbers) -> Numbers:
    return np.concatenate([a[:1], -a[1:]])


def product(a: Numbers, b: Numbers) -> Numbers:
    """Cayley and Dickson's product of the numbers of each pixel, by its definition: (a, b)(c, d) = (a c - d' b, d a + b c')."""
    if len(a) == 1:
        return a * b
    half = len(a) // 2
    first, second, third, fourth = a[:half], a[half:], b[:half], b[half:]
    left = product(first, third) - product(conjugate(fourth), second)
    right = product(fourth, first) + product(second, conjugate(third))
    return np.concatenate([left, right])


def index_of(z: Numbers, w: Numbers) -> float:
    """Q2n of two cubes of 7 bands, block by block and pixel by pixel."""
    padded = [np.pad(cube.astype(np.float64), ((0, 1), (0, -cube.shape[1] % 32), (0, -cube.shape[2] % 32)), "symmetric") for cube in (z, w)]
    for cube in padded:
        cube[7] = 0
    values = []
    for top in range(0, padded[0].shape[1], 32):
        for left in range(0, padded[0].shape[2], 32):
            a, b = (cube[:, top : top + 32, left : left + 32].reshape(8, -1) for cube in padded)
            mean_a, mean_b = a.mean(1, keepdims=True), b.mean(1, keepdims=True)
            covariance = np.linalg.norm(product(a - mean_a, conjugate(b - mean_b)).mean(1))
            spread = ((a - mean_a) ** 2).sum(0).mean() + ((b - mean_b) ** 2).sum(0).mean()
            level = np.linalg.norm(mean_a), np.linalg.norm(mean_b)
            values.append(2 * level[0] * level[1] / (level[0] ** 2 + level[1] ** 2) * 2 * covariance / spread)
    return float(np.mean(values))


def wang_bovik(x: Numbers, y: Numbers) -> float:
    """Q of two bands: blocks of 32 x 32, the last ones moved inside."""
    values = []
    for top in sorted({*range(0, x.shape[0] - 31, 32), x.shape[0] - 32}):
        for left in sorted({*range(0, x.shape[1] - 31, 32), x.shape[1] - 32}):
            a, b = (band[top : top + 32, left : left + 32].astype(np.float64).ravel() for band in (x, y))
            (_, cross), (_, _) = np.cov(a, b, bias=True)
            values.append(4 * cross * a.mean() * b.mean() / ((a.var() + b.var()) * (a.mean() ** 2 + b.mean() ** 2)))
    return float(np.mean(values))


def test_the_spectral_distortion_of_khan(seen: Observation, estimate: Numbers, scores: dict[str, float]) -> None:
    assert scores["d_lambda_filtered"] == pytest.approx(1 - index_of(seen.hsi.numpy(), lowered(estimate)), abs=1e-9)
    assert 0.001 < scores["d_lambda_filtered"] < 0.5


def test_the_spatial_distortion(seen: Observation, estimate: Numbers, scores: dict[str, float]) -> None:
    msi, hsi = seen.msi.numpy(), seen.hsi.numpy()
    low = lowered(msi)
    by_hand = [abs(wang_bovik(estimate[k], msi[c]) - wang_bovik(hsi[k], low[c])) for k in range(7) for c in range(3)]
    assert scores["d_s"] == pytest.approx(np.mean(by_hand), abs=1e-9)


def test_the_relations_between_bands(seen: Observation, estimate: Numbers, scores: dict[str, float]) -> None:
    hsi = seen.hsi.numpy()
    by_hand = [abs(wang_bovik(estimate[k], estimate[n]) - wang_bovik(hsi[k], hsi[n])) for k in range(7) for n in range(7) if k != n]
    assert scores["d_lambda"] == pytest.approx(np.mean(by_hand), abs=1e-9)


def test_the_products(scores: dict[str, float]) -> None:
    assert scores["hqnr"] == pytest.approx((1 - scores["d_lambda_filtered"]) * (1 - scores["d_s"]), abs=1e-12)
    assert scores["qnr"] == pytest.approx((1 - scores["d_lambda"]) * (1 - scores["d_s"]), abs=1e-12)


def test_the_residuals(seen: Observation, estimate: Numbers, scores: dict[str, float]) -> None:
    of_hsi = lowered(estimate) - seen.hsi.numpy()
    of_msi = np.tensordot(SRF, estimate.astype(np.float64), 1) - seen.msi.numpy()
    assert scores["consistency_hsi"] == pytest.approx(np.sqrt((of_hsi**2).mean()), abs=1e-9)
    assert scores["consistency_msi"] == pytest.approx(np.sqrt((of_msi**2).mean()), abs=1e-9)


def test_every_metric_has_a_name_and_those_by_the_truth_have_no_value(scores: dict[str, float | None]) -> None:
    assert set(scores) == {metric.name for metric in (*TEXTBOOK, *NO_REFERENCE)}
    assert {name for name, value in scores.items() if value is None} == {metric.name for metric in TEXTBOOK}


def test_what_is_not_known_costs_the_scores_that_need_it(seen: Observation, estimate: NDArray[np.float32]) -> None:
    def defined(known: Known | None) -> set[str]:
        found = score_without_truth(CubeFile(estimate), seen, known)
        return {name for name, value in found.items() if value is not None}

    without_any = {"d_lambda", "hsi_bands_left_out"}
    assert defined(None) == without_any
    assert defined(Known(None, seen.known.srf)) == without_any | {"consistency_msi"}
    assert defined(Known(seen.known.psf, None)) == without_any | set(HEADLINE_WITHOUT_TRUTH) - {"consistency_msi"}


def test_below_the_size_of_a_block_no_index_is_defined(seen: Observation) -> None:
    small = replace(seen, hsi=seen.hsi[:, :15, :24], msi=seen.msi[:, :45, :72])
    found = score_without_truth(CubeFile(small.hsi.numpy().repeat(RATIO, 1).repeat(RATIO, 2)), small, seen.known)
    defined = {name for name, value in found.items() if value is not None}
    assert defined == {"consistency_hsi", "consistency_msi", "hsi_bands_left_out"}

"""Metrics of the error at each pixel: PSNR, RMSE, correlation, and how much of an estimate lies outside 0..1.

With e the estimate, r the reference, the sums over the N pixels of band b, and L the bands that are not constant in the reference:

    mse_b     = 1/N sum (e_b - r_b)^2
    psnr      = mean over b in L of -10 log10(mse_b)         dB, the peak being 1
    psnr_cube = -10 log10(mean over b of mse_b)              dB
    rmse      = sqrt(mean over b of mse_b)
    cc        = mean over b in L of <e_b - mean, r_b - mean> / (|e_b - mean| |r_b - mean|)

Nothing is clipped or rounded first, and infinity is not capped.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.band_statistics import BandStatistics, band_statistics
from benchmark.metrics.bands import mean_of_bands


def band_mse(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> Float64[NDArray[np.float64], " bands"]:
    """The mean squared error of each band: mse_b = mean((e_b - r_b)^2)."""
    return band_statistics(reference, estimate).mse


def psnr(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], known: BandStatistics | None = None) -> float:
    """Peak signal-to-noise ratio in dB: the mean of -10 log10(mse_b) over the bands that are not constant in the reference.

    `known` are the statistics of this pair, where they are at hand. Infinite where the estimate equals the reference in one of the bands;
    NaN where there is no such band.
    """
    bands = known or band_statistics(reference, estimate)
    return mean_of_bands([_decibels(float(mse)) for mse in bands.mse[bands.live]])


def psnr_cube(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], known: BandStatistics | None = None
) -> float:
    """Peak signal-to-noise ratio of the whole cube in dB, constant bands included: -10 log10(mean of mse_b).

    `known` are the statistics of this pair, where they are at hand. Infinite where the cubes are equal.
    """
    return _decibels(float((known or band_statistics(reference, estimate)).mse.mean()))


def rmse(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], known: BandStatistics | None = None) -> float:
    """Root mean squared error of the whole cube, in the unit of the values: sqrt(mean of mse_b).

    `known` are the statistics of this pair, where they are at hand.
    """
    return float(np.sqrt((known or band_statistics(reference, estimate)).mse.mean()))


def cc(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], known: BandStatistics | None = None) -> float:
    """Pearson's correlation, -1..1: its mean over the bands that are not constant in the reference; the module docstring has the formula.

    `known` are the statistics of this pair, where they are at hand. NaN where the estimate of such a band is constant and has no
    correlation, and where there is no such band.
    """
    bands = known or band_statistics(reference, estimate)
    live = np.flatnonzero(bands.live)
    if not bands.varies[live].all():
        return float("nan")
    return mean_of_bands([float(bands.covariance[b] / np.sqrt(bands.variance[b] * bands.estimate_variance[b])) for b in live])


def out_of_range(estimate: Float[np.ndarray, "bands H W"]) -> float:
    """The share of values below 0 or above 1, 0..1: count(e < 0 or e > 1) / count(e)."""
    return sum(int(np.count_nonzero((band < 0) | (band > 1))) for band in estimate) / estimate.size


def _decibels(mse: float) -> float:
    """-10 log10(mse); infinite for 0."""
    return float("inf") if mse == 0 else float(-10 * np.log10(mse))

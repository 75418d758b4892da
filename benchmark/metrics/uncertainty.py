"""Scores of a stated standard deviation: whether it covers the errors of the estimate, and how much it says.

With the error e = estimate - truth, the stated standard deviation s of each value, and z = e / s:

    std_within_1 = share of |e| <= s              0.683 for Gaussian errors of that deviation
    std_within_2 = share of |e| <= 2 s            0.954
    std_rms_z    = sqrt(mean(z^2))                1; above 1 the stated deviation is too small
    std_crps     = mean of s (z (2 F(z) - 1) + 2 f(z) - 1 / sqrt(pi))      F, f: distribution and density of the unit Gaussian

The first three say whether the deviation is right on average, as a constant one can be. The last, the continuous ranked probability score
of the Gaussian N(estimate, s^2), is least where the deviation is right at each value; where s is 0 it is the mean of |e|. Source: Gneiting
and Raftery, Journal of the American Statistical Association 102, 2007.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import torch
from jaxtyping import Float


def std_scores(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], std: Float[np.ndarray, "bands H W"]
) -> dict[str, float]:
    """The four scores by their names; the module docstring has the formulas. They are computed in float64, band by band.

    std_rms_z is infinite where a value with the stated standard deviation 0 is wrong.

    Raises:
        ValueError: `std` holds NaN, Inf or a negative value.
    """
    within_1, within_2, squares, ranked = 0, 0, 0.0, 0.0
    for true, estimated, spread in zip(reference, estimate, std, strict=True):
        error, stated = np.abs(estimated.astype(np.float64) - true), spread.astype(np.float64)
        if not (np.isfinite(stated).all() and (stated >= 0).all()):
            raise ValueError("expected a standard deviation that is finite and not below 0, got NaN, Inf or less")
        within_1 += int(np.count_nonzero(error <= stated))
        within_2 += int(np.count_nonzero(error <= 2 * stated))
        everywhere = bool((stated > 0).all())
        z = error / stated if everywhere else np.divide(error, stated, out=np.where(error > 0, np.inf, 0.0), where=stated > 0)
        squares += float(np.sum(z * z))
        ranked += float(np.sum(_crps(error, stated, z)))
    return {
        "std_within_1": within_1 / std.size,
        "std_within_2": within_2 / std.size,
        "std_rms_z": sqrt(squares / std.size),
        "std_crps": ranked / std.size,
    }


def _crps(error: Float[np.ndarray, "H W"], stated: Float[np.ndarray, "H W"], z: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """The score of each value: s (z (2 F(z) - 1) + 2 f(z) - 1 / sqrt(pi)) with s z = |e|."""
    density = np.exp(np.minimum(z, 40.0) ** 2 / -2) / sqrt(2 * pi)
    inside = torch.erf(torch.from_numpy(z / sqrt(2))).numpy()  # ten times as fast as scipy's, and equal to 3e-16
    score: Float[np.ndarray, "H W"] = error * inside + stated * (2 * density - 1 / sqrt(pi))
    return score

"""All textbook metrics of one estimate: those that compare it with the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from benchmark.metrics.band_statistics import band_statistics
from benchmark.metrics.pixel import cc, out_of_range, psnr, psnr_cube, rmse
from benchmark.metrics.q2n import q2n
from benchmark.metrics.scored_pixels import at_scored
from benchmark.metrics.spectral import ergas, ergas_bands_left_out, sam, sam_pixels_left_out
from benchmark.metrics.structural import ssim, uiqi


def score(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "*given"],
    ratio: int,
    mask: Bool[NDArray[np.bool_], "H W"] | None = None,
) -> dict[str, float | None]:
    """Every metric of `metric_facts.TEXTBOOK` by its name; `ratio` is the number of fine pixels per coarse pixel, along an axis.

    Nothing is clipped, rounded, cropped or capped. Left out are bands that are constant in the reference from psnr, ssim, uiqi and cc
    (`bands_left_out` is their number), bands whose reference has the mean zero from ergas (`ergas_bands_left_out`), and pixels whose
    reference is zero from sam (`sam_pixels_left_out`). Pixels at which `mask` is False are left out of all (`pixels_left_out`), as
    benchmark/metrics/scored_pixels.py says. Two metrics can be infinite:

        psnr        the estimate equals the reference in a band that is not constant in the reference
        psnr_cube   the cubes are equal

    A metric that is not defined for a pair is None:

        psnr        every band of the reference is constant
        ssim        likewise, or no window of 11 x 11 pixels that are all scored
        uiqi        likewise, or no window of 8 x 8
        cc          likewise, or the estimate is constant in a band that is not constant in the reference
        q2n         an image of fewer than 32 rows or columns, or no block of 32 x 32 pixels that are all scored
        sam         every reference spectrum is zero
        ergas       every band of the reference has the mean zero

    Raises:
        ValueError: the shapes differ, a cube is empty or holds NaN or Inf, or the ratio is below 1.
    """
    check_pair(reference, estimate, ratio)
    true, guess = at_scored(reference, mask), at_scored(estimate, mask)
    known = band_statistics(true, guess)
    values = {
        "psnr": psnr(true, guess, known),
        "psnr_cube": psnr_cube(true, guess, known),
        "ssim": ssim(reference, estimate, mask),
        "sam": sam(true, guess),
        "ergas": ergas(true, guess, ratio, known),
        "uiqi": uiqi(reference, estimate, mask),
        "q2n": q2n(reference, estimate, mask=mask),
        "rmse": rmse(true, guess, known),
        "cc": cc(true, guess, known),
        "out_of_range": out_of_range(guess),
        "sam_pixels_left_out": float(sam_pixels_left_out(true)),
        "bands_left_out": float(np.count_nonzero(~known.live)),
        "ergas_bands_left_out": float(ergas_bands_left_out(true, known)),
        "pixels_left_out": 0.0 if mask is None else float(np.count_nonzero(~mask)),
    }
    return none_where_undefined(values)


def none_where_undefined(values: Mapping[str, float]) -> dict[str, float | None]:
    """The values, with None in the place of NaN and -Inf, which no record holds. Infinity stays, as a value above all others."""
    return {name: value if math.isfinite(value) or value == math.inf else None for name, value in values.items()}


def check_pair(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "*given"], ratio: int) -> None:
    """Nothing, where the pair can be scored.

    Raises:
        ValueError: the shapes differ, a cube is empty or holds NaN or Inf, or the ratio is below 1.
    """
    if reference.shape != estimate.shape:
        raise ValueError(f"expected an estimate of shape {reference.shape} (bands, rows, cols) like the reference, got {estimate.shape}")
    if reference.size == 0:
        raise ValueError(f"expected cubes with at least one value, got the shape {reference.shape}")
    if ratio < 1:
        raise ValueError(f"ratio: expected a whole number >= 1 (fine pixels per coarse pixel), got {ratio}")
    for name, cube in (("reference", reference), ("estimate", estimate)):
        bad = sum(int(np.count_nonzero(~np.isfinite(band))) for band in cube)
        if bad:
            raise ValueError(
                f"expected finite values in the {name}, got {bad} NaN or Inf of {cube.size}; an estimate like that is invalid, not scored"
            )

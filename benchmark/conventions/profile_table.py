"""The convention profiles by name, each a table of functions, and the scores of one estimate under one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from benchmark.conventions.computation import (
    cropped,
    ergas_of,
    estimate_range,
    mean_angle,
    psnr_of_bands,
    psnr_of_cube,
    rmse_of_cube,
    sam_arccos,
    ssim_gaussian_mirrored,
    ssim_uniform,
    unit_range,
)
from benchmark.conventions.defects import eight_bits, ssim_mixed, uiqi_gaussian, uiqi_of_means
from benchmark.conventions.profile_facts import FACTS, MetricName, ProfileFacts
from benchmark.metrics import pixel, spectral, structural
from benchmark.metrics.textbook import check_pair, none_where_undefined

Cube = NDArray[np.floating]
Function = Callable[[Cube, Cube, int], float]  # reference, estimate, ratio


class ProfileError(LookupError):
    """No profile of that name; the text names all."""


@dataclass(frozen=True)
class Profile:
    """The facts of one profile, and one function for each of its rules."""

    facts: ProfileFacts
    functions: Mapping[MetricName, Function]


def score_profile(
    name: str, reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "*given"], ratio: int
) -> dict[str, float | None]:
    """Every metric of one profile by its name, in the unit that the rule states; `ratio` is fine pixels per coarse pixel.

    A value is infinite where the project's code divides a number other than 0 by 0, and None where it gives NaN or -Inf, or refuses the
    size.

    Raises:
        ProfileError: no such profile.
        ValueError: the shapes differ, a cube is empty or holds NaN or Inf, or the ratio is below 1.
    """
    profile = find_profile(name)
    check_pair(reference, estimate, ratio)
    with np.errstate(divide="ignore", invalid="ignore"):  # a project's 0/0 is its result
        values: dict[str, float] = {metric: function(reference, estimate, ratio) for metric, function in profile.functions.items()}
    return none_where_undefined(values)


def find_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ProfileError: there is none; the text names all.
    """
    if name not in PROFILES:
        raise ProfileError(f"unknown profile {name!r}; valid: {', '.join(PROFILES)}, or all")
    return PROFILES[name]


def _clipped(function: Function, low: float = 0.0) -> Function:
    """The metric of an estimate clipped to low..1."""
    return lambda reference, estimate, ratio: function(reference, np.clip(estimate, low, 1), ratio)


def _inside(function: Function) -> Function:
    """The metric of both cubes without a border of one coarse pixel; NaN where nothing is left."""

    def of(reference: Cube, estimate: Cube, ratio: int) -> float:
        if min(reference.shape[1:]) <= 2 * ratio:
            return float("nan")
        return function(cropped(reference, ratio), cropped(estimate, ratio), ratio)

    return of


def _lopsided(function: Function) -> Function:
    """The metric of the crop [10:-11] of both cubes, the estimate clipped to 0..1; NaN where nothing is left."""

    def of(reference: Cube, estimate: Cube, ratio: int) -> float:
        if min(reference.shape[1:]) <= 21:
            return float("nan")
        return function(reference[:, 10:-11, 10:-11], np.clip(estimate, 0, 1)[:, 10:-11, 10:-11], ratio)

    return of


def _psnr_band_peak(reference: Cube, estimate: Cube, ratio: int) -> float:
    return psnr_of_bands(reference, estimate, "reference's band")


def _psnr_peak_one(reference: Cube, estimate: Cube, ratio: int) -> float:
    return psnr_of_bands(reference, estimate, "one")


def _psnr_cube(reference: Cube, estimate: Cube, ratio: int) -> float:
    return psnr_of_cube(reference, estimate)


def _rmse(reference: Cube, estimate: Cube, ratio: int) -> float:
    return rmse_of_cube(reference, estimate)


def _ssim_seven(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ssim_uniform(reference, estimate, window=7, data_range=unit_range, sample=True)


def _ssim_estimate_range(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ssim_uniform(reference, estimate, window=7, data_range=estimate_range, sample=True)


def _ssim_eleven(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ssim_uniform(reference, estimate, window=11, data_range=unit_range, sample=False)


def _ssim_eight_bits(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ssim_uniform(eight_bits(reference), eight_bits(estimate), window=11, data_range=lambda x, y: 255.0, sample=False)


def _psnr_eight_bits(reference: Cube, estimate: Cube, ratio: int) -> float:
    return psnr_of_cube(eight_bits(reference), eight_bits(estimate), peak=255.0)


def _degrees(reference: Cube, estimate: Cube, ratio: int) -> float:
    """Mean angle in degrees; pixels without an angle are left out."""
    return math.degrees(mean_angle(sam_arccos(reference, estimate)))


def _radians(reference: Cube, estimate: Cube, ratio: int) -> float:
    """Mean angle in radians; pixels without an angle are left out."""
    return mean_angle(sam_arccos(reference, estimate))


def _radians_of_all(reference: Cube, estimate: Cube, ratio: int) -> float:
    """Mean angle in radians; NaN where one pixel has no angle."""
    return float(sam_arccos(reference, estimate).mean())


def _degrees_unguarded(reference: Cube, estimate: Cube, ratio: int) -> float:
    """Mean angle in degrees; NaN where one pixel has no angle, or a cosine above 1."""
    return math.degrees(float(sam_arccos(reference, estimate, clip=False).mean()))


def _degrees_over_all(reference: Cube, estimate: Cube, ratio: int) -> float:
    """The sum of the angles that exist over the number of all pixels."""
    angles = sam_arccos(reference, estimate)
    return math.degrees(float(np.nansum(angles)) / angles.size)


def _ergas(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ergas_of(reference, estimate, ratio)


def _ergas_fixed(ratio: int) -> Function:
    """ERGAS with this ratio, whatever that of the data."""
    return lambda reference, estimate, _: ergas_of(reference, estimate, ratio)


def _ergas_mossfuse(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ergas_of(reference, estimate, 32, divisor=len(reference) + 1)


def _ergas_of_fused(reference: Cube, estimate: Cube, ratio: int) -> float:
    return ergas_of(reference, estimate, ratio, means_of="estimate")


def _uiqi_of_means(reference: Cube, estimate: Cube, ratio: int) -> float:
    return uiqi_of_means(reference, estimate)


_FUNCTIONS: dict[str, dict[MetricName, Function]] = {
    "textbook": {
        "psnr": lambda reference, estimate, _: pixel.psnr(reference, estimate),
        "ssim": lambda reference, estimate, _: structural.ssim(reference, estimate),
        "sam": lambda reference, estimate, _: spectral.sam(reference, estimate),
        "ergas": spectral.ergas,
        "uiqi": lambda reference, estimate, _: structural.uiqi(reference, estimate),
        "rmse": lambda reference, estimate, _: pixel.rmse(reference, estimate),
    },
    "mossfuse": {
        "psnr": _clipped(_psnr_peak_one),
        "ssim": _clipped(_ssim_seven),
        "sam": _clipped(_degrees_unguarded, low=1e-5),
        "ergas": _clipped(_ergas_mossfuse),
        "uiqi": _clipped(_uiqi_of_means),
    },
    "m2u": {"psnr": _psnr_band_peak, "ssim": _ssim_estimate_range, "sam": _degrees, "ergas": _ergas, "uiqi": _uiqi_of_means},
    "daem": {"psnr": _psnr_band_peak, "ssim": _ssim_estimate_range, "sam": _degrees, "ergas": _ergas_fixed(32), "uiqi": _uiqi_of_means},
    "yokoya": {"psnr": _psnr_band_peak, "sam": _degrees, "ergas": _ergas_of_fused},
    "hysure": {"sam": _inside(_degrees), "ergas": _inside(_ergas), "rmse": _inside(_rmse)},
    "cnnfus": {"sam": _degrees, "ergas": _inside(_ergas), "rmse": _inside(_rmse)},
    "hyperbench": {
        "psnr": _psnr_eight_bits,
        "ssim": _ssim_eight_bits,
        "sam": _degrees,
        "ergas": _ergas_fixed(4),
        "uiqi": _uiqi_of_means,
    },
    "torchmetrics": {
        "psnr": _psnr_cube,
        "ssim": lambda reference, estimate, _: ssim_gaussian_mirrored(reference, estimate),
        "sam": _radians_of_all,
        "ergas": _ergas_fixed(4),
        "uiqi": lambda reference, estimate, _: uiqi_gaussian(reference, estimate),
    },
    "sewar": {
        "psnr": _psnr_cube,
        "ssim": _ssim_eleven,
        "sam": _radians,
        "ergas": _ergas_fixed(4),
        "uiqi": _uiqi_of_means,
        "rmse": _rmse,
    },
    "hiftool": {"psnr": _psnr_peak_one, "ssim": lambda reference, estimate, _: ssim_mixed(reference, estimate)},
    "matciotola": {"sam": _lopsided(_degrees_over_all), "ergas": _lopsided(_ergas)},
}

PROFILES: Mapping[str, Profile] = MappingProxyType({facts.name: Profile(facts, _FUNCTIONS[facts.name]) for facts in FACTS})

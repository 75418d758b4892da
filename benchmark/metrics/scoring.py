"""All scores of one cell: by the truth, by the two images, of estimated responses, and of a stated standard deviation."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from benchmark.metrics.bands import bands_left_out
from benchmark.metrics.metric_facts import NO_REFERENCE, TEXTBOOK
from benchmark.metrics.noreference import consistency, d_lambda, d_lambda_filtered, distortions, qnr
from benchmark.metrics.response_scores import psf_scores, srf_scores
from benchmark.metrics.scored_pixels import at_scored
from benchmark.metrics.textbook import none_where_undefined, score
from benchmark.metrics.uncertainty import std_scores
from datasets.cube_file import CubeFile
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation


def score_cell(
    reference: Float[np.ndarray, "bands H W"],
    estimate: CubeFile,
    ratio: int,
    seen: Observation | None,
    truth: Known | None,
    std: Float[np.ndarray, "*given"] | None = None,
    mask: Bool[NDArray[np.bool_], "H W"] | None = None,
) -> dict[str, float | None]:
    """Every metric by its name; None where it is not defined.

    The scores without reference need the observation (`seen`), and all but D_lambda need the true responses (`truth`); without them they
    are None. The scores of a response are there where the estimate's file holds one (`psf_kernel` with `psf_phase`, `srf_weights`), those
    of the standard deviation where the method states one (`std`). Pixels at which `mask` is False are left out of the scores by the truth,
    and not of those by the two images.

    Raises:
        ValueError: a cube that `textbook.score` refuses, or a standard deviation of another shape, or with negative values, NaN or Inf.
    """
    if std is not None and std.shape != reference.shape:
        raise ValueError(f"expected a standard deviation of shape {reference.shape} like the reference, got {std.shape}")
    scores = score(reference, estimate.cube, ratio, mask)
    known = Known() if truth is None else truth
    scores |= dict.fromkeys(metric.name for metric in NO_REFERENCE)
    if seen is not None:
        scores |= _without_reference(estimate.cube, seen, known)
    scores |= _responses(at_scored(reference, mask), estimate, known)
    if std is None:
        return scores
    return scores | none_where_undefined(std_scores(*(at_scored(cube, mask) for cube in (reference, estimate.cube, std))))


def score_without_truth(estimate: CubeFile, seen: Observation | None, known: Known | None) -> dict[str, float | None]:
    """Every metric by its name, where there is no truth: those that compare the estimate with the two images, and None for all others."""
    scores: dict[str, float | None] = dict.fromkeys(metric.name for metric in (*TEXTBOOK, *NO_REFERENCE))
    return scores if seen is None else scores | _without_reference(estimate.cube, seen, Known() if known is None else known)


def _without_reference(cube: Float[np.ndarray, "bands H W"], seen: Observation, truth: Known) -> dict[str, float | None]:
    """The metrics of NO_REFERENCE that can be computed."""
    hsi, msi = seen.hsi.numpy(), seen.msi.numpy()
    values = {"hsi_bands_left_out": float(bands_left_out(hsi))}
    if truth.psf is None:
        values["d_lambda"] = d_lambda(hsi, cube)
    else:
        spectral, spatial = distortions(hsi, msi, _seen_through(truth.psf, msi), cube)
        blurred = _seen_through(truth.psf, cube)
        filtered = d_lambda_filtered(hsi, blurred)
        values |= {"d_lambda": spectral, "d_s": spatial, "qnr": qnr(spectral, spatial)}
        values |= {"d_lambda_filtered": filtered, "hqnr": qnr(filtered, spatial)}
        values["consistency_hsi"] = consistency(hsi, blurred)
    if truth.srf is not None:
        values["consistency_msi"] = consistency(msi, _integrated(truth.srf, cube))
    return none_where_undefined(values)


def _responses(reference: Float[np.ndarray, "bands H W"], estimate: CubeFile, truth: Known) -> dict[str, float | None]:
    """The scores of the responses in the estimate's file; None for an SRF of another shape than the true one."""
    notes, values = estimate.notes, dict[str, float]()
    if "psf_kernel" in notes and truth.psf is not None:
        true = truth.psf
        values |= psf_scores(_float(notes["psf_kernel"]), int(notes["psf_phase"]), true.kernel.double().numpy(), true.phase)
    if "srf_weights" in notes and truth.srf is not None:
        weights, true_weights = _float(notes["srf_weights"]), truth.srf.weights.double().numpy()
        alike = weights.shape == true_weights.shape
        values |= srf_scores(weights, true_weights, reference) if alike else {"srf_error": math.nan, "srf_scene_error": math.nan}
    return none_where_undefined(values)


def _seen_through(psf: SpatialResponse, cube: Float[np.ndarray, "bands H W"]) -> Float[np.ndarray, "bands h w"]:
    """S x in float64, band by band."""
    bands, rows, cols = cube.shape
    low = np.empty((bands, rows // psf.ratio, cols // psf.ratio))  # first of all: small arrays among large ones would scatter the memory
    for number, band in enumerate(cube):
        low[number] = psf(torch.from_numpy(band[None].astype(np.float64)))[0].numpy()
    return low


def _integrated(srf: SpectralResponse, cube: Float[np.ndarray, "bands H W"]) -> Float[np.ndarray, "channels H W"]:
    """R x in float64, one row of pixels at a time."""
    weights = srf.weights.double().numpy()
    channels = np.empty((len(weights), *cube.shape[1:]))
    for row in range(cube.shape[1]):
        channels[:, row] = weights @ cube[:, row].astype(np.float64)
    return channels


def _float(values: object) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)

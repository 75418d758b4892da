"""Whether an estimate can be scored, and an estimate whose values are there."""

from __future__ import annotations

import torch
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Estimate


class InvalidEstimateError(ValueError):
    """An estimate that is no cube of the right shape with finite numbers."""


def check_estimate(estimate: Estimate, seen: Observation) -> None:
    """Nothing, where the estimate for the observation `seen` can be scored. The values are looked at band by band.

    Raises:
        InvalidEstimateError: the cube has the wrong shape or no floating-point numbers, or holds NaN or Inf; or the standard deviation has
            the wrong shape or values, or holds NaN or Inf.
    """
    cube, expected = estimate.cube, (seen.hsi.shape[0], *seen.msi.shape[1:])
    if tuple(cube.shape) != expected:
        raise InvalidEstimateError(f"expected a cube of shape {expected} (bands of the HSI, pixels of the MSI), got {tuple(cube.shape)}")
    if not cube.is_floating_point():
        raise InvalidEstimateError(f"expected floating-point values, got {cube.dtype}")
    bad = sum(int((~torch.isfinite(band)).sum()) for band in cube)
    if bad:
        raise InvalidEstimateError(f"expected finite values, got {bad} NaN or Inf of {cube.numel()}")
    std = estimate.std
    if std is not None:
        if tuple(std.shape) != expected:
            raise InvalidEstimateError(f"expected a standard deviation of the cube's shape {expected}, got {tuple(std.shape)}")
        wrong = sum(int((~torch.isfinite(band) | (band < 0)).sum()) for band in std)
        if wrong:
            raise InvalidEstimateError(f"expected finite standard deviations >= 0, got {wrong} others of {std.numel()}")


def settled(estimate: object, like: Tensor) -> Estimate:
    """The estimate with plain tensors, whose values are in memory once the device has done its work; each part is asked for once.

    Whatever computes its values only when it is read (a property, a subclass of a tensor) computes them here, inside the clock, or is
    refused: there is then nothing left to be computed in a transfer or a check.

    Args:
        estimate: what the method has given.
        like: an image of the pair; tensors of its type count as plain.

    Raises:
        InvalidEstimateError: it is no `Estimate`, or a part of it is of another type than the contract says.
    """
    if not isinstance(estimate, Estimate):
        raise InvalidEstimateError(f"expected an Estimate from fuse, got {type(estimate).__name__}; write return Estimate(cube)")
    cube, psf, srf, std = estimate.cube, estimate.psf, estimate.srf, estimate.std
    for name, response, kind in (("psf", psf, SpatialResponse), ("srf", srf, SpectralResponse)):
        if response is not None and type(response) is not kind:
            raise InvalidEstimateError(f"{name}: expected a {kind.__name__}, got {type(response).__name__}")
    return Estimate(
        _settled_tensor(cube, like, "the cube"),
        None if psf is None else SpatialResponse(_settled_tensor(psf.kernel, like, "psf.kernel"), psf.ratio, psf.phase, psf.boundary),
        None if srf is None else SpectralResponse(_settled_tensor(srf.weights, like, "srf.weights"), srf.names),
        None if std is None else _settled_tensor(std, like, "the standard deviation"),
    )


def _settled_tensor(values: Tensor, like: Tensor, name: str) -> Tensor:
    """The values as a plain tensor without gradients; nothing is copied unless a change of sign is pending."""
    if type(values) not in (Tensor, torch.nn.Parameter, type(like)):
        raise InvalidEstimateError(f"{name}: expected a torch.Tensor, got {type(values).__name__}; write torch.as_tensor(...)")
    if values.layout != torch.strided or values.is_meta or values.is_quantized:
        raise InvalidEstimateError(f"{name}: expected a dense tensor with values, got layout {values.layout} on {values.device}")
    return values.detach().resolve_conj().resolve_neg()

"""Whether an estimate can be scored, and an estimate whose values are there, with what of it has to be converted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Estimate

_ORDERS = {  # of axes that are not (bands, rows, cols): what `permute` takes to put them in order, and their names
    (2, 0, 1): "rows, cols, bands",
    (0, 2, 1): "bands, cols, rows",
    (2, 1, 0): "cols, rows, bands",
    (1, 2, 0): "cols, bands, rows",
}


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
        raise InvalidEstimateError(
            f"expected a cube of shape {expected} (bands of the HSI, pixels of the MSI), got {tuple(cube.shape)}{_turned(cube, expected)}"
        )
    if not cube.is_floating_point():
        raise InvalidEstimateError(
            f"expected floating-point values, got {str(cube.dtype).removeprefix('torch.')}; write the cube in the units of the pair, as in "
            "Estimate(cube.float() / 255) for one in 0..255"
        )
    bad = sum(_not_finite(band) for band in cube)
    if bad:
        raise InvalidEstimateError(f"expected finite values, got {bad} NaN or Inf of {cube.numel()}")
    std = estimate.std
    if std is not None:
        if tuple(std.shape) != expected:
            raise InvalidEstimateError(f"expected a standard deviation of the cube's shape {expected}, got {tuple(std.shape)}")
        wrong = sum(int((~torch.isfinite(band) | (band < 0)).sum()) for band in std)
        if wrong:
            raise InvalidEstimateError(f"expected finite standard deviations >= 0, got {wrong} others of {std.numel()}")


def _not_finite(band: Tensor) -> int:
    """The number of NaN and Inf: they are counted only where the sum is not finite, since a sum with one of them never is."""
    return 0 if math.isfinite(float(band.sum())) else int((~torch.isfinite(band)).sum())


def _turned(cube: Tensor, expected: tuple[int, ...]) -> str:
    """The line that puts the axes of a cube in order, where another order or an axis too many explains its shape; empty elsewhere."""
    shape = tuple(cube.shape)
    if len(shape) == 4 and shape[0] == 1:
        return "; write Estimate(cube[0]), without the axis of the batch" if shape[1:] == expected else ""
    for order, words in _ORDERS.items():
        if len(shape) == 3 and tuple(shape[axis] for axis in order) == expected:
            return f", which is ({words}); write Estimate(cube.permute{order})"
    return ""


@dataclass(frozen=True, eq=False)
class Settled:
    """An estimate of plain tensors, and in what its images differ from those of the pair, which the referee then has to convert."""

    estimate: Estimate
    remarks: tuple[str, ...]  # phrases such as "its cube came in float64, where the pair has float32"; empty: nothing differs


def settled(estimate: object, like: Tensor) -> Settled:
    """The estimate with plain tensors, whose values are in memory once the device has done its work; each part is asked for once.

    Whatever computes its values only when it is read (a property, a subclass of a tensor) computes them here, inside the clock, or is
    refused: there is then nothing left to be computed in a transfer or a check. A numpy array is a tensor of the same memory; nothing else
    is converted here.

    Args:
        estimate: what the method has given.
        like: an image of the pair; tensors of its type count as plain.

    Raises:
        InvalidEstimateError: it is no `Estimate`, or a part of it is of another type than the contract says.
    """
    if not isinstance(estimate, Estimate):
        raise InvalidEstimateError(f"expected an Estimate from fuse, got {_kind_of(estimate)}; {_way_to_estimate(estimate)}")
    cube, psf, srf, std = estimate.cube, estimate.psf, estimate.srf, estimate.std
    for name, response, kind in (("psf", psf, SpatialResponse), ("srf", srf, SpectralResponse)):
        if response is not None and type(response) is not kind:
            raise InvalidEstimateError(f"{name}: expected a {kind.__name__}, got {type(response).__name__}")
    plain = Estimate(
        _settled_tensor(cube, like, "the cube"),
        None if psf is None else SpatialResponse(_settled_tensor(psf.kernel, like, "psf.kernel"), psf.ratio, psf.phase, psf.boundary),
        None if srf is None else SpectralResponse(_settled_tensor(srf.weights, like, "srf.weights"), srf.names),
        None if std is None else _settled_tensor(std, like, "the standard deviation"),
    )
    remarks = _differences(cube, like, "its cube") + (() if std is None else _differences(std, like, "its standard deviation"))
    return Settled(plain, remarks)


def _kind_of(thing: object) -> str:
    return "None (is there a `return` at the end?)" if thing is None else type(thing).__name__


def _way_to_estimate(thing: object) -> str:
    """The line that makes an Estimate of what came."""
    if isinstance(thing, tuple | list | dict):
        return "write return Estimate(cube) with the cube alone; Estimate(cube, std=std) adds a standard deviation"
    return "write return Estimate(cube)"


def _differences(values: object, like: Tensor, name: str) -> tuple[str, ...]:
    """In what an image of the estimate differs from those of the pair, in phrases."""
    if isinstance(values, np.ndarray):
        kind, found = str(values.dtype.newbyteorder("=")), [f"{name} came as a numpy array"]
    elif isinstance(values, Tensor):
        kind, found = str(values.dtype).removeprefix("torch."), []
        if values.requires_grad:
            found.append(f"{name} came with gradients")
        if values.device.type != like.device.type:
            found.append(f"{name} came on {values.device.type}, where the pair is on {like.device.type}")
    else:
        return ()
    expected = str(like.dtype).removeprefix("torch.")
    return (*found, *([] if kind == expected else [f"{name} came in {kind}, where the pair has {expected}"]))


def _settled_tensor(values: object, like: Tensor, name: str) -> Tensor:
    """The values as a plain tensor without gradients; nothing is copied unless a change of sign is pending."""
    if isinstance(values, np.ndarray) and type(values) is np.ndarray:
        return _tensor_of(values, name)
    if not isinstance(values, Tensor) or type(values) not in (Tensor, torch.nn.Parameter, type(like)):
        way = (
            "torch.stack(...)"
            if isinstance(values, list | tuple) and any(isinstance(each, Tensor) for each in values)
            else "torch.as_tensor(...)"
        )
        raise InvalidEstimateError(f"{name}: expected a torch.Tensor, got {type(values).__name__}; write {way}")
    if values.layout != torch.strided or values.is_meta or values.is_quantized:
        raise InvalidEstimateError(f"{name}: expected a dense tensor with values, got layout {values.layout} on {values.device}")
    return values.detach().resolve_conj().resolve_neg()


def _tensor_of(values: NDArray[Any], name: str) -> Tensor:
    """A numpy array as a tensor; it shares the memory where torch can read it as it lies."""
    if values.dtype.kind not in "fiubc":
        raise InvalidEstimateError(
            f"{name}: expected floating-point values, got a numpy array of {values.dtype}; write cube.astype('float32')"
        )
    readable = values.flags.writeable and values.dtype.isnative and values.dtype.itemsize <= 16
    size = values.itemsize
    as_it_lies = readable and all(stride >= 0 and stride % size == 0 for stride in values.strides)
    if values.dtype.kind == "f" and size > 8:
        return torch.from_numpy(values.astype(np.float64))
    return torch.from_numpy(values if as_it_lies else np.array(values, dtype=values.dtype.newbyteorder("="), order="C"))

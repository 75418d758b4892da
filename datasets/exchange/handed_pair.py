"""The observation file: a pair of images as another program is handed it, with what it may know of the sensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datasets.exchange.handed_fields import HANDED_FIELDS, about_text
from datasets.exchange.named_writers import write_named
from datasets.observation import Observation

_NOTHING: Mapping[str, Any] = {}


def write_handed_pair(file: Path, seen: Observation, *, seed: int = 0, parameters: Mapping[str, Any] = _NOTHING) -> Path:
    """The observation file (.mat, .h5 or .npz by its ending), written as a whole or not at all.

    Args:
        file: its place.
        seen: the pair; its responses and noise level are written where they are not withheld. Values keep their dtype.
        seed: of the program's random numbers.
        parameters: numbers, truth values, texts, paths and lists of these, by their names.

    Raises:
        ExchangeFileError: the format cannot hold the pair.
    """
    known = seen.known
    values: dict[str, Any] = {
        "hsi": _bands_last(seen.hsi),
        "msi": _bands_last(seen.msi),
        "ratio": seen.ratio,
        "phase": np.asarray(seen.phase, dtype=np.float64),
        "wavelengths": seen.wavelengths.detach().cpu().double().numpy(),
        "seed": seed,
    }
    if known.psf is not None:
        values |= {"psf": _array(known.psf.kernel), "psf_phase": known.psf.phase, "psf_boundary": known.psf.boundary}
    if known.srf is not None:
        values["srf"] = _array(known.srf.weights)
    if known.noise is not None:
        values["noise"] = np.asarray([known.noise.hsi, known.noise.msi], dtype=np.float64)
    if parameters:
        values["parameters"] = {name: _plain(value) for name, value in parameters.items()}
    values["about"] = about_text({name: meaning for name, meaning in HANDED_FIELDS.items() if name in values})
    return write_named(file, values)


def _bands_last(image: Tensor) -> NDArray[Any]:
    """(bands, rows, cols) as (rows, cols, bands); a view where the image is on the CPU."""
    return _array(image).transpose(1, 2, 0)


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.detach().cpu().numpy()
    return array


def _plain(value: Any) -> Any:
    """A parameter as a file can hold it: a path as a text, a tuple as a list."""
    if isinstance(value, Path):
        return str(value)
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value

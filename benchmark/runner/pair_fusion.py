"""A pair of images of the user's own, fused by any method of the catalog (`fuse`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark.matrix.contestant import parameters_to_json
from benchmark.matrix.interview import configured_method, described
from benchmark.measure.meter import Measured, measure_method
from benchmark.measure.validity import check_estimate
from datasets.cube_file import CubeFile
from datasets.cube_writers import write_cube_as
from datasets.image_pair import ImagePair, PairError
from datasets.settings import field_values
from methods.catalog import Entry


def spread_file(out: Path) -> Path:
    """The file of the standard deviation beside the fused cube, in the same format, where the method states one."""
    return out.with_name(f"{out.stem}_std{out.suffix}")


def fuse_pair(entry: Entry, parameters: Mapping[str, Any], pair: ImagePair, device: torch.device, seed: int, out: Path) -> Measured:
    """The fused cube, and what it cost.

    The cube is written to `out`, in the format that its ending names, with method, parameters and versions, and a stated standard deviation
    to a file beside it.

    Raises:
        PairError, SettingError, RefusedError: the pair or the parameters do not fit.
        WithheldError: the method needs a response that was not given.
        InvalidEstimateError: the method gave no finite cube.
        OutputFileError: `out` cannot be written.
    """
    method = configured_method(entry, parameters)
    seen = pair.observe()
    card = described(entry, method)
    missing = [
        f"--{name}"
        for name, given in (("psf", seen.known.psf), ("srf", seen.known.srf), ("noise", seen.known.noise))
        if name in card.needs and given is None
    ]
    if missing:
        them = "them" if len(missing) > 1 else "it"
        raise PairError(f"{card.name} needs {' and '.join(missing)}; give {them}, or choose a method that is told nothing")
    measured = measure_method(method, card.entitle(seen), device, seed, outside=entry.is_declared)
    check_estimate(measured.estimate, seen)
    notes = {
        "method": entry.name,
        "parameters": repr(parameters_to_json(field_values(method))),
        "tier": card.tier,
        "seconds": measured.clock.fuse,
        "phase": ", ".join(f"{value:.4g}" for value in seen.phase),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")),
    }
    write_cube_as(out, CubeFile(measured.estimate.cube.numpy(), pair.hsi.wavelengths_nm, out.stem, notes), pair.place)
    if measured.estimate.std is not None:
        write_cube_as(spread_file(out), CubeFile(measured.estimate.std.numpy(), pair.hsi.wavelengths_nm, out.stem, notes), pair.place)
    return measured

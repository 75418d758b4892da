"""The file of the true responses of an observation, for scores and figures; like a reference, it is never handed to a method.

HDF5 with `psf/kernel`, which has the attributes ratio, phase and boundary, and `srf/weights`, which has names. All is exact float64. The
attribute `sha256` is the seal of the whole content.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import torch

from datasets.cube_file import opened, parts_of
from datasets.degradation import Boundary, SpatialResponse, SpectralResponse
from datasets.digests import seal
from datasets.observation import Known


def write_responses(file: Path, psf: SpatialResponse | None, srf: SpectralResponse | None) -> Path:
    """The file to which the responses that are known are written as a whole or not at all; of a real pair, one or both may be missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with h5py.File(temporary, "w") as store:
        if psf is not None:
            kernel = store.create_dataset("psf/kernel", data=psf.kernel.double().numpy())
            kernel.attrs["ratio"], kernel.attrs["phase"], kernel.attrs["boundary"] = psf.ratio, psf.phase, psf.boundary
        if srf is not None:
            store.create_dataset("srf/weights", data=srf.weights.double().numpy()).attrs["names"] = list(srf.names)
        store.attrs["sha256"] = seal(parts_of(store))
    temporary.replace(file)
    return file


def read_responses(file: Path) -> Known:
    """The responses that the file holds, in float64 on the CPU.

    Raises:
        DamagedFileError: its content is not what was written.
    """
    with opened(file) as store:
        psf, srf = None, None
        if "psf/kernel" in store:
            kernel, at = store["psf/kernel"], store["psf/kernel"].attrs
            boundary: Boundary = at["boundary"]
            psf = SpatialResponse(torch.from_numpy(kernel[()]), int(at["ratio"]), int(at["phase"]), boundary)
        if "srf/weights" in store:
            weights = store["srf/weights"]
            srf = SpectralResponse(torch.from_numpy(weights[()]), tuple(str(name) for name in weights.attrs["names"]))
        return Known(psf, srf)

"""The file of an observation: what the methods are given, kept in the run folder and handed to each cell.

HDF5 with the groups `hsi` and `msi`, each laid out as a cube file; `psf/kernel` and `srf/weights` where the protocol reveals them; and the
attributes ratio, phase, wavelengths_nm and, where they are revealed, noise_hsi and noise_msi. All is exact float32. The truth is not in
the file. The attribute `sha256` is the seal of the whole content.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import torch

from datasets.cube_file import opened, parts_of
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.digests import seal
from datasets.observation import Known, NoiseLevel, Observation


def write_observation(file: Path, seen: Observation) -> Path:
    """The file to which `seen` is written as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with h5py.File(temporary, "w") as store:
        for name, image in (("hsi", seen.hsi), ("msi", seen.msi)):
            group = store.create_group(name)
            group.create_dataset("cube", data=image.numpy(), compression="gzip", compression_opts=1, shuffle=True)
            group.attrs["scale"] = 1.0
        store["hsi"].attrs["wavelengths_nm"] = seen.wavelengths.double().numpy()
        store.attrs["ratio"], store.attrs["phase"] = seen.ratio, seen.phase
        if seen.known.psf is not None:
            psf = store.create_dataset("psf/kernel", data=seen.known.psf.kernel.numpy())
            psf.attrs["phase"], psf.attrs["boundary"] = seen.known.psf.phase, seen.known.psf.boundary
        if seen.known.srf is not None:
            srf = store.create_dataset("srf/weights", data=seen.known.srf.weights.numpy())
            srf.attrs["names"] = list(seen.known.srf.names)
        if seen.known.noise is not None:
            store.attrs["noise_hsi"], store.attrs["noise_msi"] = seen.known.noise.hsi, seen.known.noise.msi
        store.attrs["sha256"] = seal(parts_of(store))
    temporary.replace(file)
    return file


def read_observation(file: Path) -> Observation:
    """The observation in `file`, in float32 on the CPU.

    Raises:
        DamagedFileError: its content is not what was written.
    """
    with opened(file) as store:
        ratio = int(store.attrs["ratio"])
        phase = tuple(float(value) for value in store.attrs["phase"])
        psf = srf = None
        if "psf" in store:
            node = store["psf/kernel"]
            kernel = torch.from_numpy(node[()])
            psf = SpatialResponse(kernel, ratio, int(node.attrs["phase"]), str(node.attrs["boundary"]))  # type: ignore[arg-type]
        if "srf" in store:
            node = store["srf/weights"]
            srf = SpectralResponse(torch.from_numpy(node[()]), tuple(str(name) for name in node.attrs["names"]))
        noise = NoiseLevel(float(store.attrs["noise_hsi"]), float(store.attrs["noise_msi"])) if "noise_hsi" in store.attrs else None
        return Observation(
            hsi=torch.from_numpy(store["hsi/cube"][()]),
            msi=torch.from_numpy(store["msi/cube"][()]),
            wavelengths=torch.from_numpy(np.asarray(store["hsi"].attrs["wavelengths_nm"], dtype=np.float32)),
            ratio=ratio,
            phase=(phase[0], phase[1]),
            known=Known(psf, srf, noise),
        )

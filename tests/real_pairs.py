"""A small real pair for tests, lopsided in every way: 7 bands, 3 channels, ratio 3, an HSI of 36 x 48, a PSF that no flip leaves alone."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

BANDS, CHANNELS, RATIO, ROWS, COLS = 7, 3, 3, 36, 48
WAVELENGTHS = np.linspace(430, 670, BANDS)
KERNEL = np.array([[1, 2, 1, 0, 0], [2, 5, 4, 1, 0], [1, 4, 8, 4, 1], [0, 1, 4, 4, 2], [0, 0, 1, 3, 1]], dtype=np.float64)
CURVES = np.array([[3, 2, 1, 0, 0, 0, 0], [0, 0, 1, 2, 1, 0, 0], [0, 0, 0, 0, 1, 2, 3]], dtype=np.float64)

Cube = Float[np.ndarray, "_ _ _"]


def images(seed: int = 0) -> tuple[Cube, Cube]:
    """An HSI and an MSI in float32 that share their ground; the MSI is another sensor's, with a gain of its own."""
    rng = np.random.default_rng(seed)
    abundances = np.cumsum(np.cumsum(rng.normal(size=(4, ROWS * RATIO, COLS * RATIO)), 1), 2)
    low, high = abundances.min((1, 2), keepdims=True), abundances.max((1, 2), keepdims=True)
    abundances = (abundances - low) / (high - low) + 0.1 * rng.random(abundances.shape)
    truth = np.einsum("be,ehw->bhw", 0.2 * rng.random((BANDS, 4)) + 0.02, abundances)
    hsi = truth.reshape(BANDS, ROWS, RATIO, COLS, RATIO).mean((2, 4))
    msi = 0.9 * np.einsum("cb,bhw->chw", CURVES / CURVES.sum(1, keepdims=True), truth)
    return hsi.astype(np.float32), msi.astype(np.float32)


def write_pair(folder: Path, *, hsi: Cube | None = None, msi: Cube | None = None, wavelengths: bool = True, name: str = "pair.h5") -> Path:
    """A file with both images, and beside it the PSF `psf.npy` and the sensor `three.csv`."""
    seen = images()
    with h5py.File(folder / name, "w") as store:
        for side, cube in (("hsi", seen[0] if hsi is None else hsi), ("msi", seen[1] if msi is None else msi)):
            group = store.create_group(side)
            group.create_dataset("cube", data=cube)
            group.attrs["scale"] = 1.0
        if wavelengths:
            store["hsi"].attrs["wavelengths_nm"] = WAVELENGTHS
    np.save(folder / "psf.npy", KERNEL)
    lines = [",".join(f"{value:g}" for value in (nm, *curves)) for nm, curves in zip(WAVELENGTHS, CURVES.T, strict=True)]
    (folder / "three.csv").write_text("\n".join(["wavelength_nm,low,middle,high", *lines]) + "\n")
    return folder / name


KNOWN = 'psf = {kind = "file", path = "psf.npy"}\nsensor = "three.csv"'


def write_plan(folder: Path, methods: list[str], known: str = KNOWN, more: str = "") -> Path:
    """A plan over the pair of that folder."""
    rows = "\n".join(f'[[method]]\nname = "{name}"' for name in methods)
    (folder / "plan.toml").write_text(f'name = "pairs"\n{more}\n[[pair]]\nfile = "pair.h5"\nname = "garden"\n{known}\n{rows}\n')
    return folder / "plan.toml"

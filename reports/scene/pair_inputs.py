"""The two images of a real pair as it was taken, which stand in for the reference that it lacks: pictures, and spectra to compare with.

Fine pixel (row, column) lies in the coarse pixel whose centre is nearest: along an axis with centre c of coarse pixel 0 and ratio r

    coarse = floor((fine - c) / r + 1/2)        moved inside the image where it lies beyond
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from datasets.cube_file import CubeFile, CubeFileError, opened, read_cube

Places = Int[NDArray[np.int64], " n"]


@dataclass(frozen=True, eq=False)
class PairInputs:
    """The HSI and the MSI, and how their grids lie on one another."""

    hsi: CubeFile
    msi: CubeFile
    ratio: int
    centre: tuple[float, float]  # of coarse pixel 0 on the fine grid, along rows and columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows and columns of a fused cube."""
        return len(self.hsi.cube), *self.msi.cube.shape[1:]

    def covering(self, axis: int, fine: Places) -> Places:
        """The coarse rows (axis 0) or columns (axis 1) that cover these fine ones."""
        coarse = np.floor((fine - self.centre[axis]) / self.ratio + 0.5).astype(np.int64)
        return np.clip(coarse, 0, self.hsi.cube.shape[1 + axis] - 1)

    def middle(self, row: int, col: int) -> tuple[int, int]:
        """The fine pixel nearest to the centre of a coarse one."""
        places = (centre + self.ratio * at for centre, at in zip(self.centre, (row, col), strict=True))
        down, across = (min(max(int(np.floor(at + 0.5)), 0), size - 1) for at, size in zip(places, self.msi.cube.shape[1:], strict=True))
        return down, across

    def coarse(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """The row and the column of the coarse pixel that covers a fine one."""
        row, col = (int(self.covering(axis, np.array([at]))[0]) for axis, at in enumerate(pixel))
        return row, col

    def on_fine_grid(self, bands: list[int]) -> Float[np.ndarray, "bands H W"]:
        """Bands of the HSI, each fine pixel with the value of the coarse one that covers it; nothing is interpolated."""
        rows, cols = (self.covering(axis, np.arange(self.msi.cube.shape[1 + axis])) for axis in (0, 1))
        return np.ascontiguousarray(self.hsi.cube[bands][:, rows[:, None], cols[None, :]])


def read_pair_inputs(file: Path) -> PairInputs | str:
    """The pair in the file of an observation, or the reason why it cannot be shown."""
    place = f"{file.parent.name}/{file.name}"
    if not file.is_file():
        return f"not stored: {place}"
    try:
        with opened(file) as store:
            ratio, (row, col) = int(store.attrs["ratio"]), (float(value) for value in store.attrs["phase"])
            numbers = np.atleast_1d(store["hsi"].attrs.get("wavelengths_nm", np.zeros(0)))
            counted = len(numbers) > 0 and np.array_equal(
                numbers, np.arange(len(numbers))
            )  # how a pair is stored whose HSI has no wavelengths
            plain = CubeFile(np.asarray(store["hsi/cube"][()], dtype=np.float32)) if counted else None
        hsi, msi = plain or read_cube(file, "hsi"), read_cube(file, "msi")
    except (CubeFileError, KeyError, TypeError, ValueError) as error:
        return f"cannot be read: {error}".replace(str(file), place)
    return PairInputs(hsi, msi, ratio, (row, col))

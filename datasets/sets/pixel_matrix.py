"""Images that are stored as a matrix (bands, pixels) in a MATLAB file, as the data sets of spectral unmixing are.

    Y (or V)     bands x pixels; the pixels go down the columns of the image, as MATLAB counts: pixel = row + rows * col
    nRow, nCol   the sides of the image
    SlectBands   the channels of the sensor that were kept, from 1 (so spelled in the files)
    maxValue     the constant that makes values of the samples

Where a file lacks one of the last four, the data sheet's own figure stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from datasets.input_files import own_errors
from datasets.matlab5_format import DeclaredVariable, declared_variables
from datasets.scene import Scene, SceneError
from datasets.sets.named_set import SetReader, SetScene, matches


@dataclass(frozen=True)
class PixelMatrixReader(SetReader):
    """Reads a matrix of pixels."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    variables: tuple[str, ...]  # the names of the matrix, of which the first that is there is taken
    sides: tuple[int, int]  # rows and columns
    channels: tuple[float, float, int]  # of the sensor, taken as even: centres of the first and the last in nm, and their number
    kept: tuple[int, ...]  # channels, from 1
    scale: float | None = None  # None: the file's maxValue
    wrapped: bool = False  # unsigned samples above 32767 are negative ones

    def files(self, base: Path, scene: SetScene) -> tuple[Path, ...]:
        """The file of the matrix."""
        return next(((file,) for pattern in scene.files for file in matches(base, pattern)), ())

    def load(self, base: Path, scene: SetScene) -> Scene:
        """The matrix as a cube (bands, rows, cols).

        Raises:
            SceneError: there is no such file, or it lacks the matrix, or its numbers do not fit each other.
        """
        found = self.files(base, scene)
        if not found:
            raise SceneError(f"{scene.name}: expected one of {', '.join(scene.files)} in {base}, got none; check the data root")
        (file,) = found
        arrays = declared_variables(file, SceneError)
        name = next((name for name in self.variables if name in arrays), None)
        if name is None:
            raise SceneError(
                f"{file}: expected a variable {' or '.join(self.variables)}, got {', '.join(arrays) or 'none'}; use the original file"
            )
        rows, cols = (_whole(file, arrays, key, default) for key, default in zip(("nRow", "nCol"), self.sides, strict=True))
        scale = self.scale if self.scale is not None else _whole(file, arrays, "maxValue", 0)
        kept = self.kept
        with own_errors(file, SceneError, "a whole .mat file"):
            if "SlectBands" in arrays:
                kept = tuple(int(band) for band in arrays["SlectBands"].read().reshape(-1))
            bands = len(kept)
            if arrays[name].shape != (bands, rows * cols) or scale <= 0 or not all(1 <= band <= self.channels[2] for band in kept):
                raise SceneError(
                    f"{file}: expected {name} of {bands} bands x {rows} * {cols} pixels, channels among {self.channels[2]} and a scale "
                    f"above 0, got shape {arrays[name].shape}, channels {kept[:3]}... and scale {scale:g}; use the original file"
                )
            samples = arrays[name].read()
        if self.wrapped and samples.dtype.kind == "u":
            samples = samples.astype(np.uint16).view(np.int16)
        cube = (samples.astype(np.float64) / scale).astype(np.float32).reshape(bands, cols, rows).transpose(0, 2, 1)
        first, last, count = self.channels
        centres = np.linspace(first, last, count)[np.asarray(kept) - 1]
        return Scene(scene.name, torch.from_numpy(np.ascontiguousarray(cube)), torch.from_numpy(centres.astype(np.float32)), file.name)

    def recipe(self, scene: SetScene) -> str:
        """The reader's numbers."""
        return repr(self)


def _whole(file: Path, arrays: Mapping[str, DeclaredVariable], name: str, default: int) -> int:
    """One number of the file, or the data sheet's where the file has none."""
    if name not in arrays:
        return default
    with own_errors(file, SceneError, f"a number {name}"):
        values = arrays[name].read().reshape(-1)
        if values.size != 1:
            raise SceneError(f"{file}: expected one number {name}, got {values.size}; use the original file")
        return int(values[0])

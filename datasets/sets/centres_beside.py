"""Images whose band centres stand in a file of the makers beside them.

columns   a table with a channel, its centre in nm and, where the channel was kept, its number in the image:  "12 439.595 12"
header    an ENVI header, or a part of one, with  wavelength = {...}  and, where they are not nm,  wavelength units = Micrometers
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from datasets import files
from datasets.input_files import short_text
from datasets.scene import Scene, SceneError
from datasets.sets.named_set import SetReader, SetScene, matches
from datasets.stored_image import nanometres

_ROW = re.compile(r"\s*(\d+)\s+(\d+\.\d+)(?:\s+(\d+))?\s*")
_LIST = re.compile(r"^\s*wavelength\s*=\s*\{([^}]*)\}", re.IGNORECASE | re.MULTILINE)
_UNIT = re.compile(r"^\s*wavelength units\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class CentresBesideReader(SetReader):
    """Reads a file by `read_scene_file`, with the centres of its bands from another file."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "h5py", "spectral", "tifffile")
    table: str  # the pattern of the file with the centres
    form: Literal["columns", "header"]

    def files(self, base: Path, scene: SetScene) -> tuple[Path, ...]:
        """The image, and the first file that has the centres; the image alone where there is none."""
        image = next((file for pattern in scene.files for file in matches(base, pattern)), None)
        if image is None:
            return ()
        table = next((file for file in matches(base, self.table) if self._centres(file)), None)
        return (image,) if table is None else (image, table)

    def load(self, base: Path, scene: SetScene) -> Scene:
        """The image with its centres.

        Raises:
            SceneError: one of the two files is not there, or they do not fit each other.
        """
        found = self.files(base, scene)
        if len(found) != 2:
            missing = f"a file {self.table} with the band centres" if found else " or ".join(scene.files)
            raise SceneError(f"{scene.name}: expected {missing} in {base}, got none; put the makers' file there")
        image, table = found
        return files.read_scene_file(image, replace(scene.options, wavelengths=self._centres(table)))

    def _centres(self, file: Path) -> tuple[float, ...]:
        """The centres in nm; none where the file is another."""
        text = short_text(file, SceneError).decode("utf-8-sig", errors="replace")
        if self.form == "columns":
            rows = [match for line in text.splitlines() if (match := _ROW.fullmatch(line)) and match[3]]
            return tuple(float(row[2]) for row in sorted(rows, key=lambda row: int(row[3])))
        listed, unit = _LIST.search(text), _UNIT.search(text)
        if listed is None:
            return ()
        numbers = np.array([float(item) for item in re.findall(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", listed[1])])
        return tuple(float(value) for value in nanometres(numbers, None if unit is None else unit[1]))

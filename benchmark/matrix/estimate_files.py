"""Which file holds the cube of a cell, where the cubes of a row were made elsewhere.

There is one file per scene, protocol and seed. A file belongs to a cell by its name without the ending, the first of these that exists:

    SCENE__PROTOCOL__seedN    SCENE__PROTOCOL    SCENE__seedN    SCENE

SCENE is the scene's name, each run of other characters than letters, digits, `_`, `.`, `+` and `-` replaced by one `-` (cave/balloons:
cave-balloons), or the part after its last slash (balloons). A short name may be used where it stands for one cell alone. Other names are
mapped by `files = { SCENE__PROTOCOL__seedN = "name.mat", ... }`, whose keys follow the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.identity.sources import Sources
from datasets.digests import file_sha256
from datasets.reading_options import ReadingOptions
from datasets.settings import SettingError

_PLAIN = ReadingOptions()
ENDINGS = (".mat", ".h5", ".hdf5", ".npz", ".npy", ".hdr", ".tif", ".tiff")


@dataclass(frozen=True)
class HandedIn:
    """Where the cubes of a row that was made elsewhere lie, and how they are read."""

    folder: Path
    files: Mapping[str, Path] = field(default_factory=dict)  # by the names in the module docstring
    options: ReadingOptions = _PLAIN
    as_it_is: bool = False
    has_card: bool = True  # whether it is known what the method was told

    def file(self, scene: str, protocol: str, seed: int) -> Path | None:
        """The file of one cell; None where there is none.

        Raises:
            SettingError: two files of one name and different endings.
        """
        for stem in possible_names(scene, protocol, seed):
            if stem in self.files:
                return self.files[stem]
            found = [place for ending in ENDINGS if (place := self.folder / f"{stem}{ending}").is_file()]
            if len(found) > 1:
                first, second = (place.name for place in found[:2])
                raise SettingError(f"estimates in {self.folder}: expected one file {stem}, got {first} and {second}; move one away")
            if found:
                return found[0]
        return None


def estimate_name(scene: str, protocol: str, seed: int) -> str:
    """The whole name of the estimate of one cell, without its ending; also that of its exported observation."""
    return f"{_plain(scene)}__{_plain(protocol)}__seed{seed}"


def possible_names(scene: str, protocol: str, seed: int) -> list[str]:
    """The names that the file of one cell may have, without their ending, the first the whole one."""
    scenes = dict.fromkeys((_plain(scene), _plain(scene.rpartition("/")[2])))
    ends = (f"__{_plain(protocol)}__seed{seed}", f"__{_plain(protocol)}", f"__seed{seed}", "")
    return [f"{name}{end}" for end in ends for name in scenes]


def estimate_sources(row: HandedIn, scene: str, protocol: str, seed: int) -> Sources:
    """What the estimate of one cell is made from: the content of its file."""
    file = row.file(scene, protocol, seed)
    return Sources({}) if file is None else Sources({}, data={file.name: file_sha256(file)}, places={file.name: file})


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "unnamed"

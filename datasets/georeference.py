"""Where an image lies on the Earth, as its own file says it: read from a GeoTIFF or an ENVI header, and moved with a crop.

GeoTIFF keeps it in tags, all of which are copied as they are (OGC GeoTIFF 1.1):

    33550  size of a pixel            33922  tie points (col, row, 0, x, y, 0)         34264  matrix from (col, row, 0, 1) to (x, y, z, 1)
    34735..34737                      the coordinate system: its keys, numbers and texts

A crop that begins at (row, col) moves the tie points by (-col, -row), and multiplies the matrix by that translation from the right; larger
pixels scale all of them. The
no-data value is not copied: a fused cube has a value at every pixel, and the number that marks a gap in the MSI may be a value here.
ENVI keeps it in the entries `map info` (whose reference pixel moves likewise), `projection info` and `coordinate system string`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from datasets.input_files import own_errors, regular_size
from datasets.scene import SceneError

_SCALE, _TIEPOINTS, _MATRIX = 33550, 33922, 34264
_KEYS, _NUMBERS, _TEXTS = 34735, 34736, 34737
_TIFF_TYPES = {_SCALE: "d", _TIEPOINTS: "d", _MATRIX: "d", _KEYS: "H", _NUMBERS: "d", _TEXTS: "s"}
_ENVI_ENTRIES = ("map info", "projection info", "coordinate system string")


@dataclass(frozen=True)
class Georeference:
    """Where the pixels of an image lie: the entries of its file, and nothing where the file has none."""

    tags: Mapping[int, Any] = field(default_factory=dict)  # of a GeoTIFF: tuples of numbers, or a text
    entries: Mapping[str, Any] = field(default_factory=dict)  # of an ENVI header: lists of texts, or a text

    def moved(self, row: int, col: int) -> Georeference:
        """That of the crop that begins at (row, col)."""
        tags, entries = dict(self.tags), dict(self.entries)
        if _TIEPOINTS in tags:
            points = np.array(tags[_TIEPOINTS], dtype=np.float64).reshape(-1, 6)
            points[:, 0] -= col
            points[:, 1] -= row
            tags[_TIEPOINTS] = tuple(points.reshape(-1).tolist())
        if _MATRIX in tags:
            shift = np.eye(4)
            shift[:2, 3] = col, row
            tags[_MATRIX] = tuple((np.array(tags[_MATRIX], dtype=np.float64).reshape(4, 4) @ shift).reshape(-1).tolist())
        info = entries.get("map info")
        if isinstance(info, list) and len(info) > 2:
            entries["map info"] = [info[0], f"{float(info[1]) - col:.12g}", f"{float(info[2]) - row:.12g}", *info[3:]]
        return replace(self, tags=tags, entries=entries)

    def enlarged(self, factor: float) -> Georeference:
        """That of the image whose pixels are `factor` times as long, from the same corner."""
        tags, entries = dict(self.tags), dict(self.entries)
        if _TIEPOINTS in tags:
            points = np.array(tags[_TIEPOINTS], dtype=np.float64).reshape(-1, 6)
            points[:, :2] /= factor
            tags[_TIEPOINTS] = tuple(points.reshape(-1).tolist())
        if _SCALE in tags:
            tags[_SCALE] = (*(float(size) * factor for size in tags[_SCALE][:2]), *tags[_SCALE][2:])
        if _MATRIX in tags:
            matrix = np.array(tags[_MATRIX], dtype=np.float64).reshape(4, 4) @ np.diag([factor, factor, 1, 1])
            tags[_MATRIX] = tuple(matrix.reshape(-1).tolist())
        info = entries.get("map info")
        if isinstance(info, list) and len(info) > 6:
            places = [f"{(float(place) - 1) / factor + 1:.12g}" for place in info[1:3]]
            sizes = [f"{float(size) * factor:.12g}" for size in info[5:7]]
            entries["map info"] = [info[0], *places, *info[3:5], *sizes, *info[7:]]
        return replace(self, tags=tags, entries=entries)

    def extra_tags(self) -> list[tuple[int, str, int, Any, bool]]:
        """The tags as tifffile writes them."""
        return [(code, _TIFF_TYPES[code], 0 if _TIFF_TYPES[code] == "s" else len(value), value, True) for code, value in self.tags.items()]


def read_georeference(path: Path) -> Georeference:
    """What a GeoTIFF or an ENVI header says of the place of its image; nothing for other formats.

    Raises:
        SceneError: the file is broken.
    """
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff"):
        return Georeference(tags=_tiff_tags(path))
    header = path if suffix == ".hdr" else next((file for file in (path.with_suffix(".hdr"), Path(f"{path}.hdr")) if file.is_file()), None)
    if header is not None and suffix in (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip"):
        from spectral.io import envi  # 0.2 s that only ENVI files need

        with own_errors(header, SceneError, "an ENVI header"):
            facts = envi.read_envi_header(str(header))
        return Georeference(entries={name: facts[name] for name in _ENVI_ENTRIES if name in facts})
    return Georeference()


def _tiff_tags(path: Path) -> dict[int, Any]:
    import tifffile  # 0.1 s that only TIFF files need

    regular_size(path, SceneError)
    with own_errors(path, SceneError, "a whole TIFF"), tifffile.TiffFile(path) as tiff:
        page = max(tiff.series, key=lambda one: int(np.prod(one.shape))).keyframe
        found = {code: page.tags[code].value for code in _TIFF_TYPES if code in page.tags}
    return {code: value if isinstance(value, str) else tuple(np.atleast_1d(value).tolist()) for code, value in found.items()}

"""The scene catalog: from a name in a plan to a scene.

    builtin/fields            an analytic scene of the suite
    cave/balloons             one scene of CAVE; cave:test, cave:train and cave:all are its splits
    remote/jasper_ridge_r198  a cube file <root>/remote/jasper_ridge_r198.h5, overlapping bands dropped
    exact/balloons_crop256    a cube file <root>/cave_exact/balloons_crop256.h5
    file:PATH                 any single file (datasets/files.py); what it does not state itself follows as a query:
                              file:ref.mat?variable=ref&layout=rows cols bands&scale=10000&wavelengths=430:860:102&overlap=drop

A source's fingerprint is the sha256 of what the scene is made from (bytes of files, text of the generator), never of where it lies.
"""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, get_args
from urllib.parse import parse_qsl

import numpy as np
import pooch

from datasets import cave, files, synthetic
from datasets.files import Overlap, read_scene_file
from datasets.scene import Scene, SceneError

_FOLDERS = {"cave": "cave", "remote": "remote", "exact": "cave_exact", "pairs": "pairs", "srf": "srf", "weights": "weights"}
_COLLECTIONS = ("remote", "exact")  # folders of cube files, one a scene
_SPLITS = {"cave:test": cave.TEST, "cave:train": cave.TRAIN, "cave:all": cave.SCENES}


@dataclass(frozen=True)
class DataRoots:
    """Where data lie: one root with the usual folders, and folders of single data sets that lie elsewhere."""

    root: Path | None = None
    named: Mapping[str, Path] = field(default_factory=dict)  # data set -> its own folder

    @classmethod
    def parse(cls, values: Sequence[str] = (), environ: Mapping[str, str] | None = None, *, must_exist: bool = True) -> DataRoots:
        """From `--data DIR` and `--data NAME=DIR`; without a DIR from $HMIF_DATA, else the user's cache folder (which need not exist).

        Raises:
            SceneError: an unknown data set, two roots, or a folder that does not exist (unless `must_exist` is False).
        """
        environ = os.environ if environ is None else environ
        roots: list[Path] = []
        named: dict[str, Path] = {}
        for value in values:
            match = re.fullmatch(r"([A-Za-z_]\w*)=(.+)", value)
            if match is None:
                roots.append(Path(value).expanduser())
            elif match[1] in _FOLDERS:
                named[match[1]] = Path(match[2]).expanduser()
            else:
                raise SceneError(
                    f"--data {value}: expected one of {', '.join(_FOLDERS)} before the =, got {match[1]!r}{_near(match[1], _FOLDERS)}"
                )
        if len(roots) > 1:
            raise SceneError(f"--data: expected one data root, got {', '.join(map(str, roots))}; give further folders as NAME=DIR")
        if not roots and environ.get("HMIF_DATA"):
            roots.append(Path(environ["HMIF_DATA"]).expanduser())
        for folder in (*roots, *named.values()):
            if must_exist and not folder.is_dir():
                raise SceneError(f"data: expected a folder, got {folder}, which is none; check --data and $HMIF_DATA")
        return cls(roots[0] if roots else Path(pooch.os_cache("hmif-bench")), named)

    def folder(self, data_set: str) -> Path | None:
        """Where a data set lies or would lie (`srf`, `weights`, `remote`...); None without a root.

        Raises:
            SceneError: there is no such data set.
        """
        if data_set not in _FOLDERS:
            raise SceneError(f"data: expected one of {', '.join(_FOLDERS)}, got {data_set!r}")
        return self.named.get(data_set) or (None if self.root is None else self.root / _FOLDERS[data_set])


@dataclass(frozen=True)
class SceneSource(ABC):
    """Where one scene comes from."""

    reader: ClassVar[Path]  # the module that makes the scene; its import closure is part of a cell's key
    name: str

    @abstractmethod
    def load(self) -> Scene:
        """The scene, under the catalog's name.

        Raises:
            SceneError: its files are not there or broken.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """sha256 (hex) of what the scene is made from.

        Raises:
            SceneError: its files are not there.
        """


@dataclass(frozen=True)
class BuiltinSource(SceneSource):
    """An analytic scene of the suite."""

    reader: ClassVar[Path] = Path(synthetic.__file__)
    recipe: synthetic.SyntheticRecipe

    def load(self) -> Scene:
        """The generated scene."""
        return synthetic.generate(self.recipe).scene

    def fingerprint(self) -> str:
        """Of the recipe and the generator's source text."""
        return synthetic.fingerprint(self.recipe)


@dataclass(frozen=True)
class CaveSource(SceneSource):
    """A scene of CAVE below the folder `base`."""

    reader: ClassVar[Path] = Path(cave.__file__)
    scene: str
    base: Path

    def load(self) -> Scene:
        """The 31 images as a cube."""
        return cave.read_scene(self.base, self.scene)

    def fingerprint(self) -> str:
        """Of the 31 files, in the order of the bands."""
        folder = cave.scene_folder(self.base, self.scene)
        return _digest("cave", [] if folder is None else cave.band_files(folder, self.scene))


@dataclass(frozen=True)
class FileSource(SceneSource):
    """A single file, and what it does not state itself; the fields are those of `read_scene_file`."""

    reader: ClassVar[Path] = Path(files.__file__)
    path: Path
    layout: str | None = None
    wavelengths: tuple[float, ...] | None = None
    variable: str | None = None
    scale: float | None = None
    overlap: Overlap = "error"

    def load(self) -> Scene:
        """The file as a scene."""
        scene = read_scene_file(
            self.path,
            layout=self.layout,
            wavelengths=self.wavelengths,
            variable=self.variable,
            scale=self.scale,
            overlap=self.overlap,
        )
        return replace(scene, name=self.name)

    def fingerprint(self) -> str:
        """Of the file (for ENVI, header and data) and the options."""
        options = repr((self.layout, self.wavelengths, self.variable, self.scale, self.overlap))
        if self.path.suffix.lower() not in (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip"):
            return _digest(options, [self.path])
        endings = ("", ".hdr", ".HDR", ".img", ".dat", ".bsq", ".bil", ".bip")
        beside = {self.path.with_name(stem + ending) for stem in (self.path.stem, self.path.name) for ending in endings}
        return _digest(options, sorted(file for file in beside if file.is_file()))


@dataclass(frozen=True)
class Listing:
    """A line of `list scenes`."""

    name: str
    available: bool
    note: str


def find(names: Iterable[str], roots: DataRoots) -> list[SceneSource]:
    """The sources of the named scenes, splits expanded, in order and each once.

    Raises:
        SceneError: a name that does not exist, or data that are not there; the text says where it looked and how to get them.
    """
    expanded = [one for name in names for one in ([f"cave/{scene}" for scene in _SPLITS[name]] if name in _SPLITS else [name])]
    found: dict[str, SceneSource] = {}
    for name in expanded:
        source = _find_one(name, roots)
        if found.setdefault(source.name, source) != source:
            raise SceneError(f"scenes: expected different names, got two scenes called {source.name!r}; rename one of the files")
    return list(found.values())


def names(roots: DataRoots) -> list[Listing]:
    """Every scene and split known here, and whether its data are there."""
    lines = [
        Listing(name, True, f"analytic, {recipe.bands} x {recipe.rows} x {recipe.cols}, {recipe.first_nm:.0f}..{recipe.last_nm:.0f} nm")
        for name, recipe in synthetic.BUILTIN.items()
    ]
    present = {scene: _cave_base(scene, roots) for scene in cave.SCENES}
    for split, scenes in _SPLITS.items():
        count = sum(present[scene] is not None for scene in scenes)
        lines.append(Listing(split, count == len(scenes), f"{count} of {len(scenes)} scenes found"))
    for scene, base in present.items():
        split = "test" if scene in cave.TEST else "train"
        lines.append(Listing(f"cave/{scene}", base is not None, f"{split}; {base}" if base is not None else f"{split}; {_GET_CAVE}"))
    return lines + [Listing(name, True, str(file)) for name, file in _collected(roots).items()]


_GET_CAVE = "get it by `python run_benchmark.py fetch cave`, or point --data DIR or --data cave=DIR at a copy"


def _find_one(name: str, roots: DataRoots) -> SceneSource:
    if name in synthetic.BUILTIN:
        return BuiltinSource(name, synthetic.BUILTIN[name])
    if name.startswith("file:"):
        return _file_source(name)
    kind, _, scene = name.partition("/")
    if kind == "cave" and scene in cave.SCENES:
        base = _cave_base(scene, roots)
        if base is None:
            looked = ", ".join(map(str, _cave_candidates(roots))) or "nowhere, as there is no data root"
            raise SceneError(f"scene {name!r}: expected a folder {scene}_ms with its bands, got none; looked in {looked}; {_GET_CAVE}")
        return CaveSource(name, scene, base)
    files = _collected(roots)
    if name in files:
        return FileSource(name, files[name], overlap="drop")
    valid = [*synthetic.BUILTIN, *_SPLITS, *(f"cave/{scene}" for scene in cave.SCENES), *files]
    near = _near(name, valid)
    if kind in _COLLECTIONS and scene:
        raise SceneError(
            f"scene {name!r}: expected {roots.folder(kind)}/{scene}.h5, got no such file{near}; point --data at a root with it"
        )
    raise SceneError(f"unknown scene {name!r}{near}; `python run_benchmark.py list scenes` shows all, file:PATH reads any single file")


def _cave_candidates(roots: DataRoots) -> list[Path]:
    if "cave" in roots.named:
        return [roots.named["cave"]]
    if roots.root is None:
        return []
    return [*(roots.root / folder for folder in ("cave", "CAVE", "complete_ms_data", "cave_near_lossless")), roots.root]


def _cave_base(scene: str, roots: DataRoots) -> Path | None:
    return next((base for base in _cave_candidates(roots) if cave.scene_folder(base, scene) is not None), None)


def _collected(roots: DataRoots) -> dict[str, Path]:
    """Name -> cube file, of the collections that are there."""
    folders = {kind: roots.folder(kind) for kind in _COLLECTIONS}
    return {f"{kind}/{file.stem}": file for kind, folder in folders.items() if folder is not None for file in sorted(folder.glob("*.h5"))}


def _file_source(name: str) -> FileSource:
    path, query = name.removeprefix("file:"), ""
    if "?" in path and not Path(path).expanduser().is_file():
        path, _, query = path.rpartition("?")
    kinds: dict[str, Any] = {"layout": str, "variable": str, "scale": float, "overlap": str, "wavelengths": _evenly}
    options: dict[str, Any] = {}
    try:
        for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            if key not in kinds or key in options:
                raise SceneError(f"scene {name!r}: expected each of {', '.join(kinds)} at most once, got {key!r}{_near(key, kinds)}")
            options[key] = kinds[key](value)
    except SceneError:
        raise
    except ValueError as error:
        raise SceneError(f"scene {name!r}: expected file:PATH?scale=NUMBER&wavelengths=FIRST:LAST:COUNT&..., got {error}") from error
    if options.get("overlap", "error") not in get_args(Overlap):
        raise SceneError(f"scene {name!r}: expected overlap={' or '.join(get_args(Overlap))}, got {options['overlap']!r}")
    file = Path(path).expanduser()
    if not file.is_file():
        raise SceneError(f"scene {name!r}: expected a file, got {file}, which is none; check the path")
    return FileSource(f"file/{file.stem}", file, **options)


def _evenly(text: str) -> tuple[float, ...]:
    """FIRST:LAST:COUNT as evenly spaced wavelengths (nm)."""
    first, last, count = text.split(":")
    return tuple(float(value) for value in np.linspace(float(first), float(last), int(count)))


def _near(name: str, valid: Iterable[str]) -> str:
    close = get_close_matches(name, list(valid), n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _digest(options: str, files: Sequence[Path]) -> str:
    if not files or not all(file.is_file() for file in files):
        raise SceneError(f"scene: expected its files, got {', '.join(map(str, files)) or 'none'} missing; check the data root")
    parts = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return hashlib.sha256("\n".join([options, *parts]).encode()).hexdigest()

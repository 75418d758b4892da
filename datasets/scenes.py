"""The scene catalog: from a name in a plan to a scene.

    builtin/fields            an analytic scene of the suite
    cave/balloons             one scene of CAVE; cave:test, cave:train and cave:all are its splits
    remote/jasper_ridge_r198  a cube file <root>/remote/jasper_ridge_r198.h5, overlapping bands dropped
    exact/balloons_crop256    a cube file <root>/cave_exact/balloons_crop256.h5
    file:PATH                 any single file (datasets/files.py); what it does not state itself follows as a query:
                              file:ref.mat?variable=ref&layout=rows cols bands&scale=10000&wavelengths=430:860:102&overlap=drop

A source says what the scene is made from: files, options of the reader, or a generator's recipe. The digest that names the scene in keys is
made from that, or from the cube that the reader returns (benchmark/matrix/scene_identity.py); never from the place where files lie.
"""

from __future__ import annotations

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

from datasets import cave, files, formats, synthetic
from datasets.files import Overlap, read_scene_file
from datasets.scene import Scene, SceneError

_FOLDERS = {"cave": "cave", "remote": "remote", "exact": "cave_exact", "pairs": "pairs", "srf": "srf", "weights": "weights"}
_COLLECTIONS = ("remote", "exact")  # folders of cube files, one a scene
LOSSY = (".jp2", ".j2k", ".jpx", ".jpf", ".jpg", ".jpeg")  # endings of files whose decoded bits differ between machines and libraries
_ENVI = (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip")
SPLITS = {"cave:test": cave.TEST, "cave:train": cave.TRAIN, "cave:all": cave.SCENES}


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

    reader: ClassVar[Path]  # the module that makes the scene
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)  # distributions that it decodes with
    name: str

    @abstractmethod
    def load(self) -> Scene:
        """The scene, under the catalog's name.

        Raises:
            SceneError: its files are not there or broken.
        """

    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files that the scene is made from, in an order that does not depend on the file system; none for a generated scene.

        Raises:
            SceneError: they are not there.
        """

    @abstractmethod
    def recipe(self) -> str:
        """What decides the scene besides its files: the reader and its options, or a generator's numbers. No name, no path."""

    def repeatable(self) -> bool:
        """Whether every machine gets the same bits: not from lossy files (JPEG, JPEG 2000) nor from a generator's floats."""
        return not any(file.suffix.lower() in LOSSY for file in self.files())

    def shape(self) -> tuple[int, int, int] | None:
        """Bands, rows and columns where they are known without making the scene, else None."""
        return None


@dataclass(frozen=True)
class BuiltinSource(SceneSource):
    """An analytic scene of the suite."""

    reader: ClassVar[Path] = Path(synthetic.__file__)
    ground: synthetic.SyntheticRecipe

    def load(self) -> Scene:
        """The generated scene."""
        return synthetic.generate(self.ground).scene

    def files(self) -> tuple[Path, ...]:
        """None: it is generated."""
        return ()

    def recipe(self) -> str:
        """The generator's numbers, without the name."""
        return f"generated {replace(self.ground, name='')!r}"

    def repeatable(self) -> bool:
        """No: the last bits of generated floats differ between machines."""
        return False

    def shape(self) -> tuple[int, int, int]:
        """As the recipe has it."""
        return self.ground.bands, self.ground.rows, self.ground.cols


@dataclass(frozen=True)
class CaveSource(SceneSource):
    """A scene of CAVE below the folder `base`."""

    reader: ClassVar[Path] = Path(cave.__file__)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pillow")
    scene: str
    base: Path

    def load(self) -> Scene:
        """The 31 images as a cube."""
        return cave.read_scene(self.base, self.scene)

    def files(self) -> tuple[Path, ...]:
        """The 31 images, in the order of the bands."""
        folder = cave.scene_folder(self.base, self.scene)
        return _there([] if folder is None else cave.band_files(folder, self.scene), f"CAVE {self.scene}")

    def recipe(self) -> str:
        """The number of bits is the scene's."""
        return f"cave {self.scene in cave.EIGHT_BIT}"


@dataclass(frozen=True)
class FileSource(SceneSource):
    """A single file, and what it does not state itself; the fields are those of `read_scene_file`."""

    reader: ClassVar[Path] = Path(files.__file__)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "h5py", "scipy", "spectral", "tifffile")
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

    def files(self) -> tuple[Path, ...]:
        """The file; for ENVI, header and data."""
        if self.path.suffix.lower() not in _ENVI:
            return _there([self.path], self.name)
        beside = {self.path.with_name(stem + ending) for stem in (self.path.stem, self.path.name) for ending in ("", ".HDR", *_ENVI)}
        return _there(sorted({self.path, *(file for file in beside if file.is_file())}), self.name)

    def recipe(self) -> str:
        """The ending, which picks the reader, and the options."""
        options = (self.layout, self.wavelengths, self.variable, self.scale, self.overlap)
        return f"file {self.path.suffix.lower()} {options!r}"

    def repeatable(self) -> bool:
        """Not where a TIFF holds JPEG or JPEG 2000 inside."""
        return super().repeatable() and not (self.path.suffix.lower() in (".tif", ".tiff") and formats.is_lossy_tiff(self.path))


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
    expanded = [one for name in names for one in ([f"cave/{scene}" for scene in SPLITS[name]] if name in SPLITS else [name])]
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
    for split, scenes in SPLITS.items():
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
    valid = [*synthetic.BUILTIN, *SPLITS, *(f"cave/{scene}" for scene in cave.SCENES), *files]
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


def _there(files: Sequence[Path], what: str) -> tuple[Path, ...]:
    """The files, all of which exist."""
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise SceneError(f"scene {what}: expected its files, got {', '.join(missing) or 'none'} missing; check the data root")
    return tuple(files)

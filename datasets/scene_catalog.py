"""The scene catalog: from a name in a plan to the source of a scene.

builtin/fields            an analytic scene of the suite
cave/balloons             one scene of CAVE; cave:test, cave:train and cave:all are its splits
remote/jasper_ridge_r198  a cube file <root>/remote/jasper_ridge_r198.h5, overlapping bands dropped
exact/balloons_crop256    a cube file <root>/cave_exact/balloons_crop256.h5
file:PATH                 any single file (datasets/files.py); what the file does not state follows as a query:
                          file:ref.mat?variable=ref&layout=rows cols bands&scale=10000&wavelengths=430:860:102&overlap=drop
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl

import numpy as np

from datasets import cave, synthetic
from datasets.data_roots import DataRoots, spell_nearest
from datasets.files import LONGEST_NM, Overlap
from datasets.scene import SceneError
from datasets.scene_sources import BuiltinSource, CaveSource, FileSource, SceneSource

MOST_BANDS = 10**6
_COLLECTIONS = ("remote", "exact")  # folders of cube files, one file per scene
SPLITS = {"cave:test": cave.TEST, "cave:train": cave.TRAIN, "cave:all": cave.SCENES}


@dataclass(frozen=True)
class ListedScene:
    """A line of `list scenes`."""

    name: str
    available: bool
    note: str


def find_scenes(names: Iterable[str], roots: DataRoots) -> list[SceneSource]:
    """The sources of the named scenes, each once and in their order; the name of a split stands for its scenes.

    Raises:
        SceneError: a name does not exist, or its data are not there; the text says where they were looked for, and how to get them.
    """
    expanded = [one for name in names for one in ([f"cave/{scene}" for scene in SPLITS[name]] if name in SPLITS else [name])]
    by_name: dict[str, SceneSource] = {}
    for name in expanded:
        source = _find_scene(name, roots)
        if by_name.setdefault(source.name, source) != source:
            raise SceneError(f"scenes: expected different names, got two scenes called {source.name!r}; rename one of the files")
    return list(by_name.values())


def list_scenes(roots: DataRoots) -> list[ListedScene]:
    """Every scene and split of the catalog, and whether its data are there."""
    lines = [
        ListedScene(name, True, f"analytic, {recipe.bands} x {recipe.rows} x {recipe.cols}, {recipe.first_nm:.0f}..{recipe.last_nm:.0f} nm")
        for name, recipe in synthetic.BUILTIN.items()
    ]
    present = {scene: _cave_base(scene, roots) for scene in cave.SCENES}
    for split, scenes in SPLITS.items():
        count = sum(present[scene] is not None for scene in scenes)
        lines.append(ListedScene(split, count == len(scenes), f"{count} of {len(scenes)} scenes found"))
    for scene, base in present.items():
        split = "test" if scene in cave.TEST else "train"
        lines.append(ListedScene(f"cave/{scene}", base is not None, f"{split}; {base}" if base is not None else f"{split}; {_GET_CAVE}"))
    return lines + [ListedScene(name, True, str(file)) for name, file in _collected(roots).items()]


_GET_CAVE = "get it by `python run_benchmark.py fetch cave`, or point --data DIR or --data cave=DIR at a copy"


def _find_scene(name: str, roots: DataRoots) -> SceneSource:
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
    near = spell_nearest(name, valid)
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
    """The cube files of the collections, by the names of their scenes."""
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
                raise SceneError(
                    f"scene {name!r}: expected each of {', '.join(kinds)} at most once, got {key!r}{spell_nearest(key, kinds)}"
                )
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
    """Evenly spaced wavelengths (nm) from FIRST:LAST:COUNT."""
    first, last, count = text.split(":")
    if not (0 < float(first) <= float(last) <= LONGEST_NM and 0 < int(count) <= MOST_BANDS):
        raise ValueError(f"wavelengths={text}, which are not above 0 nm and rising, or not 1 to {MOST_BANDS}")
    return tuple(float(value) for value in np.linspace(float(first), float(last), int(count)))

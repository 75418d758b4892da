"""The scene catalog: from a name in a plan to the source of a scene.

builtin/fields            an analytic scene of the suite
cave/balloons             one scene of CAVE; cave:test, cave:train and cave:all are its splits
remote/jasper_ridge_r198  a cube file <root>/remote/jasper_ridge_r198.h5, overlapping bands dropped
exact/balloons_crop256    a cube file <root>/cave_exact/balloons_crop256.h5
file:PATH                 any single file (datasets/files.py); what the file does not state follows as a query:
                          file:ref.mat?variable=ref&layout=rows cols bands&scale=10000&wavelengths=430:860:102&overlap=drop
                          (datasets/reading_options.py has all keys); a pattern such as file:/data/harvard/*.mat?variable=ref, or a folder,
                          stands for its files, each a scene
[[scene]]                 a table of a plan: `file`, the same keys, and a `name` of one's own; relative paths start at the plan's folder
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from datasets import cave, synthetic
from datasets.data_roots import DataRoots, spell_nearest
from datasets.reading_options import ReadingError, ReadingOptions, options_from
from datasets.scene import SceneError
from datasets.scene_sources import BuiltinSource, CaveSource, FileSource, SceneSource
from datasets.user_folders import user_path

_ENDINGS = (".h5", ".hdf5", ".he5", ".nc", ".mat", ".npz", ".npy", ".hdr", ".tif", ".tiff")  # of files that a pattern stands for
_COLLECTIONS = ("remote", "exact")  # folders of cube files, one file per scene
SPLITS = {"cave:test": cave.TEST, "cave:train": cave.TRAIN, "cave:all": cave.SCENES}


@dataclass(frozen=True)
class ListedScene:
    """A line of `list scenes`."""

    name: str
    available: bool
    note: str


def find_scenes(
    names: Iterable[str], roots: DataRoots, folder: Path | None = None, tables: Iterable[Mapping[str, Any]] = ()
) -> list[SceneSource]:
    """The sources of the named scenes, each once and in their order; the name of a split, or a pattern, stands for its scenes.

    Args:
        names: of scenes and splits, and `file:` with a path or pattern.
        roots: where data lie.
        folder: where relative paths start; None: the current folder.
        tables: [[scene]] of a plan.

    Raises:
        SceneError: a name does not exist, or its data are not there; the text says where they were looked for, and how to get them.
    """
    start = Path() if folder is None else folder
    expanded = [one for name in names for one in ([f"cave/{scene}" for scene in SPLITS[name]] if name in SPLITS else [name])]
    sources = [source for name in expanded for source in _find(name, roots, start)]
    sources += [source for table in tables for source in _from_table(table, start)]
    by_name: dict[str, SceneSource] = {}
    for source in sources:
        if by_name.setdefault(source.name, source) != source:
            raise SceneError(
                f"scenes: expected different names, got two scenes called {source.name!r}; give one of them a name of its own in a table "
                "[[scene]]"
            )
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


def _find(name: str, roots: DataRoots, folder: Path) -> list[SceneSource]:
    return list(_from_query(name, folder)) if name.startswith("file:") else [_find_scene(name, roots)]


def _find_scene(name: str, roots: DataRoots) -> SceneSource:
    if name in synthetic.BUILTIN:
        return BuiltinSource(name, synthetic.BUILTIN[name])
    kind, _, scene = name.partition("/")
    if kind == "cave" and scene in cave.SCENES:
        base = _cave_base(scene, roots)
        if base is None:
            looked = ", ".join(map(str, _cave_candidates(roots))) or "nowhere, as there is no data root"
            raise SceneError(f"scene {name!r}: expected a folder {scene}_ms with its bands, got none; looked in {looked}; {_GET_CAVE}")
        return CaveSource(name, scene, base)
    files = _collected(roots)
    if name in files:
        return FileSource(name, files[name], ReadingOptions(overlap="drop"))
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
    found = {kind: sorted(folder.glob("[!.]*.h5")) for kind, folder in folders.items() if folder is not None}
    return {f"{kind}/{file.stem}": file for kind, files in found.items() for file in files}


def _from_query(name: str, folder: Path) -> list[FileSource]:
    """The scenes of `file:PATH?key=value&...`."""
    path, query = name.removeprefix("file:"), ""
    if "?" in path and not (folder / user_path(path, SceneError)).is_file():
        path, _, query = path.rpartition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise SceneError(f"scene {name!r}: expected file:PATH?scale=NUMBER&wavelengths=FIRST:LAST:COUNT&..., got {error}") from error
    return _from_files(f"scene {name!r}", path, "file", pairs, folder)


def _from_table(table: Mapping[str, Any], folder: Path) -> list[FileSource]:
    """The scenes of a table [[scene]]: one, or those of a pattern, whose names then begin with that of the table."""
    name, file = table.get("name"), table.get("file")
    if not isinstance(file, str) or not (name is None or (isinstance(name, str) and name.strip())):
        raise SceneError(f"[[scene]]: expected file = a path or a pattern (and name = a text), got {dict(table)!r}")
    others = [(key, value) for key, value in table.items() if key not in ("name", "file")]
    sources = _from_files(f"[[scene]] {name or file}", file, "file" if name is None else name, others, folder)
    return [replace(source, name=name) for source in sources] if name is not None and not _is_pattern(folder, file) else sources


def _is_pattern(folder: Path, path: str) -> bool:
    where = folder / user_path(path, SceneError)
    return where.is_dir() or (not where.is_file() and any(sign in path for sign in "*["))


def _from_files(what: str, path: str, prefix: str, pairs: Iterable[tuple[str, Any]], folder: Path) -> list[FileSource]:
    """A scene `prefix`/STEM for each file that `path` stands for."""
    options: dict[str, Any] = {}
    keys = [item.name for item in fields(ReadingOptions)]
    for key, value in pairs:
        if key not in keys or key in options:
            raise SceneError(f"{what}: expected each of {', '.join(keys)} at most once, got {key!r}{spell_nearest(key, keys)}")
        options[key] = value
    try:
        read = options_from(options, folder)
    except ReadingError as error:
        raise SceneError(f"{what}: {error}") from error
    where = folder / user_path(path, SceneError)
    if not _is_pattern(folder, path):
        if not where.is_file():
            raise SceneError(f"{what}: expected a file, got {where}, which is none; check the path")
        return [FileSource(f"{prefix}/{where.stem}", where, read)]
    found = map(Path, sorted(glob(str(where / "*") if where.is_dir() else str(where))))  # noqa: PTH207  # Path.glob takes no absolute pattern
    files = [file for file in found if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")]
    if not files:
        raise SceneError(f"{what}: expected files ({', '.join(_ENDINGS)}), got none in {where}; check the path")
    return [FileSource(f"{prefix}/{file.stem}", file, read) for file in files]

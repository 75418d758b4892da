"""The scene catalog: from a name in a plan to the source of a scene.

builtin/fields            an analytic scene of the suite
cave/balloons             one scene of a named set (datasets/sets); cave:test, cave:dhif-test, cave:all... are its splits
remote/jasper_ridge_r198  a cube file <root>/remote/jasper_ridge_r198.h5, overlapping bands dropped
exact/balloons_crop256    a cube file <root>/cave_exact/balloons_crop256.h5
file:PATH                 any single file (datasets/files.py); what the file does not state follows as a query:
                          file:ref.mat?variable=ref&layout=rows cols bands&scale=10000&wavelengths=430:860:102&overlap=drop
                          (datasets/reading_options.py has all keys); a pattern such as file:/data/harvard/*.mat?variable=ref, or a folder,
                          stands for its files, each a scene
[[scene]]                 a table of a plan: `file`, the same keys, and a `name` of one's own; relative paths start at the plan's folder
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from datasets import synthetic
from datasets.data_roots import DataRoots, spell_nearest
from datasets.downloads import CATALOG
from datasets.reading_options import ReadingError, ReadingOptions, options_from
from datasets.scene import SceneError
from datasets.scene_sources import BuiltinSource, FileSource, SceneSource, SetSource
from datasets.sets.all_sets import SETS
from datasets.sets.named_set import NamedSet, SetScene, folder_entries
from datasets.user_folders import user_path

_ENDINGS = (".h5", ".hdf5", ".he5", ".nc", ".mat", ".npz", ".npy", ".hdr", ".tif", ".tiff")  # of files that a pattern stands for
_COLLECTIONS = ("remote", "exact")  # folders of cube files, one file per scene
_Known = dict[str, dict[str, SetScene]]  # the scenes of each set that has been asked for, so that its folder is searched once
SPLITS = tuple(f"{item.name}:{split}" for item in SETS.values() for split in (*item.splits, "all"))


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
    expanded = [one for name in names for one in (_split(name, roots) if name in SPLITS else [name])]
    known: _Known = {}
    sources = [source for name in expanded for source in _find(name, roots, start, known)]
    sources += [source for table in tables for source in _from_table(table, start)]
    by_name: dict[str, SceneSource] = {}
    for source in sources:
        if by_name.setdefault(source.name, source) != source:
            raise SceneError(
                f"scenes: expected different names, got two scenes called {source.name!r}; give one of them a name of its own in a table "
                "[[scene]]"
            )
    return list(by_name.values())


def is_in_catalog(name: str) -> bool:
    """Whether a name is that of a built-in scene, a split, or a scene of a named set or collection, whether its data are there or not."""
    return name in synthetic.BUILTIN or name in SPLITS or name.partition("/")[0] in (*SETS, *_COLLECTIONS)


def list_scenes(roots: DataRoots) -> list[ListedScene]:
    """Every scene and split of the catalog, and whether its data are there; of a set that is not there, the splits alone."""
    lines = [
        ListedScene(name, True, f"analytic, {recipe.bands} x {recipe.rows} x {recipe.cols}, {recipe.first_nm:.0f}..{recipe.last_nm:.0f} nm")
        for name, recipe in synthetic.BUILTIN.items()
    ]
    for item in SETS.values():
        lines += _set_lines(item, roots)
    return lines + [ListedScene(name, True, str(file)) for name, file in _collected(roots).items()]


def _set_lines(item: NamedSet, roots: DataRoots) -> list[ListedScene]:
    """The lines of one named set: its splits, then its scenes."""
    base = next((folder for folder in _candidates(item, roots) if folder.is_dir() and any(_present(item, folder))), None)
    if base is None:
        splits = [ListedScene(f"{item.name}:{split}", False, facts.source) for split, facts in item.splits.items()]
        return [*splits, ListedScene(f"{item.name}:all", False, f"{item.sheet()['size']}; {_way_to_have(item)}")]
    places = {scene.name: _place(item, scene, roots) for scene in item.all_scenes(base)}
    lines = []
    for split in (*item.splits, "all"):
        try:
            names = item.split(split, base)
        except SceneError as error:
            lines.append(ListedScene(f"{item.name}:{split}", False, str(error)))
            continue
        count = sum(places.get(name) is not None for name in names)
        lines.append(ListedScene(f"{item.name}:{split}", count == len(names), f"{count} of {len(names)} scenes found"))
    for name, place in places.items():
        used = ", ".join(split for split, facts in item.splits.items() if name in facts.names)
        note = str(place) if place is not None else _way_to_have(item)
        lines.append(ListedScene(f"{item.name}/{name}", place is not None, f"{used}; {note}" if used else note))
    return lines


def _present(item: NamedSet, base: Path) -> list[bool]:
    """For each scene of the set whether its files lie below `base`."""
    return [item.has(base, scene) for scene in item.all_scenes(base)]


def present_scenes(item: NamedSet, roots: DataRoots) -> int:
    """How many scenes of a named set are there."""
    names = {scene.name: scene for base in _candidates(item, roots) for scene in item.all_scenes(base)}
    return sum(_place(item, scene, roots) is not None for scene in names.values())


def _way_to_have(item: NamedSet) -> str:
    """How to come by a set, in one sentence."""
    fetched = [entry.name for entry in CATALOG.values() if entry.target.split("/")[0] == item.name]
    fetch = f"get it by `python run_benchmark.py fetch {fetched[0]}`, or " if fetched else f"it is to be had at {item.sheet()['where']}; "
    return f"{fetch}point --data DIR or --data {item.name}=DIR at a copy"


def _split(name: str, roots: DataRoots) -> list[str]:
    """The names of the scenes of a split such as cave:test.

    Raises:
        SceneError: the split is made of what lies in the folder of the set, which is not there or another.
    """
    kind, _, split = name.partition(":")
    item = SETS[kind]
    bases = _candidates(item, roots)
    base = next((folder for folder in bases if folder.is_dir() and item.all_scenes(folder)), None)
    if base is None:
        raise SceneError(f"scenes {name!r}: {_missing(item, 'the data set', roots)}")
    return [f"{kind}/{scene}" for scene in item.split(split, base)]


def _missing(item: NamedSet, what: str, roots: DataRoots) -> str:
    """That something of a set is not there, where it was looked for, and how to get it."""
    looked = ", ".join(map(str, _candidates(item, roots))) or "nowhere, as there is no data root"
    sheet = item.sheet()
    title, size, layout = sheet.title.split(",")[0], sheet["size"], sheet["folder"]
    return f"expected {what} of {title}, got none; looked in {looked}; {_way_to_have(item)} ({size}); its folder must look like: {layout}"


def _find(name: str, roots: DataRoots, folder: Path, known: _Known) -> list[SceneSource]:
    return list(_from_query(name, folder)) if name.startswith("file:") else [_find_scene(name, roots, known)]


def _find_scene(name: str, roots: DataRoots, known: _Known) -> SceneSource:
    if name in synthetic.BUILTIN:
        return BuiltinSource(name, synthetic.BUILTIN[name])
    kind, _, scene = name.partition("/")
    if kind in SETS and scene:
        if kind not in known:
            known[kind] = {
                found.name: found for base in (*_candidates(SETS[kind], roots), None) for found in reversed(SETS[kind].all_scenes(base))
            }
        return _scene_of_set(name, SETS[kind], known[kind], roots)
    files = _collected(roots)
    if name in files:
        return FileSource(name, files[name], ReadingOptions(overlap="drop"))
    valid = [*synthetic.BUILTIN, *SPLITS, *(f"{item.name}/{scene.name}" for item in SETS.values() for scene in item.scenes), *files]
    near = spell_nearest(name, valid)
    if kind in _COLLECTIONS and scene:
        raise SceneError(
            f"scene {name!r}: expected {roots.folder(kind)}/{scene}.h5, got no such file{near}; point --data at a root with it"
        )
    raise SceneError(f"unknown scene {name!r}{near}; `python run_benchmark.py list scenes` shows all, file:PATH reads any single file")


def _scene_of_set(name: str, item: NamedSet, known: Mapping[str, SetScene], roots: DataRoots) -> SceneSource:
    """The source of one scene of a named set, whose scenes are `known`.

    Raises:
        SceneError: the set has no such scene, or its files are not there.
    """
    scene = name.partition("/")[2]
    if scene not in known:
        if not known:
            raise SceneError(f"scene {name!r}: {_missing(item, 'its files', roots)}")
        near = spell_nearest(name, [f"{item.name}/{other}" for other in known])
        shown = ", ".join(sorted(known)[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        raise SceneError(f"unknown scene {name!r}{near}; expected one of {shown}; `python run_benchmark.py list scenes` shows all")
    base = _place(item, known[scene], roots)
    if base is None:
        wanted = " or ".join(known[scene].files) or f"a folder {scene}_ms with its bands"
        raise SceneError(f"scene {name!r}: {_missing(item, wanted, roots)}")
    if item.reader is not None:
        return SetSource(name, item.reader, known[scene], base)
    (file,) = item.files(base, known[scene])
    return FileSource(name, file, known[scene].options, known[scene].shape)


def _candidates(item: NamedSet, roots: DataRoots) -> Sequence[Path]:
    """The folders in which a set may lie: the one that `--data NAME=DIR` names, or those of the data root."""
    if item.name in roots.named:
        return [roots.named[item.name]]
    if roots.root is None or not roots.root.is_dir():
        return [] if roots.root is None else [roots.root / item.name]
    names = [item.name, *item.folders]
    wanted = {name.lower() for name in names}
    there = [entry.name for entry in folder_entries(roots.root) if entry.name.lower() in wanted]
    order = sorted({*there, *(() if there else (item.name,))}, key=lambda entry: [name.lower() for name in names].index(entry.lower()))
    return [*(roots.root / entry for entry in order), *([roots.root] if "." in item.folders else [])]


def _place(item: NamedSet, scene: SetScene, roots: DataRoots) -> Path | None:
    """The folder in which the files of a scene lie."""
    return next((base for base in _candidates(item, roots) if base.is_dir() and item.has(base, scene)), None)


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

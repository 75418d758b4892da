"""A named data set: which scenes it has, in which files they lie, how these are read, and which scenes papers use together.

Most sets are images in files that `read_scene_file` reads, once `ReadingOptions` say what the files do not state; for these a data sheet
and the options are all there is. A set in a form of its own has a `SetReader`.

Files are found by patterns below the folder of the set: names in any case, `*` within a name, `**` for up to three folders, or none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar, Literal

from datasets.input_files import own_errors
from datasets.reading_options import ReadingOptions
from datasets.scene import Scene, SceneError
from datasets.sets.data_sheet import DataSheet, read_sheet

DEEPEST = 3  # folders that ** stands for
Window = tuple[int, int, int, int]  # row, col, rows, cols
Shape = tuple[int, int, int]  # bands, rows, cols


@dataclass(frozen=True)
class SetScene:
    """One scene of a set; several scenes may be windows of one image."""

    name: str  # below the name of the set
    files: tuple[str, ...] = ()  # patterns, of which the first that is found is taken
    options: ReadingOptions = field(default_factory=ReadingOptions)
    shape: Shape | None = None  # of the scene as it is read, where it is published


@dataclass(frozen=True)
class ScenePattern:
    """The scenes of a set that are not listed one by one: each file that the pattern finds is one."""

    files: str
    options: ReadingOptions
    shape: Shape | None = None
    named_by: Literal["file", "folder"] = "file"  # the name of the scene: that of the file without its ending, or of the folder it lies in


@dataclass(frozen=True)
class Split:
    """Scenes that are used together: named, or all but some, or all that lie in a folder, or by their places in the list of all."""

    source: str  # whose split it is
    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # all scenes but these
    folder: str = ""  # a pattern for a folder of the path
    places: tuple[int, ...] = ()  # from 1, where the scenes are sorted by the names of their files
    of: int = 0  # how many scenes there must be for `without` or `places` to mean anything


@dataclass(frozen=True)
class SetReader(ABC):
    """Reads the scenes of a set whose files need lines of their own. The module of the class counts as the reader in a scene's identity."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)  # the distributions that decode the files

    @abstractmethod
    def files(self, base: Path, scene: SetScene) -> tuple[Path, ...]:
        """The files of a scene below the folder of the set, in a fixed order; none where they are not there."""

    def is_there(self, base: Path, scene: SetScene) -> bool:
        """Whether the scene lies below the folder of the set; it may still be incomplete."""
        return bool(self.files(base, scene))

    @abstractmethod
    def load(self, base: Path, scene: SetScene) -> Scene:
        """The scene.

        Raises:
            SceneError: its files are not there, or are not what the data sheet says.
        """

    def recipe(self, scene: SetScene) -> str:
        """What decides the scene besides its files and the reader's sources."""
        return f"{type(self).__name__} {scene.options.spelled()}"


@dataclass(frozen=True)
class NamedSet:
    """A data set under the name that plans and `--data NAME=DIR` use."""

    name: str
    module: Path  # whose docstring is the data sheet
    scenes: tuple[SetScene, ...] = ()
    pattern: ScenePattern | None = None
    splits: Mapping[str, Split] = field(default_factory=dict)
    folders: tuple[str, ...] = ()  # other names that its folder below the data root may have, in any case
    reader: SetReader | None = None  # None: read_scene_file

    def sheet(self) -> DataSheet:
        """The data sheet."""
        return read_sheet(self.module)

    def files(self, base: Path, scene: SetScene) -> tuple[Path, ...]:
        """The files of a scene below `base`, none where they are not there. The first holds the image."""
        if self.reader is not None:
            return self.reader.files(base, scene)
        return next(((found,) for pattern in scene.files if (found := next(matches(base, pattern), None)) is not None), ())

    def has(self, base: Path, scene: SetScene) -> bool:
        """Whether a scene lies below `base`."""
        return bool(self.files(base, scene)) if self.reader is None else self.reader.is_there(base, scene)

    def all_scenes(self, base: Path | None) -> tuple[SetScene, ...]:
        """The listed scenes, and those that the pattern finds below `base`, sorted by name.

        Raises:
            SceneError: two files give scenes of one name.
        """
        return self.scenes + tuple(scene for scene, _ in self._found(base))

    def split(self, name: str, base: Path | None) -> tuple[str, ...]:
        """The names of the scenes of a split ("all": of every scene).

        Raises:
            SceneError: the scenes that are there are not those that the split is made of.
        """
        if name == "all":
            return tuple(scene.name for scene in self.all_scenes(base))
        split = self.splits[name]
        if split.names:
            return split.names
        found = self._found(base)
        if split.folder:
            inside = [
                scene.name
                for scene, path in found
                if any(fnmatchcase(part.lower(), split.folder.lower()) for part in Path(path).parts[:-1])
            ]
            if not inside:
                raise SceneError(
                    f"{self.name}:{name}: expected scenes in a folder {split.folder}, got none in {base}; {self._shape_of_folder()}"
                )
            return tuple(inside)
        if len(found) != split.of:
            raise SceneError(
                f"{self.name}:{name}: expected {split.of} scenes, among which this split counts, got {len(found)} in {base}; "
                f"{self._shape_of_folder()}"
            )
        if split.without:
            return tuple(scene.name for scene, _ in found if scene.name not in split.without)
        return tuple(found[place - 1][0].name for place in split.places)

    def _shape_of_folder(self) -> str:
        return f"the folder must look like: {self.sheet()['folder']}"

    def _found(self, base: Path | None) -> list[tuple[SetScene, str]]:
        """The scenes of the pattern, and the path of each below `base`, sorted by the names of the scenes."""
        if self.pattern is None or base is None:
            return []
        by_name: dict[str, tuple[SetScene, str]] = {}
        for file in matches(base, self.pattern.files):
            name = file.stem if self.pattern.named_by == "file" else file.parent.name
            path = file.relative_to(base).as_posix()
            if name in by_name:
                raise SceneError(
                    f"{self.name}/{name}: expected one file, got {by_name[name][1]} and {path} in {base}; move one of them away"
                )
            by_name[name] = (SetScene(name, (path,), self.pattern.options, self.pattern.shape), path)
        return [by_name[name] for name in sorted(by_name)]


def windows(files: tuple[str, ...], options: ReadingOptions, whole: Shape, places: Mapping[str, Window]) -> tuple[SetScene, ...]:
    """The scene `whole`, and scenes that are windows of it.

    Args:
        files: the patterns of the image's file.
        options: how the image is read.
        whole: the shape of the image as it is read.
        places: the window of each further scene, by its name.
    """
    cut = (SetScene(name, files, replace(options, crop=place), (whole[0], *place[2:])) for name, place in places.items())
    return (SetScene("whole", files, options, whole), *cut)


def matches(base: Path, pattern: str) -> Iterator[Path]:
    """The files below `base` that the pattern names, sorted by their paths."""
    exact = base / pattern
    if exact.is_file():
        yield exact
        return
    yield from sorted(set(_walk(base, pattern.split("/"), DEEPEST)))


def _walk(folder: Path, parts: Sequence[str], depth: int) -> Iterator[Path]:
    if not folder.is_dir():
        return
    first, *rest = parts
    if first == "**":
        yield from _walk(folder, rest, depth)
        if depth:
            for inner in folder_entries(folder):
                if inner.is_dir():
                    yield from _walk(inner, parts, depth - 1)
        return
    for entry in folder_entries(folder):
        if fnmatchcase(entry.name.lower(), first.lower()):
            if rest:
                yield from _walk(entry, rest, depth)
            elif entry.is_file():
                yield entry


def folder_entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without hidden files.

    Raises:
        SceneError: the folder cannot be read.
    """
    with own_errors(folder, SceneError, "a folder that can be read", "check its permissions"):
        return [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]

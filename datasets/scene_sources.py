"""Where one scene comes from: a generator, the images of CAVE, or a single file.

A source says what the scene is made from: files, options of the reader, or a generator's recipe. The digest that names the scene in keys
is made from that, or from the cube that the reader returns (benchmark/identity/scene_identity.py); never from the place where files lie.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from datasets import cave, files, synthetic
from datasets.envi_format import ENVI_ENDINGS
from datasets.files import read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scene import Scene, SceneError
from datasets.tiff_format import is_lossy_tiff

LOSSY = (".jp2", ".j2k", ".jpx", ".jpf", ".jpg", ".jpeg")  # endings of files whose decoded bits differ between machines and libraries


@dataclass(frozen=True)
class SceneSource(ABC):
    """Where one scene comes from."""

    reader: ClassVar[Path]  # the module that makes the scene
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)  # the distributions that decode its files
    name: str

    @abstractmethod
    def load(self) -> Scene:
        """The scene, under the name that the catalog gives it.

        Raises:
            SceneError: its files are not there or broken.
        """

    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files that the scene is read from, in an order that does not depend on the file system; none for a generated scene.

        Raises:
            SceneError: they are not there.
        """

    @abstractmethod
    def recipe(self) -> str:
        """What decides the scene besides its files: the reader and its options, or the generator's numbers; no name and no path."""

    def repeatable(self) -> bool:
        """Whether every machine gets the same bits; not so from lossy files (JPEG, JPEG 2000), nor from a generator's floats."""
        return not any(file.suffix.lower() in LOSSY for file in self.files())

    def shape(self) -> tuple[int, int, int] | None:
        """Bands, rows and columns, where they are known without loading the scene; else None."""
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
        """No file, as the scene is generated."""
        return ()

    def recipe(self) -> str:
        """The generator's numbers, without the name."""
        return f"generated {replace(self.ground, name='')!r}"

    def repeatable(self) -> bool:
        """False: the last bits of generated floats differ between machines."""
        return False

    def shape(self) -> tuple[int, int, int]:
        """The shape that the recipe says."""
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
        return _existing([] if folder is None else cave.band_files(folder, self.scene), f"CAVE {self.scene}")

    def recipe(self) -> str:
        """The reader, and whether it divides by 255 or by 65535."""
        return f"cave {self.scene in cave.EIGHT_BIT}"


@dataclass(frozen=True)
class FileSource(SceneSource):
    """A single file, and what is said of it."""

    reader: ClassVar[Path] = Path(files.__file__)
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "h5py", "spectral", "tifffile")
    path: Path
    options: ReadingOptions = files.PLAIN

    def load(self) -> Scene:
        """The file as a scene."""
        return replace(read_scene_file(self.path, self.options), name=self.name)

    def files(self) -> tuple[Path, ...]:
        """The file; of an ENVI image, header and data."""
        if self.path.suffix.lower() not in ENVI_ENDINGS:
            return _existing([self.path, *self._mask_file()], self.name)
        beside = {self.path.with_name(stem + ending) for stem in (self.path.stem, self.path.name) for ending in ("", ".HDR", *ENVI_ENDINGS)}
        return _existing([*sorted({self.path, *(file for file in beside if file.is_file())}), *self._mask_file()], self.name)

    def recipe(self) -> str:
        """The ending, which says which reader is used, and the options."""
        options = replace(self.options, mask="another file") if self._mask_file() else self.options
        return f"file {self.path.suffix.lower()} {options.spelled()}"

    def _mask_file(self) -> list[Path]:
        """The file of the mask, where it is another file."""
        return [Path(self.options.mask)] if self.options.mask is not None and Path(self.options.mask).is_file() else []

    def repeatable(self) -> bool:
        """As for other files; not so where a TIFF is compressed with loss."""
        return super().repeatable() and not (self.path.suffix.lower() in (".tif", ".tiff") and is_lossy_tiff(self.path))


def expect_apart(training: Sequence[SceneSource], tested: Sequence[SceneSource]) -> None:
    """Nothing, where no two different crops of one image overlap, of which one is trained on and the other tested.

    (One and the same scene on both sides is left to the cell, which is skipped with a reason.)

    Raises:
        SceneError: two do; the text names both.
    """
    for one, other in itertools.product(training, tested):
        if not (isinstance(one, FileSource) and isinstance(other, FileSource)) or one.options == other.options:
            continue
        same = one.path.resolve() == other.path.resolve() and one.options.variable == other.options.variable
        if same and _overlap(one.options.crop, other.options.crop):
            raise SceneError(
                f"training: expected crops of {one.path.name} that do not overlap those of the test, got {one.name!r} (crop "
                f"{_spell_crop(one)}) and {other.name!r} (crop {_spell_crop(other)}); move them apart"
            )


def _overlap(one: tuple[int, int, int, int] | None, other: tuple[int, int, int, int] | None) -> bool:
    """Whether two crops share a pixel; without a crop a scene is the whole image."""
    if one is None or other is None:
        return True
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


def _spell_crop(source: FileSource) -> str:
    return "of the whole image" if source.options.crop is None else str(list(source.options.crop))


def _existing(files: Sequence[Path], what: str) -> tuple[Path, ...]:
    """The files, all of which exist."""
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise SceneError(f"scene {what}: expected its files, got {', '.join(missing) or 'none'} missing; check the data root")
    return tuple(files)

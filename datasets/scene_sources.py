"""Where one scene comes from: a generator, a single file, or a named set in a form of its own.

A source says what the scene is made from: files, options of the reader, or a generator's recipe. The digest that names the scene in keys
is made from that, or from the cube that the reader returns (benchmark/identity/scene_identity.py); never from the place where files lie.
"""

from __future__ import annotations

import itertools
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets import files, synthetic
from datasets.envi_format import ENVI_ENDINGS
from datasets.files import read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scene import Scene, SceneError
from datasets.sets.named_set import SetReader, SetScene, Shape
from datasets.tiff_format import is_lossy_tiff

LOSSY = (".jp2", ".j2k", ".jpx", ".jpf", ".jpg", ".jpeg")  # endings of files whose decoded bits differ between machines and libraries


@dataclass(frozen=True)
class SceneSource(ABC):
    """Where one scene comes from."""

    name: str

    @property
    @abstractmethod
    def reader(self) -> Path:
        """The module that makes the scene, whose sources count in its identity."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distributions that decode its files."""
        return ("numpy",)

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

    def images(self) -> list[tuple[tuple[Path, ...], ReadingOptions]]:
        """The images that the scene is read from, each with its files and what is said of it; none for a generated scene."""
        return []

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

    ground: synthetic.SyntheticRecipe

    @property
    def reader(self) -> Path:
        """The generator."""
        return Path(synthetic.__file__)

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
class SetSource(SceneSource):
    """A scene of a named set in a form of its own, below the folder `base`."""

    set_reader: SetReader
    scene: SetScene
    base: Path

    @property
    def reader(self) -> Path:
        """The module of the set's reader."""
        return Path(str(sys.modules[type(self.set_reader).__module__].__file__))

    @property
    def libraries(self) -> tuple[str, ...]:
        """Those of the set's reader."""
        return self.set_reader.libraries

    def load(self) -> Scene:
        """The scene, as its reader gives it."""
        return _of_published_shape(replace(self.set_reader.load(self.base, self.scene), name=self.name), self.scene.shape)

    def files(self) -> tuple[Path, ...]:
        """The files, in the order of the reader."""
        return _existing(self.set_reader.files(self.base, self.scene), self.name)

    def images(self) -> list[tuple[tuple[Path, ...], ReadingOptions]]:
        """The one image, by the first of its files."""
        return [(self.files()[:1], self.scene.options)] if self.scene.files else []

    def recipe(self) -> str:
        """The reader's own words."""
        return self.set_reader.recipe(self.scene)


@dataclass(frozen=True)
class FileSource(SceneSource):
    """A single file, and what is said of it."""

    path: Path
    options: ReadingOptions = files.PLAIN
    published: Shape | None = None  # bands, rows and columns of a named set's scene, which another file under its name would not have

    @property
    def reader(self) -> Path:
        """The reader of single files."""
        return Path(files.__file__)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Those of all formats."""
        return ("numpy", "h5py", "spectral", "tifffile")

    def load(self) -> Scene:
        """The file as a scene."""
        try:
            scene = read_scene_file(self.path, self.options)
        except SceneError as error:
            if self.published is None:
                raise
            raise SceneError(
                f"{error}; for another file than that of the data set, write a table [[scene]] with options of your own"
            ) from error
        return _of_published_shape(replace(scene, name=self.name), self.published)

    def files(self) -> tuple[Path, ...]:
        """The file; of an ENVI image, header and data."""
        return _existing([*image_files(self.path), *self._mask_file()], self.name)

    def images(self) -> list[tuple[tuple[Path, ...], ReadingOptions]]:
        """The one image."""
        return [(tuple(image_files(self.path)), self.options)]

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
    """Check that no training crop overlaps a test crop of the same image.

    The same scene on both sides is no error here: its cells are skipped with a reason.

    Raises:
        SceneError: two crops overlap; the text names both.
    """
    trained, held = ([(source, *image) for source in sources for image in source.images()] for sources in (training, tested))
    for (one, places, read), (other, others, read_too) in itertools.product(trained, held):
        if one == other or not _share_files(places, others) or not _overlap(read.crop, read_too.crop):
            continue
        if None in (read.variable, read_too.variable) or read.variable == read_too.variable:
            raise SceneError(
                f"training: expected crops of {places[0].name} that do not overlap those of the test, got {one.name!r} (crop "
                f"{_spell_crop(read)}) and {other.name!r} (crop {_spell_crop(read_too)}); move them apart"
            )


def image_files(path: Path) -> list[Path]:
    """The file of an image; of an ENVI image, whichever of its two files is named, header and data."""
    if path.suffix.lower() not in ENVI_ENDINGS:
        return [path]
    beside = {path.with_name(stem + ending) for stem in (path.stem, path.name) for ending in ("", ".HDR", *ENVI_ENDINGS)}
    return sorted({path, *(file for file in beside if file.is_file())})


def _share_files(some: Sequence[Path], others: Sequence[Path]) -> bool:
    """Whether two images have a file in common, under whatever name (links)."""
    places = [{(stat.st_dev, stat.st_ino) for stat in (file.stat() for file in files if file.exists())} for files in (some, others)]
    return bool(places[0] & places[1])


def _overlap(one: tuple[int, int, int, int] | None, other: tuple[int, int, int, int] | None) -> bool:
    """Whether two crops share a pixel; without a crop a scene is the whole image."""
    if one is None or other is None:
        return True
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


def _spell_crop(read: ReadingOptions) -> str:
    return "of the whole image" if read.crop is None else str(list(read.crop))


def _existing(files: Sequence[Path], what: str) -> tuple[Path, ...]:
    """The files, all of which exist."""
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise SceneError(f"scene {what}: expected its files, got {', '.join(missing) or 'none'} missing; check the data root")
    return tuple(files)


def _of_published_shape(scene: Scene, published: Shape | None) -> Scene:
    """The scene, which has the shape that the data sheet of its set gives, where it gives one."""
    if published is not None and scene.cube.shape != published:
        bands, rows, cols = published
        raise SceneError(
            f"scene {scene.name!r}: expected {bands} bands of {rows} x {cols} pixels, as its data sheet says, got "
            f"{scene.cube.shape[0]} of {scene.cube.shape[1]} x {scene.cube.shape[2]}; use the original, or read this one with file:PATH"
        )
    return scene

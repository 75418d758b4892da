"""CAVE, the multispectral image data base of Columbia University.

    what         32 indoor scenes: skin and hair, paints, food and drink, real and fake objects, stuff; Apogee Alta U260 camera behind a
                 liquid crystal tunable filter (VariSpec), illuminant CIE D65
    where        https://www.cs.columbia.edu/CAVE/databases/multispectral (complete_ms_data.zip)
    size         0.4 to 0.5 GB
    folder       <scene>_ms/<scene>_ms/<scene>_ms_01.png ... _31.png, or <scene>_ms/<scene>_ms_01.png
    file         one image per band
    scenes       32, by the names of their folders
    shape        512 x 512 x 31
    scale        65535 (16-bit PNG); 255 for `watercolors`, which is distributed as 8-bit RGBA
    wavelengths  400, 410, ..., 700
    licence      copyright of its makers; for research, with the paper cited
    paper        F. Yasuma, T. Mitsunaga, D. Iso, S. K. Nayar, "Generalized Assorted Pixel Camera: Postcapture Control of Resolution,
                 Dynamic Range, and Spectrum", IEEE Transactions on Image Processing 19(9), 2010
    doi          10.1109/TIP.2010.2046811
    splits       test (12) and train (20): MossFuse; dhif-train, dhif-test: the first 20 and the last 12 in alphabetical order (DHIF-Net,
                 DSPNet, SFNO); deng-test (11) and deng-train (20), without `watercolors`: PSRT, BDT, MIMO-SST, FeINFN; ual-train, ual-test:
                 the first 12 and the other 20 of UAL's own list; HIFtool's by numbers of another copy cannot be named here
    open         the order behind HIFtool's numbers; no checksum is published

The bands may be PNG, TIFF, JPEG 2000, JPEG, BMP or PGM (for some other formats Pillow would start another program), in the original
folders or in flat ones (<root>/<scene>_ms/<scene>_ms_01.jp2), with or without a folder `complete_ms_data` around them. The
number in a file's name says which band it is, never the order of the file system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from datasets.input_files import own_errors, regular_size
from datasets.scene import Scene, SceneError
from datasets.sets.named_set import NamedSet, SetReader, SetScene, Split

BANDS = 31
SIDE = 512  # rows and columns
EIGHT_BIT = ("watercolors",)  # distributed with 8 bits per sample, the others with 16
TEST = (
    *("balloons", "clay", "egyptian_statue", "fake_and_real_beers", "fake_and_real_lemons", "fake_and_real_peppers"),
    *("fake_and_real_tomatoes", "hairs", "real_and_fake_apples", "real_and_fake_peppers", "stuffed_toys", "thread_spools"),
)
TRAIN = (
    *("beads", "cd", "chart_and_stuffed_toy", "cloth", "face", "fake_and_real_food", "fake_and_real_lemon_slices"),
    *("fake_and_real_strawberries", "fake_and_real_sushi", "feathers", "flowers", "glass_tiles", "jelly_beans", "oil_painting"),
    *("paints", "photo_and_face", "pompoms", "sponges", "superballs", "watercolors"),
)
SCENES = tuple(sorted(TEST + TRAIN))
_UAL_TRAIN = (  # the first twelve of the list in JiangtaoNie/UAL, LoadDataset_Batch.py, here in alphabetical order
    *("balloons", "cd", "face", "fake_and_real_beers", "fake_and_real_food", "fake_and_real_strawberries", "feathers"),
    *("oil_painting", "real_and_fake_peppers", "sponges", "stuffed_toys", "thread_spools"),
)
_DENG_TEST = (
    *("balloons", "cd", "chart_and_stuffed_toy", "clay", "fake_and_real_beers", "fake_and_real_lemon_slices", "fake_and_real_tomatoes"),
    *("feathers", "flowers", "hairs", "jelly_beans"),
)
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_EIGHT_BIT_MODES = ("L", "LA", "RGB", "RGBA")
_FORMATS = ("PNG", "TIFF", "JPEG2000", "JPEG", "BMP", "PPM")
_INVERTED = 0  # photometric interpretation of a TIFF: white is zero


def scene_folder(root: Path, scene: str) -> Path | None:
    """The folder below `root` that holds the bands of `scene`, or None when there is none."""
    for base in (root, root / "complete_ms_data"):
        outer = base / f"{scene}_ms"
        for folder in (outer / f"{scene}_ms", outer):
            if folder.is_dir() and _numbered(folder, scene):
                return folder
    return None


def band_files(folder: Path, scene: str) -> list[Path]:
    """The 31 files of `scene` in `folder`, in the order of the bands.

    Raises:
        SceneError: a band is missing or is there twice, or there are more than 31.
    """
    by_number = _numbered(folder, scene)
    twice = [files for files in by_number.values() if len(files) > 1]
    if twice:
        names = ", ".join(file.name for file in twice[0])
        raise SceneError(f"CAVE {scene}: expected one file per band in {folder}, got {names}; remove all but one")
    missing = [number for number in range(1, BANDS + 1) if number not in by_number]
    beyond = sorted(number for number in by_number if not 1 <= number <= BANDS)
    if missing or beyond:
        wrong = f"{scene}_ms_{missing[0]:02d}.png missing" if missing else f"{by_number[beyond[0]][0].name} too many"
        raise SceneError(
            f"CAVE {scene}: expected {BANDS} bands {scene}_ms_01 to {scene}_ms_{BANDS} in {folder}, got {len(by_number)} files ({wrong}); "
            "unpack the scene again"
        )
    return [by_number[number][0] for number in range(1, BANDS + 1)]


def read_scene(root: Path, scene: str, *, side: int = SIDE) -> Scene:
    """The scene `cave/<scene>`: float32 in 0..1, of the shape (31, side, side).

    Raises:
        SceneError: the scene is unknown or not there, or one of its bands is missing, broken, truncated, or of another size or depth.
    """
    if scene not in SCENES:
        raise SceneError(f"CAVE: expected one of {', '.join(SCENES)}, got {scene!r}")
    folder = scene_folder(root, scene)
    if folder is None:
        raise SceneError(f"CAVE {scene}: expected {root / f'{scene}_ms'} with the bands as images, got no such folder; check the data root")
    files = band_files(folder, scene)
    cube = np.empty((BANDS, side, side), dtype=np.float32)
    for band, file in enumerate(files):
        samples = _read_band(file, side, eight_bit=scene in EIGHT_BIT)
        cube[band] = samples
    cube /= 255 if scene in EIGHT_BIT else 65535
    lossy = any(file.suffix.lower() in (".jp2", ".j2k", ".jpx") for file in files)
    source = "CAVE (near-lossless JPEG 2000 copy)" if lossy else "CAVE"
    wavelengths = torch.arange(400, 701, 10, dtype=torch.float32)
    return Scene(f"cave/{scene}", torch.from_numpy(cube), wavelengths, f"{source}, Yasuma et al. 2010, doi 10.1109/TIP.2010.2046811")


def _numbered(folder: Path, scene: str) -> dict[int, list[Path]]:
    """The files of each band number."""
    pattern = re.compile(rf"{re.escape(scene)}_ms_(\d+)\.\w+")
    by_number: dict[int, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if match := pattern.fullmatch(file.name):
            by_number.setdefault(int(match[1]), []).append(file)
    return by_number


def _read_band(file: Path, side: int, *, eight_bit: bool) -> NDArray[np.generic]:
    """The samples of one band as they are stored, (side, side); size and depth are checked before they are decoded."""
    regular_size(file, SceneError)
    expected = _EIGHT_BIT_MODES if eight_bit else _SIXTEEN_BIT_MODES
    with (
        own_errors(file, SceneError, "a whole image, not a broken or truncated one", "unpack the scene again"),
        Image.open(file, formats=_FORMATS) as image,
    ):
        mode, (cols, rows) = image.mode, image.size
        if (rows, cols) != (side, side):
            raise SceneError(f"{file}: expected {side} x {side} pixels, got {rows} x {cols}; unpack the scene again")
        if mode not in expected:
            depth = "8-bit" if eight_bit else "16-bit"
            raise SceneError(
                f"{file}: expected {depth} samples (Pillow mode {' or '.join(expected)}), got mode {mode}; use the original files"
            )
        if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(262) == _INVERTED:
            raise SceneError(f"{file}: expected grey that rises with the samples, got inverted grey (miniswhite); use the original files")
        samples = np.asarray(image)
    if mode == "I" and (samples.min() < 0 or samples.max() > 65535):
        raise SceneError(f"{file}: expected 16-bit samples, got {samples.min()}..{samples.max()}; use the original files")
    if samples.ndim == 2:
        return samples
    colours = samples[..., : 1 if mode == "LA" else 3]
    if (colours != colours[..., :1]).any():
        raise SceneError(f"{file}: expected a grey image (equal red, green and blue), got a coloured one; is it a band of the scene?")
    return np.asarray(samples[..., 0])


@dataclass(frozen=True)
class CaveReader(SetReader):
    """Reads the 31 images of a scene."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pillow")

    def files(self, base: Path, scene: SetScene) -> tuple[Path, ...]:
        """The 31 images, in the order of the bands; none where the scene has no folder."""
        folder = scene_folder(base, scene.name)
        return () if folder is None else tuple(band_files(folder, scene.name))

    def is_there(self, base: Path, scene: SetScene) -> bool:
        """Whether the scene has a folder."""
        return scene_folder(base, scene.name) is not None

    def load(self, base: Path, scene: SetScene) -> Scene:
        """The 31 images as a cube."""
        return read_scene(base, scene.name)

    def recipe(self, scene: SetScene) -> str:
        """The reader, and whether it divides by 255 or by 65535."""
        return f"cave {scene.name in EIGHT_BIT}"


SET = NamedSet(
    "cave",
    Path(__file__),
    tuple(SetScene(scene) for scene in SCENES),
    splits={
        "test": Split("MossFuse, arXiv 2412.04802", TEST),
        "train": Split("MossFuse, arXiv 2412.04802", TRAIN),
        "dhif-train": Split("DHIF-Net, DSPNet and SFNO: the lists in weili419/SFNO, CAVE/Data", SCENES[:20]),
        "dhif-test": Split("DHIF-Net, DSPNet and SFNO: the lists in weili419/SFNO, CAVE/Data", SCENES[20:]),
        "deng-train": Split("PSRT, BDT, MIMO-SST and FeINFN", tuple(item for item in SCENES if item not in (*_DENG_TEST, *EIGHT_BIT))),
        "deng-test": Split("PSRT, BDT, MIMO-SST and FeINFN", _DENG_TEST),
        "ual-train": Split("UAL: the list in its LoadDataset_Batch.py", _UAL_TRAIN),
        "ual-test": Split("UAL: the list in its LoadDataset_Batch.py", tuple(item for item in SCENES if item not in _UAL_TRAIN)),
    },
    folders=("complete_ms_data", "cave_near_lossless", "."),
    reader=CaveReader(),
)

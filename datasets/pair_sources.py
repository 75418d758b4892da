"""Where a real pair comes from: one file with both images, or two files, and what their owner knows of the sensors ([[pair]] of a plan)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datasets import files
from datasets.band_order import in_rising_order
from datasets.files import read_hsi_file, read_image_file
from datasets.image_pair import ImagePair, PairError
from datasets.observation import NoiseLevel
from datasets.pair_protocol import PairProtocol
from datasets.psfs import Psf, psf_from
from datasets.reading_options import ReadingError, ReadingOptions, options_from
from datasets.scene import Scene, SceneError
from datasets.scene_sources import SceneSource, image_files
from datasets.sensors import Sensor, find_sensor, read_sensor
from datasets.settings import SettingError, configure

PREFIX = "pair:"


@dataclass(frozen=True)
class PairTable:
    """A table [[pair]] of a plan."""

    name: str = ""
    """Name in tables; that of the file when absent."""
    file: str = ""
    """One file with the groups `hsi` and `msi`, each laid out as a cube file; instead of the two tables."""
    hsi: dict[str, Any] = field(default_factory=dict)
    """The HSI: `file`, and the keys of a table [[scene]]."""
    msi: dict[str, Any] = field(default_factory=dict)
    """The MSI, likewise."""
    psf: dict[str, Any] = field(default_factory=dict)
    """The PSF of the HSI's sensor, as in a protocol; not known when absent."""
    sensor: str = ""
    """The sensor of the MSI: a name of `list sensors`, or a table of response curves (.csv); not known when absent."""
    channels: tuple[str, ...] = ()
    """The channels of the sensor that the MSI has, in their order; those that the HSI covers when absent."""
    phase: float | tuple[float, float] | None = None
    """Centre of coarse pixel 0 on the fine grid: a number, or row and column (`register` finds them); (ratio - 1) / 2 when absent."""
    noise: tuple[float, ...] = ()
    """Standard deviations of the noise on the HSI and on the MSI, in their units; not known when absent."""
    one_step_down: bool = True
    """Whether the pair is also run one step down, with the HSI as the truth (Wald's protocol)."""


@dataclass(frozen=True)
class PairSource(SceneSource):
    """Two images of one place."""

    hsi_file: Path
    msi_file: Path
    hsi: ReadingOptions
    msi: ReadingOptions

    @property
    def reader(self) -> Path:
        """The reader of single files."""
        return Path(files.__file__)

    @property
    def libraries(self) -> tuple[str, ...]:
        """The distributions that decode the files."""
        return ("numpy", "h5py", "spectral", "tifffile")

    def pair(self) -> ImagePair:
        """Both images.

        Raises:
            SceneError: one of them cannot be read.
        """
        return ImagePair(read_hsi_file(self.hsi_file, self.hsi), read_image_file(self.msi_file, self.msi))

    def load(self) -> Scene:
        """The HSI, which is the truth one step down."""
        image = in_rising_order(self.hsi_file, read_hsi_file(self.hsi_file, self.hsi))
        centres = np.arange(1, len(image.cube) + 1) if image.wavelengths_nm is None else image.wavelengths_nm
        return Scene(self.name, torch.from_numpy(image.cube), torch.from_numpy(np.asarray(centres, dtype=np.float32)), self.hsi_file.name)

    def files(self) -> tuple[Path, ...]:
        """The files of the HSI and, if they are others, those of the MSI; of an ENVI image, header and data."""
        places = dict.fromkeys([*image_files(self.hsi_file), *image_files(self.msi_file)])
        missing = [str(file) for file in places if not file.is_file()]
        if missing:
            raise SceneError(f"pair {self.name}: expected its files, got {', '.join(missing)} missing; check the paths")
        return tuple(places)

    def images(self) -> list[tuple[tuple[Path, ...], ReadingOptions]]:
        """Both images."""
        return [(tuple(image_files(self.hsi_file)), self.hsi), (tuple(image_files(self.msi_file)), self.msi)]

    def recipe(self) -> str:
        """The endings, which say which readers are used, and the options."""
        return f"pair {self.hsi_file.suffix.lower()} {self.hsi.spelled()} {self.msi_file.suffix.lower()} {self.msi.spelled()}"

    def repeatable(self) -> bool:
        """False: a pair is named by the bytes of its files, since one digest of a cube does not stand for two images."""
        return False


@dataclass(frozen=True, eq=False)
class PlannedPair:
    """A pair of a plan, and the protocols under which it is observed."""

    source: PairSource
    protocols: tuple[PairProtocol, ...]


def find_pairs(tables: Iterable[Mapping[str, Any]], folder: Path, srf_folder: Path | None) -> list[PlannedPair]:
    """The pairs of the tables [[pair]]; relative paths start at `folder`.

    Raises:
        SceneError, PairError, SettingError: a file cannot be read, the images make no pair, or a name or number is not valid.
    """
    pairs = [_planned(configure(PairTable, table), folder, srf_folder) for table in tables]
    names = [pair.source.name for pair in pairs]
    if len(set(names)) < len(names):
        raise SceneError(f"[[pair]]: expected different names, got {', '.join(names)}; give one of them another name")
    return pairs


def _planned(table: PairTable, folder: Path, srf_folder: Path | None) -> PlannedPair:
    sides = _sides(table, folder)
    name = table.name or sides["hsi"][0].stem
    try:
        source = PairSource(f"pair/{name}", sides["hsi"][0], sides["msi"][0], sides["hsi"][1], sides["msi"][1])
        psf, sensor = _psf(table, folder), _sensor(table, folder, srf_folder)
        if table.noise and (len(table.noise) != 2 or min(table.noise) < 0):
            raise SettingError(f"noise: expected two standard deviations >= 0, of the HSI and of the MSI, got {list(table.noise)}")
        noise = NoiseLevel(*table.noise) if table.noise else None
        if table.channels and sensor is None:
            raise SettingError("channels: expected a sensor, whose channels these are, got none; give sensor, too")
        pair = source.pair()
        in_rising_order(source.hsi_file, pair.hsi)
        if pair.ratio == 1:
            raise PairError("expected an MSI with more pixels than the HSI, got ratio 1; a [[scene]] of the HSI simulates a pair")
        phase = (table.phase, table.phase) if isinstance(table.phase, float) else table.phase
        facts = {"psf": psf, "sensor": sensor, "channels": table.channels, "phase": phase, "noise": noise}
        taken = PairProtocol(f"{name}, as taken", "as taken", pair.ratio, **facts, source="a real pair, without reference")  # type: ignore[arg-type]
        down = replace(taken, name=f"{name}, one step down", taken="one step down", source="Wald et al. 1997, on a real pair")
        protocols = (taken, down) if table.one_step_down else (taken,)
        for protocol in protocols:
            protocol.observe(pair)
    except (PairError, ReadingError) as error:
        raise type(error)(f"pair {name}: {error}") from error
    return PlannedPair(source, protocols)


def _sides(table: PairTable, folder: Path) -> dict[str, tuple[Path, ReadingOptions]]:
    """File and options of each image."""
    if bool(table.file) == bool(table.hsi or table.msi):
        raise SettingError("[[pair]]: expected either file, or both hsi and msi (tables with file and options), got both or neither")
    sides: dict[str, tuple[Path, ReadingOptions]] = {}
    for side, given in (("hsi", table.hsi), ("msi", table.msi)):
        options = {"file": table.file, "variable": f"{side}/cube"} if table.file else dict(given)
        file = options.pop("file", None)
        if not isinstance(file, str) or not file:
            raise SettingError(f"[[pair]]: expected {side} = {{file = ..., ...}}, got {dict(given)!r}")
        path = folder / Path(file).expanduser()
        if not path.is_file():
            raise SceneError(f"[[pair]]: expected a file for the {side}, got {path}, which is none; check the path")
        sides[side] = path, _side_options(side, options_from(options, folder))
    (hsi_file, hsi), (msi_file, msi) = sides["hsi"], sides["msi"]
    if hsi_file.samefile(msi_file) and hsi.variable == msi.variable:
        raise SettingError(f"[[pair]]: expected two images, got {hsi_file} twice; name each with variable")
    return sides


def _side_options(side: str, options: ReadingOptions) -> ReadingOptions:
    """The options of one image, all of which mean something there.

    Raises:
        SettingError: one does not.
    """
    plain = ReadingOptions()
    without = ("mask",) if side == "hsi" else ("mask", "overlap", "resample_to")
    useless = [name for name in without if getattr(options, name) != getattr(plain, name)]
    if useless:
        raise SettingError(f"[[pair]]: {side}: expected none of {', '.join(without)}, which mean nothing there, got {useless[0]}")
    return options


def _psf(table: PairTable, folder: Path) -> Psf | None:
    if not table.psf:
        return None
    path = table.psf.get("path")
    beside = isinstance(path, str) and not Path(path).expanduser().is_absolute() and (folder / path).is_file()
    return psf_from({**table.psf, "path": str(folder / str(path))} if beside else table.psf)


def _sensor(table: PairTable, folder: Path, srf_folder: Path | None) -> Sensor | None:
    if not table.sensor:
        return None
    if table.sensor.endswith(".csv"):
        return read_sensor(folder / Path(table.sensor).expanduser())
    return find_sensor(table.sensor, srf_folder)

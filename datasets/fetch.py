"""Data sets and weights that their makers publish: downloaded by pooch, and put where the catalogs look for them.

    cave                  the CAVE data base, unpacked into <root>/cave
    nikon_d700            the 3 x 31 response matrix of the MossFuse release, as the sensor file <root>/srf/nikon_d700_mossfuse_31.csv
    mossfuse_checkpoint   the authors' CAVE x32 weights, <root>/weights/mossfuse_official_cave_x32.pth

Everything is downloaded and unpacked under a temporary name beside its target, and renamed when it is whole, so that a broken download
leaves nothing. Where the maker publishes no checksum, none is checked, and the entry says so.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pooch

from datasets import cave
from datasets.input_files import InputFileError, spell_bytes
from datasets.matlab5_format import declared_variables
from datasets.scene import SceneError

LARGEST_ARCHIVE = 4 * 10**9  # bytes of an archive when it is unpacked; CAVE has less than 1 GB
ShowBytes = Callable[[int, int], None]  # bytes received so far, bytes in all (0 when the server does not say)
_MOSSFUSE = "dusongcheng/MossFuse@878207caeebd24b7e8d28f3aaefbfa6e2fa5cf22"
_RAW = "https://raw.githubusercontent.com/dusongcheng/MossFuse/878207caeebd24b7e8d28f3aaefbfa6e2fa5cf22"


class FetchError(InputFileError):
    """A download that fails, or that is not what it should be; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True)
class Download:
    """One thing that can be downloaded."""

    name: str
    url: str
    sha256: str | None  # None: the maker publishes none
    size: str
    licence: str
    target: str  # path below the data root
    kind: Literal["file", "cave zip", "response matrix"] = "file"


CATALOG: Mapping[str, Download] = {
    entry.name: entry
    for entry in (
        Download(
            name="cave",
            url="https://www.cs.columbia.edu/CAVE/databases/multispectral/zip/complete_ms_data.zip",
            sha256=None,
            size="0.4 to 0.5 GB (32 scenes of 31 16-bit images)",
            licence="copyright of its makers, for research; cite Yasuma et al. 2010, doi 10.1109/TIP.2010.2046811; no checksum published",
            target="cave",
            kind="cave zip",
        ),
        Download(
            name="nikon_d700",
            url=f"{_RAW}/dataset/resp.mat",
            sha256="39acc125b2c61d3f46c11ff25461319d8e88ba9c08603909f01c459421ca5d4f",
            size="below 1 kB",
            licence="none stated; from the MossFuse repository, for checking against it",
            target="srf/nikon_d700_mossfuse_31.csv",
            kind="response matrix",
        ),
        Download(
            name="mossfuse_checkpoint",
            url=f"{_RAW}/model/CAVE_32_model.pth",
            sha256="8f9a4526df3f587b425cce56cf14952de58f3df2ab8fb25137670d44bccef348",
            size="2.5 MB",
            licence="none stated; from the MossFuse repository, for checking against it",
            target="weights/mossfuse_official_cave_x32.pth",
        ),
    )
}


def fetch(name: str, root: Path, *, catalog: Mapping[str, Download] = CATALOG, progress: ShowBytes | None = None) -> Path:
    """Where one entry of the catalog lies below `root`; it is downloaded unless it is there already.

    Raises:
        FetchError: no such entry, no connection, a wrong checksum, or a broken or incomplete archive.
    """
    if name not in catalog:
        raise FetchError(f"fetch: expected one of {', '.join(catalog)}, got {name!r}")
    entry = catalog[name]
    target = root / entry.target
    if target.exists():
        _check_present(entry, target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as folder:
        file = _download(entry, Path(folder), progress)
        whole = {"file": _as_it_is, "cave zip": _unpack_cave, "response matrix": _response_table}[entry.kind](file)
        whole.replace(target)
    return target


def _check_present(entry: Download, target: Path) -> None:
    if entry.kind == "file" and entry.sha256 not in (None, hashlib.sha256(target.read_bytes()).hexdigest()):
        raise FetchError(
            f"fetch {entry.name}: expected {target} with sha256 {entry.sha256}, got another file; move it away and fetch again"
        )


def _download(entry: Download, folder: Path, progress: ShowBytes | None) -> Path:
    """The downloaded file; its checksum is compared where one is known."""
    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel("WARNING")
    meter = False if progress is None else _Meter(progress)
    try:
        downloaded = pooch.retrieve(
            entry.url,
            known_hash=None if entry.sha256 is None else f"sha256:{entry.sha256}",
            fname="download",
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=meter, timeout=60),
        )
    except OSError as error:
        raise FetchError(f"fetch {entry.name}: expected an answer from {entry.url}, got {error}; check the connection") from error
    except ValueError as error:
        raise FetchError(f"fetch {entry.name}: expected the file with sha256 {entry.sha256}, got another one; nothing was kept") from error
    finally:
        logger.setLevel(before)
    return Path(downloaded)


class _Meter:
    """pooch's protocol for progress (total, update, reset, close), passed on to one callback."""

    def __init__(self, report: ShowBytes) -> None:
        self.total = 0
        self._report = report
        self._received = 0

    def update(self, count: int) -> None:
        self._received += count
        self._report(min(self._received, int(self.total)) if self.total else self._received, int(self.total))

    def reset(self) -> None:
        self._received = 0

    def close(self) -> None:
        """Nothing to close."""


def _as_it_is(file: Path) -> Path:
    return file


def _unpack_cave(file: Path) -> Path:
    """The folder beside the zip into which it was unpacked; all 32 scenes have been checked for their 31 bands."""
    folder = file.with_name("cave")
    try:
        with zipfile.ZipFile(file) as archive:
            promised = sum(entry.file_size for entry in archive.infolist())
            if promised > LARGEST_ARCHIVE:
                raise FetchError(
                    f"fetch cave: expected at most {spell_bytes(LARGEST_ARCHIVE)}, got {spell_bytes(promised)}; nothing was kept"
                )
            archive.extractall(folder)  # zipfile drops absolute paths and '..' by itself
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise FetchError(f"fetch cave: expected a whole zip archive, got a broken one ({error}); nothing was kept, try again") from error
    for scene in cave.SCENES:
        bands = cave.scene_folder(folder, scene)
        if bands is None:
            raise FetchError(f"fetch cave: expected {len(cave.SCENES)} scenes, got an archive without {scene}; nothing was kept")
        try:
            cave.band_files(bands, scene)
        except SceneError as error:
            raise FetchError(f"fetch cave: expected whole scenes, got: {error}; nothing was kept") from error
    return folder


def _response_table(file: Path) -> Path:
    """The CSV file of a sensor, made from the matrix `resp` (3, 31): rows red, green, blue at 400, 410, ..., 700 nm."""
    stored = declared_variables(file, FetchError).get("resp")
    matrix = np.zeros(0) if stored is None else stored.read().astype(np.float64)
    if matrix.shape != (3, cave.BANDS):
        raise FetchError(f"fetch: expected a matrix resp of 3 x {cave.BANDS}, got {matrix.shape}; the release has changed")
    lines = [f"# source: github:{_MOSSFUSE}:dataset/resp.mat (no licence)", "wavelength_nm,r,g,b"]
    lines += [f"{400 + 10 * band},{matrix[0, band]:.10g},{matrix[1, band]:.10g},{matrix[2, band]:.10g}" for band in range(cave.BANDS)]
    table = file.with_name("table.csv")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table

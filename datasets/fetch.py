"""Fetches data sets and weights that their makers publish (downloads.py): by pooch, into the place where the catalogs look for them.

Everything is downloaded and unpacked under a temporary name beside its target, and renamed when it is whole, so that a broken download
leaves nothing. Where the maker publishes no checksum, none is checked, and the entry says so.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pooch

from datasets.downloads import CATALOG, MOSSFUSE_SOURCE, Download
from datasets.input_files import InputFileError, spell_bytes
from datasets.matlab5_format import declared_variables
from datasets.nearest import did_you_mean
from datasets.scene import SceneError
from datasets.sets import cave

LARGEST_ARCHIVE = 4 * 10**9  # bytes of an archive when it is unpacked; CAVE has less than 1 GB
ShowBytes = Callable[[int, int], None]  # bytes received so far, bytes in all (0 when the server does not say)


class FetchError(InputFileError):
    """A download that fails, or that is not what it should be; the text says what was expected, what came, and the way out."""


def fetch(name: str, root: Path, *, catalog: Mapping[str, Download] = CATALOG, progress: ShowBytes | None = None) -> Path:
    """Where one entry of the catalog lies below `root`; it is downloaded unless it is there already.

    Raises:
        FetchError: no such entry, no connection, a wrong checksum, or a broken or incomplete archive.
    """
    if name not in catalog:
        raise FetchError(f"fetch: {did_you_mean(name, catalog)}expected one of {', '.join(catalog)}, got {name!r}")
    entry = catalog[name]
    target = root / entry.target
    if target.exists():
        _check_present(entry, target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as folder:
        file = _download(entry, Path(folder), progress)
        unpack: Mapping[str, Callable[[Path], Path]] = {
            "file": _as_it_is,
            "cave zip": _unpack_cave,
            "zip member": lambda zipped: _one_member(entry, zipped),
            "response matrix": _response_table,
        }
        unpack[entry.kind](file).replace(target)
    return target


def _check_present(entry: Download, target: Path) -> None:
    if entry.kind in ("file", "zip member") and entry.sha256 not in (None, hashlib.sha256(target.read_bytes()).hexdigest()):
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
            known_hash=None if entry.sha256 is None or entry.kind == "zip member" else f"sha256:{entry.sha256}",
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


def _one_member(entry: Download, file: Path) -> Path:
    """The only file of the zip that is kept."""
    kept = file.with_name("member")
    try:
        with zipfile.ZipFile(file) as archive:
            if entry.member not in archive.namelist():
                raise FetchError(f"fetch {entry.name}: expected {entry.member} in the archive, got none; the release has changed")
            promised = archive.getinfo(entry.member).file_size
            if promised > LARGEST_ARCHIVE:
                raise FetchError(
                    f"fetch {entry.name}: expected at most {spell_bytes(LARGEST_ARCHIVE)}, got {spell_bytes(promised)}; nothing was kept"
                )
            with archive.open(entry.member) as source, kept.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise FetchError(
            f"fetch {entry.name}: expected a whole zip archive, got a broken one ({error}); nothing was kept, try again"
        ) from error
    with kept.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if entry.sha256 not in (None, actual):
        raise FetchError(f"fetch {entry.name}: expected {entry.member} with sha256 {entry.sha256}, got another one; nothing was kept")
    return kept


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
    lines = [f"# source: github:{MOSSFUSE_SOURCE}:dataset/resp.mat (no licence)", "wavelength_nm,r,g,b"]
    lines += [f"{400 + 10 * band},{matrix[0, band]:.10g},{matrix[1, band]:.10g},{matrix[2, band]:.10g}" for band in range(cave.BANDS)]
    table = file.with_name("table.csv")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table

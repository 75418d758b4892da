"""A parcel: the files of one cell as bytes, to be sent from the machine that has run the cell to the run folder.

A parcel is a tar of plain files `<part>/<name>`, where the parts are folders of a run folder. It is not compressed, as estimates, scenes
and observations are already. A log is cut to its last megabyte.

Whoever has made a parcel, unpacking it writes nothing but the files of the cell that was asked for: regular files under the names that this
cell has, none larger than the parcel itself. What other cells may use too is written only where it is not there yet.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.matrix.plan import Plan
from benchmark.run_folder.json_file import json_object, write_bytes
from benchmark.run_folder.record import Result, record_from
from benchmark.runner.run_settings import Progress, RunSettings
from benchmark.runner.supervisor import run
from datasets.printable import error_text, printable

ALWAYS = ("estimates", "logs", "environments", "responses", "cells")
ONCE = ("scenes", "observations")  # what cells share, which is sent only while the run folder lacks it
LOG_BYTES = 1_000_000
TEXT_BYTES = 4 * 2**20  # a record or an environment is smaller


class ParcelError(ValueError):
    """Bytes that are no parcel of the cell that was asked for."""


class OrphanError(RuntimeError):
    """The process that asked for a cell has ended."""


def pack(folder: Path, parts: Sequence[str]) -> bytes:
    """The parcel of a run folder that holds one cell, with those parts of it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as parcel:
        for part in parts:
            for file in sorted((folder / part).glob("[!.]*")):
                if file.is_symlink() or not file.is_file():
                    continue
                content = file.read_bytes()
                if part == "logs":
                    content = content[-LOG_BYTES:]
                member = tarfile.TarInfo(f"{part}/{file.name}")
                member.size = len(content)
                parcel.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def run_packed(plan: Plan, settings: RunSettings, parts: Sequence[str]) -> tuple[Result, bytes]:
    """The record and the parcel of the one cell in the settings, run in a folder of its own; the run ends when the parent process ends.

    Raises:
        OrphanError: the parent has ended, so that nothing waits for the parcel.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(name, None)  # dask sets them to 1 for its workers; a cell gets its threads from the plan, as elsewhere
    parent = os.getppid()

    def expect_parent(progress: Progress) -> None:
        if os.getppid() != parent:
            raise OrphanError(f"expected the parent {parent} to wait for {progress.total} cell, got its end; nothing to do")

    with TemporaryDirectory(prefix="hmif-bench-") as folder:
        record = run(plan, replace(settings, folder=Path(folder)), expect_parent)[0]
        return record, pack(Path(folder), parts)


def unpack(content: bytes, folder: Path, key: str, check: Callable[[Result], Result] = lambda record: record) -> Result:
    """The record in a parcel, which the caller writes last; the other files of the parcel are written into the run folder, each as a whole.

    `check` gives the record as it is to be kept, or raises a ParcelError; nothing is written before that.

    Raises:
        ParcelError: the bytes are no parcel, hold a file that is not of this cell, or the record of another cell.
    """
    files = _files(content)
    name = f"cells/{key}.json"
    if name not in files or any(other.startswith("cells/") for other in files if other != name):
        raise ParcelError(f"expected the record of cell {key} alone, got {_listed(files)}")
    try:
        result = record_from(json_object(files.pop(name)), name)
    except ValueError as error:  # RecordError, or no JSON
        raise ParcelError(f"cell {key}: {error}") from error
    if result.key != key:
        raise ParcelError(f"expected the record of cell {key}, got that of {result.key}")
    result = check(result)
    own, shared = _own_names(result), _shared_names(result)
    foreign = [other for other in files if other not in own | shared]
    if foreign:
        raise ParcelError(f"expected the files of cell {key} alone, got {_listed(foreign)} too")
    for other, data in files.items():
        if other in own or not (folder / other).exists():
            write_bytes(folder / other, data)
    return result


def _own_names(record: Result) -> set[str]:
    """The files that no other cell has, in a run folder."""
    return {f"estimates/{record.key}.h5", f"estimates/{record.key}_std.h5", f"logs/{record.key}.txt"}


def _shared_names(record: Result) -> set[str]:
    """The files that other cells of the run folder may use too."""
    seen = record.observation_digest
    named = {f"environments/{record.environment}.json"} if record.environment else set()
    seen_names = {f"observations/{seen}.h5", f"responses/{seen}.h5", f"logs/observe_{seen}.txt"} if seen else set()
    return named | seen_names | ({f"scenes/{record.scene_digest}.h5"} if record.has_reference else set())


def _files(content: bytes) -> dict[str, bytes]:
    """The files in a parcel, by their names.

    Raises:
        ParcelError: it is no tar, or holds a link, a device, a file of no run folder, one name twice, or a file that is too large.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as parcel:
            for member in parcel:
                part, _, name = member.name.partition("/")
                plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)  # no link, and no sparse file, which may claim any size
                if not plain or part not in (*ALWAYS, *ONCE) or not name or "/" in name or name.startswith(".") or member.name in files:
                    raise ParcelError(
                        f"expected files of a run folder ({', '.join((*ALWAYS, *ONCE))}), each once, got {printable(member.name[:200])!r}"
                    )
                most = {"cells": TEXT_BYTES, "environments": TEXT_BYTES, "logs": LOG_BYTES}.get(part, len(content))
                if not 0 <= member.size <= most:
                    raise ParcelError(f"expected at most {most} bytes in {part}, got {member.size}")
                stream = parcel.extractfile(member)
                files[member.name] = b"" if stream is None else stream.read()
    except (tarfile.TarError, OSError, ValueError) as error:
        if isinstance(error, ParcelError):
            raise
        raise ParcelError(f"expected a cell's files as a tar of {len(content)} bytes, got {error_text(error)}") from error
    return files


def _listed(names: Iterable[str]) -> str:
    return ", ".join(printable(name) for name in sorted(names)[:5])[:500] or "nothing"

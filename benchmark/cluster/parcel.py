"""A parcel: the files of one cell as bytes, to be sent from the machine that has run the cell to the run folder.

A parcel is a tar of plain files `<part>/<name>`, where the parts are folders of a run folder. It is not compressed, as estimates, scenes
and observations are already. A log is cut to its last megabyte.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.matrix.plan import Plan
from benchmark.run_folder.json_file import write_bytes
from benchmark.run_folder.record import Result, record_from
from benchmark.runner.run_settings import Progress, RunSettings
from benchmark.runner.supervisor import run

ALWAYS = ("estimates", "logs", "environments", "responses", "cells")
ONCE = ("scenes", "observations")  # what cells share, which is sent only while the run folder lacks it
LOG_BYTES = 1_000_000


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
        ParcelError: the bytes are no parcel, hold a file that belongs to no run folder, or the record of another cell.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r") as parcel:
            for member in parcel:
                stream = parcel.extractfile(member)
                part, _, name = member.name.partition("/")
                if stream is None or part not in (*ALWAYS, *ONCE) or not name or "/" in name or name.startswith("."):
                    raise ParcelError(f"expected files of a run folder ({', '.join((*ALWAYS, *ONCE))}), got {member.name!r}")
                files[member.name] = stream.read()
    except tarfile.TarError as error:
        raise ParcelError(f"expected a cell's files as a tar of {len(content)} bytes, got {type(error).__name__}: {error}") from error
    table = files.pop(f"cells/{key}.json", None)
    if table is None or any(name.startswith("cells/") for name in files):
        raise ParcelError(f"expected the record of cell {key} alone, got {', '.join(sorted(files)) or 'nothing'}")
    try:
        result = record_from(json.loads(table), f"{key}.json")
    except ValueError as error:  # RecordError, or no JSON
        raise ParcelError(f"cell {key}: {error}") from error
    if result.key != key:
        raise ParcelError(f"expected the record of cell {key}, got that of {result.key}")
    result = check(result)
    for name, data in files.items():
        if not (name.partition("/")[0] in ONCE and (folder / name).exists()):
            write_bytes(folder / name, data)
    return result

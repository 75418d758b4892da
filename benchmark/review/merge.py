"""Several runs brought together in one run folder.

`merge_choice.py` decides which records and files are taken, and refuses runs that contradict each other before anything is written;
`merge_copy.py` writes them. Each folder brings its current records. Where records differ in nothing but the code that made them, the
newest is current in the merged folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.review.merge_choice import MergeError, expect_alike, newest_keys, records_to_merge, shared_files_to_merge
from benchmark.review.merge_copy import copy_cell, copy_environments, write_plans
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.lock import claimed


@dataclass(frozen=True)
class Merged:
    """The result of a merge."""

    out: Path
    records: int
    copied: int  # number of records that were written; the others were there already
    from_each: tuple[tuple[Path, int], ...]  # each folder, and the number of records taken from it
    superseded: int = 0  # number of records of which another folder has a newer one, made by other code
    damaged: tuple[str, ...] = ()  # damaged files, which were left out; one phrase per file

    def text(self) -> str:
        """A summary for the terminal."""
        lines = [f"{count} records from {folder}" for folder, count in self.from_each]
        lines.append(f"{self.out}: {self.records} records, {self.copied} of them written now")
        if self.superseded:
            lines.append(f"{self.superseded} of them are not current: another folder has newer ones of the same cells, made by other code")
        lines += [f"left out: {what}" for what in self.damaged]
        return "\n".join([*lines, f"next: python run_benchmark.py report {self.out}"])


def merge(folders: Sequence[Path], out: Path, command: str = "") -> Merged:
    """The result of copying all `folders` into `out`, which is a new folder or that of an earlier merge.

    Raises:
        MergeError: a folder is no run folder, `out` holds something else, or two folders contradict each other.
        RecordError: a file of a run folder cannot be read.
    """
    earlier = _is_merge(out)
    for folder in folders:
        if not (folder / "cells").is_dir():
            raise MergeError(f"merge: expected run folders with cells/*.json, got {folder}; give the folders that `run` named at its end")
        if folder.resolve() == out.resolve():
            raise MergeError(f"merge: expected another folder for the result than those of the runs, got {out}; give another --out")
    target = RunFolder(out)
    sources = [RunFolder(folder) for folder in ([out] if earlier else []) + list(folders)]
    taken, damaged = records_to_merge(sources)
    newest = newest_keys(taken)
    expect_alike(sources, {key: one for key, one in taken.items() if key in newest})
    shared, broken = shared_files_to_merge(sources)
    with claimed(out):
        write_plans(sources, taken, newest, target, command)  # first, so that `out` is known as a merge even if this is ended early
        copy_environments(sources, target)
        written = sum(copy_cell(one, target, shared) for one in taken.values() if one.folder.path != out)
    counts = tuple((folder, sum(one.folder.path == folder for one in taken.values())) for folder in folders)
    return Merged(out, len(taken), written, counts, len(taken) - len(newest), (*damaged, *broken))


def _is_merge(out: Path) -> bool:
    """Whether `out` holds an earlier merge; False where it is new or empty."""
    if not out.exists() or not [file for file in out.iterdir() if file.name != ".lock"]:
        return False
    if (out / "index.json").exists() and RunFolder(out).index().merged is not None:
        return True
    raise MergeError(
        f"merge: expected a new folder, or that of an earlier merge, got {out}, which holds something else; give another --out"
    )

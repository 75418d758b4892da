"""Removes from a run folder what no current record needs: superseded records, their estimates, and the files that only they use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.folder import BY_DIGEST, RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import Result


@dataclass(frozen=True)
class Cleaned:
    """What was removed, or would be removed."""

    folder: Path
    records: int  # superseded ones
    files: tuple[Path, ...]  # relative to the folder; a folder of iterates counts as one
    size: int  # bytes
    dry: bool  # whether nothing was removed
    broken: tuple[str, ...] = ()  # files in the place of current records that are none, a line for each; they are kept

    def text(self) -> str:
        """A summary for the terminal."""
        what = f"{len(self.files)} files, {self.size / 1e6:.1f} MB, among them {self.records} superseded records"
        lines = list(self.broken)
        if not self.files:
            lines.append(f"{self.folder}: nothing to remove: every file belongs to a current record")
        elif self.dry:
            lines += [f"would remove {file}" for file in self.files]
            lines.append(f"{self.folder}: {what}; without --dry-run they are removed")
        else:
            lines.append(f"{self.folder}: removed {what}")
        return "\n".join(lines)


def clean(folder: Path, *, dry_run: bool = False) -> Cleaned:
    """What was removed: superseded records, and every estimate, log, reference and observation that no current record needs.

    Where cells of the plan have no record yet, all observations are kept, since those cells may need them. What methods have learned
    beforehand (fits/) is kept, as records do not say which of it they used.

    Raises:
        RecordError: the folder is no run folder, or its index is missing or cannot be read.
        BusyError: a run is using the folder.
    """
    run = RunFolder(folder)
    index = run.index()
    if not index.cells:
        raise RecordError(
            f"clean: expected a run folder with index.json, which says what is current, got {folder}; run its plan again first"
        )
    with claimed(folder):
        superseded = run.superseded()
        found = run.find_current()
        files = tuple(dict.fromkeys(_unneeded(run, found.records)))
        size = sum(_size(file) for file in files)
        if not dry_run:
            for file in files:
                if file.is_dir() and not file.is_symlink():
                    shutil.rmtree(file)
                else:
                    file.unlink()
    return Cleaned(folder, len(superseded), tuple(file.relative_to(folder) for file in files), size, dry_run, tuple(found.broken.values()))


def _unneeded(run: RunFolder, current: list[Result]) -> Iterator[Path]:
    """The files that no current record needs; records come last, so that a `clean` that was ended early can be repeated."""
    cells = run.index().cells
    complete = len(current) == len(cells)
    for part in ("estimates", "measured", "iterates", "profiles"):
        for file in _inside(run, part):
            if file.name.partition(".")[0].removesuffix("_std") not in cells:
                yield file
    needed = {
        "scenes": {record.scene_digest for record in current if record.has_reference},
        "observations": {record.observation_digest for record in current},
        "responses": {record.observation_digest for record in current},
    }
    if complete:
        for part in BY_DIGEST:
            yield from (file for file in _inside(run, part) if file.stem not in needed[part])
    for file in _inside(run, "logs"):
        kind, _, digest = file.stem.partition("_")
        if (kind == "observe" and complete and digest not in needed["observations"]) or (not digest and kind not in cells):
            yield file
    yield from (file for file in _inside(run, "environments") if complete and file.stem not in {record.environment for record in current})
    yield from (run.record(key) for key in run.superseded())


def _inside(run: RunFolder, part: str) -> list[Path]:
    return sorted(run.part(part).glob("[!.]*"))


def _size(file: Path) -> int:
    return sum(one.stat().st_size for one in file.rglob("*") if one.is_file()) if file.is_dir() else file.lstat().st_size

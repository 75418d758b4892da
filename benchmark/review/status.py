"""How far a run is, read from its folder alone: done, running, failed, time left."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.review.explain import read_index
from benchmark.run_folder.record import RecordError, Result, read_json, read_record

GOOD = ("scored", "skipped")


@dataclass(frozen=True)
class Status:
    """The state of a run folder."""

    folder: Path
    total: int  # cells of the plan
    outcomes: Mapping[str, int]  # of the plan's cells that have a record
    failed: tuple[Result, ...]  # neither scored nor skipped
    busy: bool  # a run is at work in the folder
    running: tuple[str, ...]  # methods and scenes that run, or ran when the run was cut short
    left_s: float | None  # by the pace since the run was started; None when nothing runs, or nothing has ended yet
    others: int  # records of cells that the plan has no more
    command: str  # that started the run

    @property
    def done(self) -> int:
        """Cells with a record."""
        return sum(self.outcomes.values())

    def text(self) -> str:
        """For the terminal."""
        state = "a run is at work" if self.busy else "complete" if self.done == self.total else "nobody is at work"
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "none"
        lines = [f"{self.folder}: {self.done} of {self.total} cells done ({counts}); {state}"]
        if self.left_s is not None:
            lines.append(f"about {self.left_s:.0f} s left")
        lines += [f"{'running' if self.busy else 'was cut short':13} {name}" for name in self.running]
        for record in self.failed:
            lines.append(f"{record.outcome:13} {record.key}  {record.label} on {record.scene}: {record.reason[:200]}")
        if self.others:
            lines.append(f"{self.others} more records are of cells that the plan has no more; reports show them too")
        if not self.busy and self.done < self.total:
            lines.append(f"to go on: {self.command or 'run its plan again with the same --out'}")
        if self.failed:
            lines.append(f"next: python run_benchmark.py explain {self.folder} KEY says why; once mended, run the plan again with --retry")
        return "\n".join(lines)


def status(folder: Path, now: datetime | None = None) -> Status:
    """The state of a run folder, at `now` (UTC).

    Raises:
        RecordError: the folder is no run folder, or one of its files cannot be read.
    """
    index = read_index(folder)
    facts = read_json(folder / "plan.json") if (folder / "plan.json").exists() else {}
    every = {file.stem: read_record(file) for file in sorted((folder / "cells").glob("[!.]*.json"))}
    planned = index["cells"] or {key: _name(record) for key, record in every.items()}
    records = [record for key, record in every.items() if key in planned]
    total = len(index["cells"]) or int(facts.get("cells", len(every)))
    busy = _busy(folder)
    shown = read_json(folder / "running.json") if (folder / "running.json").exists() else {"running": []}
    return Status(
        folder=folder,
        total=total,
        outcomes=Counter(record.outcome for record in records),
        failed=tuple(record for record in records if record.outcome not in GOOD),
        busy=busy,
        running=tuple(shown["running"]),
        left_s=_left(folder, records, total, now or datetime.now(UTC)) if busy else None,
        others=len(every) - len(records),
        command=str(facts.get("command", "")),
    )


def _left(folder: Path, records: list[Result], total: int, now: datetime) -> float | None:
    """Seconds for what has no record, by the cells a second since the run was started."""
    try:
        started = datetime.fromisoformat(str(read_json(folder / "environment.json")["started"]))
    except (RecordError, KeyError, ValueError):
        return None
    ended = [record for record in records if record.ended and datetime.fromisoformat(record.ended) >= started]
    return (now - started).total_seconds() / len(ended) * (total - len(records)) if ended else None


def _busy(folder: Path) -> bool:
    """Whether a run holds the folder's lock."""
    if not (folder / ".lock").exists():
        return False
    with (folder / ".lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _name(record: Result) -> dict[str, Any]:
    return {"label": record.label, "scene": record.scene}

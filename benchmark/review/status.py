"""How far a run is, read from its folder alone: what is done, running or failed, and the time left."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.lock import is_claimed
from benchmark.run_folder.record import SCHEMA, Result

GOOD = ("scored", "skipped")


@dataclass(frozen=True)
class Status:
    """The state of a run folder."""

    folder: Path
    total: int  # number of cells of the plan
    outcomes: Mapping[str, int]  # number of cells of the plan by outcome, of those that have a record
    failed: tuple[Result, ...]  # the records whose outcome is neither scored nor skipped
    busy: bool  # whether a run is at work in the folder
    running: tuple[str, ...]  # what is running, or was running when the run was ended early
    left_s: float | None  # by the pace since the run was started; None when nothing runs, or nothing has ended yet
    superseded: int  # number of superseded records: of earlier code, data or parameters, or of another plan
    older: bool  # whether an earlier version of the suite made the folder
    command: str  # the command line that started the run

    @property
    def done(self) -> int:
        """The number of cells with a record."""
        return sum(self.outcomes.values())

    def text(self) -> str:
        """A summary for the terminal."""
        state = "a run is at work" if self.busy else "complete" if self.done == self.total else "no run is at work"
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "none"
        lines = [f"{self.folder}: {self.done} of {self.total} cells done ({counts}); {state}"]
        if self.left_s is not None:
            lines.append(f"about {self.left_s:.0f} s left")
        lines += [f"{'running' if self.busy else 'was cut short':13} {name}" for name in self.running]
        for record in self.failed:
            lines.append(f"{record.outcome:13} {record.key}  {record.label} on {record.scene}: {record.reason[:200]}")
        if self.superseded:
            lines.append(
                f"{_count(self.superseded, 'more record')} of earlier code, data or parameters, or of another plan: not used; "
                f"`clean {self.folder}` removes them"
            )
        if self.older:
            lines.append("made by an earlier version of the suite: it can be reported and rescored; `run` repeats its cells")
        if not self.busy and self.done < self.total:
            lines.append(f"to go on: {_to_go_on(self.command)}")
        if self.failed:
            lines.append(f"next: python run_benchmark.py explain {self.folder} KEY says why; once mended, run the plan again with --retry")
        return "\n".join(lines)


def _to_go_on(command: str) -> str:
    """What runs the cells that have no record: the command that started the run, but for the part of the plan that it selected."""
    words = iter(shlex.split(command))
    whole = [word for word in words if not word.startswith("--select=") and (word != "--select" or not next(words, ""))]
    if not whole or "merge" in whole[:3]:
        return "run the plan again with --out on this folder"
    return shlex.join(whole)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def status(folder: Path, now: datetime | None = None) -> Status:
    """The state of a run folder, at `now` (UTC).

    Raises:
        RecordError: the folder is no run folder, or one of its files cannot be read.
    """
    run = RunFolder(folder)
    index = run.index()
    facts = read_json(run.plan_facts) if run.plan_facts.exists() else {}
    records = run.current_records() if run.part("cells").is_dir() else []
    superseded = run.superseded()
    total = len(index.cells) or int(facts.get("cells", len(records)))
    busy = is_claimed(folder)
    shown = read_json(run.running) if run.running.exists() else {"running": []}
    return Status(
        folder=folder,
        total=total,
        outcomes=Counter(record.outcome for record in records),
        failed=tuple(record for record in records if record.outcome not in GOOD),
        busy=busy,
        running=tuple(shown["running"]),
        left_s=_left(run, records, total, now or datetime.now(UTC)) if busy else None,
        superseded=len(superseded),
        older=index.schema < SCHEMA,
        command=str(facts.get("command", "")),
    )


def _left(run: RunFolder, records: list[Result], total: int, now: datetime) -> float | None:
    """The seconds for the cells that have no record, by the number of cells per second since the run was started."""
    try:
        started = datetime.fromisoformat(str(read_json(run.last_environment)["started"]))
    except (RecordError, KeyError, ValueError):
        return None
    ended = [record for record in records if record.ended and datetime.fromisoformat(record.ended) >= started]
    return (now - started).total_seconds() / len(ended) * (total - len(records)) if ended else None

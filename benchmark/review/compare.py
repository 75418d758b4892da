"""What has changed between two runs, beyond noise.

Cells are paired by their identity: method, parameters, oracle row or not, scene (by its content, else by its name), numbers of the
protocol, seed and device. Keys cannot be used, as they change with the sources, whose effect is the question. A pair has changed when

    outcome     differs
    a metric    differs by more than one unit of the last digit that tables print; infinity differs from every number, not from itself
    seconds     of `fuse` differ: the ranges between the quartiles do not overlap, and the medians differ by more than a factor of 1.25.
                Of fewer than three rounds there is no range, and the factor is 2. Seconds are compared only where processor, GPU and
                threads are the same, and where no other work took processor time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.metrics.metric_facts import METRICS
from benchmark.metrics.spelling import spell_metric
from benchmark.run_folder.folder import FoundRecords, RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.record import Clock, Result, alike_for_timing, identity_of

FACTOR, FACTOR_UNSURE, ROUNDS = 1.25, 2.0, 3
_DIGITS = {metric.name: metric.digits for metric in METRICS}


@dataclass(frozen=True)
class Difference:
    """One cell that has changed."""

    before: Result
    after: Result
    what: tuple[str, ...]  # one line per change


@dataclass(frozen=True)
class Comparison:
    """Two runs, cell by cell."""

    same: int
    differences: tuple[Difference, ...]
    only_before: tuple[Result, ...]
    only_after: tuple[Result, ...]
    broken: tuple[str, ...]  # files in the place of records that are none, a line for each; their cells count as not run
    untimed: int  # pairs whose seconds were not compared: another machine, other threads, or other work meanwhile

    @property
    def changed(self) -> bool:
        """Whether anything differs beyond noise, or a cell is in one run only."""
        return bool(self.differences or self.only_before or self.only_after)

    def text(self) -> str:
        """A summary for the terminal."""
        lines = list(self.broken)
        for difference in self.differences:
            lines.append(f"changed   {_name(difference.after)}  ({difference.before.key} -> {difference.after.key})")
            lines += [f"          {what}" for what in difference.what]
        lines += [f"only in A {_name(record)}  ({record.key})" for record in self.only_before]
        lines += [f"only in B {_name(record)}  ({record.key})" for record in self.only_after]
        alone = len(self.only_before) + len(self.only_after)
        lines.append(f"{self.same} cells alike, {len(self.differences)} changed, {alone} in one run only")
        if self.untimed:
            lines.append(f"seconds of {self.untimed} cells were not compared: another machine, other threads, or other work meanwhile")
        if self.changed:
            lines.append("next: python run_benchmark.py explain RUN_DIR KEY tells all about a cell, and how to repeat it")
        return "\n".join(lines)


def compare_runs(before: Path, after: Path) -> Comparison:
    """What has changed from one run folder to another.

    Raises:
        RecordError: one of them is no run folder or has no records that can be read.
    """
    found = [RunFolder(folder).find_current() for folder in (before, after)]
    first, second = (_by_identity(one, folder) for one, folder in zip(found, (before, after), strict=True))
    differences, untimed, same = [], 0, 0
    pairs = _paired(first, second)
    for old, new in pairs:
        same_environment = old.threads == new.threads and alike_for_timing(_environment(before, old), _environment(after, new))
        comparable = same_environment and not any(record.contended or record.doubtful for record in (old, new))
        untimed += not comparable
        what = describe_changes(old, new, timed=comparable)
        same += not what
        differences += [Difference(old, new, tuple(what))] if what else []
    return Comparison(
        same=same,
        differences=tuple(differences),
        only_before=tuple(record for record in first.values() if record.key not in {old.key for old, _ in pairs}),
        only_after=tuple(record for record in second.values() if record.key not in {new.key for _, new in pairs}),
        broken=tuple(f"{folder}: {line}" for folder, one in zip((before, after), found, strict=True) for line in one.broken.values()),
        untimed=untimed,
    )


def describe_changes(old: Result, new: Result, *, timed: bool) -> list[str]:
    """What differs between two records of one cell beyond noise, one line per difference."""
    if old.outcome != new.outcome:
        return [f"{old.outcome} {old.reason}".strip() + f" -> {new.outcome} {new.reason}".rstrip()]
    both = old.scene_content and new.scene_content
    lines = ["the scene's content"] if both and old.scene_content != new.scene_content else []
    lines += [
        f"{spell_metric(name, old.metrics[name])} -> {spell_metric(name, new.metrics[name])}"
        for name in old.metrics
        if name in new.metrics and metric_differs(name, old.metrics[name], new.metrics[name])
    ]
    if timed and old.clock is not None and new.clock is not None and seconds_differ(old.clock, new.clock):
        lines.append(f"fuse {old.clock.fuse:.4g} s -> {new.clock.fuse:.4g} s ({new.clock.fuse / old.clock.fuse:.2f} times)")
    return lines


def metric_differs(name: str, first: float | None, second: float | None) -> bool:
    """Whether two values differ by more than one unit of the last digit that tables print; whole numbers differ where they are not equal.

    Infinity, and a value that is not defined (None), equal only themselves.
    """
    if first == second or first is None or second is None:
        return first != second
    digits = _DIGITS.get(name, 6)
    return abs(first - second) > (10.0**-digits * (1 + 1e-9) if digits else 0)


def seconds_differ(first: Clock, second: Clock) -> bool:
    """Whether the seconds of two clocks differ beyond their spreads; the module docstring has the rule."""
    if first.fuse <= 0 or second.fuse <= 0:
        return False
    factor = max(first.fuse / second.fuse, second.fuse / first.fuse)
    if min(first.rounds, second.rounds) < ROUNDS:
        return factor > FACTOR_UNSURE
    apart = first.fuse_high < second.fuse_low or second.fuse_high < first.fuse_low
    return apart and factor > FACTOR


def _by_identity(found: FoundRecords, folder: Path) -> dict[str, Result]:
    by_identity: dict[str, Result] = {}
    for record in found.records:
        other = by_identity.setdefault(identity_of(record), record)
        if other is not record:  # two cells of one identity, as with files of equal names: the later one counts
            by_identity[identity_of(record)] = max(other, record, key=lambda one: one.ended)
    if not by_identity:
        raise RecordError(
            "\n".join([f"expected at least one record in {folder / 'cells'}, got none; run the plan first", *found.broken.values()])
        )
    return by_identity


def _paired(first: dict[str, Result], second: dict[str, Result]) -> list[tuple[Result, Result]]:
    """The pairs of records of one identity; and of the rest, those whose scenes have one name but another content."""
    pairs = [(old, second[identity]) for identity, old in first.items() if identity in second]
    left = {identity_of(replace(new, scene_content="")): new for identity, new in second.items() if identity not in first}
    for identity, old in first.items():
        by_name = identity_of(replace(old, scene_content=""))
        if identity not in second and by_name in left:
            pairs.append((old, left.pop(by_name)))
    return pairs


def _environment(folder: Path, record: Result) -> Mapping[str, Any]:
    """The environment in which a cell ran."""
    file = RunFolder(folder).environment(record.environment)
    try:
        return read_json(file) if file.exists() else {}
    except RecordError:  # it is not known: seconds are then compared only with those of another such cell
        return {}


def _name(record: Result) -> str:
    return f"{record.label} on {record.scene}, {record.protocol.get('name')}, seed {record.seed}"

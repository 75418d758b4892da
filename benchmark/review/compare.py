"""What has changed between two runs, beyond noise.

Cells are paired by their identity: method, parameters, oracle row or not, scene (by its content, else by its name), numbers of the
protocol, seed and device. Keys cannot be used, as they change with the sources, whose effect is the question. A pair has changed when

    outcome     differs
    a metric    differs by more than one unit of the last digit that tables print; infinity differs from every number, not from itself
    seconds     of `fuse` differ: the ranges between the quartiles do not overlap, and the medians differ by more than a factor of 1.25.
                Of fewer than three rounds there is no range, and the factor is 2. Seconds are compared only where processor, GPU and
                threads are the same, and where no other work took processor time.

A bundle takes the place of a run (`compare RUN NAME`). It says by how much a repeated run of each method differs in each metric, if it
was made with one; a metric has then changed when it differs by more than a unit of the last digit and `NOISE_FACTOR` times that. Cells
that only one of the two has are counted and are no change there, since a run of a part is compared with a bundle of the whole; but without
a single pair nothing was compared, and that is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from benchmark.metrics.metric_facts import METRICS
from benchmark.metrics.spelling import spell_metric
from benchmark.run_folder.bundle import ENDING, Bundle, read_bundle
from benchmark.run_folder.folder import FoundRecords, RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.record import Clock, Result, alike_for_timing, identity_of

FACTOR, FACTOR_UNSURE, ROUNDS = 1.25, 2.0, 3
NOISE_FACTOR = 2.0  # times what a repeated run differs by
NO_NOISE: Mapping[str, float] = {}
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
    bundle: str = ""  # the name of the bundle, where one of the two is no run

    @property
    def paired(self) -> int:
        """The number of cells that both have."""
        return self.same + len(self.differences)

    @property
    def changed(self) -> bool:
        """Whether anything differs beyond noise, or a cell is in one run only; with a bundle, also whether nothing could be compared."""
        if self.bundle:
            return bool(self.differences) or not self.paired
        return bool(self.differences or self.only_before or self.only_after)

    def text(self) -> str:
        """A summary for the terminal."""
        lines = list(self.broken)
        for difference in self.differences:
            lines.append(f"changed   {_name(difference.after)}  ({difference.before.key} -> {difference.after.key})")
            lines += [f"          {what}" for what in difference.what]
        alone = len(self.only_before) + len(self.only_after)
        if self.bundle:
            lines.append(f"{self.same} cells as in {self.bundle}, {len(self.differences)} changed beyond noise")
            lines.append(f"{len(self.only_before)} cells of {self.bundle} are not in the run, {len(self.only_after)} of the run not in it")
            if not self.paired:
                lines.append(
                    f"nothing was compared: no cell of the run is one of {self.bundle} (method, parameters, scene, protocol, seed, device)"
                )
        else:
            lines += [f"only in A {_name(record)}  ({record.key})" for record in self.only_before]
            lines += [f"only in B {_name(record)}  ({record.key})" for record in self.only_after]
            lines.append(f"{self.same} cells alike, {len(self.differences)} changed, {alone} in one run only")
        if self.untimed:
            lines.append(f"seconds of {self.untimed} cells were not compared: another machine, other threads, or other work meanwhile")
        if self.changed:
            lines.append("next: python run_benchmark.py explain RUN_DIR KEY tells all about a cell, and how to repeat it")
        return "\n".join(lines)


@dataclass(frozen=True)
class RecordSide:
    """The records of one of two sides, a run or a bundle."""

    place: Path
    found: FoundRecords
    environments: Callable[[Result], Mapping[str, Any]]
    bundle: Bundle | None = None


def compare_runs(before: Path, after: Path) -> Comparison:
    """What has changed from one run folder to another, or from a bundle to a run. Of a run and a bundle the bundle is `before`.

    Raises:
        RecordError: one of them is neither a run folder nor a bundle, or has no records that can be read; or both are bundles.
    """
    sides = [_side(place) for place in (before, after)]
    if sides[1].bundle is not None:
        sides.reverse()
    if sides[1].bundle is not None:
        raise RecordError("compare: expected a run and a bundle, or two runs, got two bundles; run the plan, and compare that run")
    old_side, new_side = sides
    bundle = old_side.bundle
    first, second = (_by_identity(side.found, side.place) for side in sides)
    differences, untimed, same = [], 0, 0
    pairs = _paired(first, second)
    for old, new in pairs:
        alike = alike_for_timing(old_side.environments(old), new_side.environments(new))
        same_clock = bundle is None or old.clock_key == new.clock_key
        spoilt = any(record.contended or record.doubtful for record in (old, new))
        comparable = old.threads == new.threads and alike and same_clock and not spoilt
        untimed += not comparable
        noise = {} if bundle is None else bundle.noise.get(old.method, {})
        what = describe_changes(old, new, timed=comparable, noise=noise)
        same += not what
        differences += [Difference(old, new, tuple(what))] if what else []
    return Comparison(
        same=same,
        differences=tuple(differences),
        only_before=tuple(record for record in first.values() if record.key not in {old.key for old, _ in pairs}),
        only_after=tuple(record for record in second.values() if record.key not in {new.key for _, new in pairs}),
        broken=tuple(f"{side.place}: {line}" for side in sides for line in side.found.broken.values()),
        untimed=untimed,
        bundle="" if bundle is None else bundle.name,
    )


def score_noise(first: Path, second: Path) -> dict[str, dict[str, float]]:
    """By how much two runs of one plan differ at most, by method and metric.

    Raises:
        RecordError: one of them is no run folder, or no cell is in both with scores.
    """
    sides = [_side(place) for place in (first, second)]
    noise: dict[str, dict[str, float]] = {}
    for old, new in _paired(*(_by_identity(side.found, side.place) for side in sides)):
        if old.outcome != "scored" or new.outcome != "scored":
            continue
        largest = noise.setdefault(old.method, {})
        for name, value in old.metrics.items():
            other = new.metrics.get(name)
            if value is not None and other is not None and isfinite(value) and isfinite(other):
                largest[name] = max(largest.get(name, 0.0), abs(value - other))
    if not noise:
        raise RecordError(f"expected cells that {first} and {second} both have scores of, got none; run the same plan into both")
    return noise


def _side(place: Path) -> RecordSide:
    """A run folder, or a bundle where the path is no folder."""
    if place.is_file() or place.name.endswith(ENDING):
        bundle = read_bundle(place)
        return RecordSide(
            place, FoundRecords(list(bundle.records), {}), lambda record: bundle.environments.get(record.environment, {}), bundle
        )
    return RecordSide(place, RunFolder(place).find_current(), lambda record: _environment(place, record))


def describe_changes(old: Result, new: Result, *, timed: bool, noise: Mapping[str, float] = NO_NOISE) -> list[str]:
    """What differs between two records of one cell beyond noise, one line per difference.

    `noise` is what a repeated run differs by in each metric, where that is known.
    """
    if old.outcome != new.outcome:
        return [f"{old.outcome} {old.reason}".strip() + f" -> {new.outcome} {new.reason}".rstrip()]
    both = old.scene_content and new.scene_content
    lines = ["the scene's content"] if both and old.scene_content != new.scene_content else []
    lines += [
        f"{spell_metric(name, old.metrics[name])} -> {spell_metric(name, new.metrics[name])}"
        for name in old.metrics
        if name in new.metrics and metric_differs(name, old.metrics[name], new.metrics[name], noise.get(name, 0.0))
    ]
    if timed and old.clock is not None and new.clock is not None and seconds_differ(old.clock, new.clock):
        lines.append(f"fuse {old.clock.fuse:.4g} s -> {new.clock.fuse:.4g} s ({new.clock.fuse / old.clock.fuse:.2f} times)")
    return lines


def metric_differs(name: str, first: float | None, second: float | None, noise: float = 0.0) -> bool:
    """Whether two values differ by more than one unit of the last digit that tables print; whole numbers differ where they are not equal.

    To that comes `NOISE_FACTOR` times the `noise` by which a repeated run differs. Infinity, and a value that is not defined (None), equal
    only themselves.
    """
    if first == second or first is None or second is None:
        return first != second
    digits = _DIGITS.get(name, 6)
    return abs(first - second) > (10.0**-digits * (1 + 1e-9) if digits else 0) + NOISE_FACTOR * noise


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

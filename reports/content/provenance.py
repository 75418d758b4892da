"""Where the records of a run were made: by which plan, on which machines, by which clock, with which versions of the libraries.

Seconds may be compared where device, threads, clock and the facts of `alike_for_timing` are the same: that is one *timing place*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.record import SCHEMA, TIMING_FACTS, Result, alike_for_timing
from reports.content.row_cells import PlannedCells
from reports.style import listed_text, value_text

_MACHINE = ("processor", "cores", "gpu", "gpus")  # of the facts those that make a machine; the others are settings
_LIBRARIES = ("python", "torch", "numpy", "scipy", "scikit-image", "h5py", "pillow", "pandas")
_LABELS = {"python": "Python", "cuda_build": "CUDA", "threads_per_cell": "threads per cell", "omp_wait_policy": "waiting threads"}

Environment = Mapping[str, Any]


@dataclass(frozen=True)
class Provenance:
    """The environments of a run by their digests, whether an earlier version of the suite made its records, and what its plan has."""

    environments: Mapping[str, Environment] = field(default_factory=dict)
    older: bool = False
    broken: tuple[str, ...] = ()  # files of environments that cannot be read, a line for each; what they said is not known
    planned: PlannedCells = field(default_factory=dict)  # for which scenes and protocols the plan has each row

    def of(self, result: Result) -> Environment:
        """The environment of a record; empty where it is not known."""
        return self.environments.get(result.environment, {})


@dataclass(frozen=True, eq=False)
class TimingPlace:
    """Where, and by which clock, seconds were taken."""

    device: str
    threads: int
    clock_key: str
    environment: Environment

    def alike(self, other: TimingPlace) -> bool:
        """Whether the seconds of both may be compared."""
        return self.alike_but_for_clock(other) and self.clock_key == other.clock_key

    def alike_but_for_clock(self, other: TimingPlace) -> bool:
        """Whether both are one machine with the same settings."""
        same = (self.device, self.threads) == (other.device, other.threads)
        return same and alike_for_timing(self.environment, other.environment)

    @property
    def name(self) -> str:
        """The processor, the model of the GPU where that was used, and the threads."""
        processor, gpu = (str(self.environment.get(fact) or "") for fact in ("processor", "gpu"))
        machine = f"{gpu or self.device}{f' with {processor}' if processor else ''}" if self.device == "cuda" else processor or self.device
        return f"{machine}, {self.threads} thread{'' if self.threads == 1 else 's'}"


def read_provenance(run: RunFolder, results: Iterable[Result]) -> Provenance:
    """Where these records of a run were made."""
    results = list(results)
    files = {digest: run.environment(digest) for digest in dict.fromkeys(result.environment for result in results)}
    environments, broken = {}, []
    for digest, file in files.items():
        try:
            if file.exists():
                environments[digest] = read_json(file)
        except RecordError as error:
            broken.append(f"environments/{error}" if digest else str(error))
    older = run.index().schema < SCHEMA or any(result.schema < SCHEMA for result in results)
    return Provenance(environments, older, tuple(broken))


def timing_places(results: Iterable[Result], provenance: Provenance) -> list[TimingPlace]:
    """The places at which the seconds of these records were taken, no two of them alike."""
    facts = {(r.device, r.threads, r.clock_key, r.environment): r for r in results if r.outcome == "scored" and r.clock is not None}
    return distinct_places(TimingPlace(r.device, r.threads, r.clock_key, provenance.of(r)) for r in facts.values())


def distinct_places(places: Iterable[TimingPlace]) -> list[TimingPlace]:
    """The first of those that are alike."""
    distinct: list[TimingPlace] = []
    for place in places:
        if not any(place.alike(other) for other in distinct):
            distinct.append(place)
    return distinct


def place_names(places: Sequence[TimingPlace]) -> list[str]:
    """The name of each place, followed by the facts that tell it from another place of that name."""
    names = []
    for place in places:
        namesakes = [other for other in places if other.name == place.name]
        differing = [fact for fact in TIMING_FACTS if len({value_text(other.environment.get(fact)) for other in namesakes}) > 1]
        facts = [f"{_LABELS.get(fact, fact.replace('_', ' '))} {value_text(place.environment.get(fact))}" for fact in differing]
        names.append(f"{place.name} ({', '.join(facts)})" if facts else place.name)
    return names


def places_text(places: Sequence[TimingPlace]) -> str:
    """What these several places are: "2 machines (A, 1 thread; B, 1 thread)", "2 versions of the clock"; both where both differ."""
    machines: list[TimingPlace] = []
    for place in places:
        if not any(place.alike_but_for_clock(other) for other in machines):
            machines.append(place)
    clocks = len({place.clock_key for place in places})
    parts = []
    if len(machines) > 1:
        facts = {value_text([place.device, *(place.environment.get(fact) for fact in _MACHINE)]) for place in machines}
        kind = "machines" if len(facts) > 1 else "settings of one machine"
        parts.append(f"{len(machines)} {kind} ({'; '.join(place_names(machines))})")
    parts += [f"{clocks} versions of the clock"] if clocks > 1 else []
    return " and ".join(parts)


def version_differences(results: Iterable[Result], provenance: Provenance) -> list[str]:
    """What the scored records were made with in several versions: libraries, as "torch 2.12.0 and 2.13.0", and the suite's own code."""
    results = list(results)
    environments = [provenance.environments[digest] for digest in _digests(results) if digest in provenance.environments]
    texts = []
    for library in (*_LIBRARIES, "cuda_build"):
        versions = sorted({str(each[library]) for each in environments if each.get(library)})
        texts += [f"{_LABELS.get(library, library)} {listed_text(versions)}"] if len(versions) > 1 else []
    referees = {result.referee for result in results if result.outcome == "scored"}
    return [*texts, f"{len(referees)} versions of the suite's own code"] if len(referees) > 1 else texts


def _digests(results: Iterable[Result]) -> list[str]:
    """Of the environments of scored records."""
    return list(dict.fromkeys(result.environment for result in results if result.outcome == "scored"))

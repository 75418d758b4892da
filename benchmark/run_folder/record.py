"""A record: all that is known of one cell, kept in cells/<key>.json. Nothing here needs torch, so that reports can be drawn anywhere.

Records of schema 1, which earlier versions of this suite wrote, can still be read; fields that they lack are empty. What does not fit the
types of these fields is no record (record_checks.py), and each text in a record can be shown on a terminal, a page or in an SVG.

JSON has no number for infinity. An infinite score, such as the PSNR of a band that equals the reference, is stored as the text "inf", and a
score that is not defined as null; they are read back as `math.inf` and None. No other text, no NaN and no -Inf is ever stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from benchmark.run_folder.checked_fields import MOST, FieldError, build
from benchmark.run_folder.json_file import RecordError, json_in, shown, write_json
from benchmark.run_folder.program_facts import ProgramFacts, program_from
from benchmark.run_folder.record_checks import expect_sense
from datasets.printable import printable

Outcome = Literal["scored", "skipped", "failed", "timeout", "out of memory", "killed", "invalid", "not run"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)  # "not run": a fault of the machine, such as a full disk
SCHEMA = 2  # since 2, a record says which code made it
_READABLE = (1, SCHEMA)
COUNTED_BEFORE = "they were counted on another scene of this protocol, and to count them once more takes as long as the fusion"
SAME_CUBE = 1e-2  # relative root mean square difference up to which a round's cube is that of the first call
START_S = 2.0  # a process may take that long to start on a busy machine
UNACCOUNTED_S = 0.25  # from here on, processor time that is in no column is told; to import some libraries takes 0.1 s
WAITED_S = 1.0  # likewise time on the wall, of which a busy machine makes more
AS_TAKEN = "as taken"  # of a real pair (datasets/pair_protocol.py), whose record has no scores by a truth
MADE_ELSEWHERE = "made elsewhere"  # the family of rows whose cubes were handed in
INFINITE = "inf"  # the text of an infinite score in JSON


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Seconds of one cell, the device synchronised before and after each part. Learning is never part of inference."""

    fuse: float  # inference: the median over the rounds
    fuse_low: float  # first quartile
    fuse_high: float  # third quartile
    rounds: int
    warmed: bool  # False where the only timed call was also the first one
    fit: float = 0.0  # learning on the scene, loading of weights, or the training beforehand that this cell shares with others
    adapt: float = 0.0  # learning on the scene by a method that has learned beforehand too
    transfer: float = 0.0  # of the pair to the device, and of the estimate back
    others: float | None = None  # cores that other processes kept busy meanwhile; None where the kernel does not say it
    steal: float | None = None  # share of the cores' time that a hypervisor took away
    slowed: float | None = None  # the share by which the cores' frequency fell below its highest meanwhile; None: not known
    first: float | None = None  # the first call of `fuse`; None in records of earlier versions
    round_seconds: tuple[float, ...] = ()  # each round, in order
    used: float | None = None  # cores that the method kept busy meanwhile, processes that it started included; None as in `others`
    used_by_children: float | None = None  # the part of `used` that processes which the method started kept busy
    round_notes: tuple[str, ...] = ()  # what went otherwise in the rounds than in the first call, in phrases
    rounds_apart: float | None = None  # the largest relative root mean square difference of a round's cube to the first; None: not known
    replay_apart: float | None = None  # likewise of one more call on the true pair, which is made where `rounds_apart` is large
    inside: float | None = None  # the whole time from before the method's import to the answer, by the clock of its process
    outside: float | None = None  # the time from the start of its process to the answer, by the supervisor's clock
    nowhere: float | None = None  # the part of `inside` that is in no column and not the referee's: import, construction, description
    nowhere_processor: float | None = None  # the processor time that is in no column and not the referee's, of all threads and processes

    @property
    def set_up(self) -> float:
        """The seconds that the first call took beyond a usual one, if it took more than twice as long; 0 otherwise, or if not known."""
        known = self.first is not None and self.warmed
        return self.first - self.fuse if known and self.first is not None and self.first > 2 * self.fuse else 0.0

    @property
    def another_cube(self) -> bool:
        """Whether later calls give another cube than the first one, so that their seconds are not those of the estimate that is scored."""
        return self.replay_apart is not None and self.replay_apart > SAME_CUBE

    @property
    def contradicted(self) -> bool:
        """Whether the process took much longer by the supervisor's clock than by its own."""
        known = self.inside is not None and self.outside is not None
        return known and (self.outside or 0.0) > 1.5 * (self.inside or 0.0) + START_S

    @property
    def unaccounted(self) -> float:
        """The seconds that are in no column, if they are many, and more than a tenth of those that are; 0 otherwise, or if not known."""
        columns = self.transfer + self.fit + self.adapt + (self.fuse if self.first is None else self.first)
        both = ((self.nowhere or 0.0, WAITED_S), (self.nowhere_processor or 0.0, UNACCOUNTED_S))
        return max((seconds for seconds, least in both if seconds >= max(least, 0.1 * columns)), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The memory of a cell, in bytes: of its process, and of the processes that the method started."""

    peak: int  # of all these processes together, interpreter and torch included; exact for one process, sampled for several
    base: int  # resident before the method started
    cuda_peak: int | None = None  # of the cell's process; None where no GPU was used
    main_process: int | None = None  # peak (VmHWM) of the cell's process alone; None in records of earlier versions


@dataclass(frozen=True, kw_only=True)
class Result:
    """The record of one cell: a method with its parameters on one scene under one protocol with one seed."""

    key: str
    outcome: Outcome
    reason: str = ""  # why it has no score
    method: str  # name in the catalog
    label: str  # name in tables
    parameters: Mapping[str, Any]  # a file by its name
    files: Mapping[str, str] = field(default_factory=dict)  # sha256 of each parameter that is a file; empty in earlier records
    card: Mapping[str, Any]  # of this configuration
    tier: str
    scene: str
    scene_digest: str  # names scenes/<digest>.h5
    scene_content: str = ""  # the digest of the scene's content, whatever its name: identity/scene_identity.py
    observation_digest: str = ""  # names observations/<digest>.h5
    protocol: Mapping[str, Any]  # its name and all its numbers
    observed: Mapping[str, Any] = field(
        default_factory=dict
    )  # what follows from protocol and scene: channels_used, shape, and whole_shape before cropping
    seed: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # None where a metric is not defined; infinity is a value
    oracle: Mapping[str, Any] = field(default_factory=dict)  # of an oracle row: number of iterates, the best one, the PSNR of each
    clock: Clock | None = None
    memory: Memory | None = None
    parameters_total: int | None = None
    parameters_inference: int | None = None
    flops: int | None = None  # operations of one fusion, 2 per multiply-add; None where they were not counted
    flops_uncounted: tuple[str, ...] = ()  # operators without a formula: `flops` is then a lower bound
    flops_reason: str = ""  # why they were not counted; empty where they were, and in records of earlier versions
    program: ProgramFacts | None = None  # of a method that is a program in another language
    attempts: int = 1  # how often the cell was run (the plan's `retries`)
    device: str = ""
    threads: int = 0
    environment: str = ""  # names environments/<digest>.json: where the cell ran
    sources: str = ""  # digest of the method's sources, as they were loaded
    referee: str = ""  # digest of the sources of the suite that worked on the cell, methods apart; empty in earlier records
    uncovered: tuple[str, ...] = ()  # what the key does not cover, in phrases
    remarks: tuple[str, ...] = ()  # what the referee had to convert in the estimate, and seeds that the method set itself, in phrases
    clock_key: str = ""  # digest of the clock's sources: seconds by two clocks are never averaged
    metrics_key: str = ""  # digest of the metrics' sources: where it has changed, the cell is scored again, not run again
    ended: str = ""  # UTC, ISO 8601
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        """Make each text one that can be shown, wherever it comes from: an error of a method, a plan, a file."""
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "reason":
                value = " ".join(value.split())
            elif isinstance(value, ProgramFacts):
                continue  # its own texts can be shown
            elif isinstance(value, Clock):
                value = replace(value, **{each.name: shown(getattr(value, each.name)) for each in fields(value)})
            object.__setattr__(self, item.name, shown(value))

    @property
    def contended(self) -> bool:
        """Whether other work or a slower processor has spoilt the seconds.

        That is so if other processes kept more than a tenth of a core busy, if a hypervisor took more than 2 % of the cores' time, or if
        the cores' frequency fell by more than a tenth.
        """
        clock = self.clock
        return clock is not None and ((clock.others or 0.0) > 0.1 or (clock.steal or 0.0) > 0.02 or (clock.slowed or 0.0) > 0.1)

    @property
    def doubtful(self) -> bool:
        """Whether the seconds are not those of the estimate that is scored, or the supervisor's clock contradicts them."""
        return self.clock is not None and (self.clock.another_cube or self.clock.contradicted)

    @property
    def made_elsewhere(self) -> bool:
        """Whether its cube was handed in: the suite has not run the method, and knows no seconds and no memory."""
        return self.card.get("family") == MADE_ELSEWHERE

    @property
    def has_reference(self) -> bool:
        """Whether there is a truth that the estimate can be scored against; a real pair as it was taken has none."""
        return self.protocol.get("pair") != AS_TAKEN

    @property
    def ranked(self) -> bool:
        """Whether the cell counts in rankings and in the figure of accuracy against seconds."""
        return self.outcome == "scored" and not self.card.get("unranked")


def identity_of(record: Result) -> str:
    """The identity of a record: method, parameters, scene, numbers of the protocol, seed, device, and whether it is an oracle row.

    Records of one identity are of one and the same cell, whatever code made them.
    """
    return spell_identity(
        method=record.method,
        parameters={**record.parameters, **record.files},
        scene=record.scene_content or record.scene,
        protocol={name: value for name, value in record.protocol.items() if name not in ("name", "source")},
        seed=record.seed,
        device=record.device,
        oracle=int(record.oracle.get("count", 0)),
    )


def spell_identity(
    *, method: str, parameters: Mapping[str, Any], scene: str, protocol: Mapping[str, Any], seed: int, device: str, oracle: int
) -> str:
    """The identity of a cell that may have no record yet.

    `parameters` has the digest of each file in the place of its name, and `scene` is the digest of the scene's content.
    """
    return json.dumps(shown([method, dict(parameters), scene, dict(protocol), seed, device, oracle]), sort_keys=True)


def write_record_file(file: Path, result: Result) -> Path:
    """The file to which a record is written as JSON: as a whole or not at all (temporary file, fsync, rename)."""
    return write_json(file, record_table(result))


def record_table(result: Result) -> dict[str, Any]:
    """A record as JSON holds it; `record_from` reads it back."""
    table = asdict(result)
    table["metrics"] = {name: score_to_json(value) for name, value in result.metrics.items()}
    table["oracle"] = oracle_to_json(result.oracle)
    if not result.oracle:
        del table["oracle"]  # only the records of oracle rows have it
    if result.program is None:
        del table["program"]  # likewise
    return table


def read_record(file: Path) -> Result:
    """The record in `file`.

    Raises:
        RecordError: it is no JSON, is of another schema, has other fields or types, or has no scores although its outcome is "scored".
    """
    name = printable(f"{file.parent.name}/{file.name}")
    try:
        table = json_in(file)
    except ValueError as error:
        raise no_record(name, str(error)) from error
    return record_from(table, name)


def record_from(table: Mapping[str, Any], name: str) -> Result:
    """The record in a JSON object; `name` is the file's, for the text of an error.

    Raises:
        RecordError: it is of another schema, has other fields or types, or has no scores although its outcome is "scored".
    """
    try:
        if table.get("schema") not in _READABLE:
            raise FieldError(f"schema {str(table.get('schema'))[:60]} where {SCHEMA} was expected")
        names = ("metrics", "oracle", "clock", "memory", "program")
        metrics, oracle, clock, memory, program = (_table(part, table.get(part)) for part in names)
        parts = {
            "metrics": {metric: score_from_json(value) for metric, value in metrics.items()},
            "oracle": oracle_from_json(oracle),
            "clock": clock_from(clock) if clock else None,
            "memory": memory_from(memory) if memory else None,
            "program": program_from(program) if program else None,
        }
        result = build(Result, {**table, **parts})
        expect_sense(result)
    except ValueError as error:  # also a FieldError
        raise no_record(name, str(error)) from error
    return result


def no_record(name: str, reason: str) -> RecordError:
    """The error that says of a file in one line why it is not a record, and the way out."""
    return RecordError(f"{name} is not a record: {reason}; move it away or run the plan again")


def _table(name: str, value: object) -> Mapping[str, Any]:
    """A part of a record; an empty one where it is missing.

    Raises:
        FieldError: it is no table.
    """
    if value is not None and not isinstance(value, Mapping):
        raise FieldError(f"{name}: {str(value)[:60]!r} where a table was expected")
    return value or {}


def score_to_json(value: float | None) -> float | str | None:
    """A score as JSON holds it: a number, None where it is not defined, "inf" where it is infinite."""
    return INFINITE if value == math.inf else value


def score_from_json(value: object) -> float | None:
    """The score that JSON holds; "inf" is infinity, null is None.

    Raises:
        ValueError: it is neither a finite number of possible size nor null nor "inf".
    """
    if value == INFINITE:
        return math.inf
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST:
        return float(value)
    raise ValueError(f'{str(value)[:60]!r} where a finite number, null or "{INFINITE}" was expected')


def oracle_to_json(oracle: Mapping[str, Any]) -> dict[str, Any]:
    """The facts on an oracle row as JSON holds them."""
    return {**oracle, **({"psnr": [score_to_json(value) for value in oracle["psnr"]]} if "psnr" in oracle else {})}


def oracle_from_json(table: Mapping[str, Any]) -> dict[str, Any]:
    """The facts on an oracle row that JSON holds.

    Raises:
        ValueError: the PSNR of an iterate is no score, or there is no list of them.
    """
    if not isinstance(table.get("psnr", []), list | tuple):
        raise FieldError(f"oracle: psnr: {str(table['psnr'])[:60]!r} where a list was expected")
    return {**table, **({"psnr": [score_from_json(value) for value in table["psnr"]]} if "psnr" in table else {})}


def clock_from(table: Mapping[str, Any]) -> Clock:
    """The clock that a JSON object holds.

    Raises:
        FieldError: it has other fields or types.
    """
    return build(Clock, table)


def memory_from(table: Mapping[str, Any]) -> Memory:
    """The memory that a JSON object holds; `own` is the earlier name of `main_process`.

    Raises:
        FieldError: it has other fields or types.
    """
    return build(Memory, {"main_process" if name == "own" else name: value for name, value in table.items()})


TIMING_FACTS = ("processor", "cores", "gpu", "gpus", "gpu_driver", "threads_per_cell", "slots", "omp_wait_policy")


def alike_for_timing(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether seconds that were taken in two environments (environments/<digest>.json) may be compared.

    They may where processor, number of cores, GPU, driver, threads, slots and the rule for waiting threads are the same. A fact that both
    lack counts as the same; one that only one of them lacks does not.
    """
    return all(first.get(name) == second.get(name) for name in TIMING_FACTS)


def std_file(estimate: Path) -> Path:
    """The file of the standard deviation that belongs to an estimate's file, where the method states one."""
    return estimate.with_name(f"{estimate.stem}_std.h5")

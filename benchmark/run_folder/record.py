"""A record: what is known of one cell, as it is kept in cells/<key>.json. Free of torch, so that reports can be drawn anywhere.

Records of schema 1, of earlier versions of this suite, can still be read: what they do not say is empty.

JSON has no number for infinity. An infinite score, such as the PSNR of a band that was met exactly, stands there as the text "inf", a score
that is not defined as null; read back they are `math.inf` and None. No other text, no NaN and no -Inf is ever stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from benchmark.run_folder.json_file import RecordError, read_json, write_json

Outcome = Literal["scored", "skipped", "failed", "timeout", "out of memory", "killed", "invalid"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SCHEMA = 2  # 2: records say what made them
_READABLE = (1, SCHEMA)
INFINITE = "inf"  # the text of an infinite score in JSON


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Seconds, the device synchronised on both sides. Learning is never part of inference."""

    fuse: float  # median over the rounds
    fuse_low: float  # first quartile
    fuse_high: float  # third quartile
    rounds: int
    warmed: bool  # False when the one timed call was also the first
    fit: float = 0.0  # learning on the scene, loading weights, or the training that this cell shares with others
    adapt: float = 0.0  # learning on the scene of what had learned beforehand
    transfer: float = 0.0  # host to device and back
    others: float | None = None  # cores that other processes kept busy meanwhile; None where the kernel does not tell
    steal: float | None = None  # share of the cores' time that a hypervisor took away
    slowed: float | None = None  # how far the cores' clock fell below its highest meanwhile, a share; None where nobody tells
    first: float | None = None  # the first call; None in records of earlier versions
    round_seconds: tuple[float, ...] = ()  # each round, in order
    used: float | None = None  # cores that the method kept busy meanwhile, processes that it started included; None as in `others`
    used_by_children: float | None = None  # of these, by the processes that it started

    @property
    def set_up(self) -> float:
        """Seconds that the first call took beyond a usual one, where it took more than twice as long; else 0, also where nobody knows."""
        known = self.first is not None and self.warmed
        return self.first - self.fuse if known and self.first is not None and self.first > 2 * self.fuse else 0.0


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak memory of a cell, in bytes: of its process and of those that the method started, together."""

    peak: int  # the interpreter and torch included; exact for one process, looked at from time to time for several
    base: int  # resident before the method began
    cuda_peak: int | None = None  # of its own process; None where no GPU was used
    own: int | None = None  # VmHWM of the cell's own process alone; None in records of earlier versions, whose `peak` it is


@dataclass(frozen=True, kw_only=True)
class Result:
    """One cell: a method with its parameters, on a scene, under a protocol, with a seed."""

    key: str
    outcome: Outcome
    reason: str = ""  # why it was not scored
    method: str  # name in the catalog
    label: str  # name in tables
    parameters: Mapping[str, Any]
    card: Mapping[str, Any]  # of this configuration
    tier: str
    scene: str
    scene_digest: str  # names scenes/<digest>.h5
    scene_content: str = ""  # which scene it is, whatever its name: matrix/scene_identity.py
    observation_digest: str = ""  # names observations/<digest>.h5
    protocol: Mapping[str, Any]  # its name and all its numbers
    observed: Mapping[str, Any] = field(default_factory=dict)  # what the protocol came to on this scene: channels_used, shape
    seed: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # None where a metric is not defined; infinity is a value
    oracle: Mapping[str, Any] = field(default_factory=dict)  # of an oracle row: count of iterates, the best one, psnr of each (oracle.py)
    clock: Clock | None = None
    memory: Memory | None = None
    parameters_total: int | None = None
    parameters_inference: int | None = None
    flops: int | None = None  # of one fusion, 2 a multiply-add; None where they were not counted
    flops_uncounted: tuple[str, ...] = ()  # operators without a formula: `flops` is then a lower bound
    flops_reason: str = ""  # why they were not counted; empty where they were, and in records of earlier versions
    attempts: int = 1  # how often the cell was run, by the plan's `retries`
    device: str = ""
    threads: int = 0
    environment: str = ""  # names environments/<digest>.json: where the cell ran
    sources: str = ""  # digest of the method's sources, as they were loaded
    uncovered: tuple[str, ...] = ()  # what the key does not cover, a phrase each
    clock_key: str = ""  # digest of the clock's sources: times of two clocks are never averaged
    metrics_key: str = ""  # digest of the metrics' sources: another one re-scores, it does not re-run
    ended: str = ""  # UTC, ISO 8601
    schema: int = SCHEMA

    @property
    def contended(self) -> bool:
        """Whether the seconds are no fair figure: other work took more than a tenth of a core, or the cores' clock fell by a tenth."""
        clock = self.clock
        return clock is not None and ((clock.others or 0.0) > 0.1 or (clock.steal or 0.0) > 0.02 or (clock.slowed or 0.0) > 0.1)

    @property
    def ranked(self) -> bool:
        """Whether the cell takes part in rankings and in the accuracy-time figure."""
        return self.outcome == "scored" and not self.card.get("unranked")


def identity_of(record: Result) -> str:
    """What a record is about, whatever code made it: method, parameters, scene, protocol's numbers, seed, device, oracle or not."""
    return spell_identity(
        method=record.method,
        parameters=record.parameters,
        scene=record.scene_content or record.scene,
        protocol={name: value for name, value in record.protocol.items() if name not in ("name", "source")},
        seed=record.seed,
        device=record.device,
        oracle=int(record.oracle.get("count", 0)),
    )


def spell_identity(
    *, method: str, parameters: Mapping[str, Any], scene: str, protocol: Mapping[str, Any], seed: int, device: str, oracle: int
) -> str:
    """The same of a cell that has no record yet. `scene` is the digest of its content."""
    return json.dumps([method, dict(parameters), scene, dict(protocol), seed, device, oracle], sort_keys=True)


def write_record_file(file: Path, result: Result) -> Path:
    """A record as JSON, by a temporary file, fsync and a rename: whole or not there."""
    table = asdict(result)
    table["metrics"] = {name: score_to_json(value) for name, value in result.metrics.items()}
    table["oracle"] = oracle_to_json(result.oracle)
    if not result.oracle:
        del table["oracle"]  # a record of any other row says nothing of oracles
    return write_json(file, table)


def read_record(file: Path) -> Result:
    """The record in `file`.

    Raises:
        RecordError: it is torn, of another schema, has other fields, or says that it was scored and has no scores.
    """
    return record_from(read_json(file), file.name)


def record_from(table: dict[str, Any], name: str) -> Result:
    """The record that a JSON object holds; `name` says where it came from.

    Raises:
        RecordError: it is of another schema, has other fields, or says that it was scored and has no scores.
    """
    if table.get("schema") not in _READABLE:
        raise RecordError(f"{name}: expected schema {SCHEMA}, got {table.get('schema')}; run the plan again with this version")
    try:
        clock, memory = table.pop("clock"), table.pop("memory")
        for field_name in ("flops_uncounted", "uncovered"):
            table[field_name] = tuple(table.get(field_name, ()))
        table["metrics"] = {name: score_from_json(value) for name, value in dict(table["metrics"]).items()}
        table["oracle"] = oracle_from_json(table.get("oracle", {}))
        result = Result(**table, clock=clock_from(clock) if clock else None, memory=Memory(**memory) if memory else None)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{name}: expected the fields of a record, got {error}; delete the file and run the plan again") from error
    if result.outcome == "scored" and not result.metrics:
        raise RecordError(f"{name}: expected the scores of a scored cell, got none; delete the file and run the plan again")
    return result


def score_to_json(value: float | None) -> float | str | None:
    """A score as JSON holds it: a number, null where it is not defined, "inf" where it is infinite."""
    return INFINITE if value == math.inf else value


def score_from_json(value: object) -> float | None:
    """The score that JSON holds, infinity as a float.

    Raises:
        ValueError: it is no finite number, no null and not "inf".
    """
    if value == INFINITE:
        return math.inf
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)):
        return value
    raise ValueError(f'{value!r} where a finite number, null or "{INFINITE}" was expected')


def oracle_to_json(oracle: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of an oracle row, as JSON holds it."""
    return {**oracle, **({"psnr": [score_to_json(value) for value in oracle["psnr"]]} if "psnr" in oracle else {})}


def oracle_from_json(table: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON says of an oracle row.

    Raises:
        ValueError: the PSNR of an iterate is no score.
    """
    return {**table, **({"psnr": [score_from_json(value) for value in table["psnr"]]} if "psnr" in table else {})}


def clock_from(table: Mapping[str, Any]) -> Clock:
    """The clock that a JSON object holds.

    Raises:
        TypeError: it has other fields.
    """
    return Clock(**{**table, "round_seconds": tuple(table.get("round_seconds", ()))})


TIMING_FACTS = ("processor", "cores", "gpu", "gpus", "gpu_driver", "threads_per_cell", "slots", "omp_wait_policy")


def alike_for_timing(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether seconds taken in two environments (environments/<digest>.json) may be compared: the same processor, number of cores, GPU,
    driver, threads, slots and rule for waiting threads. A fact that both lack is the same; one that a single one lacks is another."""
    return all(first.get(name) == second.get(name) for name in TIMING_FACTS)


def std_file(estimate: Path) -> Path:
    """Where the standard deviation that belongs to an estimate's file lies, if the method stated one."""
    return estimate.with_name(f"{estimate.stem}_std.h5")

"""All that a run folder holds on one cell, and the command that repeats it alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Any

from benchmark.clone import ROOT
from benchmark.metrics.spelling import spell_metric
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import Index
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Clock, Result
from benchmark.run_folder.repetition import Repetition, find_repetition
from datasets.printable import MOST_LETTERS, printable

TAIL_LINES, TAIL_BYTES = 30, 100_000


@dataclass(frozen=True)
class Explanation:
    """What is known of a cell."""

    folder: Path
    key: str
    planned: Mapping[str, Any]  # label, scene, protocol and seed, from index.json; empty where the plan has no such cell any more
    record: Result | None  # None: not run yet, or its record cannot be read
    log_tail: tuple[str, ...]
    files: tuple[tuple[str, int], ...]  # path in the run folder, bytes
    repetition: Repetition | None  # None where the run folder does not say how to repeat the cell
    broken: str = ""  # a line on why the record cannot be read

    def text(self) -> str:
        """All of it, for the terminal."""
        lines = [f"cell       {self.key}"]
        if self.record is None:
            lines += [f"{name:10} {self.planned[name]}" for name in ("label", "scene", "protocol", "seed") if name in self.planned]
            lines.append(f"outcome    {self.broken or 'not run yet: run the plan again, or the command below'}")
        else:
            lines += _record_lines(self.record)
            if not self.planned:
                lines.append("plan       the plan has no such cell any more (its parameters, data or sources have changed since)")
        lines += [f"file       {self.folder / name}  ({size:,} bytes)" for name, size in self.files]
        if self.log_tail:
            lines += ["log, its end:", *(f"    {line}" for line in self.log_tail)]
        if self.repetition is not None:
            lines += ["to repeat it alone:", f"    {self.repetition.command(ROOT)}"]
            lines.append("in one process, with the debugger where it fails: explain with --debug")
        else:
            lines.append("to repeat it alone: run its plan again with this version, which keeps the plan in the run folder, and ask again")
        return "\n".join(lines)


def explain(folder: Path, key: str) -> Explanation:
    """All that is known of the cell of that key, or of the only cell whose key begins with it.

    Raises:
        RecordError: the folder is no run folder, or has no such cell; the text names the nearest keys, and says how to list all.
    """
    run = RunFolder(folder)
    index = run.index()
    whole = _whole(run, key, index)
    record, broken = None, ""
    if os.path.lexists(run.record(whole)):  # also a link that leads nowhere
        try:
            record = run.read(whole)
        except RecordError as error:
            broken = str(error)
    log = run.log(whole)
    tail = _tail(log) if log.is_file() else []
    places = [run.record(whole), run.estimate(whole), run.std(whole), log]
    if record is not None:
        places += [run.reference(record.scene_digest)] if record.has_reference else []
        places += [run.observation(record.observation_digest)]
        places += [run.environment(record.environment)] if record.environment else []
    files = tuple((place.relative_to(folder).as_posix(), place.stat().st_size) for place in places if place.is_file())
    return Explanation(folder, whole, index.cells.get(whole, {}), record, tuple(tail), files, find_repetition(folder, whole, index), broken)


def _tail(log: Path) -> list[str]:
    """The last lines of a log, each as it can be shown; of a long line the beginning."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return [printable(line.rstrip().expandtabs(4)[:MOST_LETTERS]) for line in lines if line.strip()][-TAIL_LINES:]


def _whole(run: RunFolder, key: str, index: Index) -> str:
    known = {*index.cells, *run.record_keys()}
    if key in known:
        return key
    fitting = sorted(one for one in known if key and one.startswith(key))
    if len(fitting) == 1:
        return fitting[0]
    near = fitting[:5] or get_close_matches(key, sorted(known), n=3, cutoff=0.3)
    nearest = f"; the nearest: {', '.join(near)}" if near else ""
    raise RecordError(
        f"expected the key of one of {len(known)} cells of {run.path}, got {printable(key)!r}{nearest}; "
        f"`ls {run.part('cells')}` lists what has run"
    )


def _record_lines(record: Result) -> list[str]:
    card, clock, memory = record.card, record.clock, record.memory
    lines = [
        f"outcome    {record.outcome}" + (f": {record.reason}" if record.reason else ""),
        f"method     {record.label} ({record.method}): {_spell(record.parameters) or 'no parameters'}",
        f"card       {card.get('name')}, {card.get('paper')}" + (f", doi {card.get('doi')}" if card.get("doi") else ""),
        f"checked    {card.get('fidelity')}",
        f"tier       {record.tier}",
        f"made by    sources {record.sources or 'unknown (an earlier version)'}, schema {record.schema}",
        *([f"trained on {card['trained_on']}"] if card.get("trained_on") else []),
        f"scene      {record.scene}, {' x '.join(map(str, record.observed.get('shape', ()))) or 'of unknown size'}",
        f"protocol   {_spell(record.protocol)}",
        f"seed       {record.seed}",
    ]
    channels = record.observed.get("channels_used")
    lines += [f"channels   {', '.join(map(str, channels))}"] if channels else []
    if clock is not None:
        warm = "" if clock.warmed else ", not warmed up"
        lines.append(
            f"seconds    fuse {clock.fuse:.4g} ({clock.fuse_low:.4g}..{clock.fuse_high:.4g}, {clock.rounds} rounds{warm}), "
            f"fit {clock.fit:.4g}, adapt {clock.adapt:.4g}, transfer {clock.transfer:.4g}"
        )
        if clock.set_up:
            lines.append(f"set-up     {clock.set_up:.4g} s of the first call, which took {clock.first:.4g}: no round holds them")
        lines += _rounds(clock)
        if clock.used is not None and clock.used_by_children is not None:
            started = f", {clock.used_by_children:.2f} of them by processes that it started" if clock.used_by_children >= 0.005 else ""
            lines.append(f"cores      {clock.used:.2f} kept busy by the method{started}")
    lines += _program(record)
    if memory is not None:
        cuda = "" if memory.cuda_peak is None else f", CUDA peak {memory.cuda_peak / 1e6:.0f} MB"
        alone = memory.main_process or memory.peak
        children = "" if alone == memory.peak else f" with the processes that it started, {alone / 1e6:.0f} MB without"
        lines.append(f"memory     peak {memory.peak / 1e6:.0f} MB{children}, before the method {memory.base / 1e6:.0f} MB{cuda}")
    if record.parameters_total is not None:
        lines.append(f"size       {record.parameters_total:,} parameters, {record.parameters_inference:,} of them at inference")
    if record.flops is not None:
        bound = f"; a lower bound, not counted: {', '.join(record.flops_uncounted)}" if record.flops_uncounted else ""
        lines.append(f"flops      {record.flops:.4g} of one fusion, 2 per multiply-add{bound}")
    elif record.flops_reason:
        lines.append(f"flops      not counted: {record.flops_reason}")
    if "best" in record.oracle:
        curve = " ".join("-" if value is None else "infinite" if value == inf else f"{value:.2f}" for value in record.oracle["psnr"])
        place = f"iterate {record.oracle['best']} of {len(record.oracle['psnr'])}"
        lines.append(f"oracle     {place}, picked by the truth; PSNR of each, dB: {curve}")
    if record.contended:
        lines.append("contended  other work took processor time meanwhile: the seconds are no fair figure")
    lines += [f"not keyed  the key does not cover {phrase}" for phrase in record.uncovered]
    if record.attempts > 1:
        lines.append(f"attempts   {record.attempts}")
    threads = f"{record.threads} thread{'s' * (record.threads != 1)}"
    lines.append(f"place      {record.device or 'device unknown'}, {threads}, ended {record.ended or 'at an unknown time'}")
    return lines + [f"metric     {spell_metric(name, value)}" for name, value in record.metrics.items()]


def _rounds(clock: Clock) -> list[str]:
    """Whether the first call, the rounds and the process agree, as far as it is known."""
    lines = [f"rounds     {note}" for note in clock.round_notes]
    if clock.rounds_apart is not None:
        again = "" if clock.replay_apart is None else f"; one more call on the true pair: {clock.replay_apart:.2g}"
        lines.append(
            f"cubes      at most {clock.rounds_apart:.2g} between a round's cube and the first one (relative root mean square){again}"
        )
    if clock.inside is not None and clock.nowhere is not None:
        outside = "" if clock.outside is None else f", {clock.outside:.4g} by the supervisor's clock"
        processor = f" ({clock.nowhere_processor or 0.0:.4g} of processor time)"
        lines.append(f"process    {clock.inside:.4g} s until its answer{outside}; {clock.nowhere:.4g}{processor} are in no column")
    if clock.another_cube:
        lines.append("doubtful   later calls give another cube than the one that is scored: the seconds are no fair figure")
    if clock.contradicted:
        lines.append("doubtful   the supervisor's clock contradicts that of the process: the seconds are no fair figure")
    return lines


def _spell(table: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in table.items() if value not in ("", None))


def _program(record: Result) -> list[str]:
    """What the seconds of a program in another language are made of, and what it says of itself."""
    facts = record.program
    if facts is None:
        return []
    empty = (
        "no empty start" if facts.empty_start_seconds is None else f"an empty start {facts.empty_start_seconds:.4g} s ({facts.empty_start})"
    )
    lines = [f"program    wall {facts.wall_seconds:.4g} s, {empty}; files written and read {facts.handing_seconds:.4g} s"]
    lines += [f"           {text}" for text in (facts.empty_start_problem, facts.self_timed) if text]
    return [*lines, *(f"{name:<11}{text}" for name, text in (("version", facts.version), ("runs in", facts.environment)) if text)]

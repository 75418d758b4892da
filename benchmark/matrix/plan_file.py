"""The file of a plan: TOML, in which every name is looked up and every number is checked before anything runs.

name = "mine"
seeds = [0, 1]
scenes = ["builtin/fields", "cave:test", "file:/data/mine.mat"]
protocols = ["wald-x4"]                 # by name ...
time_limit_s = 900                      # seconds after which a cell is ended
memory_limit_mb = 8000                  # memory that a cell may take beyond what it starts with; no limit when absent
disk_limit_mb = 50000                   # what a method may write into its scratch folder, temporary files included
threads = 1                             # of torch in a cell; the cores, divided by the slots, when absent
retries = 1                             # how often a cell is run again that failed, was killed, or ran out of time or memory (0)

[[scene]]                               # a file of one's own, and what it does not state: datasets/reading_options.py
file = "urban.mat"                      # relative to this file; also a pattern or a folder
name = "urban/left"
variable = "cube"
layout = "rows cols bands"
scale = 10000
wavelengths = "400:2500:210"
bad_bands = ["104-108", 151]
crop = [0, 0, 256, 128]                 # row, col, rows, cols

[[pair]]                                # a real pair, whose protocol is what is known of it: datasets/pair_sources.py
file = "paris.h5"                       # with groups hsi and msi; or hsi = {file = ..., scale = ...} and msi = {...}
psf = {kind = "gaussian", taps = 7, fwhm = 3}
sensor = "eo1_ali"
channels = ["pan"]

[[protocol]]                            # ... or by their numbers
name = "mine-x4"
ratio = 4
psf = {kind = "gaussian", taps = 9, sigma = 1.7}
phase = 1
sensor = "sentinel2"
channels = "covered"

[[method]]
name = "rfuse"
label = "R-FUSE, small"                 # name in tables; the card's name, and what differs, when absent
parameters = {prior_weight = 1e-3}      # and blind = "hysure": PSF and SRF estimated by that (methods/blind.py)
grid = {rank = [5, 10]}                 # each combination is one row
time_limit_s = 60                       # instead of the plan's; likewise memory_limit_mb

[[method]]                              # an oracle row, never ranked: what the method would reach if the truth picked the iterate
name = "m2unet"
oracle = 20                             # the best by PSNR of 20 iterates, picked by the referee: oracle.py

[training]                              # for methods that learn beforehand: training_set.py
scenes = ["cave:train"]
patch = 64
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.matrix.contestant import contestants_of, expect_distinct, labelled
from benchmark.matrix.plan import DISK_LIMIT_MB, Plan, PlanError
from benchmark.matrix.training_set import training_set
from datasets.data_roots import DataRoots
from datasets.pair_sources import find_pairs
from datasets.protocols import protocols_of
from datasets.scene_catalog import SPLITS, find_scenes
from datasets.scene_sources import expect_apart
from datasets.settings import SettingError, configure


@dataclass(frozen=True)
class PlanTable:
    """The schema of the file."""

    method: tuple[dict[str, Any], ...]
    """The methods, each a table [[method]]."""
    scenes: tuple[str, ...] = ()
    """Scenes and splits by name (`list scenes`), `file:PATH?key=value&...`, or patterns of files."""
    scene: tuple[dict[str, Any], ...] = ()
    """Files of one's own, each a table [[scene]]."""
    pair: tuple[dict[str, Any], ...] = ()
    """Real pairs, each a table [[pair]]."""
    name: str = ""
    """Name of the plan, and of its folder in results/; that of the file when absent."""
    protocols: tuple[str, ...] = ()
    """Protocols by name (`list protocols`)."""
    protocol: tuple[dict[str, Any], ...] = ()
    """Protocols by their numbers, each a table [[protocol]]."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the noise and of methods that draw; each gives cells of its own where it changes something."""
    time_limit_s: float = 3600.0
    """Seconds after which the process of a cell is ended."""
    threads: int | None = None
    """Threads of torch in a cell; the cores, divided by the slots, when absent."""
    memory_limit_mb: float | None = None
    """Memory in 10^6 bytes that the process of a cell may take beyond what it starts with; no limit when absent."""
    disk_limit_mb: float = DISK_LIMIT_MB
    """What a method may write into its scratch folder, in 10^6 bytes, temporary files included."""
    retries: int = 0
    """How often a cell is run again that failed, was killed, or ran out of time or memory."""
    training: dict[str, Any] = field(default_factory=dict)
    """The scenes from which methods that learn beforehand learn: the table [training]."""


def read_plan(
    file: Path,
    roots: DataRoots,
    plugins: Path | None = None,
    seed: int | None = None,
    text: str | None = None,
    start: Path | None = None,
) -> Plan:
    """The checked plan in `file`.

    Args:
        file: the plan's file.
        roots: where data lie.
        plugins: the folder of outside methods.
        seed: is taken instead of the plan's seeds.
        text: is read instead of the file, which need not exist then; relative paths still start at its folder.
        start: the folder at which relative paths start; that of the file if None.

    Raises:
        PlanError: the file is no TOML, or a name or number in it is not valid; the text says which are.
    """
    try:
        content = file.read_text(encoding="utf-8-sig") if text is None else text
        table = tomllib.loads(content)
    except OSError as error:
        raise PlanError(f"plan: expected a TOML file, got {file}: {error.strerror}; give the path of one") from error
    except ValueError as error:  # no UTF-8, or no TOML
        quotes = '; a text stands in quotes, as in name = "gsa"' if "Invalid value" in str(error) else ""
        raise PlanError(f"plan {file}: expected TOML, got {error}{quotes}") from error
    if "patches" in table:
        raise PlanError(f"plan {file.name}: expected the plan of a benchmark, got the plan of a training; use `train METHOD {file.name}`")
    try:
        mixed = [name for name in ("scenes", "protocols") if any(isinstance(entry, dict) for entry in _listed(table.get(name)))]
        if mixed:
            raise SettingError(f"[[{mixed[0]}]]: expected [[{mixed[0].removesuffix('s')}]] for a table; {mixed[0]} is a list of names")
        return replace(_resolve(configure(PlanTable, table), file, start or file.parent, roots, plugins, seed), text=content)
    except (SettingError, LookupError, ValueError, ImportError) as error:
        raise PlanError(f"plan {file.name}: {error}") from error


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolve(table: PlanTable, file: Path, start: Path, roots: DataRoots, plugins: Path | None, seed: int | None) -> Plan:
    folder = roots.folder("srf")
    protocols = protocols_of(table.protocols, table.protocol, folder, start)
    expect_distinct("protocols", [protocol.name for protocol in protocols])
    scenes = find_scenes(table.scenes, roots, start, table.scene)
    pairs = find_pairs(table.pair, start, folder)
    if not pairs or protocols or scenes:
        _expect_some("protocols", protocols)
        _expect_some("scenes", scenes)
    expect_distinct("scenes", [scene.name for scene in scenes])
    _expect_some("method", table.method)
    contestants = labelled(contestants_of(table.method, (start, roots.root), plugins))
    expect_distinct("methods", [entry.identity for entry in contestants])
    seeds = table.seeds if seed is None else (seed,)
    _expect_some("seeds", seeds)
    expect_distinct("seeds", [str(value) for value in seeds])
    if table.retries < 0:
        raise SettingError(f"retries: expected a whole number >= 0, got {table.retries}")
    limits = [(table.time_limit_s, table.memory_limit_mb), *((entry.time_limit_s, entry.memory_limit_mb) for entry in contestants)]
    given = [pair for limit in limits for pair in zip(("time_limit_s", "memory_limit_mb"), limit, strict=True)]
    for name, value in [*given, ("disk_limit_mb", table.disk_limit_mb)]:
        if value is not None and value <= 0:
            raise SettingError(f"{name}: expected a number above 0, got {value:g}")
    if table.threads is not None and table.threads < 1:
        raise SettingError(f"threads: expected a whole number >= 1, got {table.threads}")
    training = training_set(table.training, roots, start) if table.training else None
    if training is not None:
        expect_apart(training.scenes, [*scenes, *(pair.source for pair in pairs)])
    untrained = [entry.label for entry in contestants if entry.awaits_training]
    if untrained and training is None:
        raise SettingError(
            f"{', '.join(untrained)}: expected [training] with scenes and patch, or weights, for what learns beforehand; got neither"
        )
    return Plan(
        name=table.name or file.stem,
        scenes=scenes,
        protocols=protocols,
        contestants=contestants,
        seeds=seeds,
        time_limit_s=table.time_limit_s,
        threads=table.threads,
        memory_limit_mb=table.memory_limit_mb,
        disk_limit_mb=table.disk_limit_mb,
        retries=table.retries,
        training=training,
        pairs=pairs,
        by_pattern=frozenset(
            scene.name for scene in scenes if scene.name not in table.scenes and any(name in SPLITS for name in table.scenes)
        ),
    )


def _expect_some(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise SettingError(f"{what}: expected at least one, got none")

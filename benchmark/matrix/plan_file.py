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
from datasets.protocols import protocol_from
from datasets.scene_catalog import SPLITS, find_scenes
from datasets.settings import SettingError, configure


@dataclass(frozen=True)
class _Table:
    """The schema of the file."""

    method: tuple[dict[str, Any], ...]
    scenes: tuple[str, ...] = ()
    scene: tuple[dict[str, Any], ...] = ()
    name: str = ""
    protocols: tuple[str, ...] = ()
    protocol: tuple[dict[str, Any], ...] = ()
    seeds: tuple[int, ...] = (0,)
    time_limit_s: float = 3600.0
    threads: int | None = None
    memory_limit_mb: float | None = None
    disk_limit_mb: float = DISK_LIMIT_MB
    retries: int = 0
    training: dict[str, Any] = field(default_factory=dict)


def read_plan(file: Path, roots: DataRoots, plugins: Path | None = None, seed: int | None = None, text: str | None = None) -> Plan:
    """The checked plan in `file`.

    Args:
        file: the plan's file.
        roots: where data lie.
        plugins: the folder of outside methods.
        seed: is taken instead of the plan's seeds.
        text: is read instead of the file, which need not exist then; relative paths still start at its folder.

    Raises:
        PlanError: the file is no TOML, or a name or number in it is not valid; the text says which are.
    """
    try:
        content = file.read_text(encoding="utf-8-sig") if text is None else text
        table = tomllib.loads(content)
    except OSError as error:
        raise PlanError(f"plan: expected a TOML file, got {file}: {error.strerror}; give the path of one") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise PlanError(f"plan {file}: expected TOML, got {error}") from error
    if "patches" in table:
        raise PlanError(f"plan {file.name}: expected the plan of a benchmark, got the plan of a training; use `train METHOD {file.name}`")
    try:
        return replace(_resolve(configure(_Table, table), file, roots, plugins, seed), text=content)
    except (SettingError, LookupError, ValueError, ImportError) as error:
        raise PlanError(f"plan {file.name}: {error}") from error


def _resolve(table: _Table, file: Path, roots: DataRoots, plugins: Path | None, seed: int | None) -> Plan:
    folder = roots.folder("srf")
    protocols = [protocol_from(name, folder) for name in table.protocols] + [
        protocol_from(entry, folder, file.parent) for entry in table.protocol
    ]
    _expect_some("protocols", protocols)
    expect_distinct("protocols", [protocol.name for protocol in protocols])
    scenes = find_scenes(table.scenes, roots, file.parent, table.scene)
    _expect_some("scenes", scenes)
    expect_distinct("scenes", [scene.name for scene in scenes])
    _expect_some("method", table.method)
    contestants = labelled(contestants_of(table.method, (file.parent, roots.root), plugins))
    expect_distinct("methods", [entry.identity for entry in contestants])
    seeds = table.seeds if seed is None else (seed,)
    _expect_some("seeds", seeds)
    expect_distinct("seeds", [str(value) for value in seeds])
    if table.retries < 0:
        raise SettingError(f"retries: expected a whole number >= 0, got {table.retries}")
    limits = [(table.time_limit_s, table.memory_limit_mb), *((entry.time_limit_s, entry.memory_limit_mb) for entry in contestants)]
    pairs = [pair for limit in limits for pair in zip(("time_limit_s", "memory_limit_mb"), limit, strict=True)]
    for name, value in [*pairs, ("disk_limit_mb", table.disk_limit_mb)]:
        if value is not None and value <= 0:
            raise SettingError(f"{name}: expected a number above 0, got {value:g}")
    if table.threads is not None and table.threads < 1:
        raise SettingError(f"threads: expected a whole number >= 1, got {table.threads}")
    training = training_set(table.training, roots, file.parent) if table.training else None
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
        by_pattern=frozenset(
            scene.name for scene in scenes if scene.name not in table.scenes and any(name in SPLITS for name in table.scenes)
        ),
    )


def _expect_some(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise SettingError(f"{what}: expected at least one, got none")

"""The file of a plan: TOML, in which every name is looked up and every number is checked before anything runs.

name = "mine"
seeds = [0, 1]
scenes = ["builtin/fields", "cave:test", "file:/data/mine.mat"]
protocols = ["wald-x4", "mossfuse-*"]   # by name or pattern ...
methods = ["*"]                         # rows by name or pattern, each with its default parameters; or tables [[method]] as below
skip_missing = true                     # leave out, and name, what is not there of scenes, pairs and weights (an error when absent)
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
scenes = ["remote/*"]                   # for these scenes alone; all when absent

[[method]]
name = "rfuse"
label = "R-FUSE, small"                 # name in tables; the card's name, and what differs, when absent
parameters = {prior_weight = 1e-3}      # and blind = "hysure": PSF and SRF estimated by that (methods/blind.py)
grid = {rank = [5, 10]}                 # each combination is one row
time_limit_s = 60                       # instead of the plan's; likewise memory_limit_mb
scenes = ["remote/*", "urban/left"]     # for these scenes alone, by name or pattern; all when absent; a pair's name counts, too
protocols = ["mine-x4"]                 # and under these protocols alone, likewise

[[method]]                              # an oracle row, never ranked: what the method would reach if the truth picked the iterate
name = "m2unet"
oracle = 20                             # the best by PSNR of 20 iterates, picked by the referee: oracle.py

[training]                              # for methods that learn beforehand: training_set.py
scenes = ["cave:train"]
patch = 64
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmark.matrix.contestant import expect_distinct, labelled
from benchmark.matrix.handed_in import handed_in_contestant
from benchmark.matrix.missing_data import present_pairs, present_scenes_of
from benchmark.matrix.pattern_rows import expand_names, rows_of
from benchmark.matrix.plan import DISK_LIMIT_MB, Plan, PlanError, observations
from benchmark.matrix.row_limits import rows_with_cells
from benchmark.matrix.time_budget import at_budgets, time_budget_table
from benchmark.matrix.training_set import training_set
from datasets.data_roots import DataRoots
from datasets.protocols import PRESETS, protocols_of
from datasets.scene_catalog import SPLITS
from datasets.scene_sources import expect_apart
from datasets.settings import SettingError, configure


@dataclass(frozen=True)
class PlanTable:
    """The schema of the file."""

    method: tuple[dict[str, Any], ...] = ()
    """The methods, each a table [[method]]."""
    methods: tuple[str, ...] = ()
    """Methods by name or pattern (`list methods`), each with its default parameters: "*" is every method that can take part."""
    estimates: tuple[dict[str, Any], ...] = ()
    """Cubes that were made elsewhere, each row a table [[estimates]]."""
    scenes: tuple[str, ...] = ()
    """Scenes and splits by name (`list scenes`), `file:PATH?key=value&...`, or patterns of files."""
    scene: tuple[dict[str, Any], ...] = ()
    """Files of one's own, each a table [[scene]]."""
    pair: tuple[dict[str, Any], ...] = ()
    """Real pairs, each a table [[pair]]."""
    name: str = ""
    """Name of the plan, and of its folder in results/; that of the file when absent."""
    protocols: tuple[str, ...] = ()
    """Protocols by name or pattern (`list protocols`), such as "mossfuse-*"."""
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
    skip_missing: bool = False
    """Whether scenes, pairs and weights that are not there are left out and named; an error when false."""
    training: dict[str, Any] = field(default_factory=dict)
    """The scenes from which methods that learn beforehand learn: the table [training]."""
    time_budget: dict[str, Any] = field(default_factory=dict)
    """How a time was divided over the rows that learn: the table [time_budget], which `run --time-budget` writes."""


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
    content = text_of_plan(file) if text is None else text
    table = _parsed(content, file)
    if "patches" in table:
        raise PlanError(f"plan {file.name}: expected the plan of a benchmark, got the plan of a training; use `train METHOD {file.name}`")
    try:
        mixed = [name for name in ("scenes", "protocols") if any(isinstance(entry, dict) for entry in _listed(table.get(name)))]
        if mixed:
            raise SettingError(f"[[{mixed[0]}]]: expected [[{mixed[0].removesuffix('s')}]] for a table; {mixed[0]} is a list of names")
        return replace(_resolve(configure(PlanTable, table), file, start or file.parent, roots, plugins, seed), text=content)
    except (SettingError, LookupError, ValueError, ImportError) as error:
        raise PlanError(f"plan {file.name}: {error}") from error


def text_of_plan(file: Path) -> str:
    """The text of a plan's file.

    Raises:
        PlanError: it cannot be read, or is no text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PlanError(f"plan: expected a TOML file, got {file}: {error.strerror}; give the path of one") from error
    except ValueError as error:  # no UTF-8
        raise PlanError(f"plan {file}: expected TOML, got {error}") from error


def name_of_plan(file: Path, text: str) -> str:
    """The name of the plan with this text.

    Raises:
        PlanError: it is no TOML.
    """
    name = _parsed(text, file).get("name")
    return name if isinstance(name, str) and name else file.stem


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        quotes = '; a text stands in quotes, as in name = "gsa"' if "Invalid value" in str(error) else ""
        raise PlanError(f"plan {file}: expected TOML, got {error}{quotes}") from error


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolve(table: PlanTable, file: Path, start: Path, roots: DataRoots, plugins: Path | None, seed: int | None) -> Plan:
    folder = roots.folder("srf")
    described = [str(item.get("name", "")) for item in table.protocol]
    names, twice = expand_names("protocol", table.protocols, [name for name in PRESETS if name not in described])
    protocols = protocols_of(names, table.protocol, folder, start)
    expect_distinct("protocols", [protocol.name for protocol in protocols])
    scenes, absent = present_scenes_of(table.scenes, table.scene, roots, start, skip_missing=table.skip_missing)
    pairs, absent_pairs = present_pairs(table.pair, roots, start, skip_missing=table.skip_missing)
    if not pairs or protocols or scenes:
        _expect_some("protocols", protocols)
        if not scenes and absent:
            raise SettingError("\n  ".join(["scenes: expected data of at least one, got none", *absent]))
        _expect_some("scenes", scenes)
    expect_distinct("scenes", [scene.name for scene in scenes])
    only = _scenes_of_protocols(table.protocol, [scene.name for scene in scenes], absent)
    _expect_some("method", (*table.method, *table.methods, *table.estimates))
    found = rows_of(table.methods, table.method, (start, roots.root), plugins, trains=bool(table.training), skip_missing=table.skip_missing)
    rows = [*found.rows, *(handed_in_contestant(item, start) for item in table.estimates)]
    if not rows:
        raise SettingError("\n  ".join(["method: expected at least one that can take part, got none", *found.left_out]))
    sources = [*scenes, *(pair.source for pair in pairs)]
    rows, idle = rows_with_cells(
        rows,
        [(scene.name, protocol.name) for protocol, scene in observations(scenes, protocols, only, pairs)],
        [source.name for source in sources],
        [*(protocol.name for protocol in protocols), *(protocol.name for pair in pairs for protocol in pair.protocols)],
        scenes_missing=bool(absent),
        pairs_missing=bool(absent_pairs),
    )
    if not rows:
        raise SettingError("\n  ".join(["method: expected at least one with a scene that is there, got none", *idle]))
    divided = time_budget_table(table.time_budget)
    contestants, unfit = (labelled(rows), ()) if divided is None else at_budgets(rows, divided, (start, roots.root))
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
        expect_apart(training.scenes, sources)
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
        )
        | {protocol.name for protocol in protocols if protocol.name not in (*table.protocols, *described)},
        only=only,
        left_out=(*absent, *absent_pairs, *found.left_out, *idle, *unfit),
        named_again=twice + found.doubles,
    )


def _scenes_of_protocols(tables: Sequence[Mapping[str, Any]], names: Sequence[str], absent: Sequence[str]) -> dict[str, frozenset[str]]:
    """The scenes of each protocol that is not for all of them, by its name.

    Raises:
        SettingError: a pattern matches no scene of the plan, although none is missing.
    """
    only: dict[str, frozenset[str]] = {}
    for table in tables:
        patterns = table.get("scenes", ())
        if not patterns:
            continue
        fits = frozenset(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
        idle = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]
        if idle and not absent:
            known = ", ".join(names)
            raise SettingError(f"protocol {table.get('name')}: scenes: expected a pattern that matches one of {known}, got {idle[0]!r}")
        only[str(table.get("name"))] = fits
    return only


def _expect_some(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise SettingError(f"{what}: expected at least one, got none")

"""A bundle: all current records of a run in one small file, NAME.json.xz, to be compared with and to be published.

It has the records with all that pairs them (digests of the scenes' contents, the protocols' numbers, the key of the metrics), the plan, and
the environments with the commit of the code. It has no cube and no path of a machine: of each path in a text only the last name is kept.
Scores keep 9 significant digits and seconds 5.

A bundle may come from anyone. It is JSON in xz, never a pickle; no more than `MOST_PACKED` bytes are read and `MOST_BYTES` unpacked; each
record is checked as one of a run folder is (record_checks.py).
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from benchmark.run_folder.checked_fields import FieldError, build, expect_type
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import MOST_BYTES, RecordError, json_object, read_json, regular_bytes, write_bytes
from benchmark.run_folder.record import Result, record_from, record_table
from benchmark.run_folder.record_checks import is_plain
from datasets.printable import printable, printable_lines

ENDING = ".json.xz"
BUNDLE_SCHEMA = 1
MOST_PACKED = 32 * 2**20  # bytes of a file; no larger one is read
_MEMORY = 256 * 2**20  # bytes that unpacking may take beside its result
_DIGITS, _TIME_DIGITS = 9, 5
_NAME = r"[^\s/\\'\"`:;,?*<>|()\[\]{}]+"  # of a file or folder
_PATH = re.compile(rf"(?<![\w./:~-])(?:file:)?(?:~|[A-Za-z]:)?(?:[/\\](?![/\\]){_NAME})+[/\\]?")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a bundle holds."""

    name: str
    records: tuple[Result, ...]
    environments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by the digest that records name
    plan: Mapping[str, Any] = field(default_factory=dict)  # with every name looked up
    plan_text: str = ""
    planned: int = 0  # cells of the plan, with a record or without
    metrics_key: str = ""  # of the metrics that scored it
    made: str = ""  # UTC, ISO 8601
    noise: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # by method and metric: what a repeated run differs by

    @property
    def code(self) -> tuple[str, ...]:
        """The commits of the code that made the records, each with a plus sign where changes were not committed."""
        used = {record.environment for record in self.records}
        facts = [table for digest, table in self.environments.items() if digest in used]
        texts = {f"{str(table.get('commit') or 'unknown')[:12]}{'+' if table.get('uncommitted_changes') else ''}" for table in facts}
        return tuple(sorted(texts))

    @property
    def scored(self) -> int:
        """The number of records with scores."""
        return sum(record.outcome == "scored" for record in self.records)


@dataclass(frozen=True, kw_only=True)
class _File:
    """The schema of the JSON object."""

    bundle: str  # the name
    schema: int
    records: tuple[Mapping[str, Any], ...]
    environments: Mapping[str, Any]
    plan: Mapping[str, Any]
    plan_text: tuple[str, ...]  # its lines
    planned: int
    metrics_key: str
    made: str
    noise: Mapping[str, Any] = field(default_factory=dict)


def bundle_of(folder: Path, name: str) -> Bundle:
    """The bundle of a run: its current records, without paths.

    Raises:
        RecordError: no run folder, no scored record, a record or an environment that cannot be read, or a name that is no plain one.
    """
    if not is_plain(name):
        raise RecordError(f"bundle: expected a name of letters, digits, hyphens and underscores, got {name!r}; give another one by --name")
    run = RunFolder(folder)
    found = run.find_current()
    if found.broken:
        raise RecordError("\n".join(["expected records that can be read, got:", *found.broken.values()]))
    if not any(record.outcome == "scored" for record in found.records):
        raise RecordError(f"expected at least one scored record in {run.part('cells')}, got none; run the plan first")
    digests = sorted({record.environment for record in found.records})
    files = {digest: run.environment(digest) for digest in digests}
    index = run.index()
    facts = read_json(run.plan_facts) if run.plan_facts.exists() else {}
    plan = facts.get("plan")
    return Bundle(
        name=name,
        records=tuple(_tidied(record) for record in found.records),
        environments={digest: without_paths(read_json(file)) for digest, file in files.items() if file.exists()},
        plan=without_paths(plan if isinstance(plan, dict) else {}),
        plan_text=without_paths(printable_lines(run.kept_plan())),
        planned=len(index.cells) or len(found.records),
        metrics_key=index.metrics_key or _usual([record.metrics_key for record in found.records if record.outcome == "scored"]),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_bundle(file: Path, bundle: Bundle) -> Path:
    """The file to which a bundle is written, as a whole or not at all.

    Raises:
        RecordError: the file's name does not end with .json.xz.
    """
    if not file.name.endswith(ENDING):
        raise RecordError(f"bundle: expected a file that ends with {ENDING}, got {file.name}; give --out another name")
    table = {
        "bundle": bundle.name,
        "schema": BUNDLE_SCHEMA,
        "records": [record_table(record) for record in bundle.records],
        "environments": bundle.environments,
        "plan": bundle.plan,
        "plan_text": bundle.plan_text.split("\n"),
        "planned": bundle.planned,
        "metrics_key": bundle.metrics_key,
        "made": bundle.made,
        "noise": bundle.noise,
    }
    text = json.dumps(table, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return write_bytes(file, lzma.compress(text.encode(), preset=9))


def read_bundle(file: Path) -> Bundle:
    """The bundle in a file, of which nothing is taken on trust.

    Raises:
        RecordError: it cannot be read, is too large, is no bundle, or a record in it is none; the text says which.
    """
    name = printable(file.name)
    try:
        table = json_object(_unpacked(file))
        if table.get("schema") != BUNDLE_SCHEMA:
            raise FieldError(f"schema {str(table.get('schema'))[:60]} where {BUNDLE_SCHEMA} was expected")
        whole = build(_File, table)
        if not is_plain(whole.bundle):
            raise FieldError(f"bundle: {whole.bundle[:60]!r} where a name of letters, digits, hyphens and underscores was expected")
        environments = {digest: _environment(digest, facts) for digest, facts in whole.environments.items()}
        for method, table in whole.noise.items():
            expect_type(f"noise: {method[:60]}", table, Mapping[str, float])
    except ValueError as error:
        raise RecordError(f"{name} is not a bundle: expected what `bundle RUN --out FILE{ENDING}` writes, got {error}") from error
    records = tuple(record_from(record, f"{name}, record {number}") for number, record in enumerate(whole.records, 1))
    twice = len(records) - len({record.key for record in records})
    if twice or not records:
        raise RecordError(f"{name} is not a bundle: expected records of different keys, got {f'{twice} twice' if twice else 'none'}")
    return Bundle(
        name=whole.bundle,
        records=records,
        environments=environments,
        plan=whole.plan,
        plan_text="\n".join(whole.plan_text),
        planned=whole.planned,
        metrics_key=whole.metrics_key,
        made=whole.made,
        noise=whole.noise,
    )


def without_paths(value: Any) -> Any:
    """A value of JSON, each path in its texts as its last name."""
    if isinstance(value, str):
        return _PATH.sub(_last_name, value)
    if isinstance(value, Mapping):
        return {without_paths(name): without_paths(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(entry) for entry in value]
    return value


def _last_name(found: re.Match[str]) -> str:
    kind = "file:" if found[0].startswith("file:") else ""
    return kind + re.split(r"[/\\]", found[0].rstrip("/\\"))[-1]


def _tidied(record: Result) -> Result:
    """The record without paths, its numbers with the digits that a bundle keeps."""
    table = without_paths(record_table(record))
    clock = table.get("clock")
    table["metrics"] = _rounded(table["metrics"], _DIGITS)
    table["clock"] = _rounded(clock, _TIME_DIGITS)
    if "oracle" in table:
        table["oracle"] = _rounded(table["oracle"], _DIGITS)
    return record_from(table, f"cells/{record.key}.json")


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if isfinite(value) else value
    if isinstance(value, Mapping):
        return {name: _rounded(entry, digits) for name, entry in value.items()}
    return [_rounded(entry, digits) for entry in value] if isinstance(value, list | tuple) else value


def _usual(keys: Sequence[str]) -> str:
    return max(sorted(set(keys)), key=keys.count, default="")


def _environment(digest: str, facts: object) -> Mapping[str, Any]:
    if not is_plain(digest) or not isinstance(facts, Mapping):
        raise FieldError(f"environments: {str(digest)[:60]!r} where the digest of a table was expected")
    return facts


def _unpacked(file: Path) -> bytes:
    """The JSON of a file.

    Raises:
        ValueError: the file is not there, is too large, or is no xz; the text says what it is.
    """
    packed = regular_bytes(file, MOST_PACKED)
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        content = unpacker.decompress(packed, max_length=MOST_BYTES + 1)
    except lzma.LZMAError as error:
        raise ValueError(f"no xz ({error})") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes when unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("an xz file that is cut off" if not unpacker.eof else "bytes after the end of the xz file")
    return content

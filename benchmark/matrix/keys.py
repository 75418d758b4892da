"""What a cell's key is made of, so that a change re-runs exactly the cells that it concerns.

    key = sha256(method, its parameters, its sources, protocol's numbers, scene's fingerprint, simulator's sources, seed, kind of device)

A parameter that is a file counts by its content, never by its path. *Sources* are the bytes of every file of ours that the method's (or the
simulator's) module imports, directly or through others: the import closure, read with `ast`, nothing executed. Library versions are
recorded with the run, not hashed. The kind of device is in the key because seconds are part of a record.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.clone import ROOT

OURS = ("datasets", "methods", "benchmark", "reports")


class UnkeyedError(ValueError):
    """A parameter that no key can be made of, such as a file that does not exist."""


def cell_key(
    *,
    method: str,
    parameters: Mapping[str, Any],
    sources: str,
    protocol: Mapping[str, Any],
    scene: str,
    simulator: str,
    seed: int,
    device: str,
    training: Mapping[str, Any] | None = None,
    oracle: int = 0,
) -> str:
    """The key as 20 hexadecimal digits. `training` is what a method is trained on in this plan, if it is; `oracle` as in oracle.py."""
    table = {
        "method": method,
        "parameters": {name: _by_content(value) for name, value in parameters.items()},
        "sources": sources,
        "protocol": protocol,
        "scene": scene,
        "simulator": simulator,
        "seed": seed,
        "device": device,
    }
    table |= {"training": training} if training is not None else {}
    return digest(table | {"oracle": oracle} if oracle else table)


def digest(table: Mapping[str, Any]) -> str:
    """sha256 of a table, as 20 hexadecimal digits, independent of the order of its entries."""
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:20]


def file_digest(file: Path) -> str:
    """sha256 of a file's bytes (hex).

    Raises:
        UnkeyedError: there is no such file.
    """
    if not file.is_file():
        raise UnkeyedError(f"expected a file, got {file}; give the path of one")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def source_digest(file: Path, home: Path | None = None) -> str:
    """sha256 over the import closure of `file`: its own bytes and those of every file of ours that it imports, however indirectly.

    `home` is the folder that an outside plugin may import siblings from.
    """
    closure = sorted(import_closure(file, home))
    lines = [f"{_name(path, home)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in closure]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:20]


def import_closure(file: Path, home: Path | None = None) -> set[Path]:
    """Every file of ours that executing `file` can reach by import statements, itself included."""
    seen: set[Path] = set()
    waiting = [file.resolve()]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in _imports(path):
            waiting += [found for base in (ROOT, home) if base is not None for found in _files(module, base)]
    return seen


def _imports(file: Path) -> list[str]:
    """Dotted names that the import statements of `file` mention; of `from a import b` both a and a.b."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*_relative(file, node.level), *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names


def _relative(file: Path, level: int) -> list[str]:
    """The package that `level` dots mean in `file`."""
    folder = file.parent
    for _ in range(level - 1):
        folder = folder.parent
    return list(folder.relative_to(ROOT).parts) if folder.is_relative_to(ROOT) else [folder.name]


def _files(module: str, base: Path) -> list[Path]:
    """The files that importing the dotted name would execute below `base`: its packages' and its own."""
    parts = module.split(".")
    if base == ROOT and parts[0] not in OURS:
        return []
    found = []
    for depth in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:depth])
        found += [path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()]
    return found


def _name(path: Path, home: Path | None) -> str:
    """The path as far as it is ours, so that a clone elsewhere has the same digest."""
    for base in (ROOT, home):
        if base is not None and path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


def _by_content(value: Any) -> Any:
    if isinstance(value, Path):
        return {"sha256": file_digest(value)}
    if isinstance(value, tuple):
        return [_by_content(entry) for entry in value]
    return value

"""What a cell's key is made of, so that a change re-runs exactly the cells that it concerns.

    key = sha256(method, its parameters, its sources, protocol's numbers, scene, simulator's sources, seed, kind of device,
                 and where they apply: the training set with the sources that make its patches, and the number of the oracle's iterates)

A parameter that is a file counts by its content, never by its path. The scene is the digest of what its reader returns
(`scene_identity.py`). Sources are the import closure as syntax (`sources.py`). Library versions are recorded with the run, not hashed. The
kind of device is in the key because seconds are part of a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.digests import digest_of, file_sha256


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
    """The key as 20 hexadecimal digits. `training` is what a method is trained on in this plan, if it is; `oracle` as in oracle.py.

    Raises:
        MissingFileError: a parameter is a file that is not there.
    """
    table = {
        "method": method,
        "parameters": by_content(parameters),
        "sources": sources,
        "protocol": protocol,
        "scene": scene,
        "simulator": simulator,
        "seed": seed,
        "device": device,
    }
    table |= {"training": training} if training is not None else {}
    return digest_of(table | {"oracle": oracle} if oracle else table)


def by_content(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a key counts them: files by their sha256, tuples as lists."""
    return {name: _counted(value) for name, value in parameters.items()}


def _counted(value: Any) -> Any:
    if isinstance(value, Path):
        return {"sha256": file_sha256(value)}
    if isinstance(value, tuple):
        return [_counted(entry) for entry in value]
    return value

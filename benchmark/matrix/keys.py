"""The key of a cell: a digest of all that its result depends on, so that a change runs exactly those cells again that it concerns.

    key = sha256(method, its parameters, its sources, numbers of the protocol, scene, sources of the simulator, seed, kind of device,
                 and, where there are any, the training set with the sources that make its patches, and the number of oracle iterates)

A parameter that is a file counts by its content, never by its path. The scene is given by its digest (identity/scene_identity.py). Sources
are the import closure as syntax (identity/sources.py). Versions of libraries are recorded with the run, and not hashed. The kind of device
counts because seconds are part of a record.
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
    """The key, 20 hexadecimal digits. `training` has the numbers of the training set; `oracle` is the number of iterates of an oracle row.

    Raises:
        MissingFileError: a parameter is a file, and it is not there.
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
    """Parameters as they count in a key: a file by its sha256, a tuple as a list."""
    return {name: _counted(value) for name, value in parameters.items()}


def _counted(value: Any) -> Any:
    if isinstance(value, Path):
        return {"sha256": file_sha256(value)}
    if isinstance(value, tuple):
        return [_counted(entry) for entry in value]
    return value

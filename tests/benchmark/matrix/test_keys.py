"""Keys: a change re-runs exactly the cells that it concerns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.matrix.keys import cell_key
from datasets.digests import MissingFileError

BASE: dict[str, Any] = {
    "method": "m",
    "parameters": {"rank": 3, "weights": None},
    "sources": "s",
    "protocol": {"ratio": 4, "psf": {"kind": "box", "taps": 4}},
    "scene": "f",
    "simulator": "z",
    "seed": 0,
    "device": "cpu",
}


def test_every_part_counts() -> None:
    changes: list[dict[str, Any]] = [
        {"method": "n"},
        {"parameters": {"rank": 4, "weights": None}},
        {"sources": "t"},
        {"protocol": {"ratio": 4, "psf": {"kind": "box", "taps": 3}}},
        {"scene": "g"},
        {"simulator": "y"},
        {"seed": 1},
        {"device": "cuda"},
    ]
    keys = {cell_key(**BASE), *(cell_key(**{**BASE, **change}) for change in changes)}
    assert len(keys) == len(changes) + 1


def test_the_order_of_entries_does_not_count() -> None:
    turned = {**BASE, "parameters": {"weights": None, "rank": 3}, "protocol": dict(reversed(BASE["protocol"].items()))}
    assert cell_key(**turned) == cell_key(**BASE)


def test_a_file_counts_by_its_content_not_by_its_path(tmp_path: Path) -> None:
    first, second, third = tmp_path / "a.pth", tmp_path / "b.pth", tmp_path / "c.pth"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")
    third.write_bytes(b"others")
    keys = [cell_key(**{**BASE, "parameters": {"weights": path}}) for path in (first, second, third)]
    assert keys[0] == keys[1] != keys[2]
    with pytest.raises(MissingFileError, match="expected a file"):
        cell_key(**{**BASE, "parameters": {"weights": tmp_path / "none.pth"}})

"""Keys: a change re-runs exactly the cells that it concerns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.matrix.keys import ROOT, UnkeyedError, cell_key, import_closure, source_digest

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
    with pytest.raises(UnkeyedError, match="expected a file"):
        cell_key(**{**BASE, "parameters": {"weights": tmp_path / "none.pth"}})


def test_the_closure_follows_imports_however_indirect() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in import_closure(ROOT / "methods" / "bayesian" / "rfuse.py")}
    assert {"methods/bayesian/rfuse.py", "methods/contract.py", "methods/numerics/solvers/sylvester.py", "datasets/degradation.py"} <= names
    assert not any(name.startswith(("benchmark/", "reports/")) for name in names)
    assert "methods/classical/gsa.py" not in names


def test_a_helper_that_a_plugin_imports_counts(tmp_path: Path) -> None:
    plugin, helper, bystander = tmp_path / "plugin.py", tmp_path / "helper.py", tmp_path / "bystander.py"
    plugin.write_text("import helper\n")
    helper.write_text("x = 1\n")
    bystander.write_text("y = 1\n")
    before = source_digest(plugin, tmp_path)
    bystander.write_text("y = 2\n")
    source_digest.cache_clear()
    assert source_digest(plugin, tmp_path) == before
    helper.write_text("x = 2\n")
    source_digest.cache_clear()
    assert source_digest(plugin, tmp_path) != before


def test_import_cycles_and_packages_are_followed(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text("import plugin\n")
    (tmp_path / "plugin.py").write_text("def f():\n    from pack import inner\n")
    names = {path.name for path in import_closure(tmp_path / "plugin.py", tmp_path)}
    assert names == {"plugin.py", "__init__.py", "inner.py"}

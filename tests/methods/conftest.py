"""Fixtures for tests that load plugins into the process of the tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

from methods import plugin_imports
from methods.suite_names import FLOORS


@pytest.fixture
def fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules, finders, names of the floors, and `sys.path` are after a test as they were before, as if it had a process of its own."""
    before, finders, path = dict(sys.modules), list(sys.meta_path), list(sys.path)
    floors = {floor: dict(vars(importlib.import_module(floor))) for floor in FLOORS}
    monkeypatch.setattr(plugin_imports, "_plugins", {})
    monkeypatch.setattr(plugin_imports, "_aliases", {})
    yield
    sys.meta_path[:], sys.path[:] = finders, path
    for name in set(sys.modules) - set(before):
        if not is_kept(name):
            del sys.modules[name]
    for floor, names in floors.items():
        added = vars(importlib.import_module(floor))
        for name in set(added) - set(names):
            if name == "__getattr__" or getattr(added[name], "__name__", "").startswith("hmif_"):
                del added[name]
    importlib.invalidate_caches()


def is_kept(name: str) -> bool:
    """Whether a module that a test has loaded stays: one of the suite or of a library, and none that the test has written."""
    spec = getattr(sys.modules[name], "__spec__", None)
    origin = getattr(spec, "origin", None) or ""
    return not (name.partition(".")[0].startswith("hmif_") or "/pytest-" in origin)

"""Functions of libraries that are replaced for a while, so that it is seen who calls them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(what: list[tuple[Any, str, Callable[[Any], Any]]], module: str) -> Iterator[None]:
    """Replaces functions of libraries while the block runs, in the library and under the names by which `module` has imported them.

    Args:
        what: for each function its module, its name, and what makes the other function from it.
        module: the name of a module that may have imported the functions by their names.
    """
    names = vars(sys.modules[module]) if module in sys.modules else {}
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for place, name, make in what:
            original = getattr(place, name)
            other = make(original)
            for table, key in [(vars(place), name), *((names, key) for key, value in list(names.items()) if value is original)]:
                before.append((table, key, original))
                table[key] = other
        yield
    finally:
        for table, key, original in reversed(before):
            table[key] = original

"""`--select FIELD=PATTERN[,PATTERN]`: the items of which every named field matches one of its patterns (`*` and `?`, case counts).

A run selects cells of its plan by it, a report records of its run. A name with commas of its own is written as it is:
`tier=told nothing; learned from other scenes, with their truth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

Item = TypeVar("Item")
Selection = Mapping[str, tuple[str, ...]]  # field, patterns


class SelectionError(ValueError):
    """A choice that cannot be made of what there is; the text says what was expected, what came, and the way out."""


def read_selection(texts: Sequence[str], fields: Iterable[str]) -> Selection:
    """`field=pattern,pattern` as a table; a second pattern of a field is one more that may match.

    Raises:
        SelectionError: no `=`, no pattern, or a field that is not one of `fields`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        field, equals, patterns = text.partition("=")
        if not equals or field not in fields or not listed(patterns):
            raise SelectionError(f"--select: expected FIELD=PATTERN[,PATTERN] with FIELD one of {', '.join(fields)}, got {text!r}")
        found[field] = found.get(field, ()) + listed(patterns)
    return found


def selected(items: Iterable[Item], selection: Selection, fields: Mapping[str, Callable[[Item], str]]) -> list[Item]:
    """The items that the selection leaves, in their order.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    kept = list(items)
    for field, patterns in selection.items():
        kept = matching(kept, f"--select {field}=", patterns, lambda item, field=field: (fields[field](item),))  # type: ignore[misc]
    return kept


def matching(items: Sequence[Item], what: str, patterns: Sequence[str], names: Callable[[Item], tuple[str, ...]]) -> list[Item]:
    """The items of which a name matches a pattern; every pattern must match something. `what` begins the error's text.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    there = sorted({name for item in items for name in names(item)})
    patterns = _whole(patterns, there)
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in there):
            raise SelectionError(f"{what}{pattern}: expected one of {', '.join(there)}, got no match; `*` stands for any text")
    return [item for item in items if any(_fits(name, pattern) for name in names(item) for pattern in patterns)]


def listed(text: str) -> tuple[str, ...]:
    """Items between commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _whole(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """The patterns, those put together again that stood between the commas of one name; the longest name wins."""
    found: list[str] = []
    begin = 0
    while begin < len(patterns):
        ends = range(len(patterns), begin + 1, -1)
        end = next((end for end in ends if any(_fits(name, ", ".join(patterns[begin:end])) for name in names)), begin + 1)
        found.append(", ".join(patterns[begin:end]))
        begin = end
    return found


def _fits(name: str, pattern: str) -> bool:
    """Whether a name is the pattern, or is of its form."""
    return name == pattern or fnmatchcase(name, pattern)

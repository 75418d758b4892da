"""`--select FIELD=PATTERN[,PATTERN]`: the items of which every named field matches one of its patterns.

`*` and `?` stand for any text and any letter, and upper and lower case differ. A run selects cells of its plan so, and a report selects
records of its run. A name that has commas is written as it is:
`tier=told nothing; learned from other scenes, with their truth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from datasets.nearest import did_you_mean

Item = TypeVar("Item")
Selection = Mapping[str, tuple[str, ...]]  # field, patterns


class SelectionError(ValueError):
    """A selection that matches nothing, or that cannot be read; the text says what was expected, what came, and the way out."""


def read_selection(texts: Sequence[str], fields: Iterable[str]) -> Selection:
    """The patterns by field, from texts such as `field=pattern,pattern`; patterns of one field in several texts are put together.

    A text holds one field: `scene=a,method=b` is refused, as a method's name would be taken for a scene's.

    Raises:
        SelectionError: a text has no `=` or no pattern, or its field is none of `fields`.
    """
    selection: dict[str, tuple[str, ...]] = {}
    for text in texts:
        field, equals, patterns = text.partition("=")
        if not equals or field not in fields or not listed(patterns):
            near = did_you_mean(field, fields) if field not in fields else ""
            raise SelectionError(f"--select: {near}expected FIELD=PATTERN[,PATTERN] with FIELD one of {', '.join(fields)}, got {text!r}")
        second = next((pattern for pattern in listed(patterns) if pattern.partition("=")[0] in fields and "=" in pattern), "")
        if second:
            raise SelectionError(f"--select: expected one field, got {text!r}; write --select {second} beside it")
        selection[field] = selection.get(field, ()) + listed(patterns)
    return selection


def selected(items: Iterable[Item], selection: Selection, fields: Mapping[str, Callable[[Item], str]]) -> list[Item]:
    """The items that match the selection, in their order.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    kept = list(items)
    for field, patterns in selection.items():
        kept = matching(kept, f"--select {field}=", patterns, lambda item, field=field: (fields[field](item),))  # type: ignore[misc]
    return kept


def matching(items: Sequence[Item], what: str, patterns: Sequence[str], names: Callable[[Item], tuple[str, ...]]) -> list[Item]:
    """The items of which a name matches a pattern; every pattern must match some item. `what` begins the text of the error.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    there = sorted({name for item in items for name in names(item)})
    patterns = _whole(patterns, there)
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in there):
            near = did_you_mean(pattern.strip("*?"), there)
            raise SelectionError(f"{what}{pattern}: {near}expected one of {', '.join(there)}, got no match; `*` stands for any text")
    return [item for item in items if any(_fits(name, pattern) for name in names(item) for pattern in patterns)]


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text between its commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _whole(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """The patterns, where those that are parts of one name with commas are put together again; the longest name counts."""
    joined: list[str] = []
    begin = 0
    while begin < len(patterns):
        ends = range(len(patterns), begin + 1, -1)
        end = next((end for end in ends if any(_fits(name, ", ".join(patterns[begin:end])) for name in names)), begin + 1)
        joined.append(", ".join(patterns[begin:end]))
        begin = end
    return joined


def _fits(name: str, pattern: str) -> bool:
    """Whether a name is the pattern itself, or matches it."""
    return name == pattern or fnmatchcase(name, pattern)

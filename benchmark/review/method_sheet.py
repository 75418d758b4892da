"""`list methods NAME`: what one method is, and each of its parameters with its type, its default and its meaning."""

from __future__ import annotations

from pathlib import Path

from benchmark.matrix.interview import Interview, interview
from methods.catalog import Entry, find_one

HEADS = ("parameter", "type", "default", "meaning")
WIDEST = 60  # characters of a column, the last one apart; a wider entry shifts what follows it


def method_sheet(name: str, plugins: Path | None = None) -> str:
    """The sheet of the method of that name, or of that file, as text.

    Raises:
        MethodNotFoundError: there is none.
        BrokenMethodError: it cannot be imported, or does not say what it is.
    """
    entry = find_one(name, plugins)
    (answer,) = interview([(entry, ())])
    rows = [HEADS, *((one.name, one.kind, one.default, one.meaning) for one in answer.fields)]
    widths = [max(len(row[column]) for row in rows if len(row[column]) <= WIDEST) for column in range(len(HEADS) - 1)]
    table = [_line(row, widths) for row in rows] if answer.fields else ["it has no parameters"]
    return "\n".join([*_facts(entry, answer), "", *table])


def _facts(entry: Entry, answer: Interview) -> list[str]:
    """The lines above the table."""
    card = answer.card
    facts = {
        "": f"{entry.name}: {card.name}",
        "paper": ", ".join(filter(None, (card.paper, card.doi))),
        "knows": card.tier,
        "checked": card.fidelity,
        "not ranked": card.unranked,
        "tuned on": card.tuned_on,
        "published": answer.published,
        "file": str(entry.file or entry.module),
    }
    return [f"{what:11}{text}" if what else text for what, text in facts.items() if text]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    """One line of the table."""
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()

"""A row of a summary: one configuration of a method, its records, and whether it may be compared with the other rows.

A row is ranked when its card does not forbid that and every cell of its table was scored: means over different scenes are never
compared. So a row that the plan has on some of the scenes alone (`scenes` of its [[method]]) is not ranked where other rows have more,
and says why. A row whose result does not depend on the seed, under a protocol without noise, has a cell for each scene; any other row has
one for each scene and seed of the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.run_folder.record import Result
from reports.content.columns import SECONDS, Column, Value
from reports.content.protocol_facts import is_noisy
from reports.content.provenance import TimingPlace

MISSING, UNRANKED, UNDEFINED, TIMED, OPTIMISED = "†", "‡", "§", "¶", "‖"  # the marks of notes
_REFUSED = "RefusedError: "  # begins the reason of a refusal in the records; readers need the sentence alone
_LIMIT = re.compile(
    r".* takes (?:(?P<bands>[a-z0-9 ]+) bands|(?P<channels>[a-z0-9 ]+) channels|ratio (?P<ratio>[a-z0-9 ]+)), got (?P<got>[0-9]+)"
)
ROW_MARKS = MISSING + UNRANKED + OPTIMISED  # those that stand behind the name of a row

Cell = tuple[str, int]  # scene, seed
Timing = Literal["here", "elsewhere", "mixed", "doubtful"]
"""Where the seconds were taken: where those of most rows were, elsewhere, or at several places; or that they may be wrong."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One configuration of a method; its results are sorted by scene and seed."""

    label: str
    tier: str
    results: tuple[Result, ...]
    cells: tuple[Cell, ...]  # that it should have, to be ranked
    values: Mapping[str, Value]
    places: tuple[TimingPlace, ...] = ()  # of its seconds
    timing: Timing = "here"
    highlighted: bool = False  # whether the user wants its name to stand out
    beyond: frozenset[str] = frozenset()  # scenes of the table for which the plan does not have it

    @property
    def expected(self) -> int:
        """The number of cells that it should have, to be ranked."""
        return len(self.cells)

    @property
    def planned(self) -> tuple[Cell, ...]:
        """Those of its cells that the plan has."""
        return tuple(cell for cell in self.cells if cell[0] not in self.beyond)

    @property
    def share(self) -> str:
        """On how many scenes of the table the plan has it, in words; empty where it is all of them."""
        scenes = {scene for scene, _ in self.cells}
        return f"{len(scenes - self.beyond)} of {len(scenes)} scenes, as the plan says" if self.beyond else ""

    @property
    def scored(self) -> int:
        """The number of cells with scores."""
        return sum(result.outcome == "scored" for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether every cell was scored."""
        return self.scored == self.expected

    @property
    def unranked(self) -> str:
        """The reason why the card forbids a rank; empty where it does not."""
        return str(self.results[0].card.get("unranked") or "")

    @property
    def ranked(self) -> bool:
        """Whether the row is compared with the other rows of its tier."""
        return self.complete and not self.unranked

    @property
    def seedless(self) -> bool:
        """Whether another seed would change nothing, so that there is one of them for each scene."""
        return all(map(is_seedless, self.results))

    @property
    def implementation(self) -> str:
        """Whose steps the seconds, the memory and the operations belong to; empty for those of the publication, and where nobody says."""
        word = str(self.results[0].card.get("implementation") or "")
        return "" if word == "as described" else word

    @property
    def gaps(self) -> str:
        """The marks of what keeps the row from a rank."""
        return (MISSING if not self.complete else "") + (UNRANKED if self.unranked else "")

    @property
    def marks(self) -> str:
        """The marks of the notes on the whole row."""
        return self.gaps + (OPTIMISED if self.implementation else "")

    def mark_of(self, column: Column) -> str:
        """The mark of the note on its value in this column; empty without one."""
        if column.key in SECONDS:
            return TIMED if self.timing != "here" and self.values[column.key].mean != 0 else ""
        return UNDEFINED if self.partly_defined(column) else ""

    def partly_defined(self, column: Column) -> bool:
        """Whether a metric is undefined in a scored cell, so that its mean is over fewer cells."""
        return column.higher_is_better is not None and self.values[column.key].cells < self.scored

    @property
    def outcomes(self) -> str:
        """The outcomes of the cells without scores, such as "failed, timeout"; "not run" where a cell has no record."""
        outcomes = {result.outcome for result in self.results if result.outcome != "scored"}
        return ", ".join([*sorted(outcomes), *(["not run"] if len(self.results) < len(self.planned) else [])])


def is_seedless(result: Result) -> bool:
    """Whether another seed would give this record again: its card says so, and no image has noise. Earlier versions did not ask."""
    return result.card.get("random", True) is False and not is_noisy(result.protocol)


def expected_cells(results: Sequence[Result], cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells that a row with these results should have, of those that any row of its protocol has."""
    if not all(map(is_seedless, results)):
        return tuple(cells)
    own = {(result.scene, result.seed) for result in results}
    there = {scene for scene, _ in own}
    first = {scene: seed for scene, seed in reversed(cells) if scene not in there}
    return tuple(sorted(own | set(first.items())))


def missing_cells(row: Row) -> list[tuple[Cell, str, str]]:
    """Each cell of the row that the plan has and that is without scores, as (scene, seed), outcome and reason."""
    there = {(result.scene, result.seed): result for result in row.results}
    absent = [(cell, "not run", "there is no record of it") for cell in row.planned if cell not in there]
    return sorted([*absent, *((cell, r.outcome, plain_reason(r.reason)) for cell, r in there.items() if r.outcome != "scored")])


def plain_reason(reason: str) -> str:
    """The reason of a record in words: of a refusal by the limits of a card what the method needs, and what there is.

    "RefusedError: Net takes 31 bands, got 101" becomes "needs 31 bands, the scene has 101"; any other reason stays as it is.
    """
    text = reason.removeprefix(_REFUSED)
    limit = _LIMIT.fullmatch(text)
    if limit is None:
        return text
    bands, channels, ratio = limit["bands"], limit["channels"], limit["ratio"]
    what = f"{bands} bands, the scene" if bands else f"{channels} channels, the sharp image" if channels else f"ratio {ratio}, the protocol"
    return f"needs {what} has {limit['got']}"

"""Tables for an appendix: one metric of one protocol, a row for each scene and a column for each method, tier beside tier.

A number is the mean over the seeds of that scene. On each scene the best number of a tier is bold and the second underlined, among the
ranked methods of which there is a number, by the printed digits; over all tiers where the user asks for that. The last row has the means of
the protocol's table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from reports.content.captions import Caption, places_sentence
from reports.content.columns import INFINITE, Column, Place, values_by_scene
from reports.content.protocol_facts import protocol_sentence
from reports.content.row import Row
from reports.content.summary import Summary
from reports.style import DASH

MEAN = "Mean"


@dataclass(frozen=True)
class SceneNumber:
    """What one method reached on one scene; a dash where it has no score there."""

    text: str = DASH
    value: float | None = None
    place: Place = ""


@dataclass(frozen=True)
class ScenesTable:
    """One metric of one protocol; `numbers` has a row for each scene, and in it a number for each method, in the order of the summary."""

    summary: Summary
    column: Column
    rows: tuple[Row, ...]
    scenes: tuple[str, ...]
    numbers: tuple[tuple[SceneNumber, ...], ...]
    means: tuple[SceneNumber, ...]

    @property
    def name(self) -> str:
        """The protocol and the metric, for file names and labels."""
        return f"{self.summary.name} {self.column.key}"

    @property
    def caption(self) -> Caption:
        """The metric, the protocol, and how to read the marks."""
        unit = f" in {self.column.unit}" if self.column.unit else ""
        seeds = f" Means over {len(self.summary.seeds)} seeds." if len(self.summary.seeds) > 1 else ""
        text = f", {self.column.label}{unit} on each scene: {protocol_sentence(self.summary.protocol)}.{seeds} "
        return [(self.summary.name, text + places_sentence(self.summary).replace("Best", "On each scene the best", 1))]

    def part(self, first: int, last: int) -> ScenesTable:
        """The table with the methods from `first` to before `last` alone."""
        cut = slice(first, last)
        return ScenesTable(self.summary, self.column, self.rows[cut], self.scenes, tuple(row[cut] for row in self.numbers), self.means[cut])


def scenes_tables(summaries: Sequence[Summary], metrics: Sequence[str]) -> list[ScenesTable]:
    """A table for each protocol and each of the metrics; of the first score of the protocol where none is named."""
    return [
        _scenes_table(summary, column)
        for summary in summaries
        for column in ([each for each in summary.scores if each.key in metrics] if metrics else summary.scores[:1])
    ]


def _scenes_table(summary: Summary, column: Column) -> ScenesTable:
    by_row = [{scene: column.pool(seeds) for scene, seeds in values_by_scene(column, row.results).items()} for row in summary.rows]
    numbers = [_placed(summary, column, [values.get(scene) for values in by_row]) for scene in summary.scenes]
    means = tuple(
        SceneNumber(row.values[column.key].text, row.values[column.key].mean, row.values[column.key].place) for row in summary.rows
    )
    return ScenesTable(summary, column, summary.rows, summary.scenes, tuple(numbers), means)


def _placed(summary: Summary, column: Column, values: Sequence[float | None]) -> tuple[SceneNumber, ...]:
    """The numbers of one scene with their places."""
    texts = [DASH if value is None else column.text(value) for value in values]
    groups: dict[str, list[int]] = {}
    for at, row in enumerate(summary.rows):
        if row.ranked and values[at] is not None:
            groups.setdefault("" if summary.best_of == "all" else row.tier, []).append(at)
    places: dict[int, Place] = {}
    for inside in groups.values():
        printed = {at: inf if texts[at].startswith(INFINITE) else float(texts[at]) for at in inside}
        ordered = sorted(set(printed.values()), reverse=column.higher_is_better is not False)
        names: dict[float, Place] = dict(zip(ordered, ("best", "second"), strict=False)) if len(inside) > 1 else {}
        places |= {at: names.get(value, "") for at, value in printed.items()}
    return tuple(SceneNumber(text, value, places.get(at, "")) for at, (text, value) in enumerate(zip(texts, values, strict=True)))

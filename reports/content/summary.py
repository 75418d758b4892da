"""The summary of a protocol: its methods in their tiers, with means, spreads, places and notes.

A row is one configuration: a method with its parameters. `reports.content.columns` says what stands in it, `reports.content.row` when it
is ranked, `reports.content.notes` what is said of it. Best and second are chosen inside a tier (over all tiers, where the user asks for
that), among at least two ranked rows, and by the printed digits, so that a tie is shown as a tie. An infinite mean ranks before every
number (after every number where lower is better).

Seconds are averaged, and rows compared by them, only where they were taken at one place (`reports.content.provenance`). The *home* of a
summary is the place of most of its rows; the seconds of another row are marked, and a row of several places has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, TypeVar

from benchmark.run_folder.record import Result
from reports.content.columns import SECONDS, Column, Place, Precision, Unit, Value, cost_columns, metric_column, pooled_value
from reports.content.headline import headline, left_out_sentence
from reports.content.limits import agreement_sentence, limit_sentences
from reports.content.notes import PRINTED, About, Note, SharedNote, row_notes, share_notes
from reports.content.protocol_facts import protocol_numbers
from reports.content.provenance import Provenance, TimingPlace, distinct_places, timing_places
from reports.content.reference_rows import is_reference
from reports.content.row import Row, expected_cells
from reports.content.row_cells import scenes_beyond
from reports.style import identity, tier_order

Item = TypeVar("Item")
Key = TypeVar("Key")
BestOf = Literal["tier", "all"]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The rows of one protocol, tier after tier, with their notes."""

    name: str  # of the protocol; numbered where protocols share a name
    protocol: Mapping[str, Any]
    columns: tuple[Column, ...]
    tiers: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: tuple[Note, ...]
    scenes: tuple[str, ...]
    seeds: tuple[int, ...]
    home: TimingPlace | None = None  # where the seconds that are not marked were taken; None without any
    best_of: BestOf = "tier"  # best and second are chosen inside a tier, or among all rows
    convention: str = ""  # one sentence on how the metrics are computed; empty for the textbook convention
    provenance: Provenance = field(default_factory=Provenance)  # of the records, for further summaries of them
    remarks: tuple[str, ...] = ()  # whole sentences on the table: what its scores cannot tell, which ones are not defined
    chosen: bool = False  # whether the columns are exactly those that the user asked for
    shows_cells: bool = True  # whether typeset tables have the column with the number of scored cells
    shows_range: bool = False  # whether spreads are from the least to the largest value, and not standard deviations

    @property
    def scores(self) -> tuple[Column, ...]:
        """The columns by which rows are compared."""
        return tuple(column for column in self.columns if column.higher_is_better is not None)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row, tier after tier."""
        return tuple(row for _, rows in self.tiers for row in rows)

    def shared_notes(self, about: Sequence[About] = PRINTED) -> list[SharedNote]:
        """Each note once, with the rows that have it."""
        return share_notes(self.notes, about, len(self.rows))

    @property
    def over(self) -> Unit:
        """What means and spreads are over: scenes, or the seeds of a single scene."""
        return _unit(self.scenes)


def summarise(
    results: Sequence[Result],
    metrics: Sequence[str] = (),
    *,
    columns: Sequence[Column] = (),
    precision: Precision = None,
    best_of: BestOf = "tier",
    convention: str = "",
    provenance: Provenance | None = None,
) -> list[Summary]:
    """One summary per protocol, sorted by name; protocols with one name but different numbers are separate, and numbered.

    Without `metrics` each protocol has its headline metrics, with `precision` digits. `columns` replaces the columns of `metrics`;
    `convention` then says in one sentence how these scores are computed. The sentence on the source of a protocol is none of its numbers.
    """
    groups = _grouped(results, lambda result: (str(result.protocol.get("name", "unnamed")), identity(protocol_numbers(result.protocol))))
    titles = _titles([name for name, _ in sorted(groups)])
    return [
        summarise_protocol(
            groups[key],
            title,
            metrics,
            columns=columns,
            precision=precision,
            best_of=best_of,
            convention=convention,
            provenance=provenance,
        )
        for key, title in zip(sorted(groups), titles, strict=True)
    ]


def summarise_protocol(
    results: Sequence[Result],
    name: str,
    metrics: Sequence[str] = (),
    *,
    columns: Sequence[Column] = (),
    precision: Precision = None,
    best_of: BestOf = "tier",
    convention: str = "",
    provenance: Provenance | None = None,
) -> Summary:
    """The summary of results that share one protocol. The cells of the protocol are the scenes and seeds that any row has.

    Raises:
        LookupError: a metric without facts.
    """
    provenance = provenance or Provenance()
    scores = columns or [metric_column(metric, precision) for metric in metrics or headline(results)]
    absent = "" if columns or metrics else left_out_sentence(results)
    columns = (*scores, *cost_columns(results))
    cells = sorted({(result.scene, result.seed) for result in results})
    scenes = tuple(dict.fromkeys(scene for scene, _ in cells))
    rows = [
        Row(
            label=label,
            tier=inside[0].tier,
            results=tuple(inside),
            cells=expected_cells(inside, cells),
            values={column.key: pooled_value(column, inside, _unit(scenes)) for column in columns},
            places=tuple(timing_places(inside, provenance)),
            beyond=scenes_beyond(provenance.planned, inside, scenes),
        )
        for label, inside in _configurations(results)
    ]
    home = _home(rows)
    rows = [_timed(row, home) for row in rows]
    groups = [rows] if best_of == "all" else [[row for row in rows if row.tier == tier] for tier in {row.tier for row in rows}]
    placed = [row for group in groups for row in _with_places(group, columns)]
    tiers = [
        (tier, sorted((row for row in placed if row.tier == tier), key=lambda row: _order(row, columns[0])))
        for tier in sorted({row.tier for row in rows}, key=tier_order)
    ]
    return Summary(
        name=name,
        protocol=results[0].protocol,
        columns=columns,
        tiers=tuple((tier, tuple(inside)) for tier, inside in tiers),
        notes=tuple(note for _, inside in tiers for row in inside for note in row_notes(row, columns, home)),
        scenes=scenes,
        seeds=tuple(sorted({seed for _, seed in cells})),
        home=home,
        best_of=best_of,
        convention=convention,
        provenance=provenance,
        remarks=tuple(filter(None, [*_limits(results, scores), absent])),
    )


def timed_elsewhere(summary: Summary) -> list[str]:
    """The labels of ranked rows that figures of time leave out: the lead score is a number, the seconds cannot be compared."""
    lead = summary.scores[0].key
    rows = [row for row in summary.rows if row.ranked and row.timing != "here" and not row.values[lead].infinite]
    return [row.label for row in rows if row.values[lead].mean is not None]


def configuration(result: Result) -> str:
    """A text that is the same for results of one row: the method, its label, its tier and its parameters, files by their content."""
    return identity([result.method, result.label, result.tier, _parameters(result)])


def _limits(results: Sequence[Result], scores: Sequence[Column]) -> list[str]:
    """What the scores of a pair cannot tell, and how well the pair agrees with what is known of its sensors."""
    agreements = dict.fromkeys(agreement_sentence(result.observed) for result in results)
    return [*limit_sentences(results[0].protocol, [column.key for column in scores]), *agreements]


def _unit(scenes: Sequence[str]) -> Unit:
    """What a mean is over, of a table with these scenes."""
    return "scenes" if len(scenes) > 1 else "seeds"


def _home(rows: Sequence[Row]) -> TimingPlace | None:
    """The place at which the seconds of most rows of the run were taken, the first of several; a row of several places counts for none.

    Rows of a bundle count where the run itself has none.
    """
    rows = [row for row in rows if not any(map(is_reference, row.results))] or rows
    places = distinct_places(place for row in rows if len(row.places) == 1 for place in row.places)
    return max(places, key=lambda place: sum(len(row.places) == 1 and place.alike(row.places[0]) for row in rows), default=None)


def _timed(row: Row, home: TimingPlace | None) -> Row:
    """The row with the facts on its seconds; without seconds where they were taken at several places."""
    if len(row.places) > 1:
        none = {key: Value() for key in SECONDS if row.values[key].mean}  # what never learns has no learning to compare
        return replace(row, timing="mixed", values={**row.values, **none})
    if any(result.outcome == "scored" and result.doubtful for result in row.results):
        return replace(row, timing="doubtful")
    return row if home is None or not row.places or home.alike(row.places[0]) else replace(row, timing="elsewhere")


def _titles(names: Sequence[str]) -> list[str]:
    """The names, numbered as in "a (1)" where several are equal; no two titles are equal."""
    titles: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(1))
        free = (title for title in numbered if title not in titles and title not in names)
        titles.append(next(free) if names.count(name) > 1 else name)
    return titles


def _configurations(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Each row's label and results; where rows of a tier share a label, it names the parameters that differ."""
    groups = [sorted(inside, key=lambda r: (r.scene, r.seed)) for inside in _grouped(results, configuration).values()]
    labelled = []
    for inside in groups:
        first = inside[0]
        own = _parameters(first)
        alike = [_parameters(other[0]) for other in groups if (other[0].label, other[0].tier) == (first.label, first.tier)]
        differing = [key for key, value in own.items() if any(identity(p.get(key)) != identity(value) for p in alike)]
        labelled.append((f"{first.label} ({', '.join(f'{key}={own[key]}' for key in differing)})" if differing else first.label, inside))
    return labelled


def _parameters(result: Result) -> dict[str, Any]:
    """The parameters of a result; a file by its name and the first digits of its digest, as two files may have one name."""
    files = {name: f"{result.parameters.get(name)} {digest[:6]}" for name, digest in result.files.items()}
    return {**result.parameters, **files}


def _order(row: Row, first: Column) -> tuple[bool, bool, bool, float]:
    """The key that sorts rows: ranked, then incomplete, then unranked ones, each group by the first column, best first."""
    mean = row.values[first.key].mean
    return (bool(row.unranked), not row.complete, mean is None, (mean or 0.0) * (-1 if first.higher_is_better else 1))


def _with_places(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Row, ...]:
    """The rows with their best and second values marked."""
    values = {id(row): dict(row.values) for row in rows}
    for column in columns:
        taking_part = [row for row in rows if row.ranked and not row.partly_defined(column) and row.values[column.key].n]
        if column.higher_is_better is None or len(taking_part) < 2:
            continue
        printed = sorted({row.values[column.key].printed for row in taking_part}, reverse=column.higher_is_better)
        places: dict[float, Place] = dict(zip(printed, ("best", "second"), strict=False))
        for row in taking_part:
            value = row.values[column.key]
            values[id(row)][column.key] = replace(value, place=places.get(value.printed, ""))
    return tuple(replace(row, values=values[id(row)]) for row in rows)


def _grouped(items: Sequence[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items grouped by their key; groups and items stay in their order."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups

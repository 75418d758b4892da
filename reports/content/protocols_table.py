"""One table over all protocols: one row per method, one group of columns per protocol.

Means, places and tiers are those of the protocols' summaries: nothing is averaged over protocols. A cell without scores names its outcome,
a mean over fewer cells than the protocol has is marked, and a note gives the reason for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.content.captions import Caption, CaptionLength, conventions_sentence, means_sentence, origin_sentence, places_sentence
from reports.content.columns import Column
from reports.content.notes import mark_order
from reports.content.pair_facts import AS_TAKEN
from reports.content.protocol_facts import protocol_statements
from reports.content.row import MISSING, OPTIMISED, Row
from reports.content.row_cells import is_planned
from reports.content.summary import Summary, configuration

_MOST_METRICS = 3  # the number of columns per protocol, where the user has not chosen them


@dataclass(frozen=True)
class ProtocolsRow:
    """One configuration: its row in each protocol, None where the protocol has none."""

    label: str
    tier: str
    by_protocol: tuple[Row | None, ...]

    @property
    def marks(self) -> str:
        """The marks of what its rows have in every protocol."""
        return OPTIMISED if any(row is not None and row.implementation for row in self.by_protocol) else ""

    @property
    def highlighted(self) -> bool:
        """Whether the user wants its name to stand out."""
        return any(row is not None and row.highlighted for row in self.by_protocol)

    @property
    def paper(self) -> str:
        """The paper, as the method's card names it."""
        return next((str(row.results[0].card.get("paper") or "") for row in self.by_protocol if row is not None), "")


@dataclass(frozen=True)
class ProtocolsTable:
    """The protocols, the columns of each, and the rows, tier after tier."""

    summaries: tuple[Summary, ...]
    columns: tuple[Column, ...]
    rows: tuple[ProtocolsRow, ...]
    stem: str = "protocols"  # begins the names of its files, and is its label
    title: str = "All protocols"


def tabulate_alike(summaries: Sequence[Summary]) -> list[ProtocolsTable]:
    """A table for each group of two protocols or more that have the same scores; the first group has the plain name."""
    groups: dict[tuple[str, ...], list[Summary]] = {}
    for summary in sorted(summaries, key=lambda each: each.protocol.get("pair") == AS_TAKEN):  # those with a truth first
        groups.setdefault(tuple(column.key for column in summary.scores[:_MOST_METRICS]), []).append(summary)
    tables = [table for inside in groups.values() if (table := tabulate_protocols(inside)) is not None]
    if len(groups) == 1:
        return tables
    named = [replace(table, title=f"All protocols with {table.columns[0].label}") for table in tables]
    leads = [table.columns[0].key for table in named]
    stems = [f"protocols_{lead}" + (f"_{leads[:at].count(lead) + 1}" if lead in leads[:at] else "") for at, lead in enumerate(leads)]
    return [replace(table, stem=stem if at else "protocols") for at, (table, stem) in enumerate(zip(named, stems, strict=True))]


def tabulate_protocols(summaries: Sequence[Summary]) -> ProtocolsTable | None:
    """The table over these protocols, which have the same scores; None where there is only one."""
    if len(summaries) < 2:
        return None
    by_configuration: dict[str, dict[int, Row]] = {}
    for place, summary in enumerate(summaries):
        for row in summary.rows:
            by_configuration.setdefault(configuration(row.results[0]), {})[place] = row
    tiers = list(dict.fromkeys(tier for summary in summaries for tier, _ in summary.tiers))
    rows = []
    for inside in by_configuration.values():
        first = next(iter(inside.values()))
        rows.append(ProtocolsRow(first.label, first.tier, tuple(inside.get(place) for place in range(len(summaries)))))
    rows.sort(key=lambda row: tiers.index(row.tier))
    lead = summaries[0]
    return ProtocolsTable(tuple(summaries), lead.columns if lead.chosen else lead.scores[:_MOST_METRICS], tuple(rows))


def protocols_caption(table: ProtocolsTable, length: CaptionLength = "full") -> Caption:
    """What all protocols share, what only one of them has, and how to read the numbers and the marks."""
    if length == "none":
        return []
    means = [means_sentence(summary) for summary in table.summaries]
    statements = {
        summary.name: [*protocol_statements(summary.protocol), mean[:1].lower() + mean[1:]]
        for summary, mean in zip(table.summaries, means, strict=True)
    }
    first, *others = statements.values()
    shared = [text for text in first if all(text in each for each in others)]
    rest = [(name, f": {'; '.join(text for text in texts if text not in shared) or 'nothing else'}.") for name, texts in statements.items()]
    definitions = conventions_sentence(table.summaries[0], table.columns) if length == "full" else ""
    reading = f"{places_sentence(table.summaries[0])} {definitions}".strip()
    origin = origin_sentence(table.summaries)
    remarks = dict.fromkeys(remark for summary in table.summaries for remark in summary.remarks)
    ending = " ".join(filter(None, [*remarks, reading, origin]))
    return [(table.title, f": {'; '.join(shared) or 'nothing in common'}."), *rest, ("", ending)]


def protocols_notes(table: ProtocolsTable) -> list[tuple[str, str]]:
    """The notes of all protocols as (mark, text); a text that several protocols have appears once."""
    protocols: dict[tuple[str, str], list[str]] = {}
    for summary in table.summaries:
        for note in summary.shared_notes(["scores"]):
            protocols.setdefault((note.mark, note.sentence), []).append(summary.name)
    notes = [
        (mark, f"{', '.join(names)}: {text}" if len(names) < len(table.summaries) else text) for (mark, text), names in protocols.items()
    ]
    for line in table.rows:
        own = next(row for row in line.by_protocol if row is not None).results[0].label
        absent: dict[str, list[str]] = {}
        for summary in (summary for summary, row in zip(table.summaries, line.by_protocol, strict=True) if row is None):
            protocol, planned = str(summary.protocol.get("name", "")), summary.provenance.planned
            meant = any(is_planned(planned, own, scene, protocol) for scene in summary.scenes)
            absent.setdefault("not run" if meant else "not meant, as the plan says,", []).append(summary.name)
        notes += [(MISSING, f"{line.label}: {what} under {', '.join(names)}") for what, names in absent.items()]
    return sorted(notes, key=lambda note: mark_order(note[0]))

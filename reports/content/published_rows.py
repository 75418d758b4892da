"""Published numbers as rows of a table, below all others, marked and never ranked (`--published`).

A row has the numbers of the ledger (`reports.content.ledger`) that were printed for the protocol of the table, by all of its numbers, and
for exactly its scenes. What was printed for other scenes, or under another protocol, cannot stand beside what was measured here, and is
left out; `tables/claims.*` has it. A number stands as it was printed, whatever the digits of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.run_folder.record import Result
from reports.content.columns import Value
from reports.content.ledger import SURE, Claim
from reports.content.notes import Note
from reports.content.protocol_facts import dotted_values
from reports.content.row import UNRANKED, Row
from reports.content.summary import Summary
from reports.style import DASH

TIER = "published, as printed: not ranked"


def with_published(summary: Summary, claims: Sequence[Claim]) -> Summary:
    """The summary with a row for each method and source of which the ledger has numbers for this protocol and these scenes."""
    numbers = dotted_values(summary.protocol)
    shown = {column.key for column in summary.columns}
    groups: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        alike = bool(claim.numbers) and all(numbers.get(name) == value for name, value in claim.numbers.items())
        if alike and claim.metric in shown and set(claim.scenes) == set(summary.scenes):
            groups.setdefault((claim.label, claim.source.id), []).append(claim)
    rows = tuple(_row(inside, summary) for inside in groups.values())
    if not rows:
        return summary
    notes = tuple(Note(UNRANKED, row.label, _source_words(inside[0])) for row, inside in zip(rows, groups.values(), strict=True))
    return replace(summary, tiers=(*summary.tiers, (TIER, rows)), notes=(*summary.notes, *notes))


def is_published(row: Row) -> bool:
    """Whether a row has printed numbers, and none of this run."""
    return row.tier == TIER


def _row(claims: Sequence[Claim], summary: Summary) -> Row:
    """The row of one method and source; every scene counts as scored, as the printed mean is over all of them."""
    first = claims[0]
    printed = {claim.metric: claim for claim in claims}
    own = next((row.results[0] for row in summary.rows if row.results[0].method == first.method), None)
    card = {"name": first.label, "unranked": "published", "paper": "" if own is None else own.card.get("paper") or ""}
    results = tuple(
        Result(
            key=f"published_{number}",
            outcome="scored",
            reason="",
            method=first.method,
            label=f"{first.label}, published",
            parameters={},
            card=card,
            tier=TIER,
            scene=scene,
            scene_digest="",
            observation_digest="",
            protocol=summary.protocol,
            seed=0,
        )
        for number, scene in enumerate(summary.scenes)
    )
    n = len(results)
    values = {
        column.key: Value(claim.value, None, n, n, claim.printed) if (claim := printed.get(column.key)) else Value(cells=n, text=DASH)
        for column in summary.columns
    }
    return Row(label=f"{first.label}, published", tier=TIER, results=results, cells=tuple((r.scene, 0) for r in results), values=values)


def _source_words(claim: Claim) -> str:
    """Where the numbers stand, how sure their reading is, and whose code scored them."""
    by = {"": "by code of no profile", "textbook": "by the textbook"}.get(claim.profile, f"as {claim.profile} does")
    return f"as printed in {claim.source.title} ({claim.source.address}), {claim.source.place}; {SURE[claim.source.sure]}; scored {by}"

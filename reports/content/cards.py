"""What the page says in words: the facts on each configuration, and the reasons of the cells without scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.content.summary import Row, Summary, missing_cells
from reports.style import count_text, value_text


@dataclass(frozen=True)
class LostCells:
    """Cells without scores that share method, protocol, outcome and reason."""

    row: Row
    protocol: str
    outcome: str
    cells: str
    reason: str


@dataclass(frozen=True)
class MethodCard:
    """The facts on one configuration."""

    row: Row
    family: str
    paper: str
    doi: str
    knows: str
    learns: str
    fidelity: str
    parameters: list[tuple[str, str]]
    size: str


def family_of(row: Row) -> str:
    """The family of methods to which a row belongs, by its folder in the catalog; older records do not have it."""
    return str(row.results[0].card.get("family") or "not recorded")


def fact_lines(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Any table as lines of (key, text): nested keys are joined by dots, tables in a list are counted from 1, bytes are given in GB."""
    lines: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            lines += fact_lines(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            lines += fact_lines({str(place): item for place, item in enumerate(value, 1)}, f"{name}.")
        elif name.endswith("_bytes") and isinstance(value, int):
            lines.append((name.removesuffix("_bytes"), f"{value / 1e9:.1f} GB"))
        else:
            lines.append((name, value_text(value)))
    return lines


def lost_cells(summary: Summary) -> list[LostCells]:
    """Every cell of this protocol without scores, grouped by method, outcome and reason."""
    cells = sorted({(r.scene, r.seed) for row in summary.rows for r in row.results})
    lost = []
    for row in summary.rows:
        groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for cell, outcome, reason in missing_cells(row.results, cells):
            groups.setdefault((outcome, reason), []).append(cell)
        for (outcome, reason), where in groups.items():
            text = ", ".join(f"{scene}, seed {seed}" if len(summary.seeds) > 1 else scene for scene, seed in where)
            counted = f"{len(where)} cells: {text}" if len(where) > 1 else text
            lost.append(LostCells(row, summary.name, outcome, counted, reason or "no reason was recorded"))
    return lost


def method_cards(summaries: Sequence[Summary]) -> list[MethodCard]:
    """One card per row; a row of several protocols has one card."""
    cards: dict[tuple[str, str], MethodCard] = {}
    for row in (row for summary in summaries for row in summary.rows):
        cards.setdefault((row.label, row.tier), _card(row))
    return list(cards.values())


def _card(row: Row) -> MethodCard:
    card = row.results[0].card
    needed = (("the PSF", card.get("needs_psf")), ("the SRF", card.get("needs_srf")), ("the noise level", card.get("needs_noise")))
    knows = [name for name, needs in needed if needs]
    learns = str(card.get("learns", "not stated"))
    source = {"truth": ", from truth", "self": ", from observations alone"}.get(str(card.get("supervision")), "")
    trained = f" ({card['trained_on']})" if card.get("trained_on") else ""
    sizes = [(r.parameters_total, r.parameters_inference) for r in row.results if r.parameters_total]
    doi = str(card.get("doi") or "")
    return MethodCard(
        row=row,
        family=family_of(row),
        paper=f"{card.get('paper') or 'no paper named'}{f', {year}' if (year := card.get('year')) else ''}",
        doi=doi if re.fullmatch(r"10\.\d{4,9}/\S+", doi) else "",
        knows=" and ".join(knows) or "neither response",
        learns=f"{learns}{trained}{source if learns != 'never' else ''}",
        fidelity=str(card.get("fidelity") or "not stated"),
        parameters=fact_lines(row.results[0].parameters),
        size=f"{count_text(float(sizes[0][0] or 0))} learned, {count_text(float(sizes[0][1] or 0))} used in fusion"
        if sizes
        else "none learned",
    )

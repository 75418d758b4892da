"""What the page says in words: the facts on each configuration, and the reasons of the cells without scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.run_folder.record import COUNTED_BEFORE, Result
from reports.content.row import Row, missing_cells
from reports.content.summary import Summary
from reports.style import count_text, listed_text, significant_text, value_text

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_FAMILIES = {  # folders of the catalog whose names are not words
    "bayesian": "Bayesian",
    "gaussian": "Gaussian process",
    "lowrank": "low-rank",
    "sparse": "sparse coding",
    "supervised": "supervised network",
    "unmixing": "spectral unmixing",
    "unsupervised": "unsupervised network",
}
_RANDOM = {"True": "yes: the result depends on the seed", "False": "no: every seed gives the same result"}


@dataclass(frozen=True)
class LostCells:
    """Cells without scores that share method, protocol, outcome and reason."""

    row: Row
    protocol: str
    outcome: str
    cells: str
    reason: str


@dataclass(frozen=True)
class UncoveredKeys:
    """Something that the keys of a method's cells do not cover."""

    row: Row
    protocols: tuple[str, ...]
    cells: str
    what: str


@dataclass(frozen=True)
class MethodCard:
    """The facts on one configuration."""

    row: Row
    family: str
    paper: str
    doi: str
    facts: list[tuple[str, str]]  # labels and texts
    parameters: list[tuple[str, str]]


def family_of(row: Row) -> str:
    """The family of methods to which a row belongs, by its folder in the catalog; older records do not have it."""
    return str(row.results[0].card.get("family") or "not recorded")


def family_words(family: str) -> str:
    """A family of methods in the words of a reader; one that is not of the suite, as it is."""
    return _FAMILIES.get(family, family)


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
    lost = []
    for row in summary.rows:
        groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for cell, outcome, reason in missing_cells(row):
            groups.setdefault((outcome, reason), []).append(cell)
        for (outcome, reason), where in groups.items():
            text = ", ".join(f"{scene}, seed {seed}" if len(summary.seeds) > 1 else scene for scene, seed in where)
            counted = f"{len(where)} cells: {text}" if len(where) > 1 else text
            lost.append(LostCells(row, summary.name, outcome, counted, reason or "no reason was recorded"))
    return lost


def uncovered_keys(summaries: Sequence[Summary]) -> list[UncoveredKeys]:
    """Every method whose keys do not cover something that its result may depend on, with the protocols of those cells."""
    found: dict[tuple[str, str, str], list[tuple[Row, str, list[bool]]]] = {}
    for summary in summaries:
        for row in summary.rows:
            for phrase in dict.fromkeys(phrase for result in row.results for phrase in result.uncovered):
                which = [phrase in result.uncovered for result in row.results]
                found.setdefault((row.label, row.tier, phrase), []).append((row, summary.name, which))
    return [
        UncoveredKeys(
            row=inside[0][0],
            protocols=tuple(name for _, name, _ in inside),
            cells=f"{sum(sum(which) for _, _, which in inside)} of {sum(len(which) for _, _, which in inside)}",
            what=phrase,
        )
        for (_, _, phrase), inside in found.items()
    ]


def method_cards(summaries: Sequence[Summary], plan: Mapping[str, Any] | None = None) -> list[MethodCard]:
    """One card per row; a row of several protocols has one card. `plan`: what plan.json says, for the files among the parameters."""
    planned = (plan or {}).get("plan")
    methods = planned.get("methods") if isinstance(planned, Mapping) else None
    named = [method for method in methods if isinstance(method, Mapping) and "label" in method] if isinstance(methods, list) else []
    files = {str(method["label"]): method["files"] for method in named if isinstance(method.get("files"), Mapping)}
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in (row for summary in summaries for row in summary.rows):
        rows.setdefault((row.label, row.tier), []).append(row)
    return [_card(inside, files.get(inside[0].label, {})) for inside in rows.values()]


def _card(rows: Sequence[Row], files: Mapping[str, str]) -> MethodCard:
    """The card of a method from its rows under all protocols."""
    row, results = rows[0], [result for row in rows for result in row.results]
    card = row.results[0].card
    doi, paper, year = str(card.get("doi") or ""), str(card.get("paper") or "no paper named"), str(card.get("year") or "")
    facts = [
        ("Told", _told(card)),
        ("Learns", _learning(card)),
        ("Defaults tuned on", str(card.get("tuned_on") or "not stated")),
        ("Random", _RANDOM.get(str(card.get("random")), "not stated")),
        ("Steps", str(card.get("implementation") or "not stated")),
        ("Parameters", _sizes(results)),
        ("Operations", _operation_counts(results)),
        ("Files", ", ".join(f"{name} (sha256 {str(digest)[:12]})" for name, digest in files.items())),
        ("Checked", str(card.get("fidelity") or "not stated")),
        ("Not ranked", row.unranked),
    ]
    return MethodCard(
        row=row,
        family=family_of(row),
        paper=paper if not year or year in paper else f"{paper}, {year}",
        doi=doi if re.fullmatch(r"10\.\d{4,9}/\S+", doi) else "",
        facts=[(label, text) for label, text in facts if text],
        parameters=fact_lines(row.results[0].parameters),
    )


def _told(card: Mapping[str, Any]) -> str:
    """What the method is told besides the two images."""
    needed = (("the PSF", card.get("needs_psf")), ("the SRF", card.get("needs_srf")), ("the noise level", card.get("needs_noise")))
    return listed_text([name for name, needs in needed if needs]) or "nothing"


def _learning(card: Mapping[str, Any]) -> str:
    """When the method learns, on which scenes, and from what."""
    learns = str(card.get("learns", "not stated"))
    source = {"truth": ", from truth", "self": ", from observations alone"}.get(str(card.get("supervision")), "")
    trained = f" ({card['trained_on']})" if card.get("trained_on") else ""
    return f"{learns}{trained}{source if learns != 'never' else ''}"


def _sizes(results: Sequence[Result]) -> str:
    """The number of learned parameters."""
    sizes = [(r.parameters_total, r.parameters_inference) for r in results if r.parameters_total]
    if not sizes:
        return "none learned"
    return f"{count_text(float(sizes[0][0] or 0))} learned, {count_text(float(sizes[0][1] or 0))} used in fusion"


def _operation_counts(results: Sequence[Result]) -> str:
    """The operations of a fusion, or why they were not counted; empty where nobody says."""
    counts = [result.flops for result in results if result.flops is not None]
    partly = any(result.flops_uncounted for result in results if result.flops is not None)
    why = dict.fromkeys(result.flops_reason for result in results if result.flops is None)
    reasons = [reason for reason in why if reason and not (counts and reason == COUNTED_BEFORE)]
    parts = [f"{'at least ' if partly else ''}{_range_text(counts)} of one fusion"] if counts else []
    return "; ".join([*parts, *(f"not counted{' in some cells' if counts else ''}: {reason}" for reason in reasons)])


def _range_text(counts: Sequence[int]) -> str:
    """Numbers of operations as one text, in units of 10^6, 10^9 or 10^12."""
    power = max(6, min(12, 3 * ((len(str(min(counts))) - 1) // 3)))
    unit = f"\N{MULTIPLICATION SIGN}10{str(power).translate(_RAISED)}"
    low, high = (significant_text(count / 10**power, 3) for count in (min(counts), max(counts)))
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"

"""The page: one HTML file with its styles, its script, its figures and pictures inside; it fetches nothing and works without the script.

Everything that comes from records is escaped by jinja2; the page's Content-Security-Policy allows no request, and no script but its own,
by its hash.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.metrics.facts import HEADLINE, METRICS, NO_REFERENCE, RESPONSES
from benchmark.result import OUTCOMES, Result
from reports.figures import Look, inline_svg, look_of, psnr_seconds
from reports.gallery import Gallery, Picture, gallery
from reports.images import LIMIT_PERCENTILE, LONGEST
from reports.profiles import ProfileTable
from reports.style import count, plain, protocol_facts, slug
from reports.summary import UNDEFINED, Row, Summary, missing_cells, summarise_protocol
from reports.tables import spread_sentence

_HOME = Path(__file__).parent


@dataclass(frozen=True)
class SceneSection:
    """One scene under one protocol: its own table and its pictures."""

    id: str
    name: str
    summary: Summary
    gallery: Gallery


@dataclass(frozen=True)
class ProtocolSection:
    """One protocol: all its numbers, the summary, the figure and the scenes."""

    id: str
    summary: Summary
    facts: list[tuple[str, str]]
    over: str  # what the numbers are means of
    spread: bool  # whether some have a standard deviation
    figure: Markup
    scenes: list[SceneSection]
    further: list[tuple[str, Summary]]  # tables of the scores that need no truth, and of estimated responses


@dataclass(frozen=True)
class Lost:
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
    paper: str
    doi: str
    knows: str
    learns: str
    fidelity: str
    parameters: list[tuple[str, str]]
    size: str


def render_page(
    folder: Path,
    results: Sequence[Result],
    summaries: Sequence[Summary],
    *,
    plan: Mapping[str, Any] | None,
    environment: Mapping[str, Any] | None,
    files: Sequence[str] = (),
    profiles: Sequence[ProfileTable] = (),
) -> str:
    """The page of a run. `plan` and `environment` are shown as they are, or said to be missing; `files` lie beside the page."""
    look = look_of(summaries)
    script = (_HOME / "page.js").read_text(encoding="utf-8")
    templates = Environment(
        loader=FileSystemLoader(_HOME), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"data_uri": _data_uri, "plain": plain, "count": count, "slug": slug}
    found = Counter(result.outcome for result in results)
    used = {name for result in results for name in result.metrics}
    return templates.get_template("page.html.j2").render(
        title=folder.resolve().name,
        style=Markup((_HOME / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        look=look,
        used_tiers={row.tier for summary in summaries for row in summary.rows},
        sections=[_protocol_section(folder, summary, look, place) for place, summary in enumerate(summaries)],
        protocol_labels=list(dict.fromkeys(label for summary in summaries for label, _ in protocol_facts(summary.protocol))),
        outcomes=[(outcome, found[outcome]) for outcome in OUTCOMES if found[outcome]],
        cells=len(results),
        methods=len({(row.label, row.tier) for summary in summaries for row in summary.rows}),
        scenes=sorted({result.scene for result in results}),
        seeds=sorted({result.seed for result in results}),
        ended=max(result.ended for result in results)[:10],
        lost=[lost for summary in summaries for lost in _lost(summary)],
        cards=_cards(summaries),
        metrics=[fact for fact in METRICS if fact.name in used or fact.name in HEADLINE],
        command=None if plan is None else plan.get("command"),
        plan=None if plan is None else flatten({key: value for key, value in plan.items() if key != "command"}),
        environment=None if environment is None else flatten(environment),
        files=files,
        profiles=profiles,
        preview=LONGEST,
        percentile=LIMIT_PERCENTILE,
    )


def flatten(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A free-form table as (key, text) lines: nested keys joined by dots, tables in a list counted from 1, bytes in GB."""
    lines: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            lines += flatten(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            lines += flatten({str(place): item for place, item in enumerate(value, 1)}, f"{name}.")
        elif name.endswith("_bytes") and isinstance(value, int):
            lines.append((name.removesuffix("_bytes"), f"{value / 1e9:.1f} GB"))
        else:
            lines.append((name, plain(value)))
    return lines


def _protocol_section(folder: Path, summary: Summary, look: Look, place: int) -> ProtocolSection:
    name = f"protocol-{place + 1}"
    scenes = []
    for number, scene in enumerate(summary.scenes, 1):
        own = summarise_protocol([r for row in summary.rows for r in row.results if r.scene == scene], summary.name)
        scenes.append(SceneSection(f"{name}-scene-{number}", scene, own, gallery(folder, summary, scene)))
    figure = Markup(inline_svg(psnr_seconds([summary], look, titles=False), name))
    spread = any(value.spread_text for row in summary.rows for value in row.values.values())
    return ProtocolSection(
        name, summary, protocol_facts(summary.protocol), spread_sentence(summary), spread, figure, scenes, _further(summary)
    )


def _further(summary: Summary) -> list[tuple[str, Summary]]:
    """The scores without a truth, where any is defined, and those of estimated responses, for the methods that estimate any."""
    tables = []
    for title, facts in (("Scores that need no truth", NO_REFERENCE), ("Estimated responses against the true ones", RESPONSES)):
        names = [fact.name for fact in facts]
        rows = [[r for r in row.results if r.outcome == "scored"] for row in summary.rows]
        held = [r for results in rows for r in results if any(s.metrics.get(name) is not None for s in results for name in names)]
        used = [name for name in names if any(r.metrics.get(name) is not None for r in held)]
        if used:
            table = summarise_protocol(held, summary.name, used)
            notes = tuple(note for note in table.notes if note.mark == UNDEFINED)
            tables.append((title, replace(table, columns=table.columns[: len(used)], notes=notes)))
    return tables


def _lost(summary: Summary) -> list[Lost]:
    """Every cell of this protocol without scores, those of one reason together."""
    cells = sorted({(r.scene, r.seed) for row in summary.rows for r in row.results})
    lost = []
    for row in summary.rows:
        groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for cell, outcome, reason in missing_cells(row.results, cells):
            groups.setdefault((outcome, reason), []).append(cell)
        for (outcome, reason), where in groups.items():
            text = ", ".join(f"{scene}, seed {seed}" if len(summary.seeds) > 1 else scene for scene, seed in where)
            lost.append(
                Lost(
                    row,
                    summary.name,
                    outcome,
                    f"{len(where)} cells: {text}" if len(where) > 1 else text,
                    reason or "no reason was recorded",
                )
            )
    return lost


def _cards(summaries: Sequence[Summary]) -> list[MethodCard]:
    """A card for each row, once for all protocols."""
    seen: dict[tuple[str, str], MethodCard] = {}
    for row in (row for summary in summaries for row in summary.rows):
        card = row.results[0].card
        knows = [name for name, needed in (("the PSF", card.get("needs_psf")), ("the SRF", card.get("needs_srf"))) if needed]
        learns = str(card.get("learns", "not stated"))
        source = {"truth": ", from truth", "self": ", from observations alone"}.get(str(card.get("supervision")), "")
        trained = f" ({card['trained_on']})" if card.get("trained_on") else ""
        sizes = [(r.parameters_total, r.parameters_inference) for r in row.results if r.parameters_total]
        size = f"{count(float(sizes[0][0] or 0))} learned, {count(float(sizes[0][1] or 0))} used in fusion" if sizes else "none learned"
        doi = str(card.get("doi") or "")
        seen.setdefault(
            (row.label, row.tier),
            MethodCard(
                row=row,
                paper=f"{card.get('paper') or 'no paper named'}{f', {year}' if (year := card.get('year')) else ''}",
                doi=doi if re.fullmatch(r"10\.\d{4,9}/\S+", doi) else "",
                knows=" and ".join(knows) or "neither response",
                learns=f"{learns}{trained}{source if learns != 'never' else ''}",
                fidelity=str(card.get("fidelity") or "not stated"),
                parameters=flatten(row.results[0].parameters),
                size=size,
            ),
        )
    return list(seen.values())


def _data_uri(picture: Picture) -> str:
    """The picture inside the page."""
    return f"data:image/png;base64,{b64encode(picture.png).decode()}"

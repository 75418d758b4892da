"""The page: one HTML file with its styles, its script, its charts and pictures inside; it fetches nothing and works without the script.

Everything that comes from records is escaped by jinja2; the page's Content-Security-Policy allows no request, and no script but its own,
by its hash. Beside the page lies `spectra/`, the spectra that it shows in 8 bits in 32.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import sha256
from operator import add
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmark.metrics.metric_facts import HEADLINE, METRICS, NO_REFERENCE, RESPONSES, UNCERTAINTY
from benchmark.run_folder.json_file import read_json
from benchmark.run_folder.record import OUTCOMES, Result
from reports.cards import family_of, flatten, lost_cells, method_cards
from reports.chart import look
from reports.detail import Plan, plan_detail
from reports.failure import DARK, NO_BANDS, SATURATED, Failure
from reports.failure_charts import FailureChart, Series, failure_charts
from reports.figures import Look, inline_svg, look_of
from reports.gallery import Gallery, Picture, gallery
from reports.images import LIMIT_PERCENTILE
from reports.profiles import ProfileTable
from reports.scatter import scatter, size_key
from reports.sections import Section
from reports.style import DASH, count, plain, protocol_facts, slug, tier_order
from reports.summary import INFINITE, UNDEFINED, Row, Summary, summarise_protocol
from reports.tables import spread_sentence

_WEB = Path(__file__).parent / "web"
_STYLES = ("page.css", "scenes.css", "media.css")
_SCRIPTS = ("table.js", "filter.js", "scenes.js")
MOST_ROWS = 2000  # of the table of every score
FURTHER = (
    ("Scores that need no truth", NO_REFERENCE),
    ("Estimated responses against the true ones", RESPONSES),
    ("Stated standard deviations against the errors", UNCERTAINTY),
)
_LONG = 40  # characters of a text that needs room


@dataclass(frozen=True)
class SceneSection:
    """One scene under one protocol: its own table, its pictures and charts."""

    id: str
    name: str
    summary: Summary
    gallery: Gallery | None  # None where the page has no room for it
    charts: list[FailureChart]
    legend: list[tuple[Row, int]]  # of the charts: rows with the number of their lines


@dataclass(frozen=True)
class ProtocolSection:
    """One protocol: all its numbers, the summary, the charts and the scenes."""

    id: str
    summary: Summary
    facts: list[tuple[str, str]]
    over: str  # what the numbers are means of
    spread: bool  # whether some have a standard deviation
    bubbles: Markup
    charts: list[FailureChart]  # where methods fail, over all scenes
    legend: list[tuple[Row, int]]  # of the charts
    scenes: list[SceneSection]
    further: list[tuple[str, Summary]]  # tables of `FURTHER`


@dataclass(frozen=True)
class Extra:
    """A further section with its figures ready for the page."""

    section: Section
    figures: list[tuple[str, Markup]]


@dataclass(frozen=True)
class PageContent:
    """The page, and the bytes of the files that belong beside it, by their paths from it."""

    html: str
    beside: dict[str, bytes]


def render_page(
    folder: Path,
    results: Sequence[Result],
    summaries: Sequence[Summary],
    *,
    plan: Mapping[str, Any] | None,
    environment: Mapping[str, Any] | None,
    files: Sequence[str] = (),
    profiles: Sequence[ProfileTable] = (),
    extras: Sequence[Section] = (),
) -> PageContent:
    """The page of a run. `plan` and `environment` are shown as they are, or said to be missing; `files` lie beside the page."""
    tiers = look_of(summaries)
    series = {key: place for place, key in enumerate(dict.fromkeys((row.label, row.tier) for s in summaries for row in s.rows))}
    drawn = plan_detail(results)
    sections = [_protocol_section(folder, summary, tiers, series, drawn, place) for place, summary in enumerate(summaries)]
    beside = {
        f"spectra/{slug(section.summary.name)}_{slug(scene.name)}_{scene.id}.npz": scene.gallery.spectra.npz
        for section in sections
        for scene in section.scenes
        if scene.gallery is not None and scene.gallery.spectra is not None
    }
    script = "\n".join((_WEB / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    found = Counter(result.outcome for result in results)
    used = {name for result in results for name in result.metrics}
    rows = sum(len(scene.summary.rows) for section in sections for scene in section.scenes)
    html = (
        _templates()
        .get_template("page.html.j2")
        .render(
            title=folder.resolve().name,
            style=Markup("\n".join((_WEB / name).read_text(encoding="utf-8") for name in _STYLES)),
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            look=tiers,
            used_tiers=sorted({row.tier for summary in summaries for row in summary.rows}, key=tier_order),
            families=sorted({family_of(row) for summary in summaries for row in summary.rows}),
            column_choices=[(c.key, c.label) for c in {column.key: column for summary in summaries for column in summary.columns}.values()],
            columns=list({column.key: column for summary in summaries for column in summary.columns}.values()),
            sections=sections,
            rows=rows,
            every_score=rows <= MOST_ROWS,
            protocol_labels=list(dict.fromkeys(label for summary in summaries for label, _ in protocol_facts(summary.protocol))),
            outcomes=[(outcome, found[outcome]) for outcome in OUTCOMES if found[outcome]],
            cells=len(results),
            methods=len(series),
            scenes=sorted({result.scene for result in results}),
            seeds=sorted({result.seed for result in results}),
            ended=max(result.ended for result in results)[:10],
            lost=[lost for summary in summaries for lost in lost_cells(summary)],
            cards=method_cards(summaries),
            metrics=[fact for fact in METRICS if fact.name in used or fact.name in HEADLINE],
            command=None if plan is None else plan.get("command"),
            plan=None if plan is None else flatten({key: value for key, value in plan.items() if key != "command"}),
            environment=None if environment is None else flatten(environment),
            machines=_machines(folder),
            files=[*files, *beside],
            profiles=profiles,
            extras=[_extra(section) for section in extras],
            drawn=drawn,
            size_key=size_key(),
            percentile=LIMIT_PERCENTILE,
            dark=DARK,
            saturated=SATURATED,
        )
    )
    return PageContent(html, beside)


def _machines(folder: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """Every environment that cells ran in, by its digest, where there are several."""
    found = sorted((folder / "environments").glob("*.json"))
    return [(file.stem, flatten(read_json(file))) for file in found] if len(found) > 1 else []


def _templates() -> Environment:
    """The templates with the page's filters."""
    templates = Environment(loader=FileSystemLoader(_WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {
        "data_uri": _data_uri,
        "plain": plain,
        "count": count,
        "slug": slug,
        "line_look": look,
        "family": family_of,
        "column_kinds": _column_kinds,
    }
    templates.filters["pair"] = lambda text: (text, text)
    return templates


def _protocol_section(folder: Path, summary: Summary, tiers: Look, series: Series, drawn: Plan, place: int) -> ProtocolSection:
    name = f"protocol-{place + 1}"
    scenes = []
    for number, scene in enumerate(summary.scenes, 1):
        own = summarise_protocol([r for row in summary.rows for r in row.results if r.scene == scene], summary.name)
        pictures = gallery(folder, summary, scene, series, drawn.detail) if drawn.has_room(number) else None
        charts = failure_charts(pictures.failures, series, pictures.wavelengths_nm, f"on {scene}") if pictures else []
        legend = [(row, series[row.label, row.tier]) for row, _ in pictures.failures] if pictures else []
        scenes.append(SceneSection(f"{name}-scene-{number}", scene, own, pictures, charts, legend))
    pooled = _pooled(scenes)
    nm = scenes[0].gallery.wavelengths_nm if scenes[0].gallery else None
    spread = any(value.spread_text for row in summary.rows for value in row.values.values())
    return ProtocolSection(
        id=name,
        summary=summary,
        facts=protocol_facts(summary.protocol),
        over=spread_sentence(summary),
        spread=spread,
        bubbles=scatter(summary, tiers),
        charts=failure_charts(pooled, series, nm, "over all scenes"),
        legend=[(row, series[row.label, row.tier]) for row, _ in pooled],
        scenes=scenes,
        further=_further(summary),
    )


def _pooled(scenes: Sequence[SceneSection]) -> list[tuple[Row, Failure]]:
    """Errors over all scenes, of the methods with an estimate of each; by band where the scenes have the same. Nothing for one scene."""
    galleries = [scene.gallery for scene in scenes if scene.gallery is not None]
    grids = {None if each.wavelengths_nm is None else tuple(each.wavelengths_nm) for each in galleries}
    if len(galleries) < 2 or len(galleries) < len(scenes):
        return []
    held: dict[tuple[str, str], list[tuple[Row, Failure]]] = {}
    for each in galleries:
        for row, failure in each.failures:
            kept = failure if len(grids) == 1 else replace(failure, wavelength=NO_BANDS)
            held.setdefault((row.label, row.tier), []).append((row, kept))
    return [(own[0][0], reduce(add, [failure for _, failure in own])) for own in held.values() if len(own) == len(galleries)]


def _further(summary: Summary) -> list[tuple[str, Summary]]:
    """A table for each group of `FURTHER` of which any score is defined, of the methods that have one."""
    tables = []
    for title, facts in FURTHER:
        names = [fact.name for fact in facts]
        rows = [[r for r in row.results if r.outcome == "scored"] for row in summary.rows]
        held = [own for own in rows if any(r.metrics.get(name) is not None for r in own for name in names)]
        used = [name for name in names if any(r.metrics.get(name) is not None for own in held for r in own)]
        if used:
            table = summarise_protocol([r for own in held for r in own], summary.name, used)
            notes = tuple(note for note in table.notes if note.mark in (UNDEFINED, INFINITE))
            tables.append((title, replace(table, columns=table.columns[: len(used)], notes=notes)))
    return tables


def _extra(section: Section) -> Extra:
    figures = [(caption, Markup(inline_svg(figure, f"{section.id}-{place}"))) for place, (caption, figure) in enumerate(section.figures, 1)]
    return Extra(section, figures)


def _column_kinds(table: ProfileTable) -> list[str]:
    """Of each column, how it is set: number where most of its texts, dashes left out, begin as one does; else words, or long ones."""
    kinds = []
    for column in zip(*table.rows, strict=True) if table.rows else [()] * len(table.heads):
        texts = [text for text in column if text not in ("", DASH)]
        numbers = sum(bool(re.match(r"[+\-\u2212<>~]?\d|[+\-]?\.\d", text)) for text in texts)
        longest = max(map(len, texts), default=0)
        kinds.append("number" if 2 * numbers > len(texts) or not texts else "words long" if longest > _LONG else "words")
    return kinds


def _data_uri(picture: Picture) -> str:
    """The picture inside the page."""
    return f"data:image/webp;base64,{b64encode(picture.webp).decode()}"

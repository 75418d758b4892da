"""The page: one HTML file with its styles, script, charts and pictures inside; it fetches nothing and can be read without the script.

Jinja2 escapes everything that comes from records. The Content-Security-Policy of the page allows no request, and no script but the one of
the page, by its hash. The files in `spectra/` beside the page hold in 32 bits the spectra that the page shows in 8.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from benchmark.metrics.metric_facts import HEADLINE, METRICS, find_metric
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.lead_score import lead_score
from benchmark.run_folder.record import Result
from reports.content.captions import OLDER
from reports.content.cards import fact_lines, family_of, family_words, lost_cells, method_cards, uncovered_keys
from reports.content.expansions import EXPANSIONS, FirstUses, short_expansion
from reports.content.file_names import FileNames
from reports.content.glossary import heading_meaning, meaning_of, report_words
from reports.content.notes import ABOUT
from reports.content.protocol_facts import differing_labels, neutral_labels, protocol_facts
from reports.content.provenance import Provenance
from reports.content.sections import Section
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.content.verdicts import TierComparison, statistics_sentences
from reports.figures.bubble_chart import bubble_size_key
from reports.figures.figure_files import inline_svg
from reports.figures.looks import Looks
from reports.figures.svg_chart import line_look
from reports.page.drawn_picture import Picture
from reports.page.first_screen import first_screen
from reports.page.named_text import with_bold_names
from reports.page.protocol_sections import ProtocolSection, protocol_section
from reports.scene.detail import NO_PICTURES, plan_detail
from reports.scene.error_maps import ANGLE_PERCENTILE, LIMIT_PERCENTILE
from reports.scene.failure import DARK, SATURATED
from reports.style import DASH, count_text, slug, tier_order, value_text

_WEB = Path(__file__).parent.parent / "web"
_STYLES = ("page.css", "opening.css", "board.css", "scenes.css", "media.css")
_SCRIPTS = ("board.js", "table.js", "filter.js", "spectra.js", "scenes.js", "pareto.js", "exports.js")
_OF_PICTURES = ("spectra.js", "scenes.js")  # what only a page with pictures needs
MOST_ROWS = 2000  # of the table of every score
_LONG = 40  # characters: a longer text needs a wide column


@dataclass(frozen=True)
class DrawnSection:
    """A further section, with its figures as (caption, element) for the page."""

    section: Section
    figures: list[tuple[str, Markup]]


@dataclass(frozen=True)
class PageFiles:
    """The page, and the bytes of the files that belong beside it, by their paths from it."""

    html: str
    beside: dict[str, bytes]


def render_page(
    run: RunFolder,
    results: Sequence[Result],
    summaries: Sequence[Summary],
    *,
    plan: Mapping[str, Any] | None,
    environment: Mapping[str, Any] | None,
    names: FileNames,
    files: Sequence[str] = (),
    conventions: Sequence[TextTable] = (),
    broken: Sequence[str] = (),
    comparisons: Sequence[TierComparison] = (),
    statistics: Sequence[tuple[Section, Sequence[tuple[str, Figure]]]] = (),
    extras: Sequence[tuple[Section, Sequence[tuple[str, Figure]]]] = (),
    pictures: bool = True,
) -> PageFiles:
    """The page of a run.

    Without `pictures`, of records alone (a bundle), it has no section of scenes, and no file of `run` is read.

    The page shows `plan` and `environment` as they are, or says that they are missing. `files` lie beside the page and are listed in it;
    `names` gives further files their names. `broken` are lines on files of the run that cannot be
    read. `comparisons` are those of the statistics; `statistics` are the ones with enough scenes, each with its captioned figures, and
    `extras` are further sections.
    """
    looks = Looks.of(summaries)
    series = looks.series
    detail_plan = plan_detail(results) if pictures else NO_PICTURES
    sections = [protocol_section(run, summary, looks, series, detail_plan, number) for number, summary in enumerate(summaries, 1)]
    beside = {
        f"spectra/{names.stem('', section.summary.name, scene.name, scene.id)}.npz": scene.gallery.spectra.npz
        for section in sections
        for scene in section.scenes
        if scene.gallery is not None and scene.gallery.spectra is not None
    }
    script = "\n".join((_WEB / name).read_text(encoding="utf-8") for name in _SCRIPTS if pictures or name not in _OF_PICTURES)
    shown = {column.key for summary in summaries for column in summary.scores}
    used = {name for result in results for name in result.metrics}
    rows = sum(len(scene.summary.rows) for section in sections for scene in section.scenes)
    labels = list(dict.fromkeys(label for summary in summaries for label, _ in protocol_facts(summary.protocol)))
    tiers = sorted({row.tier for summary in summaries for row in summary.rows}, key=tier_order)
    neutral = neutral_labels([summary.protocol for summary in summaries])
    chip_texts = [[chip.text for chip in section.chips] for section in sections]
    differing = differing_labels([summary.protocol for summary in summaries]) - neutral
    html = (
        _templates()
        .get_template("page.html.j2")
        .render(
            first=first_screen(run, results, summaries, comparisons, plan, pictures=pictures),
            pictures=pictures,
            style=Markup("\n".join((_WEB / name).read_text(encoding="utf-8") for name in _STYLES)),
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            look=looks,
            told=list(dict.fromkeys(tier.partition("; ")[0] for tier in tiers)),
            learns=sorted({str(row.results[0].card.get("learns") or "not stated") for summary in summaries for row in summary.rows}),
            families=[(name, family_words(name)) for name in sorted({family_of(row) for summary in summaries for row in summary.rows})],
            column_choices=[(c.key, c.label) for c in {column.key: column for summary in summaries for column in summary.columns}.values()],
            columns=list({column.key: column for summary in summaries for column in summary.columns}.values()),
            sections=sections,
            rows=rows,
            every_score=rows <= MOST_ROWS,
            differing_labels=[label for label in labels if label in differing],
            shared_chips=[chip for chip in sections[0].chips if len(sections) > 1 and all(chip.text in texts for texts in chip_texts)],
            protocol_words=_words_of(sections, differing),
            shared_labels=[label for label in labels if label not in differing and label not in neutral],
            neutral_labels=[label for label in labels if label in neutral],
            scenes=sorted({result.scene for result in results}),
            seeds=sorted({result.seed for result in results}),
            lost=[lost for summary in summaries for lost in lost_cells(summary)],
            uncovered=uncovered_keys(summaries),
            cards=method_cards(summaries, plan),
            older=OLDER if any(summary.provenance.older for summary in summaries) else "",
            metrics=[fact for fact in METRICS if fact.name in shown],
            further_metrics=[fact for fact in METRICS if (fact.name in used or fact.name in HEADLINE) and fact.name not in shown],
            card_ids={key: f"method-{place + 1}" for key, place in series.items()},
            words=report_words(),
            plan=None if plan is None else fact_lines({key: value for key, value in plan.items() if key != "command"}),
            environment=None if environment is None else fact_lines(environment),
            machines=_machines(summaries[0].provenance),
            files=[*files, *beside],
            conventions=conventions,
            broken=broken,
            statistics_sentences=statistics_sentences(comparisons, csv=pictures),
            statistics=[_drawn_section(section, figures) for section, figures in statistics],
            extras=[_drawn_section(section, figures) for section, figures in extras],
            detail=detail_plan.detail,
            without_truth=any(not result.has_reference for result in results),
            size_key=bubble_size_key(),
            percentile=LIMIT_PERCENTILE,
            angle_percentile=ANGLE_PERCENTILE,
            dark=DARK,
            saturated=SATURATED,
        )
    )
    return PageFiles(html, beside)


def _words_of(sections: Sequence[ProtocolSection], labels: Collection[str]) -> str:
    """What the abbreviations in the table of protocols stand for, and the words that need one."""
    text = " ".join(f"{label} {value}" for section in sections for label, value in section.facts if label in labels)
    spoken = [f"{word}: {words}" for word, words in EXPANSIONS.items() if re.search(rf"\b{word}\b", text)]
    return f"{'; '.join(spoken)}." if spoken else ""


def _machines(provenance: Provenance) -> list[tuple[str, list[tuple[str, str]]]]:
    """Every environment in which the cells ran, by its digest; empty where there is only one."""
    environments = sorted(provenance.environments.items())
    return [(digest or "of records that name none", fact_lines(each)) for digest, each in environments] if len(environments) > 1 else []


def _templates() -> Environment:
    """The templates with the filters of the page."""
    uses = FirstUses()
    templates = Environment(loader=FileSystemLoader(_WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {
        "data_uri": _data_uri,
        "plain": value_text,
        "count": count_text,
        "slug": slug,
        "line_look": line_look,
        "family": family_of,
        "family_words": family_words,
        "column_kinds": _column_kinds,
        "lead": _lead_text,
        "meaning": meaning_of,
        "heading_meaning": heading_meaning,
        "short_expansion": short_expansion,
        "bold_names": lambda text, names: with_bold_names(text, names, uses),
        "first_use": lambda text: Markup(uses.expand(text)) if isinstance(text, Markup) else uses.expand(text),
    }
    templates.filters["breakable"] = lambda text: Markup("<wbr>").join(re.split(r"(?<=[_/])", text))
    templates.globals |= {"ABOUT": ABOUT, "say": uses.say}
    templates.filters["pair"] = lambda text: (text, text)
    return templates


def _drawn_section(section: Section, figures: Sequence[tuple[str, Figure]]) -> DrawnSection:
    """The section with its figures as elements of the page."""
    elements = [(caption, Markup(inline_svg(figure, f"{section.id}-{place}"))) for place, (caption, figure) in enumerate(figures, 1)]
    return DrawnSection(section, elements)


def _column_kinds(table: TextTable) -> list[str]:
    """For each column its class: number where most of its texts, dashes left out, begin like a number; otherwise words, or long words."""
    kinds = []
    for column in zip(*table.rows, strict=True) if table.rows else [()] * len(table.heads):
        texts = [text for text in column if text not in ("", DASH)]
        numbers = sum(bool(re.match(r"[+\-\u2212<>~]?\d|[+\-]?\.\d", text)) for text in texts)
        longest = max(map(len, texts), default=0)
        kinds.append("number" if 2 * numbers > len(texts) or not texts else "words long" if longest > _LONG else "words")
    return kinds


def _lead_text(result: Result) -> str:
    """The one score that stands below a picture; a PSNR by its unit alone."""
    lead = lead_score(result)
    if lead is None:
        return ""
    fact = find_metric(lead[0])
    value = f"{lead[1]:.{fact.digits}f}".replace("inf", "∞")
    return f"{value} {fact.unit}" if fact.unit else f"{fact.label} {value}"


def _data_uri(picture: Picture) -> str:
    """The picture as an address that contains its bytes."""
    return f"data:image/webp;base64,{b64encode(picture.webp).decode()}"

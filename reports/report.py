"""The report of a run folder: the page, the tables and the figures, drawn only from records, stored estimates and stored references."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.run_folder.bundle import bundle_of, read_bundle
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.record import Result
from reports.content.admission import admit, whole_groups
from reports.content.choice import Choice, choose_records, group_summaries, summarise_choice
from reports.content.convention_tables import StoredScores, convention_tables, read_stored_scores
from reports.content.file_names import FileNames
from reports.content.ledger import read_claims
from reports.content.paper_style import styled_all
from reports.content.protocols_table import tabulate_alike
from reports.content.provenance import read_provenance
from reports.content.published_rows import is_published, with_published
from reports.content.reference_rows import is_reference, join_bundle, join_run
from reports.content.reproduction import JudgedClaim, answered_claims_table, claims_section, claims_table, judge_claims
from reports.content.row_cells import planned_cells
from reports.content.scenes_table import scenes_tables
from reports.content.sections import Section
from reports.content.standing import standing_sentences
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.content.verdicts import TierComparison, compare_tiers, comparison_section
from reports.figures.all_figures import FIGURE_PARTS, comparison_figures, draw_figures
from reports.page.page import render_page
from reports.typeset.bibliography import bibtex, cite_keys
from reports.typeset.frames import (
    claims_frame,
    convention_frame,
    csv_text,
    csv_text_table,
    pairs_frame,
    protocols_frame,
    record_frame,
    summary_frame,
)
from reports.typeset.latex_tables import latex_definitions, latex_protocols, latex_summary, latex_text_table
from reports.typeset.markdown import markdown_protocols, markdown_summary, markdown_text_table
from reports.typeset.plain_text import plain_text_table
from reports.typeset.scenes_typeset import latex_scenes, markdown_scenes, scenes_frame, typst_scenes
from reports.typeset.typst import typst_protocols, typst_summary, typst_text_table

MOST_COMPARISONS = 12  # on the page and as figures; statistics.csv has all
_MANIFEST = ".files.json"  # the list of the files of a report, so that the next report can remove those it does not have


ShowPart = Callable[[int, int, str], None]
_PARTS = ("records", "statistics", "tables", *FIGURE_PARTS, "page")


def _show_nothing(_done: int, _total: int, _what: str) -> None:
    """What is called before each part of a report where nobody watches."""


@dataclass(frozen=True)
class ReportPaths:
    """The files of a report, all of them in `folder`, and the content of its tables."""

    folder: Path
    page: Path
    tables: tuple[Path, ...]  # summary_*, protocols.*, statistics*, claims.*, profiles_*, cells.csv, methods.bib
    figures: tuple[Path, ...]  # three files per figure: pdf, png, svg
    summaries: tuple[Summary, ...]
    conventions: tuple[TextTable, ...]  # the same estimates scored by other conventions
    broken: tuple[str, ...]  # files of the run that cannot be read, a line for each; a cell whose record is among them has none
    notes: tuple[str, ...] = ()  # how many records of a bundle are among the rows
    standing: tuple[str, ...] = ()  # where new rows stand among those of a bundle, a sentence for each and protocol


def write_report(
    run_folder: Path,
    out: Path | None = None,
    choice: Choice | None = None,
    against: Path | None = None,
    beside: Path | None = None,
    show: ShowPart = _show_nothing,
) -> ReportPaths:
    """Write the report of a run into `out`, or into `<run_folder>/report`; files that only the report before had are removed.

    With the file of a bundle in `against`, its records that pair with cells of the run are rows of the report, marked as reference.
    With the folder of another run in `beside`, its records that pair are rows of the report, too; pictures are those of the run alone.
    Before each part of the work `show` is called, with the number of the part, that of all parts, and a name for it.

    A file of the run that cannot be read is named in the report, which has all the rest.

    Raises:
        RecordError: no run folder, no records in it that can be read, or an index that cannot be read.
        SelectionError: a choice for which this run has no records or scores.
        NothingPairedError: a bundle, or another run, without any record that pairs with a cell of the run.
        ClaimsError: a ledger of claims in which something is missing.
    """
    choice = choice or Choice()

    def begin(part: str) -> None:
        show(_PARTS.index(part) + 1, len(_PARTS), part)

    begin("records")
    run = RunFolder(run_folder)
    found = run.find_current()
    if not found.records:
        raise RecordError(
            "\n".join([f"expected at least one record in {run.part('cells')}, got none; run the plan first", *found.broken.values()])
        )
    records = admit(found.records, run.index().metrics_key)
    facts = [_optional(file) for file in (run.plan_facts, run.last_environment)]
    plan, environment = (table for table, _ in facts)
    folder = run.report if out is None else out
    both = None if beside is None else join_run(records, bundle_of(beside, _plain_name(beside)))
    results = choose_records(records if both is None else both.results, choice)
    own, unfinished = _reached_by_all(run, [result for result in results if not is_reference(result)], found.records)
    results = [*own, *(result for result in results if is_reference(result))]
    stored, unread = read_stored_scores(run, own)
    provenance, notes = replace(read_provenance(run, own), planned=planned_cells([(plan or {}).get("plan")])), tuple[str, ...]()
    if both is not None:
        environments, planned = both.provenance.environments, both.provenance.planned
        provenance = replace(
            provenance, environments={**environments, **provenance.environments}, planned={**planned, **provenance.planned}
        )
        notes = (both.sentence,)
    if against is not None:
        joined = join_bundle(own, provenance, read_bundle(against))
        results = [*results, *(result for result in joined.results if is_reference(result))]
        provenance, notes = joined.provenance, (*notes, joined.sentence)
    summaries = summarise_choice(results, choice, stored, provenance)
    if unfinished:
        notes = (unfinished, *notes)
        summaries = [replace(summary, remarks=(unfinished, *summary.remarks)) for summary in summaries]
    broken = tuple(dict.fromkeys((*found.broken.values(), *(line for _, line in facts if line), *provenance.broken, *unread)))
    begin("statistics")
    names = FileNames()
    conventions = convention_tables(summaries, stored, names)
    comparisons = compare_tiers(summaries, choice.practical)
    sections = [
        comparison_section(each, number, names.stem("statistics", each.protocol, each.tier))
        for number, each in enumerate(comparisons[:MOST_COMPARISONS], 1)
    ]
    ledger_claims = read_claims()
    claims = judge_claims(ledger_claims, own, stored)
    begin("tables")
    groups = group_summaries(summaries, choice, stored)
    shown = styled_all(groups, choice.style)
    if choice.style.published:
        shown = [with_published(summary, ledger_claims) for summary in shown]
        if not any(map(is_published, (row for summary in shown for row in summary.rows))):
            notes = (*notes, "no published number is for one of these protocols and exactly its scenes (tables/claims.csv has all)")
    keys = cite_keys(results)
    tables = (
        *(path for pair in zip(groups, shown, strict=True) for path in _summaries(*pair, folder / "tables", names, keys, choice)),
        _write(folder / "tables" / "definitions.tex", latex_definitions(groups)),
        *_protocols(shown if choice.group_by == "protocol" else styled_all(summaries, choice.style), folder / "tables", keys, choice),
        *_scenes(shown, folder / "tables", names, choice),
        *_statistics(comparisons, sections, folder / "tables"),
        *_claims(claims, folder / "tables"),
        _write(folder / "tables" / "methods.bib", bibtex(results)),
        _write(folder / "tables" / "cells.csv", csv_text(record_frame(results))),
        *_conventions(summaries, stored, conventions, folder / "tables"),
    )
    diagrams = [comparison_figures(each) for each in comparisons[:MOST_COMPARISONS]]
    figures = draw_figures(run, folder / "figures", summaries, comparisons[:MOST_COMPARISONS], diagrams, names, begin)
    begin("page")
    ledger = claims_section(claims)
    page = render_page(
        run,
        results,
        summaries,
        plan=plan,
        environment=environment,
        names=names,
        files=[path.relative_to(folder).as_posix() for path in (*tables, *figures)],
        conventions=conventions,
        broken=broken,
        comparisons=comparisons,
        statistics=[
            (section, drawn) for each, section, drawn in zip(comparisons, sections, diagrams, strict=False) if each.statistics.enough_scenes
        ],
        extras=[(ledger, ())] if ledger else [],
    )
    pixels = [_write_bytes(folder / name, content) for name, content in page.beside.items()]
    index = _write(folder / "index.html", page.html)
    _tidy(folder, (*tables, *figures, *pixels, index))
    standing = standing_sentences(summaries, comparisons) if against is not None else []
    return ReportPaths(folder, index, tables, figures, tuple(shown), tuple(conventions), broken, notes, tuple(standing))


def _reached_by_all(run: RunFolder, results: list[Result], found: Sequence[Result]) -> tuple[list[Result], str]:
    """Of a run that is at work, or was cut short, the records of the observations that every row has met; and a sentence on that."""
    table, _ = _optional(run.running)
    if table is None or not table.get("running"):
        return results, ""
    return whole_groups(results, run.index().cells, {record.key for record in found})


def _plain_name(folder: Path) -> str:
    """A name for the rows of another run: that of its folder, in letters, digits, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-") or "other"


def _optional(file: Path) -> tuple[Mapping[str, Any] | None, str]:
    """The table in `file`, and a line on it where it cannot be read; None where there is no such file, or none that can be read."""
    try:
        return (read_json(file) if file.exists() else None), ""
    except RecordError as error:
        return None, str(error)


def _summaries(summary: Summary, shown: Summary, folder: Path, names: FileNames, keys: Mapping[str, str], choice: Choice) -> list[Path]:
    """A summary as CSV, and as it is typeset (`shown`) as LaTeX, Typst and Markdown."""
    stem = names.stem("summary", summary.name)
    label, caption = stem.removeprefix("summary_"), choice.style.caption
    typeset = {
        "tex": latex_summary(shown, keys, label=label, resize=choice.resize, caption=caption, narrow=choice.style.single_column),
        "typ": typst_summary(shown, keys, label=label, caption=caption),
    }
    return _written(folder / stem, {**typeset, "csv": csv_text(summary_frame(summary)), "md": markdown_summary(shown)})


def _scenes(summaries: Sequence[Summary], folder: Path, names: FileNames, choice: Choice) -> list[Path]:
    """The tables with a row for each scene, where the user asks for them."""
    if not choice.style.scenes_as_rows:
        return []
    paths, captioned = [], choice.style.caption != "none"
    for table in scenes_tables(summaries, choice.metrics):
        contents = {
            "tex": latex_scenes(table, narrow=choice.style.single_column, caption=captioned),
            "typ": typst_scenes(table, caption=captioned),
            "csv": csv_text(scenes_frame(table)),
            "md": markdown_scenes(table),
        }
        paths += _written(folder / names.stem("scenes", table.summary.name, table.column.key), contents)
    return paths


def _protocols(summaries: Sequence[Summary], folder: Path, keys: Mapping[str, str], choice: Choice) -> list[Path]:
    """The table over all protocols, where there are several; one for those with a truth and one for those without."""
    paths = []
    for table in tabulate_alike(summaries):
        typeset = {
            "tex": latex_protocols(table, keys, resize=choice.resize, caption=choice.style.caption, narrow=choice.style.single_column),
            "typ": typst_protocols(table, keys, caption=choice.style.caption),
        }
        paths += _written(folder / table.stem, {**typeset, "csv": csv_text(protocols_frame(table)), "md": markdown_protocols(table)})
    return paths


def _statistics(comparisons: Sequence[TierComparison], sections: Sequence[Section], folder: Path) -> list[Path]:
    """Every pair of every comparison as CSV, and the tables of the first comparisons as LaTeX, Typst, Markdown and text."""
    if not comparisons:
        return []
    paths = [_write(folder / "statistics.csv", csv_text(pairs_frame(comparisons)))]
    return paths + [
        path
        for section in sections
        for table in section.tables
        for path in _written(folder / table.stem, {**_typeset(table), **_readable(table)})
    ]


def _claims(claims: Sequence[JudgedClaim], folder: Path) -> list[Path]:
    """The ledger as CSV, Markdown and text, and the claims for which this run has a number as LaTeX and Typst."""
    contents = {"csv": csv_text(claims_frame(claims)), **_readable(claims_table(claims))}
    if any(each.ours is not None for each in claims):
        contents |= _typeset(answered_claims_table(claims))
    return _written(folder / "claims", contents)


def _conventions(summaries: Sequence[Summary], stored: StoredScores, tables: Sequence[TextTable], folder: Path) -> list[Path]:
    """Each table as LaTeX, Typst, CSV, Markdown and text, and the scores of every cell; nothing where none are stored."""
    if not tables:
        return []
    paths = [_write(folder / "profiles_cells.csv", csv_text(convention_frame(summaries, stored)))]
    for table in tables:
        paths += _written(folder / table.stem, {**_typeset(table), "csv": csv_text_table(table), **_readable(table)})
    return paths


def _typeset(table: TextTable) -> dict[str, str]:
    """The table for the two typesetters."""
    return {"tex": latex_text_table(table), "typ": typst_text_table(table)}


def _readable(table: TextTable) -> dict[str, str]:
    """The table as text: for a terminal, and for GitHub."""
    return {"txt": plain_text_table(table), "md": markdown_text_table(table)}


def _written(stem: Path, contents: Mapping[str, str]) -> list[Path]:
    """One file per suffix."""
    return [_write(stem.with_name(f"{stem.name}.{suffix}"), text) for suffix, text in contents.items()]


def _tidy(folder: Path, files: Sequence[Path]) -> None:
    """Remove the files that the report before has written and this one has not, and store the list of this one."""
    manifest, now = folder / _MANIFEST, sorted(path.relative_to(folder).as_posix() for path in files)
    try:
        before = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = []
    for name in before if isinstance(before, list) else []:
        old = folder / str(name)
        if name not in now and old.resolve().is_relative_to(folder.resolve()):
            old.unlink(missing_ok=True)
    _write(manifest, json.dumps(now, indent=1))


def _write(file: Path, text: str) -> Path:
    """Write `text` into `file`."""
    return _write_bytes(file, text.encode())


def _write_bytes(file: Path, content: bytes) -> Path:
    """Write `content` into a temporary file, which then takes the name of `file`, so that `file` is never half written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    return temporary.replace(file)

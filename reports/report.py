"""The report of a run folder: the page, the tables and the figures, from records, stored estimates and stored references alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json
from reports.bibliography import bibtex, cite_keys
from reports.choice import Choice, chosen, grouped, summaries_of
from reports.claims import Entry, claims_frame, claims_section, claims_table, judge, short_claims_table
from reports.comparisons import Compared, comparison_section, comparisons, comparisons_frame, matrix_table, pair_table
from reports.latex import latex_table
from reports.ledger import read_claims
from reports.page import render_page
from reports.plots import draw_all
from reports.profiles import ProfileTable, Stored, cells_frame, profile_csv, profile_latex, profile_tables, profile_text, read_stored
from reports.spanning import span, spanning_frame, spanning_latex, spanning_markdown
from reports.style import slug
from reports.summary import Summary
from reports.tables import frame, markdown_table, summary_frame
from reports.typst import typst_profile, typst_spanning, typst_table

MOST_COMPARISONS = 12  # on the page and as figures; the CSV has all
_MANIFEST = ".files.json"  # what the report consists of, so that the next one leaves nothing stale


@dataclass(frozen=True)
class ReportPaths:
    """What a report consists of; all of it lies in `folder`."""

    folder: Path
    page: Path
    tables: tuple[
        Path, ...
    ]  # summary_* for each protocol, scene or tier, protocols.*, statistics*, claims.*, profiles_*, cells.csv, methods.bib
    figures: tuple[Path, ...]  # three files each: pdf, png, svg
    summaries: tuple[Summary, ...]  # what the tables show, for `tables.text_table`
    profiles: tuple[ProfileTable, ...]  # the same estimates under other conventions, for `profiles.profile_text`


def write_report(run_folder: Path, out: Path | None = None, choice: Choice | None = None) -> ReportPaths:
    """Draw the report of a run into `out`, or into `<run_folder>/report`; files of the report before that have no place in it are removed.

    Raises:
        RecordError: no run folder, no records in it, or a file in it that cannot be read.
        SelectionError: a choice that cannot be made of this run.
        ClaimsError: a ledger of claims that says less than it must.
    """
    choice = choice or Choice()
    records = RunFolder(run_folder).current_records()
    if not records:
        raise RecordError(f"expected at least one record in {run_folder / 'cells'}, got none; run the plan first")
    plan, environment = (_optional(run_folder / name) for name in ("plan.json", "environment.json"))
    folder = run_folder / "report" if out is None else out
    results = chosen(records, choice)
    stored = read_stored(run_folder, results)
    summaries = summaries_of(results, choice, stored)
    conventions = profile_tables(summaries, stored)
    compared = comparisons(summaries, choice.practical)
    claims = judge(read_claims(), results, stored)
    shown = grouped(summaries, choice, stored)
    keys = cite_keys(results)
    tables = (
        *(path for summary, stem in _stems(shown) for path in _tables(summary, folder / "tables" / stem, keys, resize=choice.resize)),
        *_spanning(shown if choice.group_by == "protocol" else summaries, folder / "tables", keys, resize=choice.resize),
        *_statistics(compared, folder / "tables"),
        *_claims(claims, folder / "tables"),
        _write(folder / "tables" / "methods.bib", bibtex(results)),
        _write(folder / "tables" / "cells.csv", frame(results).to_csv(index=False)),
        *_profiles(summaries, stored, conventions, folder / "tables"),
    )
    extras = [comparison_section(each, number) for number, each in enumerate(compared[:MOST_COMPARISONS], 1)]
    figures = draw_all(run_folder, folder / "figures", summaries, compared[:MOST_COMPARISONS], extras)
    told = claims_section(claims)
    page = render_page(
        run_folder,
        results,
        summaries,
        plan=plan,
        environment=environment,
        files=[path.relative_to(folder).as_posix() for path in (*tables, *figures)],
        profiles=conventions,
        extras=[*extras, *([told] if told else [])],
    )
    beside = [_write_bytes(folder / name, content) for name, content in page.beside.items()]
    index = _write(folder / "index.html", page.html)
    _tidy(folder, (*tables, *figures, *beside, index))
    return ReportPaths(folder, index, tables, figures, tuple(shown), tuple(conventions))


def _optional(file: Path) -> Mapping[str, Any] | None:
    """The table in `file`; None where there is no such file."""
    return read_json(file) if file.exists() else None


def _stems(summaries: Sequence[Summary]) -> list[tuple[Summary, str]]:
    """A file name for each summary, numbered where two protocols would share it."""
    stems = [f"summary_{slug(summary.name)}" for summary in summaries]
    return [
        (summary, stem if stems.count(stem) == 1 else f"{stem}_{place + 1}")
        for place, (summary, stem) in enumerate(zip(summaries, stems, strict=True))
    ]


def _tables(summary: Summary, stem: Path, keys: Mapping[str, str], *, resize: bool) -> list[Path]:
    """The summary as LaTeX, Typst, CSV and Markdown."""
    typeset = {"tex": latex_table(summary, keys, resize=resize), "typ": typst_table(summary, keys)}
    return _written(stem, {**typeset, "csv": summary_frame(summary).to_csv(index=False), "md": markdown_table(summary)})


def _spanning(summaries: Sequence[Summary], folder: Path, keys: Mapping[str, str], *, resize: bool) -> list[Path]:
    """The table over all protocols, where there are several."""
    table = span(summaries)
    if table is None:
        return []
    typeset = {"tex": spanning_latex(table, keys, resize=resize), "typ": typst_spanning(table, keys)}
    plain = {"csv": spanning_frame(table).to_csv(index=False), "md": spanning_markdown(table)}
    return _written(folder / "protocols", {**typeset, **plain})


def _statistics(compared: Sequence[Compared], folder: Path) -> list[Path]:
    """Every pair of every comparison as CSV, the matrices and pairs of the first ones as LaTeX, Typst and text."""
    if not compared:
        return []
    paths = [_write(folder / "statistics.csv", comparisons_frame(compared).to_csv(index=False))]
    for each in compared[:MOST_COMPARISONS]:
        for table in (matrix_table(each), pair_table(each)):
            paths += _written(folder / table.name, {**_typeset(table), "txt": profile_text(table)})
    return paths


def _claims(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """The ledger as CSV and text, and what this run says to it as LaTeX and Typst."""
    contents = {"csv": claims_frame(entries).to_csv(index=False), "txt": profile_text(claims_table(entries))}
    if any(entry.ours is not None for entry in entries):
        contents |= _typeset(short_claims_table(entries))
    return _written(folder / "claims", contents)


def _profiles(summaries: Sequence[Summary], stored: Stored, tables: Sequence[ProfileTable], folder: Path) -> list[Path]:
    """Each table as LaTeX, Typst, CSV and text, and every number of every cell; nothing where nothing is stored."""
    if not tables:
        return []
    paths = [_write(folder / "profiles_cells.csv", cells_frame(summaries, stored).to_csv(index=False))]
    for table in tables:
        paths += _written(folder / table.name, {**_typeset(table), "csv": profile_csv(table), "txt": profile_text(table)})
    return paths


def _typeset(table: ProfileTable) -> dict[str, str]:
    """The table for the two typesetters."""
    return {"tex": profile_latex(table), "typ": typst_profile(table)}


def _written(stem: Path, contents: Mapping[str, str]) -> list[Path]:
    """One file for each suffix."""
    return [_write(stem.with_name(f"{stem.name}.{suffix}"), text) for suffix, text in contents.items()]


def _tidy(folder: Path, files: Sequence[Path]) -> None:
    """Remove what the report before this one had written and this one has not, and note what this one has."""
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
    """`text` in `file`, as `_write_bytes` writes."""
    return _write_bytes(file, text.encode())


def _write_bytes(file: Path, content: bytes) -> Path:
    """`content` in `file`, by a temporary file and a rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    return temporary.replace(file)

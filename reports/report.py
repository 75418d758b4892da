"""The report of a run folder: the page, the tables and the figure, from records, stored estimates and stored references alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.result import RecordError, read_json, read_records
from reports.figures import psnr_seconds, save
from reports.latex import latex_table
from reports.page import render_page
from reports.profiles import ProfileTable, Stored, cells_frame, profile_csv, profile_latex, profile_tables, profile_text, read_stored
from reports.style import slug
from reports.summary import Summary, summarise
from reports.sweeps import draw_sweep, find_sweep
from reports.tables import frame, markdown_table, summary_frame


@dataclass(frozen=True)
class ReportPaths:
    """What a report consists of; all of it lies in `folder`."""

    folder: Path
    page: Path
    tables: tuple[Path, ...]  # summary_<protocol>.tex, .csv, .md for each protocol, cells.csv; and profiles_* where `rescore` made any
    figures: tuple[Path, ...]  # psnr_seconds.pdf, .png, .svg
    summaries: tuple[Summary, ...]  # what the tables show, for `tables.text_table`
    profiles: tuple[ProfileTable, ...]  # the same estimates under other conventions, for `profiles.profile_text`


def write_report(run_folder: Path, out: Path | None = None) -> ReportPaths:
    """Draw the report of a run into `out`, or into `<run_folder>/report`; what is there is written over.

    Raises:
        RecordError: no run folder, no records in it, or a file in it that cannot be read.
    """
    results = read_records(run_folder)
    if not results:
        raise RecordError(f"expected at least one record in {run_folder / 'cells'}, got none; run the plan first")
    plan, environment = (_optional(run_folder / name) for name in ("plan.json", "environment.json"))
    folder = run_folder / "report" if out is None else out
    summaries = summarise(results)
    cells = _write(folder / "tables" / "cells.csv", frame(results).to_csv(index=False))
    stored = read_stored(run_folder, results)
    conventions = profile_tables(summaries, stored)
    tables = (
        *(path for summary, stem in _stems(summaries) for path in _tables(summary, folder / "tables" / stem)),
        cells,
        *_profiles(summaries, stored, conventions, folder / "tables"),
    )
    figures = save(psnr_seconds(summaries), folder / "figures" / "psnr_seconds")
    sweep = find_sweep(summaries)
    if sweep is not None:
        figures += save(draw_sweep(sweep), folder / "figures" / f"sweep_{slug(sweep.number)}")
    files = [path.relative_to(folder).as_posix() for path in (*tables, *figures)]
    page = render_page(run_folder, results, summaries, plan=plan, environment=environment, files=files, profiles=conventions)
    return ReportPaths(folder, _write(folder / "index.html", page), tables, figures, tuple(summaries), tuple(conventions))


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


def _tables(summary: Summary, stem: Path) -> list[Path]:
    """The summary as LaTeX, CSV and Markdown."""
    contents = {"tex": latex_table(summary), "csv": summary_frame(summary).to_csv(index=False), "md": markdown_table(summary)}
    return [_write(stem.with_name(f"{stem.name}.{suffix}"), text) for suffix, text in contents.items()]


def _profiles(summaries: Sequence[Summary], stored: Stored, tables: Sequence[ProfileTable], folder: Path) -> list[Path]:
    """Each table as LaTeX, CSV and text, and every number of every cell; nothing where nothing is stored."""
    if not tables:
        return []
    paths = [_write(folder / "profiles_cells.csv", cells_frame(summaries, stored).to_csv(index=False))]
    for table in tables:
        contents = {"tex": profile_latex(table), "csv": profile_csv(table), "txt": profile_text(table)}
        paths += [_write(folder / f"{table.name}.{suffix}", text) for suffix, text in contents.items()]
    return paths


def _write(file: Path, text: str) -> Path:
    """`text` in `file`, by a temporary file and a rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    return temporary.replace(file)

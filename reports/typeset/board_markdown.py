"""The leaderboard of bundles as Markdown: a table for each protocol, tier after tier; and the short table of the README.

In a table the best value of a tier is bold, and a star follows the best of all tiers. Rows below the table are not ranked, each with
its reason. What the plans ask for and no bundle has is listed as not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.content.board import BoardRow, leaderboard
from reports.content.bundle_records import BundleRecords
from reports.content.captions import machine_sentence, over_sentence
from reports.content.columns import Column
from reports.content.planned_rows import (
    left_out_lines,
    planned_scenes,
    protocols_without_records,
    rows_without_records,
    unfinished_rows,
)
from reports.content.protocol_facts import protocol_sentence
from reports.content.row import MISSING, UNRANKED, Row
from reports.content.summary import Summary
from reports.style import DASH, duration_text, listed_text, short_tier
from reports.typeset.markdown import markdown_escape

METRICS = ("psnr", "ssim", "sam", "ergas")
STAR = "★"
_READING = (
    "A tier is what a method is told, and what it learned from other scenes; methods are ranked inside their tier by PSNR. **Bold** is "
    f"the best of a tier of two ranked rows or more, {STAR} the best of all tiers, which know different things. n is the number of "
    "scenes with a score, of those that the plan has. Fusion is the time of one scene; learning is on the scene, or loading weights."
)
_PAGES = (
    "What MossFuse's paper claims, with a word on each claim: [verdicts.md](verdicts.md). The same tables as one page that sorts and "
    "filters, with charts and every score, to be downloaded: [leaderboard.html](leaderboard.html). For LaTeX: [latex/](latex)."
)


@dataclass(frozen=True)
class BundleFile:
    """Where the records come from, as the pages say it."""

    name: str  # as the command takes it
    link: str  # from the page; empty for a file outside of the clone
    sha256: str


def markdown_board(records: BundleRecords, summaries: Sequence[Summary], files: Sequence[BundleFile], command: str) -> str:
    """The page, up to the part that is written by hand."""
    lines = ["# Leaderboard", "", *origin_lines(records, files, command), "", _READING, "", _PAGES]
    for summary in summaries:
        lines += ["", f"## {markdown_escape(summary.name)}", "", *_protocol_lines(records, summary)]
    return "\n".join([*lines, "", *_not_run(records, summaries)]).rstrip() + "\n"


def origin_lines(records: BundleRecords, files: Sequence[BundleFile], command: str) -> list[str]:
    """Where the figures of a page come from: bundles, code, machines, days and the command, as a table."""
    bundles = []
    for bundle, file in zip(records.bundles, files, strict=True):
        name = f"[`{file.name}`]({file.link})" if file.link else f"`{file.name}`"
        counts = f"{len(bundle.records)} records, {bundle.scored} with scores, of {bundle.planned} cells of its plan"
        bundles.append(f"{name}: {counts}; sha256 `{file.sha256[:16]}`")
    plans = [str(bundle.plan["name"]) for bundle in records.bundles if bundle.plan.get("name")]
    runs = " and ".join(f"`run {name} --data DIR`" for name in dict.fromkeys(plans))
    again = f"{runs}, then `bundle` ([how](../reference_results.md))" if runs else "the plan is not in the bundle"
    first, last = records.dates
    code = ", ".join(f"`{commit}`" for commit in records.code) or "not recorded"
    plus = " (+: with changes that were not committed)" if "+" in code else ""
    return [
        "| made from | |",
        "|---|---|",
        f"| bundle{'s' * (len(bundles) > 1)} | {'; '.join(bundles)} |",
        f"| code | {code}{plus} |",
        f"| machine | {markdown_escape('; '.join(records.machines) or 'not recorded')} |",
        f"| measured | {first if first == last else f'{first} to {last}'} |",
        f"| again | {again} |",
        f"| this page | `{command}` |",
    ]


def markdown_short_board(records: BundleRecords, summaries: Sequence[Summary], always: str = "") -> str:
    """The best ranked row of each tier under each protocol, for the README; and each ranked row of the method `always`."""
    heads = ("protocol", "tier", "rank", "method", "PSNR dB", "SSIM", "SAM deg", "fusion", "learning", "n")
    lines = [f"| {' | '.join(heads)} |", "|---|---|---|---|---:|---:|---:|---:|---:|---:|"]
    for summary in summaries:
        columns = {column.key: column for column in summary.columns}
        for tier, rows in leaderboard(summary).groups:
            for each in [row for row in rows if row.within == 1 or row.row.results[0].method == always]:
                shown = [each.text(columns[key]) for key in ("psnr", "ssim", "sam", "seconds", "learning_seconds")]
                star = f" {STAR}" if summary.scores[0].key in each.best_of_all else ""
                of = sum(row.within is not None for row in rows)
                place = f"{each.within or DASH} of {of}"
                name, told = markdown_escape(each.row.label), markdown_escape(short_tier(tier))
                cells = [summary.name, told, place, name, shown[0] + star, *shown[1:], _share(records, summary, each.row)]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _protocol_lines(records: BundleRecords, summary: Summary) -> list[str]:
    """The tables of one protocol, and their notes."""
    board = leaderboard(summary)
    lines = [markdown_escape(f"{protocol_sentence(summary.protocol)}. {over_sentence(summary)} {machine_sentence(summary)}"), ""]
    heads = ["#", "method", "learns", *(f"{column.label} {column.unit}".strip() for column in _shown(summary)), "n"]
    heads = [head.removesuffix(" s") for head in heads]
    ranked = [(tier, rows) for tier, rows in board.groups if rows]
    if ranked:
        lines += [f"| {' | '.join(heads)} |", f"|---:|---|---|{'---:|' * (len(heads) - 3)}"]
        for tier, rows in ranked:
            lines.append(f"| | **{markdown_escape(tier)}** |{' |' * (len(heads) - 2)}")
            lines += [_board_line(records, summary, each) for each in rows]
    if board.below:
        heads = ["method", "tier", *heads[3:], "why it stands here"]
        lines += ["", "Baselines, and rows that are not ranked:", ""]
        lines += [f"| {' | '.join(heads)} |", f"|---|---|{'---:|' * (len(heads) - 3)}---|"]
        for each in board.below:
            cells = [_name(each.row), markdown_escape(each.row.tier), *(each.text(column) for column in _shown(summary))]
            cells += [_share(records, summary, each.row), markdown_escape(each.why)]
            lines.append(f"| {' | '.join(cells)} |")
    shared = [note for note in summary.shared_notes() if note.mark not in (MISSING, UNRANKED)]  # those say what the last column says
    notes = [f"- {note.mark} {markdown_escape(note.sentence)}".replace("-  ", "- ") for note in shared]
    if notes:
        lines += ["", "<details><summary>Notes on the rows and their marks</summary>", "", *notes, "", "</details>"]
    return lines


def _board_line(records: BundleRecords, summary: Summary, each: BoardRow) -> str:
    place = "" if each.within is None else str(each.within)
    values = [_value(each, column) for column in _shown(summary)]
    return f"| {' | '.join([place, _name(each.row), each.learns, *values, _share(records, summary, each.row)])} |"


def _shown(summary: Summary) -> list[Column]:
    return [column for column in summary.columns if column.key != "gpu_bytes"]


def _name(row: Row) -> str:
    return f"{markdown_escape(row.label)} {row.marks}".strip()


def _value(each: BoardRow, column: Column) -> str:
    """A value: bold where it is the best of its tier, with a star where it is the best of all."""
    text = each.text(column)
    best = f"**{text}**" if each.row.values[column.key].place == "best" else text
    return f"{best}{f' {STAR}' if column.key in each.best_of_all else ''} {each.row.mark_of(column)}".strip()


def _share(records: BundleRecords, summary: Summary, row: Row) -> str:
    """The number of scenes with a score, of those that the plan has."""
    scored = len({result.scene for result in row.results if result.outcome == "scored"})
    return f"{scored}/{len(planned_scenes(records.bundles, summary))}"


def _not_run(records: BundleRecords, summaries: Sequence[Summary]) -> list[str]:
    """What the plans ask for and no bundle has."""
    rows = rows_without_records(records.bundles, records.results, summaries)
    lines = ["## Not run", ""]
    whole = [row.label for row in rows if row.everywhere]
    lines += [f"Rows of the plan without any record here: {_names(whole)}.", ""] if whole else []
    for name in [summary.name for summary in summaries]:
        partly = [row.label for row in rows if not row.everywhere and name in row.protocols]
        lines += [f"Without a record under {markdown_escape(name)}: {_names(partly)}.", ""] if partly else []
    lines += _unfinished_lines(records, summaries)
    absent = protocols_without_records(records.bundles, summaries)
    lines += [f"Protocols of the plan without any record here: {_names(absent)}.", ""] if absent else []
    left_out = left_out_lines(records.bundles)
    lines += ["Left out when the plan was read:", "", *(f"- {markdown_escape(line)}" for line in left_out)] if left_out else []
    return lines if len(lines) > 2 else ["## Not run", "", "Every row of the plan has a record under each of these protocols."]


def _unfinished_lines(records: BundleRecords, summaries: Sequence[Summary]) -> list[str]:
    """How many scenes the rows lack, and how long these would take."""
    rows = unfinished_rows(records.bundles, records.results, summaries)
    if not rows:
        return []
    whole = duration_text(sum(row.seconds for row in rows))
    head = f"{sum(row.scenes for row in rows)} cells of the rows above have no record, about {whole} of work at the pace of the others"
    lines = [f"<details><summary>{head}</summary>", "", "| row | protocol | scenes | about |", "|---|---|---:|---:|"]
    for row in rows:
        cells = [markdown_escape(row.label), markdown_escape(row.protocol), str(row.scenes), duration_text(row.seconds)]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", "</details>", ""]


def _names(texts: Sequence[str]) -> str:
    separator = "; " if any("," in text for text in texts) else ", "
    names = [markdown_escape(text) for text in texts]
    return separator.join(names) if separator == "; " else listed_text(names)

"""What MossFuse's paper claims, with a word on each claim, as Markdown; the words come from `reports.content.statement_rules`."""

from __future__ import annotations

from collections.abc import Sequence

from reports.content.bundle_records import BundleRecords
from reports.content.reproduction import JudgedClaim, claims_table
from reports.content.rival_pairs import LEAD, RivalPair, rival_pairs
from reports.content.rival_words import difference_text, interval_text, ratio_text
from reports.content.row import Row
from reports.content.statement_ledger import StatementLedger
from reports.content.statement_numbers import JudgedNumber
from reports.content.statement_rules import JudgedRival, Judgement, judge_rivals, judge_statements, subject_rows
from reports.content.statement_sections import counts_sentence
from reports.content.statistics import ALPHA, LEAST_SCENES, PRACTICAL
from reports.content.summary import Summary
from reports.style import DASH, count_text, short_tier
from reports.typeset.board_markdown import BundleFile, origin_lines
from reports.typeset.markdown import markdown_escape

_RULES = f"""The words follow from the rules in `reports/content/statement_rules.py`; nobody chooses them. Only the authors' own weights
answer for the paper, under its own protocol; scores are those of the textbook, of the last iterate. Two methods are compared by their
differences on the same scenes: *better* or *worse* needs the whole 95 % interval of the mean difference (bootstrap over scenes) beyond
{PRACTICAL[LEAD]:g} dB, and Holm's p below {ALPHA:g}; *equal* has the whole interval inside; below {LEAST_SCENES} scenes nothing is said.

- **outperforms**: refuted if one rival or more is better than MossFuse; reproduced if MossFuse is better than every rival, and all rivals
  of figure 1 were measured.
- **fewer parameters, less time**: refuted by a rival that has fewer learned parameters, or takes less than half the time, *and* is better
  or equal in PSNR; reproduced if every rival has more parameters, or takes longer, and all rivals of figure 1 were measured. The time of a
  scene is that of fusion, with that of learning on the scene. The factor of two leaves room for other work on the machine.
- **numbers**: PSNR within 0.2 dB, and what reading a plot may be off; parameters within 1 %, all of them or those used in inference. A
  PSNR of MossFuse that is exceeded counts as reproduced. Seconds on a CPU never refute those of a machine that is not stated.
- **open**: everything else, with the reason."""


def markdown_verdicts(
    records: BundleRecords,
    summaries: Sequence[Summary],
    ledger: StatementLedger,
    claims: Sequence[JudgedClaim],
    files: Sequence[BundleFile],
    command: str,
) -> str:
    """The page, up to the part that is written by hand."""
    judged, rivals = judge_statements(ledger, summaries), judge_rivals(ledger, summaries)
    lines = ["# What MossFuse's paper claims, and what was measured", "", *origin_lines(records, files, command), ""]
    lines += [counts_sentence(judged), "", "## Abstract and figure 1", "", *_statement_lines(judged)]
    lines += ["", "## The rivals of figure 1", "", *_rival_lines(ledger, rivals), "", "## How a word is found", "", _RULES]
    for summary in summaries:
        for row in _shown_subjects(ledger, summary):
            lines += ["", *_pair_lines(ledger, summary, row)]
    lines += _claim_lines([claim for claim in claims if claim.ours is not None and claim.reason != "protocol differs"])
    sources = dict.fromkeys([*(statement.source for statement in ledger.statements), ledger.rivals_source])
    lines += ["", f"Sources: {'; '.join(markdown_escape(source) for source in sources if source)}."]
    return "\n".join(lines).rstrip() + "\n"


def _statement_lines(judged: Sequence[Judgement]) -> list[str]:
    lines = ["| the paper says | among | measured (MossFuse, the authors' weights) | n | word | why |", "|---|---|---|---:|---|---|"]
    for each in judged:
        cells = [f"“{each.says}”", each.scope, each.measured, str(each.n) if each.n else DASH]
        lines.append(f"| {' | '.join(map(markdown_escape, cells))} | **{each.word}** | {markdown_escape(each.reason)} |")
    return lines


def _rival_lines(ledger: StatementLedger, rivals: Sequence[JudgedRival]) -> list[str]:
    lines = ["Each cell: as printed or read off the plot → as measured: word.", ""]
    lines += ["| rival | PSNR dB | seconds a scene | parameters | why |", "|---|---|---|---|---|"]
    for each in rivals:
        why = dict.fromkeys(f"{number.printed.quantity}: {number.reason}" for number in each.numbers)
        reasons = {number.reason for number in each.numbers}
        text = reasons.pop() if len(reasons) == 1 else "; ".join(why)
        lines.append(f"| {each.rival.label} | {' | '.join(_number_text(number) for number in each.numbers)} | {markdown_escape(text)} |")
    return lines


def _number_text(number: JudgedNumber) -> str:
    off = f" ±{number.printed.reading:g}" if number.printed.reading else ""
    n = f", n = {number.n}" if number.n and number.printed.quantity != "parameters" else ""
    return f"{number.printed.printed}{off} → {markdown_escape(number.measured or DASH)}{n}: **{number.word}**"


def _shown_subjects(ledger: StatementLedger, summary: Summary) -> list[Row]:
    """The rows that are set against their rivals: the authors' weights, or where there are none, the method's other ranked rows."""
    own = subject_rows(ledger, summary)
    return own or [row for row in summary.rows if row.results[0].method == ledger.subject and row.ranked]


def _pair_lines(ledger: StatementLedger, summary: Summary, row: Row) -> list[str]:
    """One row against every rival, the strongest first."""
    pairs = rival_pairs(summary, row)
    mean = row.values[LEAD]
    learned = str(row.results[0].card.get("trained_on") or "")
    lines = [f"## {markdown_escape(row.label)} against each rival, {markdown_escape(summary.name)}", ""]
    about = f"{row.label} ({row.tier}{f'; trained on {learned}' if learned else ''}): {mean.text} dB over {mean.n} scenes."
    if ledger.weights not in row.results[0].files.values():
        about += " These are not the authors' weights: no statement of the paper is judged by this table."
    lines += [f"{markdown_escape(about)} Differences are {markdown_escape(row.label)} less rival; in SAM positive favours it too.", ""]
    if not pairs:
        return [*lines, "No ranked rival has a score on the same scenes."]
    heads = [
        "rival",
        "tier",
        "PSNR dB [95 %]",
        "n",
        "Holm's p",
        "MossFuse is",
        "SAM deg [95 %]",
        "time, times the rival's [95 %]",
        "its parameters",
    ]
    return [*lines, f"| {' | '.join(heads)} |", "|---|---|---:|---:|---:|---|---:|---:|---:|", *map(_pair_line, pairs)]


def _claim_lines(claims: Sequence[JudgedClaim]) -> list[str]:
    """The ledger of published numbers, as far as these bundles answer it under the same protocol and on the same scenes."""
    if not claims:
        return []
    table = claims_table(claims)
    heads = (*table.heads[:6], *table.heads[7:8], table.heads[9])
    lines = ["", "## Other published numbers under these protocols", "", "`reports/content/claims.toml` has the source of each.", ""]
    lines += ["<details><summary>Published, and ours</summary>", "", f"| {' | '.join(heads)} |", "|---|---|---:|---:|---:|---|---|---|"]
    lines += [f"| {' | '.join(map(markdown_escape, (*row[:6], *row[7:8], row[9])))} |" for row in table.rows]
    return [*lines, "", *map(markdown_escape, table.notes), "", "</details>"]


def _pair_line(each: RivalPair) -> str:
    p = DASH if each.n < LEAST_SCENES else "<0.001" if each.pair.holm < 0.001 else f"{each.pair.holm:.3f}"
    angle = DASH if not each.angle.n else f"{each.angle.mean:+.2f}{interval_text(each.angle, signed=True)}"
    cells = [
        markdown_escape(each.rival.label),
        markdown_escape(short_tier(each.rival.tier)),
        difference_text(each).partition(", n")[0].replace(" dB", ""),
        str(each.n),
        p,
        each.pair.verdict,
        angle,
        DASH if each.ratio is None else ratio_text(each.ratio),
        DASH if each.parameters is None else count_text(float(each.parameters)),
    ]
    return f"| {' | '.join(cells)} |"

"""The statements of the paper, and what was not run, as sections of the page of bundles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.content.bundle_records import BundleRecords
from reports.content.planned_rows import left_out_lines, protocols_without_records, rows_without_records
from reports.content.sections import Section
from reports.content.statement_numbers import WORDS
from reports.content.statement_rules import JudgedRival, Judgement
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import DASH


def counts_sentence(judged: Sequence[Judgement]) -> str:
    """How many of the judgements have each word."""
    counts = Counter(each.word for each in judged)
    told = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
    return f"{len(judged)} judgements on the statements of the abstract and of figure 1: {told}."


def statement_section(judged: Sequence[Judgement], rivals: Sequence[JudgedRival]) -> Section:
    """Every statement with its word, and the rivals of the plot."""
    heads = ("Word", "The paper says", "Among", "Measured", "n", "Why")
    rows = tuple((each.word, each.says, each.scope, each.measured, str(each.n) if each.n else DASH, each.reason) for each in judged)
    numbers = [(each.rival.label, number) for each in rivals for number in each.numbers]
    plotted = tuple(
        (label, number.printed.quantity, number.printed.printed, number.measured or DASH, number.word, number.reason)
        for label, number in numbers
    )
    columns = ("Rival", "Quantity", "Plotted", "Measured", "Word", "Why")
    return Section(
        "statements",
        "What MossFuse's paper claims",
        (counts_sentence(judged), "The words follow from rules; verdicts.md beside this page has them, and every pair."),
        (TextTable("statements", "Abstract and figure 1", heads, rows, ()),),
        (TextTable("plotted_rivals", "The rivals of figure 1", columns, plotted, ()),),
    )


def not_run_section(records: BundleRecords, summaries: Sequence[Summary]) -> Section | None:
    """The rows and protocols of the plans without a record; None where there are none."""
    rows = [
        (row.label, "none of these protocols" if row.everywhere else f"not {', '.join(row.protocols)}")
        for row in rows_without_records(records.bundles, records.results, summaries)
    ]
    absent = protocols_without_records(records.bundles, summaries)
    sentences = (
        *([f"Protocols of the plan without a record: {'; '.join(absent)}."] if absent else []),
        *(f"{line[:1].upper()}{line[1:]}." for line in left_out_lines(records.bundles)),
    )
    if not rows and not sentences:
        return None
    tables = (TextTable("not_run", "Rows of the plan without a record", ("Method", "Run under"), tuple(rows), ()),) if rows else ()
    return Section("not-run", "Not run", sentences, tables)

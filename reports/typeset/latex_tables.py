r"""Tables as LaTeX: a summary, the table over all protocols, and tables of texts.

They need only booktabs (and graphicx where a table is resized): best in bold, second underlined, spreads, tiers, notes, and a caption that
states everything. Each is a `table*` for \input. `keys` has the \cite key for each paper of the cards (`reports.typeset.bibliography`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.content.captions import CaptionLength, caption_of_length, definitions_text
from reports.content.columns import Column
from reports.content.protocols_table import ProtocolsRow, ProtocolsTable, protocols_caption, protocols_notes
from reports.content.row import MISSING, UNDEFINED, Row
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.typeset.latex import (
    MARKS,
    RESIZED,
    RESIZED_END,
    breakable_text,
    caption_text,
    column_head,
    escape,
    floating,
    font_size,
    head_words,
    number_text,
    placed_value,
    prose_text,
    stacked_row,
)
from reports.typeset.page_fit import first_column_mm, notes_with_room, protocol_blocks

_MOST_LINES = 30  # of a table over all protocols, each with its spreads: more do not fit on a page


def latex_summary(
    summary: Summary,
    keys: Mapping[str, str] | None = None,
    *,
    label: str = "",
    resize: bool = False,
    caption: CaptionLength = "full",
    narrow: bool = False,
) -> str:
    r"""The summary of one protocol, scene or tier, labelled by its name or by `label`.

    `resize` shrinks it to \linewidth and 0.7 \textheight, by graphicx; with `narrow` it stands in one column of the text.
    """
    count, cells = len(summary.columns), summary.shows_cells
    lines = [
        *([RESIZED] if resize else []),
        rf"\begin{{tabular}}{{@{{}}l{'r' * count}{'c' * cells}@{{}}}}",
        r"\toprule",
        " & ".join(["Method", *(column_head(column) for column in summary.columns), *["Cells"] * cells]) + r" \\",
        " & ".join(["", *map(_second_line, summary.columns), *[""] * cells]) + r" \\",
    ]
    for tier, rows in summary.tiers:
        lines += [r"\midrule", rf"\multicolumn{{{count + 1 + cells}}}{{@{{}}l}}{{\textit{{{escape(tier)}}}}} \\"]
        lines += [_summary_row(row, summary, keys or {}) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}" + RESIZED_END * resize]
    text = caption_of_length(summary, caption)
    texts = [(note.mark, note.sentence) for note in summary.shared_notes()]
    fitting = notes_with_room(texts, text, len(summary.rows), len(summary.tiers), resize=resize)
    notes = [_note(mark, each) for mark, each in fitting]
    return floating(text, label or summary.name, lines, notes, size=font_size(len(summary.rows)), resize=resize, narrow=narrow)


def latex_definitions(summaries: Sequence[Summary]) -> str:
    r"""A command \hmifdefinitions with the definitions that short captions leave out, for the text of a paper."""
    texts = list(dict.fromkeys(map(definitions_text, summaries)))
    return "% \\input this file, and write \\hmifdefinitions once, where the metrics are explained.\n" + (
        rf"\newcommand{{\hmifdefinitions}}{{{' '.join(map(caption_text, texts))}}}" + "\n"
    )


def latex_protocols(
    table: ProtocolsTable,
    keys: Mapping[str, str] | None = None,
    *,
    resize: bool = False,
    caption: CaptionLength = "full",
    narrow: bool = False,
) -> str:
    r"""The table over all protocols. Protocols that do not fit beside the others follow below; where that does not fit on one page, in
    further tables. With `narrow` each of them stands in one column of the text."""
    size, text = font_size(len(table.rows)), protocols_caption(table, caption)
    blocks = [_block(table, block, keys or {}, resize=resize, narrow=narrow) for block in protocol_blocks(table, narrow=narrow)]
    together = len(table.rows) * len(blocks) <= _MOST_LINES
    lines, tiers = (count * (len(blocks) if together else 1) for count in (len(table.rows), len({line.tier for line in table.rows})))
    fitting = notes_with_room(protocols_notes(table), text, lines, tiers, resize=resize)
    notes = [_note(mark, text) for mark, text in fitting]
    if together:
        stacked = [line for place, block in enumerate(blocks) for line in ([r"\par\medskip"] if place else []) + block]
        return floating(text, table.stem, stacked, notes, size=size, resize=resize, narrow=narrow)
    first = floating(text, table.stem, blocks[0], notes, size=size, resize=resize, narrow=narrow)
    more = [
        floating(
            [(table.title, f", continued from table 1 of {len(blocks)}")],
            f"{table.stem} {place}",
            block,
            [],
            size=size,
            resize=resize,
            narrow=narrow,
        )
        for place, block in enumerate(blocks[1:], start=2)
    ]
    return "\n".join([first, *more])


def latex_text_table(table: TextTable) -> str:
    """A table of texts: statistics, claims, conventions."""

    def marked(text: str) -> str:
        return MARKS[UNDEFINED].join(map(prose_text, text.split(UNDEFINED)))

    wide = first_column_mm(table)
    lines = [
        rf"\begin{{tabular}}{{@{{}}{f'p{{{wide}mm}}' if wide else 'l'}{'r' * (len(table.heads) - 1)}@{{}}}}",
        r"\toprule",
        " & ".join(map(escape, table.heads)) + r" \\",
        r"\midrule",
        *(
            " & ".join([breakable_text(row[0]) if wide else escape(row[0]), *map(marked, row[1:])]) + r" \\" + "[2pt]" * bool(wide)
            for row in table.rows
        ),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return floating([("", f"{table.title}.")], table.stem, lines, [marked(note) for note in table.notes], size="scriptsize", gap=3)


def _second_line(column: Column) -> str:
    """The second line of the head of a column, in small print; empty where it has one line."""
    second = head_words(column)[1]
    return rf"{{\scriptsize {escape(second)}}}" if second else ""


def _summary_row(row: Row, summary: Summary, keys: Mapping[str, str]) -> str:
    """The name and the means, and the spreads in small print on a line below; for a row without scores the outcome of its cells."""
    key = keys.get(str(row.results[0].card.get("paper") or ""))
    columns, cells = summary.columns, [f"{row.scored}/{row.expected}"] * summary.shows_cells
    ending, room = _ending(row.marks, key)
    if row.scored == 0:
        outcome = rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape(row.outcomes)}{MARKS[MISSING]}}}"
        values = [" & ".join([outcome, *cells])]
    else:
        spreads = [_spread(row, column, ranges=summary.shows_range) for column in columns]
        values = [" & ".join([*(placed_value(row, column) for column in columns), *cells])]
        values += [" & ".join([*spreads, *[""] * summary.shows_cells])] if any(spreads) else []
    empty = " & " * (len(columns) - (not summary.shows_cells))
    return stacked_row(row.label, ending, room, values, empty, bold=row.highlighted)


def _block(table: ProtocolsTable, block: Sequence[int], keys: Mapping[str, str], *, resize: bool, narrow: bool) -> list[str]:
    """The lines of one tabular, with these protocols beside each other; where it is narrow, units stand below the labels."""
    metrics = len(table.columns)
    alignment = (r"@{\hskip 12pt}" + "r" * metrics) * len(block)
    lines = [RESIZED] if resize else []
    lines += [rf"\begin{{tabular}}{{@{{}}l{alignment}@{{}}}}", r"\toprule"]
    heads = " & ".join(rf"\multicolumn{{{metrics}}}{{c}}{{{escape(table.summaries[at].name)}}}" for at in block)
    rules = "".join(rf"\cmidrule(lr){{{2 + metrics * step}-{1 + metrics * (step + 1)}}}" for step in range(len(block)))
    labels, units = [column_head(column) for column in table.columns], [_second_line(column) for column in table.columns]
    beside = [f"{label}~{unit}" if unit else label for label, unit in zip(labels, units, strict=True)]
    below = [labels, units] if narrow and any(units) else [labels if narrow else beside]
    lines += [rf"Method & {heads} \\", rules, *(" & ".join(["", *words * len(block)]) + r" \\" for words in below)]
    for tier in dict.fromkeys(line.tier for line in table.rows):
        lines += [r"\midrule", rf"\multicolumn{{{1 + metrics * len(block)}}}{{@{{}}l}}{{\textit{{{escape(tier)}}}}} \\"]
        lines += [_protocols_row(line, block, table, keys) for line in table.rows if line.tier == tier]
    return [*lines, r"\bottomrule", r"\end{tabular}" + RESIZED_END * resize]


def _protocols_row(line: ProtocolsRow, block: Sequence[int], table: ProtocolsTable, keys: Mapping[str, str]) -> str:
    """The name, and for each protocol the values, or the outcome of cells without scores."""
    columns, ranges = table.columns, table.summaries[0].shows_range
    key = keys.get(line.paper)
    ending, room = _ending(line.marks, key)
    cells = []
    for row in (line.by_protocol[place] for place in block):
        if row is None or row.scored == 0:
            what = "not run" if row is None else row.outcomes
            cells.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape(what)}{MARKS[MISSING]}}}")
        else:
            values = [placed_value(row, column) for column in columns]
            cells += [values[0] + "".join(MARKS[mark] for mark in row.gaps), *values[1:]]
    spreads = [_spread(line.by_protocol[place], column, ranges=ranges) for place in block for column in columns]
    lines = [" & ".join(cells), *([" & ".join(spreads)] if any(spreads) else [])]
    return stacked_row(line.label, ending, room, lines, " & " * (len(spreads) - 1), bold=line.highlighted)


def _ending(marks: str, key: str | None) -> tuple[str, int]:
    """What follows the name of a row, its marks and the citation, and how many characters wide that is."""
    return "".join(MARKS[mark] for mark in marks) + (rf"~\cite{{{key}}}" if key else ""), len(marks) + 5 * bool(key)


def _note(mark: str, text: str) -> str:
    """One note below a table."""
    return f"{MARKS[mark]} {prose_text(text)}." if mark else f"{prose_text(text)}."


def _spread(row: Row | None, column: Column, *, ranges: bool = False) -> str:
    """The spread in small print; empty where there is none."""
    text = "" if row is None else row.values[column.key].spread_text
    if ranges:
        return rf"{{\tiny {'--'.join(map(number_text, text.split('..')))}}}" if text else ""
    return rf"{{\tiny$\pm$\,{text}}}" if text else ""

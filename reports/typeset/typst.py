r"""The tables of `reports.typeset.latex_tables` as Typst, for documents written in Typst, and for compiling them without TeX.

A .typ file holds one figure over the whole width of a page, for `#include "summary_<protocol>.typ"`; its label is `<tab:...>` as in LaTeX.
Best is bold, second underlined, marks are raised, notes stand below. A \cite of LaTeX is `cite(<key>)`, which is shown where the document
has a `#bibliography("methods.bib")`. Text stands in string literals, in which nothing is markup; only backslash and quote are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reports.content.captions import Caption, CaptionLength, caption_of_length
from reports.content.columns import Column
from reports.content.protocols_table import ProtocolsRow, ProtocolsTable, protocols_caption, protocols_notes
from reports.content.row import MISSING, UNDEFINED, Row
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import slug
from reports.typeset.formulas import Formula, split_formulas, split_head
from reports.typeset.page_fit import first_column_mm, needs_breaking, notes_with_room, protocol_blocks

_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\d|\N{INFINITY})")
_HEAD = """\
#let cited(key) = context if query(bibliography).len() > 0 [~#cite(key)]
#let small(body) = text(size: 0.75em, body)
#let noted(..notes) = align(left, text(size: 0.85em, stack(spacing: 0.6em, ..notes)))
#set figure.caption(position: top)
#show figure.caption: set align(left)
#show figure.caption: set par(justify: true)
#set table(stroke: none, inset: (x: 0.3em, y: 0.35em))
"""
_TOP, _MIDDLE, _PART = (
    "table.hline(stroke: 0.08em),",
    "table.hline(stroke: 0.05em),",
    "stroke: 0.03em",
)  # thick and thin rules as in booktabs


def literal(text: str) -> str:
    r"""`text` on one line as a string literal of Typst: `"` and `\` are escaped, characters that cannot be printed are left out."""
    return _quoted(" ".join(text.split()))


def _quoted(line: str) -> str:
    """A line with its spaces as a string literal."""
    line = "".join(each for each in line if each.isprintable())
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typst_summary(summary: Summary, keys: Mapping[str, str] | None = None, *, label: str = "", caption: CaptionLength = "full") -> str:
    """The summary of one protocol, scene or tier, labelled by its name or by `label`; `keys` has the key for each paper of the cards."""
    columns, count = summary.columns, len(summary.columns)
    lines = [
        f"columns: ({_name_column([row.label for row in summary.rows])}, {'auto, ' * (count + summary.shows_cells)}),",
        f"align: (left, {'right, ' * count}{'center' * summary.shows_cells}),",
        _TOP,
        f"table.header([Method], {''.join(f'{_head(column)}, ' for column in columns)}{'[Cells]' * summary.shows_cells}),",
    ]
    for tier, rows in summary.tiers:
        lines += [_MIDDLE, f"table.cell(colspan: {count + 1 + summary.shows_cells}, emph({literal(tier)})),"]
        lines += [_summary_row(row, summary, keys or {}) for row in rows]
    text = caption_of_length(summary, caption)
    texts = [(note.mark, note.sentence) for note in summary.shared_notes()]
    notes = [_note(mark, each) for mark, each in notes_with_room(texts, text, len(summary.rows), len(summary.tiers))]
    return grid_figure(text, label or summary.name, [[*lines, _TOP]], notes)


def typst_protocols(table: ProtocolsTable, keys: Mapping[str, str] | None = None, *, caption: CaptionLength = "full") -> str:
    """The table over all protocols; those that do not fit beside the others follow below."""
    metrics, grids = len(table.columns), []
    for block in protocol_blocks(table):
        count = metrics * len(block)
        names = "".join(f"table.cell(colspan: {metrics}, align: center, {literal(table.summaries[at].name)}), " for at in block)
        rules = "".join(
            f"table.hline(start: {1 + metrics * step}, end: {1 + metrics * (step + 1)}, {_PART}), " for step in range(len(block))
        )
        heads = "".join(f"{_head(column)}, " for column in table.columns) * len(block)
        lines = [
            f"columns: ({_name_column([line.label for line in table.rows])}, {'auto, ' * count}),",
            f"align: (left, {'right, ' * count}),",
            _TOP,
            f"table.header([Method], {names}{rules}[], {heads}),",
        ]
        for tier in dict.fromkeys(line.tier for line in table.rows):
            lines += [_MIDDLE, f"table.cell(colspan: {count + 1}, emph({literal(tier)})),"]
            lines += [_protocols_row(line, block, table, keys or {}) for line in table.rows if line.tier == tier]
        grids.append([*lines, _TOP])
    text, tiers = protocols_caption(table, caption), {line.tier for line in table.rows}
    fitting = notes_with_room(protocols_notes(table), text, len(table.rows) * len(grids), len(tiers) * len(grids))
    notes = [_note(mark, each) for mark, each in fitting]
    return grid_figure(text, table.stem, grids, notes)


def typst_text_table(table: TextTable) -> str:
    """A table of texts: statistics, claims, conventions."""
    count, wide = len(table.heads) - 1, first_column_mm(table)
    lines = [
        f"columns: ({f'{wide}mm' if wide else 'auto'}, {'auto, ' * count}),",
        f"align: (left, {'right, ' * count}),",
        _TOP,
        f"table.header({', '.join(map(_marked, table.heads))}),",
        _MIDDLE,
        *(f"{', '.join(map(_marked, row))}," for row in table.rows),
        _TOP,
    ]
    return grid_figure([("", f"{table.title}.")], table.stem, [lines], [_marked(note) for note in table.notes], size=7)


def typst_document(tables: Sequence[str], bibliography: str = "") -> str:
    """A document of these tables: A4, two columns, 181 mm of text, as in journals. `bibliography`: the name of a .bib, without suffix."""
    return "\n".join(
        [
            '#set page(paper: "a4", columns: 2, margin: (x: 14.5mm, y: 25mm))',
            "#set text(size: 10pt)",
            *(f"#[\n{table}]\n#pagebreak(weak: true)" for table in tables),
            *([f'#bibliography("{bibliography}.bib")'] if bibliography else []),
        ]
    )


def grid_figure(caption: Caption, label: str, grids: Sequence[Sequence[str]], notes: Sequence[str] = (), size: int = 8) -> str:
    """One figure: the caption, then the tables below one another, then the notes."""
    text = " ".join(f"#strong({literal(strong)}){_sentences(text)}" if strong else _sentences(text) for strong, text in caption)
    tables = ["    table(\n      " + "\n      ".join(lines) + "\n    )" for lines in grids]
    below = ["    noted(\n      " + ",\n      ".join(notes) + ",\n    )"] if notes else []
    body = "\n    v(0.5em)\n".join([*tables, *below])
    opening = f'#figure(kind: table, placement: top, scope: "parent", caption: [{text}], {{\n    set text(size: {size}pt)\n'
    return f"{_HEAD}{opening}{body}\n}}) <tab:{slug(label)}>\n"


def _sentences(text: str) -> str:
    """The text of a caption as content, with its formulas."""
    return "".join(piece.typst if isinstance(piece, Formula) else f"#{_quoted(piece)}" for piece in split_formulas(text))


def _name_column(names: Sequence[str]) -> str:
    """The column of names: as wide as the longest one, or 42 mm where that would be too wide."""
    return "42mm" if needs_breaking(names) else "auto"


def _head(column: Column) -> str:
    """The label of a column, an arrow in the direction in which its values get better, and the unit in small print."""
    arrow = {True: " ↑", False: " ↓", None: ""}[column.higher_is_better]
    label = f'{_content(split_head(column.label))} + "{arrow}"' if arrow else _content(split_head(column.label))
    return f"{label} + linebreak() + small({literal(column.unit)})" if column.unit else label


def _content(pieces: Sequence[str | Formula]) -> str:
    """Pieces of a text as one expression."""
    return " + ".join(f"[{piece.typst}]" if isinstance(piece, Formula) else _quoted(piece) for piece in pieces) or '""'


def _signed(text: str) -> str:
    """A text as a string literal, with minus signs before numbers, which are longer than hyphens."""
    return literal(_MINUS.sub("\N{MINUS SIGN}", text))


def _mark(marks: str) -> str:
    """The marks of notes, raised."""
    return f"super({literal(marks)})"


def _note(mark: str, text: str) -> str:
    """One note below a table."""
    return f"{_mark(mark)} + {_signed(f' {text}.')}" if mark else _signed(f"{text}.")


def _marked(text: str) -> str:
    """A text in which the mark of a note may stand."""
    return f" + {_mark(UNDEFINED)} + ".join(_signed(part) for part in text.split(UNDEFINED))


def _name(label: str, marks: str, key: str | None, *, bold: bool = False) -> str:
    """The name of a row, its marks, and the citation of its paper."""
    name = f"strong({literal(label)})" if bold else literal(label)
    return name + (f" + {_mark(marks)}" if marks else "") + (f" + cited(<{key}>)" if key else "")


def _summary_row(row: Row, summary: Summary, keys: Mapping[str, str]) -> str:
    """The name, the means with their spreads below, and the number of scored cells."""
    name = _name(row.label, row.marks, keys.get(str(row.results[0].card.get("paper") or "")), bold=row.highlighted)
    cells = f"[{row.scored}/{row.expected}]," * summary.shows_cells
    return f"{name}, {_values(row, summary.columns, ranges=summary.shows_range)}{cells}"


def _protocols_row(line: ProtocolsRow, block: Sequence[int], table: ProtocolsTable, keys: Mapping[str, str]) -> str:
    """The name, and for each protocol the values, or the outcome of cells without scores."""
    ranges = table.summaries[0].shows_range
    cells = [_values(line.by_protocol[place], table.columns, marked=True, ranges=ranges) for place in block]
    return f"{_name(line.label, line.marks, keys.get(line.paper), bold=line.highlighted)}, {''.join(cells)}"


def _values(row: Row | None, columns: Sequence[Column], *, marked: bool = False, ranges: bool = False) -> str:
    """One cell per column, or one over all with the outcome of a row without scores; `marked` adds the row's marks to its first value."""
    if row is None or row.scored == 0:
        what = literal("not run" if row is None else row.outcomes)
        return f"table.cell(colspan: {len(columns)}, align: center, {what} + {_mark(MISSING)}), "
    cells = [_value(row, column) for column in columns]
    if marked and row.gaps:
        cells[0] = f"{cells[0]} + {_mark(row.gaps)}"
    spreads = [row.values[column.key].spread_text for column in columns]
    sign = "" if ranges else "± "
    small = [f" + linebreak() + small({_signed(f'{sign}{spread}')})" if spread else "" for spread in spreads]
    return "".join(f"{cell}{spread}, " for cell, spread in zip(cells, small, strict=True))


def _value(row: Row, column: Column) -> str:
    """The mean in the type of its place, and a mark where it is over fewer cells."""
    value = row.values[column.key]
    number = _signed(value.text)
    text = {"best": f"strong({number})", "second": f"underline({number})"}.get(value.place, number)
    mark = row.mark_of(column)
    return text + (f" + {_mark(mark)}" if mark else "")

r"""The tables as Typst: what `reports.typeset.latex` sets, for documents written in Typst, and for compiling them without TeX.

A .typ holds one figure over the whole width of a page, for `#include "summary_<protocol>.typ"`; it is labelled `<tab:...>` as its LaTeX
twin. Best is bold, second underlined, marks are raised, notes stand below. A \cite of LaTeX is `cite(<key>)`, shown where the document has
a `#bibliography("methods.bib")`. Text stands in string literals, where nothing is markup: a backslash and a quote alone are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.content.captions import Caption, caption_of
from reports.content.convention_tables import ProfileTable
from reports.content.protocols_table import Line, Spanning, notes_of, spanning_caption
from reports.content.summary import MISSING, UNDEFINED, Column, Row, Summary
from reports.style import slug
from reports.typeset.latex import LONGEST_LABEL

_HEAD = """\
#let cited(key) = context if query(bibliography).len() > 0 [~#cite(key)]
#let small(body) = text(size: 0.75em, body)
#let noted(..notes) = align(left, text(size: 0.85em, stack(spacing: 0.6em, ..notes)))
#set figure.caption(position: top)
#show figure.caption: set align(left)
#show figure.caption: set par(justify: true)
#set table(stroke: none, inset: (x: 0.3em, y: 0.35em))
"""
_TOP, _MIDDLE, _PART = "table.hline(stroke: 0.08em),", "table.hline(stroke: 0.05em),", "stroke: 0.03em"  # as booktabs rules
_FEW = 8  # columns of texts that leave room for long names


def literal(text: str) -> str:
    r"""`text` on one line as a string of Typst's: `"` and `\` escaped, what cannot be printed left out."""
    flat = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typst_table(summary: Summary, keys: Mapping[str, str] | None = None) -> str:
    """The table of one protocol, scene or tier; `keys` has the citation of each paper text of the cards."""
    columns, count = summary.columns, len(summary.columns)
    lines = [
        f"columns: ({_label_column([row.label for row in summary.rows])}, {'auto, ' * (count + 1)}),",
        f"align: (left, {'right, ' * count}center),",
        _TOP,
        f"table.header([Method], {''.join(f'{_head(column)}, ' for column in columns)}[Cells]),",
    ]
    for tier, rows in summary.tiers:
        lines += [_MIDDLE, f"table.cell(colspan: {count + 2}, emph({literal(tier)})),"]
        lines += [_row(row, columns, keys or {}) for row in rows]
    notes = [f"{_mark(note.mark)} + {literal(f' {note.label}: {note.text}.')}" for note in summary.notes]
    return _figure(caption_of(summary), summary.name, [[*lines, _TOP]], notes)


def typst_spanning(table: Spanning, keys: Mapping[str, str] | None = None) -> str:
    """The table over all protocols; those that do not fit beside the others follow below."""
    metrics, grids = len(table.columns), []
    for block in table.blocks:
        count = metrics * len(block)
        names = "".join(f"table.cell(colspan: {metrics}, align: center, {literal(table.summaries[at].name)}), " for at in block)
        rules = "".join(
            f"table.hline(start: {1 + metrics * step}, end: {1 + metrics * (step + 1)}, {_PART}), " for step in range(len(block))
        )
        heads = "".join(f"{_head(column)}, " for column in table.columns) * len(block)
        lines = [
            f"columns: ({_label_column([line.label for line in table.lines])}, {'auto, ' * count}),",
            f"align: (left, {'right, ' * count}),",
            _TOP,
            f"table.header([Method], {names}{rules}[], {heads}),",
        ]
        for tier in dict.fromkeys(line.tier for line in table.lines):
            lines += [_MIDDLE, f"table.cell(colspan: {count + 1}, emph({literal(tier)})),"]
            lines += [_line(line, block, table.columns, keys or {}) for line in table.lines if line.tier == tier]
        grids.append([*lines, _TOP])
    notes = [f"{_mark(mark)} + {literal(f' {text}.')}" for mark, text in notes_of(table)]
    return _figure(spanning_caption(table), "protocols", grids, notes)


def typst_profile(table: ProfileTable) -> str:
    """A table of texts: statistics, claims, conventions."""
    count = len(table.heads) - 1
    lines = [
        f"columns: ({_label_column([row[0] for row in table.rows], 62 if count <= _FEW else 42)}, {'auto, ' * count}),",
        f"align: (left, {'right, ' * count}),",
        _TOP,
        f"table.header({', '.join(map(_marked, table.heads))}),",
        _MIDDLE,
        *(f"{', '.join(map(_marked, row))}," for row in table.rows),
        _TOP,
    ]
    return _figure([("", f"{table.title}.")], table.name, [lines], [_marked(note) for note in table.notes], size=7)


def typst_document(tables: Sequence[str], bibliography: str = "") -> str:
    """A document of these tables: A4, two columns, 181 mm of text, as journals have. `bibliography`: the name of a .bib, without suffix."""
    return "\n".join(
        [
            '#set page(paper: "a4", columns: 2, margin: (x: 14.5mm, y: 25mm))',
            "#set text(size: 10pt)",
            *(f"#[\n{table}]\n#pagebreak(weak: true)" for table in tables),
            *([f'#bibliography("{bibliography}.bib")'] if bibliography else []),
        ]
    )


def _figure(caption: Caption, name: str, grids: Sequence[Sequence[str]], notes: Sequence[str], size: int = 8) -> str:
    """One figure: the caption above, the tables below one another, then the notes."""
    said = " ".join(f"#strong({literal(strong)})#{literal(text)}" if strong else f"#{literal(text)}" for strong, text in caption)
    tables = ["    table(\n      " + "\n      ".join(lines) + "\n    )" for lines in grids]
    below = ["    noted(\n      " + ",\n      ".join(notes) + ",\n    )"] if notes else []
    body = "\n    v(0.5em)\n".join([*tables, *below])
    opening = f'#figure(kind: table, placement: top, scope: "parent", caption: [{said}], {{\n    set text(size: {size}pt)\n'
    return f"{_HEAD}{opening}{body}\n}}) <tab:{slug(name)}>\n"


def _label_column(labels: Sequence[str], widest: int = 42) -> str:
    """As wide as the longest label, or so many mm, at which a long one breaks."""
    return "auto" if max(map(len, labels)) <= LONGEST_LABEL else f"{widest}mm"


def _head(column: Column) -> str:
    """Label, the direction in which it gets better, and the unit in small print."""
    arrow = {True: " ↑", False: " ↓", None: ""}[column.higher_is_better]
    label = literal(column.label).removesuffix('"') + f'{arrow}"'
    return f"{label} + linebreak() + small({literal(column.unit)})" if column.unit else label


def _mark(marks: str) -> str:
    """The signs of notes, raised."""
    return f"super({literal(marks)})"


def _marked(text: str) -> str:
    """A text with the sign of a note in it."""
    return f" + {_mark(UNDEFINED)} + ".join(literal(part) for part in text.split(UNDEFINED))


def _name(label: str, marks: str, key: str | None) -> str:
    """A row's name, its marks, and where it is from."""
    return literal(label) + (f" + {_mark(marks)}" if marks else "") + (f" + cited(<{key}>)" if key else "")


def _row(row: Row, columns: Sequence[Column], keys: Mapping[str, str]) -> str:
    """The name, the means over their spreads, and how many cells were scored."""
    name = _name(row.label, row.marks, keys.get(str(row.results[0].card.get("paper") or "")))
    return f"{name}, {_values(row, columns)}[{row.scored}/{row.expected}],"


def _line(line: Line, block: Sequence[int], columns: Sequence[Column], keys: Mapping[str, str]) -> str:
    """The name, and each protocol's values or what became of its cells."""
    cells = [_values(line.rows[place], columns, marked=True) for place in block]
    return f"{_name(line.label, '', keys.get(line.paper))}, {''.join(cells)}"


def _values(row: Row | None, columns: Sequence[Column], *, marked: bool = False) -> str:
    """A cell a column, or one over all of them that says what became of the row; `marked`: the row's marks at its first value."""
    if row is None or row.scored == 0:
        what = literal("not run" if row is None else row.outcomes)
        return f"table.cell(colspan: {len(columns)}, align: center, {what} + {_mark(MISSING)}), "
    cells = [_value(row, column) for column in columns]
    if marked and row.marks:
        cells[0] = f"{cells[0]} + {_mark(row.marks)}"
    spreads = [row.values[column.key].spread_text for column in columns]
    small = [f" + linebreak() + small({literal(f'± {spread}')})" if spread else "" for spread in spreads]
    return "".join(f"{cell}{spread}, " for cell, spread in zip(cells, small, strict=True))


def _value(row: Row, column: Column) -> str:
    """The mean as its place asks."""
    value = row.values[column.key]
    text = {"best": f"strong({literal(value.text)})", "second": f"underline({literal(value.text)})"}.get(value.place, literal(value.text))
    return text + (f" + {_mark(UNDEFINED)}" if row.partly_defined(column) else "")

r"""A summary as LaTeX: booktabs and nothing else, best in bold, second underlined, spreads, tiers, notes, a caption that says all.

`latex_table` gives a `table*` for \input (the document loads booktabs); `latex_document` one that compiles by itself.
Text from records is escaped whatever it holds: TeX's special characters, ligatures of hyphens, and letters that pdflatex does not know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from benchmark.metrics.facts import find_metric
from reports.style import protocol_sentence, slug
from reports.summary import MISSING, UNDEFINED, UNRANKED, Column, Row, Summary
from reports.tables import spread_sentence

_MARKS = {MISSING: r"$^{\dagger}$", UNRANKED: r"$^{\ddagger}$", UNDEFINED: r"$^{\S}$"}
_LONGEST_LABEL = 26  # characters on one line
_BREAKS = "-_,;:/)]>|+"  # a long label may break after these
_MOST_SCENES = 16  # named in a caption
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "-": r"-{}",
    "[": "{[}",  # after a line break it would be an option
    "*": "{*}",
    "\u00d7": r"$\times$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "°": r"$^{\circ}$",
    "²": r"$^{2}$",
    "\u2013": "--",
    "—": "---",
    "…": r"\ldots{}",
    "\u2019": "'",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
}  # fmt: skip
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)


def escape(text: str) -> str:
    r"""`text` on one line as TeX prints it; a character beyond Latin and Greek becomes its code, as in \texttt{U+4E2D}."""
    return "".join(_character(character) for character in " ".join(text.split()))


def latex_table(summary: Summary) -> str:
    r"""The table for \input into a document that loads booktabs."""
    count = len(summary.columns)
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{_caption(summary)}}}",
        rf"\label{{tab:{slug(summary.name)}}}",
        r"\smallskip\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{@{{}}{_label_column(summary)}{'r' * count}c@{{}}}}",
        r"\toprule",
        " & ".join(["Method", *(_head(column) for column in summary.columns), "Cells"]) + r" \\",
        " & ".join(["", *(rf"{{\scriptsize {escape(column.unit)}}}" if column.unit else "" for column in summary.columns), ""]) + r" \\",
    ]
    for tier, rows in summary.tiers:
        lines += [r"\midrule", rf"\multicolumn{{{count + 2}}}{{@{{}}l}}{{\textit{{{escape(tier)}}}}} \\"]
        lines += [_row(row, summary.columns) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if summary.notes:
        notes = [f"{_MARKS[note.mark]} {escape(note.label)}: {escape(note.text)}." for note in summary.notes]
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", " \\par\n".join(notes), r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table*}"]) + "\n"


def latex_document(tables: Sequence[str]) -> str:
    """A document of these tables that pdflatex compiles by itself, on A4 with the text width of a two-column journal."""
    return "\n".join(
        [
            r"\documentclass[10pt,a4paper]{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage{booktabs}",
            r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
            r"\setlength{\textwidth}{181mm}\setlength{\oddsidemargin}{-11mm}\setlength{\evensidemargin}{-11mm}",
            r"\setlength{\textheight}{240mm}\setlength{\topmargin}{-15mm}",
            r"\begin{document}",
            "\\clearpage\n".join(tables),
            r"\end{document}",
        ]
    )


def _head(column: Column) -> str:
    """Label, and the direction in which it gets better."""
    arrow = {True: r"\,$\uparrow$", False: r"\,$\downarrow$", None: ""}[column.higher_is_better]
    return escape(column.label) + arrow


def _label_column(summary: Summary) -> str:
    """As wide as the longest label, or a paragraph where that would be too wide for the page."""
    return "l" if max(len(row.label) for row in summary.rows) <= _LONGEST_LABEL else "p{42mm}"


def _row(row: Row, columns: Sequence[Column]) -> str:
    """The means, and the spreads in small print on a line of their own."""
    label = escape(row.label)
    if len(row.label) > _LONGEST_LABEL:  # may break after a sign that closes something
        label = r"\raggedright " + "".join(_character(each) + r"\allowbreak{}" * (each in _BREAKS) for each in " ".join(row.label.split()))
    label += "".join(_MARKS[mark] for mark in row.marks)
    cells = f"{row.scored}/{row.expected}"
    if row.scored == 0:
        return rf"{label} & \multicolumn{{{len(columns)}}}{{c}}{{{escape(row.outcomes)}{_MARKS[MISSING]}}} & {cells} \\"
    lines = [" & ".join([label, *(_value(row, column) for column in columns), cells]) + r" \\"]
    spreads = [row.values[column.key].spread_text for column in columns]
    if any(spreads):
        lines += [" & ".join(["", *(rf"{{\tiny$\pm$\,{text}}}" if text else "" for text in spreads), ""]) + r" \\[1.5pt]"]
    return "\n".join(lines)


def _value(row: Row, column: Column) -> str:
    """The mean as its place asks."""
    value = row.values[column.key]
    text = escape(value.text)
    return {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}", "": text}[value.place] + (
        _MARKS[UNDEFINED] if row.partly_defined(column) else ""
    )


def _caption(summary: Summary) -> str:
    """Protocol, what the numbers are means of, the conventions of the metrics, and how to read the marks."""
    metrics = [find_metric(column.key) for column in summary.columns if column.higher_is_better is not None]
    conventions = "; ".join(f"{fact.label}{f' ({fact.unit})' if fact.unit else ''}: {fact.definition}" for fact in metrics)
    spread = (
        " $\\pm$ standard deviation over them" if any(value.spread_text for row in summary.rows for value in row.values.values()) else ""
    )
    scenes = f": {escape(', '.join(summary.scenes))}" if 1 < len(summary.scenes) <= _MOST_SCENES else ""
    sentences = [
        rf"\textbf{{{escape(summary.name)}}}: {escape(protocol_sentence(summary.protocol))}.",
        f"{escape(spread_sentence(summary)).rstrip('.')}{spread}{scenes}.",
        r"Best of a tier in bold, second underlined, among at least two ranked rows; a tie is marked as one.",
        f"{escape(conventions)}.",
        f"Seconds on {escape(summary.machine)}: mean of the cells' medians." if summary.machine else "",
        "Memory: peak of the cell's own process, libraries included, in units of $10^6$ bytes.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character if character.isprintable() else ""
    name = unicodedata.name(character, "")
    letter = name.removeprefix("GREEK SMALL LETTER ").lower().replace("lamda", "lambda")  # Unicode's own spelling
    if name.startswith("GREEK SMALL LETTER ") and letter in _GREEK:
        return rf"$\{letter}$"
    if "\u00c0" <= character <= "\u017e" and name.startswith("LATIN "):
        return character
    return rf"\texttt{{U+{ord(character):04X}}}"

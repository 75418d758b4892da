r"""A summary as LaTeX: booktabs and nothing else, best in bold, second underlined, spreads, tiers, notes, a caption that says all.

`latex_table` gives a `table*` for \input (the document loads booktabs, and graphicx where a table is resized); `latex_document` a document
in two columns that compiles by itself. `keys` has the \cite key of each paper text of the cards (`reports.bibliography`).
Text from records is escaped whatever it holds: TeX's special characters, ligatures of hyphens, and letters that pdflatex does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from reports.captions import Caption, caption_of
from reports.style import slug
from reports.summary import INFINITE, MISSING, UNDEFINED, UNRANKED, Column, Row, Summary

MARKS = {MISSING: r"$^{\dagger}$", UNRANKED: r"$^{\ddagger}$", UNDEFINED: r"$^{\S}$", INFINITE: r"$^{\infty}$"}
RESIZED = (  # graphicx's \width and \totalheight are the content's own; what is left of the page is for caption and notes
    r"\resizebox*{!}{\ifdim\totalheight>.7\textheight .7\textheight\else\totalheight\fi}{"
    r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
)
RESIZED_END = "}}"
_MOST_ROWS = 20  # in the ordinary type size: with their spreads, more do not fit on a page
LONGEST_LABEL = 26  # characters on one line
_BREAKS = "-_,;:/)]>|+"  # a long label may break after these
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
    "⁶": r"$^{6}$",
    "\u2013": "--",
    "—": "---",
    "…": r"\ldots{}",
    "\u2019": "'",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "†": r"$\dagger$",
    "▲": r"$\bigtriangleup$",
    "▼": r"$\bigtriangledown$",
    "‡": r"$\ddagger$",
}  # fmt: skip
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)


def escape(text: str) -> str:
    r"""`text` on one line as TeX prints it; a character beyond Latin and Greek becomes its code, as in \texttt{U+4E2D}."""
    return "".join(_character(character) for character in " ".join(text.split()))


def latex_table(summary: Summary, keys: Mapping[str, str] | None = None, *, resize: bool = False) -> str:
    r"""The table for \input into a document that loads booktabs; `resize` shrinks it to \linewidth and 0.7 \textheight, by graphicx."""
    count = len(summary.columns)
    lines = [
        *([RESIZED] if resize else []),
        rf"\begin{{tabular}}{{@{{}}{label_column([row.label for row in summary.rows])}{'r' * count}c@{{}}}}",
        r"\toprule",
        " & ".join(["Method", *(head(column) for column in summary.columns), "Cells"]) + r" \\",
        " & ".join(["", *(rf"{{\scriptsize {escape(column.unit)}}}" if column.unit else "" for column in summary.columns), ""]) + r" \\",
    ]
    for tier, rows in summary.tiers:
        lines += [r"\midrule", rf"\multicolumn{{{count + 2}}}{{@{{}}l}}{{\textit{{{escape(tier)}}}}} \\"]
        lines += [_row(row, summary.columns, keys or {}) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}" + RESIZED_END * resize]
    notes = [f"{MARKS[note.mark]} {escape(note.label)}: {escape(note.text)}." for note in summary.notes]
    return floating(caption_of(summary), summary.name, lines, notes, size=type_size(len(summary.rows)), resize=resize)


def type_size(rows: int) -> str:
    """Of a table of so many methods: a smaller one where the ordinary one would not fit on a page."""
    return "footnotesize" if rows <= _MOST_ROWS else r"scriptsize\renewcommand{\arraystretch}{0.85}"


def floating(
    caption: Caption,
    name: str,
    lines: Sequence[str],
    notes: Sequence[str],
    *,
    size: str = "footnotesize",
    gap: int = 4,
    resize: bool = False,
) -> str:
    r"""A `table*` around the lines of a tabular: packages, caption, label, type size, points between columns; the notes below, if any."""
    said = " ".join(rf"\textbf{{{escape(strong)}}}{_sentences(text)}" if strong else _sentences(text) for strong, text in caption)
    opening = [
        "% needs \\usepackage{booktabs}" + ("\\usepackage{graphicx}" if resize else ""),
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{said}}}",
        rf"\label{{tab:{slug(name)}}}",
        rf"\smallskip\{size}",
        rf"\setlength{{\tabcolsep}}{{{gap}pt}}",
    ]
    below = [r"\par\smallskip", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", " \\par\n".join(notes), r"\end{minipage}"]
    return "\n".join([*opening, *lines, *(below if notes else []), r"\end{table*}"]) + "\n"


def latex_document(tables: Sequence[str], bibliography: str = "") -> str:
    """A document of these tables that pdflatex compiles by itself: A4, two columns, 181 mm of text, as journals have.

    `bibliography`: the name of a .bib beside it, without suffix.
    """
    return "\n".join(
        [
            r"\documentclass[10pt,a4paper,twocolumn]{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage{booktabs}",
            r"\usepackage{graphicx}",
            r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
            r"\setlength{\textwidth}{181mm}\setlength{\oddsidemargin}{-11mm}\setlength{\evensidemargin}{-11mm}\setlength{\columnsep}{5mm}",
            r"\setlength{\textheight}{240mm}\setlength{\topmargin}{-15mm}",
            r"\begin{document}",
            "\\clearpage\n".join([*tables, *([rf"\bibliographystyle{{plain}}\bibliography{{{bibliography}}}"] if bibliography else [])]),
            r"\end{document}",
        ]
    )


def head(column: Column) -> str:
    """Label, and the direction in which it gets better."""
    arrow = {True: r"\,$\uparrow$", False: r"\,$\downarrow$", None: ""}[column.higher_is_better]
    return escape(column.label) + arrow


def label_column(labels: Sequence[str], widest: int = 42) -> str:
    """As wide as the longest label, or a paragraph of so many mm where that would be too wide for the page."""
    return "l" if max(map(len, labels)) <= LONGEST_LABEL else f"p{{{widest}mm}}"


def label(row: Row, keys: Mapping[str, str]) -> str:
    """The name, its marks, and where it is from."""
    key = keys.get(str(row.results[0].card.get("paper") or ""))
    return name_of(row.label) + "".join(MARKS[mark] for mark in row.marks) + (rf"~\cite{{{key}}}" if key else "")


def name_of(text: str) -> str:
    """A row's name; a long one may break after a sign that closes something."""
    if len(text) <= LONGEST_LABEL:
        return escape(text)
    return r"\raggedright " + "".join(_character(each) + r"\allowbreak{}" * (each in _BREAKS) for each in " ".join(text.split()))


def _row(row: Row, columns: Sequence[Column], keys: Mapping[str, str]) -> str:
    """The means, and the spreads in small print on a line of their own."""
    name, cells = label(row, keys), f"{row.scored}/{row.expected}"
    if row.scored == 0:
        return rf"{name} & \multicolumn{{{len(columns)}}}{{c}}{{{escape(row.outcomes)}{MARKS[MISSING]}}} & {cells} \\"
    lines = [" & ".join([name, *(value_of(row, column) for column in columns), cells]) + r" \\"]
    spreads = [row.values[column.key].spread_text for column in columns]
    if any(spreads):
        lines += [" & ".join(["", *(rf"{{\tiny$\pm$\,{text}}}" if text else "" for text in spreads), ""]) + r" \\[1.5pt]"]
    return "\n".join(lines)


def value_of(row: Row, column: Column) -> str:
    """The mean as its place asks."""
    value = row.values[column.key]
    text = escape(value.text)
    return {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}", "": text}[value.place] + (
        MARKS[UNDEFINED] if row.partly_defined(column) else ""
    )


def _sentences(text: str) -> str:
    """A caption's plain text, its n in italics as mathematics has it."""
    return re.sub(r"\(n = (\d+)\)", r"($n = \1$)", escape(text))


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

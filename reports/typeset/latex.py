r"""The parts of LaTeX tables: escaped text, captions, and the `table*` around a tabular; `reports.typeset.latex_tables` puts them together.

Text from records is escaped whatever it holds: special characters of TeX, ligatures of hyphens, and letters that pdflatex does not have.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from reports.content.captions import Caption
from reports.content.columns import INFINITE, Column
from reports.content.row import MISSING, OPTIMISED, TIMED, UNDEFINED, UNRANKED, Row
from reports.style import slug
from reports.typeset.formulas import Formula, split_formulas, split_head
from reports.typeset.page_fit import BREAKS, MOST_ROWS, wrapped_name

MARKS = {
    MISSING: r"$^{\dagger}$",
    UNRANKED: r"$^{\ddagger}$",
    UNDEFINED: r"$^{\S}$",
    TIMED: r"$^{\P}$",
    OPTIMISED: r"$^{\|}$",
    INFINITE: r"$^{\infty}$",
}
RESIZED = (  # \width and \totalheight of graphicx are those of the content; 0.3 of the page is left to the caption and the notes
    r"\resizebox*{!}{\ifdim\totalheight>.7\textheight .7\textheight\else\totalheight\fi}{"
    r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
)
RESIZED_END = "}}"
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
    "[": "{[}",  # at the beginning of a line it would be read as an option
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
    "\u201c": "``",
    "\u201d": "''",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "†": r"$\dagger$",
    "▲": r"$\bigtriangleup$",
    "▼": r"$\bigtriangledown$",
    "‡": r"$\ddagger$",
    "§": r"\S{}",
    "¶": r"\P{}",
    "‖": r"$\|$",
}  # fmt: skip
_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)


def escape(text: str) -> str:
    r"""`text` on one line as TeX prints it; a character that is neither Latin nor Greek becomes its code, as in \texttt{U+4E2D}."""
    return "".join(_character(character) for character in " ".join(text.split()))


def floating(
    caption: Caption,
    label: str,
    lines: Sequence[str],
    notes: Sequence[str],
    *,
    size: str = "footnotesize",
    gap: int = 4,
    resize: bool = False,
    narrow: bool = False,
) -> str:
    r"""A `table*` around the lines of a tabular, with its packages, caption, label and notes; `gap` is in points, between the columns.

    With `narrow` it is a `table`, for one column of the text.
    """
    kind = "table" if narrow else "table*"
    text = " ".join(rf"\textbf{{{escape(strong)}}}{caption_text(rest)}" if strong else caption_text(rest) for strong, rest in caption)
    opening = [
        "% needs \\usepackage{booktabs}" + ("\\usepackage{graphicx}" if resize else ""),
        rf"\begin{{{kind}}}[t]",
        r"\centering",
        *([rf"\caption{{{text}}}"] if text else []),
        rf"\label{{tab:{slug(label)}}}",
        rf"\smallskip\{size}",
        rf"\setlength{{\tabcolsep}}{{{gap}pt}}",
    ]
    below = [r"\par\smallskip", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", " \\par\n".join(notes), r"\end{minipage}"]
    return "\n".join([*opening, *lines, *(below if notes else []), rf"\end{{{kind}}}"]) + "\n"


def latex_document(tables: Sequence[str], bibliography: str = "") -> str:
    """A document of these tables that pdflatex can compile: A4, two columns, 181 mm of text, as in journals.

    `bibliography` is the name of a .bib file beside it, without suffix.
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


def font_size(rows: int) -> str:
    """The font size of a table with so many methods: a smaller one where the usual one would not fit on a page."""
    return "footnotesize" if rows <= MOST_ROWS else r"scriptsize\renewcommand{\arraystretch}{0.85}"


def column_head(column: Column) -> str:
    """The first line of the head of a column, and an arrow in the direction in which its values get better."""
    arrow = {True: r"\,$\uparrow$", False: r"\,$\downarrow$", None: ""}[column.higher_is_better]
    return _set(split_head(head_words(column)[0])) + arrow


def head_words(column: Column) -> tuple[str, str]:
    """The two lines of a column's head: label and unit; of a label of two words without a unit, one word each."""
    first, _, second = column.label.partition(" ")
    return (column.label, column.unit) if column.unit or " " in second else (first, second)


def breakable_text(text: str) -> str:
    """A text that may be broken after certain characters, too; its second line is indented."""
    return r"\raggedright\hangindent=1em " + "".join(
        _character(each) + r"\allowbreak{}" * (each in BREAKS) for each in " ".join(text.split())
    )


def stacked_row(label: str, ending: str, room: int, lines: Sequence[str], empty: str, *, bold: bool = False) -> str:
    """The lines of a row whose name may need several: each stands beside one of `lines`, so that a spread stays below its value.

    `ending` follows the name (marks, citation), and is as wide as `room` characters. `empty` are the cells of a line without values.
    """
    names = wrapped_name(label, room)
    set_names = [rf"\textbf{{{escape(name)}}}" if bold else escape(name) for name in names]
    texts = [*set_names[:-1], set_names[-1] + ending]
    rows = [f"{name or ''} & {empty if cells is None else cells}" for name, cells in zip_longest(texts, lines)]
    return " \\\\\n".join(rows) + (r" \\[1.5pt]" if len(rows) > 1 else r" \\")


def placed_value(row: Row, column: Column) -> str:
    """The mean in the type of its place, and a mark where it is over fewer cells."""
    value = row.values[column.key]
    text = number_text(value.text)
    return {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}", "": text}[value.place] + (MARKS.get(row.mark_of(column), ""))


def number_text(text: str) -> str:
    """A number as TeX prints it, with a minus sign, which is longer than a hyphen, and powers of ten."""
    return prose_text(text)


def caption_text(text: str) -> str:
    """The text of a caption with its formulas, and with its n in italics as in formulas."""
    return re.sub(r"\(n = (\d+)\)", r"($n = \1$)", prose_text(text))


def prose_text(text: str) -> str:
    """A text with its formulas and numbers as mathematics; all the rest is escaped."""
    return _set(split_formulas(text))


def _set(pieces: Sequence[str | Formula]) -> str:
    return "".join(piece.latex if isinstance(piece, Formula) else "".join(map(_character, piece)) for piece in pieces)


def _character(character: str) -> str:
    """One character as TeX prints it."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character if character.isprintable() else ""
    name = unicodedata.name(character, "")
    letter = name.removeprefix("GREEK SMALL LETTER ").lower().replace("lamda", "lambda")  # Unicode spells it so
    if name.startswith("GREEK SMALL LETTER ") and letter in _GREEK:
        return rf"$\{letter}$"
    if "\u00c0" <= character <= "\u017e" and name.startswith("LATIN "):
        return character
    return rf"\texttt{{U+{ord(character):04X}}}"

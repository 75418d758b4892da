"""The tables with a row for each scene (`reports.content.scenes_table`) as LaTeX, Typst, Markdown, and a frame for CSV."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from reports.content.scenes_table import MEAN, SceneNumber, ScenesTable
from reports.typeset.latex import caption_text, escape, floating, number_text
from reports.typeset.markdown import markdown_escape
from reports.typeset.typst import grid_figure, literal

_MOST_METHODS, _MOST_NARROW = 8, 3  # beside one another: over the page, and in one column of the text
_NAME = 13  # characters on one line of a head
_BREAK = r" \\ "
_LATEX = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
_MARKDOWN = {"best": "**%s**", "second": "_%s_", "": "%s"}


def latex_scenes(table: ScenesTable, *, narrow: bool = False, caption: bool = True) -> str:
    """The table for LaTeX, with booktabs alone; methods that do not fit beside the others follow below."""
    lines: list[str] = []
    for part in _parts(table, narrow=narrow):
        lines += [*([r"\par\medskip"] if lines else []), *_latex_block(part)]
    return floating(table.caption if caption else [], f"scenes {table.name}", lines, [], narrow=narrow)


def typst_scenes(table: ScenesTable, *, caption: bool = True) -> str:
    """The table for Typst."""
    grids = []
    for part in _parts(table, narrow=False):
        count = len(part.rows)
        tiers = "".join(f"table.cell(colspan: {size}, align: center, emph({literal(tier)})), " for tier, size in _tiers(part))
        heads = "".join(" + linebreak() + ".join(map(literal, _name_lines(row.label))) + ", " for row in part.rows)
        grids.append(
            [
                f"columns: {count + 1},",
                f"align: (left, {'right, ' * count}),",
                "table.hline(stroke: 0.08em),",
                f"[], {tiers}[Scene], {heads}",
                "table.hline(stroke: 0.05em),",
                *(f"{literal(scene)}, {_typst_numbers(row)}" for scene, row in zip(part.scenes, part.numbers, strict=True)),
                "table.hline(stroke: 0.05em),",
                f"[{MEAN}], {_typst_numbers(part.means)}",
                "table.hline(stroke: 0.08em),",
            ]
        )
    return grid_figure(table.caption if caption else [], f"scenes {table.name}", grids)


def markdown_scenes(table: ScenesTable) -> str:
    """The table for GitHub, all methods beside one another."""
    (strong, text), *_ = table.caption
    heads = [markdown_escape(row.label) for row in table.rows]
    lines = [f"**{markdown_escape(strong)}**{markdown_escape(text)}", "", f"| scene | {' | '.join(heads)} |"]
    lines.append(f"| --- |{' ---: |' * len(heads)}")
    for scene, numbers in [*zip(table.scenes, table.numbers, strict=True), (MEAN, table.means)]:
        lines.append(f"| {markdown_escape(scene)} | {' | '.join(_MARKDOWN[each.place] % each.text for each in numbers)} |")
    return "\n".join(lines) + "\n"


def scenes_frame(table: ScenesTable) -> pd.DataFrame:
    """One row per scene, one column per method, unrounded; without the means."""
    rows = [
        {"scene": scene, **{row.label: number.value for row, number in zip(table.rows, numbers, strict=True)}}
        for scene, numbers in zip(table.scenes, table.numbers, strict=True)
    ]
    return pd.DataFrame(rows)


def _parts(table: ScenesTable, *, narrow: bool) -> list[ScenesTable]:
    most = _MOST_NARROW if narrow else _MOST_METHODS
    return [table.part(first, first + most) for first in range(0, len(table.rows), most)]


def _tiers(table: ScenesTable) -> list[tuple[str, int]]:
    """Each tier with the number of its methods."""
    return [(tier, len(list(inside))) for tier, inside in groupby(table.rows, key=lambda row: row.tier)]


def _name_lines(label: str) -> list[str]:
    return textwrap.wrap(label, _NAME) or [label]


def _latex_block(table: ScenesTable) -> list[str]:
    """One tabular."""
    start, tiers, rules = 2, list[str](), list[str]()
    for tier, size in _tiers(table):
        width = max(size * 9, 16)  # characters; the words of a tier stand on lines of their own
        lines = _BREAK.join(map(escape, textwrap.wrap(tier, width)))
        tiers.append(rf"\multicolumn{{{size}}}{{c}}{{\shortstack{{{lines}}}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + size - 1}}}")
        start += size
    names = [[_bold(escape(line), bold=row.highlighted) for line in _name_lines(row.label)] for row in table.rows]
    heads = [rf"\shortstack[r]{{{_BREAK.join(lines)}}}" for lines in names]
    return [
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(table.rows)}@{{}}}}",
        r"\toprule",
        " & ".join(["", *tiers]) + r" \\",
        "".join(rules),
        " & ".join(["Scene", *heads]) + r" \\",
        r"\midrule",
        *(" & ".join([caption_text(scene), *_latex_numbers(row)]) + r" \\" for scene, row in zip(table.scenes, table.numbers, strict=True)),
        r"\midrule",
        " & ".join([MEAN, *_latex_numbers(table.means)]) + r" \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _bold(text: str, *, bold: bool) -> str:
    return rf"\textbf{{{text}}}" if bold else text


def _latex_numbers(numbers: Sequence[SceneNumber]) -> list[str]:
    return [_LATEX[each.place] % number_text(each.text) for each in numbers]


def _typst_numbers(numbers: Sequence[SceneNumber]) -> str:
    kinds = {"best": "strong(%s)", "second": "underline(%s)", "": "%s"}
    return "".join(f"{kinds[each.place] % literal(each.text)}, " for each in numbers)

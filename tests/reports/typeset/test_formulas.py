"""Formulas: every one stands in a definition, both typesetters set it, and the text around it stays as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.metrics.metric_facts import METRICS
from benchmark.run_folder.record import Result
from reports.content.columns import metric_column
from reports.content.summary import summarise
from reports.content.text_table import TextTable
from reports.typeset.formulas import FORMULAS, Formula, split_formulas
from reports.typeset.latex import caption_text, column_head, escape, floating, latex_document
from reports.typeset.latex_tables import latex_summary
from reports.typeset.page_fit import LONGEST_NAME, SMALLER, wrapped_name
from reports.typeset.typst import literal, typst_document, typst_summary, typst_text_table
from tests.reports.tex import needs, tex, text_of

ALL = [fact.name for fact in METRICS if fact.higher_is_better is not None]


def test_every_formula_stands_in_a_definition() -> None:
    definitions = [fact.definition for fact in METRICS] + [rule.definition for facts in FACTS for rule in facts.rules]
    for formula in FORMULAS:
        assert any(formula.plain in definition for definition in definitions), formula.plain


def test_splitting_changes_nothing_but_the_form() -> None:
    for fact in METRICS:
        pieces = split_formulas(f"a  {fact.definition} b")
        assert "".join(piece.plain if isinstance(piece, Formula) else piece for piece in pieces) == f"a {fact.definition} b"
    assert [getattr(piece, "latex", piece) for piece in split_formulas("in 8 x 8 blocks, 2^n")] == [
        "in ",
        r"$8\times8$",
        " blocks, ",
        "$2^{n}$",
    ]


def test_captions_have_no_formula_in_the_letters_of_a_program(results: list[Result]) -> None:
    summary = summarise(results, ALL)[1]
    for table in (latex_summary(summary), typst_summary(summary)):
        caption = next(line for line in table.splitlines() if "caption" in line and "Textbook" in line)
        for raw in ("log10(", "sqrt(mean", "8 x 8", "textasciicircum", "{*}", "mtf_", "mtf\\_", "(mean of the reference)^2"):
            assert raw not in caption, raw
        assert caption.count("bands constant in the reference") == 1


def test_every_formula_compiles(tmp_path: Path) -> None:
    needs("pdftotext")
    text = "; ".join(f"before {formula.plain} after" for formula in FORMULAS)
    tex(tmp_path, latex_document([floating([("", text)], "t", [r"\begin{tabular}{l}a\end{tabular}"], [])]))
    assert text_of(tmp_path / "table.pdf").count("before") == len(FORMULAS)


def test_every_formula_compiles_in_typst(tmp_path: Path) -> None:
    typst = pytest.importorskip("typst", reason="needs typst")
    for number, formula in enumerate(FORMULAS):
        (tmp_path / f"{number}.typ").write_text(typst_document([f"#{literal('before ')}{formula.typst}"]), encoding="utf-8")
        typst.compile(str(tmp_path / f"{number}.typ"), output=str(tmp_path / f"{number}.pdf"), ignore_system_fonts=True)


@pytest.mark.parametrize("room", [0, 7])
@pytest.mark.parametrize(
    "name", ["GSA", "MossFuse (50 steps, under-trained)", "x" * 60, "a-b_c/d " * 9, "one two three four five six seven"]
)
def test_a_wrapped_name_keeps_its_letters_and_fits(name: str, room: int) -> None:
    lines = wrapped_name(name, room)
    assert "".join("".join(lines).split()) == "".join(name.split())
    assert all(0 < len(line) <= LONGEST_NAME for line in lines)
    assert len(lines[-1]) + room <= LONGEST_NAME + SMALLER or len(lines[-1].split()[-1]) + room > LONGEST_NAME


def test_the_spread_of_a_long_name_stands_on_the_line_below_its_value(results: list[Result]) -> None:
    """The second line of the name has the spreads beside it; it is not a paragraph that pushes them away."""
    name = "MossFuse (50 steps, under-trained) and more words that take a third line"
    table = latex_summary(summarise([replace(r, label=name) if r.method == "mossfuse" else r for r in results])[0])
    rows = table.splitlines()
    at = next(place for place, row in enumerate(rows) if row.startswith(escape("MossFuse (50 steps, under-")))
    assert r"& {\tiny$\pm$" not in rows[at]
    assert rows[at + 1].startswith(escape("trained)"))
    assert rows[at + 1].count(r"{\tiny$\pm$") > 2
    assert rows[at + 2].split("&")[1].strip() == ""
    assert all(row.count("&") == rows[at].count("&") for row in rows[at : at + 3])


def test_no_metric_is_told_in_the_letters_of_a_program(tmp_path: Path) -> None:
    texts = [fact.definition for fact in METRICS] + [rule.definition for facts in FACTS for rule in facts.rules]
    heads = [column_head(metric_column(fact.name)) for fact in METRICS]
    for text in [*map(caption_text, texts), *heads]:
        assert not re.search(r"\{\*\}|-\{\}\d| -\{\} |asciicircum|textbar|sqrt\(|log10\(|\d\.\.\d", re.sub(r"clipped to \S+", "", text)), (
            text
        )
    table = rf"\begin{{tabular}}{{l}}{' '.join(heads)}\end{{tabular}}"
    tex(tmp_path, latex_document([floating([], "t", [table], list(map(caption_text, dict.fromkeys(texts))))]))


def test_typst_takes_all_of_that_too(tmp_path: Path) -> None:
    typst = pytest.importorskip("typst", reason="needs typst")
    texts = [fact.definition for fact in METRICS] + ["R-FUSE: -0.35 dB [-0.61, 0.02], 10-12 of x^2 * y, 1e-6 and 1.2e-7"]
    table = TextTable("t", "; ".join(texts), ("Method", "Difference"), (("a", "-0.35"),), ("-1.5 dB",))
    text = typst_text_table(table)
    assert '"\N{MINUS SIGN}0.35"' in text
    (tmp_path / "t.typ").write_text(typst_document([text]))
    assert typst.compile(str(tmp_path / "t.typ"))

"""The tables as a paper wants them: columns, names, order, spreads, captions. The expected numbers come from the records by statistics."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import SelectionError
from reports.content.choice import choose_records, read_choice
from reports.content.paper_style import styled_all
from reports.content.protocols_table import tabulate_protocols
from reports.content.scenes_table import scenes_tables
from reports.content.summary import Summary, summarise
from reports.typeset.latex import latex_document, number_text, prose_text
from reports.typeset.latex_tables import latex_definitions, latex_protocols, latex_summary
from reports.typeset.markdown import markdown_summary
from reports.typeset.plain_text import plain_summary
from reports.typeset.scenes_typeset import latex_scenes, markdown_scenes, scenes_frame, typst_scenes
from reports.typeset.typst import typst_document, typst_protocols, typst_summary
from tests.reports.conftest import SCENES
from tests.reports.tex import needs, tex, text_of


def shown(results: list[Result], **options: Any) -> list[Summary]:
    """The summaries as they are typeset with these options of the command line."""
    choice = read_choice(**options)
    return styled_all(summarise(choose_records(results, choice), choice.metrics), choice.style)


TIERS = (
    "told the colour response",
    "told the colour response",
    "told blur and colour response",
    "told nothing; learned from other scenes, without their truth",
)


def test_the_columns_are_exactly_those_that_are_asked_for(results: list[Result]) -> None:
    first = shown(results, columns="sam,psnr,seconds")[0]
    assert [column.key for column in first.columns] == ["sam", "psnr", "seconds"]
    table = latex_summary(first)
    head = next(line for line in table.splitlines() if line.startswith("Method"))
    assert [re.sub(r"[^A-Z a-z].*", "", name).strip() for name in head.split("&")] == ["Method", "SAM", "PSNR", "Fusion"]
    assert "Cells" in latex_summary(shown(results, columns="psnr,cells")[0])
    for text in (typst_summary(first), markdown_summary(first), plain_summary(first)):
        assert "SSIM" not in text
        assert "Params" not in text
    assert first.rows[0].label != ""


def test_rows_are_ranked_by_the_first_metric_among_the_columns(results: list[Result]) -> None:
    choice = read_choice(columns="seconds,sam,psnr")
    assert choice.metrics == ("sam", "psnr")


def test_the_range_is_that_of_the_scenes(results: list[Result]) -> None:
    summary = shown(results, columns="psnr", spread="range")[0]
    row = next(row for row in summary.rows if row.label == "R-FUSE")
    scenes: dict[str, list[float]] = {}
    for result in row.results:
        scenes.setdefault(result.scene, []).append(float(result.metrics["psnr"] or 0))
    means = [fmean(values) for values in scenes.values()]
    assert row.values["psnr"].spread_text == f"{min(means):.2f}..{max(means):.2f}"
    assert f"{min(means):.2f}--{max(means):.2f}" in latex_summary(summary)
    assert "the least and the largest value over the scenes" in latex_summary(summary)
    assert "pm" not in latex_summary(shown(results, spread="none")[0])
    table = tabulate_protocols(shown(results, columns="psnr", spread="range"))
    assert table is not None
    assert f"{min(means):.2f}--{max(means):.2f}" in latex_protocols(table)
    assert "pm" not in latex_protocols(table)
    assert f'"{min(means):.2f}..{max(means):.2f}"' in typst_protocols(table)


def test_names_and_order_hold_everywhere(results: list[Result]) -> None:
    summary = shown(results, rename=["R-FUSE=Ours"], order="HySure,*")[0]
    labels = [row.label for row in summary.rows]
    assert "Ours" in labels
    assert "R-FUSE" not in labels
    tier = next(rows for _, rows in summary.tiers if any(row.label == "HySure" for row in rows))
    assert tier[0].label == "HySure"
    assert "Ours" in plain_summary(summary)


@pytest.mark.parametrize("protocols", [False, True])
def test_a_short_caption_leaves_the_definitions_to_the_text(results: list[Result], protocols: bool) -> None:
    summaries = summarise(results)
    table = tabulate_protocols(summaries)
    assert table is not None
    full, short, none = (
        latex_protocols(table, caption=length) if protocols else latex_summary(summaries[0], caption=length)
        for length in ("full", "short", "none")
    )
    assert "no border cropped" in full
    assert "no border cropped" not in short
    assert 0 < len(re.search(r"\\caption\{(.*)\}", short).group(1).split()) < 100  # type: ignore[union-attr]
    assert r"\caption" not in none
    definitions = latex_definitions(summaries)
    assert definitions.count(r"\newcommand") == 1
    assert "no border cropped" in definitions


def test_a_row_that_is_to_stand_out_does_in_every_format(results: list[Result]) -> None:
    first, second = shown(results, highlight="rfuse,Bicub*")
    assert [row.label for row in first.rows if row.highlighted] == ["Bicubic", "R-FUSE"]
    table = tabulate_protocols([first, second])
    assert table is not None
    for text in (latex_summary(first), latex_protocols(table)):
        assert r"\textbf{R-{}FUSE}" in text
        assert r"\textbf{HySure}" not in text
    assert 'strong("R-FUSE")' in typst_summary(first)
    assert 'strong("R-FUSE")' in typst_protocols(table)
    assert "| **R-FUSE** |" in markdown_summary(first)
    assert "\u25b8 R-FUSE" in plain_summary(first)
    assert "\u25b8 HySure" not in plain_summary(first)


def blind_too(results: list[Result]) -> list[Result]:
    """The run with a blind form of R-FUSE, whose method has the same name."""
    blind = [
        replace(r, key=f"b{r.key}", label="R-FUSE + hysure blind", tier="told nothing", parameters={"rank": 15, "blind": "hysure"})
        for r in results
        if r.method == "rfuse"
    ]
    return [*results, *blind]


@pytest.mark.parametrize(
    ("methods", "labels"),
    [
        ("rfuse", {"R-FUSE"}),
        ("rfuse*", {"R-FUSE", "R-FUSE + hysure blind"}),
        ("rfuse blind=hysure", {"R-FUSE + hysure blind"}),
        ("R-FUSE", {"R-FUSE"}),
    ],
)
def test_the_name_of_a_method_is_its_row_alone_and_not_the_blind_form(results: list[Result], methods: str, labels: set[str]) -> None:
    kept = choose_records(blind_too(results), read_choice(methods=methods))
    assert {result.label for result in kept} == labels
    (first, *_) = shown(blind_too(results), highlight="rfuse")
    assert [row.label for row in first.rows if row.highlighted] == ["R-FUSE"]


def test_a_run_with_the_blind_form_alone_calls_it_by_the_name_of_the_method(results: list[Result]) -> None:
    alone = [result for result in blind_too(results) if result.label != "R-FUSE"]
    assert {result.label for result in choose_records(alone, read_choice(methods="rfuse"))} == {"R-FUSE + hysure blind"}


def test_scenes_are_rows_with_the_means_of_each_scene(results: list[Result]) -> None:
    tables = scenes_tables(shown(results, columns="sam,psnr"), ("sam", "psnr"))
    assert [(table.summary.name, table.column.key) for table in tables] == [
        (name, metric) for name in ("camera-x8", "noisy_x4 & <b>") for metric in ("sam", "psnr")
    ]
    table = tables[1]
    by_hand = {
        (scene, label): fmean(
            r.metrics["psnr"] or 0.0 for r in results if r.protocol["ratio"] == 8 and (r.scene, r.label) == (scene, label) and r.metrics
        )
        for scene in SCENES
        for label in {r.label for r in results}
    }
    for scene, numbers in zip(table.scenes, table.numbers, strict=True):
        for row, number in zip(table.rows, numbers, strict=True):
            assert number.text == f"{by_hand[scene, row.label]:.2f}"
            best = row.tier == "told blur and colour response" and by_hand[scene, row.label] == max(
                by_hand[scene, label] for label in ("R-FUSE", "HySure")
            )
            assert (number.place == "best") == best, row.label  # in the other tiers fewer than two rows are ranked
    assert [number.text for number in table.means] == [row.values["psnr"].text for row in table.rows]
    missing = tables[3].numbers[0][[row.label for row in tables[3].rows].index("HySure")]
    assert (missing.text, missing.value, missing.place) == ("\N{EN DASH}", None, "")


def test_the_tables_of_scenes_compile_and_fit_a_column(results: list[Result], tmp_path: Path) -> None:
    tables = scenes_tables(shown(results, columns="psnr"), ())
    assert markdown_scenes(tables[0]).count("\n| ") == len(SCENES) + 3
    assert next(iter(scenes_frame(tables[0]).columns)) == "scene"
    said = tex(tmp_path, latex_document([latex_scenes(each, narrow=True) for each in tables] + [latex_scenes(tables[0])]))
    assert "Overfull" not in said
    typst = pytest.importorskip("typst", reason="needs typst")
    (tmp_path / "t.typ").write_text(typst_document(list(map(typst_scenes, tables))))
    assert typst.compile(str(tmp_path / "t.typ"))


def test_four_methods_of_three_tiers_with_long_names_fit_a_column(results: list[Result], tmp_path: Path) -> None:
    """Bold names, and tiers of many words over a single method each, made the four beside one another too wide."""
    tables = [
        replace(
            table,
            scenes=tuple(f"builtin/still_life{n}" for n, _ in enumerate(table.scenes)),
            rows=tuple(
                replace(row, label=f"Spectral kriging (our{n})", tier=tier, highlighted=True)
                for n, (row, tier) in enumerate(zip(table.rows, TIERS, strict=False))
            ),
            numbers=tuple(numbers[: len(TIERS)] for numbers in table.numbers),
            means=table.means[: len(TIERS)],
        )
        for table in scenes_tables(shown(results, columns="psnr"), ())[:1]
    ]
    assert len(tables[0].rows) == len(TIERS)
    assert "Overfull" not in tex(tmp_path, latex_document([latex_scenes(each, narrow=True) for each in tables]))


def test_the_table_over_protocols_fits_one_column_too(results: list[Result], tmp_path: Path) -> None:
    table = tabulate_protocols(shown(results, columns="psnr,seconds", spread="none"))
    assert table is not None
    text = latex_protocols(table, caption="short", narrow=True)
    assert r"\begin{table}[t]" in text
    assert "Fusion" in text
    assert "Overfull" not in tex(tmp_path, latex_document([text]))


def test_minus_signs_are_those_of_mathematics() -> None:
    assert number_text("-0.35") == "$-0.35$"
    assert number_text("1e-05") == "$10^{-5}$"
    assert number_text("1.2e-07") == r"$1.2\times10^{-7}$"
    assert number_text("0.35") == "0.35"
    assert prose_text("R-FUSE: -0.35 dB [-0.61, 0.02], 10-12 of x^2 * y, [10:-11]") == (
        r"R-{}FUSE: $-0.35$ dB {[}$-0.61$, 0.02], 10-{}12 of x$^{2}$ $\cdot$ y, {[}10:$-11$]"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"columns": "psnr,fusion"}, "expected one of"),
        ({"columns": "seconds,cells"}, "add psnr"),
        ({"columns": "psnr", "metrics": "sam"}, "expected no --metrics"),
        ({"spread": "variance"}, "expected one of std, none, range"),
        ({"caption": "long"}, "expected one of short, full, none"),
        ({"rename": ["R-FUSE"]}, "OLD=NEW"),
        ({"rename": ["R-FUSE=HySure"]}, "another row is called"),
        ({"rename": ["R-FUSE=A", "HySure=A"]}, "got 'A' twice"),
        ({"rename": ["RFUSE=A"]}, "got 'RFUSE'"),
        ({"order": "nobody"}, "got no match"),
    ],
)
def test_what_cannot_be_is_refused(results: list[Result], options: dict[str, Any], text: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(text)):
        shown(results, **options)


def test_a_narrow_table_and_the_definitions_compile(results: list[Result], tmp_path: Path) -> None:
    needs("pdftotext")
    summaries = shown(results, columns="psnr,sam", caption="short", spread="range", single_column=True)
    table = latex_summary(summaries[0], caption="short", narrow=True)
    assert r"\begin{table}[t]" in table
    document = latex_document([table]).replace(r"\begin{document}", latex_definitions(summaries) + r"\begin{document}")
    log = tex(tmp_path, document.replace(r"\end{document}", r"\hmifdefinitions\end{document}"))
    assert "Overfull" not in log
    assert "Textbook metrics" in re.sub(r"\s+", " ", text_of(tmp_path / "table.pdf"))

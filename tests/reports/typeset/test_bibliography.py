"""The .bib: one entry a paper, complete for every method of the catalog, and BibTeX takes all of it without a warning."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmark.run_folder.record import Result
from methods.catalog import find
from methods.lowrank import nlstf
from methods.unsupervised.cucanet import method as cucanet
from reports.content.summary import summarise
from reports.typeset.bibliography import ReferencesError, bibliography, bibtex, cite_keys, read_references
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_summary
from tests.reports.tex import needs, tex, text_of


def with_card(results: list[Result], method: str, **card: object) -> list[Result]:
    return [replace(r, card={**r.card, **card}) if r.method == method else r for r in results]


def catalog_cards() -> dict[str, dict[str, object]]:
    """The card of every method, and of the two methods whose parameters make them another paper's."""
    variants = {"hyconet": cucanet.Method(attention=False), "nlstf as published": nlstf.Method(back_projection=True)}
    loaded = {name: entry.load().card for name, entry in find().items()}
    return {name: asdict(card) for name, card in (loaded | {name: method.describe() for name, method in variants.items()}).items()}


def test_the_checked_entries_are_complete() -> None:
    found = read_references()
    assert {"10.1109/LSP.2016.2608858", "10.1109/TGRS.2007.901007"} <= set(found)
    for paper, fields in found.items():
        years = re.findall(r"[. ]((?:19|20)\d\d)(?:\.|$)", paper.replace("arXiv.", "arXiv.20"))  # 1901 of an arXiv number is 2019
        assert not years or abs(int(years[0]) - fields["year"]) <= 1, paper  # a DOI's year is that of acceptance
        assert all(name.count(",") == 1 for name in fields["author"].split(" and ")), paper
        if "pages" in fields:
            first, last = map(int, fields["pages"].split("--"))
            assert first <= last, paper
        if "eprint" in fields:
            assert paper.endswith(f"arXiv.{fields['eprint']}")
            assert fields["howpublished"] == f"arXiv:{fields['eprint']}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["10.x"]\ntype = "misc"\ntitle = "x"\nyear = 1\n', "expected a DOI"),
        ('["10.1109/x"]\ntype = "paper"\n', "expected a DOI or a card's text, and a type"),
        ('["a card"]\ntype = "misc"\ntitle = "x"\nyear = 1\n', "expected author for @misc, got none"),
        ('["10.1109/x"]\ntype = "article"\nauthor = "A, B"\ntitle = "x"\nyear = 1\n', "expected journal"),
        ('["10.1109/x"]\ntype = "misc"\nauthor = "A, B"\ntitle = "{x"\nyear = 1\n', "matching braces"),
    ],
)
def test_an_entry_that_bibtex_could_not_print_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ReferencesError, match=message):
        read_references(tmp_path / "r.toml")


def test_a_known_doi_gets_its_entry_and_a_plugins_paper_the_cards_text(results: list[Result]) -> None:
    cards = with_card(with_card(results, "bicubic", doi="10.9999/unknown", paper="A & B, 100% {new}", year=2020), "hysure", paper="")
    entries = {entry.key: entry for entry in bibliography(cards).values()}
    text = entries["bicubic2020"].bibtex()
    assert text.startswith("@misc{bicubic2020,")
    assert "  author = " not in text
    assert r"  title = {{A \& B, 100\% \{new\}}}" in text
    assert "  doi = {10.9999/unknown}" in text
    assert not any(key.startswith("hysure") for key in entries)
    assert [(entry.fields["doi"], entry.fields["journal"]) for entry in entries.values() if entry.kind == "article"] == [
        ("10.1109/LSP.2016.2608858", "IEEE Signal Processing Letters")
    ]


def test_two_cards_that_state_no_paper_are_no_one_paper(results: list[Result]) -> None:
    cards = with_card(with_card(results, "bicubic", doi="", paper="not stated"), "gsa", doi="", paper="not stated")
    assert "not stated" not in bibliography(cards)
    assert "not stated" not in cite_keys(cards)
    assert "not stated" not in bibtex(cards)


def test_text_of_a_card_that_is_no_doi_is_not_printed_as_one(results: list[Result]) -> None:
    cards = with_card(results, "bicubic", doi="to appear", paper="Someone, Some Journal 2020")
    assert "to appear" not in bibtex(cards)


def test_every_method_of_the_catalog_has_authors_and_title_that_agree_with_its_card(results: list[Result]) -> None:
    cards = catalog_cards()
    by_paper = bibliography([replace(results[0], method=name, card=card) for name, card in cards.items()])
    assert [name for name, card in cards.items() if card["paper"] not in by_paper] == ["kriging"]  # this suite's own
    for paper, entry in by_paper.items():
        surnames = [latex_to_ascii(name.partition(",")[0]) for name in entry.fields["author"].split(" and ")]
        assert paper.startswith(", ".join(surnames) + ", "), (paper, surnames)
        title = latex_to_ascii(entry.fields["title"]).casefold()
        assert title in paper.casefold(), (paper, title)
        assert not re.search(r"\bet al\b", entry.bibtex())
        assert "under-trained" not in entry.bibtex()
    used = {card["doi"] for card in cards.values()} | {card["paper"] for card in cards.values()}
    assert set(read_references()) <= used


def latex_to_ascii(text: str) -> str:
    """The text without BibTeX's braces and accents."""
    return re.sub(r"[{}]|\\['~]", "", text)


def test_methods_of_one_paper_share_a_key_and_two_papers_never_do(results: list[Result]) -> None:
    alike = [replace(r, card={**r.card, "paper": "Shared", "doi": "10.1/shared"}) for r in results]
    assert set(cite_keys(alike).values()) == {"bicubic2016"}
    two = [replace(r, method="same", card={**r.card, "doi": "", "paper": f"paper of {r.label}"}) for r in results]
    keys = list(cite_keys(two).values())
    assert len(keys) == len(set(keys)) == 5


def test_bibtex_takes_the_whole_catalog_without_a_warning(results: list[Result], tmp_path: Path) -> None:
    needs("bibtex")
    cards = catalog_cards()
    (tmp_path / "all.bib").write_text(
        bibtex([replace(results[0], method=name, card=card) for name, card in cards.items()]), encoding="utf-8"
    )
    body = r"\nocite{*}\bibliographystyle{plain}\bibliography{all}"
    document = rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}"
    assert "Warning" not in tex(tmp_path, document, ["bibtex", "table"])
    tex(tmp_path, document, ["bibtex", "table"], *[["pdflatex", "-interaction=nonstopmode", "table"]] * 2)
    papers = {str(card["doi"] or card["paper"]) for card in cards.values()} - {str(cards["kriging"]["paper"])}
    assert (tmp_path / "table.bbl").read_text(encoding="utf-8").count("\\bibitem") == len(papers)


def test_latex_and_bibtex_resolve_every_citation(results: list[Result], tmp_path: Path) -> None:
    needs("bibtex", "pdftotext")
    cards = [replace(r, card={**r.card, "doi": "" if r.method != "rfuse" else r.card["doi"]}) for r in results]
    (tmp_path / "methods.bib").write_text(bibtex(cards), encoding="utf-8")
    table = latex_summary(summarise(cards)[0], cite_keys(cards))
    assert r"R-{}FUSE~\cite{rfuse2016}" in table
    latex = ["pdflatex", "-interaction=nonstopmode", "table"]
    document = latex_document([table], "methods")
    assert "Warning" not in tex(tmp_path, document, ["bibtex", "table"])
    assert "undefined" not in tex(tmp_path, document, ["bibtex", "table"], latex, latex)
    text = text_of(tmp_path / "table.pdf")
    assert re.search(r"R-FUSE \[\d\]", text)
    assert "IEEE Signal Processing" in re.sub(r"\s+", " ", text)

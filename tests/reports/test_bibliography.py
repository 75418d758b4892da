"""The .bib: one entry a paper, from the checked table where the DOI is there, and BibTeX takes all of it without a warning."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmark.result import Result
from methods.catalog import find
from reports.bibliography import ReferencesError, bibliography, bibtex, cite_keys, read_references
from reports.latex import latex_document, latex_table
from reports.summary import summarise
from tests.reports.tex import needs, tex, text_of


def with_card(results: list[Result], method: str, **card: object) -> list[Result]:
    return [replace(r, card={**r.card, **card}) if r.method == method else r for r in results]


def test_the_checked_entries_are_complete() -> None:
    found = read_references()
    assert {"10.1109/LSP.2016.2608858", "10.1109/TGRS.2007.901007"} <= set(found)
    for paper, fields in found.items():
        years = re.findall(r"[. ]((?:19|20)\d\d)(?:\.|$)", paper)
        assert not years or abs(int(years[0]) - fields["year"]) <= 1, paper  # a DOI's year is that of acceptance
        for field in fields.get("unknown", ()):
            assert field not in fields, paper
        if "author" in fields:
            names = fields["author"].split(" and ")
            assert all(name.count(",") == 1 for name in names), paper
            surnames = [name.partition(",")[0] for name in names]
            told = re.findall(r"^((?:[A-Z][\w ]+, )+)[A-Z]", paper)  # a card without a DOI begins with the surnames
            assert not told or "et al" in paper or told[0].split(", ")[: len(surnames)] == surnames, paper
        if "pages" in fields:
            first, last = map(int, fields["pages"].split("--"))
            assert first <= last, doi


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["10.x"]\ntype = "misc"\ntitle = "x"\nyear = 1\n', "expected a DOI"),
        ('["10.1109/x"]\ntype = "paper"\n', "expected a DOI or a card's text, and a type"),
        ('["a card"]\ntype = "misc"\ntitle = "x"\nyear = 1\n', "expected author for @misc, got none; list in `unknown`"),
        ('["10.1109/x"]\ntype = "article"\nauthor = "A, B"\ntitle = "x"\nyear = 1\n', "expected journal"),
        ('["10.1109/x"]\ntype = "misc"\nauthor = "A, B"\ntitle = "{x"\nyear = 1\n', "matching braces"),
    ],
)
def test_an_entry_that_bibtex_could_not_print_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ReferencesError, match=message):
        read_references(tmp_path / "r.toml")


def test_a_known_doi_gets_the_checked_entry_and_any_other_the_cards_text_marked_as_such(results: list[Result]) -> None:
    cards = with_card(with_card(results, "bicubic", doi="10.9999/unknown", paper="A & B, 100% {new}", year=2020), "hysure", paper="")
    entries = {entry.key: entry for entry in bibliography(cards).values()}
    assert entries["bicubic2020"].checked is False
    text = entries["bicubic2020"].bibtex()
    assert text.startswith("% not known to this suite: author, title; the rest is the method's card as it stands\n@misc{bicubic2020,")
    assert "  author = " not in text
    assert "[as on the method's card]}}" in text
    assert r"A \& B, 100\% \{new\}" in entries["bicubic2020"].bibtex()
    assert not any(key.startswith("hysure") for key in entries)
    checked = [entry for entry in entries.values() if entry.checked]
    assert [(entry.fields["doi"], entry.fields["journal"]) for entry in checked] == [
        ("10.1109/LSP.2016.2608858", "IEEE Signal Processing Letters")
    ]


def test_every_method_of_the_catalog_has_authors_and_title_or_a_comment_that_they_are_not_known(results: list[Result]) -> None:
    cards = {name: asdict(entry.load().card) for name, entry in find().items()}
    by_paper = bibliography([replace(results[0], method=name, card=card) for name, card in cards.items()])
    entries = {name: by_paper.get(card["paper"]) for name, card in cards.items()}
    assert [name for name, entry in entries.items() if entry is None] == ["kriging"]  # this suite's own
    unknown = {name: entry.unknown for name, entry in entries.items() if entry is not None and entry.unknown}
    both = ("author", "title")
    assert unknown == dict.fromkeys(("c2ff", "daem", "edipnet", "m2unet", "mossfuse"), both) | {
        "spectramorph": ("title",),
    }
    for entry in by_paper.values():
        assert ("author" in entry.fields) == ("author" not in entry.unknown), entry.key
        assert (entry.fields["title"].endswith("]}")) == ("title" in entry.unknown), entry.key
        assert "%" in entry.bibtex() if entry.unknown else entry.checked
        assert "under-trained" not in entry.bibtex()
    used = {card["doi"] for card in cards.values()} | {card["paper"] for card in cards.values()}
    assert set(read_references()) <= used


def test_methods_of_one_paper_share_a_key_and_two_papers_never_do(results: list[Result]) -> None:
    alike = [replace(r, card={**r.card, "paper": "Shared", "doi": "10.1/shared"}) for r in results]
    assert set(cite_keys(alike).values()) == {"bicubic2016"}
    two = [replace(r, method="same", card={**r.card, "doi": "", "paper": f"paper of {r.label}"}) for r in results]
    keys = list(cite_keys(two).values())
    assert len(keys) == len(set(keys)) == 5


def test_latex_and_bibtex_resolve_every_citation(results: list[Result], tmp_path: Path) -> None:
    needs("bibtex", "pdftotext")
    cards = [replace(r, card={**r.card, "doi": "" if r.method != "rfuse" else r.card["doi"]}) for r in results]
    (tmp_path / "methods.bib").write_text(bibtex(cards), encoding="utf-8")
    table = latex_table(summarise(cards)[0], cite_keys(cards))
    assert r"R-{}FUSE~\cite{rfuse2016}" in table
    latex = ["pdflatex", "-interaction=nonstopmode", "table"]
    document = latex_document([table], "methods")
    assert "Warning" not in tex(tmp_path, document, ["bibtex", "table"])
    assert "undefined" not in tex(tmp_path, document, ["bibtex", "table"], latex, latex)
    text = text_of(tmp_path / "table.pdf")
    assert re.search(r"R-FUSE \[\d\]", text)
    assert "IEEE Signal Processing" in re.sub(r"\s+", " ", text)

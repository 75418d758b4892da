"""Every card cites its paper in full: authors, title, venue, year, and a DOI or where the paper is to be had without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from methods.catalog import find
from methods.contract import Card
from methods.lowrank import nlstf
from methods.unsupervised.cucanet import method as cucanet

ROOT = Path(__file__).parents[2]
VENUES = (
    "CVPR", "CVPR Workshops", "ECCV", "ICCV", "IEEE GRSL", "IEEE ICIP", "IEEE JSTARS", "IEEE SPL", "IEEE TASSP", "IEEE TCYB", "IEEE TGRS",
    "IEEE TIP", "IEEE TNNLS", "Information Fusion", "International Journal of Remote Sensing", "PE&RS",
)  # fmt: skip
CITATION = re.compile(
    r"(?P<authors>(?:[A-Z][A-Za-z-]+(?: [A-Z][a-z]+)?, )+)(?P<title>[A-Z].{8,}?), "
    rf"(?:(?P<venue>{'|'.join(map(re.escape, VENUES))}) (?P<year>\d{{4}})(?:, arXiv (?P<also>\d{{4}}\.\d{{5}}))?"
    r"|arXiv (?P<number>\d{4}\.\d{5}), (?P<posted>\d{4}))(?P<open>, open access at thecvf\.com)?(?:; .*)?"
)
DOI = re.compile(r"10\.\d{4,9}/\S*[A-Za-z0-9]")
CARDS = {name: entry.load().card for name, entry in find().items()} | {
    "cucanet without attention": cucanet.Method(attention=False).describe(),
    "nlstf with back-projection": nlstf.Method(back_projection=True).describe(),
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_names_authors_title_venue_and_year_and_a_doi_or_why_there_is_none(card: Card) -> None:
    if card.paper.startswith("a method of this suite"):
        assert not card.doi
        assert (ROOT / card.paper.partition(": ")[2]).is_file()
        return
    cited = CITATION.fullmatch(card.paper)
    assert cited is not None, card.paper
    assert int(cited["year"] or cited["posted"]) == card.year
    number = cited["number"] or cited["also"]
    assert DOI.fullmatch(card.doi) if card.doi else cited["open"], card.doi
    assert (card.doi == f"10.48550/arXiv.{number}") == (number is not None)


@pytest.mark.parametrize(
    "paper",
    [
        "Guo et al., DAEM, CVPR 2023",
        "UMC2FF, IEEE GRSL 2023",
        "Shah, Duarte, SpectraMorph",
        "MossFuse, arXiv 2412.04802",
        "Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP",
        "Keys, Cubic convolution interpolation for digital image processing, 1981",
    ],
)
def test_a_citation_without_authors_title_venue_or_year_is_told_from_a_full_one(paper: str) -> None:
    assert CITATION.fullmatch(paper) is None


def test_one_doi_is_one_paper() -> None:
    papers = {card.doi: card.paper for card in CARDS.values()}
    assert {(card.doi, card.paper) for card in CARDS.values() if card.doi} == {(doi, paper) for doi, paper in papers.items() if doi}


def test_no_text_of_the_repository_leaves_a_doi_unchecked() -> None:
    folders = [ROOT / name for name in ("benchmark", "datasets", "docs", "methods", "reports", "tests")]
    files = [path for folder in folders for kind in ("py", "toml", "md", "j2") for path in folder.rglob(f"*.{kind}")]
    assert {"mhfnet.py", "claims.toml", "deep.md", "page.html.j2"} <= {path.name for path in files}
    unchecked = re.compile(r"(?i)\bdoi[\W_]{0,8}(?:was |is )?(?:not checked|unchecked|unknown|todo|tbd)")
    assert unchecked.search("d" + 'oi="not checked"')
    assert [path.name for path in files if unchecked.search(path.read_text(encoding="utf-8"))] == []

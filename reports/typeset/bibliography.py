r"""The .bib file of the papers that the cards in the records name, and the \cite key of each paper.

A key is the name of the method in the catalog with the year of the paper; configurations of one paper share it. `references.toml` has the
fields that BibTeX needs, by DOI or by the card's text of the paper. The paper of a plugin that is not there has an entry of the card's text
(@misc), whose title is that text. A card without a paper has no entry and no key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.record import Result
from reports.typeset.latex import escape

REFERENCES = Path(__file__).parent / "references.toml"
REQUIRED = {
    "article": ("author", "title", "journal", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "misc": ("author", "title", "year"),
}
DOI = re.compile(r"10\.\d{4,9}/\S+")
_WITHOUT_PAPER = ("a method of this suite", "not stated")  # how the paper text begins on the card of a method without a paper


class ReferencesError(ValueError):
    """An entry that BibTeX could not print; the text says which one and why."""


@dataclass(frozen=True)
class BibliographyEntry:
    """The entry of one paper."""

    key: str
    kind: str  # article, inproceedings, misc
    fields: Mapping[str, str]  # in the syntax of BibTeX

    def bibtex(self) -> str:
        """The text of the entry in the .bib file."""
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"


def cite_keys(results: Iterable[Result]) -> dict[str, str]:
    """The key for each paper text of the cards; a paper of two methods has the key of the first method by name."""
    entries = bibliography(results)
    return {paper: entry.key for paper, entry in entries.items()}


def bibliography(results: Iterable[Result]) -> dict[str, BibliographyEntry]:
    """The entry for each paper text of the cards, sorted by key."""
    known = read_references()
    entries: dict[str, BibliographyEntry] = {}
    taken: dict[str, str] = {}  # the key by the DOI or the text of the paper
    cards = {(result.method, str(result.card.get("paper") or "")): result.card for result in results}
    for (method, paper), card in sorted(cards.items(), key=lambda item: item[0]):
        if not paper or paper.startswith(_WITHOUT_PAPER) or paper in entries:
            continue
        doi = str(card.get("doi") or "")
        doi = doi if DOI.fullmatch(doi) else ""
        year = str(card.get("year") or "")
        key = taken.get(doi or paper) or _free(re.sub(r"[^a-z0-9]", "", method.lower()) + year, set(taken.values()))
        taken[doi or paper] = key
        entries[paper] = _entry(key, card, doi, known)
    return dict(sorted(entries.items(), key=lambda item: item[1].key))


def bibtex(results: Iterable[Result]) -> str:
    """The text of the .bib file, with every paper once."""
    entries = {entry.key: entry for entry in bibliography(results).values()}
    return "\n".join(entry.bibtex() for entry in entries.values())


def read_references(file: Path = REFERENCES) -> dict[str, dict[str, Any]]:
    """The checked entries of `references.toml`, by DOI, or by the text of cards without one.

    Raises:
        ReferencesError: a broken DOI, an unknown type, a field that the type needs is missing, or braces that do not match.
    """
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    for paper, fields in table.items():
        kind = fields.get("type")
        if (paper.startswith("10.") and not DOI.fullmatch(paper)) or kind not in REQUIRED:
            raise ReferencesError(
                f"{file.name}, {paper}: expected a DOI or a card's text, and a type of {', '.join(REQUIRED)}, got type {kind}"
            )
        missing = [name for name in REQUIRED[kind] if not fields.get(name)]
        if missing:
            raise ReferencesError(f"{file.name}, {paper}: expected {', '.join(missing)} for @{kind}, got none; add it to the entry")
        broken = [name for name, value in fields.items() if not _balanced(str(value))]
        if broken:
            raise ReferencesError(f"{file.name}, {paper}: expected matching braces in {', '.join(broken)}")
    return table


def _entry(key: str, card: Mapping[str, Any], doi: str, known: Mapping[str, Mapping[str, Any]]) -> BibliographyEntry:
    """The entry from `references.toml`, or from the text of the card."""
    doi_field = {"doi": doi} if doi else {}
    table = known.get(doi) or known.get(str(card["paper"]))
    if table is not None:
        fields = {name: str(value) for name, value in table.items() if name != "type"}
        return BibliographyEntry(key, table["type"], fields | doi_field)
    fields = {"key": escape(str(card.get("name") or key)), "title": f"{{{escape(str(card['paper']))}}}"}  # BibTeX sorts by `key`
    fields |= {"year": escape(str(card["year"]))} if card.get("year") else {}
    return BibliographyEntry(key, "misc", fields | doi_field)


def _free(key: str, taken: set[str]) -> str:
    """The key, followed by a letter where another paper has the same key."""
    names = [key, *(f"{key}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    return next(name for name in names if name not in taken)


def _balanced(text: str) -> bool:
    """Whether every brace has its counterpart."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0

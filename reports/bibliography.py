r"""A .bib of the papers that the records' cards name, and the \cite key of each configuration.

A key is the method's name in the catalog with the paper's year; configurations of one paper share it. What BibTeX wants is in
`references.toml`, by DOI or by the card's text of the paper. A plugin's paper that is not there is an entry of the card's text (@misc),
whose title is that text. A card without a paper has no entry and no key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.record import Result
from reports.latex import escape

REFERENCES = Path(__file__).parent / "references.toml"
REQUIRED = {
    "article": ("author", "title", "journal", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "misc": ("author", "title", "year"),
}
DOI = re.compile(r"10\.\d{4,9}/\S+")
_OWN = "a method of this suite"  # how the card of a method without a paper begins


class ReferencesError(ValueError):
    """An entry that BibTeX could not print; the text says which and why."""


@dataclass(frozen=True)
class Entry:
    """One paper."""

    key: str
    kind: str  # article, inproceedings, misc
    fields: Mapping[str, str]  # as BibTeX reads them

    def bibtex(self) -> str:
        """The entry."""
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"


def cite_keys(results: Iterable[Result]) -> dict[str, str]:
    """The key for each paper text of the cards; papers that two methods share have the key of the first by name."""
    entries = bibliography(results)
    return {paper: entry.key for paper, entry in entries.items()}


def bibliography(results: Iterable[Result]) -> dict[str, Entry]:
    """An entry for each paper text of the cards, in the order of the keys."""
    known = read_references()
    found: dict[str, Entry] = {}
    taken: dict[str, str] = {}  # identity of the paper, key
    cards = {(result.method, str(result.card.get("paper") or "")): result.card for result in results}
    for (method, paper), card in sorted(cards.items(), key=lambda item: item[0]):
        if not paper or paper.startswith(_OWN) or paper in found:
            continue
        doi = str(card.get("doi") or "")
        doi = doi if DOI.fullmatch(doi) else ""
        year = str(card.get("year") or "")
        key = taken.get(doi or paper) or _free(re.sub(r"[^a-z0-9]", "", method.lower()) + year, set(taken.values()))
        taken[doi or paper] = key
        found[paper] = _entry(key, card, doi, known)
    return dict(sorted(found.items(), key=lambda item: item[1].key))


def bibtex(results: Iterable[Result]) -> str:
    """The .bib file; every paper once."""
    entries = {entry.key: entry for entry in bibliography(results).values()}
    return "\n".join(entry.bibtex() for entry in entries.values())


def read_references(file: Path = REFERENCES) -> dict[str, dict[str, Any]]:
    """The entries of `references.toml`, checked: by DOI, or by the text of cards without one.

    Raises:
        ReferencesError: a broken DOI, an unknown type, a field that the type asks for is missing, or braces that do not match.
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


def _entry(key: str, card: Mapping[str, Any], doi: str, known: Mapping[str, Mapping[str, Any]]) -> Entry:
    own = {"doi": doi} if doi else {}
    table = known.get(doi) or known.get(str(card["paper"]))
    if table is not None:
        return Entry(key, table["type"], {name: str(value) for name, value in table.items() if name != "type"} | own)
    fields = {"key": escape(str(card.get("name") or key)), "title": f"{{{escape(str(card['paper']))}}}"}  # `key` sorts it
    fields |= {"year": escape(str(card["year"]))} if card.get("year") else {}
    return Entry(key, "misc", fields | own)


def _free(key: str, taken: set[str]) -> str:
    """The key, with a letter where another paper has it."""
    names = [key, *(f"{key}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    return next(name for name in names if name not in taken)


def _balanced(text: str) -> bool:
    """Whether every brace has its partner."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0

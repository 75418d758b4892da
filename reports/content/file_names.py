"""The names of the files of a report: tables, statistics, figures, and the spectra beside the page.

A name consists of small letters, digits, dots, hyphens and underscores, and does not begin with a dot or a hyphen. No two names of a report
are equal; since all letters are small, none differ only in capitals. Names are short enough for every file system, whatever the protocols,
scenes and tiers of a run are called.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import count

from reports.style import slug

LONGEST_PART, LONGEST_STEM = 80, 200  # characters
_TAIL = 28  # characters: of a long text the end is kept besides the beginning
_FIXED = ("cells", "claims", "claims_tested", "methods", "profiles_cells", "protocols", "statistics")  # names that every report may have


class FileNames:
    """The names that one report has given so far."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}  # by the text for which they stand
        self._stems = set(_FIXED)

    def stem(self, kind: str, *texts: str) -> str:
        """A new name without suffix: `kind`, then a part for each text; a number follows where the report has this name already.

        A text has the same part in all names of the report, so that all files on one protocol can be found by it.
        """
        words = "_".join([kind, *map(self._part, texts)] if kind else map(self._part, texts))
        name = _free(words[:LONGEST_STEM].rstrip("-."), self._stems)
        self._stems.add(name)
        return name

    def _part(self, text: str) -> str:
        """The part that stands for `text`, and for no other text."""
        if text not in self._parts:
            part = slug(text)
            if len(part) > LONGEST_PART:
                part = f"{part[: LONGEST_PART - _TAIL - 2]}--{part[-_TAIL:]}"
            self._parts[text] = _free(part, {*self._parts.values(), *_FIXED})
        return self._parts[text]


def _free(name: str, taken: Container[str]) -> str:
    """The name, numbered from 2 where it is taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)

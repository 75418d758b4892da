"""Sentences of the page with the names of methods in bold, so that a name with commas or several words is read as one."""

from __future__ import annotations

import re
from collections.abc import Collection

from markupsafe import Markup, escape

from reports.content.expansions import EXPANSIONS, FirstUses

_ABBREVIATION = re.compile(r"\b(?:" + "|".join(sorted(EXPANSIONS, key=len, reverse=True)) + r")\b")


def with_bold_names(text: str, names: Collection[str], uses: FirstUses) -> Markup:
    """`text` with each of `names` in bold, whole names alone, the longest first.

    An abbreviation is followed by what it stands for where the page first uses it. One inside a name has it behind the name, which stays
    whole.
    """
    if not names:
        return escape(uses.expand(text))
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(names, key=len, reverse=True)))
    parts, at = Markup(), 0
    for found in pattern.finditer(text):
        parts += escape(uses.expand(text[at : found.start()])) + Markup("<b>{}</b>").format(found[0]) + _behind(found[0], uses)
        at = found.end()
    return parts + escape(uses.expand(text[at:]))


def _behind(name: str, uses: FirstUses) -> str:
    """What the abbreviations inside a name stand for, in brackets, where the page has not said it yet."""
    said = [(word, uses.expand(word)) for word in dict.fromkeys(_ABBREVIATION.findall(name))]
    new = [f"{word}: {EXPANSIONS[word]}" for word, text in said if text != word]
    return f" ({'; '.join(new)})" if new else ""

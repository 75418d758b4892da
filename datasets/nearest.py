"""The valid name that is nearest to a mistyped one, as the errors of every floor ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The question "did you mean 'report'? " with a space behind it, to stand before the list of valid names; empty where none is near.

    Capitals do not count, nor does whether a name has hyphens or underscores.
    """
    by_plain = {_plain(each): each for each in valid}
    close = get_close_matches(_plain(name), by_plain, n=1)
    return f"did you mean {by_plain[close[0]]!r}? " if close else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")

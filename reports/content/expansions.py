"""The words that each abbreviation stands for, short enough to follow it in brackets; docs/glossary.md, the source, explains the terms."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reports.style import shorten

EXPANSIONS: Mapping[str, str] = {
    "PSNR": "peak signal-to-noise ratio",
    "SSIM": "structural similarity",
    "SAM": "spectral angle",
    "ERGAS": "relative global error",
    "UIQI": "universal image quality index",
    "HQNR": "hybrid quality with no reference",
    "QNR": "quality with no reference",
    "PSF": "point spread function",
    "SRF": "spectral response function",
    "MTF": "modulation transfer function",
    "SNR": "signal-to-noise ratio",
    "HSI": "hyperspectral image",
    "MSI": "multispectral image",
    "RMSE": "root mean square error",
    "FWHM": "full width at half maximum",
    "CRPS": "continuous ranked probability score",
    "phase": "the place of coarse pixel 0 on the fine grid",
}
_WORD = re.compile(r"\b(?:" + "|".join(sorted(EXPANSIONS, key=len, reverse=True)) + r")\b(?! \()")


class FirstUses:
    """The abbreviations that a page has used so far; each is followed by what it stands for at its first place, and only there."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, word: str) -> str:
        """Note that the page has said what `word` stands for; the empty text, so that a template can call it."""
        self._said.add(word)
        return ""

    def expand(self, text: str) -> str:
        """`text` with what its abbreviations stand for, in brackets, unless the page or the text itself has said it before."""
        return _WORD.sub(lambda match: self._said_first(match[0], text), text)

    def _said_first(self, word: str, text: str) -> str:
        first = word not in self._said and EXPANSIONS[word] not in text.lower()
        self._said.add(word)
        return f"{word} ({EXPANSIONS[word]})" if first else word


def short_expansion(label: str) -> str:
    """What stands below the heading of a column: the words of its abbreviation, or nothing."""
    return shorten(EXPANSIONS.get(label, ""), 40)

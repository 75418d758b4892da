"""What abbreviations stand for, in the few words that fit beside them; docs/glossary.md, which is the source, says what they are."""

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
}
_WORD = re.compile(r"\b(?:" + "|".join(EXPANSIONS) + r")\b")


def expanded(text: str) -> str:
    """The text with each abbreviation followed by what it stands for, in brackets, at its first place."""
    said: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        word = match[0]
        first = word not in said and EXPANSIONS[word] not in text
        said.add(word)
        return f"{word} ({EXPANSIONS[word]})" if first else word

    return _WORD.sub(replaced, text)


def short_expansion(label: str) -> str:
    """What stands below the heading of a column: the words of its abbreviation, or nothing."""
    return shorten(EXPANSIONS.get(label, ""), 40)

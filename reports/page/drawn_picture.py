"""A picture of the page: the bytes of a WebP file, or the reason why it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from reports.scene.pictures import Preview, webp_bytes


@dataclass(frozen=True)
class Picture:
    """A WebP preview, or the reason why it is missing."""

    title: str
    webp: bytes = b""
    width: int = 0
    height: int = 0
    missing: str = ""
    note: str = ""  # what is shown, below the title


def drawn_picture(title: str, image: Preview, most: float = inf, note: str = "") -> Picture:
    """The picture as a WebP file of at most `most` bytes."""
    return Picture(title, webp_bytes(image, most), image.shape[1], image.shape[0], note=note)

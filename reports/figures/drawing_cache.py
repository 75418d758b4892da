"""Figures are drawn once: their files are kept as long as what they show, the code that draws them and the libraries stay the same.

`figures/.drawn.json` holds one digest per figure. Where a file is missing or the digest differs, the figure is drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.run_folder.json_file import write_json
from reports.figures.figure_files import save_figure

_HOME = Path(__file__).parent.parent  # the sources of everything that a figure shows
_SUFFIXES = ("pdf", "png", "svg")


class DrawingCache:
    """The figures of one report, each of them drawn, or kept from the report before; `close` stores the digests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawn: list[str] = []  # the stems of figures that were drawn this time
        self._code = _code_digest()
        self._known = _read(folder / ".drawn.json")
        self._now: dict[str, str] = {}

    def figure(self, stem: str, inputs: object, draw: Callable[[], Figure | None]) -> tuple[Path, ...]:
        """The files of the figure `stem`; none where there is nothing to draw.

        The repr of `inputs` must contain everything that the figure shows.
        """
        digest = sha256(f"{self._code} {inputs!r}".encode()).hexdigest()
        paths = tuple(self.folder / f"{stem}.{suffix}" for suffix in _SUFFIXES)
        nothing = f"nothing {digest}"
        if self._known.get(stem) == nothing:
            self._now[stem] = nothing
            return ()
        if self._known.get(stem) != digest or not all(path.is_file() for path in paths):
            figure = draw()
            if figure is None:
                self._now[stem] = nothing
                return ()
            save_figure(figure, self.folder / stem)
            self.drawn.append(stem)
        self._now[stem] = digest
        return paths

    def close(self) -> None:
        """Store the digests for the next report."""
        if self._now:
            write_json(self.folder / ".drawn.json", self._now, durable=False)


def _read(file: Path) -> dict[str, str]:
    """The digests of the report before; empty where there was none, or where the file is damaged."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(stem): str(digest) for stem, digest in table.items()} if isinstance(table, dict) else {}


def _code_digest() -> str:
    """The digest of the sources of the reports, and of the versions of the libraries."""
    digest = sha256()
    for file in sorted(_HOME.rglob("*.py")):
        digest.update(file.read_bytes())
    digest.update(" ".join(version(name) for name in ("matplotlib", "seaborn", "numpy")).encode())
    return digest.hexdigest()

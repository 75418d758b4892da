"""Figures drawn once: each stem's files are kept as long as what they show, the code that draws and the libraries are the same.

`figures/.drawn.json` holds a digest for each stem. A file that is gone, or a digest that differs, and the figure is drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.run_folder.json_file import write_json
from reports.figures import save

_HOME = Path(__file__).parent
_SUFFIXES = ("pdf", "png", "svg")


class Drawings:
    """The figures of one report: drawn, or kept from the one before; `close` notes which is which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawn: list[str] = []  # stems drawn this time
        self._code = _code_digest()
        self._known = _read(folder / ".drawn.json")
        self._now: dict[str, str] = {}

    def figure(self, stem: str, inputs: object, draw: Callable[[], Figure | None]) -> tuple[Path, ...]:
        """The files of `stem`, none where there is nothing to draw; `inputs` must tell, by their repr, everything that the figure shows."""
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
            save(figure, self.folder / stem)
            self.drawn.append(stem)
        self._now[stem] = digest
        return paths

    def close(self) -> None:
        """Note the digests."""
        if self._now:
            write_json(self.folder / ".drawn.json", self._now, durable=False)


def _read(file: Path) -> dict[str, str]:
    """The digests of the last report; none where there was none, or where the file is torn."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(stem): str(digest) for stem, digest in table.items()} if isinstance(table, dict) else {}


def _code_digest() -> str:
    """Of the sources beside this file, and of the libraries' versions."""
    found = sha256()
    for file in sorted(_HOME.glob("*.py")):
        found.update(file.read_bytes())
    found.update(" ".join(version(name) for name in ("matplotlib", "seaborn", "numpy")).encode())
    return found.hexdigest()

"""TeX and pdftotext as tests use them: whatever TeX there is, and a reason to skip where it lacks something."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOOL_S = 280  # the first run of a fresh TeX draws its bitmap fonts, on a slow machine for minutes
# What a TeX says that has no such package or font: the machine's business, as is a machine without TeX.
LACKING = re.compile(r"File `[^']+' not found|Font \S+ at \S+ not found|Font \S+ not loadable[^\n]*|can't find the format file[^\n]*")
# Where a PDF's fonts have no map to Unicode (T1 bitmaps of a TeX without Latin Modern and cm-super), pdftotext gives TeX's own codes; with
# a map, curly quotes and ligatures of letters. Both are read as what was written.
LETTERS = ("ff", "fi", "fl", "ffi", "ffl")
PRINTED = str.maketrans(
    {
        "\x11": "''",
        "\u201d": "''",
        "\u2019": "'",
        "\x15": "\u2013",
        "\x16": "\u2014",
        **dict(zip("\x1b\x1c\x1d\x1e\x1f", LETTERS, strict=True)),
        **dict(zip("\ufb00\ufb01\ufb02\ufb03\ufb04", LETTERS, strict=True)),
    }
)


def needs(*tools: str) -> None:
    """Skips the test where one of the programs is absent."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")


def tex(folder: Path, document: str, *more: list[str]) -> str:
    """What pdflatex says of `document`, which becomes table.pdf in `folder`; `more` are further commands there, and the last one speaks.

    The test is skipped where there is no pdflatex, or it lacks a package or a font.
    """
    needs("pdflatex")
    (folder / "table.tex").write_text(document, encoding="utf-8")
    said = ""
    for command in (["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "table.tex"], *more):
        ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=TOOL_S, check=False)
        said = ended.stdout.decode("utf-8", errors="replace")
        lacking = LACKING.search(re.sub(r"(?<=.{79})\n", "", said)) if ended.returncode else None
        if lacking:
            pytest.skip(f"needs a TeX with more packages or fonts: {lacking[0]}")
        assert ended.returncode == 0, said[-3000:]
    return said


def text_of(pdf: Path, kind: str = "-layout") -> str:
    """The text of a PDF, the same with any fonts; the test is skipped where pdftotext is absent."""
    needs("pdftotext")
    read = subprocess.run(["pdftotext", kind, "-enc", "UTF-8", pdf, "-"], capture_output=True, timeout=TOOL_S, check=True)
    return read.stdout.decode("utf-8").translate(PRINTED)

"""The digest of a source as syntax: words about the code change nothing, the code does, and every Python gives the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.identity.syntax import syntax_digest

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = Path(__file__).with_name("sample_source.txt")
DIGEST = "c57639840e8652a45a131a301250fbb667b9cca713103d1e79714cdcf38ee795"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")

BASE = b'''"""What it is."""
import os

LIMIT = 3  # a comment


class Box:
    """A box."""

    def side(self, n: int = 1) -> int:
        """Its side."""
        return n * LIMIT


def empty() -> None:
    """Only words."""
'''


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace(b"What it is.", b"What it was, said better."),
        BASE.replace(b"  # a comment", b""),
        BASE.replace(b"A box.", b"A box with sides."),
        BASE.replace(b'        """Its side."""\n', b""),
        BASE.replace(b"\n\n\nclass", b"\n\n\n\n\nclass").replace(b"n * LIMIT", b"(n\n            * LIMIT)"),
        BASE.replace(b"import os\n", b"import os  # for nothing\n"),
        BASE.replace(b'"""Only words."""', b"'''Other words.'''"),
    ],
)
def test_words_and_layout_do_not_count(other: bytes) -> None:
    assert other != BASE
    assert syntax_digest(other) == syntax_digest(BASE)


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace(b"LIMIT = 3", b"LIMIT = 4"),
        BASE.replace(b"LIMIT = 3", b"LIMIT = 3.0"),
        BASE.replace(b"LIMIT = 3", b"LIMIT = '3'"),
        BASE.replace(b"n * LIMIT", b"LIMIT * n"),
        BASE.replace(b"n: int = 1", b"n: int = 2"),
        BASE.replace(b"n: int = 1", b"m: int = 1").replace(b"n * LIMIT", b"m * LIMIT"),
        BASE.replace(b"import os", b"import sys"),
        BASE.replace(b"class Box:", b"class Box(dict):"),
        BASE.replace(b'"""Only words."""', b'return "Only words."'),
        BASE.replace(b"LIMIT = 3", b'LIMIT = 3\n"a text that is no docstring"'),
    ],
)
def test_what_the_program_says_counts(other: bytes) -> None:
    assert other != BASE
    assert syntax_digest(other) != syntax_digest(BASE)


def test_what_is_no_python_counts_by_its_bytes() -> None:
    assert syntax_digest(b"def f(:") != syntax_digest(b"def g(:")
    assert syntax_digest(b"def f(:") == syntax_digest(b"def f(:")


def test_the_sample_has_the_committed_digest() -> None:
    assert syntax_digest(SAMPLE.read_bytes()) == DIGEST


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_that_is_here_gives_the_committed_digest(version: str) -> None:
    places = [
        shutil.which(f"python{version}"),
        *map(str, Path(os.environ.get("HOME", "/")).glob(f".pyenv/versions/{version}.*/bin/python")),
    ]
    script = f"from benchmark.identity.syntax import syntax_digest; print(syntax_digest(open({str(SAMPLE)!r}, 'rb').read()))"
    for python in filter(None, places):
        done = subprocess.run([python, "-Bc", script], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            assert done.stdout.strip() == DIGEST, python
            return
    pytest.skip(f"there is no Python {version} that runs here")

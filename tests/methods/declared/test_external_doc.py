"""docs/external_methods.md says what the code does: every key, placeholder and field, in the words of the code."""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from datasets.exchange.handed_fields import HANDED_FIELDS, RETURNED_FIELDS
from datasets.field_meanings import field_meanings
from datasets.settings import field_types, spell
from methods.catalog import find_one
from methods.contract import Card
from methods.declared.empty_start import EMPTY_ARGUMENTS
from methods.declared.run_table import PLACEHOLDERS, RunTable

ROOT = Path(__file__).resolve().parents[3]
DOC = ROOT / "docs" / "external_methods.md"


def run_rows() -> list[str]:
    """A row for each key of [run]."""
    kinds, meanings = field_types(RunTable), field_meanings(Path(inspect.getfile(RunTable)), "RunTable")
    rows = []
    for item in fields(RunTable):
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        shown = "must be given" if default is MISSING else f"`{default}`" if default else ""
        rows.append(f"| `{item.name}` | {spell(kinds[item.name])} | {shown} | {' '.join(meanings[item.name].split())} |")
    return rows


def placeholder_rows() -> list[str]:
    """A row for each placeholder."""
    return [f"| `{{{name}}}` | {meaning} |" for name, meaning in PLACEHOLDERS.items()]


def handed_rows() -> list[str]:
    """A row for each field of the observation file."""
    return [f"| `{name}` | {meaning} |" for name, meaning in HANDED_FIELDS.items()]


def returned_rows() -> list[str]:
    """A row for each field of the estimate file."""
    return [f"| `{name}` | {meaning} |" for name, meaning in RETURNED_FIELDS.items()]


def empty_rows() -> list[str]:
    """A row for each interpreter whose empty start is known."""
    spelt = {name: " ".join(repr(word) if not word or " " in word else word for word in words) for name, words in EMPTY_ARGUMENTS.items()}
    return [f"| {name} | `{words}` |" for name, words in spelt.items()]


@pytest.mark.parametrize("rows", [run_rows, placeholder_rows, handed_rows, returned_rows, empty_rows])
def test_every_row_of_a_table_is_in_the_document_word_for_word(rows: object) -> None:
    assert callable(rows)
    lines = DOC.read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows() if row not in lines]
    assert not missing, "docs/external_methods.md lacks\n" + "\n".join(missing)


def test_every_fact_of_the_card_is_in_the_document() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert not [item.name for item in fields(Card) if f"`{item.name}`" not in text]


def test_the_first_example_of_the_document_is_a_method(tmp_path: Path) -> None:
    block = DOC.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(block)["run"]
    (tmp_path / "example.toml").write_text(block)
    (tmp_path / "run.m").write_text("")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "x.m").write_text("")
    entry = find_one(str(tmp_path / "example.toml"))
    assert entry.load()().describe().name == "GSA in Octave"
    parts = entry.declared_parts()
    assert parts is not None
    assert parts.uncovered == ()


def test_the_example_folder_is_a_method_whose_files_are_all_covered() -> None:
    parts = find_one(str(ROOT / "docs" / "examples" / "external_octave" / "gsa_octave.toml")).declared_parts()
    assert parts is not None
    assert parts.uncovered == ()
    assert set(parts.files) == {"gsa_octave.toml", "run.m"}

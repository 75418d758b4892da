"""What a source says is kept in the cache by its content: never an old fact, never a damaged one, and no cache is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.identity import source_facts
from benchmark.identity.source_facts import SourceFacts, read_source

SOURCE = 'import os, json\nfrom . import near\n__import__("mo" + "re")\nGAIN = os.environ["GAIN"], "gain.json"\n'


def as_new_process(file: Path) -> SourceFacts:
    """What a source says, read as a new process reads it: what this process remembers is forgotten."""
    source_facts._parsed.cache_clear()
    return read_source(file)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMIF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "source_facts"


def test_facts_from_the_cache_are_those_of_the_parsed_source(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.py"
    file.write_text(SOURCE)
    parsed = as_new_process(file)
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr(source_facts, "_facts", lambda *_: pytest.fail("parsed again"))
    assert as_new_process(file) == parsed
    assert parsed.imports == ((0, "os"), (0, "json"), (1, ""), (1, "near"))
    assert parsed.texts == {"mo", "re", "GAIN", "gain.json"}
    assert parsed.phrases == ("what one.py imports by a computed name (line 3)", "environment variables that one.py reads")


def test_an_edited_source_and_a_copy_of_another_name_have_facts_of_their_own(tmp_path: Path, kept: Path) -> None:
    file, copy = tmp_path / "one.py", tmp_path / "two.py"
    file.write_text(SOURCE)
    before = as_new_process(file)
    state = file.stat()
    copy.write_text(SOURCE)
    assert as_new_process(copy).phrases[1] == "environment variables that two.py reads"
    file.write_text(SOURCE.replace('"gain.json"', '"gain.toml"'))
    assert file.stat().st_size == state.st_size
    after = as_new_process(file)
    assert after.digest != before.digest
    assert "gain.toml" in after.texts
    assert len(list(kept.iterdir())) == 3


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"facts": {}, "digest": "44136fa355b3678a1146"}', "imports", "\0"])
def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path, kept: Path, damage: str) -> None:
    file = tmp_path / "one.py"
    file.write_text(SOURCE)
    parsed = as_new_process(file)
    (one,) = kept.iterdir()
    whole = one.read_text()
    one.write_text(whole.replace('"json"', '"nosj"') if damage == "imports" else damage)
    assert as_new_process(file) == parsed
    assert one.read_text() == whole


def test_another_version_of_the_reading_code_reads_the_source_again(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.py"
    file.write_text(SOURCE)
    as_new_process(file)
    monkeypatch.setattr(source_facts, "_reader", lambda: ("another",))
    as_new_process(file)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("cache", ["~no-such-user/cache", "/dev/null/cache"])
def test_without_a_cache_folder_a_source_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str) -> None:
    monkeypatch.setenv("HMIF_CACHE", cache)
    file = tmp_path / "one.py"
    file.write_text(SOURCE)
    assert "gain.json" in as_new_process(file).texts

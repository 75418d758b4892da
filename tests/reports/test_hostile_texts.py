"""Names and messages that try to be more than text: control characters, byte-order marks, formulas, paths and very long names."""

from __future__ import annotations

import csv
import json
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import reports.report
from benchmark.commands.command import results_folder
from benchmark.run_folder.folder import RunFolder
from datasets.printable import file_name, printable_lines
from reports.report import write_report
from reports.typeset.frames import csv_text
from reports.typeset.plain_text import plain_summary
from tests.reports.conftest import fake_results, write_fake_run

LABEL = "\ufeff=cmd|' /C calc'!A0\x1b[31m\x00\u202e\ud800"
SCENE, PROTOCOL, TIER = "s" * 240, "p/../" * 60, "@told\tnothing"


def spoilt(folder: Path) -> Path:
    """A run whose records were edited by hand: every name in them is hostile."""
    kept = [r for r in fake_results() if r.protocol["name"] == "camera-x8" and r.seed == 0 and r.method in ("bicubic", "rfuse")]
    write_fake_run(folder, kept)
    for file in (folder / "cells").glob("*.json"):
        record: dict[str, Any] = json.loads(file.read_text())
        record |= {"label": f"{record['label']}{LABEL}", "tier": TIER, "protocol": {**record["protocol"], "name": PROTOCOL}}
        record |= {"scene": SCENE} if record["scene"] == "beads" else {}
        if record["method"] == "rfuse" and record["scene"] != "beads":
            record |= {"outcome": "failed", "reason": "ValueError: \x1b[2J\nsecond line \ud83d \u2029", "metrics": {}, "clock": None}
        file.write_text(json.dumps(record))
    return folder


def hidden(text: str) -> set[str]:
    return {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in "\n\r\t"}


@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_text_of_a_report_holds_what_cannot_be_shown(tmp_path: Path) -> None:
    run = spoilt(tmp_path / "run")
    report = write_report(run)
    for file in (report.page, *report.tables, *(path for path in report.figures if path.suffix == ".svg")):
        assert len(file.name) <= 255
        assert file.resolve().is_relative_to(report.folder.resolve())
        own = file.read_text(encoding="utf-8")
        assert not hidden(own) - ({"\N{ZERO WIDTH SPACE}", "\N{SOFT HYPHEN}"} if file == report.page else set()), file.name
        if file.suffix == ".svg":
            ElementTree.fromstring(own)
    assert not any(hidden(plain_summary(summary)) for summary in report.summaries)
    assert "\\ufeff" in report.page.read_text(encoding="utf-8")
    for table in (path for path in report.tables if path.suffix == ".csv"):
        with table.open(newline="", encoding="utf-8") as lines:
            for cell in (cell for line in csv.reader(lines) for cell in line):
                assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
                assert not cell.startswith("-") or float(cell) < 0


def test_a_broken_record_is_named_and_the_rest_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports.report, "draw_figures", lambda *_: ())
    kept = [r for r in fake_results() if r.protocol["name"] == "camera-x8" and r.seed == 0 and r.method in ("bicubic", "rfuse")]
    run = write_fake_run(tmp_path / "run", kept)
    lost = RunFolder(run).record(kept[0].key)
    table = json.loads(lost.read_text())
    for change in ({"protocol": "x"}, {"metrics": [1]}, {"metrics": "high"}, {"flops": "many"}, {"outcome": "banana"}, {"schema": 3}):
        lost.write_text(json.dumps({**table, **change}))
        report = write_report(run)
        (line,) = report.broken
        assert line.startswith(f"{kept[0].label} on {kept[0].scene}, camera-x8, seed 0: cells/{kept[0].key}.json is not a record: ")
        assert line.endswith("; move it away or run the plan again")
        assert next(iter(change)) in line
        assert "\n" not in line
        page = report.page.read_text(encoding="utf-8")
        assert f"cells/{kept[0].key}.json is not a record" in page
        assert "there is no record of it" in page
        assert "banana" not in page or "banana" in line
        assert sum(row.scored for row in report.summaries[0].rows) == len(kept) - 1


def test_a_formula_is_a_text_in_a_csv_and_a_number_stays_a_number() -> None:
    frame = pd.DataFrame({"=a": ["=1+1", "+x", "-2.5", "@sum", "fine"], "n": [1, -2, 3, 4, 5]})
    lines = csv_text(frame).splitlines()
    assert lines == ["'=a,n", "'=1+1,1", "'+x,-2", "-2.5,3", "'@sum,4", "fine,5"]


def test_every_plan_has_its_folder_inside_results() -> None:
    names = ["../../x", "..", "", "/etc", "a/b", "a\\b", "x" * 400, "\x1bq", "\ufeffq", ".hidden", "a:b", "nul\x00", "a/", "a "]
    made = [file_name(name) for name in names]
    assert len(set(made)) == len(made), "no two are one"
    for name, own in zip(names, made, strict=True):
        assert results_folder(name).resolve().parent == results_folder("quick").resolve().parent
        assert own == Path(own).name
        assert len(own) <= 100
        assert file_name(own) == own
    assert [file_name(name) for name in ("quick", "mine v2 (final)", "déjà-vu_3.1")] == ["quick", "mine v2 (final)", "déjà-vu_3.1"]


def test_what_a_terminal_gets_has_no_commands_in_it() -> None:
    assert printable_lines("a\tb\n\x1b[31mred\x1b[0m \x00 é") == "a   b\n\\x1b[31mred\\x1b[0m \\x00 é"

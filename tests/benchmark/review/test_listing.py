"""The lists of `list`: how each metric is to be read, and which data sets there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import run_benchmark
from benchmark.matrix.interview import parameter_facts
from benchmark.metrics.metric_facts import METRICS
from benchmark.review import listing as review_listing
from benchmark.review.listing import listing, listing_text
from benchmark.review.method_sheet import method_sheet
from datasets.data_roots import DataRoots
from datasets.sets.all_sets import SETS
from methods import catalog
from methods.catalog import find
from tests.benchmark.conftest import plugin
from tests.datasets.sets.fake_sets import FAKES


def test_a_metric_that_has_no_better_direction_is_called_what_it_is() -> None:
    words = {row[0]: row[1] for row in listing("metrics", DataRoots.parse([]))}
    assert len(words) == len(METRICS)
    assert (words["std_within_1"], words["std_within_2"], words["std_rms_z"]) == ("a share", "a share", "a ratio")
    counts = {name for name, word in words.items() if word == "a count"}
    assert counts == {"sam_pixels_left_out", "bands_left_out", "ergas_bands_left_out", "hsi_bands_left_out", "pixels_left_out"}
    assert (words["psnr"], words["sam"]) == ("higher is better", "lower is better")


def test_data_sets_are_a_table_that_says_what_is_there(tmp_path: Path) -> None:
    for name in ("jasper_ridge", "pavia_university"):
        FAKES[name].write(tmp_path / name)
    heads, *rows = listing("datasets", DataRoots(tmp_path))
    assert heads == ("name", "there", "scenes", "rows x cols x bands", "size", "licence")
    by_name = {row[0]: row[1:] for row in rows}
    assert set(by_name) == set(SETS)
    assert by_name["jasper_ridge"] == ("1 scene", "whole", "100 x 100 x 198", "3 MB", "none stated")
    assert by_name["pavia_university"][0] == "3 scenes"
    assert by_name["harvard"][0] == "-"


def only_plugins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """The rows of `list methods` for a folder of plugins alone, by name."""
    (folder / "none").mkdir()
    monkeypatch.setattr(catalog, "HOME", folder / "none")
    monkeypatch.setattr(review_listing, "LIST_LIMIT_S", 3.0)
    return {row[0]: row[1:] for row in listing("methods", DataRoots.parse([]), folder / "plugins")}


def test_a_plugin_whose_import_fails_in_any_way_is_one_line_and_not_the_end_of_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = tmp_path / "plugins"
    plugin(plugins, "good", "return Estimate(low)")
    failures = {
        "leaves": ("raise SystemExit(0)", "SystemExit: 0"),
        "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        "generates": ("class Stop(BaseException): ...\nraise Stop('now\\nand here')", "Stop: now and here"),
        "hangs": ("while True: pass", "time limit of 3 s"),
        "dies": ("import os; os._exit(3)", "exit status 3"),
        "lacks": ("import no_such_module", "No module named 'no_such_module'"),
        "torn": ("def broken(:", "SyntaxError"),
        "unfit": ("Method = 7", "expected a class `Method`"),
    }
    for name, (text, _) in failures.items():
        (plugins / f"{name}.py").write_text(f"{text}\nMethod = None\n" if name != "unfit" else text)
    (plugins / "helper.py").write_text("raise SystemExit\n")
    (plugins / "family").mkdir()
    plugin(plugins / "family", "twin", "return Estimate(low)")
    plugin(plugins, "twin", "return Estimate(low)")
    rows = only_plugins(tmp_path, monkeypatch)
    assert rows.keys() == {"good", "twin", *failures}
    assert rows["good"][:2] == ("told nothing", "good")
    for name, (_, reason) in failures.items():
        assert rows[name][0] == "broken"
        assert reason in rows[name][-1]
        assert "\n" not in rows[name][-1]
    assert rows["twin"][0] == "broken"
    assert "two methods are named 'twin'" in rows["twin"][-1]


def test_each_method_has_two_lines_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setattr(catalog, "HOME", tmp_path / "none")
    plugin(tmp_path / "plugins", "good", "return Estimate(low)", card='supervision="truth", learns="beforehand"')
    file = tmp_path / "plugins" / "good.py"
    file.write_text(
        file.read_text().replace('"a test"', '"Somebody, A very long title of a paper that has no end, ' + "and goes on, " * 9 + '"')
    )
    plugin(tmp_path / "plugins", "short", "return Estimate(low)")
    for width in (60, 110):
        lines = listing_text("methods", DataRoots.parse([]), tmp_path / "plugins", width).splitlines()
        assert len(lines) == 4
        assert max(map(len, lines)) <= width
        assert lines[0].split()[:3] == ["good", "good", "\u00b7"]
        assert lines[1].startswith("      Somebody, A very long title")
        assert lines[1].endswith("\u2026")
        assert lines[2:] == ["  short  short \u00b7 told nothing", "      a test"]


@pytest.mark.parametrize("what", ["protocols", "psfs", "metrics", "sensors", "datasets"])
def test_a_list_fits_and_loses_nothing(what: str) -> None:
    roots = DataRoots.parse([])
    text = listing_text(what, roots, width=80)
    assert max(map(len, text.splitlines())) <= 80
    for row in listing(what, roots):
        for cell in row:
            assert "".join(cell.split()) in "".join(text.split()), cell  # a long address may be broken at any letter


FIELDS = '''    low: float = 400.0  # nm, the centre
                        # of the first band
    # seconds, above the field
    limit_s: float | None = None
    place: Path = Path("net.pth")
    """The weights, by the authors."""
    names: tuple[str, ...] = ("a", "b")
    on: bool = True  # whether
'''


def test_one_method_is_shown_with_every_parameter_its_default_and_its_meaning(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", "return Estimate(low)")
    text = (tmp_path / "mine.py").read_text().replace("    strength: float = 1.0\n", FIELDS)
    (tmp_path / "mine.py").write_text(text.replace("import torch\n", "import torch\nfrom pathlib import Path\n"))
    lines = method_sheet("mine", tmp_path).splitlines()
    assert lines[0] == "mine: mine"
    assert [line.split() for line in lines if line.startswith("file")] == [["file", str(tmp_path / "mine.py")]]
    table = [re.split(r" {2,}", line) for line in lines[lines.index("") + 1 :]]
    assert table == [
        ["parameter", "type", "default", "meaning"],
        ["low", "a number", "400", "nm, the centre of the first band"],
        ["limit_s", "a number or nothing", "none", "seconds, above the field"],
        ["place", "a file's path", '"net.pth"', "The weights, by the authors."],
        ["names", "a list of texts", '["a", "b"]'],
        ["on", "true or false", "true", "whether"],
    ]
    sheet = method_sheet("ssrnet")
    assert "published  10,000 steps of 1 patch of 128 x 128 pixels, learning rate 0.0001" in sheet.splitlines()
    assert "budget" in sheet


def test_every_parameter_of_every_method_has_a_meaning() -> None:
    without = [(name, facts.name) for name, entry in find().items() for facts in parameter_facts(entry.widest_form()) if not facts.meaning]
    assert not without


def test_a_name_goes_with_the_list_of_methods_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["list", "sensors", "x"]) == 2
    assert "expected a name after `list methods` alone, got 'x' after sensors" in capsys.readouterr().err
    assert run_benchmark.main(["list", "methods", "gsa"]) == 0
    assert "regress every fused band on all others" in capsys.readouterr().out

"""The sources of a result: everything that a change of the result can come from counts, and what cannot be seen is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark import clone
from benchmark.clone import ROOT
from benchmark.identity import import_closure
from benchmark.identity.source_keys import clock_sources
from benchmark.identity.sources import Sources, UnkeyedError, sources_of, sources_of_module


def test_the_closure_follows_imports_however_indirect() -> None:
    names = set(sources_of(ROOT / "methods" / "bayesian" / "rfuse.py").files)
    assert {"methods/bayesian/rfuse.py", "methods/contract.py", "methods/numerics/solvers/sylvester.py", "datasets/degradation.py"} <= names
    assert not any(name.startswith(("benchmark/", "reports/")) for name in names)
    assert "methods/classical/gsa.py" not in names


def test_the_packages_that_a_method_of_the_suite_lies_in_count() -> None:
    names = set(sources_of(ROOT / "methods" / "unsupervised" / "mossfuse" / "method.py").files)
    assert {f"methods/{place}__init__.py" for place in ("", "unsupervised/", "unsupervised/mossfuse/")} <= names


def test_what_makes_training_data_counts() -> None:
    names = set(sources_of(ROOT / "benchmark" / "matrix" / "patches.py").files)
    assert {"benchmark/matrix/patches.py", "datasets/simulation.py", "datasets/scene.py"} <= names


def test_the_key_of_the_clock_covers_all_that_decides_a_second() -> None:
    names = {name.removeprefix("benchmark/measure/") for name in clock_sources().files}
    assert {"meter.py", "rounds.py", "disturbance.py", "timed_call.py", "program_clock.py", "tally.py", "group.py", "held.py"} <= names


def test_a_helper_that_a_plugin_imports_counts_and_a_bystander_does_not(tmp_path: Path) -> None:
    plugin, helper, bystander = tmp_path / "plugin.py", tmp_path / "helper.py", tmp_path / "bystander.py"
    plugin.write_text("import helper\n")
    helper.write_text("x = 1\n")
    bystander.write_text("y = 1\n")
    before = sources_of(plugin, tmp_path).digest
    bystander.write_text("y = 2\n")
    assert sources_of(plugin, tmp_path).digest == before
    helper.write_text("x = 1  # the same\n")
    assert sources_of(plugin, tmp_path).digest == before
    helper.write_text("x = 2\n")
    assert sources_of(plugin, tmp_path).digest != before


def test_import_cycles_packages_and_relative_imports_are_followed(tmp_path: Path) -> None:
    (tmp_path / "pack" / "deep").mkdir(parents=True)
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text("import plugin\nfrom .deep import leaf\nfrom . import side\n")
    (tmp_path / "pack" / "side.py").write_text("")
    (tmp_path / "pack" / "deep" / "__init__.py").write_text("from ..far import x\n")
    (tmp_path / "pack" / "deep" / "leaf.py").write_text("")
    (tmp_path / "pack" / "far.py").write_text("x = 1\n")
    (tmp_path / "plugin.py").write_text("def f():\n    from pack import inner\n")
    names = set(sources_of(tmp_path / "plugin.py", tmp_path).files)
    inside = {"__init__", "inner", "side", "deep/__init__", "deep/leaf", "far"}
    assert names == {"plugin/plugin.py", *(f"plugin/pack/{name}.py" for name in inside)}


def test_a_copy_of_a_plugin_folder_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    for folder in ("one", "other/place"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "plugin.py").write_text("import helper\nDATA = 'table.csv'\n")
        (tmp_path / folder / "helper.py").write_text("x = 1\n")
        (tmp_path / folder / "table.csv").write_text("1,2\n")
    first, second = (sources_of(tmp_path / folder / "plugin.py", tmp_path / folder) for folder in ("one", "other/place"))
    assert first.digest == second.digest
    assert first.data.keys() == {"plugin/table.csv"}


def test_a_module_imported_by_a_constant_name_is_followed_and_a_computed_name_is_said(tmp_path: Path) -> None:
    (tmp_path / "dyn.py").write_text("GAIN = 1\n")
    (tmp_path / "plugin.py").write_text("import importlib\nGAIN = importlib.import_module('dyn').GAIN\n")
    found = sources_of(tmp_path / "plugin.py", tmp_path)
    assert "plugin/dyn.py" in found.files
    assert found.uncovered == ()
    (tmp_path / "plugin.py").write_text("from importlib import import_module\nname = 'd' + 'yn'\nGAIN = import_module(name).GAIN\n")
    assert sources_of(tmp_path / "plugin.py", tmp_path).uncovered == ("what plugin.py imports by a computed name (line 3)",)


def test_environment_variables_are_said(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("import os\nGAIN = float(os.environ.get('GAIN', '1'))\n")
    assert sources_of(tmp_path / "plugin.py", tmp_path).uncovered == ("environment variables that plugin.py reads",)
    assert all(not sources_of(file).uncovered for file in (ROOT / "methods" / "classical").glob("*.py"))


def test_a_data_file_named_beside_the_source_or_declared_counts_by_content(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text("from pathlib import Path\nGAIN = Path(__file__).with_name('gain.json').read_text()\n")
    (tmp_path / "gain.json").write_text("1.0")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.bin").write_bytes(b"a")
    before = sources_of(plugin, tmp_path, ("tables/*.bin",))
    assert before.data.keys() == {"plugin/gain.json", "plugin/tables/a.bin"}
    (tmp_path / "gain.json").write_text("0.5")
    middle = sources_of(plugin, tmp_path, ("tables/*.bin",))
    (tmp_path / "tables" / "a.bin").write_bytes(b"b")
    after = sources_of(plugin, tmp_path, ("tables/*.bin",))
    assert len({before.digest, middle.digest, after.digest}) == 3
    with pytest.raises(UnkeyedError, match=r"files: expected a file that 'none\*' names beside plugin.py, got none"):
        sources_of(plugin, tmp_path, ("none*",))


def test_a_package_on_the_path_counts_by_its_sources_and_an_installed_one_by_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib" / "myhelpers").mkdir(parents=True)
    (tmp_path / "lib" / "myhelpers" / "__init__.py").write_text("")
    (tmp_path / "lib" / "myhelpers" / "gain.py").write_text("GAIN = 1.0\n")
    (tmp_path / "plugins").mkdir()
    plugin = tmp_path / "plugins" / "plugin.py"
    plugin.write_text("from myhelpers.gain import GAIN\nimport yaml, numpy, json\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    found = sources_of(plugin, plugin.parent)
    assert {"local/myhelpers/__init__.py", "local/myhelpers/gain.py"} <= set(found.files)
    assert list(found.packages) in ([], ["PyYAML"]), "what the suite depends on, and Python's own modules, do not count"
    (tmp_path / "lib" / "myhelpers" / "gain.py").write_text("GAIN = 0.5\n")
    assert sources_of(plugin, plugin.parent).digest != found.digest


def test_an_installed_module_counts_with_the_sources_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_pack").mkdir()
    (tmp_path / "their_pack" / "__init__.py").write_text("")
    (tmp_path / "their_pack" / "method.py").write_text("from their_pack.helper import x\n")
    (tmp_path / "their_pack" / "helper.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = sources_of_module("their_pack.method")
    assert len(before.files) == 3
    assert "their_pack" not in sys.modules, "nothing is imported"
    (tmp_path / "their_pack" / "helper.py").write_text("x = 2\n")
    assert sources_of_module("their_pack.method").digest != before.digest
    with pytest.raises(UnkeyedError, match="expected a module no_such_pack"):
        sources_of_module("no_such_pack.method")


def test_an_unreadable_source_counts_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("def broken(:\n")
    before = sources_of(tmp_path / "plugin.py", tmp_path).digest
    (tmp_path / "plugin.py").write_text("def broken(;\n")
    assert sources_of(tmp_path / "plugin.py", tmp_path).digest != before


def test_joined_sources_have_all_files_once() -> None:
    one, other = Sources({"a": "1"}, uncovered=("x",)), Sources({"b": "2"}, {"d": "3"}, {"p": "1"}, ("x", "y"))
    joined = one.joined(other)
    assert (joined.files, joined.data, joined.packages, joined.uncovered) == ({"a": "1", "b": "2"}, {"d": "3"}, {"p": "1"}, ("x", "y"))
    assert len({one.digest, other.digest, joined.digest}) == 3


def test_a_folder_of_plugins_inside_the_clone_counts_as_one_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "myhelpers.py").write_text("GAIN = 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    plugins = tmp_path / "clone" / "my_plugins"
    plugins.mkdir(parents=True)
    (plugins / "helper.py").write_text("import os\nGAIN = os.environ.get('GAIN')\n")
    (plugins / "table.csv").write_text("1")
    (plugins / "mine.py").write_text("from . import helper\nimport myhelpers\nDATA = 'table.csv'\n")
    outside = sources_of(plugins / "mine.py", plugins)
    for place in (clone, import_closure):
        monkeypatch.setattr(place, "ROOT", tmp_path / "clone")
    inside = sources_of(plugins / "mine.py", plugins)
    assert inside.files.keys() == {"plugin/mine.py", "plugin/helper.py", "local/myhelpers.py"}
    assert inside.data.keys() == {"plugin/table.csv"}
    assert inside.uncovered == ("environment variables that helper.py reads",)
    assert inside.digest == outside.digest

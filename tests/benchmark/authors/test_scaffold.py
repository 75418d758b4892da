"""What `new-method` writes: for each kind a method that keeps the contract, and a test that passes, in the clone or among plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.authors.conformance import examine
from benchmark.authors.scaffold import KINDS, Scaffold, ScaffoldError, new_method
from methods.catalog import find, find_one
from tests.benchmark.conftest import ROOT

UNFINISHED = "the card still has the scaffold's paper and fidelity: tables will show it; write your own"
PYTHON_KINDS = [kind for kind in KINDS if kind != "external"]  # whose file is imported


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scaffold]:
    """A scaffold of each kind in one folder of plugins."""
    folder = tmp_path_factory.mktemp("outside") / "plugins"
    return {kind: new_method(f"mine/{kind.replace('-', '_')}_one", kind=kind, plugins=folder) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_keeps_the_contract_as_it_stands(plugins: dict[str, Scaffold], kind: str) -> None:
    entry = find_one(str(plugins[kind].method))
    findings = list(examine(entry))
    assert not [finding.problem for finding in findings if finding.problem]
    assert findings[0].note == UNFINISHED
    assert entry.load().card.learns == {"closed-form": "never", "on-scene": "on the scene", "external": "never"}.get(kind, "beforehand")


def test_the_test_of_each_kind_passes_when_it_is_run_as_the_answer_says(plugins: dict[str, Scaffold]) -> None:
    tests = [str(scaffold.test) for scaffold in plugins.values()]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


def test_the_folder_of_plugins_offers_the_methods_and_not_their_tests(plugins: dict[str, Scaffold]) -> None:
    home = plugins["checkpoint"].method.parents[1]
    assert set(find(home)) - set(find()) == {f"{kind.replace('-', '_')}_one" for kind in KINDS}


@pytest.mark.parametrize("kind", PYTHON_KINDS)
def test_in_the_clone_a_method_prints_nothing_and_its_test_imports_it(tmp_path: Path, kind: str) -> None:
    scaffold = new_method("classical/my_first", tmp_path, kind=kind)
    assert scaffold.method == tmp_path / "methods" / "classical" / "my_first.py"
    assert "from methods.classical.my_first import Method" in scaffold.test.read_text()
    text = scaffold.method.read_text()
    assert "print(" not in text
    assert len(text.splitlines()) <= (60 if kind == "closed-form" else 130)
    assert (tmp_path / "methods" / "classical" / "__init__.py").is_file()
    assert [file.name for file in scaffold.more] == (["my_first.pth"] if kind == "checkpoint" else [])
    with pytest.raises(ScaffoldError, match="exists"):
        new_method("classical/my_first", tmp_path, kind=kind)


@pytest.mark.parametrize("name", ["my_first", "a/b/c", "Classical/x", "classical/class", "numerics/x", "../x/y", "classical/gsa"])
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScaffoldError, match="expected"):
        new_method(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_plugin_needs_no_family_and_a_kind_must_be_one_of_the_list(tmp_path: Path) -> None:
    scaffold = new_method("alone", plugins=tmp_path / "new" / "folder")
    assert scaffold.method == (tmp_path / "new" / "folder" / "alone.py").resolve()
    assert find(tmp_path / "new" / "folder")["alone"].family == "plugin"
    with pytest.raises(ScaffoldError, match="--kind: expected one of closed-form, checkpoint"):
        new_method("other", plugins=tmp_path, kind="deep")


def test_a_program_in_the_clone_is_a_folder_and_its_test_asks_the_catalog(tmp_path: Path) -> None:
    scaffold = new_method("classical/my_program", tmp_path, kind="external")
    assert scaffold.method == tmp_path / "methods" / "classical" / "my_program" / "method.toml"
    assert [file.name for file in scaffold.more] == ["program.py"]
    assert 'Method = find_one("my_program").load()' in scaffold.test.read_text()

"""TOML files as methods: what they become, and one clear sentence for each that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.settings import SettingError, configure, field_types
from methods.catalog import BrokenMethodError, MethodNotFoundError, find, find_one
from methods.contract import FusionMethod
from tests.programs import nearest, program

GOOD = 'command = ["x", "{observation}", "{estimate}"]'


def test_the_parameters_of_the_file_are_the_fields_of_the_class(tmp_path: Path) -> None:
    values = 'parameters = { rank = 10, weight = 1e-3, fast = true, kind = "a", levels = [1, 2], mixed = [1, 0.5], net = {file = "w.bin"}}'
    (tmp_path / "w.bin").write_bytes(b"w")
    kind = find_one(str(nearest(tmp_path, more=values + "\ntrial = { rank = 2 }", card="needs_psf = true"))).load()
    assert issubclass(kind, FusionMethod)
    kinds = {"rank": int, "weight": float, "fast": bool, "kind": str, "levels": tuple[int, ...], "mixed": tuple[float, ...], "net": Path}
    assert field_types(kind) == kinds
    method = configure(kind, {"rank": 3, "levels": [4]})
    assert (method.rank, method.weight, method.levels, method.mixed) == (3, 1e-3, (4,), (1.0, 0.5))  # type: ignore[attr-defined]
    assert kind.card.needs == ("psf",)
    assert dict(kind.trial) == {"rank": 2}
    with pytest.raises(SettingError, match="did you mean 'rank'"):
        configure(kind, {"rnk": 3})
    assert (method.card.paper, method.card.doi, method.card.fidelity) == ("not stated", "", "not stated")


def test_toml_files_are_found_where_python_files_are(tmp_path: Path) -> None:
    nearest(tmp_path, "flat", more='files = ["helper.py"]')
    (tmp_path / "helper.py").write_text("raise SystemExit('a program, and no method')")
    nearest(tmp_path / "family", "inside")
    nearest(tmp_path / "family" / "folder", "method")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    (tmp_path / "plan.toml").write_text('name = "a plan"\n[[method]]\nname = "gsa"\n')
    (tmp_path / "_draft.toml").write_text("[card]\n")
    (tmp_path / "spoilt.toml").write_text("[card\n")
    entries = {name: entry for name, entry in find(tmp_path).items() if entry.file is not None and entry.file.is_relative_to(tmp_path)}
    assert set(entries) == {"flat", "inside", "folder", "spoilt"}, "what a TOML file's program consists of is no method"
    tomls = {name: entry.family for name, entry in entries.items() if entry.is_declared}
    assert tomls == {"flat": "plugin", "inside": "family", "folder": "family", "spoilt": "plugin"}
    with pytest.raises(BrokenMethodError, match=r"method 'spoilt': .*expected TOML"):
        entries["spoilt"].load()
    assert entries["flat"].python_file is None


def test_a_path_starts_at_one_of_the_places_and_then_at_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest(tmp_path / "sub", "mine")
    assert find_one("sub/mine.toml", places=[tmp_path]).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert find_one("sub/mine.toml").name == "mine"
    with pytest.raises(MethodNotFoundError, match=r"expected a file, got nowhere.toml"):
        find_one("nowhere.toml", places=[tmp_path])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"expected a table \[card\], got none"),
        ('[card]\nname = "x"\nyear = 2020\n', r"expected one table \[run\].*, got none"),
        (f'[card]\nname = "x"\nyear = 2020\n[run]\n{GOOD}\n[extra]\n', r"expected the tables \[card\] and \[run\].*, got extra"),
        (f"card = 3\n[run]\n{GOOD}", r"card: expected a table \[card\], got 3"),
        (f'[card]\nname = "x"\n[run]\n{GOOD}', r"\[card\]: expected a value for year"),
        (
            f'[card]\nname = "x"\nyear = 2020\nneed_psf = true\n[run]\n{GOOD}',
            r"\[card\]: unknown setting 'need_psf': did you mean",
        ),
        (f'[card]\nname = "x"\nyear = "old"\n[run]\n{GOOD}', r"\[card\]: year: expected a whole number, got 'old'"),
        (f'[card]\nname = "x"\nyear = 2020\nlearns = "on the scene"\n[run]\n{GOOD}', r"contradict each other"),
        (
            f'[card]\nname = "x"\nyear = 2020\nlearns = "beforehand"\nsupervision = "truth"\n[run]\n{GOOD}',
            r"expected trained_on with learns = 'beforehand'",
        ),
    ],
)
def test_a_file_that_is_no_method_says_why(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(BrokenMethodError, match=says) as refused:
        find_one(str(tmp_path / "x.toml")).load()
    assert "x.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("files = 3", r"\[run\]: files: expected a list of texts, got 3"),
        ("comand = 3", r"\[run\]: unknown setting 'comand': did you mean 'command'"),
        ('format = "csv"', r"\[run\]: format: expected one of 'mat', 'h5', 'npz', got 'csv'"),
        ("parameters = { class = 3 }", r"parameters: class: expected a name of letters"),
        ('parameters = { "a b" = 3 }', r"parameters: a b: expected a name of letters"),
        ("parameters = { blind = 3 }", r"parameters: the name blind is taken"),
        ("parameters = { fuse = 3 }", r"parameters: the name fuse is taken"),
        ("parameters = { x = [1, true] }", r"parameters: x: expected a number, true or false"),
        ("parameters = { x = { y = 1 } }", r"parameters: x: expected a number, true or false"),
        ("trial = { rank = 1 }", r"trial: expected names of parameters, got rank"),
        ('environment = "a.txt"\npython = "b"', r"expected environment or python, got both"),
        ('version = ["{pyton}"]', r"version: expected placeholders among .*\{python\}.*, got \{pyton\}"),
        ('version = ["{python}"]', r"expected environment = .* for \{python\}, got neither"),
    ],
)
def test_a_wrong_key_of_run_is_named(more: str, says: str, tmp_path: Path) -> None:
    file = program(tmp_path, "x", ["x", "{observation}", "{estimate}"], more=more, format="npz")
    if "format" in more:
        file.write_text(file.read_text().replace('format = "npz"\n', ""))
    with pytest.raises(BrokenMethodError, match=says):
        find_one(str(file)).load()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ([], "expected a program and its arguments"),
        (["x", "{observation}"], r"expected \{estimate\} among the arguments"),
        (["x", "{observation}", "{estimate}", "{scene}"], r"got \{scene\}; correct it, or double the braces"),
    ],
)
def test_a_wrong_command_is_refused(command: list[str], says: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenMethodError, match=says):
        find_one(str(program(tmp_path, "x", command))).load()


def test_the_key_covers_the_listed_files_and_names_those_that_are_not(tmp_path: Path) -> None:
    (tmp_path / "private" / "deep").mkdir(parents=True)
    for name in ("a.m", "b.m", "private/c.m", "private/deep/d.mat"):
        (tmp_path / name).write_text(name)
    entry = find_one(str(nearest(tmp_path, more='files = ["*.m", "private/**"]')))
    parts = entry.declared_parts()
    assert parts is not None
    assert set(parts.files) == {"nearest.toml", "a.m", "b.m", "private/c.m", "private/deep/d.mat"}
    assert parts.uncovered == ("the file nearest.py, which the command names and `files` does not",)
    covered = find_one(str(nearest(tmp_path / "other", more='files = ["*.py", "../*.m"]'))).declared_parts()
    assert covered is not None
    assert set(covered.files) == {"nearest.toml", "nearest.py", "../a.m", "../b.m"}
    assert covered.uncovered == ()
    for pattern, says in (
        ("*.jl", "expected a file that '\\*.jl' names"),
        (str(tmp_path / "a.m"), "expected a pattern relative to the file"),
    ):
        with pytest.raises(BrokenMethodError, match=says):
            find_one(str(nearest(tmp_path / "third", more=f'files = ["{pattern}"]'))).declared_parts()


def test_doubled_braces_are_single_ones(tmp_path: Path) -> None:
    from methods.declared.run_table import fill

    assert fill(("awk {{print}}", "{here}/x", "{none}"), {"here": "/h"}) == ["awk {print}", "/h/x", "{none}"]

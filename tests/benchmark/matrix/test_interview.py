"""What methods say of themselves is asked in children: whatever a plugin does there, the process that plans gets data or a clear error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import run_benchmark
from benchmark.matrix.interview import interview
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from datasets.data_roots import DataRoots
from datasets.settings import SettingError
from methods.catalog import BrokenMethodError, find_one
from tests.benchmark.conftest import HEAD, plan, plugin, small_world

WHOLE = HEAD.format(name="odd", body="return Estimate(low)", card="")
FIELD = "    strength: float = 1.0\n"


def odd(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "odd.py").write_text(text)
    return folder / "odd.py"


def asked(file: Path, /, **settings: object) -> dict[str, object]:
    """The parameters that one configuration of a method file states."""
    (answer,) = interview([(find_one(str(file)), [settings])])
    return dict(answer.configurations[0].parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE + "\nimport sys\nsys.exit()\n", "does not import: SystemExit"),
        (WHOLE + "\nimport sys\nsys.exit(0)\n", "does not import: SystemExit: 0"),
        (WHOLE + "\nprint('all good so far')\nos._exit(0)\n", "exit status 0.*'all good so far'"),
        (WHOLE + "\nos.kill(os.getpid(), 11)\n", "SIGSEGV"),
        (WHOLE + "\nraise RuntimeError('no licence')\n", "does not import: RuntimeError: no licence"),
        (WHOLE + "\nraise OSError(2, 'gone')\n", "does not import: FileNotFoundError"),
        (WHOLE + "\nassert False, 'never'\n", "does not import: AssertionError: never"),
        (WHOLE + "\nraise KeyboardInterrupt\n", "KeyboardInterrupt"),
        (WHOLE + "\n    def describe(self): raise RuntimeError('shy')\n", "describe raised RuntimeError: shy"),
        (WHOLE + "\n    def describe(self): return 7\n", "expected describe to give a Card, got int"),
        (WHOLE + "\n    def __post_init__(self): raise OSError('no disk')\n", "construction raised OSError: no disk"),
        (WHOLE + "\n    def __post_init__(self): raise SystemExit\n", "construction raised SystemExit"),
        (WHOLE.replace("year=2026", "year='last'"), "year: expected a whole number, got 'last'"),
        (WHOLE.replace(FIELD, "    strength: float = 1.0\n    kind: object = torch.float32\n"), "kind: expected a number, a text"),
        ("import sys\n", "expected a class `Method`"),
    ],
)
def test_whatever_a_plugin_does_is_a_clear_error_that_names_it(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises((BrokenMethodError, SettingError), match=message) as caught:
        asked(odd(tmp_path, text))
    assert "odd" in str(caught.value) or "kind" in str(caught.value)


def test_an_import_that_never_ends_is_given_up(tmp_path: Path) -> None:
    file = odd(tmp_path, WHOLE + "\nwhile True: time.sleep(1)\n")
    with pytest.raises(BrokenMethodError, match=r"odd.*time limit of 2 s"):
        interview([(find_one(str(file)), [{}])], limit_s=2.0)


def test_what_a_plugin_changes_in_its_process_does_not_stay(tmp_path: Path) -> None:
    spoils = (
        "\nimport sys\nos.chdir('/')\nos.umask(0o077)\nsys.path.clear()\nsys.stdout.close()\nos.environ['HOME'] = '/nowhere'\nos.close(0)\n"
    )
    file = odd(tmp_path, WHOLE + spoils)
    umask = os.umask(0o022)
    os.umask(umask)
    before = Path.cwd(), list(sys.path), sys.stdout.closed, os.environ.get("HOME")
    loaded = set(sys.modules)
    assert asked(file) == {"strength": 1.0}
    assert (Path.cwd(), list(sys.path), sys.stdout.closed, os.environ.get("HOME")) == before
    assert os.umask(umask) == umask
    assert not {name for name in set(sys.modules) - loaded if name.startswith("hmif_plugins")}


def test_planning_imports_no_method(tmp_path: Path) -> None:
    world = small_world(tmp_path)
    file = plan(world, ["steady", "sfim"])
    for name in [name for name in sys.modules if name.startswith(("hmif_plugins", "methods.classical"))]:
        del sys.modules[name]
    read = read_plan(file, DataRoots.parse([]), world / "plugins")
    assert [entry.card.name for entry in read.contestants] == ["steady", "SFIM-HS"]
    assert not [name for name in sys.modules if name.startswith(("hmif_plugins", "methods.classical"))]


def test_every_kind_of_parameter_arrives_as_it_is(tmp_path: Path) -> None:
    fields = [
        "sizes: tuple[int, ...] = (3, 1)",
        "limit: float = float('inf')",
        "file: Path | None = None",
        "table: dict[str, int] | None = None",
    ]
    text = WHOLE.replace(FIELD, FIELD + "".join(f"    {each}\n" for each in fields)).replace(
        "import os,", "from pathlib import Path\nimport os,"
    )
    file = odd(tmp_path, text)
    (tmp_path / "w.bin").write_bytes(b"1")
    wanted = {"strength": 1.0, "sizes": (3, 1), "limit": float("inf"), "file": None, "table": None}
    assert asked(file) == wanted
    assert asked(file, sizes=[2], file="w.bin", table={"a": 1}) == {**wanted, "sizes": (2,), "file": tmp_path / "w.bin", "table": {"a": 1}}
    with pytest.raises(SettingError, match=r"file: expected a file, looked at .*gone.bin"):
        asked(file, file="gone.bin")


def test_a_plan_with_a_script_without_a_main_guard_is_refused_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = small_world(tmp_path)
    plugin(world / "plugins", "script", "return Estimate(low)")
    with (world / "plugins" / "script.py").open("a") as file:
        file.write("\nimport sys\nsys.exit()\n")
    arguments = ["run", str(plan(world, ["bicubic", "script"])), "--plugins", str(world / "plugins"), "--out", str(world / "run")]
    assert run_benchmark.main(arguments) == 2
    text = capsys.readouterr().err
    assert "method 'script'" in text
    assert "SystemExit" in text
    assert not (world / "run" / "cells").exists()
    with pytest.raises(PlanError, match="SystemExit"):
        read_plan(world / "plan.toml", DataRoots.parse([]), world / "plugins")

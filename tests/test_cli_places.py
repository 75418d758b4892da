"""No home folder, terminals without letters, places that cannot be read, written to or locked: `error: ...` and status 2."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import run_benchmark
from benchmark.children.scratch import ScratchError, new_scratch
from datasets.cube_file import CubeFile, read_cube, write_cube

ROOT = Path(__file__).resolve().parent.parent
HOMELESS = """
import os, pwd, sys
def unknown(user): raise KeyError(f"getpwuid(): uid not found: {user}")
os.environ.pop("HOME", None)
pwd.getpwuid = unknown
sys.path.insert(0, sys.argv[1])
import run_benchmark
sys.exit(run_benchmark.main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with hsi.h5 (5, 6, 9), msi.h5 (2, 12, 18), and a file that is no folder."""
    folder = tmp_path_factory.mktemp("pair")
    random = np.random.default_rng(3)
    write_cube(folder / "hsi.h5", CubeFile(random.random((5, 6, 9), np.float32), np.linspace(410, 690, 5), "hsi"))
    write_cube(folder / "msi.h5", CubeFile(random.random((2, 12, 18), np.float32), None, "msi"))
    (folder / "file").write_text("no folder")
    return folder


def fuse_words(pair: Path, out: Path) -> list[str]:
    return [
        "fuse",
        "--hsi",
        str(pair / "hsi.h5"),
        "--msi",
        str(pair / "msi.h5"),
        "--method",
        "bicubic",
        "--device",
        "cpu",
        "--out",
        str(out),
    ]


def homeless(*words: str) -> subprocess.CompletedProcess[str]:
    """What a command says for a user whom the system does not know, and without $HOME."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOME", "XDG_", "HMIF_"))}
    command = [sys.executable, "-c", HOMELESS, str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)


def test_fuse_and_run_need_no_home_folder(pair: Path, tmp_path: Path) -> None:
    fused = homeless(*fuse_words(pair, tmp_path / "out.h5"))
    assert fused.returncode == 0, fused.stderr
    planned = homeless("run", str(ROOT / "benchmark" / "plans" / "quick.toml"), "--out", str(tmp_path / "run"), "--dry-run")
    assert planned.returncode == 0, planned.stderr


def test_a_home_folder_that_is_not_known_is_an_error_where_it_is_asked_for(pair: Path, tmp_path: Path) -> None:
    done = homeless(*fuse_words(pair, tmp_path / "out.h5"), "--data", "~nobody_at_all/data")
    assert done.returncode == 2
    assert "error: ~nobody_at_all/data: expected a home folder" in done.stderr
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_letters_gets_others(encoding: str, pair: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (fuse_words(pair, tmp_path / "out.h5"), ["list", "metrics"]):
        command = [sys.executable, str(ROOT / "run_benchmark.py"), *words]
        done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    assert read_cube(tmp_path / "out.h5").cube.shape == (5, 12, 18)


@pytest.mark.parametrize("below", ["file", "file/below"])
@pytest.mark.parametrize("command", ["fuse", "run", "run --dry-run", "report"])
def test_a_place_that_is_no_folder_is_an_error_before_the_work(
    command: str, below: str, pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "cells").mkdir(parents=True)
    place = pair / below
    words = {
        "fuse": fuse_words(pair, place / "out.h5"),
        "run": ["run", "--out", str(place)],
        "run --dry-run": ["run", "--out", str(place), "--dry-run"],
        "report": ["report", str(tmp_path / "run"), "--out", str(place)],
    }[command]
    assert run_benchmark.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert "expected a folder" in said.err
    assert said.out == ""


def test_a_folder_of_a_file_system_that_is_read_only_is_an_error(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc, in which nobody can make files")
    assert run_benchmark.main(fuse_words(pair, Path("/proc/out.h5"))) == 2
    assert "expected a folder that this user can write to" in capsys.readouterr().err
    assert run_benchmark.main(["run", "--out", "/proc/run"]) == 2
    assert "expected a folder that this user can write to" in capsys.readouterr().err


def test_an_input_that_is_a_folder_or_missing_is_an_error(pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("msi.h5", "hsi.h5"):
        words = fuse_words(pair, tmp_path / "out.h5")
        words[words.index(str(pair / name))] = str(pair)
        assert run_benchmark.main(words) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert run_benchmark.main(["run", str(pair), "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_errors_of_permission_that_nobody_foresaw_are_told_in_one_line(
    pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "somewhere")

    monkeypatch.setattr("benchmark.commands.pair_options.roots", refuse)
    assert run_benchmark.main(fuse_words(pair, tmp_path / "out.h5")) == 2
    assert capsys.readouterr().err.startswith("error: expected files and folders that this user can read and write")


def test_a_file_system_without_flock_is_an_error_and_not_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    (tmp_path / "run" / "cells").mkdir(parents=True)
    (tmp_path / "run" / ".lock").touch()
    new_scratch()  # in a folder of this process, which is made once, with a lock of its own
    monkeypatch.setattr(fcntl, "flock", without)
    for words in (["run", "--out", str(tmp_path / "run")], ["status", str(tmp_path / "run")]):
        assert run_benchmark.main(words) == 2
        assert "expected a file system with flock" in capsys.readouterr().err
    monkeypatch.setattr("benchmark.children.scratch._homes", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ScratchError, match="TMPDIR"):
        new_scratch()

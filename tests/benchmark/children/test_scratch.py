"""Scratch folders: those of supervisors that were killed are removed by the next one, those of living ones never."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmark.children import scratch
from benchmark.children.scratch import LOCK, PREFIX, YOUNG_S, new_scratch, remove_folder, sweep, written_bytes
from benchmark.clone import ROOT

HOLDER = "import sys, time; from benchmark.children.scratch import new_scratch; print(new_scratch(), flush=True); time.sleep(600)"


def test_the_folder_of_a_killed_supervisor_is_removed_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER], cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    folders = []
    for holder in holders:
        assert holder.stdout is not None
        folders.append(Path(holder.stdout.readline().strip()))
    assert all(folder.is_dir() and folder.parent.name.startswith(PREFIX) for folder in folders)
    assert sweep(tmp_path) == []
    holders[0].send_signal(signal.SIGKILL)
    holders[0].communicate()
    (folders[0] / "estimate.h5").write_text("half")
    assert sweep(tmp_path) == [folders[0].parent]
    assert [folder.is_dir() for folder in folders] == [False, True]
    holders[1].kill()
    holders[1].communicate()


def test_what_is_not_surely_abandoned_stays(tmp_path: Path) -> None:
    young, old, other = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old", tmp_path / "hmif-else"
    for folder in (young, old, other):
        folder.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(other, target_is_directory=True)
    past = young.stat().st_mtime - YOUNG_S - 5
    os.utime(old, (past, past))
    held = tmp_path / f"{PREFIX}held"
    held.mkdir()
    with (held / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep(tmp_path) == [old]
    assert sweep(tmp_path) == [held]
    assert young.is_dir()
    assert other.is_dir()


def test_a_supervisor_has_one_folder_and_its_children_their_own_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first, second = new_scratch(), new_scratch()
    assert first != second
    assert first.parent == second.parent
    assert first.parent.parent == tmp_path
    scratch._leave((os.getpid(), str(tmp_path)))
    assert not first.parent.exists()
    assert new_scratch().is_dir(), "a new one where the old one is gone"
    scratch._leave((os.getpid(), str(tmp_path)))


def test_folders_deeper_than_a_path_can_name_are_counted_and_removed(tmp_path: Path) -> None:
    place = tmp_path / "deep"
    place.mkdir()
    code = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\nopen('f', 'wb').write(b'1' * 3_000_000)"
    subprocess.run([sys.executable, "-c", code], cwd=place, check=True)
    assert written_bytes(place) >= 3_000_000
    remove_folder(place)
    assert not place.exists()


def test_bytes_are_those_of_all_files_once_and_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"1" * 500_000)
    (tmp_path / "a" / "b" / "two").write_bytes(b"2" * 250_000)
    whole = written_bytes(tmp_path)
    assert 750_000 <= whole <= 800_000
    (tmp_path / "a" / "b" / "around").symlink_to(tmp_path, target_is_directory=True)
    assert written_bytes(tmp_path) <= whole + 8192

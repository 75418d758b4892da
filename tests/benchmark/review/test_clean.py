"""`clean` removes what no current record needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.review.clean import clean
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.lock import BusyError, claimed
from tests.benchmark.folders import FIRST, read_records, run_folder, variant, write_record


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file() and file.name != ".lock"
    }


def spoilt(folder: Path) -> set[str]:
    """A run folder with a superseded record and all that belongs to it alone; the names of what should go."""
    run_folder(folder, [FIRST])
    before = set(everything(folder))
    old = variant("f", scene_digest="01d5", observation_digest="01db", environment="e9")
    run_folder(folder.parent / "old", [old])
    for name, content in everything(folder.parent / "old").items():
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    for name in (f"estimates/{old.key}_std.h5", f"profiles/{old.key}.json", "logs/observe_01db.txt", f"measured/{old.key}.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"old")
    (folder / "iterates" / old.key).mkdir(parents=True)
    (folder / "iterates" / old.key / "0001.h5").write_bytes(b"old")
    return set(everything(folder)) - before


def test_superseded_records_go_with_all_that_only_they_need(tmp_path: Path) -> None:
    gone = spoilt(tmp_path / "run")
    assert len(gone) >= 9
    whole = everything(tmp_path / "run")
    dry = clean(tmp_path / "run", dry_run=True)
    assert everything(tmp_path / "run") == whole
    assert "would remove cells/ffffffffffffffffffff.json" in dry.text()
    done = clean(tmp_path / "run")
    assert everything(tmp_path / "run") == {name: content for name, content in whole.items() if name not in gone}
    assert (done.records, done.files, done.size) == (dry.records, dry.files, dry.size)
    assert done.size == sum(len(whole[name]) for name in gone)
    assert read_records(tmp_path / "run") == [FIRST]
    assert "nothing to remove" in clean(tmp_path / "run").text()


def test_a_run_with_open_cells_keeps_the_observations_that_they_may_need(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST], waiting=("c",))
    RunFolder(run).reference("later").write_bytes(b"needed by what has not run")
    clean(run)
    assert RunFolder(run).reference("later").exists()


def test_folders_without_an_index_and_busy_ones_are_refused(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST])
    write_record(run, variant("f"))
    with claimed(run), pytest.raises(BusyError):
        clean(run)
    (run / "index.json").unlink()
    with pytest.raises(RecordError, match=r"expected a run folder with index\.json"):
        clean(run)
    assert len(RunFolder(run).record_keys()) == 2
    with pytest.raises(RecordError, match="expected a run folder"):
        clean(tmp_path / "none")

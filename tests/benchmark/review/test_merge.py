"""Merging: everything arrives once and whole, contradictions are refused before anything is written."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from benchmark.review.explain import explain
from benchmark.review.merge import merge
from benchmark.review.merge_choice import MergeError
from benchmark.review.status import status
from benchmark.run_folder.json_file import read_json
from benchmark.run_folder.lock import BusyError, claimed
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile, read_cube, write_cube
from tests.benchmark.folders import FIRST, read_records, run_folder, write_record
from tests.benchmark.folders import variant as same_cell


def variant(key: str, **changes: Any) -> Result:
    """Another cell: its seed is told by its key's letter, a being that of `FIRST`."""
    return same_cell(key, **{"seed": ord(key) - ord("a"), **changes})


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_every_record_arrives_with_all_that_it_refers_to(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST, variant("b", scene="file/b", scene_digest="b5ce")])
    b = run_folder(tmp_path / "b", [FIRST, variant("c", observation_digest="c0b5")], waiting=("d",))
    merged = merge([a, b], tmp_path / "c", "python run_benchmark.py merge a b")
    assert (merged.records, merged.copied) == (3, 3)
    assert merged.from_each == ((a, 2), (b, 1))
    out = files(tmp_path / "c")
    for source in (a, b):
        for name, content in files(source).items():
            if name not in ("plan.json", "plan.toml", "index.json", "environment.json"):
                assert out[name] == content, name
    assert len(read_records(tmp_path / "c")) == 3
    assert read_json(tmp_path / "c" / "environment.json")["processor"] == "P"
    told = status(tmp_path / "c")
    assert (told.total, told.done) == (4, 3)
    assert read_json(tmp_path / "c" / "plan.json")["command"] == "python run_benchmark.py merge a b"
    texts = {cell: explain(tmp_path / "c", cell * 20).repetition for cell in "abc"}
    assert {cell: repetition.plan.read_text() for cell, repetition in texts.items() if repetition is not None} == {
        "a": 'name = "a"\n',
        "b": 'name = "a"\n',
        "c": 'name = "b"\n',
    }


def test_merging_again_changes_nothing_and_a_third_run_is_added(tmp_path: Path) -> None:
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [variant("b")])
    merge([a, b], tmp_path / "c")
    before = files(tmp_path / "c")
    assert merge([a, b], tmp_path / "c").copied == 0
    assert files(tmp_path / "c") == before
    third = run_folder(tmp_path / "d", [variant("d", environment="e1")], processor="Q")
    assert (merge([third], tmp_path / "c").records, len(read_records(tmp_path / "c"))) == (3, 3)
    assert set(read_json(tmp_path / "c" / "index.json")["merged"]) == {"a", "b", "d"}
    places = read_json(tmp_path / "c" / "environment.json")
    assert {name: place["processor"] for name, place in places.items()} == {"e0": "P", "e1": "Q"}


def test_a_merge_that_was_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import benchmark.review.merge_copy as module

    a = run_folder(tmp_path / "a", [FIRST, variant("b"), variant("c")])
    write, written = module.write_bytes, []

    def fails_late(file: Path, content: bytes) -> Path:
        written.append(file)
        if len(written) == 9:
            raise OSError("no space left")
        return write(file, content)

    monkeypatch.setattr(module, "write_bytes", fails_late)
    with pytest.raises(OSError, match="no space"):
        merge([a], tmp_path / "c")
    for record in read_records(tmp_path / "c"):
        assert (tmp_path / "c" / "estimates" / f"{record.key}.h5").is_file()
    done = len(read_records(tmp_path / "c"))
    monkeypatch.undo()
    assert 0 < done < 3
    assert merge([a], tmp_path / "c").copied == 3 - done
    assert len(read_records(tmp_path / "c")) == 3


def test_a_scored_cell_wins_over_one_that_failed_whatever_the_order(tmp_path: Path) -> None:
    failed = variant("a", outcome="failed", reason="no luck", metrics={}, clock=None, memory=None, ended="2027-01-01T00:00:00+00:00")
    a, b = run_folder(tmp_path / "a", [failed]), run_folder(tmp_path / "b", [FIRST])
    write_cube(b / "estimates" / f"{FIRST.key}.h5", CubeFile(np.ones((2, 3, 4), np.float32), None, "that of b"))
    that = (b / "estimates" / f"{FIRST.key}.h5").read_bytes()
    for name, order in (("c", [a, b]), ("d", [b, a])):
        merge(order, tmp_path / name)
        assert read_records(tmp_path / name)[0].outcome == "scored"
        assert (tmp_path / name / "estimates" / f"{FIRST.key}.h5").read_bytes() == that
    merge([a], tmp_path / "e")
    assert merge([b], tmp_path / "e").copied == 1
    assert read_records(tmp_path / "e")[0].outcome == "scored"


def test_no_record_stands_beside_another_runs_estimate_even_when_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import benchmark.review.merge_copy as module

    failed = variant("a", outcome="failed", metrics={}, clock=None, memory=None)
    merge([run_folder(tmp_path / "a", [failed])], tmp_path / "c")
    b, write = run_folder(tmp_path / "b", [FIRST]), module.write_bytes

    def fails_at_the_record(file: Path, content: bytes) -> Path:
        if file.parent.name == "cells":
            raise OSError("no space left")
        return write(file, content)

    monkeypatch.setattr(module, "write_bytes", fails_at_the_record)
    with pytest.raises(OSError, match="no space"):
        merge([b], tmp_path / "c")
    assert read_records(tmp_path / "c") == []
    monkeypatch.undo()
    assert merge([b], tmp_path / "c").copied == 1


def test_other_figures_for_one_cell_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST])
    b = run_folder(tmp_path / "b", [variant("a", metrics={**FIRST.metrics, "psnr": 30.5})])
    with pytest.raises(
        MergeError, match=r"aaaa \(Steady on file/a\): PSNR 30.00 dB against PSNR 30.50 dB; in .*/a and .*/b\n.*remove cells/KEY"
    ):
        merge([a, b], tmp_path / "c")
    assert not (tmp_path / "c").exists()
    close = run_folder(tmp_path / "close", [variant("a", metrics={**FIRST.metrics, "psnr": 30.004})])
    assert merge([a, close], tmp_path / "c").records == 1, "another processor's last bits are no contradiction"
    rescored = run_folder(tmp_path / "rescored", [variant("a", metrics_key="m1", metrics={"psnr": 12.0})])
    assert merge([a, rescored], tmp_path / "e").records == 1, "metrics of another version are not compared"


def test_an_infinite_figure_contradicts_a_finite_one_and_not_itself(tmp_path: Path) -> None:
    exact = run_folder(tmp_path / "a", [variant("a", metrics={"psnr": math.inf})])
    again = run_folder(tmp_path / "b", [variant("a", metrics={"psnr": math.inf})])
    assert merge([exact, again], tmp_path / "c").records == 1
    high = run_folder(tmp_path / "d", [variant("a", metrics={"psnr": 150.0})])
    with pytest.raises(MergeError, match=r"PSNR infinite against PSNR 150\.00 dB"):
        merge([exact, high], tmp_path / "e")


def test_a_damaged_shared_file_is_refused(tmp_path: Path) -> None:
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [variant("b")])
    file = b / "scenes" / "5ce0.h5"
    cube = read_cube(file).cube
    write_cube(file, CubeFile(cube * np.float32(1 + 1e-7), None, "the last bits differ"))
    merge([a, b], tmp_path / "c")
    cube[1, 2, 3] += 0.01
    write_cube(file, CubeFile(cube, None, "a value differs"))
    with pytest.raises(MergeError, match=r"a/scenes/5ce0.h5 and .*b/scenes/5ce0.h5; one of them is damaged"):
        merge([a, b], tmp_path / "d")
    with h5py.File(file, "w") as store:
        store["other"] = cube
    with pytest.raises(MergeError, match="damaged"):
        merge([a, b], tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("damage", ["truncated", "edited"])
def test_a_whole_file_wins_over_a_damaged_one_whatever_the_order(tmp_path: Path, damage: str) -> None:
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [FIRST])
    for part, name in (("scenes", FIRST.scene_digest), ("estimates", FIRST.key)):
        file = a / part / f"{name}.h5"
        if damage == "truncated":
            file.write_bytes(file.read_bytes()[:-700])
        else:
            with h5py.File(file, "r+") as store:
                store["cube"][1, 2, 3] += 1
    for out, order in (("c", [a, b]), ("d", [b, a])):
        merged = merge(order, tmp_path / out)
        assert len(merged.damaged) == 2
        for part, name in (("scenes", FIRST.scene_digest), ("estimates", FIRST.key)):
            assert (tmp_path / out / part / f"{name}.h5").read_bytes() == (b / part / f"{name}.h5").read_bytes()
    alone = merge([a], tmp_path / "e")
    assert "damaged" in alone.text() or "whole HDF5" in alone.text()
    assert not (tmp_path / "e" / "estimates" / f"{FIRST.key}.h5").exists(), "a damaged cube is not handed on"
    assert len(read_records(tmp_path / "e")) == 1, "its figures are"


@pytest.mark.parametrize("metrics", [{}, {"psnr": float("nan"), "sam": 5.0}])
def test_a_record_without_scores_never_wins_and_alone_is_refused(tmp_path: Path, metrics: dict[str, float]) -> None:
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [FIRST])
    file = a / "cells" / f"{FIRST.key}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "metrics": metrics}))
    for out, order in (("c", [a, b]), ("d", [b, a])):
        merge(order, tmp_path / out)
        assert read_records(tmp_path / out) == [FIRST]
    with pytest.raises(MergeError, match=r"is not a record: (no scores|NaN, which is no JSON)"):
        merge([a], tmp_path / "e")


def test_of_one_cell_made_by_two_codes_the_newest_is_current(tmp_path: Path) -> None:
    newer = same_cell("b", metrics={**FIRST.metrics, "psnr": 31.0}, ended="2026-02-01T00:00:00+00:00")
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [newer])
    for out, order in (("c", [a, b]), ("d", [b, a])):
        merged = merge(order, tmp_path / out)
        assert merged.superseded == 1
        assert read_records(tmp_path / out) == [newer]
        assert (tmp_path / out / "cells" / f"{FIRST.key}.json").exists()


def test_what_a_run_has_left_behind_is_not_merged(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST])
    write_record(a, variant("z"))
    assert merge([a], tmp_path / "c").records == 1


def test_a_record_under_another_cells_name_is_refused(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST])
    (a / "index.json").unlink()
    (a / "cells" / f"{'b' * 20}.json").write_bytes((a / "cells" / f"{FIRST.key}.json").read_bytes())
    with pytest.raises(MergeError, match=r"cells/b+.json is not a record: key: 'a+' where the name of the file was expected; move it away"):
        merge([a], tmp_path / "c")


def test_folders_that_are_none_or_anothers_are_refused(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST])
    with pytest.raises(MergeError, match="expected run folders"):
        merge([a, tmp_path / "none"], tmp_path / "c")
    with pytest.raises(MergeError, match="holds something else"):
        merge([a], run_folder(tmp_path / "b", [FIRST]))
    with pytest.raises(MergeError, match="holds something else"):
        merge([a], a)
    merge([a], tmp_path / "c")
    with pytest.raises(MergeError, match="another folder for the result than those of the runs"):
        merge([tmp_path / "c"], tmp_path / "c")
    with claimed(tmp_path / "c"), pytest.raises(BusyError):
        merge([a], tmp_path / "c")
    b = run_folder(tmp_path / "more", [variant("e")])
    assert merge([b], tmp_path / "c").copied == 1


def test_two_contents_under_one_name_of_a_scene_are_refused(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [variant("a", scene_content="c1")])
    b = run_folder(tmp_path / "b", [variant("b", scene_content="c2", scene_digest="b5ce")])
    with pytest.raises(MergeError, match=r"one content for each name of a scene, got two of file/a: in .*/a, and in .*/b"):
        merge([a, b], tmp_path / "c")
    assert not (tmp_path / "c").exists()
    other = run_folder(tmp_path / "d", [variant("b", scene="file/other", scene_content="c2", scene_digest="b5ce")])
    assert merge([a, other], tmp_path / "c").records == 2


def test_a_folder_of_an_earlier_version_is_not_mixed_with_a_new_one(tmp_path: Path) -> None:
    a, b = run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [variant("b")])
    index = b / "index.json"
    index.write_text(json.dumps({**read_json(index), "schema": 2}))
    with pytest.raises(MergeError, match=rf"one version, got some of an earlier one \({a}\)"):
        merge([a, b], tmp_path / "c")


def test_files_of_one_name_are_two_rows(tmp_path: Path) -> None:
    """The parameters of a record name a file without its folder; its content makes the difference."""
    rows = [same_cell(key, parameters={"weights": "w.bin"}, files={"weights": content}) for key, content in (("a", "1f"), ("b", "2f"))]
    a, b = (run_folder(tmp_path / key, [row]) for key, row in zip("ab", rows, strict=True))
    merged = merge([a, b], tmp_path / "c")
    assert (merged.records, merged.superseded) == (2, 0)
    assert len(read_records(tmp_path / "c")) == 2

"""Bundles against runs and against this code: regression beyond noise, what is stale, what is missing; and the bundles that are shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import run_benchmark
from benchmark.clone import ROOT
from benchmark.identity.source_keys import clock_key, metrics_key
from benchmark.matrix.plan_file import read_plan
from benchmark.review.bundle_check import check_bundle, expect_common_cells
from benchmark.review.bundle_names import find_bundle, named_bundles
from benchmark.review.compare import compare_runs, metric_differs, score_noise
from benchmark.run_folder.bundle import Bundle, bundle_of, read_bundle, write_bundle
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result
from datasets.data_roots import DataRoots
from datasets.protocols import protocol_from
from tests.benchmark.conftest import plan
from tests.benchmark.folders import FIRST, run_folder, variant

pytestmark = pytest.mark.usefixtures("without_figures")

CAMERA = {"name": "camera-x8", "source": "made up", **protocol_from("camera-x8", None).numbers()}


def cell(key: str, psnr: float, scene: str = "file/a", **facts: Any) -> Result:
    now = {"protocol": CAMERA, "metrics_key": metrics_key(), "clock_key": clock_key(), "method": "gsa", "label": "GSA"}
    return variant(key, **{**now, "scene": scene, "scene_content": f"content-of-{scene}", "metrics": {"psnr": psnr, "sam": 5.0}, **facts})


def bundled(folder: Path, records: list[Result], **facts: Any) -> Path:
    made = bundle_of(run_folder(folder / "made", records), "made")
    return write_bundle(folder / "made.json.xz", replace(made, **facts))


def test_a_run_is_compared_with_a_bundle_beyond_what_a_repeated_run_differs_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [cell("a", 30.0), cell("b", 31.0, "file/b"), cell("c", 32.0, "file/c")]
    file = bundled(tmp_path, before)
    run = run_folder(tmp_path / "run", [cell("d", 30.0), cell("e", 31.05, "file/b"), cell("f", 9.0, "file/d")])
    found = compare_runs(file, run)
    assert (found.same, len(found.differences), len(found.only_before), len(found.only_after)) == (1, 1, 1, 1)
    assert found.differences[0].what == ("PSNR 31.00 dB -> PSNR 31.05 dB",)
    assert [each.same for each in (compare_runs(run, file),)] == [1], "the bundle is what was before, whatever the order"
    assert run_benchmark.main(["compare", str(run), str(file)]) == 1
    assert "1 cells as in made, 1 changed beyond noise" in capsys.readouterr().out
    noisy = bundled(tmp_path / "noisy", before, noise={"gsa": {"psnr": 0.03}})
    assert not compare_runs(noisy, run).changed, "cells of one side alone are no change against a bundle"
    assert run_benchmark.main(["compare", str(run), str(noisy)]) == 0


def test_nothing_in_common_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = bundled(tmp_path, [cell("a", 30.0)])
    run = run_folder(tmp_path / "run", [cell("d", 30.0, seed=3)])
    assert run_benchmark.main(["compare", str(run), str(file)]) == 1
    assert "nothing was compared: no cell of the run is one of made" in capsys.readouterr().out
    with pytest.raises(RecordError, match="got two bundles"):
        compare_runs(file, file)
    assert run_benchmark.main(["compare", str(run), "mad"]) == 2
    assert "expected a file .json.xz or the name of a bundle, got 'mad'" in capsys.readouterr().err


def test_seconds_are_compared_only_by_one_clock_on_one_machine(tmp_path: Path) -> None:
    slow = replace(cell("d", 30.0), clock=replace(FIRST.clock, fuse=9.0, fuse_low=8.0, fuse_high=10.0) if FIRST.clock else None)
    file, run = bundled(tmp_path, [cell("a", 30.0)]), run_folder(tmp_path / "run", [slow])
    assert [each.what for each in compare_runs(file, run).differences] == [("fuse 1 s -> 9 s (9.00 times)",)]
    other = run_folder(tmp_path / "other", [slow], processor="Q")
    assert not compare_runs(file, other).differences
    clock = bundled(tmp_path / "clock", [cell("a", 30.0, clock_key="another")])
    assert (compare_runs(clock, run).differences, compare_runs(clock, run).untimed) == ((), 1)


def test_noise_is_the_largest_difference_of_two_runs_by_method_and_metric(tmp_path: Path) -> None:
    one = run_folder(tmp_path / "one", [cell("a", 30.0), cell("b", 31.0, "file/b"), cell("c", 1.0, method="rfuse")])
    two = run_folder(tmp_path / "two", [cell("d", 30.25), cell("e", 30.5, "file/b"), cell("f", 1.0, method="rfuse")])
    assert score_noise(one, two) == {"gsa": {"psnr": 0.5, "sam": 0.0}, "rfuse": {"psnr": 0.0, "sam": 0.0}}
    assert metric_differs("psnr", 30.0, 30.05)
    assert not metric_differs("psnr", 30.0, 30.05, noise=0.03)
    with pytest.raises(RecordError, match="both have scores of, got none"):
        score_noise(one, run_folder(tmp_path / "three", [cell("a", 1.0, seed=9)]))


def test_a_plan_that_has_nothing_in_common_is_refused_before_it_runs(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(world, ["bicubic"], scenes=("a",))
    (planned,) = read_plan(file, DataRoots(None)).cells("cpu")
    known = cell("a", 30.0, scene_content=planned.identity.digest)
    expect_common_cells(read_bundle(bundled(world / "one", [known])), [planned])
    other = bundled(world / "two", [cell("b", 30.0)])
    assert run_benchmark.main(["run", str(file), "--device", "cpu", "--out", str(world / "out"), "--against", str(other)]) == 2
    assert "got made, which has none of them; it has file/a, ... under camera-x8" in capsys.readouterr().err
    assert not (world / "out" / "cells").exists()


def check(bundle: Bundle) -> Any:
    return check_bundle(bundle, DataRoots(None))


def test_what_this_code_would_not_make_so_is_stale_row_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = bundle_of(run_folder(tmp_path / "good", [cell("a", 30.0), cell("b", 31.0, "file/b")]), "good")
    assert check(good).sound, check(good)
    other = {**CAMERA, "phase": 4, "boundary": "reflect"}
    rows = [
        cell("c", 1.0, label="Old", metrics_key="old"),
        cell("d", 1.0, label="Moved", protocol=other),
        cell("e", 1.0, label="Moved", protocol=other, scene="file/b"),
        cell("f", 1.0, label="Gone", method="gone"),
        cell("1", 1.0, label="Own", protocol={**CAMERA, "name": "own"}),
    ]
    found = check(replace(good, records=(*good.records, *rows), planned=7, plan_text="not = [toml"))
    assert found.stale == (
        f"Old: scored by other metrics (key old, here {metrics_key()}) (1 record)",
        "Moved: protocol camera-x8 has other numbers here: boundary, phase (2 records)",
        "Gone: method gone is not in the catalog (1 record)",
    )
    assert any("protocol own was not checked" in note for note in found.notes)
    assert any("another metrics key than the bundle's" in gap for gap in found.gaps)
    table = '[[protocol]]\nname = "own"\nratio = 8\nphase = 3\npsf = {kind = "gaussian", taps = 7, sigma = 2.0}\nsensor = "rgb_camera"\n'
    described = replace(good, records=(rows[4],), planned=1, plan_text=table + 'hsi_snr_db = 30\nscenes = ["x"]\n')
    assert check(described).stale == ("Own: protocol own has other numbers here: hsi_snr_db (1 record)",)
    assert check(replace(described, plan_text=table)).sound
    file = write_bundle(tmp_path / "good.json.xz", good)
    assert run_benchmark.main(["check-bundle", str(file)]) == 0
    write_bundle(file, replace(good, planned=9))
    assert run_benchmark.main(["check-bundle", str(file)]) == 1
    assert "7 of the plan's 9 cells have no record" in capsys.readouterr().out


def test_a_method_of_a_file_that_the_plan_names_is_not_called_gone(tmp_path: Path) -> None:
    good = bundle_of(run_folder(tmp_path / "good", [cell("a", 30.0, label="Theirs", method="their_net")]), "good")
    assert check(good).stale == ("Theirs: method their_net is not in the catalog (1 record)",)
    named = check(replace(good, plan_text='[[method]]\nname = "../nets/their_net.toml"\n'))
    assert named.stale == ()
    assert any("method their_net was not looked up" in note for note in named.notes), named.notes
    other = check(replace(good, plan_text='[[method]]\nname = "../nets/other_net.toml"\n'))
    assert other.stale == check(good).stale


def test_what_is_missing_or_twice_is_a_gap(tmp_path: Path) -> None:
    good = bundle_of(run_folder(tmp_path / "good", [cell("a", 30.0)]), "good")
    rows = [cell("c", 1.0), cell("d", 1.0, "file/b", outcome="timeout"), cell("e", 1.0, "file/c", scene_content="", environment="e9")]
    gaps = " | ".join(check(replace(good, records=(*good.records, *rows))).gaps)
    for part in (
        "1 cells failed: GSA on file/b (timeout)",
        "1 records have no digest",
        "1 records have no environment",
        "identity of another",
    ):
        assert part in gaps, part


def test_a_run_becomes_a_bundle_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = run_folder(tmp_path / "one", [cell("a", 30.0)], waiting=("b",))
    two = run_folder(tmp_path / "two", [cell("a", 30.25)])
    given = ["bundle", str(one), "--out", str(tmp_path / "mine-2026.json.xz"), "--repeated", str(two)]
    assert run_benchmark.main(given) == 0
    told = capsys.readouterr().out
    assert "mine-2026: 1 records, 1 with scores" in told
    assert "missing   1 of the plan's 2 cells" in told
    back = read_bundle(find_bundle(str(tmp_path / "mine-2026.json.xz")))
    assert (back.name, dict(back.noise["gsa"])) == ("mine-2026", {"psnr": 0.25, "sam": 0.0})


def test_bundles_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "cave-2026.json.xz").write_bytes(b"")
    assert find_bundle("CAVE_2026", tmp_path) == tmp_path / "cave-2026.json.xz"
    with pytest.raises(RecordError, match="got 'cave-2062': did you mean 'cave-2026'"):
        find_bundle("cave-2062", tmp_path)


@pytest.mark.parametrize("name", [*named_bundles(), "none"])
def test_each_shipped_bundle_is_of_this_code_and_has_a_data_sheet(name: str) -> None:
    if name == "none":
        return  # so that the list of parameters is never empty
    file = named_bundles()[name]
    root = ROOT.parent / "shared" / "data"
    found = check_bundle(read_bundle(file), DataRoots(root if root.is_dir() else None))
    assert found.sound, "\n".join((*found.stale, *found.gaps))
    assert file.stat().st_size < 2_000_000
    sheet = file.with_name(f"{name}.md").read_text(encoding="utf-8")
    for heading in ("What it holds", "How it was made", "What it cannot tell"):
        assert heading in sheet, heading

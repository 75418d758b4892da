"""`check-bundle --cubes`: scores that are not those of the cubes are found, and what could not be looked at is named."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import run_benchmark
from benchmark.matrix.plan_file import read_plan
from benchmark.review.bundle_recheck import drawn_cells, recheck
from benchmark.run_folder.bundle import Bundle, bundle_of, write_bundle
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin, small_world
from tests.benchmark.folders import variant

NOISY = """
[[protocol]]
name = "noisy"
ratio = 4
phase = 1
psf = {kind = "gaussian", taps = 5, sigma = 1.3}
sensor = "rgb_camera"
hsi_snr_db = 30
msi_snr_db = 35
"""
STATED = "return Estimate(low, std=torch.full_like(low, 0.05))"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world, and in it the run folder `run`: two methods on two files and a part of one, one of them with its standard deviation."""
    world = small_world(tmp_path_factory.mktemp("made"))
    plugin(world / "plugins", "stated", STATED)
    file = plan(world, ["steady", "stated"], NOISY, protocols="[]")
    table = f'[[scene]]\nname = "mine/cut"\nfile = "{world / "b.h5"}"\ncrop = [0, 0, 16, 20]\n'
    file.write_text(file.read_text().replace("[[protocol]]", table + "[[protocol]]", 1))
    records = run(read_plan(file, DataRoots.parse([]), world / "plugins"), RunSettings(world / "run"), lambda _: None)
    assert [record.outcome for record in records] == ["scored"] * 6
    return world


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "made"))


def bundle_in(world: Path, changes: Mapping[str, Mapping[str, Any]] | None = None, *, only: tuple[str, ...] = ()) -> Path:
    """The bundle of the run, in which records are changed by their keys; of its cells only those of some keys, where they are given."""
    bundle = bundle_of(world / "run", "made")
    kept = [record for record in bundle.records if not only or record.key in only]
    records = tuple(replace(record, **(changes or {}).get(record.key, {})) for record in kept)
    return write_bundle(world / "made.json.xz", replace(bundle, records=records))


def checked(world: Path, capsys: pytest.CaptureFixture[str], file: Path, *more: str) -> tuple[int, str]:
    """The exit status and the text, all cells drawn."""
    given = ["check-bundle", str(file), "--cubes", str(world / "run"), "--data", str(world), "--plugins", str(world / "plugins")]
    status = run_benchmark.main([*given, "--sample", "99", *more])
    return status, capsys.readouterr().out


def records_of(world: Path) -> list[Result]:
    return RunFolder(world / "run").current_records()


def one(world: Path, method: str = "stated", scene: str = "file/b", protocol: str = "noisy") -> Result:
    return next(each for each in records_of(world) if (each.method, each.scene, each.protocol["name"]) == (method, scene, protocol))


def test_a_bundle_has_the_scores_of_its_cubes_wherever_these_lie(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = bundle_in(world)
    status, told = checked(world, capsys, file)
    assert "again     6 of 6 cells have the scores of their cubes" in told
    assert "6 of 6 cells computed again, and none differs" in told
    assert status == 0
    (world / "run" / "estimates").rename(world / "theirs")
    for part in ("scenes", "observations", "responses"):
        shutil.rmtree(world / "run" / part)  # nothing but the cubes is taken from the one who made the bundle
    assert checked(world, capsys, file, "--cubes", str(world / "theirs"))[0] == 0


def test_a_score_that_was_made_better_is_named_with_both_values(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = one(world)
    psnr, sam = record.metrics["psnr"], record.metrics["sam"]
    assert psnr is not None
    assert sam is not None
    file = bundle_in(world, {record.key: {"metrics": {**record.metrics, "psnr": psnr + 0.02, "sam": sam - 0.004}}})
    status, told = checked(world, capsys, file)
    assert f"differs   stated on file/b, noisy, seed 0: PSNR {psnr + 0.02:.2f} dB in the bundle, PSNR {psnr:.2f} dB recomputed" in told
    assert told.count("differs ") == 1, "less than a unit of the last printed digit is no difference"
    assert "again     5 of 6" in told
    assert "verdict   not to be used as it is" in told
    assert status == 1


def test_a_cube_of_another_cell_has_its_own_scores(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, folder = one(world, "steady", "mine/cut"), RunFolder(world / "run")
    cube = read_cube(folder.estimate(record.key))
    rng = np.random.default_rng(4)
    spoilt = replace(cube, cube=(cube.cube + rng.normal(0, 0.1, cube.cube.shape)).astype(np.float32))
    write_cube(folder.estimate(record.key), spoilt)
    truth = read_cube(world / "b.h5").cube[:, :16, :20].astype(np.float64)
    errors = ((truth - read_cube(folder.estimate(record.key)).cube) ** 2).reshape(len(truth), -1).mean(1)
    psnr = float(np.mean([10 * log10(1 / error) for error in errors]))
    status, told = checked(world, capsys, bundle_in(world))
    assert re.search(rf"differs   steady on mine/cut, noisy, seed 0: PSNR .* in the bundle, PSNR {psnr:.2f} dB recomputed", told)
    assert status == 1


def test_cubes_and_scenes_that_are_missing_are_gaps_and_nothing_recomputed_is_a_failure(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = RunFolder(world / "run"), bundle_in(world)
    gone, without_std = one(world, "steady", "file/a"), one(world)
    folder.estimate(gone.key).unlink()
    folder.std(without_std.key).unlink()
    status, told = checked(world, capsys, file)
    assert f"gap       steady on file/a, noisy, seed 0: {gone.key}.h5 not among the cubes" in told
    assert f"gap       stated on file/b, noisy, seed 0: {without_std.key}_std.h5 not among the cubes" in told
    assert "4 of 6 cells computed again, and none differs" in told
    assert status == 0
    cube = read_cube(world / "b.h5")
    write_cube(world / "b.h5", CubeFile(cube.cube * np.float32(0.99), cube.wavelengths_nm, "b"))
    status, told = checked(world, capsys, file)
    assert "stated on mine/cut, noisy, seed 0: the scene mine/cut has another content here" in told
    assert "1 of 6 cells computed again, and none differs" in told
    assert status == 0
    (world / "a.h5").unlink()
    status, told = checked(world, capsys, file)
    assert "stated on file/a, noisy, seed 0: scene 'file:a.h5': expected a file" in told
    assert "gap       no cell was computed again, so that nothing is known of the scores" in told
    assert "note      no cell was computed again of: " in told
    assert status == 1


def test_cubes_that_are_broken_or_of_another_size_are_faults(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(world / "run")
    broken, small = one(world, "steady", "file/a"), one(world, "steady", "file/b")
    content = bytearray(folder.estimate(broken.key).read_bytes())
    folder.estimate(broken.key).write_bytes(content[: len(content) // 2])
    write_cube(folder.estimate(small.key), CubeFile(np.zeros((31, 4, 4), np.float32), np.linspace(400, 700, 31), "small"))
    status, told = checked(world, capsys, bundle_in(world, only=(broken.key, small.key)))
    assert "differs   steady on file/a, noisy, seed 0: its estimate cannot be read: " in told
    assert "differs   steady on file/b, noisy, seed 0: its cube cannot be scored: " in told
    assert status == 1


def test_a_protocol_that_this_code_would_make_otherwise_is_a_gap(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = one(world)
    changes = {record.key: {"protocol": {**record.protocol, "sensor_sha256": "0" * 64}}}
    _, told = checked(world, capsys, bundle_in(world, changes, only=(record.key,)))
    assert "stated on file/b, noisy, seed 0: the protocol noisy cannot be made here: sensor_sha256 would be another one" in told


def test_another_seed_or_phase_than_was_observed_gives_other_scores(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cells are observed by what the record says: consistency with the observation tells one noise from another."""
    record = one(world)
    status, told = checked(world, capsys, bundle_in(world, {record.key: {"seed": 1}}, only=(record.key,)))
    assert "differs   stated on file/b, noisy, seed 1: " in told
    assert status == 1


def drawn_bundle(*records: Result) -> Bundle:
    return Bundle(name="made", records=records)


def test_the_cells_that_are_drawn_follow_from_the_content_and_the_word_with_one_of_each_row_first() -> None:
    names = "abcdefghijkl"
    records = [variant(name, label=f"row {place % 3}", scene=f"file/{name}") for place, name in enumerate(names)]
    extra = [variant("m", outcome="failed", metrics={}), variant("n", protocol={"name": "p", "pair": "as taken", "ratio": 4})]
    bundle = drawn_bundle(*records, *extra)

    def drawn(count: int, word: str, of: Bundle = bundle) -> list[str]:
        return [record.key[0] for record in drawn_cells(of, count, word)]

    assert drawn(5, "w") == drawn(5, "w")
    assert {record.label for record in drawn_cells(bundle, 3, "w")} == {"row 0", "row 1", "row 2"}
    assert sorted(drawn(99, "w")) == sorted(names), "scored cells with a truth, each once"
    assert drawn(4, "w") == drawn(12, "w")[:4]
    assert len({tuple(drawn(6, word)) for word in "uvwxyz"}) > 1
    other = drawn_bundle(replace(records[0], metrics={**records[0].metrics, "psnr": 30.001}), *records[1:], *extra)
    assert any(drawn(6, word) != drawn(6, word, other) for word in "uvwxyz"), "a bundle of other scores has other cells drawn"


def test_a_record_of_these_metrics_that_lacks_one_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.review.bundle_recheck.metrics_key", lambda: "now")
    here = {"psnr": 30.0, "sam": 5.0, "q2n": None, "ssim": 0.9}
    found = {
        key: recheck(drawn_bundle(record), [record], {record.key: here}, {}, {}).mismatches
        for key in ("now", "earlier")
        for record in [variant("a", metrics={"psnr": 30.0, "sam": 5.0, "q2n": None}, metrics_key=key)]
    }
    assert [line.partition(": ")[2] for line in found["now"]] == ["SSIM 0.9000 recomputed, and none in the bundle"]
    assert found["earlier"] == ()


def test_the_words_of_the_sample_need_cubes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["check-bundle", "ci-two-scenes", "--sample", "3"]) == 2
    assert "expected --cubes DIR beside --sample and --word" in capsys.readouterr().err
    assert run_benchmark.main(["check-bundle", "ci-two-scenes", "--cubes", str(tmp_path / "none")]) == 2
    assert "expected a run folder or a folder of cubes" in capsys.readouterr().err

"""Cubes made elsewhere: scored like others, or refused with what would mend them. The tests' own route: numpy on the files alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat, savemat

import run_benchmark
from benchmark.matrix.handed_in import FAMILY
from benchmark.matrix.kept_estimates import with_estimates
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.measure.validity import InvalidEstimateError
from benchmark.review.explain import explain
from benchmark.review.rescore import rescore
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import MADE_ELSEWHERE, Result
from benchmark.runner.exporting import read_manifest
from benchmark.runner.handout import observe_job
from benchmark.runner.rehearse import rehearse
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from benchmark.runner.take_job import TakeJob
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from datasets.reading_options import ReadingOptions
from datasets.settings import SettingError
from tests.benchmark.conftest import ROOT, plan, plugin, small_world, world
from tests.benchmark.folders import read_records

pytestmark = pytest.mark.usefixtures("without_figures")

__all__ = ["world"]
Cube = NDArray[np.float64]
STEM = "file-a__camera-x8__seed0"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported observations of a plan with two scenes, 16 x 24 and, square, 24 x 24 pixels; no test changes them."""
    world = small_world(tmp_path_factory.mktemp("exported"))
    rng = np.random.default_rng(1)
    for name, rows in (("a", 2), ("b", 3)):
        coarse = rng.random((31, rows, 3)).repeat(8, 1).repeat(8, 2) + 0.1 * rng.random((31, 8 * rows, 24))
        ramp = np.linspace(0.1, 1, 31)[:, None, None]  # so that the bands differ
        write_cube(world / f"{name}.h5", CubeFile((ramp * (0.2 + coarse)).astype(np.float32), np.linspace(400, 700, 31), name))
    assert run_benchmark.main(["export-observations", str(plan(world, ["bicubic"])), "--out", str(world / "obs")]) == 0
    checked = read_plan(world / "plan.toml", DataRoots.parse([]))
    for cell in checked.cells("cpu"):
        observe_job(cell, RunFolder(world / "observed")).run()
    return world


def nearest(file: Path) -> Cube:
    """Each coarse pixel repeated, (rows, cols, bands)."""
    seen = loadmat(file)
    ratio = int(seen["ratio"][0, 0])
    return np.kron(seen["hsi"].astype(float), np.ones((ratio, ratio, 1)))


def hand_back(exported: Path, folder: Path, names: Callable[[str], str] = str) -> Path:
    """A folder with a cube for each observation."""
    folder.mkdir(exist_ok=True)
    for file in sorted((exported / "obs").glob("*.mat")):
        savemat(folder / f"{names(file.stem)}.mat", {"cube": nearest(file)})
    return folder


def scored(exported: Path, folder: Path, **table: object) -> dict[str, Result]:
    """The record of each scene, without a report."""
    text = with_estimates((exported / "plan.toml").read_text(), "", {"label": "Lab B", "folder": str(folder), **table})
    checked = read_plan(exported / "plan.toml", DataRoots.parse([]), text=text)
    settings = RunSettings(folder.parent / "run", retry=True, select={"label": ("Lab B",)})
    return {record.scene: record for record in run(checked, settings, lambda _: None)}


def score(exported: Path, folder: Path, *more: str) -> int:
    """The exit status of the command."""
    given = ["score", str(folder), "--plan", str(exported / "plan.toml"), "--label", "Lab B", "--out", str(folder.parent / "run")]
    return run_benchmark.main([*given, *more])


class Taken:
    """The cubes that are stored from files, and why others are refused, without a process of their own."""

    def __init__(self, exported: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exported, self.place = exported, place
        cells = read_plan(exported / "plan.toml", DataRoots.parse([])).cells("cpu")
        self.cells = {cell.scene.name.removeprefix("file/"): cell for cell in cells}
        monkeypatch.chdir(place)

    def __call__(self, scene: str, file: Path, *, as_it_is: bool = False, **options: Any) -> Cube:
        """The stored cube, (rows, cols, bands)."""
        folder, digest = RunFolder(self.exported / "observed"), self.cells[scene].observation_digest
        places = folder.observation(digest), folder.responses(digest)
        answer = TakeJob(file, ReadingOptions(**options), as_it_is, *places, "b", exact=True).run()
        assert (answer["clock"], answer["memory"]) == (None, None)
        return read_cube(self.place / "estimate.h5").cube.transpose(1, 2, 0)

    def of(self, scene: str, change: Callable[[Cube], Cube], **options: Any) -> Cube:
        """The same of a changed cube."""
        savemat(self.place / "changed.mat", {"cube": change(nearest(self.observation(scene)))})
        return self(scene, self.place / "changed.mat", **options)

    def observation(self, scene: str) -> Path:
        """The exported observation."""
        return self.exported / "obs" / f"file-{scene}__camera-x8__seed0.mat"


@pytest.fixture
def taken(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taken:
    return Taken(exported, tmp_path, monkeypatch)


def test_the_export_holds_the_pair_and_never_the_truth(exported: Path, tmp_path: Path) -> None:
    manifest = read_manifest(exported / "obs")
    assert [row["file"] for row in manifest["observations"]] == [f"{STEM}.mat", STEM.replace("-a", "-b") + ".mat"]
    assert manifest["observations"][0]["cube"] == [16, 24, 31]
    seen = loadmat(exported / "obs" / f"{STEM}.mat")
    assert (seen["hsi"].shape, seen["msi"].shape) == ((2, 3, 31), (16, 24, 3))
    assert not any(np.ndim(value) == 3 and np.size(value) >= 16 * 24 * 31 for value in seen.values())
    assert {"psf", "srf"} <= set(seen)
    blind = ["export-observations", str(exported / "plan.toml"), "--out", str(tmp_path / "blind"), "--tell", "nothing", "--format", "npz"]
    assert run_benchmark.main(blind) == 0
    with np.load(tmp_path / "blind" / f"{STEM}.npz") as content:
        assert not {"psf", "psf_phase", "srf", "noise"} & set(content)
        assert np.array_equal(content["hsi"], seen["hsi"])
    assert not any(word in (tmp_path / "blind" / "manifest.json").read_text() for word in ("sigma", "taps", "kernel"))


def test_cubes_get_the_score_that_numpy_gives_them_and_stay_in_later_runs(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hand_back(exported, tmp_path / "back")
    assert score(exported, folder) == 0
    record = next(record for record in read_records(tmp_path / "run") if record.scene == "file/a")
    truth = read_cube(exported / "a.h5").cube.astype(float)
    errors = ((nearest(exported / "obs" / f"{STEM}.mat").transpose(2, 0, 1) - truth) ** 2).mean((1, 2))
    assert record.metrics["psnr"] == pytest.approx(float((-10 * np.log10(errors)).mean()), abs=1e-3)
    assert (record.clock, record.memory, record.made_elsewhere, record.ranked) == (None, None, True, False)
    shown = capsys.readouterr().out
    assert "Lab B: made elsewhere, and not run here: time and memory are not measured" in shown
    assert "knowledge not stated" in shown
    assert FAMILY == MADE_ELSEWHERE
    (tmp_path / "card.toml").write_text('[card]\nname = "B-Net"\nyear = 2025\nneeds_srf = true\nrandom = false\n')
    ranked = scored(exported, folder, card=str(tmp_path / "card.toml"))["file/a"]
    assert (ranked.key, ranked.tier, ranked.ranked) == (record.key, "told the colour response", True)
    given = ["run", str(exported / "plan.toml"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert run_benchmark.main(given) == 0
    assert {record.label for record in read_records(tmp_path / "run")} == {"Bicubic", "Lab B"}
    assert (tmp_path / "run" / "plan.toml").read_text().count("[[estimates]]") == 1
    assert run_benchmark.main(["explain", str(tmp_path / "run"), record.key]) == 0
    repetition = explain(tmp_path / "run", record.key).repetition
    assert repetition is not None
    assert rehearse(repetition)["clock"] is None  # `explain --debug`: the cube is taken again, since there is no method to run
    assert [each.problem for each in rescore(tmp_path / "run", ("mossfuse",), lambda *_: None)] == [""] * 4
    savemat(folder / f"{STEM}.mat", {"cube": 0.9 * nearest(exported / "obs" / f"{STEM}.mat")})
    changed = scored(exported, folder)
    assert changed["file/a"].key != record.key
    assert changed["file/b"].key in {one.key for one in read_records(tmp_path / "run")}


@pytest.mark.parametrize(
    ("change", "option", "text"),
    [
        (lambda cube: cube * 255, {"scale": 255.0}, "give scale = 255"),
        (lambda cube: cube.transpose(2, 0, 1), {"layout": "bands rows cols"}, "a transposed cube"),
        (lambda cube: cube.transpose(1, 0, 2), {"layout": "cols rows bands"}, "transposed"),
        (
            lambda cube: cube[:, :, ::-1],
            {"bands": tuple(range(31, 0, -1))},
            'its bands are in another order; give that of the HSI, such as bands = ["31-1"]',
        ),
        (
            lambda cube: cube[:, :, ::-1] * 1e4,
            {"bands": tuple(range(31, 0, -1)), "scale": 1e4},
            "in another order and its values are divided by 1e+04",
        ),
        (lambda cube: cube[::-1], {"as_it_is": True}, "upside down"),
    ],
    ids=["times 255", "bands first", "columns first", "bands reversed", "reversed times 10000", "mirrored"],
)
@pytest.mark.parametrize("scene", ["a", "b"])
def test_a_cube_in_another_form_is_refused_with_the_option_that_mends_it(
    taken: Taken, scene: str, change: Callable[[Cube], Cube], option: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidEstimateError) as refused:
        taken.of(scene, change)
    assert text in str(refused.value)
    mended, plain = taken.of(scene, change, **option), nearest(taken.observation(scene))
    assert np.allclose(mended, change(plain) if "as_it_is" in option else plain, rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda cube: cube + np.random.default_rng(5).normal(0, 0.3, cube.shape),
        lambda cube: 1.4 * cube,
        np.zeros_like,
        lambda cube: cube[:, :, :1] + 0 * cube,
        lambda cube: np.roll(cube, 1, 1),
    ],
    ids=["noise", "a gain of 1.4", "black", "one band repeated", "moved"],
)
def test_a_poor_cube_is_a_result_and_no_mistake(taken: Taken, change: Callable[[Cube], Cube]) -> None:
    for scene in ("a", "b"):
        assert np.isfinite(taken.of(scene, change)).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda file: file.write_bytes(b"not a file of MATLAB"), "expected"),
        (lambda file: savemat(file, {"cube": np.full((16, 24, 31), np.nan)}), "NaN or Inf"),
        (lambda file: savemat(file, {"cube": np.zeros((16, 24, 30))}), "(16, 24, 31)"),
        (lambda file: savemat(file, {"cube": np.zeros((16, 24, 31), dtype=complex) + 1j}), "complex"),
        (lambda file: savemat(file, {"fused": np.zeros((16, 24, 31)), "other": np.zeros((16, 24, 31))}), "expected"),
    ],
    ids=["broken", "NaN", "a band less", "complex", "two arrays"],
)
def test_a_file_that_is_no_cube_is_refused(taken: Taken, tmp_path: Path, make: Callable[[Path], object], text: str) -> None:
    make(tmp_path / "wrong.mat")
    with pytest.raises(InvalidEstimateError, match=re.escape(text)):
        taken("a", tmp_path / "wrong.mat")


@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")
def test_the_example_in_octave_goes_out_and_comes_back(exported: Path, tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "made_elsewhere"
    call = f"fuse_all('{exported / 'obs'}', '{tmp_path / 'cubes'}')"
    octave = ["octave", "--no-gui", "--quiet", "--no-init-file", "--path", str(example), "--eval", call]
    done = subprocess.run(octave, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    records = scored(exported, tmp_path / "cubes", card=str(example / "card.toml"))
    for name in ("a", "b"):
        cube = loadmat(tmp_path / "cubes" / f"file-{name}__camera-x8__seed0.mat")["cube"].transpose(2, 0, 1)
        errors = ((cube - read_cube(exported / f"{name}.h5").cube.astype(float)) ** 2).mean((1, 2))
        assert records[f"file/{name}"].metrics["psnr"] == pytest.approx(float((-10 * np.log10(errors)).mean()), abs=1e-3)
        assert records[f"file/{name}"].ranked
        assert records[f"file/{name}"].remarks[0].startswith("self-timed: fusing ")


def test_other_formats_and_variables_are_read(taken: Taken, tmp_path: Path) -> None:
    plain = nearest(taken.observation("b"))
    np.savez(tmp_path / "b.npz", fused=plain.transpose(2, 0, 1), other=np.zeros(3))
    assert np.allclose(taken("b", tmp_path / "b.npz", variable="fused", layout="bands rows cols"), plain)
    write_cube(tmp_path / "b.h5", CubeFile(plain.transpose(2, 0, 1).astype(np.float32), None, "b"))  # as `fuse` writes it
    assert np.allclose(taken("b", tmp_path / "b.h5"), plain)
    counts = (plain * 10000).round().astype(np.uint16)
    with h5py.File(tmp_path / "counts.h5", "w") as store:
        store["cube"] = counts
    assert np.allclose(taken("b", tmp_path / "counts.h5", scale=10000.0), plain, atol=1e-4)


def test_files_are_found_by_their_names_and_doubt_is_refused_before_the_work(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hand_back(exported, tmp_path / "back", names=lambda stem: stem.partition("__")[0].removeprefix("file-"))
    (folder / "a.mat").rename(folder / "result_1.mat")
    missing = scored(exported, folder)
    assert (missing["file/a"].outcome, missing["file/b"].outcome) == ("skipped", "scored")
    assert f"there is no file {STEM}" in missing["file/a"].reason
    assert missing["file/a"].reason.endswith("name it so, or map its name by --names")
    assert scored(exported, folder, files={"a": "result_1.mat"})["file/a"].outcome == "scored"
    np.savez(folder / "b.npz", cube=np.zeros((24, 24, 31)))
    assert score(exported, folder) == 2
    assert "move one away" in capsys.readouterr().err
    (folder / "b.npz").unlink()
    assert score(exported, tmp_path / "none") == 2
    assert "expected a folder of cubes" in capsys.readouterr().err
    text = (exported / "plan.toml").read_text().replace('["camera-x8"]', '["camera-x8", "wald-x8"]')
    both = with_estimates(text, "", {"label": "Lab B", "folder": str(folder)})
    with pytest.raises(PlanError, match="for two cells"):
        read_plan(exported / "plan.toml", DataRoots.parse([]), text=both).cells("cpu")


def test_the_rows_of_a_run_are_kept_by_their_labels() -> None:
    once = with_estimates("x = 1\n", "", {"label": "A", "folder": "/one", "files": {"a b": 'q"uote'}})
    twice = with_estimates("x = 2\n", once, {"label": "B", "folder": "/two", "bands": [3, 1]})
    again = with_estimates(twice, twice, {"label": "A", "folder": "/three"})
    assert again.startswith("x = 2\n")
    assert again.count("[[estimates]]") == 2
    assert '"/three"' in again
    assert '"/one"' not in again
    assert with_estimates(again, again) == again
    with pytest.raises(SettingError, match="correct it"):
        with_estimates("x = 1\n", again + "label = \n")


def test_a_method_whose_cube_is_in_another_unit_is_scored_and_told(world: Path) -> None:
    plugin(world / "plugins", "counts", "return Estimate(low * 255)")
    checked = read_plan(plan(world, ["counts", "steady"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    records = {record.method: record for record in run(checked, RunSettings(world / "run"), lambda _: None)}
    assert records["counts"].outcome == "scored"
    assert any("if its values are divided by 255" in remark for remark in records["counts"].remarks)
    assert records["steady"].remarks == ()

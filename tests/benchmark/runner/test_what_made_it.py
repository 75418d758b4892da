"""A result belongs to what made it: edits, other clones, renamed things and damaged files never give an old or a mixed figure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import run_benchmark
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.review import known_costs
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import Progress, RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import ROOT, copied_clone, plan, plugin


def go(world: Path, file: Path, out: str = "run", notes: list[str] | None = None, **settings: object) -> dict[tuple[str, str], Result]:
    """Run a plan as a new process would: with no plugin in memory."""
    for name in [name for name in sys.modules if name.startswith("hmif_plugins")]:
        del sys.modules[name]
    said: list[Progress] = []
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    records = run(checked, RunSettings(world / out, **settings), said.append)  # type: ignore[arg-type]
    if notes is not None:
        notes += [note for progress in said for note in progress.notes]
    return {(record.label, record.scene): record for record in records}


def current(world: Path, out: str = "run") -> dict[tuple[str, str], Result]:
    return {(record.label, record.scene): record for record in RunFolder(world / out).current_records()}


def psnr(record: Result) -> float:
    value = record.metrics["psnr"]
    assert value is not None
    return value


# --- edits between runs


def test_an_edited_method_gives_one_new_record_per_cell_and_the_old_ones_take_part_in_nothing(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs, "named_bundles", dict)  # no bundle of the suite need be read to tell the time
    file = plan(world, ["steady", "bicubic"])
    before = go(world, file)
    plugin(world / "plugins", "steady", "return Estimate(low * self.strength * 0.5)")
    arguments = ["run", str(file), "--plugins", str(world / "plugins"), "--out", str(world / "run"), "--device", "cpu", "--dry-run"]
    assert run_benchmark.main(arguments) == 0
    assert "2 cells of 4 will be run again: the code that made their records has been changed" in capsys.readouterr().out
    notes: list[str] = []
    go(world, file, notes=notes)
    after = current(world)
    assert after.keys() == before.keys()
    assert all(psnr(after["steady", scene]) != psnr(before["steady", scene]) for scene in ("file/a", "file/b"))
    assert all(after["Bicubic", scene] == before["Bicubic", scene] for scene in ("file/a", "file/b"))
    assert len(RunFolder(world / "run").records()) == 6
    assert any("2 cells of 4 will be run again: the code that made their records has been changed" in note for note in notes)


def test_parts_run_before_and_after_an_edit_never_make_one_row(world: Path) -> None:
    file = plan(world, ["steady"])
    go(world, file, select={"scene": ("file/a",)})
    plugin(world / "plugins", "steady", "return Estimate(low * self.strength * 0.5)")
    go(world, file, select={"scene": ("file/b",)})
    assert list(current(world)) == [("steady", "file/b")]


def test_new_code_that_crashes_does_not_show_the_old_score(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    go(world, file)
    plugin(world / "plugins", "steady", "raise RuntimeError('broken now')")
    go(world, file)
    assert [record.outcome for record in current(world).values()] == ["failed"]


def test_reworded_code_runs_nothing_again(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    before = go(world, file)
    method = world / "plugins" / "steady.py"
    method.write_text(method.read_text().replace('"""A method for tests."""', '"""A method for tests, said better."""\n# and a comment'))
    assert go(world, file) == before


def test_a_corrected_scene_file_replaces_the_old_records(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    before = go(world, file)
    cube = read_cube(world / "a.h5")
    write_cube(world / "a.h5", CubeFile(cube.cube[:, ::-1].copy() ** 2, cube.wavelengths_nm, "a"))
    go(world, file)
    after = current(world)
    assert len(after) == 1
    assert psnr(after["steady", "file/a"]) == pytest.approx(psnr(go(world, file, "fresh")["steady", "file/a"]), abs=1e-6)
    assert after["steady", "file/a"].scene_content != before["steady", "file/a"].scene_content


def test_a_helper_a_data_file_and_a_module_imported_by_name_run_the_method_again(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins, lib = world / "plugins", world / "lib" / "myhelpers"
    lib.mkdir(parents=True)
    (lib / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(world / "lib"))
    monkeypatch.syspath_prepend(str(plugins))
    how = {
        "withfile": "import json, pathlib; gain = json.loads(pathlib.Path(__file__).with_name('gain.json').read_text())",
        "withlib": "from myhelpers.gain import gain",
        "withname": "import importlib; gain = importlib.import_module('_dyn').gain",
        "withenv": "gain = float(os.environ.get('HMIF_TEST_GAIN', '1'))",
        "hidden": "gain = float(open(os.path.join(os.path.dirname(__file__), 'hid' + 'den.txt')).read())",
    }
    for name, body in how.items():
        plugin(plugins, name, f"{body}\n        return Estimate(gain * low)")

    def gains(value: float) -> None:
        (plugins / "gain.json").write_text(str(value))
        (plugins / "hidden.txt").write_text(str(value))
        (lib / "gain.py").write_text(f"gain = {value}\n")
        (plugins / "_dyn.py").write_text(f"gain = {value}\n")
        monkeypatch.setenv("HMIF_TEST_GAIN", str(value))

    file = plan(world, list(how), scenes=("a",))
    gains(1.0)
    before = go(world, file)
    gains(0.5)
    after = go(world, file)
    keys = {name: (before[name, "file/a"].key, after[name, "file/a"].key) for name in how}
    assert {name for name, (old, new) in keys.items() if old != new} == {"withfile", "withlib", "withname"}
    assert after["withenv", "file/a"].uncovered == ("environment variables that withenv.py reads",)
    assert after["hidden", "file/a"].uncovered == ("the file hidden.txt, which the method reads",)
    assert after["withfile", "file/a"].uncovered == after["withlib", "file/a"].uncovered == ()


def test_a_method_of_an_installed_package_counts_with_the_sources_of_its_package(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = world / "site"
    site.mkdir()
    plugin(site / "their_pack", "theirs", "from their_pack.helper import GAIN\n        return Estimate(GAIN * low)")
    (site / "their_pack" / "__init__.py").write_text("")
    (site / "their_pack" / "helper.py").write_text("GAIN = 1.0\n")
    (site / "their_pack-1.0.dist-info").mkdir()
    (site / "their_pack-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: their_pack\nVersion: 1.0\n")
    (site / "their_pack-1.0.dist-info" / "entry_points.txt").write_text("[hmif_bench.methods]\ntheirs = their_pack.theirs:Method\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    file = plan(world, ["theirs"], scenes=("a",))
    before = called(ROOT, file, world / "run", world)["theirs"]
    (site / "their_pack" / "helper.py").write_text("GAIN = 0.5\n")
    after = called(ROOT, file, world / "run", world)["theirs"]
    assert after.key != before.key
    assert psnr(after) != psnr(before)


OTHER_MEANS = {
    "executed": "space = {}; exec(open(Path(__file__).with_name('_gain.py')).read(), space); gain = space['gain']",
    "by_runpy": "import runpy; gain = runpy.run_path(str(Path(__file__).with_name('_gain.py')))['gain']",
    "by_spec": (
        "import importlib.util as u; spec = u.spec_from_file_location('g', Path(__file__).with_name('_gain.py')); "
        "module = u.module_from_spec(spec); spec.loader.exec_module(module); gain = module.gain"
    ),
    "by_path": "import sys; sys.path.insert(0, str(Path(__file__).parent.parent / 'lib2')); from deep_gain import gain",
    "by_computed_name": (
        "import sys, importlib; sys.path.append(str(Path(__file__).parent / 'lib3')); gain = importlib.import_module('a' + 'b').gain"
    ),
}


def test_code_that_is_reached_by_other_means_than_an_import_statement_runs_the_method_again(world: Path) -> None:
    plugins = world / "plugins"
    for name, body in OTHER_MEANS.items():
        plugin(plugins, name, "return Estimate(gain * low)")
        file = plugins / f"{name}.py"
        file.write_text(file.read_text().replace("@dataclass", f"from pathlib import Path\n{body}\n\n@dataclass", 1))

    def gains(value: float) -> None:
        for place in (plugins / "_gain.py", world / "lib2" / "deep_gain.py", plugins / "lib3" / "ab.py"):
            place.parent.mkdir(exist_ok=True)
            place.write_text(f"gain = {value}\n")

    file = plan(world, list(OTHER_MEANS), scenes=("a",))
    gains(1.0)
    before = go(world, file)
    gains(0.5)
    after = go(world, file)
    for name in OTHER_MEANS:
        assert before[name, "file/a"].outcome == "scored", before[name, "file/a"].reason
        assert after[name, "file/a"].key != before[name, "file/a"].key, name
        assert psnr(after[name, "file/a"]) < psnr(before[name, "file/a"]) - 1


def test_code_that_runs_only_in_fuse_and_is_named_by_no_constant_is_noted(world: Path) -> None:
    plugin(
        world / "plugins",
        "late",
        "space = {}; exec(open(__file__[:-7] + 'g' + 'ain.py').read(), space)\n        return Estimate(space['gain'] * low)",
    )
    (world / "plugins" / "gain.py").write_text("gain = 1.0\n")
    (record,) = go(world, plan(world, ["late"], scenes=("a",))).values()
    assert record.uncovered == ("the file gain.py, which the method reads",)


def test_an_edit_during_a_run_is_noticed_behind_a_link(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world / "real").mkdir()
    (world / "real" / "hgain.py").write_text("gain = 1.0")
    (world / "link").symlink_to(world / "real", target_is_directory=True)
    monkeypatch.syspath_prepend(str(world / "link"))
    plugin(world / "plugins", "linked", "from hgain import gain\n        return Estimate(low * gain)")
    checked = read_plan(plan(world, ["linked"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    (world / "real" / "hgain.py").write_text("gain = 0.25")
    (record,) = run(checked, RunSettings(world / "run"), lambda _: None)
    assert record.outcome == "failed"
    assert "the sources were changed during the run (local/hgain.py)" in record.reason


# --- edits during a run


def test_an_edit_during_a_run_fails_the_cell_and_stores_nothing_under_the_old_key(world: Path) -> None:
    steady = world / "plugins" / "steady.py"
    changed = steady.read_text().replace("low * self.strength", "low * 0.5")
    plugin(world / "plugins", "editor", f"open({str(steady)!r}, 'w').write({changed!r})\n        return Estimate(low)")
    original = steady.read_text()
    file = plan(world, ["editor", "steady"], scenes=("a",))
    records = go(world, file)
    spoilt = records["steady", "file/a"]
    assert (spoilt.outcome, spoilt.metrics) == ("failed", {})
    assert "the sources were changed during the run (plugin/steady.py)" in spoilt.reason
    steady.write_text(original)
    again = go(world, plan(world, ["steady"], scenes=("a",)), retry=True)["steady", "file/a"]
    assert (again.key, again.outcome) == (spoilt.key, "scored")


def test_an_edit_during_a_run_that_makes_the_method_crash_is_told_as_an_edit(world: Path) -> None:
    steady = world / "plugins" / "steady.py"
    changed = steady.read_text().replace("return Estimate(low * self.strength)", "raise RuntimeError('half written')")
    plugin(world / "plugins", "editor", f"open({str(steady)!r}, 'w').write({changed!r})\n        return Estimate(low)")
    records = go(world, plan(world, ["editor", "steady"], scenes=("a",)))
    assert "the sources were changed during the run" in records["steady", "file/a"].reason


def test_a_data_file_that_is_changed_during_a_run_fails_the_cell(world: Path) -> None:
    plugin(
        world / "plugins",
        "reader",
        "gain = float((__import__('pathlib').Path(__file__).parent / 'gain.txt').read_text())\n        return Estimate(gain * low)",
    )
    (world / "plugins" / "gain.txt").write_text("1")
    plugin(world / "plugins", "editor", f"open({str(world / 'plugins' / 'gain.txt')!r}, 'w').write('0.5')\n        return Estimate(low)")
    records = go(world, plan(world, ["editor", "reader"], scenes=("a",)))
    assert records["reader", "file/a"].outcome == "failed"
    assert "files were changed during the run (gain.txt)" in records["reader", "file/a"].reason


# --- other clones


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this clone, to be spoilt."""
    return copied_clone(tmp_path_factory.mktemp("clone"))


def called(clone: Path, file: Path, out: Path, cwd: Path, *more: str, script: str = "tests/run_without_figures.py") -> dict[str, Result]:
    """What a clone's own command gives, called from some folder."""
    command = [
        sys.executable,
        str(clone / script),
        "run",
        str(file),
        "--plugins",
        str(file.parent / "plugins"),
        "--out",
        str(out),
    ]
    done = subprocess.run([*command, *more], cwd=cwd, env={**os.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return {record.label: record for record in RunFolder(out).current_records()}


def spoil(clone: Path) -> None:
    """Another clone's GSA and simulator, and modules that fail when they are imported."""
    gsa = clone / "methods" / "classical" / "gsa.py"
    gsa.write_text(gsa.read_text().replace("return Estimate(", "return Estimate(0.5 * "))
    degradation = clone / "datasets" / "degradation.py"
    degradation.write_text(degradation.read_text() + "\nraise ImportError('the other clone was imported')\n")
    for name in ("h5py", "torch", "numpy"):
        (clone / f"{name}.py").write_text("raise ImportError('the current folder was imported')\n")


def test_called_from_inside_a_spoilt_clone_the_cells_run_this_clones_code(world: Path, clone: Path, tmp_path: Path) -> None:
    file = plan(world, ["gsa"], scenes=("a",))
    calm = called(ROOT, file, tmp_path / "calm", world)
    other = tmp_path / "other"
    shutil.copytree(clone, other)
    spoil(other)
    inside = called(ROOT, file, tmp_path / "inside", other, script="run_benchmark.py")
    assert inside["GSA"].key == calm["GSA"].key
    assert psnr(inside["GSA"]) == pytest.approx(psnr(calm["GSA"]), abs=1e-6)


def test_a_changed_reader_runs_again_and_scores_against_the_new_cube(world: Path, clone: Path, tmp_path: Path) -> None:
    file = plan(world, ["bicubic"], scenes=("a",))
    before = called(clone, file, tmp_path / "run", world)["Bicubic"]
    reader = clone / "datasets" / "files.py"
    text = reader.read_text()
    change = (
        "_as_before = read_scene_file\n\n\n"
        "def read_scene_file(*given):\n    scene = _as_before(*given)\n    scene.cube.square_()\n    return scene\n"
    )
    try:
        reader.write_text(f"{text}\n\n{change}")
        after = called(clone, file, tmp_path / "run", world)["Bicubic"]
        fresh = called(clone, file, tmp_path / "fresh", world)["Bicubic"]
    finally:
        reader.write_text(text)
    assert after.key == fresh.key != before.key
    assert psnr(after) == pytest.approx(psnr(fresh), abs=1e-6)
    assert after.scene_digest != before.scene_digest


# --- names


def test_a_record_that_is_taken_over_has_the_names_of_the_plan_as_it_is_now(world: Path) -> None:
    numbers = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
    file = plan(world, ["steady"], f'[[protocol]]\nname = "first"\nsource = "one paper"\n{numbers}', scenes=("a",), protocols="[]")
    before = go(world, file)["steady", "file/a"]
    (world / "a.h5").rename(world / "better.h5")
    file = plan(
        world, ["steady"], f'[[protocol]]\nname = "second"\nsource = "a better sentence"\n{numbers}', scenes=("better",), protocols="[]"
    )
    file.write_text(file.read_text() + '\nlabel = "Steady, renamed"\n')
    after = go(world, file)["Steady, renamed", "file/better"]
    assert (after.key, after.metrics, after.ended) == (before.key, before.metrics, before.ended)
    assert (after.protocol["name"], after.protocol["source"]) == ("second", "a better sentence")
    assert current(world).keys() == {("Steady, renamed", "file/better")}


def test_a_grid_that_grows_keeps_one_row_for_each_configuration(world: Path) -> None:
    one = "[[method]]\nname = 'steady'\ngrid = {{strength = {}}}"
    go(world, plan(world, [], one.format([0.5]), scenes=("a",)))
    go(world, plan(world, [], one.format([0.5, 0.7]), scenes=("a",)))
    assert {label for label, _ in current(world)} == {"steady (strength=0.5)", "steady (strength=0.7)"}


def test_cells_outside_the_selection_are_renamed_too(world: Path) -> None:
    go(world, plan(world, ["steady"]))
    file = plan(world, ["steady"])
    file.write_text(file.read_text() + '\nlabel = "New"\n')
    go(world, file, select={"scene": ("file/a",)})
    assert {label for label, _ in current(world)} == {"New"}


# --- equal keys


def test_two_protocols_of_equal_numbers_are_an_error_that_names_both(world: Path) -> None:
    numbers = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
    extra = "".join(f'[[protocol]]\nname = "{name}"\n{numbers}' for name in ("one", "other"))
    with pytest.raises(PlanError, match="the protocols 'one' and 'other' have equal numbers"):
        go(world, plan(world, ["steady"], extra, protocols="[]"))


def test_two_files_of_equal_content_are_an_error_that_names_both(world: Path) -> None:
    shutil.copy(world / "a.h5", world / "copy.h5")
    with pytest.raises(PlanError, match="the scenes 'file/a' and 'file/copy' have equal content"):
        go(world, plan(world, ["steady"], scenes=("a", "copy")))


# --- damaged files


@pytest.mark.parametrize("part", ["scenes", "estimates", "observations"])
@pytest.mark.parametrize("damage", ["truncated", "edited", "gone"])
def test_a_damaged_stored_file_heals_and_never_gives_a_wrong_score(world: Path, part: str, damage: str) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    before = go(world, file)["steady", "file/a"]
    stored = next((world / "run" / part).glob("*.h5"))
    if damage == "truncated":
        stored.write_bytes(stored.read_bytes()[:-600])
    elif damage == "edited":
        with h5py.File(stored, "r+") as store:
            node = store["cube"] if "cube" in store else store["hsi/cube"]
            node[0, 0, 0] = node[0, 0, 0] + 1
    else:
        stored.unlink()
    record = RunFolder(world / "run").record(before.key)
    record.write_text(json.dumps({**json.loads(record.read_text()), "metrics_key": "of another version", "metrics": {"psnr": -1.0}}))
    after = go(world, file)["steady", "file/a"]
    assert after.outcome == "scored", after.reason
    assert psnr(after) == pytest.approx(psnr(before), abs=1e-6)
    assert after.metrics["consistency_hsi"] == pytest.approx(before.metrics["consistency_hsi"], abs=1e-6)


def test_a_record_that_cannot_be_read_is_made_again(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    before = go(world, file)["steady", "file/a"]
    for damage in ("", "[]", "{}", json.dumps({"schema": 99})):
        RunFolder(world / "run").record(before.key).write_text(damage)
        assert psnr(go(world, file)["steady", "file/a"]) == pytest.approx(psnr(before), abs=1e-6)


# --- noise


def test_scenes_of_one_seed_do_not_share_a_noise_field(world: Path) -> None:
    cube = read_cube(world / "a.h5").cube
    write_cube(world / "b.h5", CubeFile((cube[:, ::-1] ** 2).copy(), np.linspace(400, 700, 31), "b"))
    text = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
    extra = f'[[protocol]]\nname = "clean"\n{text}[[protocol]]\nname = "noisy"\nhsi_snr_db = 20\nmsi_snr_db = 20\n{text}'
    records = go(world, plan(world, ["steady"], extra, protocols="[]")).values()
    folder = RunFolder(world / "run")
    found = {(record.scene, str(record.protocol["name"])): record for record in folder.current_records()}
    assert len(records) == 2
    fields = {}
    for scene in ("file/a", "file/b"):
        images = []
        for name in ("clean", "noisy"):
            with h5py.File(folder.observation(found[scene, name].observation_digest)) as store:
                images.append({image: store[f"{image}/cube"][()].astype(float) for image in ("hsi", "msi")})
        for image in ("hsi", "msi"):
            noise = (images[1][image] - images[0][image]).ravel()
            fields[scene, image] = noise / noise.std()
    for image in ("hsi", "msi"):
        assert abs(np.corrcoef(fields["file/a", image], fields["file/b", image])[0, 1]) < 0.3


# --- the schema of a folder


def test_a_folder_of_the_first_version_is_reported_and_never_mixed(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    record = go(world, file)["steady", "file/a"]
    folder = RunFolder(world / "run")
    new = ("scene_content", "sources", "uncovered", "clock_key")
    table = {name: value for name, value in json.loads(folder.record(record.key).read_text()).items() if name not in new}
    old_key = "0" * 20
    folder.record(record.key).unlink()
    folder.record(old_key).write_text(json.dumps({**table, "key": old_key, "schema": 1}))
    index = json.loads(folder.index_file.read_text())
    cells = {old_key: index["cells"][record.key]}
    folder.index_file.write_text(json.dumps({"arguments": [], "file": "", "device": "cpu", "cells": cells}))
    assert [one.key for one in folder.current_records()] == [old_key]
    notes: list[str] = []
    go(world, file, notes=notes)
    assert [one.key for one in folder.current_records()] == [record.key]
    assert any("made by an earlier version (schema 1): its 1 record stay" in note for note in notes)


# --- the environment of children


def test_what_a_method_starts_sees_the_users_environment_not_ours(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    probe, shown = world / "probe.py", world / "shown.json"
    probe.write_text(f"import json, os, sys; json.dump([dict(os.environ), sys.path], open({str(shown)!r}, 'w'))")
    body = f"import subprocess, sys; subprocess.run([sys.executable, {str(probe)!r}], check=True); return Estimate(low)"
    plugin(world / "plugins", "asks", body)
    file = plan(world, ["asks"], scenes=("a",))
    assert called(ROOT, file, world / "asked", world)["asks"].reason == ""
    assert os.environ["PYTHONPATH"] == "/of/the/user"
    variables, path = json.loads(shown.read_text())
    differing = {name for name in variables.keys() | os.environ.keys() if variables.get(name) != os.environ.get(name)}
    assert differing <= {"TMPDIR"}, "a folder that is removed after the cell"
    assert path[:2] == [str(world), "/of/the/user"]
    assert str(ROOT) not in path

"""The run: every outcome typed, no cell lost, resume by key, scores from the truth alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.metrics.textbook import score
from benchmark.run_folder.lock import BusyError, claimed
from benchmark.run_folder.record import COUNTED_BEFORE, Result
from benchmark.runner.run_settings import Progress, RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import read_cube
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin
from tests.benchmark.folders import read_records
from tests.rounding import scores_near


def go(world: Path, file: Path, *, slots: int = 1, retry: bool = False, out: str = "run") -> list[Result]:
    told: list[Progress] = []
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    records = run(checked, RunSettings(world / out, slots=slots, retry=retry), told.append)
    assert told[-1].done == told[-1].total == len(records)
    return records


def by_label(records: list[Result]) -> dict[str, Result]:
    return {record.label: record for record in records}


def test_operations_of_a_slow_row_are_counted_on_one_scene_of_each_protocol(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.runner.run_state.QUICK_COUNT_S", 0.2)
    plugin(world / "plugins", "slow", "time.sleep(0.3); return Estimate(low @ torch.eye(low.shape[-1]))")
    file = plan(world, ["slow", "bicubic"], scenes=("a", "b"))
    records = go(world, file)
    counts = {(record.label, record.scene): (record.flops, record.flops_reason) for record in records}
    first, second = sorted(scene for label, scene in counts if label == "slow")
    assert counts["slow", first][0]
    assert counts["slow", second] == (None, COUNTED_BEFORE)
    assert all(counts["Bicubic", scene][1] != COUNTED_BEFORE for scene in (first, second))
    gone = next(record for record in records if (record.label, record.scene) == ("slow", second))
    (world / "run" / "cells" / f"{gone.key}.json").unlink()
    again = next(record for record in go(world, file) if record.key == gone.key)
    assert again.flops_reason == COUNTED_BEFORE, "a run that is resumed knows what an earlier one has counted"


@pytest.mark.parametrize("slots", [1, 2])
def test_every_bad_cell_is_named_and_every_good_one_kept(world: Path, slots: int) -> None:
    bodies = {
        "raises": "raise ValueError('nothing of the sort')",
        "segfault": "os.kill(os.getpid(), signal.SIGSEGV)",
        "exits": "os._exit(3)",
        "hangs": "time.sleep(600)",
        "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
        "nan": "return Estimate(low * float('nan'))",
        "shape": "return Estimate(low[:, 1:])",
        "greedy": "raise MemoryError('no room')",
        "peeks": "seen.psf",
    }
    hanging = ("hangs", "stubborn")  # these alone have a limit that is soon over: the others may take as long as a loaded machine needs
    rows = "\n".join(f"[[method]]\nname = '{name}'\ntime_limit_s = 4" for name in hanging)
    for name, body in bodies.items():
        plugin(world / "plugins", name, body)
    plugin(world / "plugins", "refuses", "return Estimate(low)", card="max_bands=30")
    others = [name for name in bodies if name not in hanging]
    records = go(world, plan(world, ["steady", *others, "refuses", "bicubic"], rows, scenes=("a",)), slots=slots)
    outcomes = {record.label: record.outcome for record in records}
    assert outcomes == {
        "steady": "scored",
        "raises": "failed",
        "segfault": "killed",
        "exits": "killed",
        "hangs": "timeout",
        "stubborn": "timeout",
        "nan": "invalid",
        "shape": "invalid",
        "greedy": "out of memory",
        "peeks": "failed",
        "refuses": "skipped",
        "Bicubic": "scored",
    }
    told = by_label(records)
    assert "nothing of the sort" in told["raises"].reason
    assert "SIGSEGV" in told["segfault"].reason
    assert "exit status 3" in told["exits"].reason
    assert "needs_psf=True" in told["peeks"].reason
    assert "takes 1 to 30 bands, got 31" in told["refuses"].reason
    assert "expected finite values" in told["nan"].reason
    assert "Traceback" in (world / "run" / "logs" / f"{told['raises'].key}.txt").read_text()
    assert read_records(world / "run") == sorted(records, key=lambda r: (r.tier, r.label, r.scene, str(r.protocol["name"]), r.seed))


def test_scores_are_those_of_the_stored_estimate_against_the_scene(world: Path) -> None:
    record = go(world, plan(world, ["bicubic"], scenes=("b",)))[0]
    truth = read_cube(world / "b.h5").cube[:, :16, :24]  # 19 x 25, cropped to the ratio 8
    stored = read_cube(world / "run" / "estimates" / f"{record.key}.h5").cube
    assert stored.shape == truth.shape
    expected = score(truth, stored, 8)
    assert scores_near({name: record.metrics[name] for name in expected}, expected)
    assert record.metrics["psnr"] == pytest.approx(10 * np.log10(1 / ((truth - stored) ** 2).mean((1, 2))).mean(), abs=1e-4)
    np.testing.assert_allclose(read_cube(world / "run" / "scenes" / f"{record.scene_digest}.h5").cube, truth)


def test_a_record_holds_what_a_table_needs(world: Path) -> None:
    record = go(world, plan(world, ["rfuse"], scenes=("a",)))[0]
    assert record.tier == "told blur and colour response"
    assert record.clock is not None
    assert record.clock.rounds >= 1
    assert 0 < record.clock.fuse_low <= record.clock.fuse <= record.clock.fuse_high
    assert record.memory is not None
    assert record.memory.peak >= record.memory.base > 0
    assert record.memory.cuda_peak is None
    assert record.observed == {"channels_used": ["r", "g", "b"], "shape": [31, 16, 24], "whole_shape": [31, 16, 24]}
    assert record.protocol["ratio"] == 8
    assert record.parameters["rank"] > 0
    assert record.card["doi"]


def test_nothing_runs_twice_and_a_changed_parameter_runs_alone(world: Path) -> None:
    first = go(world, plan(world, ["steady", "bicubic"]))
    times = {record.key: record.ended for record in first}
    files = {path.name: path.stat().st_mtime_ns for path in (world / "run" / "cells").iterdir()}
    again = go(world, plan(world, ["steady", "bicubic"]))
    assert {record.key: record.ended for record in again} == times
    assert {path.name: path.stat().st_mtime_ns for path in (world / "run" / "cells").iterdir()} == files
    changed = world / "plan.toml"
    changed.write_text(changed.read_text().replace('name = "steady"', 'name = "steady"\nparameters = {strength = 0.5}'))
    third = go(world, changed)
    assert {record.key for record in third} - set(times) == {record.key for record in third if record.method == "steady"}
    assert len(list((world / "run" / "cells").iterdir())) == len(files) + 2


def test_a_changed_method_file_runs_again_and_the_others_do_not(world: Path) -> None:
    before = by_label(go(world, plan(world, ["steady", "bicubic"], scenes=("a",))))
    plugin(world / "plugins", "steady", "return Estimate(low * self.strength * 0.9)")
    after = by_label(go(world, plan(world, ["steady", "bicubic"], scenes=("a",))))
    assert after["Bicubic"].key == before["Bicubic"].key
    assert after["steady"].key != before["steady"].key
    assert after["steady"].metrics["psnr"] != before["steady"].metrics["psnr"]


def test_failed_cells_stay_failed_until_asked_to_retry(world: Path) -> None:
    flag = world / "mended"
    plugin(world / "plugins", "flaky", f"assert os.path.exists({str(flag)!r}), 'not yet'\n        return Estimate(low)")
    file = plan(world, ["flaky"], scenes=("a",))
    assert go(world, file)[0].outcome == "failed"
    flag.touch()
    assert go(world, file)[0].outcome == "failed"
    assert go(world, file, retry=True)[0].outcome == "scored"


def test_a_run_ended_between_fusing_and_scoring_only_scores(world: Path) -> None:
    import json

    file = plan(world, ["steady"], scenes=("a",))
    record = go(world, file)[0]
    cell = world / "run" / "cells" / f"{record.key}.json"
    table = json.loads(cell.read_text())
    measured = {name: table[name] for name in ("clock", "memory", "parameters_total", "parameters_inference", "threads")}
    measured["observed"] = {"channels_used": ["r", "g", "b"], "shape": [31, 16, 24]}
    (world / "run" / "measured").mkdir(exist_ok=True)
    (world / "run" / "measured" / f"{record.key}.json").write_text(json.dumps(measured))
    cell.unlink()
    estimate = world / "run" / "estimates" / f"{record.key}.h5"
    stamp = estimate.stat().st_mtime_ns
    again = go(world, file)[0]
    assert scores_near(again.metrics, record.metrics)
    assert again.clock == record.clock
    assert estimate.stat().st_mtime_ns == stamp
    assert not (world / "run" / "measured" / f"{record.key}.json").exists()


def test_other_metrics_score_again_without_running(world: Path) -> None:
    import json

    file = plan(world, ["steady"], scenes=("a",))
    record = go(world, file)[0]
    cell = world / "run" / "cells" / f"{record.key}.json"
    table = json.loads(cell.read_text())
    cell.write_text(json.dumps({**table, "metrics_key": "of another version", "metrics": {"psnr": -1.0}}))
    estimate = world / "run" / "estimates" / f"{record.key}.h5"
    stamp = estimate.stat().st_mtime_ns
    again = go(world, file)[0]
    assert scores_near(again.metrics, record.metrics)
    assert estimate.stat().st_mtime_ns == stamp


def test_what_the_protocol_withholds_is_skipped_with_the_reason(world: Path) -> None:
    extra = '[[protocol]]\nname = "camera-x8"\nreveals = ["srf"]\n'
    records = by_label(go(world, plan(world, ["rfuse", "steady"], extra, scenes=("a",), protocols="[]")))
    assert records["R-FUSE"].outcome == "skipped"
    assert "needs the PSF, which protocol camera-x8 withholds" in records["R-FUSE"].reason
    assert records["steady"].outcome == "scored"


def test_scenes_that_cannot_be_read_are_named_together_before_anything_runs(world: Path) -> None:
    for name in ("a", "b"):
        (world / f"{name}.h5").write_bytes((world / f"{name}.h5").read_bytes()[:2000])
    with pytest.raises(PlanError, match=r"(?s)a\.h5: expected a whole .*b\.h5: expected a whole"):
        go(world, plan(world, ["steady", "bicubic"]))
    assert not (world / "run" / "cells").exists()


def test_a_scene_that_is_changed_during_the_run_fails_its_cells_and_no_others(world: Path) -> None:
    cube = read_cube(world / "b.h5")
    changer = f"""from datasets.cube_file import CubeFile, write_cube
        import pathlib, numpy as np
        cube = np.full({cube.cube.shape}, 0.5, np.float32)
        write_cube(pathlib.Path({str(world / "b.h5")!r}), CubeFile(cube, np.linspace(400, 700, 31), "b"))
        return Estimate(low)"""
    plugin(world / "plugins", "changer", changer)
    records = go(world, plan(world, ["changer"]))
    assert [record.outcome for record in records] == ["scored", "failed"]
    assert "observation could not be made" in records[1].reason
    assert "have been changed since" in records[1].reason


def test_the_methods_process_holds_no_truth_and_no_way_to_it(world: Path) -> None:
    spy = f"""import gc, sys, numpy as np
        held = [np.asarray(thing) for thing in gc.get_objects() if isinstance(thing, (torch.Tensor, np.ndarray))]
        texts = [str(thing) for thing in gc.get_objects() if isinstance(thing, (str, bytes, type(os.curdir)))]
        texts += [os.getcwd(), *os.environ.values(), *sys.argv, *map(os.path.realpath, (f'/proc/self/fd/{{n}}' for n in (1, 2)))]
        texts += os.listdir('.') + [open(f'/proc/{{os.getppid()}}/cmdline').read()]
        assert not [text for text in texts if {str(world / "run")!r} in text], 'the run folder is named'
        from datasets.cube_file import read_cube
        truth = read_cube(__import__('pathlib').Path({str(world / "a.h5")!r})).cube.ravel()
        alike = [thing for thing in held if thing.size >= truth.size and np.allclose(thing.ravel()[: truth.size], truth, atol=1e-3)]
        assert not alike, 'the truth is here'
        return Estimate(low)"""
    plugin(world / "plugins", "spy", spy)
    assert go(world, plan(world, ["spy"], scenes=("a",)))[0].reason == ""


def test_prints_and_global_seeds_stay_in_the_cell(world: Path) -> None:
    plugin(world / "plugins", "loud", "print('x' * 100_000); torch.manual_seed(5); os.chdir('/'); return Estimate(low)")
    record = go(world, plan(world, ["loud"], scenes=("a",)))[0]
    assert record.outcome == "scored"
    assert (world / "run" / "logs" / f"{record.key}.txt").stat().st_size >= 100_000


def test_with_two_slots_scores_come_in_batches_and_never_beside_a_method(world: Path) -> None:
    grid = "[[method]]\nname = 'steady'\ngrid = {strength = [" + ", ".join(f"0.{place:02d}" for place in range(10, 40)) + "]}"
    checked = read_plan(plan(world, [], grid, scenes=("a",)), DataRoots.parse([]), world / "plugins")
    told: list[Progress] = []
    run(checked, RunSettings(world / "run", slots=2), told.append)
    kinds = [{"untimed" if text.startswith(("scoring", "observing")) else "timed" for text in progress.running} for progress in told]
    assert all(len(kind) <= 1 for kind in kinds), "a timed and an untimed task ran together"
    early = next(place for place, progress in enumerate(told) if progress.done >= 8)
    assert any("timed" in kind for kind in kinds[early:]), "no score before all methods had run"
    assert told[-1].done == 30


def test_a_folder_in_use_is_refused(world: Path) -> None:
    with claimed(world / "run"), pytest.raises(BusyError, match="where one is at work"):
        go(world, plan(world, ["steady"], scenes=("a",)))

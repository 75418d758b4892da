"""The oracle row: the best iterate by the truth, picked by the referee, labelled, never ranked. The test's own route: loops over cubes."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.review.compare import compare_runs
from benchmark.review.disk_forecast import disk_bytes, scene_values
from benchmark.review.explain import explain
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.record import Result, read_record
from benchmark.run_folder.retention import Keep, prune
from benchmark.runner.jobs import FuseJob
from benchmark.runner.oracle_iterates import IterateRecorder, OracleError, pick
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from methods.catalog import find_one
from methods.contract import Estimate, Example, FusionMethod, learn
from methods.unsupervised import c2ff
from reports.content.summary import summarise
from reports.content.verdicts import compare_tiers
from reports.typeset.frames import record_frame
from reports.typeset.plain_text import plain_summary
from tests.benchmark.conftest import plan, small_world
from tests.benchmark.folders import FIRST, read_records, variant, write_record
from tests.rounding import apart, near, scores_near

WANDERER = '''"""A method for tests, whose iterates come near the scene and go away again."""
from __future__ import annotations
import gc, os, sys, time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
import torch
from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.iterates import IteratedMethod

CARD = Card(name="Wanderer", paper="a test", doi="", year=2026, fidelity="none", learns="{learns}", supervision="self")

@dataclass(frozen=True)
class Method(IteratedMethod):
    card: ClassVar[Card] = CARD
    places: tuple[float, ...] = (1.9, 1.3, 0.97, 0.7)

    def iterates(self, examples, rng: torch.Generator, count: int) -> Iterator[FusionMethod]:
        for place in self.places[len(self.places) - min(count, len(self.places)):]:
            {body}
            yield Fitted(place)

@dataclass(frozen=True)
class Fitted(FusionMethod):
    card: ClassVar[Card] = CARD
    place: float

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        return Estimate(low(seen) * self.place + 0.01 * torch.rand(1, generator=rng).item())

def low(seen: Observation) -> torch.Tensor:
    return seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)
'''
ROW = '[[method]]\nname = "wanderer"\n{}'


@pytest.fixture
def journey(world: Path) -> Path:
    """The world, with a method whose third iterate of four is the best one."""
    return wander(world)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a world after a run with and without an oracle; not to be changed."""
    world = wander(small_world(tmp_path_factory.mktemp("finished")))
    go(world, with_oracle(world))
    return world


def wander(world: Path, body: str = "pass", learns: str = "on the scene") -> Path:
    (world / "plugins" / "wanderer.py").write_text(WANDERER.replace("{body}", body).replace("{learns}", learns))
    return world


def read(world: Path, methods: list[str], extra: str = "", scenes: tuple[str, ...] = ("b",)) -> Plan:
    return read_plan(plan(world, methods, extra, scenes), DataRoots.parse([]), world / "plugins")


def go(world: Path, checked: Plan, *, retry: bool = False) -> list[Result]:
    return run(checked, RunSettings(world / "run", retry=retry), lambda progress: None)


def with_oracle(world: Path, count: int = 4) -> Plan:
    return read(world, ["bicubic", "steady", "wanderer"], ROW.format(f"oracle = {count}"))


def by_loops(truth: np.ndarray, guess: np.ndarray) -> float:
    """PSNR, band by band and row by row."""
    bands = []
    for true_band, band in zip(truth, guess, strict=True):
        total = sum(float(((row.astype(np.float64) - other) ** 2).sum()) for row, other in zip(true_band, band, strict=True))
        bands.append(10 * math.log10(true_band.size / total))
    return sum(bands) / len(bands)


def test_the_best_iterate_is_the_argmax_of_psnr_and_its_score_is_at_least_the_last_ones(finished: Path) -> None:
    found = {record.label: record for record in read_records(finished / "run")}
    chosen, last = found["Wanderer, oracle (best of 4 by the truth)"], found["Wanderer"]
    truth = read_cube(finished / "b.h5").cube[:, :16, :24]
    noise = 0.01 * torch.rand(1, generator=torch.Generator().manual_seed(0)).item()
    seen = read_observation(finished / "run" / "observations" / f"{chosen.observation_digest}.h5").hsi.numpy()
    cubes = [np.kron(seen, np.ones((1, 8, 8))) * place + noise for place in (1.9, 1.3, 0.97, 0.7)]
    curve = [by_loops(truth, cube) for cube in cubes]
    assert chosen.oracle["count"] == 4
    assert chosen.oracle["best"] == 1 + curve.index(max(curve)) == 3
    np.testing.assert_allclose(chosen.oracle["psnr"], curve, atol=1e-3)  # which differ by the storing in 16 bits
    assert chosen.metrics["psnr"] == pytest.approx(max(chosen.oracle["psnr"]), rel=1e-9)  # one file, scored twice
    assert last.metrics["psnr"] == pytest.approx(chosen.oracle["psnr"][-1], rel=1e-6)  # the last iterate is the method's own result
    assert chosen.metrics["psnr"] > last.metrics["psnr"] + 1  # type: ignore[operator]
    kept = read_cube(finished / "run" / "estimates" / f"{chosen.key}.h5").cube
    np.testing.assert_allclose(kept, cubes[2], atol=1e-4)
    assert not list((finished / "run" / "iterates").iterdir())


def test_a_row_without_oracle_has_the_key_and_the_record_of_a_plan_without_any(finished: Path) -> None:
    plain = {cell.contestant.label: cell.key for cell in read(finished, ["bicubic", "steady", "wanderer"]).cells("cpu")}
    mixed = {cell.contestant.label: cell.key for cell in with_oracle(finished).cells("cpu")}
    more = {cell.contestant.label: cell.key for cell in with_oracle(finished, 3).cells("cpu")}
    assert mixed.items() > plain.items()
    assert len({*mixed.values(), *more.values()}) == 5
    for label, key in mixed.items():
        table = json.loads((finished / "run" / "cells" / f"{key}.json").read_text())
        assert ("oracle" in table) is ("oracle" in label)
        assert bool(table["card"]["unranked"]) is ("oracle" in label)


def test_the_summary_of_a_plan_names_oracles_alone(journey: Path) -> None:
    told = [entry.get("oracle") for entry in with_oracle(journey).summary()["methods"]]
    assert sorted(told, key=str) == [4, None, None, None]


def test_an_oracle_row_is_never_ranked_nor_compared_nor_kept_as_the_best(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished / "run", folder)
    records = read_records(folder)
    summary = summarise(records)[0]
    rows = {row.label: row for row in summary.rows}
    chosen = next(label for label in rows if "oracle" in label)
    assert not rows[chosen].ranked
    assert all(value.place == "" for value in rows[chosen].values.values())
    assert any(value.place == "best" for row in summary.rows for value in row.values.values())
    assert any(note.label == chosen and "looked at the truth" in note.text for note in summary.notes)
    compared = compare_tiers([summary])[0]
    assert compared.unranked == (chosen,)
    assert chosen not in [row.label for row in compared.rows]
    oracle = next(record for record in records if record.label == chosen)
    far_ahead = [replace(record, metrics={"psnr": 99.0}) if record is oracle else record for record in records]
    prune(RunFolder(folder), far_ahead, "top")
    assert not (folder / "estimates" / f"{oracle.key}.h5").exists()
    assert len(list((folder / "estimates").iterdir())) == 1


def test_a_label_that_is_cut_in_the_terminal_keeps_the_word(finished: Path) -> None:
    found = read_records(finished / "run")
    records = [replace(record, label=record.label.replace("Wanderer", "Wanderer " * 8)) for record in found]
    assert ", oracle ‡ " in plain_summary(summarise(records)[0])
    table = record_frame(records)
    assert table["oracle.best"].notna().sum() == 1
    assert "oracle.best" not in record_frame([record for record in records if not record.oracle])


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('name = "bicubic"\noracle = 20', "bicubic: oracle: expected a method that learns on the scene and shows its iterates"),
        ('name = "wanderer"\noracle = 1', "wanderer: oracle: expected 2 iterates or more, got 1"),
        ('name = "wanderer"\noracle = -3', "expected 2 iterates or more, got -3"),
        ('name = "wanderer"\noracle = "20"', "oracle: expected a whole number, got '20'"),
        ('name = "wanderer"\noracel = 20', "did you mean 'oracle'"),
        ('name = "daem"\nparameters = {learns = "on the scene"}\noracle = 20', "got one that does not; leave `oracle` out"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_plan_is_read(journey: Path, row: str, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        read(journey, [], f"[[method]]\n{row}")


def test_a_method_that_learns_beforehand_has_no_oracle(world: Path) -> None:
    wander(world, learns="beforehand")
    extra = ROW.format("oracle = 3") + f'\n[training]\nscenes = ["file:{world / "a.h5"}"]\npatch = 8\n'
    with pytest.raises(PlanError, match="got one that learns beforehand"):
        read(world, [], extra)


def test_two_oracles_of_one_method_are_two_rows_and_equal_ones_are_refused(journey: Path) -> None:
    rows = [ROW.format(f"oracle = {count}") for count in (2, 3)]
    assert [entry.label for entry in read(journey, [], "\n".join(rows)).contestants] == [
        "Wanderer, oracle (best of 2 by the truth)",
        "Wanderer, oracle (best of 3 by the truth)",
    ]
    for names in (("", ""), ('\nlabel = "one"', '\nlabel = "other"')):
        with pytest.raises(PlanError, match=r"oracle .* twice; rename or drop one"):
            read(journey, [], "\n".join(rows[0] + name for name in names))


def test_parameters_that_differ_stand_before_the_word(journey: Path) -> None:
    contestants = read(journey, [], ROW.format("oracle = 2\ngrid = {places = [[0.5, 1], [0.9, 0.8]]}")).contestants
    assert all(entry.label.endswith("), oracle (best of 2 by the truth)") for entry in contestants)


def test_the_process_that_makes_iterates_holds_no_truth_and_no_way_to_it(world: Path) -> None:
    spy = f"""
            texts = [thing for thing in gc.get_objects() if isinstance(thing, str)] + [os.getcwd(), *os.environ.values(), *sys.argv]
            texts += [os.path.realpath(f'/proc/self/fd/{{n}}') for n in (1, 2)]
            assert not [text for text in texts if {str(world / "run")!r} in text], 'the run folder is named'
            from datasets.cube_file import read_cube
            truth = read_cube(__import__('pathlib').Path({str(world / "b.h5")!r})).cube[:, :16, :24].ravel()
            held = [thing.detach().flatten() for thing in gc.get_objects() if isinstance(thing, torch.Tensor)]
            held = [thing for thing in held if thing.numel() == truth.size]
            assert not [thing for thing in held if abs(thing.numpy() - truth).max() < 1e-3], 'the truth is here'"""
    wander(world, spy)
    assert [record.reason for record in go(world, read(world, [], ROW.format("oracle = 3")))] == [""]


def test_other_metrics_score_the_picked_iterate_again_and_keep_the_curve(journey: Path) -> None:
    checked = read(journey, [], ROW.format("oracle = 4"))
    record = go(journey, checked)[0]
    file = journey / "run" / "cells" / f"{record.key}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "metrics_key": "of another version", "metrics": {"psnr": -1.0}}))
    stamp = (journey / "run" / "estimates" / f"{record.key}.h5").stat().st_mtime_ns
    again = go(journey, checked)[0]
    assert scores_near(again.metrics, record.metrics)
    assert again.oracle == record.oracle
    assert (journey / "run" / "estimates" / f"{record.key}.h5").stat().st_mtime_ns == stamp
    assert "iterate 3 of 4, picked by the truth" in explain(journey / "run", record.key).text()
    assert read_record(file) == again


def test_a_run_ended_before_the_pick_picks_when_resumed_and_without_iterates_runs_again(
    journey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = read(journey, [], ROW.format("oracle = 4"))
    with monkeypatch.context() as patched:
        patched.setattr("benchmark.runner.starting._score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go(journey, checked)
    cell = checked.cells("cpu")[0]
    iterates = journey / "run" / "iterates" / cell.key
    assert [file.name for file in sorted(iterates.iterdir())] == ["0001.h5", "0002.h5", "0003.h5", "0004.h5"]
    last = (journey / "run" / "estimates" / f"{cell.key}.h5").read_bytes()
    assert read_cube(iterates / "0004.h5").cube.tobytes() == read_cube(journey / "run" / "estimates" / f"{cell.key}.h5").cube.tobytes()
    kept = {file.name: file.read_bytes() for file in iterates.iterdir()}
    measured = (journey / "run" / "measured" / f"{cell.key}.json").read_bytes()
    assert go(journey, checked)[0].oracle["best"] == 3
    assert (journey / "run" / "estimates" / f"{cell.key}.h5").read_bytes() == kept["0003.h5"]
    (journey / "run" / "cells" / f"{cell.key}.json").unlink()
    (journey / "run" / "estimates" / f"{cell.key}.h5").write_bytes(last)
    (journey / "run" / "measured" / f"{cell.key}.json").write_bytes(measured)
    assert go(journey, checked)[0].oracle["best"] == 3, "without iterates to pick from, the cell runs again"


def interrupted(*given: object) -> None:
    raise KeyboardInterrupt


def test_iterates_count_for_the_limit_on_what_a_cell_writes(world: Path) -> None:
    wander(world, "time.sleep(0.5)")
    places = ", ".join(str(0.5 + place / 100) for place in range(12))
    row = ROW.format(f"parameters = {{places = [{places}]}}\noracle = 12")
    assert go(world, read(world, [], f"disk_limit_mb = 0.05\n{row}"))[0].reason.startswith("ended for writing more than 0.05 MB")


def test_the_disk_that_a_plan_needs_has_room_for_iterates(journey: Path) -> None:
    plain, oracle = read(journey, ["wanderer"], scenes=("a", "b")), read(journey, [], ROW.format("oracle = 7"), scenes=("a", "b"))
    values = scene_values(plain.cells("cpu"))
    largest, smallest = 31 * 19 * 25, 31 * 16 * 24
    assert sorted(values.values()) == [smallest, largest]
    cases: tuple[tuple[Keep, int, int], ...] = (
        ("estimates", 1, 2 * 7 * largest),
        ("float32", 1, 4 * 7 * largest),
        ("none", 2, 2 * 7 * (largest + smallest)),
    )
    for keep, slots, expected in cases:
        needs = [disk_bytes(one.cells("cpu"), keep, values, slots) for one in (oracle, plain)]
        assert needs[0] - needs[1] == expected


def test_an_oracle_row_and_its_plain_row_are_two_cells_for_compare(finished: Path) -> None:
    found = compare_runs(finished / "run", finished / "run")
    assert (found.same, found.only_before, found.only_after) == (4, (), ())


def test_the_first_of_equals_is_picked_and_a_gap_is_kept_as_one(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    for number, offset in ((1, 0.5), (3, 0.2), (4, -0.2), (6, 0.3)):
        write_cube(tmp_path / "its" / f"{number:04d}.h5", CubeFile(truth + np.float32(offset), None, "x"))
    facts = pick(CubeFile(truth), tmp_path / "its", tmp_path / "estimate.h5")
    assert facts["best"] in (3, 4)
    assert [value is None for value in facts["psnr"]] == [False, True, False, False, True, False]
    assert facts["psnr"][0] == pytest.approx(-20 * math.log10(0.5), abs=1e-3)
    assert (tmp_path / "estimate.h5").read_bytes() == (tmp_path / "its" / f"{facts['best']:04d}.h5").read_bytes()
    write_cube(tmp_path / "its" / "0002.h5", CubeFile(truth, None, "x"))
    write_cube(tmp_path / "its" / "0005.h5", CubeFile(truth, None, "x"))
    exact = pick(CubeFile(truth), tmp_path / "its", tmp_path / "estimate.h5")
    assert exact["best"] == 2
    assert [number for number, value in enumerate(exact["psnr"], 1) if value == math.inf] == [2, 5]
    with pytest.raises(OracleError, match="--retry"):
        pick(CubeFile(truth), tmp_path / "none", tmp_path / "estimate.h5")


def test_iterates_of_a_scene_without_any_live_band_have_no_psnr_and_the_first_is_picked(tmp_path: Path) -> None:
    truth = np.full((3, 4, 5), 0.25, dtype=np.float32)
    for number, offset in ((1, 0.5), (2, 0.0), (3, 0.1)):
        write_cube(tmp_path / "its" / f"{number:04d}.h5", CubeFile(truth + np.float32(offset), None, "x"))
    assert pick(CubeFile(truth), tmp_path / "its", tmp_path / "estimate.h5") == {"best": 1, "psnr": [None, None, None]}


def test_watching_stores_every_finite_iterate_and_does_not_change_the_last() -> None:
    seen = random_pair(7, 3).withhold(psf=True, srf=True)
    method = c2ff.Method(budget=1e-3)
    stored: dict[int, Estimate] = {}

    def store(number: int, estimate: Estimate) -> None:
        stored[number] = replace(estimate, cube=estimate.cube.clone())

    watched = IterateRecorder(method, 5, 9, store)
    last = learn(watched, seen, torch.Generator().manual_seed(4)).fuse(seen, torch.Generator().manual_seed(9)).cube
    plain = learn(method, seen, torch.Generator().manual_seed(4)).fuse(seen, torch.Generator().manual_seed(9)).cube
    assert list(stored) == [1, 2, 3, 4, 5]
    near(stored[5].cube, last, 1e-3)
    near(last, plain, 1e-3)
    assert apart(stored[4].cube, last) > 1e-2
    assert watched.aside_s > 0


def test_the_seconds_that_iterates_take_are_no_learning_and_the_last_file_is_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("benchmark.runner.oracle_iterates.timed", lambda call, device: (call(), 1000.0))
    seen = random_pair(7, 3).withhold(psf=True, srf=True)
    job = FuseJob(find_one("c2ff"), {"budget": 1e-3}, pickle.dumps(seen), "cpu", 0, oracle=3)
    assert job.run()["clock"]["fit"] < -2000  # what was measured, less three times the thousand seconds
    files = sorted((tmp_path / "iterates").iterdir())
    assert len(files) == 3
    first, last, estimate = (torch.from_numpy(read_cube(file).cube) for file in (files[0], files[2], tmp_path / "estimate.h5"))
    near(last, estimate, 1e-3)
    assert apart(first, estimate) > 1e-2


def test_an_iterate_that_is_not_finite_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = random_pair(7, 3).withhold(psf=True, srf=True)
    fuse, calls = c2ff.FittedC2FF.fuse, iter(range(9))

    def broken(self: FusionMethod, pair: object, rng: torch.Generator) -> Estimate:
        estimate = fuse(self, pair, rng)  # type: ignore[arg-type]
        return Estimate(estimate.cube * float("nan")) if next(calls) == 1 else estimate

    monkeypatch.setattr(c2ff.FittedC2FF, "fuse", broken)
    stored: list[int] = []
    IterateRecorder(c2ff.Method(budget=1e-3), 3, 0, lambda number, estimate: stored.append(number)).fit([Example(seen)], torch.Generator())
    assert stored == [1, 3]


def test_a_record_without_oracle_reads_and_writes_as_before(tmp_path: Path) -> None:
    table = json.loads(write_record(tmp_path, FIRST).read_text())
    assert "oracle" not in table
    assert read_record(tmp_path / "cells" / f"{FIRST.key}.json") == FIRST
    chosen = variant("c", oracle={"count": 2, "best": 1, "psnr": [30.0, None]})
    assert read_record(write_record(tmp_path, chosen)) == chosen

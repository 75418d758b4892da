"""What a plan would take, from hand-made records of lopsided sizes; every expected figure is worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import run_benchmark
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import parameters_to_json
from benchmark.matrix.plan_file import read_plan
from benchmark.review import known_costs as known_costs_text
from benchmark.review import past_runs
from benchmark.review.dry_run import dry_run
from benchmark.review.forecast import Forecast, MethodForecast, PastCell, forecast, overhead_in, past_cells_in, spell_duration
from benchmark.review.known_costs import KnownCosts, known_costs
from benchmark.review.overhead import Overhead, overhead_of
from benchmark.review.past_runs import read_past_runs
from benchmark.review.time_division import row_costs
from benchmark.run_folder.bundle import bundle_of, write_bundle
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import Clock, Result
from datasets.data_roots import DataRoots
from datasets.settings import field_values
from methods.catalog import find_one
from tests.benchmark.conftest import plan
from tests.benchmark.folders import FIRST, run_folder, variant

NUMBERS = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\nreveals = ["srf"]\n'
A, B = 31 * 16 * 24, 31 * 19 * 25  # values of the world's scenes


def cells_of(world: Path, extra: str, scenes: tuple[str, ...] = ("a",), protocols: str = '["camera-x8"]') -> list[Cell]:
    return read_plan(plan(world, [], extra, scenes, protocols), DataRoots.parse([]), world / "plugins").cells("cpu")


def sizes(cells: list[Cell]) -> dict[str, int]:
    return {cell.scene.name: A if cell.scene.name.endswith("a") else B for cell in cells}


def costs(*earlier: Path) -> KnownCosts:
    return known_costs(Path("nowhere"), earlier)


def measured(method: str, values: int, learning_s: float, fuse_s: float, *, learns: str = "on the scene", **facts: Any) -> PastCell:
    """A cell with the method's default parameters, but for those named."""
    kind = find_one(method).load()
    parameters = {**parameters_to_json(field_values(kind())), **facts.pop("parameters", {})}
    device = facts.pop("device", "cpu")
    return PastCell(method, parameters, learns, values, learning_s, fuse_s, device, f"{device} (P)", facts.pop("adapt_s", 0.0))


def only(costs: Forecast) -> MethodForecast:
    assert len(costs.rows) == 1
    return costs.rows[0]


def test_fusing_and_learning_grow_with_the_values_and_learning_with_the_budget_too(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "c2ff"\nparameters = {budget = 0.3}', scenes=("a", "b"))
    earlier = [
        measured("c2ff", 1000, 7.0, 0.5, parameters={"budget": 0.1}),  # 0.07 s a value at budget 1
        measured("c2ff", 3000, 50.0, 0.9, parameters={"budget": 0.2}),
    ]
    row = only(forecast(cells, earlier, sizes(cells), "cpu"))
    assert row.learning_s == pytest.approx((7.0 + 50.0) / (1000 * 0.1 + 3000 * 0.2) * 0.3 * (A + B))
    assert row.fuse_s == pytest.approx((0.5 + 0.9) / 4000 * (A + B))
    assert (row.cells, row.measured, row.alike, row.training_s) == (2, 2, True, 0.0)


def test_equal_parameters_are_believed_before_others(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "m2unet"\nparameters = {width = 20}')
    wide, narrow = measured("m2unet", A, 900.0, 9.0), measured("m2unet", 2 * A, 8.0, 1.0, parameters={"width": 20, "budget": 0.5})
    row = only(forecast(cells, [wide, narrow], sizes(cells), "cpu"))
    assert row.learning_s == pytest.approx(8.0)
    assert row.fuse_s == pytest.approx(0.5)
    assert (row.measured, row.alike) == (1, True)
    other = only(forecast(cells, [wide], sizes(cells), "cpu"))
    assert other.learning_s == pytest.approx(900.0)
    assert other.fuse_s == pytest.approx(9.0)
    assert not other.alike
    assert other.text().endswith("from 1 cell with other parameters")


def test_a_method_without_records_has_nothing_to_go_by_and_adds_nothing(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "gsa"\n[[method]]\nname = "c2ff"', scenes=("a", "b"))
    costs = forecast(cells, [measured("gsa", 100, 0.0, 0.02, learns="never")], sizes(cells), "cpu")
    assert costs.seconds == pytest.approx(0.02 / 100 * (A + B))
    assert "C2FF: 2 cells, not known" in costs.text()
    assert "for 2 of 4 cells" in costs.text()
    assert "from 1 measured cell on cpu (P); not known for 2 cells" in costs.text()
    assert (
        "not known for 4 cells; name an earlier run with some of these methods by --costs RUN_DIR"
        in forecast(cells, [], sizes(cells), "cpu").text()
    )


def test_done_and_skipped_cells_take_nothing(world: Path) -> None:
    hidden = '[[protocol]]\nname = "camera-x8"\nreveals = ["srf"]\n[[method]]\nname = "rfuse"\n[[method]]\nname = "gsa"'
    cells = cells_of(world, hidden, scenes=("a", "b"), protocols="[]")
    first = next(cell for cell in cells if cell.contestant.label == "GSA")
    costs = forecast(cells, [measured("gsa", 10, 0.0, 1.0, learns="never")], sizes(cells), "cpu", [first.key])
    assert [(row.label, row.cells) for row in costs.rows] == [("GSA", 1)]
    assert costs.seconds == pytest.approx(B / 10)
    assert forecast(cells, [], sizes(cells), "cpu", [cell.key for cell in cells]).text() == "time: nothing is left to run"


def test_an_oracle_row_fuses_each_iterate_besides(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "c2ff"\noracle = 6')
    row = only(forecast(cells, [measured("c2ff", A, 40.0, 3.0)], sizes(cells), "cpu"))
    assert row.learning_s == pytest.approx(40.0)
    assert row.fuse_s == pytest.approx(3.0 * 7)


def test_a_training_counts_once_a_protocol_by_its_budget_and_not_again_where_it_is_done(world: Path) -> None:
    extra = f'[training]\nscenes = ["file:{world / "b.h5"}"]\npatch = 8\n[[method]]\nname = "ssrnet"\nparameters = {{budget = 0.2}}\n'
    cells = cells_of(world, "seeds = [0, 1, 2]\n" + extra, protocols='["camera-x8", "wald-x4"]')
    assert len(cells) == 6
    earlier = [measured("ssrnet", 50 * A, 300.0, 5.0, learns="beforehand", parameters={"budget": 0.5}, adapt_s=70.0)] * 2
    row = only(forecast(cells, earlier, sizes(cells), "cpu"))
    assert row.training_s == pytest.approx(300.0 / 0.5 * 0.2 * 2)
    assert row.learning_s == pytest.approx(6 * 70.0 / 50 / 0.5 * 0.2)  # adapting, on each scene
    assert row.fuse_s == pytest.approx(6 * 5.0 / 50)
    resumed = only(forecast(cells, earlier, sizes(cells), "cpu", [cells[0].key]))
    assert resumed.training_s == pytest.approx(300.0 / 0.5 * 0.2)
    other = measured("ssrnet", A, 9.0, 5.0, learns="beforehand", parameters={"learning_rate": 9.0})
    assert only(forecast(cells, [other], sizes(cells), "cpu")).measured == 0  # another training says nothing of this one


def test_records_of_another_device_count_only_where_there_are_none_of_this_one(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "gsa"')
    slow, fast = measured("gsa", A, 0.0, 8.0, learns="never"), measured("gsa", A, 0.0, 2.0, learns="never", device="cuda")
    for device, expected in (("cpu", 8.0), ("cuda", 2.0)):
        costs = forecast(cells, [slow, fast], sizes(cells), device)
        assert costs.seconds == pytest.approx(expected)
        assert costs.places == (f"{device} (P)",)
    assert forecast(cells, [slow], sizes(cells), "cuda").seconds == pytest.approx(8.0)


def record(key: str, parameters: Mapping[str, Any], shape: list[int], **changes: Any) -> Result:
    clock = Clock(fuse=changes.pop("fuse", 1.0), fuse_low=0.0, fuse_high=9.0, rounds=3, warmed=True, fit=changes.pop("fit", 0.0))
    card = {"name": "C2FF", "learns": "on the scene"}
    facts = {"method": "c2ff", "parameters": parameters, "card": card, "observed": {"shape": shape}, "clock": clock, **changes}
    return variant(key, **facts)


def test_records_are_read_with_their_machines_and_those_without_a_clock_are_passed_over(tmp_path: Path) -> None:
    records = [
        record("a", {"budget": 0.1}, [3, 5, 7], fit=2.0, fuse=0.25),
        record("b", {"budget": 0.1}, [3, 5, 7], outcome="timeout", clock=None),
        record("c", {}, []),
    ]
    folder = run_folder(tmp_path / "run", records, processor="Q & R")
    found = past_cells_in(read_past_runs([folder, folder]))
    assert [(one.values, one.learning_s, one.fuse_s, one.budget, one.place) for one in found] == [(105, 2.0, 0.25, 0.1, "cpu (Q & R)")]


def test_the_dry_run_tells_cells_disk_and_time_and_takes_the_runs_own_records(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)
    parameters = parameters_to_json(field_values(find_one("c2ff").load()()))
    earlier = run_folder(world / "earlier", [record("a", parameters, [31, 16, 24], fit=60.0, fuse=2.0)])
    file = plan(world, [], '[[method]]\nname = "c2ff"', scenes=("a",))
    arguments = ["run", str(file), "--dry-run", "--device", "cpu", "--out", str(world / "out"), "--costs", str(earlier)]
    assert run_benchmark.main(arguments) == 0
    told = capsys.readouterr().out
    assert "1 cell, into" in told
    assert "time: 1.0 min for 1 cell, one after the other (training 0 s, learning 1.0 min, fusing 2.0 s)" in told
    assert not (world / "out").exists()
    checked = read_plan(file, DataRoots.parse([]))
    assert "C2FF: 1 cell, learning 1.0 min, fusing 2.0 s, from 1 cell" in dry_run(
        checked.cells("cpu"), earlier, "cpu", "none", 1, costs(earlier)
    )
    assert run_benchmark.main([*arguments, "--costs", str(world / "nowhere")]) == 2
    assert "expected a run folder" in capsys.readouterr().err


def test_the_dry_run_says_what_is_cropped_and_how_each_cell_stands(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)  # to read those of the suite takes most of the time
    cells = cells_of(world, '[[method]]\nname = "bicubic"\n[[method]]\nname = "gsa"', scenes=("a", "b"))
    told = dry_run(cells, world / "none", "cpu", "none", 1, costs())
    assert told.count("cropped") == 1
    assert "file/b is cropped from 19 x 25 to 16 x 24 pixels, as ratio 8 does not divide its sides" in told
    keys = {(cell.contestant.label, cell.scene.name): cell.key for cell in cells}
    folder = run_folder(
        world / "run",
        [
            replace(FIRST, key=keys["Bicubic", "file/a"]),
            replace(FIRST, key=keys["Bicubic", "file/b"], outcome="timeout", reason="too slow", metrics={}),
            replace(FIRST, key=keys["GSA", "file/a"], outcome="skipped", reason="no", metrics={}),
        ],
    )
    (folder / "cells" / f"{keys['GSA', 'file/b']}.json").write_text("{")
    lines = {
        line.split()[0]: line for line in dry_run(cells, folder, "cpu", "none", 1, costs()).splitlines() if line.split()[0] in keys.values()
    }
    for name, end in (
        (("Bicubic", "file/a"), "  (done)"),
        (("Bicubic", "file/b"), "  (timeout: --retry runs it again)"),
        (("GSA", "file/a"), "  (skipped)"),
        (("GSA", "file/b"), "  (its record is damaged: it runs again)"),
    ):
        assert lines[keys[name]].endswith(end), lines[keys[name]]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.0123, "0.012 s"),
        (1.23, "1.2 s"),
        (45.4, "45 s"),
        (9.97, "10 s"),
        (59.99, "60 s"),
        (61.0, "1.0 min"),
        (9000.0, "2.5 h"),
        (86400.0 * 12, "12 d"),
    ],
)
def test_seconds_are_told_in_two_digits(seconds: float, text: str) -> None:
    assert spell_duration(seconds) == text


def test_what_a_cell_takes_besides_is_told_from_the_moments_of_records_of_one_slot() -> None:
    def at(key: str, second: int, shape: list[int], environment: str = "one", **facts: Any) -> Result:
        moment = f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}+00:00"
        return record(key, {}, shape, ended=moment, environment=environment, fit=2.0, fuse=0.5, **facts)

    small, large = [2, 3, 5], [2, 30, 50]
    records = [
        *(at("d", 40, large), at("a", 10, small), at("b", 17, small), at("c", 25, small)),  # 7 - 2.5, 8 - 2.5; 15 - 2.5
        *(at("e", 41, large, "two"), at("f", 90, large, "two"), at("g", 95, small, outcome="failed", metrics={})),
    ]
    found = overhead_of(records, {"one": 1, "two": 4})
    assert found.samples == {30: (4.5, 5.5), 3000: (12.5,)}
    assert [found.seconds(values) for values in (1, 30, 100, 2999, 10**6)] == [5.0, 5.0, 5.0, 12.5, 12.5]
    assert Overhead().seconds(30) == 0.0
    assert found.joined(found).cells == 6


def test_the_overhead_is_counted_in_the_time_and_told(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "gsa"', scenes=("a", "b"))
    earlier = [measured("gsa", A, 0.0, 2.0, learns="never")]
    plain = forecast(cells, earlier, sizes(cells), "cpu")
    whole = forecast(cells, earlier, sizes(cells), "cpu", (), Overhead({A: (3.0, 5.0)}))
    assert whole.seconds - plain.seconds == pytest.approx(2 * 4.0)
    assert "all else in a cell 8.0 s" in whole.text()
    assert "as in 2 cells that followed another" in whole.text()
    assert "scoring not counted" in plain.text()


def test_a_large_dry_run_counts_its_cells_and_names_what_will_be_skipped(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)  # to read those of the suite takes most of the time
    noisy = "".join(f'[[protocol]]\nname = "n{number}"\n{NUMBERS}msi_snr_db = {20 + number}\n' for number in range(11))
    file = plan(world, ["bicubic", "rfuse"], noisy, protocols="[]")
    given = ["run", str(file), "--dry-run", "--device", "cpu", "--out", str(world / "out")]
    assert run_benchmark.main(given) == 0
    told = capsys.readouterr().out
    lines = [line.strip() for line in told.splitlines()]
    assert "more than 40 cells: --dry-run --all lists each with its key" in lines
    assert [line for line in lines if line.startswith("by ")] == ["by method (2)", "by scene (2)", "by protocol (11)"]
    assert "Bicubic  22 cells: 22 to run" in lines
    assert "file/a  22 cells: 11 to run, 11 to be skipped" in lines
    assert "n3   4 cells: 2 to run, 2 to be skipped" in lines
    assert "to be skipped: 22 cells" in lines
    assert any(line.startswith("R-FUSE, 22 on 2 scenes, 11 protocols: R-FUSE needs the PSF") for line in lines)
    assert run_benchmark.main([*given, "--all"]) == 0
    keys = {cell.key for cell in read_plan(file, DataRoots.parse([])).cells("cpu")}
    assert keys == {line.split()[0] for line in capsys.readouterr().out.splitlines() if line and line.split()[0] in keys}


def test_a_bundle_tells_the_time_as_the_run_does_that_it_was_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record("a", {"budget": 0.1}, [3, 5, 7], fit=2.0, fuse=0.25), record("b", {}, [3, 5, 7], fit=4.0, fuse=0.5)]
    busy = record("c", {}, [3, 5, 7])
    busy = replace(busy, clock=replace(busy.clock, others=1.5) if busy.clock else None)
    folder = run_folder(tmp_path / "run", [*records, busy], processor="Q & R")
    file = write_bundle(tmp_path / "mine.json.xz", bundle_of(folder, "mine"))
    key = lambda one: one.fuse_s  # noqa: E731
    assert sorted(past_cells_in(read_past_runs([file])), key=key) == sorted(past_cells_in(read_past_runs([folder])), key=key)
    assert [one.contended for one in past_cells_in(read_past_runs([file]))] == [False, False, True]
    assert overhead_in(read_past_runs([file])) == overhead_in(read_past_runs([folder]))


def test_bundles_of_the_suite_tell_the_time_of_methods_that_no_named_run_has(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = parameters_to_json(field_values(find_one("c2ff").load()()))
    shipped = run_folder(world / "shipped", [record("a", parameters, [31, 16, 24], fit=60.0, fuse=2.0)])
    file = write_bundle(world / "shipped.json.xz", bundle_of(shipped, "shipped"))
    monkeypatch.setattr(known_costs_text, "named_bundles", lambda: {"shipped": file})
    cells = cells_of(world, '[[method]]\nname = "c2ff"')
    assert "learning 1.0 min" in dry_run(cells, world / "none", "cpu", "none", 1, costs())
    own = run_folder(world / "own", [record("b", parameters, [31, 16, 24], fit=120.0, fuse=2.0)])
    assert "learning 2.0 min" in dry_run(cells, world / "none", "cpu", "none", 1, costs(own))


def test_cells_of_a_row_beside_other_work_come_before_quiet_cells_of_another_row(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(cell: Result) -> Result:
        assert cell.clock is not None
        return replace(cell, clock=replace(cell.clock, others=1.5))

    default = parameters_to_json(field_values(find_one("c2ff").load()()))
    wide, deep = ({**default, "window_ratio": window} for window in (1.25, 1.5))
    shape = [31, 16, 24]
    records = [
        *(busy(record(key, default, shape, fit=60.0)) for key in ("a", "b")),
        record("c", wide, shape, fit=600.0),
        busy(record("d", wide, shape, fit=6000.0)),
    ]
    file = write_bundle(world / "shipped.json.xz", bundle_of(run_folder(world / "shipped", records), "shipped"))
    monkeypatch.setattr(known_costs_text, "named_bundles", lambda: {"shipped": file})

    def found(parameters: Mapping[str, Any], *earlier: Path) -> MethodForecast:
        spelled = f'[[method]]\nname = "c2ff"\nparameters = {{window_ratio = {parameters["window_ratio"]}}}'
        return only(costs(*earlier).forecast(cells_of(world, spelled), "cpu"))

    for parameters, learning_s, number, alike in ((default, 60.0, 2, True), (wide, 600.0, 1, True), (deep, 600.0, 1, False)):
        row = found(parameters)
        assert (row.learning_s, row.measured, row.alike) == (pytest.approx(learning_s), number, alike)
    own = run_folder(world / "own", [record("e", deep, shape, fit=9.0), busy(record("f", wide, shape, fit=3.0))])
    assert found(default, own).learning_s == pytest.approx(60.0)  # a run that is named tells of its own rows alone
    assert found(wide, own).learning_s == pytest.approx(3.0)


def test_seconds_of_a_machine_of_known_speed_are_scaled_to_this_one_and_others_are_as_measured(tmp_path: Path) -> None:
    def at(key: str, second: int, environment: str, **facts: Any) -> Result:
        moment = f"2026-01-01T00:00:{second:02d}+00:00"
        return record(key, {"budget": 0.1}, [3, 5, 7], fit=2.0, fuse=0.25, environment=environment, ended=moment, **facts)

    records = [
        *(
            at("a", 10, "known"),
            at("b", 18, "known"),
            at("c", 20, "unknown"),
            at("d", 30, "unknown"),
            at("e", 31, "odd"),
            at("f", 41, "odd"),
        ),
        at("9", 50, "known", device="cuda"),
    ]
    folder = run_folder(tmp_path / "run", records)
    for name, speed in (("known", {"calibration_s": 0.04}), ("unknown", {}), ("odd", {"calibration_s": 1e-30})):
        write_json(folder / "environments" / f"{name}.json", {"processor": name, "slots": 1, **speed})
    plain = {one.place: (one.learning_s, one.fuse_s, one.factor, one.unscaled) for one in past_cells_in(read_past_runs([folder]))}
    assert set(plain.values()) == {(2.0, 0.25, None, "")}
    found = {one.place: (one.learning_s, one.fuse_s) for one in past_cells_in(read_past_runs([folder]), here_s=0.1)}
    assert found["cpu (known)"] == pytest.approx((5.0, 0.625))  # 0.1 / 0.04 = 2.5 times as long here
    assert found["cpu (unknown)"] == found["cpu (odd)"] == found["cuda (known)"] == (2.0, 0.25)
    # 8 - 2.25 s on the known machine, 10 - 2.25 s on the two others; and the cell on the GPU, 9 - 2.25 s after that of another environment
    assert sorted(overhead_in(read_past_runs([folder]), here_s=0.1).samples[105]) == pytest.approx([7.75, 7.75, 5.75 * 2.5])
    assert sorted(overhead_in(read_past_runs([folder])).samples[105]) == pytest.approx([5.75, 7.75, 7.75])


def test_the_text_says_how_seconds_were_scaled(world: Path) -> None:
    cells = cells_of(world, '[[method]]\nname = "gsa"')
    fast, slow = (replace(measured("gsa", A, 0.0, 2.0, learns="never"), factor=factor) for factor in (0.5, 1.254))
    plain = replace(measured("gsa", A, 0.0, 2.0, learns="never"), unscaled="its speed is not in the records")
    for known, words in (
        ([fast], "on cpu (P), times 0.50 for this machine\n"),
        ([fast, slow], "on cpu (P), times 0.50 to 1.25 for this machine\n"),
        ([plain], "on cpu (P), as measured there (its speed is not in the records)\n"),
        ([fast, plain], "on cpu (P), times 0.50 for this machine; in part as measured there (its speed is not in the records)\n"),
    ):
        assert words in forecast(cells, known, sizes(cells), "cpu").text()


def test_cells_of_a_shipped_bundle_that_ran_beside_other_work_come_last_and_say_so(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = record("a", {}, [3, 5, 7], fuse=4.0)
    other = record("b", {}, [3, 5, 7], fuse=8.0, method="gsa")
    spoilt = [replace(one, clock=replace(one.clock, others=1.5) if one.clock else None) for one in (busy, other)]
    quiet = record("c", {"budget": 0.5}, [3, 5, 7], fuse=2.0)
    folder = run_folder(world / "shipped", [*spoilt, quiet])
    monkeypatch.setattr(known_costs_text, "named_bundles", lambda: {"shipped": folder})
    found = {(one.method, one.fuse_s, one.rank, one.place) for one in costs().cells}
    beside = "cpu (P), beside other work"
    assert found == {("c2ff", 2.0, 1, "cpu (P)"), ("c2ff", 4.0, 2, beside), ("gsa", 8.0, 2, beside)}


def test_each_bundle_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {}
    for number, name in enumerate(("one", "two", "own")):
        folder = run_folder(tmp_path / name, [record("abc"[number], {}, [3, 5, 7 + number])])
        files[name] = write_bundle(tmp_path / f"{name}.json.xz", bundle_of(folder, name))
    own, read = files.pop("own"), list[str]()
    plain = past_runs.read_bundle
    monkeypatch.setattr(past_runs, "read_bundle", lambda file: read.append(file.name) or plain(file))
    monkeypatch.setattr(known_costs_text, "named_bundles", lambda: files)
    assert sorted((one.values, one.rank) for one in costs(own, own).cells) == [(105, 1), (120, 1), (135, 0)]
    assert sorted(read) == ["one.json.xz", "own.json.xz", "two.json.xz"]


def test_steps_on_the_scene_that_have_a_parameter_of_their_own_take_the_same_with_any_budget(world: Path) -> None:
    extra = f'[training]\nscenes = ["file:{world / "b.h5"}"]\npatch = 8\n[[method]]\nname = "ual"\nparameters = {{budget = 0.2}}\n'
    cells = cells_of(world, "seeds = [0, 1, 2]\n" + extra)
    assert len(cells) == 3
    earlier = [measured("ual", 50 * A, 300.0, 5.0, learns="beforehand", parameters={"budget": 0.5}, adapt_s=70.0)]
    found = forecast(cells, earlier, sizes(cells), "cpu")
    row = only(found)
    assert row.training_s == pytest.approx(300.0 / 0.5 * 0.2)
    assert row.learning_s == row.steady_learning_s == pytest.approx(3 * 70.0 / 50)
    (cost,) = row_costs(cells, {row.label: row})
    assert cost.budget == 0.2
    assert cost.seconds(0.02) == pytest.approx(300.0 / 0.5 * 0.02 + 3 * 70.0 / 50 + 3 * 5.0 / 50)

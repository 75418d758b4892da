"""How a child answers: by a file that is safe before operations are counted, and that is never believed blindly."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin

COUNTING = "torch._C._len_torch_dispatch_stack() > 0"  # whether operations are being counted
WHOLE = '{{"how": "{how}", "table": {{"x": {x}}}, "reason": "", "more": false}}'


def go(
    world: Path, methods: list[str], extra: str = "", *, slots: int = 1, retry: bool = False, scenes: tuple[str, ...] = ("a",)
) -> list[Result]:
    checked = read_plan(plan(world, methods, extra, scenes=scenes), DataRoots.parse([]), world / "plugins")
    return run(checked, RunSettings(world / "run", slots=slots, retry=retry), lambda progress: None)


def one(world: Path, body: str, extra: str = "") -> Result:
    plugin(world / "plugins", "subject", body)
    return go(world, ["subject"], extra)[0]


@pytest.mark.parametrize(
    ("while_counting", "reason"),
    [
        ("time.sleep(600)", "time limit of 12 s"),
        ("signal.signal(2, signal.SIG_IGN); time.sleep(600)", "time limit of 12 s"),
        ("os._exit(9)", "exit status 9"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("raise ValueError('not under a dispatch mode')", "ValueError: not under a dispatch mode"),
        ("raise RefusedError('not twice')", "RefusedError: not twice"),
        ("x = bytearray(8 * 10**9)", "MemoryError"),
    ],
)
def test_what_happens_while_operations_are_counted_costs_no_estimate(world: Path, while_counting: str, reason: str) -> None:
    body = f"if {COUNTING}: {while_counting}\n        return Estimate(low)"
    limit = 12 if "sleep" in while_counting else 240  # which is waited for; a loaded machine needs some of it for the method itself
    record = one(world, body, f"time_limit_s = {limit}\nmemory_limit_mb = 800")
    assert (record.outcome, record.reason) == ("scored", "")
    assert record.metrics["psnr"] is not None
    assert record.flops is None
    assert record.flops_reason.startswith("counting them failed, when the estimate was safe: ")
    assert reason in record.flops_reason
    assert record.clock is not None
    assert record.clock.rounds >= 1


def test_a_method_that_takes_much_of_its_limit_is_scored_and_not_counted(world: Path) -> None:
    calls = world / "calls"
    write = f"with open({str(calls)!r}, 'a') as file: file.write('x')"
    record = one(world, f"{write}\n        time.sleep(2.5); return Estimate(low)", "time_limit_s = 110")
    assert calls.read_text() == "x"
    assert record.outcome == "scored"
    assert record.flops is None
    assert "more than 2% of the time limit of 110 s" in record.flops_reason
    assert record.clock is not None
    assert (record.clock.rounds, record.clock.warmed) == (1, False)


def test_the_limit_holds_while_another_cell_is_counted(world: Path) -> None:
    plugin(world / "plugins", "counted", f"if {COUNTING}: time.sleep(600)\n        return Estimate(low)")
    plugin(world / "plugins", "hangs", "time.sleep(600)")
    plugin(world / "plugins", "quick", "return Estimate(low)")
    limits = "[[method]]\nname = 'counted'\ntime_limit_s = 25\n[[method]]\nname = 'hangs'\ntime_limit_s = 3\n[[method]]\nname = 'quick'"
    records = {record.label: record for record in go(world, [], limits, slots=2)}
    assert {label: record.outcome for label, record in records.items()} == {"counted": "scored", "hangs": "timeout", "quick": "scored"}
    assert records["hangs"].ended < records["counted"].ended


def test_operations_are_those_of_the_cells_own_data(world: Path) -> None:
    number = "1 + int(100 * seen.hsi.mean())"
    plugin(world / "plugins", "iterates", f"for _ in range({number}): torch.ones(7, 3) @ torch.ones(3, 2)\n        return Estimate(low)")
    records = go(world, ["iterates"], scenes=("a", "b"))
    counts = []
    for record in records:
        seen = read_observation(world / "run" / "observations" / f"{record.observation_digest}.h5")
        counts.append(2 * 7 * 3 * 2 * (1 + int(100 * seen.hsi.mean())))
        assert (record.flops, record.flops_reason) == (counts[-1], "")
    assert len({str(record.observed["shape"]) for record in records}) == 1, "two scenes of one size"
    assert counts[0] != counts[1]


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        ("open('answer.json', 'w').write('{\"how\": \"do')", "expected JSON, got JSONDecodeError"),
        ("open('answer.json', 'w').write('[1, 2]')", "expected a JSON object, got list"),
        ("open('answer.json', 'w').write('{}')", "answer.json: expected the fields how, table, reason, more, got none"),
        ("open('answer.json', 'w').write('[' * 200_000)", "RecursionError"),
        ("open('answer.json', 'wb').write(bytes([0xff, 0xfe]))", "UnicodeDecodeError"),
        ("os.mkfifo('answer.json')", "expected a file of at most"),
        ("os.mkdir('answer.json')", "expected a file of at most"),
        (f"open('answer.json', 'w').write({WHOLE.format(how='done', x='NaN')!r})", "NaN is no JSON"),
        (f"open('answer.json', 'w').write({WHOLE.format(how='scored', x='1')!r})", "expected how: done, skipped, "),
    ],
)
def test_an_answer_that_is_none_is_a_failed_cell_with_a_sentence(world: Path, left: str, reason: str) -> None:
    plugin(world / "plugins", "subject", f"{left}; os._exit(0)")
    bad, good = go(world, ["subject", "steady"])
    assert (bad.outcome, good.outcome) == ("failed", "scored")
    assert bad.reason.startswith("its answer cannot be read: ")
    assert reason in bad.reason


def test_no_answer_at_all_is_told_by_the_exit_status(world: Path) -> None:
    record = one(world, "os._exit(0)")
    assert record.outcome == "killed"
    assert "without an answer, exit status 0" in record.reason


def test_a_torn_count_leaves_the_estimate(world: Path) -> None:
    record = one(world, f"if {COUNTING}: open('operations.json', 'w').write('{{'); os._exit(0)\n        return Estimate(low)")
    assert record.outcome == "scored"
    assert "operations.json: expected JSON" in record.flops_reason


def test_an_answer_that_json_cannot_hold_is_a_failed_cell(world: Path) -> None:
    plugin(world / "plugins", "subject", "return Estimate(low)")
    file = world / "plugins" / "subject.py"
    counts = (
        "\n    def parameter_count(self):\n        from methods.contract import ParameterCount\n        return ParameterCount({1}, 0)\n"
    )
    file.write_text(file.read_text() + counts)
    bad, good = go(world, ["subject", "steady"])
    assert (bad.outcome, good.outcome) == ("failed", "scored")
    assert "TypeError" in bad.reason
    assert "JSON serializable" in bad.reason


def test_a_method_that_closes_every_file_still_answers(world: Path) -> None:
    record = one(world, "os.closerange(3, 200); return Estimate(low)")
    assert (record.outcome, record.reason) == ("scored", "")


@pytest.mark.parametrize(
    ("base", "module", "outcome"),
    [
        ("RefusedError", "methods.contract", "skipped"),
        ("InvalidEstimateError", "benchmark.measure.validity", "invalid"),
        ("MemoryError", "builtins", "out of memory"),
        ("ValueError", "builtins", "failed"),
    ],
)
def test_an_outcome_follows_the_kind_of_an_error_and_not_its_name(world: Path, base: str, module: str, outcome: str) -> None:
    body = (
        f"from {module} import {base} as Base\n        raise type('RefusedError' if {base == 'ValueError'} else 'Odd', (Base,), {{}})('no')"
    )
    record = one(world, body)
    assert record.outcome == outcome
    assert record.reason.endswith(": no")


def test_a_cube_that_hangs_on_a_graph_is_scored(world: Path) -> None:
    assert one(world, "return Estimate(low.clone().requires_grad_())").outcome == "scored"


def test_the_memory_of_a_methods_child_is_the_cells(world: Path) -> None:
    child = "x = bytearray(b'1') * 300_000_000; import time; time.sleep(4)"  # long enough to be looked at on a loaded machine
    body = f"import subprocess, sys\n        subprocess.run([sys.executable, '-c', {child!r}], check=True)\n        return Estimate(low)"
    memory = one(world, body, "time_limit_s = 240").memory
    assert memory is not None
    assert memory.main_process is not None
    assert memory.main_process < 300_000_000
    assert memory.peak > memory.main_process + 250_000_000


def test_memory_that_only_the_count_takes_is_not_the_cells(world: Path) -> None:
    child = "x = bytearray(b'1') * 300_000_000; import time; time.sleep(2.5)"
    start = f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    body = f"import subprocess, sys\n        if {COUNTING}: {start}\n        return Estimate(low)"
    record = one(world, body, "time_limit_s = 240")
    assert record.memory is not None
    assert record.memory.main_process is not None
    assert record.flops is not None
    assert record.memory.peak < record.memory.main_process + 50_000_000


def test_a_scoring_that_failed_is_scored_again_and_not_fused(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = world / "ledger"
    plugin(world / "plugins", "subject", f"with open({str(ledger)!r}, 'a') as f: f.write('x')\n        return Estimate(low)")
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.runner.starting.SCORE_LIMIT_S", 0.0)
        failed = go(world, ["subject"])[0]
    assert failed.outcome == "failed"
    assert "scoring failed: ended after its time limit of 0 s; the estimate is kept: --retry scores it again" in failed.reason
    calls = ledger.read_text()
    assert go(world, ["subject"])[0] == failed, "nothing happens unasked"
    again = go(world, ["subject"], retry=True)[0]
    assert again.outcome == "scored"
    assert ledger.read_text() == calls
    assert (again.clock, again.memory, again.flops) == (failed.clock, failed.memory, failed.flops)
    assert not (world / "run" / "measured" / f"{again.key}.json").exists()


def test_a_scoring_that_failed_keeps_its_estimate_where_none_is_kept(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(world / "plugins", "subject", "return Estimate(low)")
    checked = read_plan(plan(world, ["subject"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.runner.starting.SCORE_LIMIT_S", 0.0)
        failed = run(checked, RunSettings(world / "run", keep="none"), lambda progress: None)[0]
    estimate = world / "run" / "estimates" / f"{failed.key}.h5"
    assert estimate.is_file()
    assert run(checked, RunSettings(world / "run", keep="none", retry=True), lambda progress: None)[0].outcome == "scored"
    assert not estimate.exists()

"""Slots: one GPU each, told by the environment before CUDA is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.runner import slots
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin


@pytest.mark.parametrize(
    ("visible", "expected"), [("0,1", ["0", "1", "0"]), ("3,GPU-a1", ["3", "GPU-a1", "3"]), ("5", ["5", "5", "5"]), ("", [None] * 3)]
)
def test_a_slot_is_a_gpu_of_those_that_are_visible(visible: str, expected: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [slots.slot_variables("cuda", slot).get("CUDA_VISIBLE_DEVICES") for slot in range(3)] == expected
    assert slots.slot_variables("cpu", 0) == {}


def test_cells_side_by_side_see_different_gpus(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.runner.starting.slot_variables", lambda device, slot: {"CUDA_VISIBLE_DEVICES": f"gpu-{slot}"})
    ledger = world / "ledger"
    body = (
        f"with open({str(ledger)!r}, 'a') as f: print(os.environ['CUDA_VISIBLE_DEVICES'], file=f)\n"
        "        until = time.monotonic() + 200  # for the cell beside this one\n"
        f"        while open({str(ledger)!r}).read().count('\\n') < 2 and time.monotonic() < until: time.sleep(0.05)\n"
        "        return Estimate(low * self.strength)"
    )
    plugin(world / "plugins", "seer", body)
    file = plan(world, [], "[[method]]\nname = 'seer'\ngrid = {strength = [0.5, 0.6, 0.7, 0.8]}", scenes=("a",))
    records = run(read_plan(file, DataRoots.parse([]), world / "plugins"), RunSettings(world / "run", slots=2), lambda progress: None)
    assert {record.outcome for record in records} == {"scored"}
    assert {line.split()[0] for line in ledger.read_text().splitlines()} == {"gpu-0", "gpu-1"}

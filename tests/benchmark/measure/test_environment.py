"""Where a run took place: what is told of GPUs without starting CUDA."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.measure.environment import environment


def told(folder: Path, models: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    for number, text in enumerate(models):
        place = folder / f"0000:{number:02x}:00.0"
        place.mkdir(parents=True)
        if text:
            (place / "information").write_text(text)
    monkeypatch.setattr("benchmark.measure.environment.GPUS", folder)
    found = environment("cpu", 1, 1)
    return found["gpu"], found["gpus"]


def test_the_model_and_the_number_of_gpus_come_from_the_drivers_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = "Model: \t\t NVIDIA X100 80GB HBM3\nIRQ:   \t\t 42\nGPU UUID: \t GPU-1\nVideo BIOS: \t Model: not this one\n"
    other = "IRQ: 7\nModel: \t Y200\n"
    assert told(tmp_path / "a", [one], monkeypatch) == ("NVIDIA X100 80GB HBM3", 1)
    assert told(tmp_path / "b", [one, one, other], monkeypatch) == ("NVIDIA X100 80GB HBM3, Y200", 3)
    assert told(tmp_path / "c", [other, "", "nothing of the sort\n"], monkeypatch) == ("Y200, of an unknown model", 3)


def test_without_a_gpu_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(tmp_path / "absent", [], monkeypatch) == (None, 0)

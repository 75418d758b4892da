"""The loop of a long training on a learner of four numbers: schedule, average, checkpoints, resumption to the same weights."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from methods.contract import Desk, Moment
from methods.numerics.networks.scene_learning import DivergedError
from methods.unsupervised.mossfuse.training_loop import (
    CHECKPOINT,
    CURVE,
    Learner,
    ResumeError,
    Schedule,
    WeightAverage,
    run_training,
    write_whole,
)
from tests.rounding import near


class InterruptedTrainingError(Exception):
    """Stands for whatever ends a process."""


class Drawing(Learner):
    """Adam on random targets, drawn from the generator step by step; may be made to die at a step."""

    def __init__(self, rng: torch.Generator, dies_at: int | None = None, name: str = "drawing") -> None:
        self.rng, self.dies_at, self.name = rng, dies_at, name
        self.weights = nn.Parameter(torch.zeros(4))
        self.optimiser = torch.optim.Adam([self.weights], lr=0.1)

    @property
    def identity(self) -> str:
        return self.name

    def update(self, step: int) -> Mapping[str, Tensor]:
        if step == self.dies_at:
            raise InterruptedTrainingError
        loss = (self.weights - torch.rand(4, generator=self.rng)).square().sum()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"distance": loss.detach(), "number": torch.tensor(float(step))}

    def validate(self) -> Mapping[str, float]:
        return {"distance": float((self.weights.detach() - 0.5).square().sum())}

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights.detach(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.weights.copy_(state["weights"])
        self.optimiser.load_state_dict(state["optimiser"])


def _run(folder: Path, steps: int = 60, dies_at: int | None = None, name: str = "drawing", limit_s: float | None = None) -> Tensor:
    rng = torch.Generator().manual_seed(3)
    learner = Drawing(rng, dies_at, name)
    run_training(learner, steps, rng, Desk(folder, every_s=0.0, limit_s=limit_s), record_every=10, validate_every=20)
    return learner.weights.detach()


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / CURVE).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_rate_rises_to_its_peak_and_ends_at_nothing() -> None:
    schedule = Schedule(steps=1000, peak=0.2, warm_up=10)
    assert schedule.rate(0) == pytest.approx(0.02)
    assert schedule.rate(4) == pytest.approx(0.2 * 0.5 * 0.996)
    assert schedule.rate(500) == pytest.approx(0.1)
    assert schedule.rate(999) == pytest.approx(0.0002)
    assert schedule.rate(1000) == 0
    assert Schedule(steps=8, peak=1.0).rate(2) == pytest.approx(0.75)


def test_the_average_is_the_recursion_written_out() -> None:
    network = nn.BatchNorm1d(1)
    average = WeightAverage(network, decay=0.6)
    expected = 1.0
    for step, value in enumerate([5.0, -3.0, 2.0, 8.0, 1.0, 0.0, 4.0, 7.0, 2.0, 9.0, 3.0, 1.0, 6.0, 2.0, 5.0]):
        with torch.no_grad():
            network.weight.fill_(value)
            network.num_batches_tracked.fill_(step)
        average.take(network, step)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(average.tensors["weight"]) == pytest.approx(expected, rel=1e-5)
        assert int(average.tensors["num_batches_tracked"]) == step


def test_a_cosine_is_at_half_its_peak_halfway_and_flat_at_both_ends() -> None:
    schedule = Schedule(1000, 2.0, warm_up=10, fall="cosine")
    assert [schedule.rate(step) for step in (0, 500, 250)] == pytest.approx([0.2, 1.0, 1 + 0.5**0.5])
    assert schedule.rate(100) > 1.95
    assert 0 < schedule.rate(999) < 1e-5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_training_that_diverges_stops_and_keeps_the_checkpoint_of_before(tmp_path: Path, value: float) -> None:
    class Diverging(Drawing):
        def update(self, step: int) -> Mapping[str, Tensor]:
            losses = super().update(step)
            return losses if step != 33 else {**losses, "distance": torch.tensor(value)}

    rng = torch.Generator().manual_seed(3)
    with pytest.raises(DivergedError, match=r"^step 40: expected finite losses, got NaN or Inf for distance; the checkpoint of an earlier"):
        run_training(Diverging(rng), 60, rng, Desk(tmp_path, every_s=0.0), record_every=10, validate_every=20)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 30
    assert [row["step"] for row in _rows(tmp_path)] == ["10", "20", "30"]


def test_no_average_keeps_the_last_iterate() -> None:
    network = nn.Linear(1, 1)
    average = WeightAverage(network, decay=0.0)
    for step in range(3):
        with torch.no_grad():
            network.weight.fill_(float(step))
        average.take(network, step)
    assert float(average.tensors["weight"]) == 2


@pytest.mark.parametrize("dies_at", [10, 19, 31, 59])
def test_a_training_that_died_goes_on_to_the_same_weights(tmp_path: Path, dies_at: int) -> None:
    whole = _run(tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError):
        _run(tmp_path / "broken", dies_at=dies_at)
    near(_run(tmp_path / "broken"), whole)
    for one, other in zip(_rows(tmp_path / "broken"), _rows(tmp_path / "whole"), strict=True):
        assert one.keys() == other.keys()
        assert {key for key in one if one[key]} == {key for key in other if other[key]}
        for name in one.keys() - {"seconds", "processor_seconds"}:
            assert float(one[name] or 0) == pytest.approx(float(other[name] or 0), rel=1e-4)


def test_no_time_at_all_gives_a_checkpoint_of_the_beginning_that_is_gone_on_from(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole")
    _run(tmp_path / "pieces", limit_s=0.0)
    assert torch.load(tmp_path / "pieces" / CHECKPOINT, weights_only=True)["step"] == 0
    _run(tmp_path / "pieces", limit_s=1e-3)
    assert torch.load(tmp_path / "pieces" / CHECKPOINT, weights_only=True)["step"] % 10 == 0
    near(_run(tmp_path / "pieces"), whole)


def test_a_finished_training_is_left_as_it_is(tmp_path: Path) -> None:
    whole = _run(tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert torch.equal(_run(tmp_path), whole)  # read from the checkpoint
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_curve_holds_means_between_rows_and_validation_where_it_was_measured(tmp_path: Path) -> None:
    _run(tmp_path, steps=45)
    rows = _rows(tmp_path)
    assert [int(row["step"]) for row in rows] == [10, 20, 30, 40, 45]
    assert [float(row["number"]) for row in rows] == [4.5, 14.5, 24.5, 34.5, 42]
    assert [bool(row["validation distance"]) for row in rows] == [False, True, False, True, True]


def test_moments_tell_the_budget_and_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[Moment] = []
    rng = torch.Generator().manual_seed(3)
    now = [100.0]
    monkeypatch.setattr("methods.unsupervised.mossfuse.training_loop.perf_counter", lambda: now[0])

    class Slow(Drawing):
        def update(self, step: int) -> Mapping[str, Tensor]:
            now[0] += 3.0
            return super().update(step)

    run_training(Slow(rng), 30, rng, Desk(tmp_path, tell=moments.append), record_every=10)
    assert [(moment.step, moment.steps) for moment in moments] == [(0, 30), (10, 30), (20, 30), (30, 30)]
    assert moments[-1].left_s == 0
    assert (moments[1].seconds, moments[1].left_s) == (30.0, 60.0)


def test_the_processors_seconds_of_all_pieces_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("methods.unsupervised.mossfuse.training_loop.process_time", lambda: now[0])

    class Working(Drawing):
        def update(self, step: int) -> Mapping[str, Tensor]:
            now[0] += 2.0
            if step == 12 and not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                raise InterruptedTrainingError
            return super().update(step)

    def run() -> None:
        rng = torch.Generator().manual_seed(3)
        run_training(Working(rng), 30, rng, Desk(tmp_path, every_s=0.0), record_every=10)

    with pytest.raises(InterruptedTrainingError):
        run()
    now[0] = 7.0  # another process
    run()
    assert [float(row["processor_seconds"]) for row in _rows(tmp_path)] == [20.0, 40.0, 60.0]  # not the steps that were lost


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    _run(tmp_path, steps=20)
    with pytest.raises(ResumeError, match=r"expected a checkpoint of this training \(other\), got one of another \(drawing\)"):
        _run(tmp_path, name="other")


def test_a_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    _run(tmp_path, steps=20)
    file = tmp_path / CHECKPOINT
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ResumeError, match="expected a checkpoint of a training, got"):
        _run(tmp_path)


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "state.pt"
    write_whole(file, {"step": 1})

    class Unwritable:
        def __reduce__(self) -> Any:
            raise InterruptedTrainingError

    with pytest.raises(InterruptedTrainingError):
        write_whole(file, {"step": 2, "bad": Unwritable()})
    assert torch.load(file, weights_only=True) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]

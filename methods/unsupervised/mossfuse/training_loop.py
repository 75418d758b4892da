"""The loop of a long training: a fixed number of steps, a learning rate that ends at 0, checkpoints, and a curve.

    rate(k) = peak * min(1, (k + 1) / warm-up) * fall(k / steps)       fall(t) = 1 - t (linear) or (1 + cos(pi t)) / 2 (cosine)
    average <- d average + (1 - d) weights      after each step, with d = min(decay, (1 + k) / (10 + k)); the average is the result

The loop trains a `Learner`, which makes the step of a given number, and can return and restore its whole state. The loop needs nothing else
of it, so it serves supervised and self-supervised methods. Step k uses the examples whose numbers follow from k, never "the next" example,
and the state of the generator is in the checkpoint. So a resumed training makes the same steps as one that was never stopped: with the same
bits on one machine with one number of threads and the same versions.

A checkpoint is written to a temporary file, flushed to the disk, and then renamed. So the folder holds either the old checkpoint or the new
one, complete, whenever the process is killed.
"""

from __future__ import annotations

import csv
import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import cos, isfinite, pi
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal

import torch
from torch import Tensor, nn

from methods.contract import Desk, Moment
from methods.numerics.networks.scene_learning import DivergedError

Fall = Literal["linear", "cosine"]

CHECKPOINT, CURVE = "checkpoint.pt", "curve.csv"


class ResumeError(ValueError):
    """This training cannot continue from the checkpoint. The text says what was expected, what the file holds, and what to do."""


@dataclass(frozen=True)
class Schedule:
    """The number of steps, and the learning rate of each step by the formula of the module docstring."""

    steps: int
    peak: float  # highest learning rate
    warm_up: int = 1  # steps until the peak is reached
    fall: Fall = "linear"

    def rate(self, step: int) -> float:
        """The learning rate of step number `step`, counted from 0."""
        done = step / self.steps
        left = 1 - done if self.fall == "linear" else (1 + cos(pi * done)) / 2
        return self.peak * min(1.0, (step + 1) / self.warm_up) * left


class Learner(ABC):
    """Something that is trained: what the loop needs of it."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """A text with everything that the training depends on. A checkpoint with another text is refused."""

    @abstractmethod
    def update(self, step: int) -> Mapping[str, Tensor]:
        """Makes step number `step`. Returns its losses by name, detached."""

    @abstractmethod
    def validate(self) -> Mapping[str, float]:
        """The losses on examples that are not used for learning. It changes nothing."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that changes during the training: weights, moments of the optimiser, averages.

        It may hold tensors, numbers, text, lists and dictionaries.
        """

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Restores what `state` returned."""


class WeightAverage:
    """The running average of the weights and buffers of a network. Whole numbers, such as counters, are copied instead."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    def take(self, network: nn.Module, step: int) -> None:
        """Adds the weights after step number `step` to the average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor.detach(), 1 - decay)
            else:
                self.tensors[name].copy_(tensor)


def run_training(
    learner: Learner, steps: int, rng: torch.Generator, desk: Desk, *, record_every: int = 25, validate_every: int = 250
) -> None:
    """Trains from the desk's checkpoint, or from the beginning, until the last step or the desk's limit of time.

    Checkpoint and curve are written at the end, and in intervals of time at steps that `record_every` divides. `rng` is the generator from
    which the learner draws, if it draws at all; its state is part of the checkpoint.

    Raises:
        ResumeError: the checkpoint cannot be read, or belongs to another training.
        DivergedError: a mean of losses is NaN or Inf; checkpoint and curve stay as they were before.
    """
    desk.folder.mkdir(parents=True, exist_ok=True)
    file = desk.folder / CHECKPOINT
    step, spent, processor_spent, curve = 0, 0.0, 0.0, list[dict[str, float | int]]()
    if file.exists():
        step, spent, processor_spent, curve = _resume(file, learner, rng)
    desk.tell(Moment(step, steps, {}, spent, 0.0))
    begun, first, saved, processor_begun = perf_counter(), step, perf_counter(), process_time()
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}  # steps in `sums`

    def save() -> None:
        seconds = {"seconds": spent + perf_counter() - begun, "processor_seconds": processor_spent + process_time() - processor_begun}
        content = {"identity": learner.identity, "step": step, **seconds, "rng": rng.get_state()}
        write_whole(file, {**content, "curve": curve, "learner": learner.state()})
        write_curve(desk.folder / CURVE, curve)

    while step < steps and (desk.limit_s is None or perf_counter() - begun < desk.limit_s or step % record_every):
        for name, loss in learner.update(step).items():
            sums[name] = sums[name] + loss if name in sums else loss.clone()
            counts[name] = counts.get(name, 0) + 1
        step += 1
        if step % record_every == 0 or step == steps:
            seconds = spent + perf_counter() - begun
            means = {name: float(total) / counts[name] for name, total in sums.items()}
            _expect_finite(means, step, file)
            validation = learner.validate() if step % validate_every == 0 or step == steps else {}
            used = {"seconds": seconds, "processor_seconds": processor_spent + process_time() - processor_begun}
            curve.append({"step": step, **used, **means, **{f"validation {name}": value for name, value in validation.items()}})
            pace = (perf_counter() - begun) / (step - first)
            desk.tell(Moment(step, steps, means, seconds, pace * (steps - step)))
            sums, counts = {}, {}
            if perf_counter() - saved >= desk.every_s:
                save()
                saved = perf_counter()
    if step > first or not file.exists():
        save()


def _expect_finite(means: Mapping[str, float], step: int, checkpoint: Path) -> None:
    wrong = [name for name, mean in means.items() if not isfinite(mean)]
    if wrong:
        kept = f"the checkpoint of an earlier step is in {checkpoint.parent}" if checkpoint.exists() else "no checkpoint was written yet"
        raise DivergedError(
            f"step {step}: expected finite losses, got NaN or Inf for {', '.join(wrong)}; {kept}; lower the learning rate, or leave "
            "mixed_precision out, and train again in another folder"
        )


def write_whole(file: Path, content: Mapping[str, Any]) -> None:
    """Writes a torch file, completely or not at all."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            torch.save(dict(content), stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def write_curve(file: Path, rows: Iterable[Mapping[str, float | int]]) -> None:
    """Writes the rows of a curve as CSV, completely or not at all. Where a row lacks a column, its cell stays empty."""
    table = list(rows)
    columns = list(dict.fromkeys(name for row in table for name in row))
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(table)
    temporary.replace(file)


def _resume(file: Path, learner: Learner, rng: torch.Generator) -> tuple[int, float, float, list[dict[str, float | int]]]:
    """Restores the learner and the generator. Returns the steps made, the seconds spent, those of the processor, and the curve so far."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
        identity, step, curve = content["identity"], content["step"], content["curve"]
        spent, processor_spent = content["seconds"], content["processor_seconds"]
        state, drawn = content["learner"], content["rng"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError) as error:
        raise ResumeError(f"{file}: expected a checkpoint of a training, got {type(error).__name__} on reading it; remove it") from error
    if identity != learner.identity:
        raise ResumeError(
            f"{file}: expected a checkpoint of this training ({learner.identity}), got one of another ({identity}); "
            "restore the former settings, or choose another folder"
        )
    learner.restore(state)
    rng.set_state(drawn)
    return step, spent, processor_spent, curve

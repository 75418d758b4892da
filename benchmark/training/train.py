"""Trains a method by a training plan, in pieces that can be resumed, and writes its weights.

The folder of a training holds

    course.json            all numbers that decide what is learned; a training with other numbers is refused in this folder
    checkpoint.pt          the whole state, replaced every few minutes
    curve.csv              step, seconds, losses (means since the last row), validation losses
    sensors.json           the responses that the method estimates on a validation pair, and the true responses
    pieces.json            which sources made which steps (pieces.py); a resumption by other sources is refused unless they are accepted
    weights.safetensors    the weights and facts on them; written whenever a piece ends, also before the end of the budget

The folder is held by a lock while a piece is at work: two trainings in one folder would overwrite each other's state.

The method is never given a scene: it gets patches, with the truth only where its card says that it learns from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.identity.sources import Sources
from benchmark.matrix.patches import HandedExamples, Patches
from benchmark.measure.environment import environment
from benchmark.measure.generators import seed_generators
from benchmark.run_folder.lock import claimed
from benchmark.training.pieces import expect_same_sources, learning_sources, pieces_in_weights, read_pieces, write_pieces
from benchmark.training.training_plan import TrainingPlan
from datasets.observation import Observation
from datasets.scene import Scene, crop_to_ratio
from methods.contract import Desk, Example, FusionMethod, Moment

COURSE, SENSORS, WEIGHTS, CHECKPOINT = "course.json", "sensors.json", "weights.safetensors", "checkpoint.pt"


class TrainingError(ValueError):
    """A folder that this training cannot use, or scenes that do not fit together; the text says what to do."""


@dataclass(frozen=True)
class Trained:
    """The result of one piece of a training."""

    weights: Path
    step: int
    steps: int
    seconds: float  # of all pieces

    @property
    def finished(self) -> bool:
        """Whether all steps of the budget are done."""
        return self.step == self.steps


def train(
    plan: TrainingPlan,
    folder: Path,
    show: Callable[[Moment], None],
    *,
    command: str,
    device: str = "cpu",
    resume: bool = False,
    every_s: float = 120.0,
    limit_s: float | None = None,
    threads: int | None = None,
    accept_sources: bool = False,
) -> Trained:
    """The weights after a piece of training: from the beginning or, with `resume`, from the folder's checkpoint on.

    Args:
        plan: the training plan.
        folder: the training's folder.
        show: is called with the state of the training from time to time.
        command: the command line, for the facts on the weights.
        device: cpu or cuda.
        resume: whether to go on from the checkpoint.
        every_s: seconds between checkpoints.
        limit_s: seconds after which the piece ends, at a checkpoint; None: at the end of the budget.
        threads: of torch; None: all cores.
        accept_sources: whether to go on from steps that other sources have made; the weights then say so.

    Raises:
        BusyError: another process trains in this folder.
        LockError: the folder lies on a file system without flock.
        TrainingError: the folder holds a training and `resume` is not given, or a training by other numbers, or the scenes differ in bands.
        SourcesChangedError: the folder holds a training by other sources, and `accept_sources` is not given.
    """
    with claimed(folder):
        sources = learning_sources(plan.entry)
        former = _claim(plan, folder, sources, resume=resume, accept=accept_sources)
        if threads is not None:
            torch.set_num_threads(threads)
        examples, checks = _patches(plan)
        here = environment(device, torch.get_num_threads(), 1)
        moments: list[Moment] = []
        pieces: list[dict[str, Any]] = []

        def note(moment: Moment) -> None:
            if not moments:  # the step with which this piece begins
                pieces[:] = write_pieces(folder, former, moment.step, sources, here)
            moments[:] = [moment]
            show(moment)

        desk = Desk(folder, device, every_s, limit_s, note)
        seed_generators(plan.seed, torch.device(device))  # for layers that draw from torch's own generator
        fitted = plan.method.train(HandedExamples(examples), checks, torch.Generator().manual_seed(plan.seed), desk)
        last = moments[0]
        plan.method.save(fitted, folder / WEIGHTS, _facts(plan, last, pieces, here, command))
        _write_sensors(folder / SENSORS, plan, fitted, (checks or examples)[0].seen)
        return Trained(folder / WEIGHTS, last.step, last.steps, last.seconds)


def _patches(plan: TrainingPlan) -> tuple[Patches, Sequence[Example]]:
    """The patches to learn from, and those for the curve."""
    card, ratio = plan.method.describe(), plan.protocol.ratio
    scenes = [crop_to_ratio(source.load(), ratio) for source in plan.scenes]
    held = [crop_to_ratio(source.load(), ratio) for source in plan.validation]
    examples = Patches(scenes, plan.protocol, plan.patch, plan.patches, plan.seed, card, plan.digests(plan.scenes), plan.augment)
    _expect_one_grid([*scenes, *held])
    count = plan.validation_patches if held else 0
    checks = Patches(held, plan.protocol, plan.patch, count, plan.seed, card, plan.digests(plan.validation), "none")[:] if count else []
    return examples, checks


def _facts(plan: TrainingPlan, last: Moment, pieces: Sequence[Mapping[str, Any]], here: Mapping[str, Any], command: str) -> dict[str, str]:
    """What the file of the weights says of itself."""
    return {
        "trained_on": plan.trained_on,
        "scenes": json.dumps([scene.name for scene in plan.scenes]),
        "scene_digests": json.dumps(plan.digests(plan.scenes)),
        "validation_scenes": json.dumps([scene.name for scene in plan.validation]),
        "protocol": json.dumps({"name": plan.protocol.name, **plan.protocol.numbers()}),
        "sensor": plan.protocol.sensor.name,
        "parameters": json.dumps(plan.course()["parameters"]),
        "patch": str(plan.patch),
        "augment": plan.augment,
        "seed": str(plan.seed),
        "steps": f"{last.step} of {last.steps}",
        "seconds": f"{last.seconds:.0f}",
        "course": plan.digest(),
        "licence": plan.licence,
        "command": command,
        **pieces_in_weights(pieces, last.step),
        **{name: str(here[name]) for name in ("commit", "uncommitted_changes", "torch", "processor", "device", "threads_per_cell")},
    }


def _claim(plan: TrainingPlan, folder: Path, sources: Sources, *, resume: bool, accept: bool) -> Sequence[Mapping[str, Any]]:
    """Write the numbers of the training into a new folder, or compare them and the sources with those in the folder.

    Returns the former pieces.
    """
    course, file = plan.course(), folder / COURSE
    begun = (folder / CHECKPOINT).exists()
    if begun and not resume:
        raise TrainingError(f"{folder} holds a training that has begun: give --resume to go on with it, or another --out")
    if begun and file.exists():
        former: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        changed = [name for name in {**former, **course} if former.get(name) != json.loads(json.dumps(course)).get(name)]
        if changed:
            raise TrainingError(
                f"{folder} holds a training of another course: {', '.join(changed)} changed; give back the former plan, or another --out"
            )
    pieces = read_pieces(folder) if begun else []
    if begun and not accept:
        expect_same_sources(pieces, sources, folder)
    file.write_text(json.dumps(course, indent=1), encoding="utf-8")
    return pieces


def _expect_one_grid(scenes: Sequence[Scene]) -> None:
    """Nothing, where all scenes have the same bands, as one network needs it."""
    first = scenes[0]
    for scene in scenes:
        if not torch.equal(scene.wavelengths, first.wavelengths):
            raise TrainingError(
                f"training: expected scenes of the same bands, got {first.name} of {first.cube.shape[0]} and {scene.name} of "
                f"{scene.cube.shape[0]} bands, or of other wavelengths; train on one sensor at a time"
            )


def _write_sensors(file: Path, plan: TrainingPlan, fitted: FusionMethod, seen: Observation) -> None:
    """Write the estimated and the true responses."""
    estimate = fitted.fuse(seen, torch.Generator().manual_seed(plan.seed))
    spatial, spectral = plan.protocol.spatial(), plan.protocol.spectral(seen.wavelengths)
    table = {
        "wavelengths_nm": seen.wavelengths.tolist(),
        "channels": list(spectral.names),
        "true": {"psf": spatial.kernel.tolist(), "phase": spatial.phase, "srf": spectral.weights.tolist()},
        "estimated": {
            "psf": None if estimate.psf is None else estimate.psf.kernel.tolist(),
            "phase": None if estimate.psf is None else estimate.psf.phase,
            "srf": None if estimate.srf is None else estimate.srf.weights.tolist(),
        },
    }
    file.write_text(json.dumps(table), encoding="utf-8")

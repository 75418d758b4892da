"""Runs cases on the CPU and on the pretended device: python -m tests.devices.run_on_pretend OUT.jsonl PART PARTS | planted

A process of its own, as the device stays registered. Writes a line for each case when it is done: a `Finding`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.authors.sample_pairs import Lessons, random_example
from benchmark.identity.scene_identity import identify
from benchmark.matrix.training_set import TrainingSet
from benchmark.measure import meter, rounds
from benchmark.run_folder.observation_file import read_observation
from benchmark.runner.jobs import ESTIMATE_NAME, FIT_NAME, STD_NAME, FitJob, FuseJob, ObserveJob, ScoreJob
from benchmark.runner.oracle_iterates import ITERATES
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from datasets.observation import Observation
from datasets.protocols import protocol_from
from datasets.scene_catalog import find_scenes
from datasets.settings import configure
from datasets.simulation import NoiseSeed
from methods.adapting import adapted
from methods.contract import AnyMethod, Desk, Estimate, Example, FusionMethod, LongTrainedMethod, Moment, awaits_training, learn
from methods.iterates import IteratedMethod
from tests.devices import pretend
from tests.devices.cases import Case, cases
from tests.devices.planted import planted
from tests.devices.pretend import Pretended, install

HERE, PRETEND = Path(__file__).resolve(), Path(pretend.__file__).resolve()
ROOT = HERE.parents[2]
BANDS, CHANNELS, SEED = 31, 3, 0
CPU = torch.device("cpu")
CLOSE = 1e-4  # of images of 0..1: other blocks and other kernels for attention round otherwise
CLOSE_BFLOAT16 = 1e-2  # such a rounding may become a step of bfloat16, 4e-3 below 1
PROTOCOL = {"name": "x4", "ratio": 4, "psf": {"kind": "gaussian", "taps": 3, "sigma": 2.0}, "phase": 1, "sensor": "rgb_camera"}


class ApartError(AssertionError):
    """Results of the two devices that differ, or lie where they should not; the text says which."""


@dataclass(frozen=True)
class Finding:
    """What came of one case."""

    case: str
    problem: str  # "" where there is none
    apart: float  # largest difference between the results of the two devices
    operators: int  # different ones that ran on the device
    seconds: float  # of the processor


@dataclass(frozen=True, eq=False)
class Places:
    """Both devices, and where the pretended one can be used."""

    device: torch.device
    mode: Pretended

    @contextmanager
    def at(self, place: torch.device) -> Iterator[None]:
        """For work on the CPU nothing is pretended: what lies there by mistake is found by what it meets on the device."""
        if place == CPU:
            yield
        else:
            with self.mode:
                yield


def found(case: Case, places: Places) -> Finding:
    """Runs one case; any error is what it found."""
    begun, apart, problem = process_time(), nan, ""
    places.mode.operators.clear()
    try:
        apart = KINDS[case.kind](case, places)
        most = CLOSE_BFLOAT16 if case.parameters.get("autocast") or case.parameters.get("mixed_precision") else CLOSE
        if not apart <= most:
            raise ApartError(f"the results of the two devices lie {apart:.2g} apart, more than {most:g}")
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what the case found
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and Path(frame.filename) not in (HERE, PRETEND)]
        problem = f"{type(error).__name__}: {error}\n" + "".join(traceback.format_list(ours[-3:] or frames[-3:]))
    return Finding(case.name, problem, apart, len(places.mode.operators), process_time() - begun)


def alone(case: Case, places: Places) -> float:
    """Learned, adapted and fused on either device."""

    def run(place: torch.device) -> Estimate:
        with places.at(place):
            method, seen = method_of(case), seen_by(case, place)
            return fuse(adapted(learned(method, seen), seen, rng()), seen)

    return apart(run(CPU), run(places.device), places.device)


def measured(case: Case, places: Places) -> float:
    """What the meter hands on, part by part."""
    method, seen = method_of(case), seen_by(case, CPU)
    with places.at(places.device):
        got = meter.measure_method(method, seen, places.device, SEED).estimate
    if any(tensor is None for tensor in tensors(got)):
        raise ApartError("expected a method that gives cube, deviation, PSF and SRF; name another in cases.py")
    return apart(fuse(learned(method, seen), seen), got, CPU)


def carried(case: Case, places: Places) -> float:
    """Learned on one device and used on the other: as it was fitted, as it was after it had adapted and fused.

    What had learned beforehand must serve the device that it comes from as well.
    """
    method = method_of(case)
    here = seen_by(case, CPU)
    expected = fuse(adapted(learned(method, here), here, rng()), here)
    differences = []
    with places.at(places.device):
        for start, end in ((CPU, places.device), (places.device, CPU)):
            first, last = seen_by(case, start), seen_by(case, end)
            fitted = learned(method, first)
            fresh = adapted(through_a_file(fitted, end), last, rng())
            differences.append(apart(expected, fuse(fresh, last), end))
            ready = adapted(fitted, first, rng())
            fuse(ready, first)
            differences.append(apart(expected, fuse(through_a_file(ready, end), last), end))
            if method.describe().learns == "beforehand":
                fuse(fitted, first)
                back = adapted(through_a_file(fitted, end), first, rng())
                differences.append(apart(expected, fuse(back, first), start))
    return largest(differences)


def iterates(case: Case, places: Places) -> float:
    """Each of three iterates."""

    def run(place: torch.device) -> list[Estimate]:
        with places.at(place):
            method, seen = method_of(case), seen_by(case, place)
            assert isinstance(method, IteratedMethod)
            return [fuse(fitted, seen) for fitted in method.iterates([Example(seen)], rng(), 3)]

    return largest([apart(a, b, places.device) for a, b in zip(run(CPU), run(places.device), strict=True)])


def trained(case: Case, places: Places) -> float:
    """A long training in one go on the CPU, against one in pieces on the device, and two that change the device after the first piece."""
    method, seen = method_of(case), seen_by(case, CPU)
    assert isinstance(method, LongTrainedMethod)
    lessons = Lessons(method.describe(), seen)

    def train(folder: Path, order: Sequence[torch.device], piece_s: float | None) -> Estimate:
        """Piece after piece, the last device of `order` for all that are left."""
        pieces, step = 0, 0
        while True:
            place, told = order[min(pieces, len(order) - 1)], list[Moment]()
            with places.at(place):
                fitted = method.train(lessons[:6], lessons[6:7], rng(), Desk(folder, str(place), 0.0, piece_s, told.append))
            pieces += told[-1].step > step  # a machine that was busy elsewhere may have had no time for a step
            step = told[-1].step
            if step == told[-1].steps:
                break
        if pieces < len(order):
            raise ApartError(f"expected a training of at least {len(order)} pieces, got {pieces}: it was never resumed")
        return fuse(fitted, seen)

    with tempfile.TemporaryDirectory() as folder:
        expected = train(Path(folder) / "whole", [CPU], None)
        orders = ([places.device, places.device], [CPU, places.device], [places.device, CPU])
        return largest([apart(expected, train(Path(folder) / str(k), order, 0.02), CPU) for k, order in enumerate(orders)])


def referee(case: Case, places: Places) -> float:
    """The tasks of a cell: observed, trained beforehand on patches, fused under the meter into files, scored from the files."""
    method = method_of(case)
    protocol = protocol_from(PROTOCOL, None)
    with tempfile.TemporaryDirectory() as world:
        root = Path(world)
        truth = random_example(BANDS, CHANNELS).truth
        assert truth is not None
        write_cube(root / "scene.h5", CubeFile(truth.numpy(), np.linspace(400, 700, BANDS), "scene"))
        (scene,) = find_scenes([f"file:{root / 'scene.h5'}"], DataRoots())
        observation, responses = root / "observation.h5", root / "responses.h5"
        digest = identify(scene).digest
        ObserveJob(scene, digest, protocol, NoiseSeed(SEED, digest), root / "reference.h5", observation, responses).run()
        seen = pickle.dumps(method.describe().entitle(read_observation(observation)))

        def run(place: torch.device) -> tuple[dict[str, Any], dict[str, float | None], list[CubeFile]]:
            """What the meter says, the scores, and every cube that was written: estimate, deviation, iterates."""
            folder, oracle = root / place.type, 2 if isinstance(method, IteratedMethod) else 0
            folder.mkdir()
            os.chdir(folder)
            with places.at(place):
                if awaits_training(method):
                    lessons = TrainingSet([scene], 8, SEED, "before", "one scene", 60.0)
                    FitJob(case.entry, case.parameters, lessons, protocol, str(place)).run()
                kept = Path(FIT_NAME).read_bytes() if awaits_training(method) else None
                job = FuseJob(case.entry, case.parameters, seen, str(place), SEED, exact=True, uncounted="", fitted=kept, oracle=oracle)
                told = job.run()
            scores = ScoreJob(root / "reference.h5", folder / ESTIMATE_NAME, protocol.ratio, observation, responses).run()["metrics"]
            cubes = [folder / ESTIMATE_NAME, folder / STD_NAME, *sorted((folder / ITERATES).glob("*.h5"))]
            return told, scores, [read_cube(file) for file in cubes if file.exists()]

        try:
            (told, scores, cubes), (told_there, scores_there, cubes_there) = run(CPU), run(places.device)
        finally:
            os.chdir(root.parent)
    for name in ("parameters_total", "parameters_inference", "flops"):
        if told[name] != told_there[name]:
            raise ApartError(f"{name}: {told[name]} on the CPU, {told_there[name]} on the device")
    for name, score in scores.items():
        if (score is None) != (scores_there[name] is None) or not np.isclose(score or 0.0, scores_there[name] or 0.0, rtol=1e-3, atol=1e-3):
            raise ApartError(f"{name}: {score} on the CPU, {scores_there[name]} on the device")
    return largest([difference for a, b in zip(cubes, cubes_there, strict=True) for difference in between(a, b)])


KINDS: dict[str, Callable[[Case, Places], float]] = {
    "alone": alone,
    "measured": measured,
    "referee": referee,
    "carried": carried,
    "iterates": iterates,
    "trained": trained,
}


def method_of(case: Case) -> AnyMethod:
    """The method with the case's parameters."""
    return configure(case.entry.form(case.parameters), case.parameters)


def seen_by(case: Case, place: torch.device) -> Observation:
    """The pair with what the case's method may see."""
    return method_of(case).describe().entitle(random_example(BANDS, CHANNELS, ratio=case.ratio, coarse=case.coarse).seen).to(place)


def learned(method: AnyMethod, seen: Observation) -> FusionMethod:
    """The method fitted: on the pair, from its weights, or on examples that lie where the pair lies."""
    return learn(method, seen, rng(), Lessons(method.describe(), seen) if awaits_training(method) else ())


def fuse(fitted: FusionMethod, seen: Observation) -> Estimate:
    """The estimate, its cube in memory of its own: an iterate may change with the next one."""
    made = fitted.fuse(seen, rng())
    return Estimate(made.cube.clone(), made.psf, made.srf, made.std)


def through_a_file(fitted: FusionMethod, place: torch.device) -> FusionMethod:
    """Saved, and loaded onto the other device as the referee does."""
    file = io.BytesIO()
    torch.save(fitted, file)
    file.seek(0)
    loaded: FusionMethod = torch.load(file, map_location=place, weights_only=False)
    return loaded


def rng() -> torch.Generator:
    """As the referee hands it in: on the CPU."""
    return torch.Generator().manual_seed(SEED)


def apart(expected: Estimate, got: Estimate, place: torch.device) -> float:
    """The largest difference between an estimate of the CPU and one that should lie on `place`.

    Raises:
        ApartError: a part that one of them lacks, or a tensor of `got` that lies elsewhere or is of another kind.
    """
    differences = []
    for name, wanted, given in zip(("cube", "std", "psf", "srf"), tensors(expected), tensors(got), strict=True):
        if (wanted is None) != (given is None):
            raise ApartError(f"{name}: one device gives it, the other does not")
        if wanted is None or given is None:
            continue
        if given.device.type != place.type:
            raise ApartError(f"{name}: expected it on {place}, got it on {given.device}")
        if (given.shape, given.dtype, given.requires_grad) != (wanted.shape, wanted.dtype, wanted.requires_grad):
            raise ApartError(f"{name}: {tuple(wanted.shape)} {wanted.dtype} on the CPU, {tuple(given.shape)} {given.dtype} on the device")
        differences.append(float((given.detach().cpu() - wanted.detach()).abs().max()))
    return largest(differences)


def tensors(estimate: Estimate) -> tuple[Tensor | None, ...]:
    """Cube, deviation, PSF, SRF."""
    kernel = None if estimate.psf is None else estimate.psf.kernel
    return estimate.cube, estimate.std, kernel, None if estimate.srf is None else estimate.srf.weights


def between(a: CubeFile, b: CubeFile) -> Iterator[float]:
    """The largest difference of the cubes of two files, and of each array beside them."""
    yield float(np.abs(a.cube - b.cube).max())
    if a.notes.keys() != b.notes.keys():
        raise ApartError(f"files: expected the attributes {', '.join(a.notes)}, got {', '.join(b.notes)}")
    for name, value in a.notes.items():
        if name != "storing_psnr_db":
            yield float(np.abs(np.asarray(value) - np.asarray(b.notes[name])).max())


def largest(values: Iterable[float]) -> float:
    """The largest; NaN where there is one."""
    return float(np.max(list(values)))


def main(out: str, *which: str) -> None:
    """Runs the cases of one part, or the planted faults."""
    torch.set_num_threads(1)
    rounds.LONGEST_WARM_UP_S = 0.0  # the first call is then the one round
    device = install()
    places = Places(device, Pretended())
    chosen = planted() if which == ("planted",) else list(cases())[int(which[0]) :: int(which[1])]
    with Path(out).open("w", encoding="utf-8") as lines:
        for case in chosen:
            lines.write(json.dumps(asdict(found(case, places))) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

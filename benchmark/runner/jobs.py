"""What runs inside a cell's processes: observe, fit, fuse, score. Each is one task in one child, and none knows the others' data.

    observe   holds the scene; writes the reference, the observation and the true responses
    fit       holds the training scenes and gives patches of them to a method that learns beforehand; writes the fitted method
    fuse      holds the observation alone, with what the card asks for; writes the estimate
    score     holds the reference, the estimate, the observation and the true responses, and no method; computes the scores

The fork server imports this module before any child, so importing it must not touch CUDA.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.children.witness import Watch, loaded_sources
from benchmark.identity.scene_identity import load_checked
from benchmark.matrix.patches import HandedExamples
from benchmark.matrix.training_set import TrainingSet
from benchmark.measure.generators import own_seeds, seed_generators, seed_remarks
from benchmark.measure.memory_room import expect_memory
from benchmark.measure.meter import measure_first
from benchmark.measure.operations import count_flops
from benchmark.measure.rounds import UNFINISHED
from benchmark.measure.tally import Tally
from benchmark.measure.timed_call import timed
from benchmark.metrics.scored_pixels import ATTRIBUTE, packed_mask, scored_pixels
from benchmark.metrics.scoring import score_cell, score_without_truth
from benchmark.run_folder.observation_file import read_observation, write_observation
from benchmark.run_folder.record import Clock, oracle_to_json, score_to_json, std_file
from benchmark.run_folder.response_file import read_responses, write_responses
from benchmark.runner.estimate_storage import store_estimate, store_std
from benchmark.runner.oracle_iterates import ITERATES, IterateRecorder, iterate_file, pick
from benchmark.runner.pair_review import agreement
from benchmark.runner.place_and_unit import LEVEL, likely_mistake
from datasets.cube_file import CubeFile, CubeFileError, read_cube, write_cube
from datasets.observation import Known, Observation
from datasets.pair_protocol import AnyProtocol, PairProtocol
from datasets.pair_sources import PairSource
from datasets.scene import Scene, crop_to_ratio
from datasets.scene_sources import SceneSource
from datasets.simulation import NoiseSeed, Protocol, observe
from methods.catalog import Entry
from methods.contract import AnyMethod, Estimate, RefusedError, TrainableMethod, expect_fitted

ESTIMATE_NAME = "estimate.h5"
STD_NAME = std_file(Path(ESTIMATE_NAME)).name
FIT_NAME = "fitted.pt"
NOT_ASKED = "they were not asked for"
_NOT_SEEN = "the method is a program of its own, whose operations are not seen"
COUNT_SHARE = 0.02  # of the time limit: where the first call took longer, operations are not counted in another call


@dataclass(frozen=True, eq=False)
class ObserveJob:
    """Make one observation, and the reference that belongs to it."""

    scene: SceneSource
    digest: str  # of the scene's content, which must be the same still
    protocol: AnyProtocol
    noise: NoiseSeed
    reference: Path
    observation: Path
    responses: Path

    def run(self) -> dict[str, Any]:
        """The channels and the shape, after writing the reference (unless it is there), the observation and the true responses.

        Raises:
            SceneError: the scene cannot be read, or has been changed since the plan was read.
        """
        scene = load_checked(self.scene, self.digest)
        if isinstance(self.protocol, PairProtocol):
            return self._observe_pair(self.protocol)
        whole = list(scene.cube.shape)
        scene = crop_to_ratio(scene, self.protocol.ratio)
        seen = observe(scene, self.protocol, self.noise)
        content = CubeFile(scene.cube.numpy(), scene.wavelengths.double().numpy(), scene.name, _notes(scene))
        if not _holds(self.reference, content):
            write_cube(self.reference, content)
        write_observation(self.observation, seen)
        spectral = self.protocol.spectral(scene.wavelengths)
        write_responses(self.responses, self.protocol.spatial(), spectral)
        shape = list(scene.cube.shape)
        return {"channels_used": list(spectral.names), "shape": shape, "whole_shape": whole, "sources": loaded_sources()}

    def _observe_pair(self, protocol: PairProtocol) -> dict[str, Any]:
        """Likewise for a real pair; a reference is written where there is one."""
        if not isinstance(self.scene, PairSource):
            raise TypeError(f"expected a real pair for the protocol {protocol.name}, got {type(self.scene).__name__}")
        pair = self.scene.pair()
        seen, reference, known = protocol.observe(pair)
        if reference is not None and not _holds(self.reference, reference):
            write_cube(self.reference, replace(reference, name=self.scene.name))
        write_observation(self.observation, seen)
        write_responses(self.responses, known.psf, known.srf)
        channels = [] if known.srf is None else list(known.srf.names)
        shape = [len(seen.hsi), *seen.msi.shape[1:]]
        return {"channels_used": channels, "shape": shape, "agreement": agreement(protocol.told(pair)), "sources": loaded_sources()}


@dataclass(frozen=True, eq=False)
class FitJob:
    """Let one method learn beforehand."""

    entry: Entry
    parameters: Mapping[str, Any]
    training: TrainingSet
    protocol: Protocol
    device: str
    into: Path = Path(FIT_NAME)  # relative to the working folder

    def run(self) -> dict[str, Any]:
        """The seconds of the training, after storing the fitted method."""
        file = self.into.absolute()  # before the method can change the working folder
        seed, device = self.training.seed, torch.device(self.device)
        seed_generators(seed, device)
        method = self.entry.form(self.parameters)(**self.parameters)  # the plan has checked them
        if not isinstance(method, TrainableMethod):
            raise TypeError(f"{self.entry.name}: expected a method that learns, got {type(method).__name__}")
        patches = self.training.patches(method.describe(), self.protocol, self.device)
        rng = torch.Generator().manual_seed(seed)
        seed_generators(seed, device)
        with own_seeds(seed, type(method).__module__) as set_there:
            fitted, seconds = timed(lambda: expect_fitted(method.fit(HandedExamples(patches), rng), "fit"), device)
        torch.save({"fitted": fitted, "seconds": seconds, "remarks": seed_remarks(set_there)}, file)
        return {"seconds": seconds, "sources": loaded_sources()}


@dataclass(frozen=True, eq=False)
class FuseJob:
    """Let one method learn and fuse, and measure it."""

    entry: Entry
    parameters: Mapping[str, Any]
    observation: bytes  # pickled, so that its memory is shared with no other process
    device: str
    seed: int
    keep: bool = True  # write the estimate into the scratch folder
    exact: bool = False  # in 32 bits instead of 16
    uncounted: str = NOT_ASKED  # why operations are not counted; empty: they are, in a further call when the estimate is stored
    limit_s: float = inf  # the time limit of the cell, which decides whether there is time for that call
    fitted: bytes | None = None  # the file that `FitJob` has written, for a method that has learned beforehand
    oracle: int = 0  # number of iterates to store beside the estimate
    covered: tuple[Path, ...] = ()  # the sources and files that the key of the cell covers
    expected: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # digests of bytes and syntax of the sources, by their paths

    def run(self) -> dict[str, Any]:
        """All that `stages` gives, in one table."""
        return {name: value for part in self.stages() for name, value in part.items()}

    def stages(self) -> Iterator[dict[str, Any]]:
        """First what was measured, after storing the estimate; then the clock after its rounds; then, where they are counted, operations.

        The estimate is written as `ESTIMATE_NAME` into the scratch folder, as this process knows no path of the run. It is stored and let
        go before the rounds, so that these hold nothing that a single call does not hold. Whatever happens in the rounds, or while
        operations are counted, the estimate stays.

        Raises:
            RefusedError: the card says that the method cannot take such a pair.
            InvalidEstimateError: the estimate is no finite cube of the right shape.
        """
        home = Path.cwd()  # before the method can change it
        watch, tally = Watch(), Tally()
        seed_generators(self.seed, torch.device(self.device))  # for what draws when it is imported or made
        method: AnyMethod = self.entry.form(self.parameters)(**self.parameters)  # the plan has checked them
        with tally.aside():
            seen: Observation = pickle.loads(self.observation)
        refusal = method.describe().refusal(seen.hsi.shape[0], seen.msi.shape[0], seen.ratio)
        if refusal:
            raise RefusedError(refusal)
        with tally.aside():
            expect_memory(method, seen.sizes)
        learning, remarks = 0.0, list[str]()
        if self.fitted is not None:
            kept = torch.load(io.BytesIO(self.fitted), map_location=self.device, weights_only=False)
            method, learning = kept["fitted"], kept["seconds"]
            remarks += kept.get("remarks", ())  # trainings of earlier versions have none
        wavelengths = seen.wavelengths.double().numpy()

        def store(number: int, estimate: Estimate) -> None:
            store_estimate(iterate_file(home / ITERATES, number), estimate, wavelengths, self.entry.name, exact=self.exact)

        recorder = IterateRecorder(method, self.oracle, self.seed, store)
        measuring, device, outside = recorder if self.oracle else method, torch.device(self.device), self.entry.is_declared
        estimate, first = measure_first(measuring, seen, device, self.seed, tally, outside=outside)
        if self.oracle:
            learning = first.clock.fit - recorder.aside_s
        with tally.aside():
            if self.keep:
                store_estimate(home / ESTIMATE_NAME, estimate, wavelengths, self.entry.name, exact=self.exact)
                if estimate.std is not None and not self.oracle:  # it would be that of another iterate
                    store_std(home / STD_NAME, estimate.std, wavelengths, self.entry.name, exact=self.exact)
            del estimate
            covered = {"uncovered": watch.uncovered(self.covered), "sources": loaded_sources(self.expected)}
        nowhere = tally.nowhere()
        more: dict[str, Any] = {"inside": tally.whole().wall, "nowhere": nowhere.wall, "nowhere_processor": nowhere.processor}
        more |= {"fit": learning} if self.fitted is not None or self.oracle else {}
        reason = _NOT_SEEN if first.program is not None else self._why_uncounted(first.clock)
        pending = {"round_notes": (UNFINISHED,)} if first.repeats else {}
        told: dict[str, Any] = {}
        if first.program is not None:
            count = first.program.first.parameter_count
            told = {"program": asdict(first.program.facts), "parameters_total": count, "parameters_inference": count}
        yield {
            "clock": asdict(first.clock) | more | pending,
            "memory": asdict(first.memory),
            "parameters_total": first.parameters.total,
            "parameters_inference": first.parameters.inference,
            "flops": None,
            "flops_uncounted": [],
            "flops_reason": reason,
            "threads": torch.get_num_threads(),
            "remarks": list(dict.fromkeys([*remarks, *first.remarks])),
            **covered,
            **told,
        }
        clock = asdict(first.repeat()) | more
        yield {"clock": clock} | ({} if first.program is None else {"program": asdict(first.program.facts)})
        if not reason:
            flops = count_flops(first.again)[1]
            yield {"flops": flops.total, "flops_uncounted": list(flops.uncounted)}

    def _why_uncounted(self, clock: Clock) -> str:
        """Why operations are not counted; empty where they are."""
        if self.uncounted:
            return self.uncounted
        first = clock.fuse if clock.first is None else clock.first
        if first > COUNT_SHARE * self.limit_s:
            return (
                f"the first call took {first:.4g} s, more than {COUNT_SHARE:.0%} of the time limit of {self.limit_s:g} s; "
                "raise time_limit_s in the plan"
            )
        return ""


@dataclass(frozen=True, eq=False)
class ScoreJob:
    """Score one estimate. The truth and the estimate meet here and nowhere else."""

    reference: Path | None  # None: there is no truth
    estimate: Path
    ratio: int
    observation: Path
    responses: Path
    iterates: Path | None = None  # of an oracle row whose estimate is still to be picked: the folder of the iterates

    def run(self) -> dict[str, Any]:
        """Every metric of the *stored* estimate, so that `rescore` gives the same figures; or `damaged`, the stored file that is broken.

        Where the file of the observation, or that of the true responses, is missing, the metrics that need it are None.
        """
        try:
            part = "reference"
            reference = None if self.reference is None else read_cube(self.reference)
            part = "observation"
            seen = read_observation(self.observation) if self.observation.exists() else None
            truth = read_responses(self.responses) if self.responses.exists() else None
            part = "estimate"
            picked = {} if self.iterates is None or reference is None else pick(reference, self.iterates, self.estimate)
            estimate, spread = read_cube(self.estimate), std_file(self.estimate)
            std = read_cube(spread).cube if spread.exists() else None
        except CubeFileError as error:
            return {"damaged": part, "reason": str(error)}
        if reference is None:
            scores = score_without_truth(estimate, seen, truth)
        else:
            scores = score_cell(reference.cube, estimate, self.ratio, seen, truth, std, scored_pixels(reference))
        metrics = {name: score_to_json(value) for name, value in scores.items()}
        doubts = _doubts(estimate.cube, seen, truth, scores.get("consistency_hsi"))
        return {"metrics": metrics, "remarks": doubts, "oracle": oracle_to_json(picked), "sources": loaded_sources()}


def _doubts(cube: NDArray[np.float32], seen: Observation | None, truth: Known | None, residual: float | None) -> list[str]:
    """A phrase where the cube hardly is in the unit of the HSI, or lies otherwise; it is looked into where the residual is large."""
    if seen is None or residual is None or residual <= LEVEL:
        return []
    mistake = likely_mistake(torch.from_numpy(cube), seen, None if truth is None else truth.psf)
    if mistake is None:
        return []
    return [f"the cube is {mistake.residual:.3g} of the HSI's norm away from it, and {mistake.mended:.2g} if {mistake.change}: a mistake?"]


def _holds(file: Path, content: CubeFile) -> bool:
    """Whether a file is there, is whole, and holds this cube."""
    try:
        there = read_cube(file)
    except CubeFileError:  # not there, or damaged: it is written again
        return False
    alike = np.array_equal(there.notes.get(ATTRIBUTE, ()), content.notes.get(ATTRIBUTE, ()))
    return alike and there.cube.shape == content.cube.shape and all(map(np.array_equal, there.cube, content.cube))  # band by band


def _notes(scene: Scene) -> dict[str, Any]:
    """What the file of a reference carries besides the cube."""
    return {"source": scene.source} | ({} if scene.mask is None else {ATTRIBUTE: packed_mask(scene.mask.numpy())})

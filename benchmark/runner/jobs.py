"""What runs inside a cell's own processes: observe, fuse, score. Each is one task in one child, and none knows the others' data.

    observe   holds the scene; writes the reference, the observation and the true responses
    fit       holds training scenes and hands out patches of them, for methods that learn beforehand; writes the fitted method
    fuse      holds the observation alone, with what the card asks for; writes the estimate
    score     holds reference, estimate, observation and true responses; knows no method

Preloaded by the fork server, so importing this module must not touch CUDA.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import inf, log10, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.identity.scene_identity import load_checked
from benchmark.matrix.training_set import TrainingSet
from benchmark.measure.meter import measure, timed
from benchmark.measure.operations import count_flops
from benchmark.metrics.scoring import score_cell
from benchmark.run_folder.observation_file import read_observation, write_observation
from benchmark.run_folder.record import Clock, oracle_to_json, score_to_json, std_file
from benchmark.run_folder.response_file import read_responses, write_responses
from benchmark.runner.iterates import ITERATES, Watched, iterate_file, pick
from benchmark.runner.validity import check_estimate
from benchmark.runner.witness import Watch, loaded_sources
from datasets.cube_file import CubeFile, CubeFileError, read_cube, write_cube
from datasets.observation import Observation
from datasets.scene import crop_to_ratio
from datasets.scenes import SceneSource
from datasets.simulation import NoiseSeed, Protocol, observe
from methods.catalog import Entry
from methods.contract import AnyMethod, Estimate, RefusedError, TrainableMethod

ESTIMATE_NAME = "estimate.h5"
STD_NAME = std_file(Path(ESTIMATE_NAME)).name
FIT_NAME = "fitted.pt"
COUNT_SHARE = 0.02  # of the time limit: where the first call took longer, it is not repeated to count operations
LEAST_STORING_DB = 80.0
STD_PRECISION = 0.01  # of the least standard deviation: what a step of 16 bits must stay below


@dataclass(frozen=True, eq=False)
class ObserveJob:
    """Make one observation."""

    scene: SceneSource
    digest: str  # of the scene's content, which must still be the same
    protocol: Protocol
    noise: NoiseSeed
    reference: Path
    observation: Path
    responses: Path

    def run(self) -> dict[str, Any]:
        """Write the reference (unless it is there, and whole), the observation and the true responses.

        Raises:
            SceneError: the scene cannot be read, or is not what it was when the plan was read.
        """
        scene = crop_to_ratio(load_checked(self.scene, self.digest), self.protocol.ratio)
        seen = observe(scene, self.protocol, self.noise)
        content = CubeFile(scene.cube.numpy(), scene.wavelengths.double().numpy(), scene.name, {"source": scene.source})
        if not _holds(self.reference, content):
            write_cube(self.reference, content)
        write_observation(self.observation, seen)
        spectral = self.protocol.spectral(scene.wavelengths)
        write_responses(self.responses, self.protocol.spatial(), spectral)
        return {"channels_used": list(spectral.names), "shape": list(scene.cube.shape), "sources": loaded_sources()}


@dataclass(frozen=True, eq=False)
class FitJob:
    """Let one method learn beforehand."""

    entry: Entry
    parameters: Mapping[str, Any]
    training: TrainingSet
    protocol: Protocol
    device: str
    into: Path = Path(FIT_NAME)  # in the working folder

    def run(self) -> dict[str, Any]:
        """Train the method and store it with the seconds that it took."""
        file = self.into.absolute()  # before the method can change the working folder
        method = self.entry.form(self.parameters)(**self.parameters)  # the plan has checked them
        if not isinstance(method, TrainableMethod):
            raise TypeError(f"{self.entry.name}: expected a method that learns, got {type(method).__name__}")
        patches = self.training.patches(method.describe(), self.protocol, self.device)
        rng = torch.Generator().manual_seed(self.training.seed)
        fitted, seconds = timed(lambda: method.fit(patches, rng), torch.device(self.device))
        torch.save({"fitted": fitted, "seconds": seconds}, file)
        return {"seconds": seconds, "sources": loaded_sources()}


@dataclass(frozen=True, eq=False)
class FuseJob:
    """Let one method learn and fuse, under the meter."""

    entry: Entry
    parameters: Mapping[str, Any]
    observation: bytes  # pickled: arrives as memory of its own, shared with no other process
    device: str
    seed: int
    keep: bool = True  # write the estimate into the working folder
    exact: bool = False  # in 32 bits instead of 16
    flops: bool = False  # count operations, in a call of its own when the estimate is safe
    limit_s: float = inf  # of the cell's time; says which calls are too long to be repeated for that
    fitted: bytes = b""  # what `FitJob` stored, for a method that has learned beforehand
    oracle: int = 0  # iterates to leave in the working folder beside the estimate
    covered: tuple[Path, ...] = ()  # sources and files that the cell's key covers
    expected: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # of the sources: path, digests of bytes and syntax (witness.py)

    def run(self) -> dict[str, Any]:
        """All that `stages` tells, in one table."""
        return {name: value for part in self.stages() for name, value in part.items()}

    def stages(self) -> Iterator[dict[str, Any]]:
        """Measure the method and store its estimate as `ESTIMATE_NAME` in the working folder: no path of the run is known here.

        Then, when the answer has been taken, count operations: what goes wrong there costs no estimate.

        Raises:
            RefusedError: by a fact on the card.
            InvalidEstimateError: the estimate is no finite cube of the right shape.
        """
        home = Path.cwd()  # before the method can change it
        watch = Watch()
        method: AnyMethod = self.entry.form(self.parameters)(**self.parameters)  # the plan has checked them
        seen: Observation = pickle.loads(self.observation)
        refusal = method.describe().refusal(seen.hsi.shape[0], seen.msi.shape[0])
        if refusal:
            raise RefusedError(refusal)
        learning = 0.0
        if self.fitted:
            kept = torch.load(io.BytesIO(self.fitted), map_location=self.device, weights_only=False)
            method, learning = kept["fitted"], kept["seconds"]
        wavelengths = seen.wavelengths.double().numpy()

        def store(number: int, estimate: Estimate) -> None:
            store_estimate(iterate_file(home / ITERATES, number), estimate, wavelengths, self.entry.name, exact=self.exact)

        watched = Watched(method, self.oracle, self.seed, store)
        measured = measure(watched if self.oracle else method, seen, torch.device(self.device), self.seed)
        if self.oracle:
            learning = measured.clock.fit - watched.aside_s
        check_estimate(measured.estimate, seen)
        if self.keep:
            store_estimate(home / ESTIMATE_NAME, measured.estimate, wavelengths, self.entry.name, exact=self.exact)
            if measured.estimate.std is not None and not self.oracle:  # it would be that of another iterate
                store_std(home / STD_NAME, measured.estimate.std, wavelengths, self.entry.name, exact=self.exact)
        reason = self._why_uncounted(measured.clock)
        yield {
            "clock": asdict(measured.clock) | ({"fit": learning} if self.fitted or self.oracle else {}),
            "memory": asdict(measured.memory),
            "parameters_total": measured.parameters.total,
            "parameters_inference": measured.parameters.inference,
            "flops": None,
            "flops_uncounted": [],
            "flops_reason": reason,
            "threads": torch.get_num_threads(),
            "uncovered": watch.uncovered(self.covered),
            "sources": loaded_sources(self.expected),
        }
        if not reason:
            flops = count_flops(measured.again)[1]
            yield {"flops": flops.total, "flops_uncounted": list(flops.uncounted)}

    def _why_uncounted(self, clock: Clock) -> str:
        """Why operations are not counted; empty when they are."""
        if not self.flops:
            return "nobody asked for it"
        first = clock.fuse if clock.first is None else clock.first
        if first > COUNT_SHARE * self.limit_s:
            return (
                f"the first call took {first:.4g} s, more than {COUNT_SHARE:.0%} of the time limit of {self.limit_s:g} s; "
                "raise time_limit_s in the plan"
            )
        return ""


@dataclass(frozen=True, eq=False)
class ScoreJob:
    """Bring truth and estimate together, here and nowhere else."""

    reference: Path
    estimate: Path
    ratio: int
    observation: Path
    responses: Path
    iterates: Path | None = None  # of an oracle row: the folder of those among which the estimate is still to be picked

    def run(self) -> dict[str, Any]:
        """Every metric of the *stored* estimate, so that scoring again gives the same figures; or `damaged`, which stored file is broken.

        Without the observation's file, or that of the true responses, the metrics that need it are None.
        """
        try:
            read = "reference"
            reference = read_cube(self.reference).cube
            read = "observation"
            seen = read_observation(self.observation) if self.observation.exists() else None
            truth = read_responses(self.responses) if self.responses.exists() else None
            read = "estimate"
            picked = {} if self.iterates is None else pick(reference, self.iterates, self.estimate)
            estimate, spread = read_cube(self.estimate), std_file(self.estimate)
            std = read_cube(spread).cube if spread.exists() else None
        except CubeFileError as error:
            return {"damaged": read, "reason": str(error)}
        scores = score_cell(reference, estimate, self.ratio, seen, truth, std)
        metrics = {name: score_to_json(value) for name, value in scores.items()}
        return {"metrics": metrics, "oracle": oracle_to_json(picked), "sources": loaded_sources()}


Job = ObserveJob | FitJob | FuseJob | ScoreJob


def _holds(file: Path, content: CubeFile) -> bool:
    """Whether a stored cube is there, whole, and has these values."""
    try:
        return bool(np.array_equal(read_cube(file).cube, content.cube))
    except CubeFileError:  # not there, or damaged: it is written again
        return False


def store_estimate(file: Path, estimate: Estimate, wavelengths_nm: NDArray[np.float64], name: str, *, exact: bool = False) -> float:
    """Write the cube in 16 bits over its own range; in 32 bits if `exact`, or where 16 would cost more than 80 dB. Returns the error in dB.

    16 bits over a range r leave a root mean square error of r / 65535 / sqrt(12): 107 dB for a range of 1, 80 dB for one of 22.
    """
    cube = estimate.cube.float().numpy()
    span = float(cube.max() - cube.min())
    decibels = 20 * log10(65535 * sqrt(12) / span) if span > 0 else inf
    quantise = decibels >= LEAST_STORING_DB and not exact
    stored = decibels if quantise else inf
    write_cube(file, CubeFile(cube, wavelengths_nm, name, {**_responses(estimate), "storing_psnr_db": stored}), quantise=quantise)
    return stored


def store_std(file: Path, std: Tensor, wavelengths_nm: NDArray[np.float64], name: str, *, exact: bool = False) -> None:
    """Write a standard deviation: in 16 bits over its own range where that keeps every value to 1 %, else, or if `exact`, in 32."""
    cube = std.float().numpy()
    low, high = float(cube.min()), float(cube.max())
    quantise = (high - low) / 65535 <= STD_PRECISION * low and not exact
    write_cube(file, CubeFile(cube, wavelengths_nm, name), quantise=quantise)


def _responses(estimate: Estimate) -> dict[str, Any]:
    """Estimated sensor responses, as attributes beside the cube."""
    notes: dict[str, Any] = {}
    if estimate.psf is not None:
        notes |= {"psf_kernel": estimate.psf.kernel.detach().cpu().numpy(), "psf_phase": estimate.psf.phase}
    if estimate.srf is not None:
        notes["srf_weights"] = estimate.srf.weights.detach().cpu().numpy()
    return notes

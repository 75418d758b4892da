"""What runs inside a cell's own processes: observe, fuse, score. Each is one task in one child, and none knows the others' data.

    observe   holds the scene; writes the reference and the observation
    fuse      holds the observation alone, with what the card asks for; writes the estimate
    score     holds reference and estimate; knows no method

Preloaded by the fork server, so importing this module must not touch CUDA.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.meter import measure
from benchmark.metrics.textbook import score
from benchmark.observation_file import write_observation
from benchmark.validity import check_estimate
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.observation import Observation
from datasets.scene import crop_to_ratio
from datasets.scenes import SceneSource
from datasets.settings import configure
from datasets.simulation import Protocol, noise_generator, observe
from methods.catalog import Entry
from methods.contract import Estimate, RefusedError


@dataclass(frozen=True, eq=False)
class ObserveJob:
    """Make one observation."""

    scene: SceneSource
    protocol: Protocol
    seed: int
    reference: Path
    observation: Path

    def run(self) -> dict[str, Any]:
        """Write the reference (unless it is there) and the observation."""
        scene = crop_to_ratio(self.scene.load(), self.protocol.ratio)
        seen = observe(scene, self.protocol, noise_generator(self.seed))
        if not self.reference.exists():
            content = CubeFile(scene.cube.numpy(), scene.wavelengths.double().numpy(), scene.name, {"source": scene.source})
            write_cube(self.reference, content)
        write_observation(self.observation, seen)
        names = self.protocol.spectral(scene.wavelengths).names
        return {"channels_used": list(names), "shape": list(scene.cube.shape)}


@dataclass(frozen=True, eq=False)
class FuseJob:
    """Let one method learn and fuse, under the meter."""

    entry: Entry
    parameters: Mapping[str, Any]
    observation: bytes  # pickled: arrives as memory of its own, shared with no other process
    device: str
    seed: int
    estimate: Path | None  # where to keep it; None keeps nothing

    def run(self) -> dict[str, Any]:
        """Measure the method and store its estimate.

        Raises:
            RefusedError: by a fact on the card.
            InvalidEstimateError: the estimate is no finite cube of the right shape.
        """
        method = configure(self.entry.load(), self.parameters)
        seen: Observation = pickle.loads(self.observation)
        refusal = method.describe().refusal(seen.hsi.shape[0], seen.msi.shape[0])
        if refusal:
            raise RefusedError(refusal)
        measured = measure(method, seen, torch.device(self.device), self.seed)
        check_estimate(measured.estimate, seen)
        if self.estimate is not None:
            notes = _responses(measured.estimate)
            content = CubeFile(measured.estimate.cube.float().numpy(), seen.wavelengths.double().numpy(), self.entry.name, notes)
            write_cube(self.estimate, content, quantise=True)
        return {
            "clock": asdict(measured.clock),
            "memory": asdict(measured.memory),
            "parameters_total": measured.parameters.total,
            "parameters_inference": measured.parameters.inference,
            "threads": torch.get_num_threads(),
        }


@dataclass(frozen=True, eq=False)
class ScoreJob:
    """Bring truth and estimate together, here and nowhere else."""

    reference: Path
    estimate: Path
    ratio: int

    def run(self) -> dict[str, Any]:
        """Every textbook metric of the *stored* estimate, so that scoring again gives the same figures."""
        return {"metrics": score(read_cube(self.reference).cube, read_cube(self.estimate).cube, self.ratio)}


Job = ObserveJob | FuseJob | ScoreJob


def _responses(estimate: Estimate) -> dict[str, Any]:
    """Estimated sensor responses, as attributes beside the cube."""
    notes: dict[str, Any] = {}
    if estimate.psf is not None:
        notes |= {"psf_kernel": estimate.psf.kernel.detach().cpu().numpy(), "psf_phase": estimate.psf.phase}
    if estimate.srf is not None:
        notes["srf_weights"] = estimate.srf.weights.detach().cpu().numpy()
    return notes

"""A run folder as the referee leaves it, made without running anything.

Two protocols, three scenes, two seeds, five methods in three tiers; one unranked, and cells skipped, failed and killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.run_folder.index import Index, write_index
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import Clock, Memory, Result
from datasets.cube_file import CubeFile, write_cube
from reports.report import ReportPaths, write_report
from tests.benchmark.folders import write_record

HOSTILE = "A&B_100%<script>alert('x')</script>"
WAVELENGTHS = np.linspace(430, 670, 7)
KERNEL = np.outer([1, 4, 6, 4, 1], [0, 1, 2, 1, 3]) / 112  # lopsided
WEIGHTS = np.array([[3, 2, 1, 0, 0, 0, 0], [0, 0, 1, 2, 1, 0, 0], [0, 0, 0, 0, 1, 2, 3]]) / np.array([[6], [4], [6]])
SCENES = ("beads", "chart & toy", "flowers_#1")
PROTOCOLS: tuple[dict[str, Any], ...] = (
    {
        "name": "camera-x8",
        "ratio": 8,
        "psf": {"kind": "gaussian", "taps": 7, "sigma": 2.0, "angle": 0.0},
        "phase": 3,
        "boundary": "circular",
        "sensor": "rgb_camera",
        "sensor_sha256": "0123456789abcdef" * 4,
        "channels": "all",
        "hsi_snr_db": None,
        "msi_snr_db": None,
        "reveals": ["psf", "srf"],
    },
    {
        "name": "noisy_x4 & <b>",
        "ratio": 4,
        "psf": {"kind": "gaussian", "taps": 16, "mtf_nyquist": 0.3, "angle": 0.0},
        "phase": 1,
        "boundary": "reflect",
        "sensor": "worldview2",
        "sensor_sha256": "fedcba9876543210" * 4,
        "channels": ["blue", "green", "red"],
        "hsi_snr_db": 35.0,
        "msi_snr_db": 40.0,
        "reveals": ["srf"],
    },
)


@dataclass(frozen=True)
class FakeMethod:
    name: str
    label: str
    tier: str
    error: float  # standard deviation of its error
    fuse: float  # s
    fit: float = 0.0  # s
    size: int = 0  # learned parameters
    card: dict[str, Any] = field(default_factory=dict)


METHODS = (
    FakeMethod("bicubic", "Bicubic", "told nothing", 0.05, 0.004),
    FakeMethod("hostile", HOSTILE, "told nothing", 0.03, 0.21, size=812),
    FakeMethod("hysure", "HySure", "told blur and colour response", 0.012, 4.2),
    FakeMethod("rfuse", "R-FUSE", "told blur and colour response", 0.008, 0.35),
    FakeMethod(
        "mossfuse",
        "MossFuse (50 steps, under-trained)",
        "told nothing; learned from other scenes, without their truth",
        0.02,
        6.3,
        fit=31.0,
        size=540_123,
        card={"unranked": "under-trained: 50 of 10_000 steps", "learns": "beforehand", "supervision": "self"},
    ),
)
# (protocol, method, scene, seed) that were not scored
MISHAPS: dict[tuple[int, str, str, int], tuple[str, str]] = {
    (0, "hostile", "beads", 1): ("failed", "ValueError: x < 0 & y > 1\n<img src=x onerror=alert(1)> \\input{/etc/passwd} 100%"),
    (1, "bicubic", "flowers_#1", 0): ("killed", "signal 9 (SIGKILL)"),
    **{(1, "hysure", scene, seed): ("skipped", "the protocol withholds the PSF") for scene in SCENES for seed in (0, 1)},
}


def fake_results() -> list[Result]:
    """Every record of the run, with metrics drawn by a fixed rule (the seconds and PSNR of a method do not depend on the order)."""
    results = []
    for which, protocol in enumerate(PROTOCOLS):
        for method in METHODS:
            for place, scene in enumerate(SCENES):
                for seed in (0, 1):
                    results.append(_record(which, protocol, method, place, scene, seed))
    return results


def _record(which: int, protocol: dict[str, Any], method: FakeMethod, place: int, scene: str, seed: int) -> Result:
    outcome, reason = MISHAPS.get((which, method.name, scene, seed), ("scored", ""))
    scored = outcome == "scored"
    psnr = -20 * np.log10(method.error) + 1.7 * place - 0.3 * seed - 2.5 * which
    metrics = {"psnr": psnr, "psnr_cube": psnr - 0.4, "ssim": 1 - method.error, "sam": 90 * method.error, "uiqi": 1 - 2 * method.error}
    metrics |= {"ergas": 30 * method.error / protocol["ratio"], "q2n": None, "sam_pixels_left_out": 0.0}
    card = {"name": method.label, "paper": f"Authors of {method.name}, Some Journal 12(3)", "doi": "10.1109/LSP.2016.2608858", "year": 2016}
    card |= {
        "needs_psf": "blur" in method.tier,
        "needs_srf": "colour response" in method.tier,
        "supervision": "none",
        "learns": "never",
        "unranked": "",
    }
    card |= {"family": "classical" if method.name == "bicubic" else "bayesian & <co>"}
    card |= {"trained_on": "", "min_bands": 1, "max_bands": None, "fidelity": "authors' output, 1e-6 <relative>"} | method.card
    return Result(
        key=f"{which}{method.name}{place}{seed}",
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason,
        method=method.name,
        label=method.label,
        parameters={"rank": 15, "weights": "w_1.safetensors"} if method.size else {"rank": 15},
        card=card,
        tier=method.tier,
        scene=scene,
        scene_digest=f"scene{place}",
        observation_digest=f"seen{which}{place}{seed}" if scored else "",
        protocol=protocol,
        seed=seed,
        metrics=metrics if scored else {},
        clock=Clock(fuse=method.fuse, fuse_low=method.fuse * 0.9, fuse_high=method.fuse * 1.2, rounds=3, warmed=True, fit=method.fit)
        if scored
        else None,
        memory=Memory(peak=412_000_000 + method.size, base=300_000_000) if scored else None,
        parameters_total=method.size if scored else None,
        parameters_inference=method.size // 2 if scored else None,
        device="cpu" if scored else "",
        threads=2 if scored else 0,
        ended="2025-11-21T07:31:00+00:00",
    )


def many_scenes(results: list[Result], count: int = 8) -> list[Result]:
    """The first protocol on more scenes; on each the PSNR is a little further up."""
    base = [r for r in results if r.protocol["ratio"] == 8 and r.scene == "beads"]
    return [
        replace(r, key=f"{r.key}{n}", scene=f"s{n}", metrics={**r.metrics, "psnr": (r.metrics["psnr"] or 0) + 0.3 * n} if r.metrics else {})
        for r in base
        for n in range(count)
    ]


def results_over(changes: list[Mapping[str, Any]]) -> list[Result]:
    """One protocol of the fake run, once for each change of its numbers; the score is 40 minus the place."""
    base = fake_results()
    name = base[0].protocol["name"]
    changed = []
    for place, change in enumerate(changes):
        for result in base:
            if result.protocol["name"] == name:
                metrics = {key: None if value is None else 40.0 - place for key, value in result.metrics.items()}
                protocol = {**result.protocol, "name": f"p{place}", **change}
                changed.append(replace(result, key=f"{result.key}{place}", protocol=protocol, metrics=metrics))
    return changed


def truth_of(place: int) -> NDArray[np.float32]:
    """A smooth 7 x 32 x 48 cube: a disk and a ramp with spectra of their own."""
    rows, cols = np.mgrid[0:32, 0:48]
    disk = ((rows - 12) ** 2 + (cols - 14 - 8 * place) ** 2 < 70).astype(float)
    ramp = cols / 60 + rows / 150
    red, blue = np.linspace(0.1, 0.9, 7)[:, None, None], np.linspace(0.7, 0.2, 7)[:, None, None]
    return np.asarray(disk * red + (1 - disk) * blue * ramp, dtype=np.float32)


def write_fake_index(folder: Path, records: list[Result], **changes: Any) -> Path:
    """index.json of these records."""
    cells = {r.key: {"label": r.label, "scene": r.scene, "protocol": r.protocol["name"], "seed": r.seed} for r in records}
    return write_index(folder, Index(cells=cells, **changes))


def write_fake_run(folder: Path, records: list[Result]) -> Path:
    """A run folder of these records, with the scenes, observations and estimates that belong to them."""
    (folder / "cells").mkdir(parents=True)
    write_json(
        folder / "plan.json", {"command": "run_benchmark.py run <plan>.toml --seed 0", "plan": {"seeds": [0, 1]}, "cells": len(records)}
    )
    write_fake_index(folder, records)
    environment = {"python": "3.11.2", "processor": "A & B <CPU>", "cores": 2, "memory_bytes": 25_000_000_000, "dirty": False, "threads": 2}
    write_json(folder / "environment.json", environment)
    for place in range(len(SCENES)):
        write_cube(folder / "scenes" / f"scene{place}.h5", CubeFile(truth_of(place), WAVELENGTHS, SCENES[place]))
    for record in records:
        write_record(folder, record)
        if record.outcome == "scored":
            _write_images(folder, record)
    return folder


def _write_images(folder: Path, record: Result) -> None:
    truth = truth_of(SCENES.index(record.scene))
    noise = np.random.default_rng(int(record.key[-1])).standard_normal(truth.shape)
    size = next(method.error for method in METHODS if method.name == record.method)
    notes = {"psf_kernel": KERNEL[1:, 1:], "psf_phase": 1, "srf_weights": WEIGHTS * 0.9} if record.method == "hostile" else {}
    estimate = CubeFile((truth + size * noise).astype(np.float32), WAVELENGTHS, notes=notes)
    write_cube(folder / "estimates" / f"{record.key}.h5", estimate, quantise=True)
    if record.method == "rfuse":
        write_cube(folder / "estimates" / f"{record.key}_std.h5", CubeFile(np.full(truth.shape, size, np.float32), WAVELENGTHS))
    seen = folder / "observations" / f"{record.observation_digest}.h5"
    if not seen.exists():
        seen.parent.mkdir(exist_ok=True)
        ratio = record.protocol["ratio"]
        with h5py.File(seen, "w") as store:
            store.create_dataset("hsi/cube", data=truth[:, ::ratio, ::ratio])
            store.create_dataset("msi/cube", data=truth[[6, 3, 0]])
            store["hsi"].attrs["wavelengths_nm"] = WAVELENGTHS
        (folder / "responses").mkdir(exist_ok=True)
        with h5py.File(folder / "responses" / seen.name, "w") as store:
            store.create_dataset("psf/kernel", data=KERNEL).attrs.update({"ratio": ratio, "phase": 1, "boundary": "reflect"})
            store.create_dataset("srf/weights", data=WEIGHTS).attrs["names"] = ["blue", "green & <b>", "red"]


@pytest.fixture
def results() -> list[Result]:
    """Every record of the fake run."""
    return fake_results()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole fake run on disk; tests that change it take a copy."""
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake & run", fake_results())


@pytest.fixture(scope="session")
def report(run_folder: Path) -> ReportPaths:
    """The report of the whole fake run."""
    return write_report(run_folder)


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """One protocol, one scene, one seed: four methods, quick to draw, to be changed at will."""
    few = [r for r in fake_results() if r.protocol == PROTOCOLS[0] and r.scene == SCENES[0] and r.seed == 0 and r.method != "hysure"]
    return write_fake_run(tmp_path / "small", few)

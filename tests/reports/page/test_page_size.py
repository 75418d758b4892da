"""The page of 12 scenes by 10 methods of 512 x 512 x 31 stays below 20 MB, whatever the images: here noise, which no format compresses.

One scene is drawn for half of the methods with all that a method can leave: an estimate, a posterior and both responses. The page without
any image is measured too; twelve scenes cost at most 24 times the difference.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.run_folder.folder import RunFolder
from datasets.cube_file import CubeFile, write_cube
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.page.page import render_page
from tests.reports.conftest import WEIGHTS, fake_results

SCENES, METHODS, DRAWN, SHAPE = 12, 10, 5, (31, 512, 512)
LIMIT = 20e6  # bytes


def write_noise(folder: Path) -> None:
    """The first scene: independent noise in every value, an error of its own in every pixel; one file serves every method."""
    rng, nm = np.random.default_rng(0), np.linspace(400, 700, SHAPE[0])
    truth = rng.random(SHAPE, dtype=np.float32)
    error = rng.choice(np.float32([-1, 1]), SHAPE[1:]) * rng.random(SHAPE[1:], dtype=np.float32)
    notes = {"psf_kernel": rng.random((32, 32)), "psf_phase": 3, "srf_weights": np.repeat(WEIGHTS, 5, axis=1)[:, : SHAPE[0]]}
    write_cube(folder / "scenes" / "scene0.h5", CubeFile(truth, nm))
    first = write_cube(folder / "estimates" / "m0s0.h5", CubeFile(truth + error, nm, notes=notes))
    std = write_cube(folder / "estimates" / "m0s0_std.h5", CubeFile(np.broadcast_to(abs(error), SHAPE), nm))
    for number in range(1, DRAWN):
        os.link(first, first.with_name(f"m{number}s0.h5"))
        os.link(std, std.with_name(f"m{number}s0_std.h5"))


def test_a_page_of_noise_of_twelve_scenes_and_ten_methods_is_below_20_megabytes(tmp_path: Path) -> None:
    base = next(result for result in fake_results() if result.outcome == "scored")
    base = replace(base, seed=0, observed={"shape": list(SHAPE)}, metrics={**base.metrics, "std_rms_z": 1.0})
    results = [
        replace(base, key=f"m{m}s{s}", label=f"Method {m}", method=f"m{m}", scene=f"scene {s:02d}", scene_digest=f"scene{s}")
        for s in range(SCENES)
        for m in range(METHODS)
    ]

    def size() -> int:
        return len(
            render_page(RunFolder(tmp_path), results, summarise(results), plan=None, environment=None, names=FileNames()).html.encode()
        )

    without = size()
    write_noise(tmp_path)
    half_a_scene = size() - without
    assert half_a_scene > DRAWN * 4 * 10_000  # bytes: all four pictures of every method are there
    assert without + 2 * SCENES * half_a_scene < LIMIT

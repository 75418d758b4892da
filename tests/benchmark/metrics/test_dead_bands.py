"""A scene with a dead band and a constant one, through the whole referee: bicubic interpolation, its record, and what the record says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.matrix.plan_file import read_plan
from benchmark.metrics.textbook import score
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots

BANDS, ROWS, COLS = 24, 48, 64
DEAD, CONSTANT, MEANLESS = 7, 11, 19


def scene() -> np.ndarray:
    """Four smooth materials; a band of zeros, a band of 0.25, and a band whose values cancel."""
    rng = np.random.default_rng(2)
    waves = np.linspace(400.0, 720.0, BANDS)
    rows, cols = np.mgrid[0:ROWS, 0:COLS] / ROWS
    shares = np.stack([np.exp(-((rows - r) ** 2 + (cols - c) ** 2) / 0.05) for r, c in [(0.2, 0.3), (0.7, 0.2), (0.5, 0.8), (0.9, 1.2)]])
    shares += 0.15 * rng.random(shares.shape)
    shares /= shares.sum(0)
    spectra = np.stack([0.1 + 0.7 * np.exp(-(((waves - centre) / 60.0) ** 2)) for centre in (450, 530, 600, 670)])
    cube = np.einsum("kb,khw->bhw", spectra, shares)
    cube[DEAD], cube[CONSTANT] = 0, 0.25
    cube[MEANLESS] -= cube[MEANLESS].mean()
    return cube.astype(np.float32)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The run's folder and its one record."""
    home = tmp_path_factory.mktemp("dead")
    write_cube(home / "dead.h5", CubeFile(scene(), np.linspace(400.0, 720.0, BANDS), "dead"))
    file = home / "plan.toml"
    file.write_text(f'name = "t"\nscenes = ["file:{home / "dead.h5"}"]\nprotocols = ["camera-x8"]\n[[method]]\nname = "bicubic"\n')
    results = run(read_plan(file, DataRoots()), RunSettings(home / "run"), lambda progress: None)
    return home / "run", results[0]


def test_the_means_over_bands_are_those_of_the_live_bands(finished: tuple[Path, Result]) -> None:
    folder, record = finished
    estimate, truth = read_cube(folder / "estimates" / f"{record.key}.h5").cube, scene()
    live = [(truth[b].astype(float), estimate[b].astype(float)) for b in range(BANDS) if b not in (DEAD, CONSTANT)]
    expected = {
        "psnr": np.mean([peak_signal_noise_ratio(r, e, data_range=1) for r, e in live]),
        "ssim": np.mean(
            [structural_similarity(r, e, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False) for r, e in live]
        ),
        "cc": np.mean([np.corrcoef(r.ravel(), e.ravel())[0, 1] for r, e in live]),
    }
    assert {name: record.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert expected["psnr"] < 35
    over_all = [float(((estimate[b].astype(float) - truth[b]) ** 2).mean()) for b in range(BANDS)]
    assert max(over_all[DEAD], over_all[CONSTANT]) < 1e-8  # bicubic meets them: 80 dB at least, which no longer count
    assert record.metrics["psnr_cube"] == pytest.approx(-10 * math.log10(np.mean(over_all)), abs=1e-9)


def test_ergas_keeps_the_constant_band_and_drops_those_without_a_mean(finished: tuple[Path, Result]) -> None:
    folder, record = finished
    estimate, truth = read_cube(folder / "estimates" / f"{record.key}.h5").cube.astype(float), scene().astype(float)
    kept = [b for b in range(BANDS) if b not in (DEAD, MEANLESS)]
    shares = [float(((estimate[b] - truth[b]) ** 2).mean()) / float(truth[b].mean()) ** 2 for b in kept]
    assert record.metrics["ergas"] == pytest.approx(100 / 8 * math.sqrt(np.mean(shares)), rel=1e-9)


def test_the_record_counts_what_was_left_out_and_is_plain_json(finished: tuple[Path, Result]) -> None:
    folder, record = finished
    stored = json.loads((folder / "cells" / f"{record.key}.json").read_text())["metrics"]
    assert stored == record.metrics
    counts = ("bands_left_out", "ergas_bands_left_out", "hsi_bands_left_out", "sam_pixels_left_out", "pixels_left_out")
    assert [stored[name] for name in counts] == [2, 2, 2, 0, 0]
    undefined = {"d_lambda", "d_s", "qnr", "d_lambda_filtered", "hqnr"}
    assert {name for name, value in stored.items() if value is None} == undefined  # an HSI of 6 x 8


@pytest.mark.parametrize(("size", "left_out"), [(1e-12, True), (4e-7, True), (4e-6, False)])
def test_an_almost_dead_band_is_left_out_as_a_dead_one_is(size: float, left_out: bool) -> None:
    reference = scene().astype(np.float64)[:9]
    reference[DEAD] = size * reference.max() * reference[3] / reference[3].max()
    rng = np.random.default_rng(3)
    estimate = reference + 0.01 * rng.standard_normal(reference.shape) * reference.max((1, 2), keepdims=True)
    others = [band for band in range(len(reference)) if band != DEAD]
    alone = score(reference[others], estimate[others], 4)
    scores = score(reference, estimate, 4)
    assert scores["bands_left_out"] == scores["ergas_bands_left_out"] == float(left_out)
    for name in ("psnr", "ssim", "uiqi", "cc", "ergas"):
        assert (scores[name] == pytest.approx(alone[name], rel=1e-9)) == left_out, name

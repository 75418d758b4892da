"""What the page holds of a scene: posteriors, responses, what is missing; and how much of it, by the number of estimates."""

from __future__ import annotations

import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile, read_cube, write_cube
from reports.comparison import Detail
from reports.detail import BUDGET, LADDER, LEAST_RATE, Plan, plan_detail
from reports.gallery import Gallery, gallery
from reports.images import colour_errors
from reports.responses import Responses, draw_kernels, estimated_responses, true_responses
from reports.summary import summarise
from tests.benchmark.folders import read_records
from tests.reports.conftest import KERNEL, WEIGHTS


def gallery_of(run: Path, detail: Detail | None = None) -> Gallery:
    summary = summarise(read_records(run))[0]
    series = {(row.label, row.tier): place for place, row in enumerate(summary.rows)}
    return gallery(run, summary, summary.scenes[0], series, detail or Detail())


def size_of(plan: Plan) -> tuple[int, int]:
    return plan.detail.longest, plan.detail.grid


def pixels(webp: bytes) -> np.ndarray:
    with Image.open(BytesIO(webp)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_stored_posterior_is_drawn_on_the_scale_of_the_errors(small_run: Path) -> None:
    found = gallery_of(small_run)
    shown = {each.row.label: each for each in found.methods}
    std = shown["R-FUSE"].std
    assert std is not None
    assert shown["Bicubic"].std is None
    assert found.bar is not None
    limit = float(found.bar.ticks[-1][1])
    near = colour_errors(np.full((1, 1), 0.008), limit)[0, 0].astype(int)  # the posterior's deviation everywhere
    assert np.abs(pixels(std.webp).astype(int) - near).max() <= 12  # the tick's text has two digits


def test_a_posterior_of_another_shape_is_said_to_be_so(small_run: Path) -> None:
    (file,) = (small_run / "estimates").glob("*_std.h5")
    write_cube(file, CubeFile(np.zeros((7, 8, 9), np.float32)))
    std = next(each.std for each in gallery_of(small_run).methods if each.row.label == "R-FUSE")
    assert std is not None
    assert "expected 7 bands of 32 x 48 pixels" in std.missing


def test_estimated_responses_stand_beside_the_true_ones(small_run: Path) -> None:
    truth, *estimated = gallery_of(small_run).responses
    assert truth.label == "Truth"
    assert truth.psf is not None
    assert len(estimated) == 1
    assert "green &amp; &lt;b&gt;, estimated" in estimated[0].srf
    assert estimated[0].srf.count("true</title>") == 3
    shutil.rmtree(small_run / "responses")
    truth, *estimated = gallery_of(small_run).responses
    assert truth.psf is None
    assert truth.scores == "not stored: responses"
    assert "channel 2, estimated" in estimated[0].srf


def test_what_a_file_holds_of_responses_is_read(small_run: Path) -> None:
    file = next((small_run / "responses").glob("*.h5"))
    true = true_responses(file)
    assert true is not None
    assert true.kernel == pytest.approx(KERNEL)
    assert true.weights == pytest.approx(WEIGHTS)
    assert (true.phase, true.names) == (1, ("blue", "green & <b>", "red"))
    assert true_responses(file.with_name("none.h5")) is None
    assert estimated_responses({"storing_psnr_db": 100.0}) is None


def test_kernels_are_laid_on_one_window_by_their_phase() -> None:
    one, two = np.zeros((5, 5)), np.zeros((2, 2))
    one[1, 3] = 1.0  # phase 2: at 2 + 1 - 2 = 1, 2 + 3 - 2 = 3
    two[1, 0] = 1.0  # phase 0: at 0 + 1 - 0 = 1, 0
    first, second, third = draw_kernels([Responses(one, 2), Responses(two, 0), Responses(None, 0, np.ones((1, 2)))])
    assert third is None
    assert first is not None
    assert second is not None
    dark = np.array([68, 1, 84])  # viridis at 0
    places = [tuple(map(int, np.argwhere((picture != dark).any(-1))[0])) for picture in (first, second)]
    assert places[0][0] == places[1][0]
    assert places[0][1] - places[1][1] == 3


def test_the_files_beside_the_page_hold_the_spectra_unrounded(small_run: Path) -> None:
    found = gallery_of(small_run)
    assert found.spectra is not None
    with np.load(BytesIO(found.spectra.npz)) as held:
        key = next(each.result.key for each in found.methods if each.row.label == "R-FUSE" and each.result)
        place = list(held["labels"]).index("R-FUSE (told blur and colour response)")
        cube = read_cube(small_run / "estimates" / f"{key}.h5").cube
        assert held[f"method_{place + 1}"][3, 5] == pytest.approx(cube[:, held["rows"][3], held["cols"][5]], abs=0)


def test_the_finest_detail_is_taken_that_fits_the_budget(results: list[Result]) -> None:
    for few in (results, []):
        assert size_of(plan_detail(few)) == size_of(Plan(LADDER[0], 1))
        assert plan_detail(few).detail.most > 2 * LEAST_RATE * 512**2  # little is left out
    scored = next(result for result in results if result.outcome == "scored")
    many = [
        replace(scored, scene=f"s{scene}", label=f"m{method}", observed={"shape": [31, 512, 512]})
        for scene in range(12)
        for method in range(10)
    ]
    plan = plan_detail(many)
    assert (size_of(plan), plan.scenes) == ((256, 32), 12)
    assert 12 * 4 / 3 * (22 * plan.detail.most + 32**2 * 31 * 12) == pytest.approx(BUDGET)
    posterior = plan_detail([replace(result, metrics={**result.metrics, "std_rms_z": 1.0}) for result in many])
    assert size_of(posterior) == (256, 32)
    assert LEAST_RATE * 256**2 < posterior.detail.most == pytest.approx(plan.detail.most * 22 / 32)
    seeds = [replace(result, seed=seed) for result in many for seed in range(3)]
    assert plan_detail(seeds) == plan  # one seed of each is drawn


def test_a_run_that_no_detail_fits_draws_its_first_scenes(results: list[Result]) -> None:
    scored = next(result for result in results if result.outcome == "scored")
    many = [replace(scored, scene=f"s{scene}", observed={"shape": [200, 9, 9]}) for scene in range(4000)]
    plan = plan_detail(many)
    assert plan.detail == replace(LADDER[-1], most=LEAST_RATE * 64**2)
    assert 0 < plan.scenes < 4000
    assert plan.has_room(plan.scenes)
    assert not plan.has_room(plan.scenes + 1)
    least = LADDER[-1]
    assert plan.scenes * 4 / 3 * (0.75 * least.longest**2 + least.grid**2 * 200) <= BUDGET


def test_a_missing_reference_leaves_the_reason(small_run: Path) -> None:
    shutil.rmtree(small_run / "scenes")
    found = gallery_of(small_run)
    assert found.spectra is None
    assert all("not stored: scenes/" in each.colour.missing for each in found.methods)

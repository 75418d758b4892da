"""What a reader sees of a real pair: scores without truth first, no errors, and what is not known called so."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile
from reports.content.choice import read_choice, summarise_choice
from reports.content.protocol_facts import protocol_facts, protocol_sentence
from reports.content.protocols_table import tabulate_alike
from reports.content.summary import Summary, summarise
from reports.figures.bubble_chart import bubble_front, ranked_bubbles
from reports.page.gallery import scene_gallery
from reports.report import write_report
from reports.scene.detail import Detail
from reports.scene.pair_inputs import PairInputs
from reports.scene.scene_view import spread_between, view_scene
from reports.scene.sensor_responses import true_responses
from reports.typeset.latex_tables import latex_summary
from reports.typeset.markdown import markdown_summary
from reports.typeset.plain_text import WIDTH, plain_summary
from reports.typeset.typst import typst_summary
from tests.reports.conftest import PROTOCOLS, SCENES, fake_results, write_fake_run

TAKEN: dict[str, Any] = {
    "name": "garden, as taken",
    "pair": "as taken",
    "ratio": 8,
    "psf": {"kind": "gaussian", "taps": 9, "fwhm": 8.0},
    "phase": None,
    "sensor": "rgb_camera",
    "sensor_sha256": "0123456789abcdef" * 4,
    "channels": [],
    "noise": None,
    "reveals": ["psf", "srf"],
    "source": "a real pair",
}
DOWN = {**TAKEN, "name": "garden, one step down", "pair": "one step down", "psf": None}
BY_TRUTH = ("psnr", "psnr_cube", "ssim", "sam", "uiqi", "ergas", "q2n")
WITHOUT = ("hqnr", "d_lambda_filtered", "d_s", "qnr", "consistency_hsi", "consistency_msi")


def pair_results(defined: tuple[str, ...] = (*WITHOUT, "d_lambda"), **changes: Any) -> list[Result]:
    """Three methods on a pair as it was taken, and one step down; as taken with the scores `defined`."""
    few = [r for r in fake_results() if r.protocol == PROTOCOLS[0] and r.scene == SCENES[0] and r.seed == 0 and not r.card["unranked"]]
    found = []
    for place, record in enumerate(few):
        scores = {name: (0.9 - 0.1 * place if name in ("hqnr", "qnr") else 0.02 + 0.01 * place) for name in defined}
        metrics = {**dict.fromkeys((*BY_TRUTH, *WITHOUT, "d_lambda")), **scores}
        found.append(replace(record, key=f"{place}taken0", protocol={**TAKEN, **changes}, metrics=metrics, observation_digest="seen"))
        found.append(replace(record, protocol=DOWN))
    return found


def taken(results: list[Result]) -> Summary:
    return next(summary for summary in summarise(results) if summary.protocol["pair"] == "as taken")


@pytest.fixture
def pair_run(tmp_path: Path) -> Path:
    """A run folder with the pair; the observation as taken has an HSI of 4 x 6 pixels of its own."""
    folder = write_fake_run(tmp_path / "pair", pair_results())
    rng = np.random.default_rng(3)
    with h5py.File(folder / "observations" / "seen.h5", "r+") as store:
        del store["hsi/cube"]
        store.create_dataset("hsi/cube", data=rng.random((7, 4, 6)).astype(np.float32))
        store.attrs["ratio"], store.attrs["phase"] = 8, (3.5, 3.5)
    return folder


def test_the_scores_without_truth_are_the_columns_and_hqnr_leads() -> None:
    summary = taken(pair_results())
    assert tuple(column.key for column in summary.scores) == WITHOUT
    assert [row.label for row in summary.rows if row.values["hqnr"].place == "best"]
    assert not [note for note in summary.notes if note.mark == "§"]
    (other,) = (each for each in summarise(pair_results()) if each is not summary and each.protocol["pair"] == "one step down")
    assert other.scores[0].key == "psnr"


def test_without_a_psf_d_lambda_leads_and_one_sentence_names_what_is_not_defined() -> None:
    summary = taken(pair_results(("d_lambda",), psf=None, sensor=None))
    assert [column.key for column in summary.scores] == ["d_lambda"]
    told = [remark for remark in summary.remarks if remark.startswith("Not defined here")]
    assert told == [
        "Not defined here: HQNR, D_lambda^K, D_s, QNR and HSI residual (the PSF is not known); MSI residual (the SRF is not known)."
    ]
    small = taken(pair_results(("consistency_hsi", "consistency_msi")))
    assert "HQNR, D_lambda^K, D_s and QNR (the HSI has too few pixels" in " ".join(small.remarks)


def test_each_kind_of_table_says_what_the_scores_cannot_tell() -> None:
    summary = taken(pair_results())
    down = next(each for each in summarise(pair_results()) if each.protocol["pair"] == "one step down")
    for typeset in (plain_summary, markdown_summary, latex_summary, typst_summary):
        text, other = " ".join(typeset(summary).split()), " ".join(typeset(down).split())
        for words in ("There is no truth", "bicubic interpolation", "real detail need not keep them", "do not lie on one another"):
            assert words in text, (typeset, words)
        assert "task of another scale" in other
        assert "no noise" not in text + other
        assert "noise not known" in text
        assert "There is no truth" not in other
    assert max(map(len, plain_summary(summary).splitlines())) <= WIDTH


def test_a_simulated_protocol_has_no_such_remarks() -> None:
    assert all(summary.remarks == () for summary in summarise(fake_results()))


def test_metrics_that_the_user_chooses_win() -> None:
    chosen = summarise_choice(pair_results(), read_choice(metrics="consistency_msi,sam"), {})
    assert [[column.key for column in summary.scores] for summary in chosen] == [["consistency_msi", "sam"]] * 2
    usual = summarise_choice(pair_results(), read_choice(precision="hqnr=2,psnr=1"), {})
    assert sorted(len(summary.rows[0].values[summary.scores[0].key].text.partition(".")[2]) for summary in usual) == [1, 2]


def test_metrics_without_any_value_are_one_note() -> None:
    results = [replace(r, metrics={**r.metrics, "ssim": None, "uiqi": None}) for r in fake_results() if r.protocol == PROTOCOLS[0]]
    (summary,) = summarise([r for r in results if r.method in ("bicubic", "rfuse")])
    notes = [note for note in summary.shared_notes() if note.mark == "§"]
    assert [note.sentence for note in notes] == ["All methods: SSIM and UIQI are defined in no scored cell"]


def test_what_is_not_known_is_called_so() -> None:
    assert "PSF not known" in protocol_sentence({**TAKEN, "psf": None})
    sentence = protocol_sentence({**TAKEN, "sensor": None, "sensor_sha256": None})
    for words in ("real pair as taken, without truth", "phase centre of its block", "SRF not known", "noise not known"):
        assert words in sentence, words
    assert "channels" not in sentence
    assert "a Gaussian one coarse pixel wide" in protocol_sentence(DOWN)
    facts = dict(protocol_facts({**TAKEN, "noise": [0.01, 0.02], "phase": 3.0}))
    assert facts["noise"] == "of standard deviation 0.01 on the HSI and 0.02 on the MSI"
    assert facts["phase"] == "centre at 3 px"
    assert facts["channels"] == "those that the HSI covers"


def test_the_protocols_with_a_truth_and_those_without_have_tables_of_their_own() -> None:
    results = pair_results()
    more = [replace(r, key=f"{r.key}b", protocol={**r.protocol, "name": f"b {r.protocol['name']}", "ratio": 4}) for r in results]
    first, second = tabulate_alike(summarise([*results, *more]))
    assert (first.stem, first.columns[0].key) == ("protocols", "psnr")
    assert (second.stem, second.columns[0].key) == ("protocols_hqnr", "hqnr")
    assert second.title == "All protocols with HQNR"
    assert len(first.summaries) == len(second.summaries) == 2


def test_the_gallery_shows_both_images_and_no_errors(pair_run: Path) -> None:
    summary = taken(pair_results())
    series = {(row.label, row.tier): place for place, row in enumerate(summary.rows)}
    found = scene_gallery(RunFolder(pair_run), summary, SCENES[0], series, Detail())
    assert [image.title for image in found.inputs] == ["HSI, as taken", "MSI, as taken, with a gain of its own"]
    assert all(image.webp for image in found.inputs)
    assert found.scale is None
    assert found.failures == ()
    assert found.baseline == "HSI"
    for each in found.methods:
        assert each.colour.webp
        assert each.errors is None
        assert each.zoom is not None
        assert (each.zoom.width, each.zoom.height) == (8, 8)  # a sixth of 48
    assert found.responses[0].label == "Known"
    with h5py.File(pair_run / "observations" / "seen.h5") as store:
        hsi = store["hsi/cube"][()]
    assert found.spectra is not None
    with np.load(BytesIO(found.spectra.npz)) as held:
        assert "truth" not in held
        for at, row in enumerate(held["rows"]):
            for along, col in enumerate(held["cols"]):
                assert np.array_equal(held["hsi"][at, along], hsi[:, row // 8, col // 8])


def test_a_missing_observation_leaves_the_reason(pair_run: Path) -> None:
    (pair_run / "observations" / "seen.h5").unlink()
    summary = taken(pair_results())
    found = scene_gallery(RunFolder(pair_run), summary, SCENES[0], dict.fromkeys(((r.label, r.tier) for r in summary.rows), 0), Detail())
    assert found.spectra is None
    assert found.inputs[0].missing == "not stored: observations/seen.h5"


def test_the_coarse_pixel_that_covers_a_fine_one_is_the_nearest() -> None:
    rng = np.random.default_rng(2)
    hsi, msi = CubeFile(rng.random((2, 5, 7)).astype(np.float32)), CubeFile(rng.random((1, 15, 21)).astype(np.float32))
    pair = PairInputs(hsi, msi, 3, (1.3, 0.4))
    assert pair.shape == (2, 15, 21)
    for axis, (fine, coarse) in enumerate(((15, 5), (21, 7))):
        nearest = [int(np.abs(pair.centre[axis] + 3 * np.arange(coarse) - at).argmin()) for at in range(fine)]
        assert pair.covering(axis, np.arange(fine)).tolist() == nearest
    fine_hsi = pair.on_fine_grid([1])
    for row, col in ((0, 0), (7, 4), (14, 20)):
        at = pair.covering(0, np.array([row]))[0], pair.covering(1, np.array([col]))[0]
        assert fine_hsi[0, row, col] == hsi.cube[1, at[0], at[1]]
    for row, col in ((0, 0), (2, 3), (4, 6)):
        middle = pair.middle(row, col)
        assert (pair.covering(0, np.array([middle[0]]))[0], pair.covering(1, np.array([middle[1]]))[0]) == (row, col)


def test_the_view_for_a_paper_has_the_hsi_in_the_place_of_the_reference(pair_run: Path) -> None:
    view = view_scene(RunFolder(pair_run), taken(pair_results()))
    assert view is not None
    assert view.msi is not None
    assert view.baseline == "HSI"
    assert all(each.errors is None for each in view.methods)
    with h5py.File(pair_run / "observations" / "seen.h5") as store:
        hsi = store["hsi/cube"][()]
    for (row, col), curve in zip(view.pixels, view.curves, strict=True):
        assert curve == pytest.approx(hsi[:, row // 8, col // 8])


def test_the_zoom_lies_where_estimates_differ_even_if_there_are_two() -> None:
    one = np.zeros((3, 20, 30))
    other = one.copy()
    other[:, 4:6, 11:13] = 0.2
    found = spread_between([one, other])
    assert np.argwhere(found > 0).tolist() == [[4, 11], [4, 12], [5, 11], [5, 12]]
    assert found[4, 11] == pytest.approx(0.1)
    assert spread_between([other])[4, 11] == pytest.approx(0.2 - other[0].mean())


def test_responses_that_are_known_in_part_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as store:
        store.create_dataset("srf/weights", data=np.eye(3, 7)).attrs["names"] = ["a", "b", "c"]
    found = true_responses(tmp_path / "r.h5")
    assert found is not None
    assert found.kernel is None
    assert found.weights is not None
    assert found.names == ("a", "b", "c")
    h5py.File(tmp_path / "none.h5", "w").close()
    nothing = true_responses(tmp_path / "none.h5")
    assert nothing is not None
    assert nothing.kernel is None
    assert nothing.weights is None


def test_where_lower_is_better_the_front_joins_the_lower_ones() -> None:
    summary = taken(pair_results(("d_lambda",), psf=None))
    bubbles = ranked_bubbles(summary)
    front = bubble_front(bubbles, higher_is_better=False)
    beaten = [b for b in bubbles if any(o.score < b.score and o.total <= b.total for o in bubbles)]
    assert not [b for b in front if b in beaten]
    assert min(b.score for b in bubbles) in [b.score for b in front]


def test_the_whole_report_of_a_pair(pair_run: Path) -> None:
    paths = write_report(pair_run)
    names = {path.name for path in (*paths.tables, *paths.figures)}
    for name in ("hqnr_seconds.png", "psnr_seconds.png", "pictures_garden-as-taken.png", "spectra_garden-as-taken.pdf"):
        assert name in names, name
    assert "errors_garden-as-taken.png" not in names
    assert "errors_garden-one-step-down.png" in names
    page = paths.page.read_text(encoding="utf-8")
    for words in ("There is no truth", "HSI, as taken", "its coarse pixel that covers this pixel", "noise", "HQNR 0."):
        assert words in page, words
    assert "not stored: scenes/" not in page

"""`fuse` and `register`: a pair of one's own, by its files, options and formats; the tests made its truth."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.io import loadmat, savemat

import run_benchmark
from benchmark.commands.command_parser import parser
from benchmark.commands.pair_options import SCORES_ALONE, reading_fields
from datasets.cube_file import CubeFile, write_cube
from datasets.files import read_image_file
from datasets.reading_options import ReadingOptions
from tests.benchmark.conftest import plugin

ROWS, COLS, BANDS, RATIO = 48, 64, 24, 4
WAVES = np.linspace(420, 690, BANDS)
Cube = NDArray[np.float64]


def truth() -> Cube:
    y, x = np.mgrid[0:ROWS, 0:COLS] / 64
    places = np.stack([np.exp(-((y - a) ** 2 + (x - b) ** 2) / 0.05) for a, b in [(0.2, 0.3), (0.6, 0.2), (0.4, 0.8), (0.7, 0.9)]])
    places = places + 0.15 * np.random.default_rng(3).random(places.shape)
    spectra = np.stack([0.1 + 0.7 * np.exp(-(((WAVES - centre) / 60.0) ** 2)) for centre in (450, 530, 600, 670)])
    return np.asarray(np.einsum("kb,khw->bhw", spectra, places / places.sum(0)))


def low(cube: Cube) -> Cube:
    """The mean over blocks: a box of 4 x 4."""
    return np.asarray(cube.reshape(len(cube), ROWS // RATIO, RATIO, COLS // RATIO, RATIO).mean((2, 4)))


def curves() -> Cube:
    weights = np.stack([np.exp(-np.log(2) * (2 * (WAVES - c) / w) ** 2) for c, w in ((605, 80), (540, 90), (460, 75))])
    return np.asarray(weights / weights.sum(1, keepdims=True))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hsi.h5 in reflectance, hsi_u16.h5 in counts with a stated scale, msi.h5, msi.mat in bytes (rows, cols, 3), mine.csv."""
    folder = tmp_path_factory.mktemp("pair")
    cube = truth()
    msi = np.einsum("cb,bhw->chw", curves(), cube)
    write_cube(folder / "hsi.h5", CubeFile(low(cube).astype(np.float32), WAVES, "hsi"))
    write_cube(folder / "msi.h5", CubeFile(msi.astype(np.float32), None, "msi"))
    with h5py.File(folder / "hsi_float.h5", "w") as store:
        store["cube"] = low(cube)
        store.attrs["wavelengths_nm"] = WAVES
    with h5py.File(folder / "hsi_u16.h5", "w") as store:
        store["cube"] = np.rint(low(cube) * 10000).astype(np.uint16)
        store.attrs.update({"scale": 10000.0, "wavelengths_nm": WAVES})
    for name, image in (("hsi", low(cube)), ("msi", msi)):
        with h5py.File(folder / f"{name}_plain.h5", "w") as store:
            store["image"] = np.moveaxis(np.rint(image * 200).astype(np.uint8), 0, 2)
    savemat(folder / "msi.mat", {"rgb": np.rint(np.moveaxis(msi, 0, 2) * 255).astype(np.uint8)})
    rows = [f"{wave},{','.join(map(str, curve))}" for wave, curve in zip(WAVES, curves().T, strict=True)]
    (folder / "mine.csv").write_text("\n".join(["wavelength_nm,r,g,b", *rows]) + "\n")
    return folder


def psnr(file: Path, expected: Cube) -> float:
    error = read_image_file(file).cube - expected
    return float(np.mean(-10 * np.log10(np.square(error).mean((1, 2)))))


def fuse(*words: object, method: str = "gsa") -> int:
    return run_benchmark.main(["fuse", "--device", "cpu", "--method", method, *map(str, words)])


def test_each_field_of_the_reading_options_is_an_option_of_each_image() -> None:
    names = [item.name for item in fields(ReadingOptions) if item.name not in SCORES_ALONE]
    assert list(reading_fields()) == names
    whole = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    for command in ("fuse", "register"):
        known = {option for action in whole.choices[command]._actions for option in action.option_strings}
        assert known >= {f"--{image}-{name.replace('_', '-')}" for image in ("hsi", "msi") for name in names}
        assert "--wavelengths" in known
    assert all(len(meaning) > 10 and "docs/data_files.md" not in meaning for meaning in reading_fields().values()), "each has its meaning"


def test_a_scale_for_one_image_leaves_the_other_alone(world: Path, tmp_path: Path) -> None:
    for hsi in ("hsi.h5", "hsi_u16.h5"):
        words = ("--hsi", world / hsi, "--msi", world / "msi.mat", "--msi-layout", "rows cols bands", "--msi-scale", 255)
        assert fuse(*words, "--out", tmp_path / "out.h5") == 0
        assert psnr(tmp_path / "out.h5", truth()) > 34


@pytest.mark.parametrize(
    ("hsi", "words", "why"),
    [
        ("hsi_float.h5", ("--scale", 255, "--msi-layout", "rows cols bands"), "values in float64"),
        ("hsi_u16.h5", ("--scale", 255, "--msi-layout", "rows cols bands"), "states scale"),
        ("hsi.h5", ("--layout", "rows cols bands", "--msi-scale", 255), "states layout"),
    ],
)
def test_what_is_said_of_both_images_may_contradict_neither_file(
    hsi: str, words: tuple[object, ...], why: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuse("--hsi", world / hsi, "--msi", world / "msi.mat", *words, "--out", tmp_path / "out.h5") == 2
    said = capsys.readouterr().err
    key = str(words[0]).removeprefix("--")
    assert why in said
    assert f"--hsi-{key} or --msi-{key}" in said


def test_what_neither_file_states_may_be_said_of_both(world: Path, tmp_path: Path) -> None:
    words = ("--hsi", world / "hsi_plain.h5", "--msi", world / "msi_plain.h5", "--scale", 200, "--layout", "rows cols bands")
    assert fuse(*words, "--out", tmp_path / "out.h5") == 0
    assert psnr(tmp_path / "out.h5", truth()) > 30


def test_an_error_of_a_reader_names_the_option_of_the_image(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--hsi", world / "hsi.h5", "--msi", world / "msi.mat", "--msi-layout", "rows cols bands")
    assert fuse(*words, "--out", tmp_path / "out.h5") == 2
    said = capsys.readouterr().err
    assert "--msi-scale" in said
    assert "scale=" not in said


def test_two_images_of_one_file_are_told_apart_by_their_variables(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cube = truth()
    both = {"HSI": np.moveaxis(low(cube), 0, 2), "MSI": np.moveaxis(np.einsum("cb,bhw->chw", curves(), cube), 0, 2)}
    savemat(tmp_path / "pair.mat", both)
    pair = ("--hsi", tmp_path / "pair.mat", "--msi", tmp_path / "pair.mat", "--layout", "rows cols bands", "--out", tmp_path / "out.h5")
    known = ("--psf", "box,taps=4", "--srf", world / "mine.csv", "--wavelengths", "420:690")
    assert fuse(*pair, "--hsi-variable", "HSI", "--msi-variable", "MSI", *known, method="rfuse") == 0
    assert psnr(tmp_path / "out.h5", cube) > 40
    capsys.readouterr()
    assert fuse(*pair, "--hsi-variable", "HSI", "--msi-variable", "HSI") == 2
    assert "--hsi-variable and --msi-variable" in capsys.readouterr().err


def test_bands_that_fall_in_wavelength_are_refused_or_put_into_order(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cube(tmp_path / "falling.h5", CubeFile(low(truth())[::-1].astype(np.float32), WAVES[::-1].copy(), "falling"))
    words = ("--hsi", tmp_path / "falling.h5", "--msi", world / "msi.h5", "--out", tmp_path / "out.h5")
    assert fuse(*words) == 2
    assert "--sort-bands" in capsys.readouterr().err
    assert fuse(*words, "--sort-bands", "--psf", "box,taps=4", "--srf", world / "mine.csv", method="rfuse") == 0
    assert psnr(tmp_path / "out.h5", truth()) > 40


def test_crops_bands_and_wavelengths_of_one_image(world: Path, tmp_path: Path) -> None:
    words = ("--hsi", world / "hsi.h5", "--hsi-crop", "2,3,8,10", "--hsi-bands", "1-12", "--hsi-bad-bands", "2")
    assert fuse(*words, "--msi", world / "msi.h5", "--msi-crop", "8,12,32,40", "--out", tmp_path / "out.h5") == 0
    kept = [0, *range(2, 12)]
    assert psnr(tmp_path / "out.h5", truth()[kept, 8:40, 12:52]) > 34
    assert read_image_file(tmp_path / "out.h5").wavelengths_nm == pytest.approx(WAVES[kept])


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (lambda msi: msi * 0.25, "a gain: the MSI times 4 would fit"),
        (lambda msi: msi[::-1], "the order of the channels: as 3, 2, 1"),
        (lambda msi: msi[:, ::-1], "the MSI is mirrored in its rows"),
        (lambda msi: np.roll(msi, 1, 2), "a shift by one fine pixel: the MSI moved by +0 rows and -1 columns"),
        (None, ""),
    ],
)
def test_a_pair_that_contradicts_what_is_said_of_it_is_told_with_the_likeliest_cause(
    fault: object, cause: str, world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    msi = np.einsum("cb,bhw->chw", curves(), truth()).astype(np.float32)
    spoilt = fault(msi) if callable(fault) else msi
    write_cube(tmp_path / "msi.h5", CubeFile(np.ascontiguousarray(spoilt), None, "msi"))
    words = ("--psf", "box,taps=4", "--srf", world / "mine.csv", "--out", tmp_path / "out.h5")
    assert fuse("--hsi", world / "hsi.h5", "--msi", tmp_path / "msi.h5", *words) == 0
    said = capsys.readouterr()
    assert "|S msi - R hsi| / |R hsi| (with the given PSF, the given SRF) = " in said.out
    assert (said.err == "") if not cause else (f"likeliest cause: {cause}" in said.err)


def test_a_gain_is_applied_where_it_is_asked_for_and_reported_else(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    msi = np.einsum("cb,bhw->chw", curves(), truth()) * np.array([1.25, 2.0, 0.5])[:, None, None]
    write_cube(tmp_path / "msi.h5", CubeFile(msi.astype(np.float32), None, "msi"))
    words = ("--hsi", world / "hsi.h5", "--msi", tmp_path / "msi.h5", "--psf", "box,taps=4", "--out", tmp_path / "out.h5")
    known = ("--srf", world / "mine.csv")
    assert fuse(*words, *known, "--estimate-gain", method="rfuse") == 0
    assert "times 0.8, 0.5, 2 fit" in capsys.readouterr().out
    assert psnr(tmp_path / "out.h5", truth()) < 30
    assert fuse(*words, *known, "--apply-gain", method="rfuse") == 0
    assert psnr(tmp_path / "out.h5", truth()) > 40
    assert fuse(*words, "--estimate-gain") == 2


def test_the_place_of_the_hsi_is_estimated_and_used(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The MSI is moved by two rows and one column against the HSI, so that coarse pixel 0 is centred at (3.5, 0.5)."""
    msi = np.einsum("cb,bhw->chw", curves(), np.roll(truth(), (2, -1), (1, 2)))
    write_cube(tmp_path / "msi.h5", CubeFile(msi.astype(np.float32), None, "msi"))
    pair = ("--hsi", world / "hsi.h5", "--msi", tmp_path / "msi.h5")
    assert run_benchmark.main(["register", *map(str, pair)]) == 0
    said = capsys.readouterr().out
    row, col = (float(part) for part in said.split("--phase=")[1].splitlines()[0].split(","))
    assert (row, col) == pytest.approx((3.5, 0.5), abs=0.15)
    scores = {}
    for name, words in {"none": (), "register": ("--register",), "phase": ("--phase=3.5,0.5",)}.items():
        assert fuse(*pair, *words, "--out", tmp_path / f"{name}.h5", method="bicubic") == 0
        scores[name] = psnr(tmp_path / f"{name}.h5", np.roll(truth(), (2, -1), (1, 2)))
    assert scores["register"] == pytest.approx(scores["phase"], abs=0.3)
    assert scores["register"] > scores["none"] + 0.2
    assert fuse(*pair, "--register", "--phase", 1, "--out", tmp_path / "out.h5") == 2


def test_sides_without_a_whole_ratio_are_refused_with_what_would_do_and_resampled_on_request(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ground of 60 x 90 fine pixels, seen by 18 x 27 coarse ones: 10/3."""
    ground = np.random.default_rng(4).random((3, 12, 18)).repeat(5, 1).repeat(5, 2)
    finest = ground.repeat(3, 1).repeat(3, 2)
    write_cube(
        tmp_path / "hsi.h5", CubeFile(finest.reshape(3, 18, 10, 27, 10).mean((2, 4)).astype(np.float32), np.array([450.0, 550, 650]))
    )
    write_cube(tmp_path / "msi.h5", CubeFile(ground.astype(np.float32)))
    words = ("--hsi", tmp_path / "hsi.h5", "--msi", tmp_path / "msi.h5", "--out", tmp_path / "out.h5")
    assert fuse(*words, method="bicubic") == 2
    assert "--resample makes it 54 x 81, ratio 3 instead of 3.333" in capsys.readouterr().err
    for ratio in ((), ("10/3",)):
        assert fuse(*words, "--resample", *ratio) == 0
        assert read_image_file(tmp_path / "out.h5").cube.shape == (3, 54, 81)
    assert fuse(*words, "--resample", "0.5") == 2
    assert fuse("--hsi", tmp_path / "hsi.h5", "--msi", world / "msi.h5", "--resample", "--out", tmp_path / "out.h5") == 2


@pytest.mark.parametrize("ending", [".h5", ".mat", ".npz", ".hdr", ".tif"])
def test_the_fused_cube_is_what_the_ending_says(ending: str, world: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{ending}"
    assert fuse("--hsi", world / "hsi.h5", "--msi", world / "msi.h5", "--out", out) == 0
    assert psnr(out, truth()) > 34
    assert read_image_file(out).wavelengths_nm == pytest.approx(WAVES)
    if ending == ".mat":
        assert loadmat(out)["cube"].shape == (ROWS, COLS, BANDS)


def test_a_geotiff_lies_where_the_msi_lies(world: Path, tmp_path: Path) -> None:
    msi = np.einsum("cb,bhw->chw", curves(), truth()).astype(np.float32)
    tags = [
        (33550, "d", 3, (2.0, 2.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 500.0, 900.0, 0.0), True),
        (34735, "H", 8, (1, 1, 0, 1, 3072, 0, 1, 32633), True),
    ]
    tifffile.imwrite(tmp_path / "msi.tif", msi, photometric="minisblack", planarconfig="separate", extratags=tags)
    words = ("--hsi", world / "hsi.h5", "--hsi-crop", "2,3,8,10", "--msi", tmp_path / "msi.tif", "--msi-crop", "8,12,32,40")
    assert fuse(*words, "--out", tmp_path / "out.tif") == 0
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        found = tiff.pages[0].tags
        assert found[33550].value == (2.0, 2.0, 0.0)
        assert found[33922].value == (-12.0, -8.0, 0.0, 500.0, 900.0, 0.0)
        assert found[34735].value == (1, 1, 0, 1, 3072, 0, 1, 32633)


@pytest.mark.parametrize("name", ["hsi.h5", "msi.h5", "out.xyz", "out"])
def test_an_output_that_is_an_input_or_of_no_format_is_refused_before_the_work(
    name: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file.name: file.read_bytes() for file in world.iterdir()}
    assert fuse("--hsi", world / "hsi.h5", "--msi", world / "msi.h5", "--out", world / name) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert {file.name: file.read_bytes() for file in world.iterdir()} == before


def test_a_file_that_a_parameter_names_lies_beside_the_method_and_what_was_converted_is_told(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "gain = float(self.table.read_text()); return Estimate((gain * low).double())"
    plugin(tmp_path, "reader", body, "random=False")
    file = tmp_path / "reader.py"
    text = file.read_text().replace("from dataclasses import", "from pathlib import Path\nfrom dataclasses import")
    file.write_text(text.replace("    strength: float = 1.0", '    table: Path = Path("gain.txt")'))
    pair = ("--hsi", world / "hsi.h5", "--msi", world / "msi.h5", "--out", tmp_path / "cube.h5")
    assert fuse(*pair, method=str(file)) == 2
    assert "gain.txt; give its path" in capsys.readouterr().err
    (tmp_path / "gain.txt").write_text("0.5")
    assert fuse(*pair, method=str(file)) == 0
    assert "remark    its cube came in float64, where the pair has float32" in capsys.readouterr().out
    expected = 0.5 * low(truth()).repeat(RATIO, 1).repeat(RATIO, 2)
    assert psnr(tmp_path / "cube.h5", expected) > 70
    plugin(tmp_path, "picky", "return Estimate(low)", "random=False, ratios=(2, 8)")
    assert fuse(*pair, method=str(tmp_path / "picky.py")) == 2
    assert "picky takes ratio 2 or 8, got 4" in capsys.readouterr().err

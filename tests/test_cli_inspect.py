"""`inspect` at the command line: what it says is what a plan then reads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from datasets.data_roots import DataRoots
from datasets.scene_catalog import find_scenes
from tests.test_cli import cli

CUBE = np.random.default_rng(2).integers(50, 9000, (7, 12, 5)).astype(np.uint16)  # rows, cols, bands


@pytest.fixture
def mat(tmp_path: Path) -> Path:
    scipy.io.savemat(tmp_path / "lab.mat", {"ref": CUBE, "rgb": np.zeros((7, 12, 3), np.uint8), "names": np.array(["a"], dtype=object)})
    return tmp_path / "lab.mat"


def test_a_file_of_several_images_is_listed_and_the_question_is_which(mat: Path, tmp_path: Path) -> None:
    done = cli("inspect", mat, folder=tmp_path)
    assert done.returncode == 1
    assert re.search(r"ref +7 x 12 x 5 uint16", done.stdout)
    assert re.search(r"rgb +7 x 12 x 3 uint8", done.stdout)
    assert "open         " in done.stdout
    assert "variable=" in done.stdout


def test_the_line_for_a_plan_reads_the_same_cube(mat: Path, tmp_path: Path) -> None:
    query = f"{mat}?variable=ref&layout=rows cols bands&scale=10000"
    done = cli("inspect", f"{query}&bad_bands=5", "--png", tmp_path / "a.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 bands, 7 rows, 12 columns" in done.stdout
    assert f"values       {CUBE[..., :4].min() / 10000:.6g} to {CUBE[..., :4].max() / 10000:.6g}" in done.stdout
    assert "a scene needs the centre of each band" in done.stdout
    assert "[[scene]]" in done.stdout
    said = cli("inspect", query, "--png", tmp_path / "b.png", folder=tmp_path).stdout
    line = re.search(r'scenes = \["(.+)"\]', said)
    assert line is not None
    (source,) = find_scenes([f"{line[1]}&wavelengths=400:700"], DataRoots(None))
    assert np.allclose(source.load().cube, CUBE.transpose(2, 0, 1) / 10000, atol=1e-7)
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.size == (12, 7)


def test_falling_wavelengths_and_what_the_header_states_are_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store["cube"] = CUBE.transpose(2, 0, 1)
        store.attrs["scale"], store.attrs["wavelengths_nm"], store.attrs["source"] = 10000, [400.0, 500, 600, 590, 700], "a laboratory"
    done = cli("inspect", tmp_path / "a.h5", "--png", tmp_path / "a.png", folder=tmp_path)
    assert done.returncode == 0
    for text in ("value = stored / 10000", "5 from 400 to 700 nm, not rising", "overlap=drop", "a laboratory", "as the format has it"):
        assert text in done.stdout, text
    mended = cli("inspect", f"{tmp_path / 'a.h5'}?bands=1-3,5", "--png", tmp_path / "a.png", folder=tmp_path)
    assert "open  " not in mended.stdout


def test_what_cannot_be_read_is_an_error_or_a_question(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("none")
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    assert "expected a file" in cli("inspect", tmp_path / "none.h5", folder=tmp_path).stderr
    for name in ("a.txt", "a.h5"):
        done = cli("inspect", tmp_path / name, folder=tmp_path)
        assert done.returncode in (1, 2)
        assert name in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert "expected one of" in cli("inspect", f"{tmp_path / 'a.h5'}?sclae=2", folder=tmp_path).stderr


def test_a_table_that_inspect_prints_reads_the_same_image(mat: Path, tmp_path: Path) -> None:
    query = f"{mat}?variable=ref&layout=rows cols bands&scale=10000&bad_bands=2,4&crop=1,2,4,6&wavelengths=400:700&overlap=drop"
    said = cli("inspect", query, "--png", tmp_path / "a.png", folder=tmp_path).stdout.splitlines()
    start = next(at for at, line in enumerate(said) if line.startswith("plan  "))
    block = [said[start].removeprefix("plan").strip()]
    block += [line.strip() for line in said[start + 1 :] if line.startswith("       ")]
    (table,) = tomllib.loads("\n".join(block))["scene"]
    (source,) = find_scenes([], DataRoots(None), tmp_path, [table])
    expected = CUBE[1:5, 2:8][..., [0, 2, 4]].transpose(2, 0, 1) / 10000
    assert np.allclose(source.load().cube, expected, atol=1e-7)
    assert source.load().wavelengths.tolist() == [400, 550, 700]

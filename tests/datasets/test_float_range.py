"""Images without values, and values that float32 cannot hold."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from datasets.cube_file import read_cube
from datasets.files import read_image_file
from datasets.reading_options import ReadingOptions
from tests.datasets.hostile import LAYOUT, VALUES, refused


@pytest.mark.parametrize("shape", [(0, 6, 7), (5, 0, 7), (5, 6, 0)])
def test_an_image_without_bands_rows_or_columns_is_refused(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    scipy.io.savemat(tmp_path / "a.mat", {"a": np.zeros(shape)})
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store["cube"] = np.zeros(shape, np.float32)
    for name in ("a.npy", "a.mat", "a.h5"):
        refused(
            lambda name=name: read_image_file(tmp_path / name, ReadingOptions(layout=LAYOUT)),
            tmp_path / name,
            "expected at least one entry on each axis",
        )
    refused(lambda: read_cube(tmp_path / "a.h5"), tmp_path / "a.h5", "expected at least one entry on each axis")


def test_values_beyond_float32_are_refused_with_their_band(tmp_path: Path) -> None:
    cube = VALUES.astype(np.float64)
    cube[3, 1, 2] = 1e39
    np.save(tmp_path / "a.npy", cube)
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store["cube"] = cube
    for name, read in (("a.npy", read_image_file), ("a.h5", read_image_file)):
        refused(
            lambda name=name, read=read: read(tmp_path / name, ReadingOptions(layout=LAYOUT)),
            tmp_path / name,
            r"1e\+39 in band 4 of 5 that overflow",
        )
    refused(lambda: read_cube(tmp_path / "a.h5"), tmp_path / "a.h5", r"1e\+39 in band 4 of 5 that overflow")


def test_values_that_a_scale_makes_infinite_or_zero_are_refused_with_their_band(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    for scale in (1e300, 1e-300):
        refused(
            lambda scale=scale: read_image_file(tmp_path / "a.npy", ReadingOptions(layout=LAYOUT, scale=scale)),
            tmp_path / "a.npy",
            "float32 can hold",
        )
    np.save(tmp_path / "b.npy", VALUES * np.float32(1e10))
    refused(
        lambda: read_image_file(tmp_path / "b.npy", ReadingOptions(layout=LAYOUT, scale=2e-38)),
        tmp_path / "b.npy",
        "in band 1 of 5 that overflow",
    )
    tiny = VALUES.astype(np.float64)
    tiny[2] *= 1e-60
    np.save(tmp_path / "c.npy", tiny)
    refused(lambda: read_image_file(tmp_path / "c.npy", ReadingOptions(layout=LAYOUT)), tmp_path / "c.npy", "in band 3 of 5 that become 0")
    with h5py.File(tmp_path / "d.h5", "w") as store:
        store["cube"] = VALUES * np.float32(1e10)
        store.attrs["scale"] = 2e-38
    refused(lambda: read_cube(tmp_path / "d.h5"), tmp_path / "d.h5", "that overflow")


def test_zeros_and_values_near_the_ends_of_float32_are_kept(tmp_path: Path) -> None:
    cube = VALUES.astype(np.float64)
    cube[0], cube[1, 2, 3], cube[2, 0, 0] = 0.0, 3.4e38, -3.4e38
    np.save(tmp_path / "a.npy", cube)
    assert np.allclose(read_image_file(tmp_path / "a.npy", ReadingOptions(layout=LAYOUT, scale=1.0)).cube, cube)

"""The grid of spectra and its packing, unpacked here by the documented formulas."""

from __future__ import annotations

from base64 import b64decode
from math import floor
from zlib import decompress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.scene.spectra import pack_difference, pack_truth, pixel_grid

RNG = np.random.default_rng(5)


def unpack(packed: dict[str, float | str], shape: tuple[int, ...]) -> np.ndarray:
    steps = np.frombuffer(decompress(b64decode(str(packed["data"]))), np.uint8).reshape(shape[2], shape[0], shape[1])
    codes = np.moveaxis(np.cumsum(steps.astype(int), axis=0) % 256, 0, 2).astype(np.uint8).view(np.int8).astype(float)
    return np.asarray(np.sign(codes) * float(packed["most"]) * (codes / 127) ** 2)


@pytest.mark.parametrize(("height", "width", "most"), [(512, 300, 32), (20, 31, 32), (33, 32, 32), (7, 90, 8)])
def test_the_grid_takes_the_middle_pixels_of_equal_cells(height: int, width: int, most: int) -> None:
    grid = pixel_grid(height, width, most)
    for places, size in ((grid.rows, height), (grid.cols, width)):
        number = min(size, most)
        assert places.tolist() == [floor((k + 0.5) * size / number) for k in range(number)]
    cube = RNG.random((3, height, width)).astype(np.float32)
    taken = grid.take(cube)
    assert taken[2, 4, 1] == cube[1, grid.rows[2], grid.cols[4]]


def test_the_truth_comes_back_to_a_step_of_its_range() -> None:
    spectra = (RNG.random((4, 6, 9)) * 1.7 - 0.2).astype(np.float32)
    packed = pack_truth(spectra)
    high_bytes, low_bytes = np.frombuffer(decompress(b64decode(str(packed["data"]))), np.uint8).astype(int).reshape(2, 9, 4, 6)
    codes = np.moveaxis(np.cumsum(256 * high_bytes + low_bytes, axis=0) % 65536, 0, 2)
    low, high = float(packed["low"]), float(packed["high"])
    assert np.abs(low + (high - low) * codes / 65535 - spectra).max() <= (high - low) / 65535
    assert pack_truth(np.full((1, 2, 3), 0.5, np.float32))["low"] == 0.5


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(1e-5, 2.0))
def test_differences_come_back_within_the_stated_bound(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((3, 5, 7)).astype(np.float32)
    estimate = (truth + size * rng.standard_normal(truth.shape) ** 3).astype(np.float32)
    packed = pack_difference(estimate, truth)
    difference = estimate.astype(float) - truth
    most = float(packed["most"])
    bound = np.sqrt(np.abs(difference) * most) / 127 + most / 64516
    assert (np.abs(unpack(packed, truth.shape) - difference) <= bound * (1 + 1e-9)).all()


def test_an_exact_estimate_has_no_difference() -> None:
    truth = RNG.random((2, 3, 4)).astype(np.float32)
    packed = pack_difference(truth, truth)
    assert packed["most"] == 0
    assert not unpack(packed, truth.shape).any()

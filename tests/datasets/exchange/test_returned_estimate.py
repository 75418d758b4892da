"""The estimate file: true ones as other programs write them, and one clear sentence for each that cannot be used."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from datasets.exchange.handed_fields import ExchangeFileError
from datasets.exchange.returned_estimate import other_order, read_returned_estimate
from datasets.observation import PairSizes

SIZES = PairSizes(bands=5, channels=3, rows=16, cols=24, ratio=4)
CUBE = np.random.default_rng(1).random((16, 24, 5))
FORMATS = ("mat", "h5", "npz")


def write(file: Path, **fields: Any) -> Path:
    """Write a file by the library that belongs to its format."""
    if file.suffix == ".npz":
        np.savez(file, **fields)
    elif file.suffix == ".mat":
        scipy.io.savemat(file, fields)
    else:
        with h5py.File(file, "w") as store:
            for name, value in fields.items():
                store[name] = value
    return file


@pytest.mark.parametrize("format", FORMATS)
def test_a_true_estimate_is_read_in_every_format(format: str, tmp_path: Path) -> None:
    kernel, weights = np.full((2, 3), 1 / 6), np.full((3, 5), 0.2)
    more = {"psf": kernel, "psf_phase": 2, "srf": weights, "std": CUBE + 1}
    told = {"learning_seconds": 1.5, "fusing_seconds": 0.25, "parameter_count": 1234}
    estimate = read_returned_estimate(write(tmp_path / f"e.{format}", cube=CUBE, **more, **told), SIZES)
    for band in range(5):
        assert np.array_equal(estimate.cube[band], CUBE[:, :, band])
    assert estimate.std is not None
    assert np.array_equal(estimate.std[1], CUBE[:, :, 1] + 1)
    assert estimate.psf is not None
    assert estimate.psf.shape == (2, 3)
    assert estimate.srf is not None
    assert estimate.srf.shape == (3, 5)
    assert (estimate.psf_phase, estimate.learning_seconds, estimate.fusing_seconds, estimate.parameter_count) == (2, 1.5, 0.25, 1234)


def test_a_file_of_matlab_7_3_has_its_axes_the_other_way_round(tmp_path: Path) -> None:
    file = tmp_path / "e.mat"
    with h5py.File(file, "w", userblock_size=512) as store:
        store["cube"] = CUBE.T  # as MATLAB stores it
        store["cube"].attrs["MATLAB_class"] = np.bytes_("double")
    with file.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert np.array_equal(read_returned_estimate(file, SIZES).cube, CUBE.transpose(2, 0, 1))


def test_whole_values_of_a_double_array_are_no_whole_numbers_in_a_mat(tmp_path: Path) -> None:
    """MATLAB stores a double array of zeros in single bytes; a black cube must not be taken for one of whole numbers."""
    from datasets.matlab5_format import declared_variables

    file = write(tmp_path / "e.mat", cube=np.zeros((16, 24, 5)))
    content = bytearray(file.read_bytes())
    assert declared_variables(file, ExchangeFileError)["cube"].dtype.kind == "f"  # scipy writes doubles; so they are packed here
    place = content.index((16 * 24 * 5 * 8).to_bytes(4, "little")) - 4
    packed = content[:place] + (2).to_bytes(4, "little") + (16 * 24 * 5).to_bytes(4, "little") + bytes(16 * 24 * 5)
    packed[132:136] = (len(packed) - 136).to_bytes(4, "little")
    file.write_bytes(packed)
    assert declared_variables(file, ExchangeFileError)["cube"].dtype.kind == "u"
    assert read_returned_estimate(file, SIZES).cube.dtype == np.float64


def test_a_cube_of_one_band_may_lack_its_last_axis(tmp_path: Path) -> None:
    sizes = PairSizes(bands=1, channels=3, rows=16, cols=24, ratio=4)
    estimate = read_returned_estimate(write(tmp_path / "e.mat", cube=CUBE[:, :, 0]), sizes)
    assert np.array_equal(estimate.cube[0], CUBE[:, :, 0])


def complex_cube(file: Path) -> None:
    write(file, cube=CUBE + 1j)


def with_nan(file: Path) -> None:
    cube = CUBE.copy()
    cube[3, 4, 2], cube[0, 0, 0] = np.nan, np.inf
    write(file, cube=cube)


def cut(file: Path) -> None:
    write(file, cube=CUBE)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda file: write(file, fused=CUBE), r"expected the field cube, got fused \(16, 24, 5\); name the fused cube `cube`"),
        (lambda file: write(file, cube=CUBE, extra=CUBE), r"expected fields among cube, .*got extra; rename or drop it"),
        (
            lambda file: write(file, cube=CUBE[:8]),
            r"cube: expected \(rows, cols, bands\) = \(16, 24, 5\), got \(8, 24, 5\); return",
        ),
        (lambda file: write(file, cube=CUBE.transpose(2, 0, 1)), r"which is \(bands, rows, cols\), a transposed cube; .*\[2 3 1\]"),
        (lambda file: write(file, cube=CUBE.transpose(1, 0, 2)), r"which is \(cols, rows, bands\), a transposed cube; .*\[2 1 3\]"),
        (lambda file: write(file, cube=CUBE.transpose(2, 1, 0)), r"which is \(bands, cols, rows\), a transposed cube; .*\(2, 1, 0\)"),
        (lambda file: write(file, cube=(255 * CUBE).astype(np.uint8)), r"cube: expected floating-point numbers .*got uint8"),
        (complex_cube, r"cube: expected real numbers, got complex ones; write real\(cube\)"),
        (with_nan, r"cube: expected finite numbers, got 2 NaN or Inf of 1920"),
        (cut, r"e\.(mat|h5|npz).*(expected|truncated)"),
        (lambda file: file.write_text("cube 1 2 3\n"), r"e\.\w+: expected a \.\w+ file, got a text that begins with 'cube 1 2 3"),
        (lambda file: file.write_text("# Created by Octave 7.3.0\n# name: cube\n"), r"got Octave's text format; write save\('-v7'"),
        (lambda file: file.write_bytes(b""), r"got an empty one"),
        (lambda file: file.write_bytes(bytes(4096)), r"expected a whole"),
        (lambda file: write(file, cube=CUBE, std=CUBE[:, :, :2]), r"std: expected \(rows, cols, bands\)"),
        (
            lambda file: write(file, cube=CUBE, srf=np.ones((5, 3))),
            r"srf: expected \(channels, bands\) = \(3, 5\), .*transposed",
        ),
        (lambda file: write(file, cube=CUBE, psf=np.ones((2, 3, 4))), r"psf: expected a kernel \(rows, cols\), got shape \(2, 3, 4\)"),
        (lambda file: write(file, cube=CUBE, psf=np.ones((2, 2)), psf_phase=4), r"psf_phase: expected a whole number from 0 to 3, got 4"),
        (lambda file: write(file, cube=CUBE, fusing_seconds=-1.0), r"fusing_seconds: expected a number >= 0, got -1"),
        (lambda file: write(file, cube=CUBE, fusing_seconds=np.ones(2)), r"fusing_seconds: expected one number, got shape"),
        (lambda file: write(file, cube=CUBE, parameter_count=2.5), r"parameter_count: expected a whole number"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(spoil: Callable[[Path], object], says: str, format: str, tmp_path: Path) -> None:
    file = tmp_path / f"e.{format}"
    spoil(file)
    with pytest.raises(ExchangeFileError, match=says) as refused:
        read_returned_estimate(file, SIZES)
    assert "\n" not in str(refused.value)


def test_nothing_is_unpickled_and_no_link_is_followed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "sprung").write_text, ("x",))

    np.savez(tmp_path / "e.npz", cube=np.array([Trap()], dtype=object))
    assert b"sprung" in pickle.dumps(Trap())
    with pytest.raises(ExchangeFileError, match="never unpickled"):
        read_returned_estimate(tmp_path / "e.npz", SIZES)
    assert not (tmp_path / "sprung").exists()
    write(tmp_path / "other.h5", cube=CUBE)
    with h5py.File(tmp_path / "e.h5", "w") as store:
        store["cube"] = h5py.ExternalLink("other.h5", "/cube")
    with pytest.raises(ExchangeFileError, match="expected the field cube"):
        read_returned_estimate(tmp_path / "e.h5", SIZES)


@pytest.mark.parametrize(
    ("got", "expected", "order"),
    [
        ((5, 16, 24), (16, 24, 5), ("bands", "rows", "cols")),
        ((16, 24, 5), (16, 24, 5), ()),
        ((16, 24, 6), (16, 24, 5), ()),
        ((5, 8, 8), (8, 8, 5), ("bands", "rows", "cols")),
    ],
)
def test_the_orientation_that_fits_is_named(got: tuple[int, ...], expected: tuple[int, ...], order: tuple[str, ...]) -> None:
    assert other_order(got, expected) == order

"""Kernels and tables of responses that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.degradation import ResponseError
from datasets.files import read_image_file
from datasets.input_files import InputFileError
from datasets.psfs import FromFile
from datasets.sensors import read_sensor
from tests.datasets.hostile import refused


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        (np.ones((3, 3)) + 1j, "complex128"),
        (np.zeros((0, 3)), "at least one entry on each axis"),
        (np.zeros((3, 0)), "at least one entry on each axis"),
        (np.ones((3, 3), dtype=[("a", "f4"), ("b", "f4")]), "finite real numbers|expected a .npy"),
        (np.array([["a", "b"]]), "finite real numbers"),
        (np.array([["2020-01-01"]], dtype="M8[D]"), "finite real numbers"),
        (np.full((3, 3), np.nan), "finite real numbers"),
        (np.full((3, 3), 1e308), "positive sum"),
        (np.array([[1.0, -1.0, 1e-12]]), "not small against"),
        (np.zeros((3, 3)), "positive sum"),
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((1, 5000)), r"at most 4096"),
    ],
)
def test_a_kernel_that_is_no_table_of_real_numbers_is_refused(tmp_path: Path, kernel: NDArray[Any], text: str) -> None:
    np.save(tmp_path / "a.npy", kernel)
    with pytest.raises(InputFileError, match=text):
        FromFile(tmp_path / "a.npy").kernel(2)


@pytest.mark.parametrize("text", ["", "\n\n", "1,2\n3", "1,x\n", "# a comment alone\n", "1+2j,3\n", "nan,1\n", "\x00\x00", "1;2\n3;4\n"])
def test_a_kernel_in_text_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    refused(lambda: FromFile(tmp_path / "a.csv").kernel(2), tmp_path / "a.csv", "psf file|expected a .npy file")


def test_a_kernel_of_objects_or_of_another_ending_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[None, {}]], dtype=object), allow_pickle=True)
    refused(lambda: FromFile(tmp_path / "a.npy").kernel(2), tmp_path / "a.npy", "never unpickled")
    (tmp_path / "a.mat").write_bytes(b"1,2\n")
    refused(lambda: FromFile(tmp_path / "a.mat").kernel(2), tmp_path / "a.mat", r"got the ending '\.mat'")
    refused(lambda: FromFile(tmp_path / "absent.npy").numbers(), tmp_path / "absent.npy", "nothing there")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "wavelength_nm\n400\n",
            "wavelength_nm,r\n",
            "wavelength_nm,r\n400\n",
            "wavelength_nm,r\n400,nan\n",
            "wavelength_nm,r\n400,1e300\n",
        ),
        *("wavelength_nm,r\n-400,1\n", "wavelength_nm,r\n500,1\n400,1\n450,1\n", "wavelength_nm,r,r\n400,1,1\n", "wavelength_nm,\n400,1\n"),
        *("wavelength_nm,r\n400,0\n500,0\n", "wavelength,r\n400,1\n"),
    ],
)
def test_a_table_of_responses_that_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ResponseError, match=r"a\.csv: expected"):
        read_sensor(tmp_path / "a.csv")


def test_a_text_longer_than_16_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(17 * 2**20)
    for read in (read_sensor, lambda path: FromFile(path).kernel(2)):
        refused(lambda read=read: read(tmp_path / "a.csv"), tmp_path / "a.csv", "a text of at most 16777216 bytes, got 17825792")
    (tmp_path / "a.csv").rename(tmp_path / "a.hdr")
    refused(lambda: read_image_file(tmp_path / "a.hdr"), tmp_path / "a.hdr", "a text of at most")

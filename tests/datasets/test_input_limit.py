"""The largest array that is read, and what is decided before the samples are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datasets.files import read_image_file
from datasets.input_files import InputLimitError, largest_array
from datasets.reading_options import ReadingOptions
from tests.datasets.hostile import LAYOUT, STORED, VALUES, refused


@pytest.fixture(autouse=True)
def _half_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMIF_MAX_GB", "0.5")


def test_the_limit_is_stated_or_half_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert largest_array() == 500_000_000
    monkeypatch.delenv("HMIF_MAX_GB")
    pages = int(next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))) * 1024
    assert 0 < largest_array() <= pages
    for wrong in ("much", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("HMIF_MAX_GB", wrong)
        with pytest.raises(InputLimitError, match="expected a number of gigabytes above 0"):
            largest_array()


def test_an_image_above_the_limit_is_refused_and_the_limit_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    monkeypatch.setenv("HMIF_MAX_GB", "8e-7")
    refused(
        lambda: read_image_file(tmp_path / "a.npy", ReadingOptions(layout=LAYOUT)),
        tmp_path / "a.npy",
        "at most 800 bytes, got 5 x 6 x 7 float32, 840",
    )
    monkeypatch.setenv("HMIF_MAX_GB", "9e-7")
    assert read_image_file(tmp_path / "a.npy", ReadingOptions(layout=LAYOUT)).cube.shape == VALUES.shape


def test_what_the_plan_says_is_compared_before_the_samples_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", STORED)

    def read(self: object) -> None:
        pytest.fail("the samples were read")

    monkeypatch.setattr("datasets.numpy_format.DeclaredArray.read", read)
    for options, text in (
        ({"layout": LAYOUT}, "expected a scale for uint16"),
        ({"layout": LAYOUT, "scale": 0.0}, "expected a scale above 0"),
        ({"layout": LAYOUT, "scale": 1.0, "wavelengths": (400.0, 500.0)}, "expected 5 wavelengths"),
        ({"layout": LAYOUT, "scale": 1.0, "wavelengths": (400.0, float("nan"), 500.0, 600.0, 700.0)}, "wavelengths of light in nm"),
        ({"layout": "bands rows"}, "expected layout="),
    ):
        refused(lambda options=options: read_image_file(tmp_path / "a.npy", ReadingOptions(**options)), tmp_path / "a.npy", text)

"""A table [[pair]] that cannot be used is refused with one clear sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from datasets.data_roots import DataRoots
from tests.real_pairs import KNOWN, images, write_pair, write_plan


def refusal(folder: Path, table: str) -> str:
    file = folder / "bad.toml"
    file.write_text(f'name = "bad"\n[[pair]]\n{table}\n[[method]]\nname = "bicubic"\n')
    with pytest.raises(PlanError) as caught:
        read_plan(file, DataRoots.parse([]), None)
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('file = "pair.h5"\nhsi = {file = "pair.h5", variable = "hsi/cube"}', ("either file, or both hsi and msi",)),
        ("name = 'nothing'", ("either file, or both hsi and msi",)),
        ('hsi = {file = "pair.h5", variable = "hsi/cube"}', ("msi = {file", "got {}")),
        ('file = "pair.h5"\nnoise = [0.1, 0.1, 0.1]', ("two standard deviations", "[0.1, 0.1, 0.1]")),
        ('file = "pair.h5"\nnoise = [-0.1, 0.1]', ("two standard deviations >= 0",)),
        ('file = "pair.h5"\nratios = 3', ("ratios",)),
        ('file = "nowhere.h5"', ("nowhere.h5", "check the path")),
        ('file = "pair.h5"\nsensor = "three.csv"\nchannels = ["low", "red"]', ("low, middle, high", "red")),
        ('file = "pair.h5"\nsensor = "three.csv"\nchannels = ["low", "high"]', ("3 channels, as the MSI has", "low, high")),
        ('file = "pair.h5"\npsf = {kind = "gaussian", taps = 7, width = 3}', ("width",)),
    ],
)
def test_a_bad_table_is_one_clear_error(tmp_path: Path, table: str, words: tuple[str, ...]) -> None:
    write_pair(tmp_path)
    said = refusal(tmp_path, table)
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert len(said) < 500, said


def test_images_of_sizes_without_a_whole_ratio_are_no_pair(tmp_path: Path) -> None:
    write_pair(tmp_path, msi=images()[1][:, :107])
    said = refusal(tmp_path, 'file = "pair.h5"')
    assert "pair pair: expected an MSI whose sides are one whole multiple of the HSI's 36 x 48, got 107 x 144" in said


def test_an_srf_needs_wavelengths(tmp_path: Path) -> None:
    write_pair(tmp_path, wavelengths=False)
    assert "expected band centres of the HSI" in refusal(tmp_path, 'file = "pair.h5"\nsensor = "three.csv"')


def test_two_pairs_of_one_name_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path)
    assert "expected different names" in refusal(tmp_path, 'file = "pair.h5"\n[[pair]]\nfile = "pair.h5"')


def test_a_good_table_is_two_protocols_or_one(tmp_path: Path) -> None:
    write_pair(tmp_path)
    plan = read_plan(write_plan(tmp_path, ["bicubic"]), DataRoots.parse([]), None)
    assert [cell.protocol.name for cell in plan.cells("cpu")] == ["garden, as taken", "garden, one step down"]
    plan = read_plan(write_plan(tmp_path, ["bicubic"], KNOWN + "\none_step_down = false"), DataRoots.parse([]), None)
    assert [cell.protocol.name for cell in plan.cells("cpu")] == ["garden, as taken"]


def test_another_msi_is_another_pair(tmp_path: Path) -> None:
    write_pair(tmp_path)
    file = write_plan(tmp_path, ["bicubic"])
    before = {cell.key for cell in read_plan(file, DataRoots.parse([]), None).cells("cpu")}
    write_pair(tmp_path, msi=(images()[1] * np.float32(0.5)))
    assert not before & {cell.key for cell in read_plan(file, DataRoots.parse([]), None).cells("cpu")}

"""A table [[pair]] that cannot be used is refused with one clear sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from datasets.cube_file import CubeFile
from datasets.cube_writers import NOWHERE, write_cube_as
from datasets.data_roots import DataRoots
from tests.real_pairs import KNOWN, WAVELENGTHS, images, write_pair, write_plan


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
        ('file = "pair.h5"\nnoise = [nan, 0.1]', ("noise: expected",)),
        ('file = "pair.h5"\npsf = {kind = "gaussian", taps = 7, fwhm = nan}', ("fwhm", "got nan")),
        ('file = "pair.h5"\npsf = {kind = "box", taps = 200}', ("no larger than the MSI's 108 x 144 pixels, got 200 x 200",)),
        ('file = "pair.h5"\nphase = 1000', ("centre of coarse pixel 0 on the MSI's 108 pixels, got 1000",)),
        ('file = "pair.h5"\nphase = -3.5', ("got -3.5",)),
        ('file = "pair.h5"\nphase = nan', ("phase: expected",)),
        ('file = "pair.h5"\nchannels = ["low"]', ("channels: expected a sensor",)),
        ('hsi = {file = "pair.h5", variable = "hsi/cube"}\nmsi = {file = "pair.h5", variable = "hsi/cube"}', ("two images", "twice")),
        ('hsi = {file = "pair.h5", variable = "msi/cube"}\nmsi = {file = "pair.h5", variable = "hsi/cube"}', ("are they swapped?",)),
        ('hsi = {file = "pair.h5", variable = "hsi/cube", mask = "m"}\nmsi = {file = "pair.h5", variable = "msi/cube"}', ("hsi", "mask")),
        (
            'hsi = {file = "pair.h5", variable = "hsi/cube"}\nmsi = {file = "pair.h5", variable = "msi/cube", overlap = "drop"}',
            ("msi: expected none of mask, overlap, resample_to", "got overlap"),
        ),
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


def test_the_options_of_the_hsi_are_applied(tmp_path: Path) -> None:
    write_pair(tmp_path)
    image = '{file = "pair.h5", variable = "%s/cube"%s}'
    waves = f"{WAVELENGTHS[0]}:{WAVELENGTHS[-1]}:4"
    (tmp_path / "plan.toml").write_text(
        f'[[pair]]\nhsi = {image % ("hsi", f", resample_to = {waves!r}")}\nmsi = {image % ("msi", "")}\n[[method]]\nname = "bicubic"\n'
    )
    (pair,) = read_plan(tmp_path / "plan.toml", DataRoots.parse([]), None).pairs
    hsi = pair.source.pair().hsi
    expected = [np.interp(np.linspace(WAVELENGTHS[0], WAVELENGTHS[-1], 4), WAVELENGTHS, images()[0][:, 2, at]) for at in (0, 5)]
    assert np.allclose(hsi.cube[:, 2, [0, 5]].T, expected, atol=1e-5)


def test_a_changed_data_file_of_an_envi_pair_is_another_pair(tmp_path: Path) -> None:
    hsi, msi = images()
    for name, cube in (("h", hsi), ("m", msi)):
        write_cube_as(tmp_path / f"{name}.hdr", CubeFile(cube, WAVELENGTHS if name == "h" else None, name), NOWHERE)
    (tmp_path / "plan.toml").write_text('[[pair]]\nhsi = {file = "h.hdr"}\nmsi = {file = "m.hdr"}\n[[method]]\nname = "bicubic"\n')
    keys = []
    for _ in range(2):
        plan = read_plan(tmp_path / "plan.toml", DataRoots.parse([]), None)
        keys.append([cell.key for cell in plan.cells("cpu")])
        (data,) = [file for file in tmp_path.iterdir() if file.stem == "h" and file.suffix != ".hdr"]
        content = bytearray(data.read_bytes())
        content[40] ^= 1
        data.write_bytes(content)
    assert not set(keys[0]) & set(keys[1])


def test_images_of_one_size_are_no_pair_of_a_plan(tmp_path: Path) -> None:
    write_pair(tmp_path, msi=images()[1][:, ::3, ::3])
    assert "expected an MSI with more pixels than the HSI, got ratio 1" in refusal(tmp_path, 'file = "pair.h5"')

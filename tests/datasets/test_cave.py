from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from datasets.scene import SceneError
from datasets.sets import cave
from tests.datasets.fake_cave import cave_samples, write_cave_scene


def test_the_splits_are_12_and_20_of_32_scenes() -> None:
    assert (len(cave.TEST), len(cave.TRAIN), len(set(cave.SCENES))) == (12, 20, 32)
    assert not set(cave.TEST) & set(cave.TRAIN)


@pytest.mark.parametrize("folders", ["clay_ms/clay_ms", "clay_ms", "complete_ms_data/clay_ms/clay_ms", "complete_ms_data/clay_ms"])
def test_both_layouts_are_read_with_and_without_the_outer_folder(tmp_path: Path, folders: str) -> None:
    samples = cave_samples(6)
    write_cave_scene(tmp_path / folders, "clay", samples)
    scene = cave.read_scene(tmp_path, "clay", side=6)
    assert scene.name == "cave/clay"
    assert torch.equal(scene.cube, torch.from_numpy(samples.astype(np.float32) / np.float32(65535)))
    assert scene.wavelengths.tolist() == [400.0 + 10 * band for band in range(31)]


@pytest.mark.parametrize("ending", ["png", "tif", "jp2"])
def test_any_16_bit_format_gives_the_samples_to_the_last_bit(tmp_path: Path, ending: str) -> None:
    samples = cave_samples(8)
    write_cave_scene(tmp_path / "beads_ms", "beads", samples, ending)
    scene = cave.read_scene(tmp_path, "beads", side=8)
    assert np.array_equal(np.rint(scene.cube.double().numpy() * 65535), samples)
    assert ("near-lossless" in scene.source) == (ending == "jp2")


def test_bands_go_by_number_where_the_names_would_sort_otherwise(tmp_path: Path) -> None:
    samples = cave_samples(5)
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", samples)
    for band in range(1, 10):  # clay_ms_1.png sorts after clay_ms_19.png
        (folder / f"clay_ms_{band:02d}.png").rename(folder / f"clay_ms_{band}.png")
    assert np.array_equal(np.rint(cave.read_scene(tmp_path, "clay", side=5).cube.double().numpy() * 65535), samples)


def test_other_files_beside_the_bands_are_left_alone(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(5))
    Image.new("RGB", (5, 5)).save(folder / "clay_RGB.bmp")
    for name in ("Thumbs.db", "._clay_ms_01.png"):
        (folder / name).write_bytes(b"x")
    assert cave.read_scene(tmp_path, "clay", side=5).cube.shape == (31, 5, 5)


def test_watercolors_is_8_bit_rgba_divided_by_255(tmp_path: Path) -> None:
    samples = (cave_samples(6) >> 8).astype(np.uint8)
    write_cave_scene(tmp_path / "watercolors_ms" / "watercolors_ms", "watercolors", samples)
    with Image.open(tmp_path / "watercolors_ms" / "watercolors_ms" / "watercolors_ms_07.png") as image:
        assert image.mode == "RGBA"
    assert torch.equal(cave.read_scene(tmp_path, "watercolors", side=6).cube, torch.from_numpy(samples / np.float32(255)))


def test_a_coloured_band_of_watercolors_is_refused(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "watercolors_ms", "watercolors", (cave_samples(6) >> 8).astype(np.uint8))
    Image.new("RGBA", (6, 6), (10, 20, 30, 255)).save(folder / "watercolors_ms_04.png")
    with pytest.raises(SceneError, match=r"watercolors_ms_04.*coloured"):
        cave.read_scene(tmp_path, "watercolors", side=6)


def test_an_8_bit_copy_of_a_16_bit_scene_is_refused(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(6))
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(folder / "clay_ms_12.png")
    with pytest.raises(SceneError, match=r"clay_ms_12.*expected 16-bit.*mode L"):
        cave.read_scene(tmp_path, "clay", side=6)


def test_a_missing_band_is_named(tmp_path: Path) -> None:
    (write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(5)) / "clay_ms_17.png").unlink()
    with pytest.raises(SceneError, match=r"expected 31 bands.*got 30 files \(clay_ms_17.png missing\)"):
        cave.read_scene(tmp_path, "clay", side=5)


def test_a_band_too_many_is_named(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(5))
    shutil.copy(folder / "clay_ms_31.png", folder / "clay_ms_32.png")
    with pytest.raises(SceneError, match=r"clay_ms_32\.png too many"):
        cave.read_scene(tmp_path, "clay", side=5)


def test_a_band_in_two_formats_is_refused(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(5))
    shutil.copy(folder / "clay_ms_03.png", folder / "clay_ms_03.tif")
    with pytest.raises(SceneError, match=r"clay_ms_03.png, clay_ms_03.tif"):
        cave.read_scene(tmp_path, "clay", side=5)


@pytest.mark.parametrize("ending", ["png", "jp2"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_truncated_band_is_named(tmp_path: Path, ending: str, share: float) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(20), ending)
    file = folder / f"clay_ms_09.{ending}"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(SceneError, match=r"clay_ms_09.*broken or truncated"):
        cave.read_scene(tmp_path, "clay", side=20)


def test_a_band_of_another_size_is_named(tmp_path: Path) -> None:
    folder = write_cave_scene(tmp_path / "clay_ms", "clay", cave_samples(5))
    Image.fromarray(np.zeros((5, 7), np.uint16)).save(folder / "clay_ms_21.png")
    with pytest.raises(SceneError, match=r"clay_ms_21.png: expected 5 x 5 pixels, got 5 x 7"):
        cave.read_scene(tmp_path, "clay", side=5)


def test_a_scene_that_is_unknown_or_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="got 'ballons'"):
        cave.read_scene(tmp_path, "ballons")
    with pytest.raises(SceneError, match="no such folder"):
        cave.read_scene(tmp_path, "balloons")


def test_the_near_lossless_balloons_are_58_db_from_the_exact_crop(data_root: Path) -> None:
    if cave.scene_folder(data_root / "cave_near_lossless", "balloons") is None or not (data_root / "cave_exact").is_dir():
        pytest.skip("needs cave_near_lossless/balloons_ms and cave_exact/balloons_crop256.h5 in the data root")
    scene = cave.read_scene(data_root / "cave_near_lossless", "balloons")
    with h5py.File(data_root / "cave_exact" / "balloons_crop256.h5") as store:
        exact = store["cube"][()].astype(np.float64) / 65535
    error = scene.cube[:, 128:384, 128:384].double().numpy() - exact
    assert -10 * np.log10((error**2).mean()) == pytest.approx(58, abs=1.5)


def test_the_near_lossless_watercolors_are_8_bit(data_root: Path) -> None:
    if cave.scene_folder(data_root / "cave_near_lossless", "watercolors") is None:
        pytest.skip("needs cave_near_lossless/watercolors_ms in the data root")
    cube = cave.read_scene(data_root / "cave_near_lossless", "watercolors").cube.double() * 255
    assert (cube - cube.round()).abs().max() < 1e-4
    assert float(cube.max()) > 200

"""Which scene it is: by what the reader returns, never by name, place or format."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from benchmark.identity import cache_files
from benchmark.identity.scene_identity import identify, load_checked
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from datasets.scene import SceneError
from datasets.scene_catalog import find_scenes
from datasets.scene_sources import FileSource, SceneSource
from datasets.sets import cave


def source(path: Path, query: str = "") -> SceneSource:
    return find_scenes([f"file:{path}{query}"], DataRoots(None))[0]


@pytest.fixture
def cube() -> np.ndarray:
    return np.random.default_rng(3).random((5, 6, 8), dtype=np.float32)


def test_one_scene_in_two_formats_under_two_names_is_one_scene(tmp_path: Path, cube: np.ndarray) -> None:
    waves = np.linspace(400, 700, 5)
    write_cube(tmp_path / "a.h5", CubeFile(cube, waves, "a"))
    scipy.io.savemat(tmp_path / "b.mat", {"ref": cube.transpose(1, 2, 0), "wavelengths": waves})
    first = identify(source(tmp_path / "a.h5"))
    second = identify(source(tmp_path / "b.mat", "?variable=ref&layout=rows cols bands&wavelengths=400:700:5"))
    assert first == second
    assert first.shape == (5, 6, 8)
    shutil.copy(tmp_path / "a.h5", tmp_path / "renamed.h5")
    assert identify(source(tmp_path / "renamed.h5")) == first


def test_a_changed_value_or_wavelength_is_another_scene(tmp_path: Path, cube: np.ndarray) -> None:
    waves = np.linspace(400, 700, 5)
    write_cube(tmp_path / "a.h5", CubeFile(cube, waves, "a"))
    digests = {identify(source(tmp_path / "a.h5")).digest}
    changed = cube.copy()
    changed[4, 5, 7] += 1e-6
    for one, centres in ((changed, waves), (cube, waves + 1), (cube[:, ::-1], waves)):
        write_cube(tmp_path / "a.h5", CubeFile(np.ascontiguousarray(one), centres, "a"))
        digests.add(identify(source(tmp_path / "a.h5")).digest)
    assert len(digests) == 4, "the cache never answers for a file that was changed"


def test_a_mask_is_part_of_the_scene(tmp_path: Path, cube: np.ndarray) -> None:
    waves = np.linspace(400, 700, 5)
    write_cube(tmp_path / "a.h5", CubeFile(cube, waves, "a"))
    digests = {identify(source(tmp_path / "a.h5")).digest}
    for row in (0, 3):
        mask = np.ones((6, 8))
        mask[row, 1] = 0
        np.save(tmp_path / "m.npy", mask)
        digests.add(identify(source(tmp_path / "a.h5", f"?mask={tmp_path / 'm.npy'}")).digest)
    assert len(digests) == 3


def test_options_of_the_reader_that_change_the_cube_change_the_scene(tmp_path: Path) -> None:
    stored = np.random.default_rng(1).integers(0, 9000, (4, 6, 3), dtype=np.uint16)
    scipy.io.savemat(tmp_path / "lab.mat", {"ref": stored})
    name = "?variable=ref&layout=rows cols bands&scale={}&wavelengths=450:650:3"
    assert identify(source(tmp_path / "lab.mat", name.format(10000))) != identify(source(tmp_path / "lab.mat", name.format(9000)))


def test_the_cache_answers_without_reading_and_is_mended_when_damaged(
    tmp_path: Path, cube: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache_files.CACHE, str(tmp_path / "cache"))
    write_cube(tmp_path / "a.h5", CubeFile(cube, np.linspace(400, 700, 5), "a"))
    found = identify(source(tmp_path / "a.h5"))
    kept = next((tmp_path / "cache" / "scene_identities").glob("*.json"))

    def fails(self: FileSource) -> None:
        raise AssertionError("the scene was read")

    with monkeypatch.context() as patch:
        patch.setattr(FileSource, "load", fails)
        assert identify(source(tmp_path / "a.h5")) == found
    for damage in ("", "{}", '{"digest": 3, "shape": [1, 2, 3]}', '{"digest": "ab", "shape": [1, 2, 3]}', "[]"):
        kept.write_text(damage)
        assert identify(source(tmp_path / "a.h5")) == found


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, cube: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(cache_files.CACHE, str(tmp_path / "file"))
    write_cube(tmp_path / "a.h5", CubeFile(cube, np.linspace(400, 700, 5), "a"))
    assert identify(source(tmp_path / "a.h5")).shape == (5, 6, 8)


def test_lossy_files_count_by_their_bytes_and_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for band in range(1, 32):
        place = tmp_path / "cave" / "clay_ms"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((cave.SIDE, cave.SIDE), band * 1000, np.uint16)).save(place / f"clay_ms_{band:02d}.png")
    scene = find_scenes(["cave/clay"], DataRoots(tmp_path))[0]
    exact = identify(scene)
    monkeypatch.setattr("datasets.scene_sources.LOSSY", (".png",))
    lossy = identify(scene)
    assert lossy.digest != exact.digest
    assert lossy.shape == exact.shape == (31, cave.SIDE, cave.SIDE)
    first = tmp_path / "cave" / "clay_ms" / "clay_ms_01.png"
    Image.open(first).save(first, compress_level=1)  # the same pixels in other bytes
    assert identify(scene).digest != lossy.digest
    monkeypatch.undo()
    assert identify(scene) == exact


def test_generated_scenes_count_by_their_numbers_not_their_names() -> None:
    fields, textiles = find_scenes(["builtin/fields", "builtin/textiles"], DataRoots(None))
    assert identify(fields).digest != identify(textiles).digest
    assert identify(replace(fields, name="another")) == identify(fields)
    assert identify(fields).shape == tuple(fields.load().cube.shape)


def test_a_scene_that_is_not_the_planned_one_is_refused(tmp_path: Path, cube: np.ndarray) -> None:
    write_cube(tmp_path / "a.h5", CubeFile(cube, np.linspace(400, 700, 5), "a"))
    scene = source(tmp_path / "a.h5")
    digest = identify(scene).digest
    assert load_checked(scene, digest).cube.shape == (5, 6, 8)
    stat = (tmp_path / "a.h5").stat()
    write_cube(tmp_path / "a.h5", CubeFile(cube / 2, np.linspace(400, 700, 5), "a"))
    os.utime(tmp_path / "a.h5", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(SceneError, match=r"expected the cube that the plan was made for .* have been changed since"):
        load_checked(scene, digest)

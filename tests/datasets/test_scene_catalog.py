from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from spectral.io import envi

from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from datasets.scene import SceneError
from datasets.scene_catalog import find_scenes, list_scenes
from datasets.scene_sources import BuiltinSource, FileSource, SetSource
from datasets.sets import cave
from datasets.synthetic import BUILTIN
from tests.datasets.fake_cave import write_cave_scene


def flat_cave(root: Path, scenes: tuple[str, ...]) -> None:
    """Scenes of the true size, one value a band."""
    bands = [np.full((512, 512), 1000 * band, np.uint16) for band in range(31)]
    for scene in scenes:
        write_cave_scene(root / f"{scene}_ms", scene, np.stack(bands))


def empty_cave(root: Path, scenes: tuple[str, ...]) -> None:
    """Folders with one file each: enough to be found, not to be read."""
    for scene in scenes:
        (root / f"{scene}_ms").mkdir(parents=True)
        (root / f"{scene}_ms" / f"{scene}_ms_01.png").touch()


def cube_file(path: Path, waves: tuple[float, ...] = (400.0, 500.0, 600.0), value: float = 0.5) -> Path:
    return write_cube(path, CubeFile(np.full((len(waves), 4, 6), value, np.float32), np.array(waves), "inside"))


def only(name: str, root: Path | None) -> BuiltinSource | SetSource | FileSource:
    (source,) = find_scenes([name], DataRoots(root))
    assert isinstance(source, BuiltinSource | SetSource | FileSource)
    return source


# --- data roots


def test_a_data_root_is_the_argument_then_the_environment_then_the_cache(tmp_path: Path) -> None:
    environ = {"HMIF_DATA": str(tmp_path)}
    (tmp_path / "mine").mkdir()
    assert DataRoots.parse([str(tmp_path / "mine")], environ).root == tmp_path / "mine"
    assert DataRoots.parse([], environ).root == tmp_path
    cache = DataRoots.parse([], {}).root
    assert cache is not None
    assert cache.name == "hmif-bench"


def test_a_named_folder_goes_beside_the_root(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    roots = DataRoots.parse([f"cave={tmp_path / 'a=b'}", str(tmp_path)], {})
    assert (roots.root, roots.folder("cave"), roots.folder("srf")) == (tmp_path, tmp_path / "a=b", tmp_path / "srf")
    assert DataRoots.parse([str(tmp_path / "a=b")], {}).root == tmp_path / "a=b"
    assert DataRoots(None).folder("srf") is None


def test_wrong_data_arguments_are_errors(tmp_path: Path) -> None:
    for values, text in (
        ([f"cvae={tmp_path}"], "did you mean cave"),
        ([str(tmp_path), str(tmp_path)], "expected one data root"),
        ([str(tmp_path / "nowhere")], "nowhere, which is none"),
        ([f"cave={tmp_path / 'nowhere'}"], "nowhere, which is none"),
    ):
        with pytest.raises(SceneError, match=text):
            DataRoots.parse(values, {})
    assert DataRoots.parse([str(tmp_path / "nowhere")], {}, must_exist=False).root == tmp_path / "nowhere"
    with pytest.raises(SceneError, match="got 'srv'"):
        DataRoots(tmp_path).folder("srv")


# --- finding


def test_built_in_scenes_need_no_data() -> None:
    sources = find_scenes(list(BUILTIN), DataRoots(None))
    assert [source.name for source in sources] == ["builtin/still_life", "builtin/fields", "builtin/textiles"]
    assert sources[1].load().name == "builtin/fields"
    assert len({source.recipe() for source in sources}) == 3
    assert sources[0].files() == ()
    assert not sources[0].repeatable()
    assert sources[1].shape() == tuple(sources[1].load().cube.shape)


@pytest.mark.parametrize("folder", ["cave", "CAVE", "complete_ms_data", "cave_near_lossless", "."])
def test_cave_is_found_in_each_usual_folder(tmp_path: Path, folder: str) -> None:
    empty_cave(tmp_path / folder, ("clay",))
    assert only("cave/clay", tmp_path).name == "cave/clay"


def test_a_folder_named_for_cave_is_the_only_one_searched(tmp_path: Path) -> None:
    empty_cave(tmp_path / "root" / "cave", ("clay",))
    (tmp_path / "other").mkdir()
    with pytest.raises(SceneError, match=rf"looked in {tmp_path / 'other'};.*fetch cave.*--data cave=DIR"):
        find_scenes(["cave/clay"], DataRoots(tmp_path / "root", {"cave": tmp_path / "other"}))


def test_original_images_go_before_near_lossless_ones(tmp_path: Path) -> None:
    empty_cave(tmp_path / "cave_near_lossless", ("clay", "hairs"))
    empty_cave(tmp_path / "CAVE", ("clay",))
    sources = find_scenes(["cave/clay", "cave/hairs"], DataRoots(tmp_path))
    assert [source.base.name for source in sources if isinstance(source, SetSource)] == ["CAVE", "cave_near_lossless"]


def test_splits_expand_and_each_scene_comes_once(tmp_path: Path) -> None:
    empty_cave(tmp_path / "cave", cave.SCENES)
    roots = DataRoots(tmp_path)
    assert [source.name for source in find_scenes(["cave:test"], roots)] == [f"cave/{scene}" for scene in cave.TEST]
    assert len(find_scenes(["cave:train"], roots)) == 20
    mixed = find_scenes(["cave/hairs", "cave:all", "cave:test"], roots)
    assert (mixed[0].name, len(mixed)) == ("cave/hairs", 32)


def test_a_scene_of_cave_is_loaded_and_says_which_files_it_is_made_from(tmp_path: Path) -> None:
    flat_cave(tmp_path / "a" / "cave", ("clay",))
    shutil.copytree(tmp_path / "a" / "cave" / "clay_ms", tmp_path / "b" / "CAVE" / "complete_ms_data" / "clay_ms" / "clay_ms")
    first, second = only("cave/clay", tmp_path / "a"), only("cave/clay", tmp_path / "b")
    scene = first.load()
    assert torch.allclose(scene.cube[:, 3, 500], torch.arange(31) * 1000 / 65535)
    assert first.recipe() == second.recipe()
    assert [file.name for file in first.files()] == [f"clay_ms_{band:02d}.png" for band in range(1, 32)]
    assert first.repeatable()


def test_collections_are_the_cube_files_that_are_there(tmp_path: Path) -> None:
    cube_file(tmp_path / "remote" / "lake.h5", (400.0, 900.0, 850.0, 950.0))
    cube_file(tmp_path / "cave_exact" / "crop.h5")
    lake, crop = find_scenes(["remote/lake", "exact/crop"], DataRoots(tmp_path))
    assert lake.load().name == "remote/lake"
    assert lake.load().wavelengths.tolist() == [400.0, 900.0, 950.0]
    assert crop.load().cube.shape == (3, 4, 6)
    with pytest.raises(SceneError, match=r"lakes\.h5, got no such file \(did you mean remote/lake\?\)"):
        find_scenes(["remote/lakes"], DataRoots(tmp_path))


def test_a_single_file_takes_what_it_lacks_from_its_name(tmp_path: Path) -> None:
    stored = np.random.default_rng(1).integers(0, 9000, (4, 6, 3), dtype=np.uint16)
    scipy.io.savemat(tmp_path / "lab.mat", {"ref": stored, "other": stored})
    name = f"file:{tmp_path / 'lab.mat'}?variable=ref&layout=rows cols bands&scale=10000&wavelengths=450:650:3"
    scene = only(name, None).load()
    assert scene.name == "file/lab"
    assert scene.wavelengths.tolist() == [450.0, 550.0, 650.0]
    assert np.allclose(scene.cube, stored.transpose(2, 0, 1) / 10000, atol=1e-7)
    assert only(name, None).recipe() != only(name.replace("10000", "9000"), None).recipe()


def test_a_file_whose_own_name_has_a_question_mark_is_read(tmp_path: Path) -> None:
    cube_file(tmp_path / "what?.h5")
    assert only(f"file:{tmp_path / 'what?.h5'}", None).load().name == "file/what?"


def test_an_envi_file_is_made_from_header_and_data(tmp_path: Path) -> None:
    cube = np.zeros((4, 6, 3), np.float32)
    envi.save_image(str(tmp_path / "a.hdr"), cube, metadata={"wavelength": [1.0, 2.0, 3.0], "wavelength units": "um"}, ext="img")
    assert {file.name for file in only(f"file:{tmp_path / 'a.hdr'}", None).files()} == {"a.hdr", "a.img"}
    assert {file.name for file in only(f"file:{tmp_path / 'a.img'}", None).files()} == {"a.hdr", "a.img"}


@pytest.mark.parametrize(("compression", "lossy"), [(None, False), ("zlib", False), ("jpeg", True)])
def test_a_tiff_with_jpeg_inside_has_other_bits_elsewhere(tmp_path: Path, compression: str | None, lossy: bool) -> None:
    image = Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64))
    image.save(tmp_path / "a.tif", compression={"zlib": "tiff_adobe_deflate", None: None}.get(compression, compression))
    assert only(f"file:{tmp_path / 'a.tif'}", None).repeatable() is not lossy


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [cube_file(tmp_path / folder / "same.h5") for folder in "ab"]
    with pytest.raises(SceneError, match="two scenes called 'file/same'"):
        find_scenes([f"file:{file}" for file in files], DataRoots(None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("builtin/feilds", "did you mean builtin/fields"),
        ("cave/baloons", "did you mean cave/balloons"),
        ("cave:tets", "did you mean cave:test"),
        ("something", "list scenes"),
        ("file:nowhere.h5", "nowhere.h5, which is none"),
        ("file:nowhere.h5?scael=2", "did you mean scale"),
        ("file:nowhere.h5?scale=two", "scale: expected a number"),
        ("file:nowhere.h5?overlap=ignore", "overlap=error or drop"),
        ("file:nowhere.h5?wavelengths=2:1", "FIRST:LAST"),
    ],
)
def test_a_typo_is_an_error_with_the_way_out(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SceneError, match=text):
        find_scenes([name], DataRoots(tmp_path))


def test_the_list_says_what_is_there(tmp_path: Path) -> None:
    empty_cave(tmp_path / "cave", cave.TEST)
    cube_file(tmp_path / "remote" / "lake.h5")
    lines = {line.name: line for line in list_scenes(DataRoots(tmp_path))}
    assert lines["builtin/fields"].available
    assert (lines["cave:test"].available, lines["cave:all"].available) == (True, False)
    assert lines["cave:all"].note == "12 of 32 scenes found"
    assert (lines["cave/hairs"].available, lines["cave/beads"].available) == (True, False)
    assert "fetch cave" in lines["cave/beads"].note
    assert lines["remote/lake"].available
    found = find_scenes([line.name for line in lines.values() if line.available], DataRoots(tmp_path))
    assert len(found) == 3 + 12 + 1


def test_the_real_remote_scenes_load_with_rising_wavelengths(data_root: Path) -> None:
    if not (data_root / "remote" / "enmap_potsdam_l2a.h5").is_file():
        pytest.skip("needs remote/ in the data root")
    enmap = only("remote/enmap_potsdam_l2a", data_root).load()
    assert enmap.cube.shape == (209, 128, 64)
    assert "9 of 218 bands dropped" in enmap.source
    assert float(only("remote/jasper_ridge_r198", data_root).load().cube.max()) == pytest.approx(1.09, abs=0.01)


@pytest.mark.parametrize("waves", ["400:700:1000000000000", "400:700:0", "400:inf:3", "nan:700:3", "-400:700:3", "700:400:3"])
def test_wavelengths_of_a_query_that_cannot_be_are_refused_before_they_are_made(tmp_path: Path, waves: str) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4, 5), np.float32))
    with pytest.raises(SceneError, match=r"in nm, rising|wavelengths of light in nm"):
        find_scenes([f"file:{tmp_path / 'a.npy'}?layout=bands rows cols&wavelengths={waves}"], DataRoots())

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.data_roots import DataRoots
from datasets.reading_options import EvenCentres
from datasets.scene import Scene, SceneError
from datasets.scene_catalog import find_scenes
from datasets.scene_sources import FileSource, SceneSource, SetSource, expect_apart
from datasets.sets.all_sets import SETS
from datasets.sets.data_sheet import SheetError, read_sheet
from datasets.sets.named_set import NamedSet, ScenePattern, SetScene, Split, matches
from datasets.sets.sets_page import page_text
from tests.datasets.sets.fake_sets import COLS, FAKES, ROWS, in_folder, matlab5, matrix, samples

ROOT = Path(__file__).resolve().parents[3]


def of_any_size(source: SceneSource) -> SceneSource:
    """The source without the published size, which fakes do not have."""
    if isinstance(source, FileSource):
        return replace(source, published=None)
    assert isinstance(source, SetSource)
    return replace(source, scene=replace(source.scene, shape=None))


def read_fake(name: str, root: Path) -> tuple[Scene, np.ndarray]:
    """The scene that is read from the fake of a set, and what it must hold."""
    stored = FAKES[name].write(root / name)
    (source,) = find_scenes([f"{name}/{FAKES[name].scene}"], DataRoots(root))
    return of_any_size(source).load(), stored.astype(np.float64) / FAKES[name].scale


STRUCTS = (ROOT / "datasets" / "matlab5_structs.py").is_file()  # of MATLAB 5 files


@pytest.mark.parametrize("name", FAKES)
def test_a_set_in_its_true_format_gives_its_samples_over_the_scale(tmp_path: Path, name: str) -> None:
    if name == "muufl" and not STRUCTS:
        pytest.skip("needs a reader of structs in MATLAB 5 files")
    scene, expected = read_fake(name, tmp_path)
    assert scene.name == f"{name}/{FAKES[name].scene}"
    assert scene.cube.shape == expected.shape
    assert np.allclose(scene.cube.numpy(), expected, rtol=1e-6, atol=1e-7)
    ends = [float(scene.wavelengths[0]), float(scene.wavelengths[-1])]
    assert ends == pytest.approx(FAKES[name].wavelengths, abs=0.01)


def test_every_set_has_a_fake_or_tests_of_its_own() -> None:
    assert set(SETS) - set(FAKES) == {"cave", "ksc"}  # test_cave.py, and below


def test_ksc_leaves_out_the_bands_where_the_spectrometers_overlap(tmp_path: Path) -> None:
    stored = samples(176)
    matlab5(tmp_path / "ksc" / "KSC.mat", "KSC", stored)
    (source,) = find_scenes(["ksc/whole"], DataRoots(tmp_path))
    scene = of_any_size(source).load()
    centres = SETS["ksc"].scenes[0].options.wavelengths
    assert isinstance(centres, tuple)
    kept: list[int] = []
    for band, centre in enumerate(centres):  # a band is kept where it lies above all those before it
        if all(centre > before for before in centres[:band]):
            kept.append(band)
    assert (len(centres), len(kept)) == (176, 169)
    assert np.allclose(scene.cube.numpy(), stored[kept] / 10000)
    assert "7 of 176 bands dropped" in scene.source


def test_harvard_leaves_moved_pixels_out_of_the_scores(tmp_path: Path) -> None:
    scene, _ = read_fake("harvard", tmp_path)
    assert scene.mask is not None
    assert scene.mask.shape == (1024, 1024)
    assert np.argwhere(~scene.mask.numpy()).tolist() == [[3, 1]]  # the other one lies outside of the top left part


def test_the_order_of_pixels_in_a_matrix_is_matlabs(tmp_path: Path) -> None:
    scene, expected = read_fake("jasper_ridge", tmp_path)
    assert scene.cube.shape == (198, ROWS, COLS)
    assert float(scene.cube[7, 3, 4]) == pytest.approx(expected[7, 3, 4])


def test_the_real_jasper_ridge_is_the_cube_that_others_made_of_it(data_root: Path) -> None:
    if not (data_root / "remote" / "jasper_ridge_r198.h5").is_file() or not SETS["jasper_ridge"].has(
        data_root / "jasper_ridge", SETS["jasper_ridge"].scenes[0]
    ):
        pytest.skip("needs remote/jasper_ridge_r198.h5 and jasper_ridge/jasperRidge2_R198.mat in the data root")
    ours, theirs = (source.load() for source in find_scenes(["jasper_ridge/whole", "remote/jasper_ridge_r198"], DataRoots(data_root)))
    assert np.allclose(ours.cube.numpy(), theirs.cube.numpy(), atol=1e-7)
    assert np.allclose(ours.wavelengths.numpy(), theirs.wavelengths.numpy(), atol=0.01)


# --- sizes, names, errors


def test_a_file_of_another_size_under_a_sets_name_is_refused(tmp_path: Path) -> None:
    FAKES["pavia_university"].write(tmp_path / "pavia_university")
    (source,) = find_scenes(["pavia_university/whole"], DataRoots(tmp_path))
    with pytest.raises(SceneError, match=r"expected 103 bands of 610 x 340 pixels, as its data sheet says, got 103 of 7 x 5"):
        source.load()
    FAKES["jasper_ridge"].write(tmp_path / "jasper_ridge")
    (source,) = find_scenes(["jasper_ridge/whole"], DataRoots(tmp_path))
    with pytest.raises(SceneError, match=r"expected 198 bands of 100 x 100 pixels"):
        source.load()


@pytest.mark.parametrize("name", SETS)
def test_a_missing_set_says_where_it_is_to_be_had_and_what_its_folder_looks_like(tmp_path: Path, name: str) -> None:
    item, sheet = SETS[name], SETS[name].sheet()
    scene = item.scenes[0].name if item.scenes else "any"
    with pytest.raises(SceneError) as caught:
        find_scenes([f"{name}/{scene}"], DataRoots(tmp_path))
    text = str(caught.value)
    assert sheet["size"] in text
    assert sheet["folder"] in text
    assert sheet["where"] in text or f"fetch {name}" in text
    assert f"--data {name}=DIR" in text
    with pytest.raises(SceneError, match=f"--data {name}=DIR"):
        find_scenes([f"{name}/{scene}"], DataRoots(None))


def test_a_scene_that_a_set_lacks_is_an_error_that_names_near_ones(tmp_path: Path) -> None:
    FAKES["harvard"].write(tmp_path / "harvard")
    for wrong, text in (("harvard/imgd2", "did you mean harvard/imgd1"), ("chikusei/9", r"expected one of 1, 2, 3, 4, corner128")):
        with pytest.raises(SceneError, match=text):
            find_scenes([wrong], DataRoots(tmp_path))


@pytest.mark.parametrize("folder", ["pavia_university", "PaviaU", "PAVIAU", "Pavia_University/deeper"])
def test_names_of_folders_and_files_are_found_in_any_case(tmp_path: Path, folder: str) -> None:
    matlab5(tmp_path / folder / "PAVIAU.mat", "paviaU", samples(103))
    (source,) = find_scenes(["pavia_university/corner128"], DataRoots(tmp_path))
    assert [file.name for file in source.files()] == ["PAVIAU.mat"]


def test_a_set_may_lie_elsewhere(tmp_path: Path) -> None:
    matlab5(tmp_path / "else" / "PaviaU.mat", "paviaU", samples(103))
    roots = DataRoots.parse([f"pavia_university={tmp_path / 'else'}"], {})
    (source,) = find_scenes(["pavia_university/whole"], roots)
    assert source.files() == (tmp_path / "else" / "PaviaU.mat",)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("CZ_hsdb", "CZ_hsdbi"):
        matlab5(tmp_path / "harvard" / folder / "imga1.mat", "ref", samples(31, dtype="float64"))
    with pytest.raises(SceneError, match=r"harvard/imga1: expected one file, got CZ_hsdb/imga1.mat and CZ_hsdbi/imga1.mat"):
        find_scenes(["harvard:all"], DataRoots(tmp_path))


def test_a_set_without_its_table_of_wavelengths_is_refused(tmp_path: Path) -> None:
    FAKES["washington_dc"].write(tmp_path / "washington_dc")
    (tmp_path / "washington_dc" / "wavelengths.txt").unlink()
    (source,) = find_scenes(["washington_dc/whole"], DataRoots(tmp_path))
    with pytest.raises(SceneError, match=r"expected a file \*\*/\*\.txt with the band centres"):
        source.load()


@pytest.mark.parametrize("broken", [{"maxValue": np.uint16(0)}, {"nRow": np.uint8(6)}, {"SlectBands": np.array([[300]] * 162, np.uint16)}])
def test_a_matrix_whose_numbers_do_not_fit_is_refused(tmp_path: Path, broken: dict[str, object]) -> None:
    numbers = {"nRow": np.uint8(ROWS), "nCol": np.uint8(COLS), "maxValue": np.uint16(1000), **broken}
    matrix(tmp_path / "urban" / "Urban_R162.mat", "Y", samples(162), **numbers)
    (source,) = find_scenes(["urban/whole"], DataRoots(tmp_path))
    with pytest.raises(SceneError, match="expected Y of"):
        source.load()


def test_the_recipe_of_a_set_changes_with_what_is_said_of_it() -> None:
    item = SETS["jasper_ridge"]
    assert item.reader is not None
    other = replace(item.reader, scale=4000.0)  # type: ignore[call-arg]
    assert other.recipe(item.scenes[0]) != item.reader.recipe(item.scenes[0])
    source = SetSource("jasper_ridge/whole", item.reader, item.scenes[0], Path())
    assert source.reader.name == "pixel_matrix.py"


def test_the_folder_of_a_set_is_searched_once_for_all_scenes_of_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        np.save(in_folder(tmp_path / "aviris_tiles" / "train" / f"tile_{number}" / "GT.npz.npy"), np.zeros(1))
    searched: list[str] = []

    def counted(base: Path, pattern: str) -> Iterator[Path]:
        searched.extend([pattern] if "*" in pattern else [])
        return matches(base, pattern)

    monkeypatch.setattr("datasets.sets.named_set.matches", counted)
    assert len(find_scenes(["aviris_tiles:all"], DataRoots(tmp_path))) == 30
    assert len(searched) <= 4


def test_a_file_whose_name_looks_like_a_pattern_is_found(tmp_path: Path) -> None:
    matlab5(tmp_path / "harvard" / "img[1].mat", "ref", samples(31, dtype="float64"))
    (source,) = find_scenes(["harvard/img[1]"], DataRoots(tmp_path))
    assert source.files() == (tmp_path / "harvard" / "img[1].mat",)


# --- splits


def test_the_splits_of_cave_are_those_of_their_papers() -> None:
    cave = SETS["cave"]
    sizes = {name: len(cave.split(name, None)) for name in (*cave.splits, "all")}
    assert sizes == {
        "test": 12,
        "train": 20,
        "dhif-train": 20,
        "dhif-test": 12,
        "deng-train": 20,
        "deng-test": 11,
        "ual-train": 12,
        "ual-test": 20,
        "all": 32,
    }
    both = set(cave.split("test", None)) & set(cave.split("dhif-test", None))
    assert both == {"real_and_fake_apples", "real_and_fake_peppers", "stuffed_toys", "thread_spools"}
    ual = set(cave.split("ual-train", None))
    assert {"thread_spools", "sponges", "face"} < ual, "the first twelve of their list, which is not in alphabetical order"
    assert ual.isdisjoint(cave.split("ual-test", None))
    assert not {"beads", "clay", "real_and_fake_apples"} & ual
    assert cave.split("dhif-train", None)[0] == "balloons"
    assert cave.split("dhif-train", None)[-1] == "hairs"
    assert (cave.split("dhif-test", None)[0], cave.split("dhif-test", None)[-1]) == ("jelly_beans", "watercolors")
    assert set(cave.split("all", None)) - set(cave.split("deng-train", None)) - set(cave.split("deng-test", None)) == {"watercolors"}


@pytest.mark.parametrize("name", SETS)
def test_test_and_training_scenes_of_one_group_share_no_pixel(name: str) -> None:
    item = SETS[name]
    known = {scene.name: scene for scene in item.scenes}
    for split, facts in item.splits.items():
        partner = item.splits.get(split.replace("test", "train"))
        if "test" not in split or partner is None:
            continue
        assert not set(facts.names) & set(partner.names), split
        for one in facts.names:
            for other in partner.names:
                first, second = (known[scene].options.crop for scene in (one, other)) if one in known and other in known else (None, None)
                if first is not None and second is not None and known[one].files == known[other].files:
                    rows = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
                    cols = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
                    assert rows <= 0 or cols <= 0, f"{one} and {other} overlap"


@pytest.mark.parametrize(("name", "training", "tested"), [("chikusei", "train", "4"), ("washington_dc", "train", "test")])
def test_windows_of_one_image_may_not_overlap_in_training_and_test(tmp_path: Path, name: str, training: str, tested: str) -> None:
    FAKES[name].write(tmp_path / name)
    one, other, whole = find_scenes([f"{name}/{training}", f"{name}/{tested}", f"{name}/whole"], DataRoots(tmp_path))
    expect_apart([one], [other])
    for pair in (([one], [whole]), ([whole], [other])):
        with pytest.raises(SceneError, match="do not overlap those of the test"):
            expect_apart(*pair)


@pytest.mark.parametrize("name", SETS)
def test_splits_name_scenes_and_windows_lie_inside(name: str) -> None:
    item = SETS[name]
    known = {scene.name: scene for scene in item.scenes}
    for facts in item.splits.values():
        assert facts.source
        if known:
            assert set(facts.names) <= set(known)
    whole = known.get("whole")
    for scene in item.scenes:
        crop, centres = scene.options.crop, scene.options.wavelengths
        if crop is not None and whole is not None and whole.shape is not None and scene.files == whole.files:
            assert min(crop[:2]) >= 0
            assert crop[0] + crop[2] <= whole.shape[1]
            assert crop[1] + crop[3] <= whole.shape[2]
        if crop is not None and scene.shape is not None:
            assert scene.shape[1:] == crop[2:]
        if isinstance(centres, EvenCentres):
            assert scene.shape is None or centres.count == scene.shape[0]


def test_splits_by_folder_by_place_and_by_what_is_left(tmp_path: Path) -> None:
    for path in ("Train/c.npy", "Train/a.npy", "valid/b.npy"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        np.save(tmp_path / path, np.zeros((2, 2, 2)))
    splits = {
        "train": Split("a paper", folder="train"),
        "places": Split("a paper", places=(3, 1), of=3),
        "rest": Split("a paper", without=("a",), of=3),
        "nowhere": Split("a paper", folder="test"),
        "more": Split("a paper", places=(1,), of=4),
    }
    item = NamedSet(
        "mine", ROOT / "datasets" / "sets" / "harvard.py", pattern=ScenePattern("**/*.npy", SetScene("").options), splits=splits
    )
    assert item.split("all", tmp_path) == ("a", "b", "c")
    assert item.split("train", tmp_path) == ("a", "c")
    assert item.split("places", tmp_path) == ("c", "a")
    assert item.split("rest", tmp_path) == ("b", "c")
    with pytest.raises(SceneError, match="expected scenes in a folder test, got none"):
        item.split("nowhere", tmp_path)
    with pytest.raises(SceneError, match="expected 4 scenes, among which this split counts, got 3"):
        item.split("more", tmp_path)


def test_the_lists_of_the_aviris_tiles_are_200_and_200() -> None:
    splits = SETS["aviris_tiles"].splits
    assert (len(set(splits["test"].names)), len(set(splits["val"].names)), len(set(splits["train"].without))) == (200, 200, 400)


# --- data sheets


@pytest.mark.parametrize("name", SETS)
def test_every_data_sheet_is_whole(name: str) -> None:
    sheet = SETS[name].sheet()
    assert all(sheet.rows.values())
    for split in SETS[name].splits:
        assert split in sheet["splits"] or split == "windows" or name == "mdas", f"{name}:{split} is not in the data sheet"


def test_a_sheet_with_a_row_too_few_or_too_many_is_refused(tmp_path: Path) -> None:
    good = (ROOT / "datasets" / "sets" / "kaist.py").read_text(encoding="utf-8")
    for change in (("licence ", "license "), ("doi          10.1145/3130800.3130810\n", ""), ("doi   ", "size   ")):
        (tmp_path / "sheet.py").write_text(good.replace(*change), encoding="utf-8")
        with pytest.raises(SheetError):
            read_sheet(tmp_path / "sheet.py")


def test_the_page_of_data_sets_is_made_from_the_sheets() -> None:
    written = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    way = "from pathlib import Path; from datasets.sets.sets_page import write_page; write_page(Path('docs/datasets.md'))"
    assert written == page_text(), f'write it again: python -c "{way}"'

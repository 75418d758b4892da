"""A crop that is trained on and a crop that is tested may not share a pixel."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.pair_sources import PairSource
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError
from datasets.scene_sources import FileSource, expect_apart


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mat", "b.mat", "e.hdr", "e.img"):
        Path(name).write_bytes(b"-")
    Path("link.mat").hardlink_to("a.mat")


def crop(name: str, *numbers: int, file: str = "a.mat", variable: str | None = None) -> FileSource:
    rectangle = (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None
    return FileSource(name, Path(file), ReadingOptions(crop=rectangle, variable=variable))


@pytest.mark.parametrize("test", [(0, 0, 10, 5), (9, 4, 3, 3), (0, 0, 100, 100), (3, 2, 1, 1), ()])
def test_crops_that_share_a_pixel_are_refused(test: tuple[int, ...]) -> None:
    with pytest.raises(SceneError, match=r"crops of a\.mat that do not overlap .* 'left' .* 'test'"):
        expect_apart(
            [crop("other", 500, 500, 2, 2, file="b.mat"), crop("left", 0, 0, 10, 5 + (test == (0, 0, 10, 5)))], [crop("test", *test)]
        )


@pytest.mark.parametrize("test", [(0, 5, 10, 5), (10, 0, 4, 5), (10, 5, 1, 1), (0, 6, 100, 100)])
def test_crops_beside_each_other_are_fine(test: tuple[int, ...]) -> None:
    expect_apart([crop("left", 0, 0, 10, 5)], [crop("test", *test)])


def test_other_files_other_variables_and_one_and_the_same_scene_are_left_alone() -> None:
    left = crop("left", 0, 0, 10, 5)
    named = crop("left", 0, 0, 10, 5, variable="one")
    expect_apart([left], [crop("test", 0, 0, 9, 5, file="b.mat"), left])
    expect_apart([named], [crop("test", 0, 0, 9, 5, variable="other")])


def test_an_image_is_known_by_its_file_whatever_the_name_and_the_variable(tmp_path: Path) -> None:
    held = crop("left", 0, 0, 10, 5, variable="cube")
    for trained in (crop("x", 5, 1, 9, 9), crop("x", 5, 1, 9, 9, file="link.mat"), crop("x", 5, 1, 9, 9, variable="cube")):
        with pytest.raises(SceneError, match="do not overlap"):
            expect_apart([trained], [held])
    with pytest.raises(SceneError, match="do not overlap"):
        expect_apart([crop("x", 5, 1, 9, 9, file="e.hdr")], [crop("y", file="e.img")])
    pair = PairSource("pair/a", tmp_path / "a.mat", tmp_path / "b.mat", ReadingOptions(), ReadingOptions())
    with pytest.raises(SceneError, match="'pair/a'"):
        expect_apart([crop("x", 5, 1, 9, 9)], [pair])

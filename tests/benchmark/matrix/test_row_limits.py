"""Rows that are meant for some scenes and protocols of a plan: their cells, their keys, what is told of them, and errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.matrix.cell import CELL_FIELDS
from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.matrix.row_limits import RowLimit, rows_with_cells
from benchmark.review.plan_list import _listed
from benchmark.run_folder.selection import read_selection, selected
from datasets.data_roots import DataRoots
from datasets.settings import SettingError
from methods.catalog import find_namesakes
from tests.benchmark.conftest import small_world

BOX = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
HEAD = f"""name = "t"
seeds = [4, 1]
skip_missing = MISSING
scenes = ["file:a.h5", "file:b.h5", "builtin/fields"GONE]
protocols = []
[[protocol]]
name = "clean [1]"
{BOX}
[[protocol]]
name = "noisy"
msi_snr_db = 30
{BOX}
"""
ROWS = """
[[method]]
name = "bicubic"
[[method]]
name = "steady"
scenes = ["file/*"]
[[method]]
name = "st*"
scenes = ["builtin/fields", "file/b"]
protocols = ["noisy"]
grid = {strength = [1.0, 0.5]}
[[method]]
name = "gs*"
protocols = ["clean [1]"]
scenes = ["*s"]
"""
CELLS = {  # by hand: label, scene, protocol, seed; Bicubic and GSA draw nothing, so that a second seed counts under noise alone
    *(("Bicubic", scene, "clean [1]", 4) for scene in ("file/a", "file/b", "builtin/fields")),
    *(("Bicubic", scene, "noisy", seed) for scene in ("file/a", "file/b", "builtin/fields") for seed in (4, 1)),
    *(
        ("steady (strength=1)", scene, protocol, seed)
        for scene in ("file/a", "file/b")
        for protocol in ("clean [1]", "noisy")
        for seed in (4, 1)
    ),
    *(("steady (strength=0.5)", scene, "noisy", seed) for scene in ("file/b", "builtin/fields") for seed in (4, 1)),
    ("GSA", "builtin/fields", "clean [1]", 4),
}


def read(world: Path, rows: str, *, gone: str = "", missing: bool = False) -> Plan:
    file = world / "plan.toml"
    file.write_text(HEAD.replace("MISSING", str(missing).lower()).replace("GONE", gone) + rows)
    return read_plan(file, DataRoots(world), world / "plugins")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def limited(world: Path) -> Plan:
    return read(world, ROWS)


def test_a_row_has_the_cells_for_which_it_is_meant_and_they_are_those_of_the_plan_without_limits(world: Path, limited: Plan) -> None:
    cells = limited.cells("cpu")
    found = {(cell.contestant.label, cell.scene.name, cell.protocol.name, cell.seed): cell.key for cell in cells}
    assert set(found) == CELLS
    assert len(cells) == len(CELLS)
    free = replace(limited, contestants=[replace(row, limit=RowLimit()) for row in limited.contestants])
    whole = {(cell.contestant.label, cell.scene.name, cell.protocol.name, cell.seed): cell.key for cell in free.cells("cpu")}
    assert found.items() < whole.items(), "a limit is no part of a key"
    assert limited.repeats() == 3 + 1, "Bicubic on three scenes, GSA on one"
    assert free.repeats() == 3 + 3
    assert len(limited.observed_once()) == 3 * 2 * 2, "an export is of every scene, whatever the rows are meant for"
    picked = selected(cells, read_selection(["label=steady*", "scene=builtin/*"], CELL_FIELDS), CELL_FIELDS)
    assert {(cell.contestant.label, cell.seed) for cell in picked} == {("steady (strength=0.5)", 4), ("steady (strength=0.5)", 1)}


def test_the_plan_says_for_what_each_row_is_meant(limited: Plan) -> None:
    told = {row["label"]: (row.get("scenes"), row.get("protocols")) for row in limited.summary()["methods"]}
    assert told == {
        "Bicubic": (None, None),
        "steady (strength=1)": (["file/a", "file/b"], None),
        "steady (strength=0.5)": (["file/b", "builtin/fields"], ["noisy"]),
        "GSA": (["builtin/fields"], ["clean [1]"]),
    }


def test_the_list_of_plans_counts_no_more_cells_than_the_rows_can_have(world: Path, limited: Plan) -> None:
    (world / "counted.toml").write_text(limited.text)
    listed = _listed(
        "counted", world / "counted.toml", DataRoots(world), {name: each[0] for name, each in find_namesakes(world / "plugins").items()}
    )
    # Bicubic 3 x 2, steady 2 x 2, both of "st*" 2 x 1, GSA 1 x 1, each with two seeds
    assert listed.cells == 2 * (6 + 4 + 2 * 2 + 1)
    assert listed.rows == 5


def test_a_limit_that_fits_nothing_is_an_error_before_the_work(limited: Plan) -> None:
    first = limited.contestants[0]
    scenes, protocols = ["file/a", "file/b", "pair/mine"], ["x8", "mine, as taken"]
    observed = [("file/a", "x8"), ("file/b", "x8"), ("pair/mine", "mine, as taken")]

    def kept(scenes_of: tuple[str, ...] = (), protocols_of: tuple[str, ...] = (), *, gone: bool = False) -> tuple[int, list[str]]:
        row = replace(first, limit=RowLimit(scenes_of, protocols_of))
        rows, told = rows_with_cells([row], observed, scenes, protocols, scenes_missing=gone, pairs_missing=False)
        return len(rows), told

    assert kept(("pair/*",)) == kept(("file/b",), ("x?",)) == kept((), ("mine, as taken",)) == (1, [])
    with pytest.raises(
        SettingError, match=r"method Bicubic: scenes: expected a name or pattern .* file/a, file/b, pair/mine, got 'file/c'"
    ):
        kept(("file/a", "file/c"))
    with pytest.raises(SettingError, match=r"method Bicubic: protocols: expected a name or pattern that matches one of x8, .*got 'x9'"):
        kept((), ("x9",))
    with pytest.raises(
        SettingError, match="expected a cell or more, got none: no scene of 'pair/mine' is observed under a protocol of 'x8'"
    ):
        kept(("pair/mine",), ("x8",))
    (number, told) = kept(("cave/*",), gone=True)
    assert (number, told) == (0, ["method Bicubic is left out: none of the scenes for which it is meant is there"])
    with pytest.raises(SettingError, match="got 'x9'"):
        kept((), ("x9",), gone=True)  # no protocol is missing with a scene


def test_where_scenes_are_missing_a_row_that_is_meant_for_them_is_left_out_and_named(world: Path) -> None:
    rows = "".join(
        f'[[method]]\nname = "{name}"\n{limit}\n'
        for name, limit in (("bicubic", ""), ("gsa", 'scenes = ["cave/*"]'), ("glp", 'scenes = ["cave/clay", "file/a"]'))
    )
    checked = read(world, rows, gone=', "cave/clay"', missing=True)
    assert [row.label for row in checked.contestants] == ["Bicubic", "GLP-HS"]
    assert checked.left_out[-1] == "method GSA is left out: none of the scenes for which it is meant is there"
    assert {cell.scene.name for cell in checked.cells("cpu") if cell.contestant.label == "GLP-HS"} == {"file/a"}
    with pytest.raises(PlanError, match="method Bicubic: scenes: expected a name or pattern that matches one of file/a"):
        read(world, '[[method]]\nname = "bicubic"\nscenes = ["file/aa"]\n')

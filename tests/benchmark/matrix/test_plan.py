"""Plans: every typo is an error before anything runs; grids, labels and files."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.training.training_plan import read_training_plan
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan


def read(world: Path, file: Path, seed: int | None = None) -> Plan:
    return read_plan(file, DataRoots.parse([]), world / "plugins", seed)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (('name = "bicubic"', 'name = "bicubik"'), "did you mean 'bicubic'"),
        (("camera-x8", "camera-x9"), "did you mean 'camera-x8'"),
        (("scenes =", "scens ="), "unknown setting 'scens': did you mean 'scenes'"),
        (("scenes =", "scene ="), "scene: expected"),
        (("[[method]]", '[[protocol]]\nname = "camera-x8"\n\n[[method]]'), "'camera-x8' is described below .* take it out of protocols"),
        (("builtin/fields", "builtin/field"), "builtin/fields"),
        (('name = "bicubic"', 'name = "rfuse"\nparameters = {rnak = 3}'), "did you mean 'rank'"),
        (('name = "bicubic"', 'name = "rfuse"\nparameters = {rank = "three"}'), "rank: expected a whole number, got 'three'"),
        (('name = "bicubic"', 'name = "rfuse"\ngrid = {rank = 3}'), "expected a list of values"),
        (('name = "bicubic"', 'name = "bicubic"\nlable = "x"'), "did you mean 'label'"),
        (("seeds = [0]", "seeds = [0, 0]"), "expected each once, got '0' twice"),
        (("seeds = [0]", "seeds = []"), "seeds: expected at least one"),
        (("seeds = [0]", "seeds = [0"), "expected TOML"),
        (("seeds = [0]", "time_limit_s = -1"), "above 0"),
        (('["camera-x8"]', '["mossfuse-x8"]'), "fetch nikon_d700"),
        (('name = "bicubic"', 'name = "mossfuse"\nparameters = {checkpoint = "none.pth"}'), "checkpoint: expected a file, looked at"),
    ],
)
def test_a_typo_is_an_error_that_names_the_valid(world: Path, change: tuple[str, str], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HMIF_DATA", raising=False)
    good = 'scenes = ["builtin/fields"]\nprotocols = ["camera-x8"]\nseeds = [0]\n[[method]]\nname = "bicubic"\n'
    assert change[0] in good
    file = world / "plan.toml"
    file.write_text(good)
    read_plan(file, DataRoots.parse([str(world)]))
    file.write_text(good.replace(*change))
    with pytest.raises(PlanError, match=text):
        read_plan(file, DataRoots.parse([str(world)]))


def test_a_missing_plan_is_named(world: Path) -> None:
    with pytest.raises(PlanError, match=r"none\.toml"):
        read(world, world / "none.toml")


def test_a_grid_makes_every_combination_a_row_of_its_own(world: Path) -> None:
    file = plan(
        world, [], '[[method]]\nname = "rfuse"\nparameters = {prior_weight = 1}\ngrid = {rank = [2, 5]}\n[[method]]\nname = "bicubic"'
    )
    contestants = read(world, file).contestants
    assert [entry.label for entry in contestants] == ["R-FUSE (rank=2)", "R-FUSE (rank=5)", "Bicubic"]
    assert {entry.parameters["prior_weight"] for entry in contestants[:2]} == {1.0}


def test_two_rows_that_cannot_be_told_apart_are_refused(world: Path) -> None:
    with pytest.raises(PlanError, match="'Bicubic' twice"):
        read(world, plan(world, ["bicubic", "bicubic"]))


def test_cells_that_share_an_observation_lie_together(world: Path) -> None:
    cells = read(world, plan(world, ["steady", "cnmf"], "seeds = [0, 1]")).cells("cpu")
    order = [cell.observation_digest for cell in cells]
    assert len(cells) == 8
    assert len({cell.key for cell in cells}) == 8
    assert sum(first != second for first, second in pairwise(order)) == 3


def test_a_seed_that_changes_nothing_is_not_planned(world: Path) -> None:
    text = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
    extra = f'seeds = [4, 1, 2]\n[[protocol]]\nname = "clean"\n{text}[[protocol]]\nname = "noisy"\nmsi_snr_db = 20\n{text}'
    checked = read(world, plan(world, ["steady", "bicubic"], extra, protocols="[]"))
    cells = checked.cells("cpu")
    counts = Counter((cell.contestant.label, cell.protocol.name) for cell in cells)
    assert counts == {("steady", "clean"): 6, ("steady", "noisy"): 6, ("Bicubic", "clean"): 2, ("Bicubic", "noisy"): 6}
    assert {cell.seed for cell in cells if (cell.contestant.label, cell.protocol.name) == ("Bicubic", "clean")} == {4}
    assert checked.repeats() == 4


def test_a_seed_on_the_command_line_replaces_the_plans(world: Path) -> None:
    assert list(read(world, plan(world, ["steady"], "seeds = [0, 1]"), seed=9).seeds) == [9]


def test_the_shipped_plans_are_valid(data_root: Path) -> None:
    folder = Path(__file__).resolve().parents[3] / "benchmark" / "plans"
    roots = DataRoots.parse([str(data_root)])
    for file in sorted(folder.glob("*.toml")):
        if "_train_" in file.stem:  # a plan of `train`
            assert read_training_plan(file, roots).scenes, file
        else:
            assert read_plan(file, roots).contestants, file

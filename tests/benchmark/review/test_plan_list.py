"""`list plans`: counts agree with the plan as it is read; what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.matrix import plan_names
from benchmark.matrix.plan_file import read_plan
from benchmark.review import plan_list
from benchmark.review.plan_list import listed_plans, plan_rows
from datasets.data_roots import DataRoots

TEXT = """# What it is: a test.
seeds = [0, 1]
skip_missing = true
scenes = ["builtin/fields", "builtin/textiles", "cave/balloons", "jasper_ridge/whole"]
methods = ["g*"]
[[protocol]]
name = "camera-x8"
scenes = ["builtin/f*"]
[[protocol]]
name = "mossfuse-x8"
scenes = ["builtin/t*"]
sensor = "rgb_camera"
[[protocol]]
name = "cave alone"
scenes = ["cave/*"]
ratio = 4
phase = 1
psf = {kind = "box", taps = 4}
sensor = "worldview2"
[[method]]
name = "rfuse"
grid = {rank = [3, 4], prior_weight = [1.0, 2.0, 3.0]}
[[method]]
name = "mossfuse"
parameters = {checkpoint = "weights/none.pth"}
[[pair]]
name = "mine"
file = "pairs/mine.h5"
"""


def test_counts_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_plan.toml").write_text(TEXT)
    (tmp_path / "my_training.toml").write_text("# A training.\npatches = 4\n")
    plans = plan_names.named_plans(tmp_path)
    monkeypatch.setattr(plan_list, "named_plans", lambda: plans)
    roots = DataRoots(tmp_path)
    mine, training = listed_plans(roots)
    assert (mine.name, mine.about, training.train) == ("my-plan", "What it is", True)
    assert (mine.scenes, mine.rows) == (4 + 1, 2 + 6 + 1)  # glp and gsa, the grid, mossfuse
    assert mine.cells == (1 + 1 + 1 + 2) * 9 * 2
    assert mine.megabytes is None, "the size of a pair is in its file"
    assert mine.missing == ("cave/balloons", "jasper_ridge/whole", "pair mine", "weights/none.pth")
    heads, row, other = plan_rows(roots)
    assert heads[0] == "name"
    assert row[1:] == ("5", "9", "<= 90", "?", "cave/balloons, jasper_ridge/whole, pair mine, 1 more", "What it is")
    assert other[-1] == "A training (`train METHOD my-training`)"
    checked = read_plan(plans["my-plan"], roots)
    assert len(checked.contestants) == mine.rows - 1  # the row without its weights
    assert {line.split(" is left out")[0] for line in checked.left_out} == {
        *("scene cave/balloons", "scene jasper_ridge/whole", "pair mine", "method mossfuse")
    }
    assert len(checked.cells("cpu")) == 2 * (2 + 6), "two scenes are there, and without noise a second seed changes nothing"


def test_disk_is_told_where_shapes_are_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.toml").write_text(
        '# Two.\nscenes = ["cave:test"]\nprotocols = ["camera-x8", "camera-x?"]\nmethods = ["gsa", "bicubic"]\n'
    )
    plans = plan_names.named_plans(tmp_path)
    monkeypatch.setattr(plan_list, "named_plans", lambda: plans)
    (plan,) = listed_plans(DataRoots(tmp_path))
    assert (plan.scenes, plan.cells, plan.missing) == (12, 24, ("cave:test",))
    assert plan.megabytes == pytest.approx(24 * 512 * 512 * 31 * 2 / 1e6)

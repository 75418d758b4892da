"""Plans by name; methods, protocols and scenes by pattern; data that are missing; the order of cells."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from benchmark.matrix.pattern_rows import expand_names
from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.matrix.plan_names import PLANS, PlanNameError, find_plan, named_plans
from benchmark.runner.resumption import planned_once
from datasets.data_roots import DataRoots
from datasets.settings import SettingError
from tests.benchmark.conftest import plan, plugin

BOX = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'


def read(world: Path, text: str) -> Plan:
    file = world / "plan.toml"
    file.write_text(text)
    return read_plan(file, DataRoots(world), world / "plugins")


def test_every_plan_of_the_suite_has_its_name() -> None:
    plans = named_plans()
    assert {file.name for file in plans.values()} == {file.name for file in PLANS.glob("*.toml")}
    for given in ("cave-x32", "cave_x32", "CAVE-X32", "cave_x32.toml"):
        assert find_plan(given) == PLANS / "cave_x32.toml"


def test_a_path_stays_a_path_and_a_typing_error_gets_the_nearest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").write_text("x")
    assert find_plan("quick") == Path("quick"), "a file that is there is that file"
    assert find_plan("sub/quick") == Path("sub/quick")
    assert find_plan("mine.toml") == Path("mine.toml")
    with pytest.raises(PlanNameError, match=r"got 'cave-x23': did you mean 'cave-x32'\? valid: .*quick"):
        find_plan("cave-x23")


def test_names_by_pattern_come_once_in_the_order_of_all_names() -> None:
    assert expand_names("x", ["b*", "a1", "*1"], ["a1", "b2", "b1", "c"]) == (["b2", "b1", "a1"], 2)
    with pytest.raises(SettingError, match=r"x 'c-\*': expected a pattern that matches one of cc, d, got no match"):
        expand_names("x", ["c-*"], ["cc", "d"])


def test_a_pattern_brings_each_method_once_and_names_what_cannot_take_part(world: Path) -> None:
    plugin(world / "plugins", "stern", "return Estimate(low)")
    (world / "plugins" / "stray.py").write_text("class Method:\n    pass\nraise OSError('no disk')\n")
    head = f'scenes = ["file:{world}/a.h5"]\nprotocols = ["camera-x8"]\n'
    checked = read(
        world,
        head + 'methods = ["st*", "ssrn*"]\n[[method]]\nname = "steady"\n[[method]]\nname = "st?rn"\ngrid = {strength = [2.0, 1.0]}\n',
    )
    assert [row.label for row in checked.contestants] == ["steady", "stern (strength=2)", "stern (strength=1)"]
    assert checked.named_again == 2  # steady by "st*", stern by "st*"
    out = " | ".join(checked.left_out)
    assert "method stray is left out" in out
    assert "no disk" in out
    assert "method ssrnet is left out: it must be trained first, and the plan has no [training]" in out
    told = planned_once(checked, "cpu")
    assert "2 names that patterns bring once more: planned once" in told
    assert set(checked.left_out) <= set(told)


def test_rows_by_hand_are_errors_where_rows_by_pattern_are_left_out(world: Path) -> None:
    head = f'scenes = ["file:{world}/a.h5"]\nprotocols = ["camera-x8"]\n'
    with pytest.raises(PlanError, match=r"expected \[training\] with scenes"):
        read(world, head + '[[method]]\nname = "ssrnet"\n')
    with pytest.raises(PlanError, match="expected at least one that can take part, got none\n  method ssrnet is left out"):
        read(world, head + 'methods = ["ssrnet*"]\n')
    with pytest.raises(PlanError, match=r"method 'xx\*': expected a pattern"):
        read(world, head + 'methods = ["xx*"]\n')


def test_protocols_by_pattern_are_presets_and_equal_ones_are_planned_once(world: Path) -> None:
    (world / "srf").mkdir()
    checked = read(world, f'scenes = ["file:{world}/a.h5"]\nprotocols = ["wald-x4", "wald-*", "cam*"]\nmethods = ["steady"]\n')
    assert [protocol.name for protocol in checked.protocols] == ["wald-x4", "wald-x8", "camera-x8"]
    assert checked.named_again == 1
    same = f'[[protocol]]\nname = "one"\n{BOX}[[protocol]]\nname = "two"\n{BOX}'
    with pytest.raises(PlanError, match="'one' and 'two' have equal numbers"):
        read(world, f'scenes = ["file:{world}/a.h5"]\nmethods = ["steady"]\n{same}').cells("cpu")


def test_one_scene_is_done_before_the_next_and_a_protocol_may_be_for_some_scenes(world: Path) -> None:
    text = (
        f'seeds = [1, 0]\nscenes = ["file:{world}/a.h5", "file:{world}/b.h5"]\nprotocols = ["noisy-x4"]\nmethods = ["bicubic", "steady"]\n'
    )
    cells = read(world, f'{text}[[protocol]]\nname = "b alone"\nscenes = ["*/b"]\n{BOX}').cells("cpu")
    assert [scene for scene, _ in groupby(cells, lambda cell: cell.scene.name)] == ["file/a", "file/b"]
    assert {cell.protocol.name for cell in cells if cell.scene.name == "file/a"} == {"noisy-x4"}
    shared = [digest for digest, _ in groupby(cells, lambda cell: cell.observation_digest)]
    assert len(shared) == len(set(shared)) == 2 * 2 + 2, "cells that share an observation lie together"
    first = [(cell.contestant.label, cell.seed) for cell in cells[:4]]
    assert first == [("Bicubic", 1), ("steady", 1), ("Bicubic", 0), ("steady", 0)]
    with pytest.raises(PlanError, match=r"b alone: scenes: expected a pattern that matches one of file/a, file/b, got '\*/c'"):
        read(world, f'{text}[[protocol]]\nname = "b alone"\nscenes = ["*/c"]\n{BOX}')


def test_missing_data_are_left_out_where_the_plan_says_so_and_typing_errors_are_not(world: Path) -> None:
    names = f'"file:{world}/a.h5", "cave:test", "remote/jasper_ridge_r198"'
    pair = '[[pair]]\nname = "Paris"\nfile = "pairs/paris.h5"\n'
    text = f'scenes = [{names}]\nprotocols = ["camera-x8"]\nmethods = ["steady"]\n'
    with pytest.raises(PlanError, match="CAVE"):
        read(world, text)
    checked = read(world, f"skip_missing = true\n{text}{pair}")
    assert [scene.name for scene in checked.scenes] == ["file/a"]
    assert [line.split(" is left out")[0] for line in checked.left_out] == [
        "scene cave:test",
        "scene remote/jasper_ridge_r198",
        "pair Paris",
    ]
    assert "pairs/paris.h5 in" in checked.left_out[2]
    with pytest.raises(PlanError, match="unknown scene 'cave:tset'"):
        read(world, f"skip_missing = true\n{text.replace('cave:test', 'cave:tset')}")
    with pytest.raises(PlanError, match="expected data of at least one, got none\n  scene cave:test"):
        read(world, "skip_missing = true\n" + text.replace(f'"file:{world}/a.h5", ', ""))


def test_plans_of_cells_in_hand_keep_their_keys(world: Path) -> None:
    """The order of cells, and how a row is named, are no part of a key."""
    by_name = read(world, f'scenes = ["file:{world}/a.h5"]\nprotocols = ["camera-x8"]\nmethods = ["stea*"]\n').cells("cpu")
    by_hand = read_plan(plan(world, ["steady"], scenes=("a",)), DataRoots(world), world / "plugins").cells("cpu")
    assert [cell.key for cell in by_name] == [cell.key for cell in by_hand]

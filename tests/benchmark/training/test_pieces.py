"""The pieces of a training: each commit that made steps is listed, no other one is, and steps by other sources are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.identity.sources import Sources
from benchmark.training.pieces import (
    PIECES,
    SourcesChangedError,
    expect_same_sources,
    learning_sources,
    pieces_in_weights,
    read_pieces,
    write_pieces,
)
from methods.catalog import find_one

OURS = Sources({"methods/a.py": "1", "methods/b.py": "2"}, {"table.npz": "3"})
OTHERS = replace(OURS, files={"methods/a.py": "1", "methods/b.py": "changed", "methods/c.py": "new"})


def _facts(commit: str, *, changed: bool = False) -> dict[str, object]:
    return {"commit": commit, "uncommitted_changes": changed, "torch": "2", "processor": "one", "device": "cpu", "threads_per_cell": 1}


def test_each_commit_that_made_steps_is_listed_and_no_other(tmp_path: Path) -> None:
    assert read_pieces(tmp_path) == []
    for step, commit, sources, changed in (
        (0, "killed", OURS, False),  # before its first checkpoint
        (0, "first", OURS, False),
        (25, "second", OTHERS, True),
        (60, "no steps", OTHERS, False),
        (60, "third", OURS, False),
        (80, "third", OURS, False),
        (90, "last", OURS, False),  # begun at the last step: it only writes the weights
    ):
        pieces = write_pieces(tmp_path, read_pieces(tmp_path), step, sources, _facts(commit, changed=changed))
    assert pieces == read_pieces(tmp_path)
    facts = pieces_in_weights(pieces, 90)
    assert json.loads(facts["commits"]) == ["first", "second+", "third"]
    tables = json.loads(facts["pieces"])
    assert [table["from_step"] for table in tables] == [0, 25, 60, 80]
    assert [table["sources_accepted"] for table in tables] == [False, True, True, False]
    assert tables[1]["sources"] == OTHERS.digest != tables[0]["sources"]


def test_weights_before_the_first_step_name_the_piece_that_wrote_them(tmp_path: Path) -> None:
    pieces = write_pieces(tmp_path, [], 0, OURS, _facts("first"))
    assert json.loads(pieces_in_weights(pieces, 0)["commits"]) == ["first"]


def test_steps_by_other_sources_are_refused_with_the_files_that_differ(tmp_path: Path) -> None:
    pieces = write_pieces(tmp_path, [], 0, OURS, _facts("0123456789abcdef"))
    expect_same_sources(pieces, replace(OURS, uncovered=("a phrase",)), tmp_path)
    with pytest.raises(
        SourcesChangedError, match=r"commit 0123456789ab.*differ in methods/b.py, methods/c.py; go on from a clone .*--accept-sources"
    ):
        expect_same_sources(pieces, OTHERS, tmp_path)
    with pytest.raises(SourcesChangedError, match=r"sources are not recorded \(pieces.json is absent\).*--accept-sources"):
        expect_same_sources([], OURS, tmp_path)


def test_unrecorded_steps_stay_unrecorded(tmp_path: Path) -> None:
    pieces = write_pieces(tmp_path, [], 40, OURS, _facts("first"))
    facts = pieces_in_weights(pieces, 50)
    assert json.loads(facts["commits"]) == ["unrecorded", "first"]
    assert json.loads(facts["pieces"])[1]["sources_accepted"] is True


@pytest.mark.parametrize("text", ["{", "[1]", '[{"from_step": "0", "sources": "x"}]', '{"from_step": 0}', '[{"from_step": 0}]'])
def test_a_spoilt_list_of_pieces_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / PIECES).write_text(text)
    with pytest.raises(SourcesChangedError, match="expected the list of the training's pieces"):
        read_pieces(tmp_path)


def test_the_sources_are_those_of_the_method_and_of_its_patches() -> None:
    files = learning_sources(find_one("mossfuse")).files
    for name in (
        *("methods/unsupervised/mossfuse/training_loop.py", "methods/unsupervised/mossfuse/losses.py"),
        *("benchmark/matrix/patches.py", "datasets/simulation.py", "datasets/degradation.py"),
    ):
        assert name in files
    assert not [name for name in files if name.startswith(("benchmark/commands/", "reports/"))]

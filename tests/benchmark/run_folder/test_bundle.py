"""Bundles: what goes in comes out, without paths; a stranger's file is read as carefully as a record."""

from __future__ import annotations

import json
import lzma
import os
import random
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder import bundle as bundle_file
from benchmark.run_folder.bundle import Bundle, bundle_of, read_bundle, without_paths, write_bundle
from benchmark.run_folder.json_file import RecordError, read_json, write_json
from benchmark.run_folder.record import Clock
from tests.benchmark.folders import FIRST, run_folder, variant


def records() -> list[Any]:
    clock = Clock(fuse=1.23456789, fuse_low=0.5, fuse_high=2.0, rounds=3, warmed=True, round_seconds=(1.0, 1.23456789, 2.0))
    return [
        replace(FIRST, scene_content="c0", metrics={"psnr": 30.123456789012, "sam": inf, "q2n": None}, clock=clock),
        variant("b", scene="file/b", outcome="failed", metrics={}, reason="OSError: no /home/me/data/b.mat in C:\\Users\\me\\x"),
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = run_folder(tmp_path / "run", records(), waiting=("d",))
    (folder / "plan.toml").write_text(f'scenes = ["file:{tmp_path}/a.mat?scale=2"]\n')
    write_json(folder / "plan.json", {"command": "run --data /secret", "plan": {"name": "p", "file": f"{tmp_path}/x"}, "cells": 3})
    return folder


def test_what_goes_in_comes_out_and_no_path_of_a_machine(run: Path, tmp_path: Path) -> None:
    made = bundle_of(run, "mine")
    back = read_bundle(write_bundle(tmp_path / "mine.json.xz", made))
    assert back == made
    first, second = back.records
    assert dict(first.metrics) == {"psnr": 30.1234568, "sam": inf, "q2n": None}
    assert first.clock is not None
    assert (first.clock.fuse, first.clock.round_seconds[1]) == (1.2346, 1.2346)
    assert (first.key, first.scene_content, first.protocol, first.card) == (FIRST.key, "c0", FIRST.protocol, FIRST.card)
    assert second.reason == "OSError: no b.mat in x"
    assert (back.planned, back.scored, back.metrics_key) == (3, 1, "m0")
    assert back.environments["e0"]["processor"] == "P"
    whole = lzma.decompress((tmp_path / "mine.json.xz").read_bytes()).decode()
    assert str(tmp_path) not in whole
    assert "secret" not in whole
    assert "file:a.mat?scale=2" in back.plan_text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/tmp/a/b.mat", "b.mat"),
        ("see https://a.b/c/d here", "see https://a.b/c/d here"),
        ("35/40 dB, and/or remote/jasper, 10.1109/LSP.2016", "35/40 dB, and/or remote/jasper, 10.1109/LSP.2016"),
        ('File "/usr/lib/x.py", line 3', 'File "x.py", line 3'),
        ("--data=/mnt/x/ ~/data/cave", "--data=x cave"),
        ('["file:/d/a.h5", "file:C:\\d\\b.h5"]', '["file:a.h5", "file:b.h5"]'),
        ("x / y, /, //", "x / y, /, //"),
    ],
)
def test_of_a_path_the_last_name_is_kept(text: str, left: str) -> None:
    assert without_paths({"a": [text]}) == {"a": [left]}


def test_a_run_without_scores_and_a_name_that_is_none_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="expected a name of letters"):
        bundle_of(run, "a/b")
    with pytest.raises(RecordError, match=r"ends with \.json\.xz, got mine\.json"):
        write_bundle(tmp_path / "mine.json", bundle_of(run, "mine"))
    with pytest.raises(RecordError, match="expected at least one scored record"):
        bundle_of(run_folder(tmp_path / "failed", records()[1:]), "mine")
    next((run / "cells").glob("*.json")).write_text("{")
    with pytest.raises(RecordError, match="expected records that can be read"):
        bundle_of(run, "mine")
    with pytest.raises(RecordError, match="expected a run folder"):
        bundle_of(tmp_path / "nowhere", "mine")


def changed(table: dict[str, Any], **facts: Any) -> bytes:
    return lzma.compress(json.dumps({**table, **facts}).encode())


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda table: b"this is surely not an xz file", "no xz"),
        (lambda table: lzma.compress(b"[1]"), "got list"),
        (lambda table: lzma.compress(b'{"schema": 1}'), "no field 'bundle'"),
        (lambda table: changed(table, schema=7), "schema 7 where 1 was expected"),
        (lambda table: changed(table, bundle="../x"), "bundle: '../x' where a name"),
        (lambda table: changed(table, more=1), "a field 'more', which is unknown"),
        (lambda table: changed(table, records=[]), "expected records of different keys, got none"),
        (lambda table: changed(table, records=table["records"] * 2), "got 2 twice"),
        (lambda table: changed(table, records=[{**table["records"][0], "seed": "0"}]), "record 1 is not a record: seed"),
        (lambda table: changed(table, records=[{**table["records"][0], "key": "a/../b"}]), "record 1 is not a record: key"),
        (lambda table: changed(table, environments={"e0": 3}), "environments"),
        (lambda table: changed(table, noise={"m": {"psnr": "x"}}), "noise: m"),
        (lambda table: changed(table)[:-20], "cut off"),
        (lambda table: changed(table) + b"more", "bytes after the end"),
        (lambda table: lzma.compress(b" " * 5_000_000), "more than 1000000 bytes when unpacked"),
        (lambda table: os.urandom(3_000_000), "3000000 bytes, more than 2000000"),
    ],
)
def test_what_is_no_bundle_is_refused_with_the_reason(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[dict[str, Any]], bytes], text: str
) -> None:
    monkeypatch.setattr(bundle_file, "MOST_BYTES", 1_000_000)
    monkeypatch.setattr(bundle_file, "MOST_PACKED", 2_000_000)
    good = write_bundle(tmp_path / "good.json.xz", bundle_of(run, "good"))
    bad = tmp_path / "bad.json.xz"
    bad.write_bytes(make(json.loads(lzma.decompress(good.read_bytes()))))
    with pytest.raises(RecordError) as caught:
        read_bundle(bad)
    assert text in str(caught.value)
    assert "bad.json.xz" in str(caught.value)


def test_a_pipe_and_a_missing_file_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json.xz")
    for name, text in (("pipe.json.xz", "a pipe"), ("none.json.xz", "no file")):
        with pytest.raises(RecordError, match=text):
            read_bundle(tmp_path / name)


def test_250_cells_take_less_than_100_kilobytes(tmp_path: Path) -> None:
    """2 MB for 5,000 cells: each with random scores and seconds, and the texts of a real card."""
    draw = random.Random(3)
    facts = read_json(write_json(tmp_path / "e.json", {"processor": "P", "cores": 2, "commit": "0" * 40}))
    card = {**FIRST.card, "paper": "An author and another one, A Journal of Some Length 12(3), 2024, pages 1 to 15", "fidelity": "x" * 400}
    names = [f"metric_{number}" for number in range(24)]
    rows = []
    for number in range(250):
        seconds = tuple(draw.random() for _ in range(5))
        digits = {name: f"{draw.getrandbits(80):020x}" for name in ("key", "scene_digest", "observation_digest")}
        clock = Clock(fuse=seconds[0], fuse_low=seconds[1], fuse_high=seconds[2], rounds=5, warmed=True, round_seconds=seconds)
        metrics = {name: draw.random() * 40 for name in names}
        made = replace(
            FIRST, **digits, clock=clock, metrics=metrics, card=card, scene=f"cave/scene_{number % 12}", flops=draw.getrandbits(40)
        )
        rows.append(bundle_file._tidied(made))
    file = write_bundle(tmp_path / "large.json.xz", Bundle(name="large", records=tuple(rows), environments={"e0": facts}))
    assert file.stat().st_size < 100_000
    assert len(read_bundle(file).records) == 250

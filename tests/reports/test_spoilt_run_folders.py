"""Run folders that were spoilt by chance: whatever reads them ends in an answer or in an error of the suite, and never in a traceback.

The seed is fixed. `HMIF_FUZZ=5000` in the environment asks for so many mutations instead of the usual ones, each with all commands.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reports.report
from benchmark.conventions.profile_scores import ProfileScores, write_profile_scores
from benchmark.identity.source_keys import metrics_key, profiles_key
from benchmark.review.clean import clean
from benchmark.review.compare import compare_runs
from benchmark.review.explain import explain
from benchmark.review.merge import merge
from benchmark.review.rescore import rescore
from benchmark.review.status import status
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import Clock, Memory, Result
from reports.report import write_report
from reports.typeset.plain_text import plain_summary
from tests.reports.conftest import fake_results, write_fake_run

MUTATIONS = int(os.environ.get("HMIF_FUZZ", "0"))
USUAL = 40
EVERY = {"report": 6, "rescore": 3, "merge": 2}  # of the usual mutations; the other commands read each of them
LONGEST_S = 20
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.5, 1e-320, 1e99, -1e300, 1e308),
    *("", "x", "banana", "inf", "\ud800", "\x1b[31m", "\x00", "\ufeffx", "\u202ey", "a\nb", "../../x", "=1+1", "z" * 5000, "{torn", "0"),
    *([], {}, [1], ["x"], [[]], [None], [{}], {"a": 1}, {"name": 3}, {"x": {"y": []}}, [1, 2, 3], ["a", 2], {"": ""}),
)


def whole_run(folder: Path) -> tuple[Path, str]:
    """A run folder with every kind of file, and the key of one of its cells."""
    results = [
        replace(
            result,
            metrics_key="" if result.method == "bicubic" else metrics_key(),
            environment="e1",
            observed={"shape": [7, 32, 48], "channels_used": ["blue", "green", "red"]},
            uncovered=("the file x.bin",),
        )
        for result in fake_results()
        if result.protocol["name"] == "camera-x8" and result.seed == 0 and result.scene == "beads" and result.method != "hysure"
    ]
    oracle = {"count": 3, "best": 2, "psnr": [30.0, 31.5, None]}
    results[-1] = replace(results[-1], oracle=oracle, card={**results[-1].card, "unranked": ""})
    failed = replace(results[0], key="lost", label="Lost", outcome="failed", reason="no luck", metrics={}, clock=None, memory=None)
    write_fake_run(folder, results)
    RunFolder(folder).write(failed)
    index = json.loads((folder / "index.json").read_text())
    index["cells"]["lost"] = {"label": "Lost", "scene": "beads", "protocol": "camera-x8", "seed": 0}
    write_json(folder / "index.json", index | {"arguments": ["--seed", "0"], "file": "/gone/p.toml", "device": "cpu"})
    methods = [{"label": result.label, "files": {"weights": "ab" * 32}} for result in results]
    write_json(folder / "plan.json", {"command": "python run_benchmark.py run p.toml", "plan": {"methods": methods}, "cells": len(results)})
    place = {"processor": "P", "cores": 2, "memory_bytes": 8_000_000_000, "started": "2026-01-01T00:00:00+00:00"}
    write_json(folder / "environment.json", place)
    write_json(folder / "environments" / "e1.json", place)
    write_json(folder / "running.json", {"running": ["R-FUSE on beads"]})
    write_json(folder / "measured" / "lost.json", {"clock": {}, "memory": {}})
    write_profile_scores(folder, ProfileScores(results[0].key, profiles_key(), {"mossfuse": {"psnr": 30.0, "sam": None}}))
    (folder / "plan.toml").write_text('name = "p"\n')
    (folder / "logs").mkdir()
    (folder / "logs" / "lost.txt").write_text("Traceback\nValueError: no luck\n")
    return folder, results[0].key


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a table, by the keys that lead to it."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        yield (*path, name)
        yield from paths_in(entry, (*path, name))


def change_value(file: Path, dice: random.Random) -> str:
    table = json.loads(file.read_text())
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        places = list(paths_in(table))
        if not places:
            break
        *way, last = dice.choice(places)
        node = table
        for step in way:
            node = node[step]
        kind = dice.randrange(8)
        if kind == 0:
            del node[last]
        elif kind == 1 and isinstance(node, dict):
            node[dice.choice(("x", "schema", "", "\x1b"))] = node.pop(last)
        else:
            node[last] = deepcopy(dice.choice(VALUES))
    file.write_text(json.dumps(table))
    return f"values changed in {file.name}"


def cut(file: Path, dice: random.Random) -> str:
    content = file.read_bytes()
    file.write_bytes(content[: dice.randrange(len(content) + 1)])
    return f"{file.name} cut"


def flip(file: Path, dice: random.Random) -> str:
    content = bytearray(file.read_bytes())
    for _ in range(dice.choice((1, 1, 4, 30))):
        if content:
            content[dice.randrange(min(len(content), dice.choice((64, 4096, 10**9))))] ^= 1 << dice.randrange(8)
    file.write_bytes(bytes(content))
    return f"bits of {file.name}"


def insert(file: Path, dice: random.Random) -> str:
    content = file.read_bytes()
    place = dice.randrange(len(content) + 1)
    piece = dice.choice(
        (b"\x00" * 64, b"\xff\xfe", b"[" * 100_000, b'{"a":' * 3000, b"NaN", b"1e999", b"9" * 5000, b"\xed\xa0\x80", b",", b'"')
    )
    file.write_bytes(content[:place] + piece + content[place:])
    return f"{len(piece)} bytes inserted into {file.name}"


def replaced(file: Path, dice: random.Random) -> str:
    file.unlink()
    kind = dice.choice(("folder", "pipe", "loop", "nothing", "empty", "list"))
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind != "nothing":
        file.write_text("[]" if kind == "list" else "")
    return f"{kind} in the place of {file.name}"


def mutate(folder: Path, dice: random.Random) -> str:
    """What was spoilt in the folder, in words."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and "report" not in file.parts and not file.name.startswith("."))
    weighed = [file for file in files for _ in range(6 if file.parent.name == "cells" else 3 if file.suffix == ".json" else 1)]
    file = dice.choice(weighed)
    ways: list[Callable[[Path, random.Random], str]] = [cut, flip, insert, replaced]
    return dice.choice([*ways, *[change_value] * 8] if file.suffix == ".json" else ways)(file, dice)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """A TimeoutError where the block takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def shown(texts: list[str]) -> None:
    for text in texts:
        text.encode()  # no surrogates


def test_spoilt_run_folders_are_read_or_refused_by_an_error_of_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, key = whole_run(tmp_path / "whole")
    if not MUTATIONS:
        monkeypatch.setattr(reports.report, "draw_figures", lambda *_: ())
        monkeypatch.setattr(reports.report, "comparison_figures", lambda *_: ())
    run = tmp_path / "run"
    commands: dict[str, Callable[[], Any]] = {
        "status": lambda: status(run).text(),
        "compare": lambda: compare_runs(run, source).text(),
        "explain": lambda: explain(run, key).text(),
        "explain lost": lambda: explain(run, "lost").text(),
        "clean": lambda: clean(run, dry_run=True).text(),
        "merge": lambda: merge([run, source], tmp_path / "merged").text(),
        "rescore": lambda: " ".join(each.problem for each in rescore(run, (), lambda *_: None)),
        "report": lambda: "".join(map(plain_summary, write_report(run, tmp_path / "report").summaries)),
    }
    foreign, ends = [], Counter[str]()
    for number in range(MUTATIONS or USUAL):
        dice = random.Random(f"run folder {number}")
        shutil.copytree(source, run)
        what = mutate(run, dice)
        for name, command in commands.items():
            if not MUTATIONS and number % EVERY.get(name, 1):
                continue
            try:
                with limited(LONGEST_S), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    shown([command()])
                ends["answer"] += 1
            except Exception as error:  # noqa: BLE001  # which it is, is the question
                if type(error).__module__.split(".")[0] in ("datasets", "benchmark", "reports"):
                    shown([str(error)])
                    ends["own error"] += 1
                else:
                    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
                    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
                    foreign.append(f"{number}: {what}: {name}: {type(error).__name__}: {str(error)[:150]!a} in {where}")
        shutil.rmtree(run)
        shutil.rmtree(tmp_path / "merged", ignore_errors=True)
    assert not foreign, f"{len(foreign)} foreign ends of {ends.total() + len(foreign)}:\n" + "\n".join(foreign)
    assert ends["answer"] > ends["own error"] > 0, ends


@pytest.mark.parametrize("kind", [Clock, Memory, Result])
def test_each_number_of_a_record_has_a_type_that_is_checked(kind: type) -> None:
    from benchmark.run_folder.checked_fields import FieldError, expect_type, types_of

    for name, declared in types_of(kind).items():
        if name not in ("clock", "memory"):
            with pytest.raises(FieldError, match=name):
                expect_type(name, object(), declared)

"""`rescore` at the command line: after a run, from another folder."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmark.conftest import plan, world
from tests.test_cli import cli

__all__ = ["world"]


def test_rescore_prints_both_tables_and_says_where_they_lie(world: Path) -> None:
    run = world / "out"
    given = ("run", plan(world, ["steady", "bicubic"], scenes=("a",)), "--out", run, "--plugins", world / "plugins")
    ran = cli(*given, folder=world, file="tests/run_without_figures.py")
    assert ran.returncode == 0, ran.stderr
    done = cli("rescore", run, "--profile", "mossfuse,hyperbench", folder=world, file="tests/run_without_figures.py")
    assert done.returncode == 0, done.stderr
    assert "[2/2]" in done.stderr
    for text in ("PSNR (dB) of the same estimates", "One estimate under all conventions", "HyperBench", "report/tables"):
        assert text in done.stdout, text
    assert (run / "report" / "tables" / "profiles_psnr_camera-x8.tex").is_file()
    for file in (run / "cells").glob("*.json"):
        stored = json.loads((run / "profiles" / file.name).read_text())["profiles"]
        assert set(stored) == {"mossfuse", "hyperbench"}
        assert f"{stored['mossfuse']['psnr']:.2f}" in done.stdout
    typo = cli("rescore", run, "--profile", "mosfuse", folder=world)
    assert typo.returncode == 2
    assert "unknown profile 'mosfuse': did you mean 'mossfuse'? valid: textbook, mossfuse" in typo.stderr


def test_rescore_of_no_run_folder_says_so(tmp_path: Path) -> None:
    done = cli("rescore", tmp_path / "nowhere", "--profile", "all", folder=tmp_path)
    assert done.returncode == 2
    assert "expected a run folder" in done.stderr

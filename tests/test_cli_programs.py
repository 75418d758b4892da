"""Programs in other languages through the command line: in a plan, with the record's fields; prepared, limited, checked."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import run_benchmark
from benchmark.authors import program_checks
from benchmark.authors.sample_pairs import random_pair
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from methods.catalog import BrokenMethodError, find_one
from methods.declared.program_kind import ProgramMethod
from methods.declared.program_run import program_version
from tests.benchmark.conftest import ROOT, alive, plan, world
from tests.benchmark.folders import read_records
from tests.methods.declared.test_environments import wheel
from tests.programs import nearest, program, shell

__all__ = ["world"]
OCTAVE = ROOT / "docs" / "examples" / "external_octave"


def run_plan(world: Path, methods: list[str], extra: str = "") -> dict[str, Result]:
    """The records of a run of these methods on one tiny scene, by method; no report is drawn."""
    file = plan(world, methods, extra=extra, scenes=("a",))
    return {record.method: record for record in run(read_plan(file, DataRoots.parse([])), RunSettings(world / "run"), lambda _: None)}


def test_a_program_in_a_plan_is_prepared_and_has_its_record_its_notes_and_its_columns(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs in a virtual environment with another numpy: a wheel that is made here, so that no network is needed."""
    mine = world / "mine"
    own = 'environment = "requirements.txt"\nversion = ["{python}", "-c", "import numpy; print(numpy.__version__)"]'
    learns = 'learns = "on the scene"\nsupervision = "self"'
    nearest(mine, python="{python}", card=learns, more=f'files = ["*.py"]\nparameters = {{ rank = 10 }}\n{own}')
    made = wheel(mine, "numpy", "0.0.7")
    (mine / "requirements.txt").write_text(f"--no-index\n./{made.name}\n")
    skipped = run_plan(world, ["mine/nearest.toml"])["nearest"]
    assert skipped.outcome == "skipped"
    assert "its environment requirements.txt has not been made: run the plan with --prepare" in skipped.reason

    given = ["run", str(plan(world, ["mine/nearest.toml"], scenes=("a",))), "--out", str(world / "run"), "--device", "cpu", "--prepare"]
    assert run_benchmark.main(given) == 0
    (record,) = read_records(world / "run")
    assert record.outcome == "scored", record.reason
    assert record.parameters == {"rank": 10}
    assert (record.parameters_total, record.parameters_inference) == (42, 42)
    assert record.uncovered == ()
    facts, clock = record.program, record.clock
    assert facts is not None
    assert clock is not None
    assert facts.version == "0.0.7" != np.__version__
    assert facts.environment.startswith("requirements.txt, sha256 ")
    assert facts.empty_start == "{python} -c pass"
    assert facts.empty_start_seconds is not None
    assert facts.empty_start_seconds > 0
    assert (facts.self_timed_learning, facts.self_timed_fusing) == (0.5, 0.125)
    assert clock.first is not None
    assert clock.first <= facts.wall_seconds, "the empty start is taken off"
    assert record.flops is None
    assert "a program of its own" in record.flops_reason
    told = capsys.readouterr()
    assert "prepared nearest: requirements.txt" in told.err
    assert "less an empty start of its interpreter, its learning on the scene included" in " ".join(told.out.split())
    assert "self-timed" in told.out
    (row,) = csv.DictReader((world / "run" / "report" / "tables" / "cells.csv").read_text().splitlines())
    assert float(row["program.self_timed_fusing"]) == 0.125
    assert row["program.version"] == "0.0.7"


def test_a_change_of_a_listed_file_is_another_key_for_the_program_alone(world: Path) -> None:
    nearest(world / "mine", more='files = ["*.py"]')
    file = plan(world, ["bicubic", "mine/nearest.toml"], scenes=("a",))
    before = [cell.key for cell in read_plan(file, DataRoots.parse([])).cells("cpu")]
    with (world / "mine" / "nearest.py").open("a") as stream:
        stream.write("# changed\n")
    after = [cell.key for cell in read_plan(file, DataRoots.parse([])).cells("cpu")]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


def test_failures_are_rows_with_one_sentence_and_take_nothing_down(world: Path) -> None:
    mine = world / "mine"
    shell(mine, "fails", "echo 'error: rank 99 is too large' >&2; exit 2")
    shell(mine, "partial", "head -c 300 $1 > $2")
    program(mine, "missing", ["no-such-program", "{observation}", "{estimate}"])
    shell(mine, "hungry", """exec "$3" -c "held = b'x' * 900_000_000" """)
    shell(mine, "endless", "trap '' INT TERM; (trap '' INT TERM; while :; do read x < $0.fifo; done) & echo $! > $0.pid; read x < $0.fifo")
    os.mkfifo(mine / "endless.sh.fifo")
    names = [f"mine/{name}.toml" for name in ("fails", "partial", "missing", "hungry")]
    limited = '[[method]]\nname = "mine/endless.toml"\ntime_limit_s = 3'
    records = run_plan(world, ["bicubic", *names], extra=f"memory_limit_mb = 300\n{limited}")
    assert {name: record.outcome for name, record in records.items()} == {
        "bicubic": "scored",
        "fails": "failed",
        "partial": "invalid",
        "missing": "failed",
        "hungry": "out of memory",
        "endless": "timeout",
    }
    assert records["fails"].reason == "ProgramError: fails.toml: exit status 2: error: rank 99 is too large"
    assert "expected the program 'no-such-program', got: no such program" in records["missing"].reason
    assert "estimate.npz" in records["partial"].reason
    assert "rank 99" in (world / "run" / "logs" / f"{records['fails'].key}.txt").read_text()
    child = int((mine / "endless.sh.pid").read_text())
    assert not alive(child), "what the program started ends with its cell"


def test_a_numpy_of_another_version_from_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PIP_TIMEOUT", "5"), ("PIP_RETRIES", "0"), ("PIP_ONLY_BINARY", ":all:"), ("UV_HTTP_TIMEOUT", "5")):
        monkeypatch.setenv(name, value)
    asked = 'environment = "r.txt"\nversion = ["{python}", "-c", "import numpy; print(numpy.__version__)"]'
    file = nearest(tmp_path, python="{python}", more=f'files = ["*.py"]\n{asked}')
    (tmp_path / "r.txt").write_text(f"numpy != {np.__version__}\n")
    entry = find_one(str(file))
    try:
        entry.prepare()
    except BrokenMethodError as error:
        pytest.skip(f"needs an index of packages: {str(error)[:300]}")
    method = entry.load()()
    assert isinstance(method, ProgramMethod)
    version = program_version(method.program, "cpu")
    assert version[0].isdigit()
    assert version != np.__version__


def test_check_method_runs_the_contract_on_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = nearest(tmp_path)
    assert run_benchmark.main(["check-method", str(file)]) == 0
    told = capsys.readouterr().out
    assert "ok      the program runs, and returns an estimate of the right form\n" in told
    assert "-       the environment that the program names can be made: does not apply (it names none)\n" in told
    assert "does not apply (it is a program, and each run is a new process" in told
    assert "the key does not cover the file nearest.py, which the command names and `files` does not: add it to `files`" in told
    assert "no version is recorded" in told
    monkeypatch.setattr(program_checks, "SLOW_S", 0.0)
    assert run_benchmark.main(["check-method", str(file)]) == 0
    told = capsys.readouterr().out
    assert "right shape and finite: does not apply (its first run took " in told
    assert "and the rules together take a dozen: write trial = {...} in [run] for shorter ones)" in told
    broken = shell(tmp_path / "broken", "broken", "echo 'no licence' >&2; exit 1")
    assert run_benchmark.main(["check-method", str(broken)]) == 1
    told = capsys.readouterr().out
    assert "        broken.toml: exit status 1: no licence\n" in told
    assert "1 rule broken" in told


@pytest.fixture(scope="module")
def octave() -> str:
    """Octave, which the test needs."""
    found = shutil.which("octave")
    if found is None:
        pytest.skip("needs Octave: the package octave")
    if subprocess.run([found, "--no-gui", "--eval", "exit(0)"], capture_output=True, check=False).returncode:
        pytest.skip("needs an Octave that starts: `octave --no-gui --eval 'exit(0)'` fails here")
    return found


@pytest.mark.parametrize(("bands", "channels", "ratio", "coarse"), [(31, 3, 4, (4, 6)), (7, 2, 8, (5, 9)), (4, 1, 2, (9, 5))])
def test_gsa_in_octave_equals_ours(octave: str, bands: int, channels: int, ratio: int, coarse: tuple[int, int]) -> None:
    """In double precision: in single, the regression of step 2 enlarges what rounding leaves."""
    seen = random_pair(bands, channels, ratio=ratio, coarse=coarse, seed=4).to("cpu", torch.float64)
    cubes = []
    for name in (str(OCTAVE / "gsa_octave.toml"), "gsa"):
        method = find_one(name).load()()
        cubes.append(method.fuse(seen, torch.Generator().manual_seed(0)).cube)  # type: ignore[union-attr]
    assert float((cubes[0] - cubes[1]).abs().max() / cubes[1].abs().max()) < 1e-6


def test_octave_in_a_plan(octave: str, world: Path) -> None:
    shutil.copytree(OCTAVE, world / "oct")
    records = run_plan(world, ["gsa", "oct/gsa_octave.toml"])
    ours, theirs = records["gsa"], records["gsa_octave"]
    assert theirs.outcome == "scored", theirs.reason
    assert theirs.metrics["psnr"] == pytest.approx(ours.metrics["psnr"], abs=0.5)
    assert theirs.program is not None
    assert theirs.program.version.startswith("GNU Octave")
    assert theirs.program.self_timed_fusing is not None
    assert theirs.program.empty_start_seconds is not None

"""Programs that run, and programs that do not: what they are given, what they cost, and one sentence on each failure."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from datasets.exchange.handed_fields import ExchangeFileError
from datasets.observation import Known
from datasets.settings import configure
from methods.catalog import find_one
from methods.declared.empty_start import empty_command, measure_empty_start
from methods.declared.program_kind import ProgramMethod
from methods.declared.program_run import READER, ProgramError, noted_runs, program_variables, reason_line
from tests.programs import nearest, program, shell

SEEN = random_pair(5, 3)


def method_of(file: Path, **parameters: object) -> ProgramMethod:
    """The method that a TOML file declares."""
    method = configure(find_one(str(file)).load(), parameters)
    assert isinstance(method, ProgramMethod)
    return method


def fuse(file: Path, **parameters: object) -> torch.Tensor:
    """The cube of a program for the pair of these tests."""
    return method_of(file, **parameters).fuse(SEEN, torch.Generator().manual_seed(3)).cube


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_program_gives_its_cube_and_its_own_figures(dtype: torch.dtype, tmp_path: Path) -> None:
    seen = SEEN.to("cpu", dtype)
    with noted_runs() as runs:
        estimate = method_of(nearest(tmp_path)).fuse(seen, torch.Generator().manual_seed(0))
    assert estimate.cube.dtype == dtype
    assert torch.equal(estimate.cube, seen.hsi.repeat_interleave(4, 1).repeat_interleave(4, 2))
    assert len(runs) == 1
    assert (runs[0].learning_seconds, runs[0].fusing_seconds, runs[0].parameter_count) == (0.5, 0.125, 42)
    assert runs[0].seconds > 0
    assert runs[0].handing_seconds > 0


def test_a_program_gets_the_users_environment_its_threads_and_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINE", "as the user has it")
    monkeypatch.setenv("HMIF_BENCH_USERS_PYTHONPATH", "/ours")
    body = 'env >&2; echo "files: $(ls -x)"; echo "at: $PWD"; exec "$3" "${0%/*}/nearest.py" "$1" "$2"'
    nearest(tmp_path, "other")
    fuse(shell(tmp_path, "shown", body))
    told = capfd.readouterr().err
    variables = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    assert variables["MINE"] == "as the user has it"
    assert not [name for name in variables if name.startswith("HMIF_BENCH_USERS")]
    assert variables["OMP_NUM_THREADS"] == variables["OPENBLAS_NUM_THREADS"] == str(torch.get_num_threads())
    assert variables["CUDA_VISIBLE_DEVICES"] == ""
    place = next(line.removeprefix("at: ") for line in told.splitlines() if line.startswith("at: "))
    assert variables["TMPDIR"] == place
    assert "files: observation.npz" in told
    assert not Path(place).exists(), "the working folder is removed"


def test_the_observation_has_parameters_and_what_the_card_asks_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = """"$3" -c 'import sys, zipfile; print(sorted(zipfile.ZipFile(sys.argv[1]).namelist()))' "$1"
exec "$3" "${0%/*}/nearest.py" "$1" "$2" """
    nearest(tmp_path, "other")
    file = shell(tmp_path, "shown", body, more="parameters = { rank = 10 }")
    method = method_of(file, rank=4)
    method.fuse(replace(SEEN, known=Known()), torch.Generator().manual_seed(0))
    told = capfd.readouterr().err
    assert "'parameters/rank.npy'" in told
    assert "psf" not in told
    assert "srf" not in told


def test_a_program_that_needs_responses_may_be_run_blind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = """"$3" -c 'import sys, zipfile; print(sorted(zipfile.ZipFile(sys.argv[1]).namelist()))' "$1"
exec "$3" "${0%/*}/nearest.py" "$1" "$2" """
    nearest(tmp_path, "other")
    entry = find_one(str(shell(tmp_path, "shown", body, card="needs_psf = true\nneeds_srf = true", more="parameters = { rank = 10 }")))
    method = configure(entry.form({"blind": "hysure"}), {"blind": "hysure", "rank": 2})
    estimate = method.fuse(replace(SEEN, known=Known()), torch.Generator().manual_seed(0))  # type: ignore[union-attr]
    assert estimate.psf is not None
    assert estimate.srf is not None
    told = capfd.readouterr().err
    assert "'psf.npy', 'psf_boundary.npy', 'psf_phase.npy'" in told
    assert "'srf.npy'" in told
    assert "blind" not in told


FAILURES = [
    ("echo first >&2; echo 'no luck' >&2; exit 3", ProgramError, r"x.toml: exit status 3: no luck$"),
    (
        "printf 'Traceback\\nValueError: bad rank\\n  in f\\n' >&2; exit 1",
        ProgramError,
        r"exit status 1: ValueError: bad rank$",
    ),
    ("echo only output; exit 1", ProgramError, r"exit status 1, and printed no error"),
    ("kill -SEGV $$", ProgramError, r"the program was ended by SIGSEGV"),
    ("exit 0", ProgramError, r"expected the program to write \{estimate\}, got no file"),
    ("echo 'error: out of memory or dimension too large' >&2; exit 1", MemoryError, r"out of memory"),
    ("echo nothing > $2", ExchangeFileError, r"estimate.npz: expected a .npz file, got a text that begins with 'nothing"),
    ("head -c 700 $1 > $2", ExchangeFileError, r"estimate.npz"),
    ("cp $1 $2", ExchangeFileError, r"estimate.npz: expected the field cube, got hsi \(4, 6, 5\), msi"),
]


@pytest.mark.parametrize(("body", "kind", "says"), FAILURES, ids=[says for _, _, says in FAILURES])
def test_a_failure_is_one_sentence(body: str, kind: type[Exception], says: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=says) as failed:
        fuse(shell(tmp_path, "x", body))
    assert "\n" not in str(failed.value)
    assert "CalledProcessError" not in str(failed.value)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"expected the program 'no-such-thing', got: no such program; install it, or correct `command`"):
        fuse(program(tmp_path, "x", ["no-such-thing", "{observation}", "{estimate}"]))
    (tmp_path / "plain").write_text("x")
    with pytest.raises(ProgramError, match=r"plain', got: it may not be executed"):
        fuse(program(tmp_path, "x", ["./plain", "{observation}", "{estimate}"]))


def test_what_a_program_started_ends_with_it_when_the_wait_is_broken_off(tmp_path: Path) -> None:
    """A signal to this process, as at the time limit of a cell, ends the program and its children, which ignore signals."""
    from tests.benchmark.conftest import alive

    fifo, numbers = tmp_path / "fifo", tmp_path / "pids"
    os.mkfifo(fifo)
    body = f"trap '' INT TERM; (trap '' INT TERM; cat {fifo}) & echo $$ $! > {numbers}.new; mv {numbers}.new {numbers}; cat {fifo}"
    file = shell(tmp_path, "stubborn", body)

    def interrupt() -> None:
        while not (numbers.exists() and any(thread.name == READER for thread in threading.enumerate())):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt, daemon=True)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores this signal
    watcher.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            fuse(file)
    finally:
        signal.signal(signal.SIGINT, before)
    watcher.join()
    pids = [int(text) for text in numbers.read_text().split()]
    assert len(pids) == 2
    assert not any(map(alive, pids))


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        ("", ""),
        ("a\nb\n\n", "b"),
        ("error: 'x' undefined\nerror: called from\n    run at line 3 column 2\n", "error: 'x' undefined"),
        (
            "error: 'x' undefined\nerror: called from\n  f\nerror: ignoring const execution_exception& while preparing to exit\n",
            "error: 'x' undefined",
        ),
        ("Error in f() : no rank\nCalls: g -> f\nExecution halted\n", "Calls: g -> f"),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'hsi'\n", "KeyError: 'hsi'"),
        ("  only indented\n", "only indented"),
    ],
)
def test_the_reason_is_the_last_line_that_says_what_happened(errors: str, line: str) -> None:
    assert reason_line(errors) == line


def test_a_gpu_is_that_of_the_slot_and_none_on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    given = method_of(nearest(tmp_path)).program
    assert program_variables(given, tmp_path, "cuda")["CUDA_VISIBLE_DEVICES"] == "3"
    assert program_variables(given, tmp_path, "cpu")["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("command", "empty"),
    [
        (["python3", "-u", "x.py"], ("python3", "-c", "pass")),
        (["/opt/x/bin/python3.12", "x.py"], ("/opt/x/bin/python3.12", "-c", "pass")),
        (["octave", "--no-gui", "--quiet", "{here}/run.m"], ("octave", "--no-gui", "--quiet", "--eval", "")),
        (["octave", "--path", "{here}", "--quiet", "x.m"], ("octave", "--path", "{here}", "--quiet", "--eval", "")),
        (["octave", "-p", "{here}", "--path={here}", "x.m"], ("octave", "--path={here}", "--eval", "")),
        (["octave-cli", "x.m"], ("octave-cli", "--eval", "")),
        (["Rscript", "--vanilla", "x.R"], ("Rscript", "--vanilla", "-e", "invisible()")),
        (["julia", "--project={here}", "x.jl"], ("julia", "--project={here}", "-e", "nothing")),
        (["sh", "x.sh"], ("sh", "-c", ":")),
        (["./fusion"], ()),
    ],
)
def test_the_empty_start_follows_from_the_program(command: list[str], empty: tuple[str, ...], tmp_path: Path) -> None:
    file = program(tmp_path, "x", [*command, "{observation}", "{estimate}"])
    assert empty_command(method_of(file).program) == empty


def test_an_empty_start_is_measured_where_it_is_known(tmp_path: Path) -> None:
    start = measure_empty_start(method_of(nearest(tmp_path)).program, "cpu")
    assert start.seconds is not None
    assert start.seconds > 0
    assert start.command.endswith(f"{Path(sys.executable).name} -c pass")
    own = nearest(tmp_path / "own", more='empty = ["sh", "-c", "exit 4"]')
    failed = measure_empty_start(method_of(own).program, "cpu")
    assert failed.seconds is None
    assert "the empty start failed, and nothing is subtracted" in failed.problem
    unknown = program(tmp_path / "unknown", "x", ["./fusion", "{observation}", "{estimate}"])
    assert "no empty start of fusion is known" in measure_empty_start(method_of(unknown).program, "cpu").problem

"""One run of a program: it is started, waited for, and ended with whatever it started, if the wait is broken off.

environment   the user's own, with these changes: the variables that limit threads say how many this cell may use; TMPDIR is the working
              folder; on the CPU, CUDA_VISIBLE_DEVICES is empty. In a prepared environment, its `bin` comes first in PATH
folder        a new one in the temporary folder, removed afterwards
group         the process group of the cell, so that a limit ends all of it
output        goes where the errors of this process go: into the log of the cell
memory        where this process has a limit on its data, the program gets what is left of it
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch

from datasets.exchange.handed_pair import write_handed_pair
from datasets.exchange.returned_estimate import ReturnedEstimate, read_returned_estimate
from datasets.kernel_kills import oom_kills
from datasets.observation import Observation
from datasets.printable import error_text, printable
from datasets.user_folders import user_path
from methods.contract import RefusedError
from methods.declared.environments import (
    EnvironmentFileError,
    ProgramEnvironment,
    container_command,
    environment_variables,
    find_environment,
)
from methods.declared.run_table import RunTable, fill

THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    "JULIA_NUM_THREADS",
)
READER = "errors of a program"  # the name of the thread that reads them
_OURS = "HMIF_BENCH_USERS_"  # begins names of variables by which processes of the suite keep the user's values
_TAIL = 16_000  # bytes of its errors that are kept for the reason of a failure
_JOIN_S = 1.0
_ROUNDS, _PAUSE_S = 50, 0.002  # how often what a program has started is looked for again: while some are ended, they may start others
_VERSION_LIMIT_S = 60.0
_NO_MEMORY = re.compile(r"out of memory|MemoryError|bad_alloc|cannot allocate|can't allocate|OutOfMemory", re.IGNORECASE)
_PLACE = re.compile(  # lines that say where, and not what; the last is what some builds of Octave print whenever they end
    r"^(\s|error: called from|Execution halted|Stacktrace|caused by|error: ignoring const execution_exception)", re.IGNORECASE
)


_START: dict[type[BaseException], str] = {FileNotFoundError: "no such program", PermissionError: "it may not be executed"}


class ProgramError(RuntimeError):
    """A program that cannot be started, or that has failed; the text has its last line of errors."""


@dataclass(frozen=True)
class Program:
    """A program as its TOML file declares it."""

    file: Path  # the TOML
    table: RunTable

    @property
    def home(self) -> Path:
        """The folder from which relative paths start."""
        return self.file.parent

    @property
    def environment(self) -> ProgramEnvironment | None:
        """The environment that is made for it; None where it runs in the user's own, or in one that exists already.

        Raises:
            EnvironmentFileError: the file names none.
        """
        return find_environment(self.home, self.table.environment) if self.table.environment else None

    @property
    def python(self) -> Path | None:
        """The interpreter that {python} stands for; None where there is none, and in a container, whose own is `python`."""
        if self.table.python:
            return self.home / user_path(self.table.python, EnvironmentFileError)
        environment = self.environment
        return None if environment is None or environment.kind == "container" else environment.python

    @property
    def surroundings(self) -> str:
        """In what it runs, in words; empty where that is the user's own environment."""
        environment = self.environment
        return self.table.python if environment is None else environment.words


@dataclass(frozen=True)
class ProgramRun:
    """What one run took, and what the program said of itself."""

    program: Program
    seconds: float  # from its start to its end, by the clock of this process
    handing_seconds: float  # to write the observation file and to read the estimate file
    learning_seconds: float | None  # by the program's own clock
    fusing_seconds: float | None
    parameter_count: int | None
    environment: str = ""  # in what it ran; empty: in the user's own


_noted: ContextVar[list[ProgramRun] | None] = ContextVar("noted program runs", default=None)


@contextmanager
def noted_runs() -> Iterator[list[ProgramRun]]:
    """A list to which each run of a program inside the block is added."""
    runs: list[ProgramRun] = []
    before = _noted.set(runs)
    try:
        yield runs
    finally:
        _noted.reset(before)


def run_program(program: Program, seen: Observation, seed: int, parameters: Mapping[str, Any], device: str) -> ReturnedEstimate:
    """What a program returns for a pair.

    Args:
        program: the program.
        seen: the pair.
        seed: for the program's random numbers.
        parameters: their values by their names.
        device: cpu or cuda, where it may work.

    Raises:
        ProgramError: it cannot be started, ends with an error, or leaves no estimate file.
        MemoryError: it says that it had too little memory, or the kernel ended it for that.
        ExchangeFileError: its estimate file cannot be used.
        RefusedError: its environment has not been prepared.
    """
    folder = Path(tempfile.mkdtemp(prefix="program-"))
    try:
        observation, estimate = (folder / f"{name}.{program.table.format}" for name in ("observation", "estimate"))
        began = time.perf_counter()
        write_handed_pair(observation, seen, seed=seed, parameters=parameters)
        started = time.perf_counter()
        start_program(program, program.table.command, folder, device)
        ended = time.perf_counter()
        if not estimate.exists():
            raise ProgramError(f"{program.file.name}: expected the program to write {{estimate}}, got no file; its log has what it printed")
        returned = read_returned_estimate(estimate, seen.sizes)
        runs = _noted.get()
        if runs is not None:
            handing = started - began + time.perf_counter() - ended
            own = returned.learning_seconds, returned.fusing_seconds, returned.parameter_count
            runs.append(ProgramRun(program, ended - started, handing, *own, environment=program.surroundings))
        return returned
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program_obstacle(program: Program) -> str:
    """Why the program cannot run now, whatever the pair: its environment is not there. Empty where nothing is known against it."""
    environment = program.environment
    if environment is not None:
        return environment.obstacle
    if program.python is not None and not program.python.is_file():
        return f"python = {program.table.python!r}: expected an interpreter, got no file; make that environment, or correct the path"
    return ""


def start_program(program: Program, words: tuple[str, ...], folder: Path, device: str) -> None:
    """Run a command of the program to its end.

    Raises:
        ProgramError: it cannot be started, or ends with an error.
        MemoryError: it had too little memory.
        RefusedError: its environment has not been prepared.
    """
    if obstacle := program_obstacle(program):
        raise RefusedError(f"{program.file.name}: {obstacle}")
    command = spelled_command(program, words, folder, device)
    kills = oom_kills()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=program_variables(program, folder, device),
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        reason = _START.get(type(error), str(error))
        raise ProgramError(
            f"{program.file.name}: expected the program {command[0]!r}, got: {reason}; install it, or correct `command` in [run]"
        ) from error
    assert process.stderr is not None
    tail = bytearray()
    reader = threading.Thread(target=_forward, args=(process.stderr, tail), name=READER, daemon=True)
    try:
        _limit_data(process.pid)
        reader.start()
        status = process.wait()
    except BaseException:
        end_program(process)
        raise
    finally:
        if reader.ident is None:
            process.stderr.close()
        else:
            reader.join(_JOIN_S)  # something that the program has left running may hold the stream open
    if status:
        _fail(program, status, bytes(tail).decode("utf-8", "replace"), oom_kills() > kills)


def program_version(program: Program, device: str) -> str:
    """The first line that the command `version` prints; why there is none, where it fails; empty where the file names no such command."""
    if not program.table.version:
        return ""
    with tempfile.TemporaryDirectory(prefix="program-") as name:
        folder = Path(name)
        command = spelled_command(program, program.table.version, folder, device)
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=program_variables(program, folder, device),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_LIMIT_S,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return f"unknown: {error_text(error)}"[:200]
    lines = [line.strip() for line in (done.stdout or done.stderr).decode("utf-8", "replace").splitlines() if line.strip()]
    return printable(lines[0])[:200] if lines else f"unknown: {command[0]} printed nothing, exit status {done.returncode}"


def spelled_command(program: Program, words: tuple[str, ...], folder: Path, device: str) -> list[str]:
    """The command with its placeholders filled in; a program with a relative path starts at the folder of the TOML file.

    Raises:
        PreparationError: it is to run in a container, and no program is installed that could do that.
    """
    table, python = program.table, program.python
    values = {
        "python": "python" if python is None else str(python),
        "here": str(program.home),
        "observation": str(folder / f"observation.{table.format}"),
        "estimate": str(folder / f"estimate.{table.format}"),
        "threads": str(torch.get_num_threads()),
    }
    command = fill(words, values)
    if os.sep in command[0]:
        command[0] = str(program.home / command[0])
    environment = program.environment
    if environment is not None and environment.kind == "container":
        return [*container_command(environment, program.home, folder, torch.get_num_threads(), device), *command]
    return command


def program_variables(program: Program, folder: Path, device: str) -> dict[str, str]:
    """The environment variables that a program gets."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    variables |= dict.fromkeys(THREAD_VARIABLES, str(torch.get_num_threads()))
    variables["TMPDIR"] = str(folder)
    if device == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = ""
    environment = program.environment
    return variables if environment is None else environment_variables(environment, variables)


def end_program(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started, and take note of its end. It is stopped first, so that it starts nothing more."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process.pid, signal.SIGSTOP)
    for _ in range(_ROUNDS):
        living = _living_descendants(process.pid)
        if not living:
            break
        for pid in living:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)
    process.kill()
    process.wait()


def _living_descendants(root: int) -> list[int]:
    """The processes below a process that have not ended (a zombie waits for its parent to take note); empty where the kernel says none."""
    waiting, found = [root], list[int]()
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):  # it has just ended
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(number) for number in (task / "children").read_text(encoding="ascii").split()]
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:1]
            if pid != root and state not in (["Z"], ["X"]):
                found.append(pid)
    return found


def reason_line(errors: str) -> str:
    """The line of a program's errors that says why it failed: the last one, or the one before lines that only say where it happened."""
    lines = [printable(line.rstrip()) for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if not _PLACE.match(line)]
    return (telling or lines or [""])[-1].strip()[:500]


def _fail(program: Program, status: int, errors: str, killed_for_memory: bool) -> None:
    line = reason_line(errors)
    said = f": {line}" if line else ", and printed no error; its log has its output"
    if killed_for_memory and status == -signal.SIGKILL:
        raise MemoryError(f"{program.file.name}: the kernel ended the program because memory ran out")
    if status < 0:
        with suppress(ValueError):
            raise ProgramError(f"{program.file.name}: the program was ended by {signal.Signals(-status).name}{said}")
    if _NO_MEMORY.search(line):
        raise MemoryError(f"{program.file.name}: exit status {status}{said}")
    raise ProgramError(f"{program.file.name}: exit status {status}{said}")


def _forward(stream: IO[bytes], tail: bytearray) -> None:
    """Pass on what a program prints as errors, and keep its end, until all that have the stream have ended."""
    with stream:
        while block := os.read(stream.fileno(), 65536):
            with suppress(OSError):
                os.write(2, block)
            tail += block
            del tail[:-_TAIL]


def _limit_data(pid: int) -> None:
    """Limit the data of a process to what is left of the limit of this one."""
    import resource  # which Windows lacks, where methods are listed and not run

    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY:
        return
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
    left = max(2**20, soft - held)
    with suppress(ProcessLookupError, PermissionError):  # it has ended; or it runs as another user, with the limit that it inherited
        resource.prlimit(pid, resource.RLIMIT_DATA, (left, left))

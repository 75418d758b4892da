"""The environments in which programs run: made once per content of the file that describes them, outside of all timing.

    requirements.txt, *.txt     a virtual environment with what pip (or uv, where it is installed) installs from it
    pylock.toml, pylock.*.toml  likewise, by uv
    uv.lock                     likewise, by `uv sync --frozen` of the project in its folder
    *.yml, *.yaml               a conda environment, by micromamba, mamba or conda
    NAME@sha256:DIGEST          a container image, which apptainer, podman or docker gets and runs

Environments lie in the cache folder (`$HMIF_CACHE`, else the user's), in a folder whose name is a digest of the file's content, its kind,
and the version of Python. One that could not be made leaves its reason there; the next preparation tries again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datasets.digests import file_sha256
from datasets.input_files import InputFileError
from datasets.printable import printable
from datasets.user_folders import cache_folder, user_path

EnvironmentKind = Literal["venv", "uv project", "conda", "container"]
CACHE = "HMIF_CACHE"  # environment variable: another folder than the user's cache folder
CONDA_PROGRAMS = ("micromamba", "mamba", "conda")
CONTAINER_PROGRAMS = ("apptainer", "podman", "docker")
_READY, _FAILED = "ready.txt", "failed.txt"
_LIMIT_S = 3600.0  # for one step of a preparation


class EnvironmentFileError(InputFileError):
    """An environment that cannot be; the text says what was expected, what came, and the way out."""


class PreparationError(RuntimeError):
    """An environment that could not be made; the text has the last line of what failed."""


@dataclass(frozen=True)
class ProgramEnvironment:
    """One environment, made or not."""

    named: str  # as the TOML file names it
    kind: EnvironmentKind
    file: Path | None  # that describes it; None for a container image
    folder: Path  # where it lies, or will lie

    @property
    def python(self) -> Path:
        """Its Python interpreter."""
        return self.folder / "env" / "bin" / "python"

    @property
    def is_ready(self) -> bool:
        """Whether it has been made."""
        return (self.folder / _READY).is_file()

    @property
    def obstacle(self) -> str:
        """Why a program cannot run in it now; empty where it can."""
        if self.is_ready:
            return ""
        failed = self.folder / _FAILED
        if failed.is_file():
            return f"its environment {self.named} could not be made: {failed.read_text(encoding='utf-8').strip()}"
        return f"its environment {self.named} has not been made: run the plan with --prepare, or check-method"

    @property
    def words(self) -> str:
        """What is recorded: the name, and the digest of what describes it."""
        return self.named if self.file is None else f"{self.named}, sha256 {file_sha256(self.file)[:12]}"


def find_environment(home: Path, named: str) -> ProgramEnvironment:
    """The environment that a TOML file in the folder `home` names.

    Raises:
        EnvironmentFileError: it is no file that is there, of another kind, or an image without a digest; or no cache folder is known.
    """
    if "@sha256:" in named:
        digest = hashlib.sha256(named.encode()).hexdigest()
        return ProgramEnvironment(named, "container", None, _cache() / f"container-{digest[:20]}")
    file = home / named
    if not file.is_file():
        raise EnvironmentFileError(
            f"environment: expected a file beside the TOML file, or an image as NAME@sha256:DIGEST, got {named!r}; correct it"
        )
    kind: EnvironmentKind
    if file.name == "uv.lock":
        kind = "uv project"
    elif file.suffix == ".txt" or (file.name.startswith("pylock.") and file.suffix == ".toml"):
        kind = "venv"
    elif file.suffix in (".yml", ".yaml"):
        kind = "conda"
    else:
        raise EnvironmentFileError(f"environment: expected .txt, pylock.toml, uv.lock, .yml or an image with its digest, got {named!r}")
    parts = [kind, file_sha256(file), platform.python_version(), platform.machine()]
    return ProgramEnvironment(
        named, kind, file, _cache() / f"{kind.split()[0]}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:20]}"
    )


def prepare_environment(environment: ProgramEnvironment) -> ProgramEnvironment:
    """The environment after it was made, if it was not there already. A preparation by another process is waited for.

    Raises:
        PreparationError: a step failed; the reason is kept beside the environment, and in log.txt there what was printed.
    """
    environment.folder.mkdir(parents=True, exist_ok=True)
    with _locked(environment.folder):
        if environment.is_ready:
            return environment
        (environment.folder / _FAILED).unlink(missing_ok=True)
        shutil.rmtree(environment.folder / "env", ignore_errors=True)
        (environment.folder / "log.txt").unlink(missing_ok=True)
        try:
            for command in preparation_steps(environment):
                _do(command, environment)
        except PreparationError as error:
            (environment.folder / _FAILED).write_text(f"{error}\n", encoding="utf-8")
            raise
        (environment.folder / _READY).write_text(f"{environment.words}\n", encoding="utf-8")
    return environment


def preparation_steps(environment: ProgramEnvironment) -> list[list[str]]:
    """The commands that make it, in order; they run in the folder of the file that describes it.

    Raises:
        PreparationError: no program is installed that could.
    """
    place = str(environment.folder / "env")
    if environment.file is None:
        return [_pull(environment)]
    file, uv = str(environment.file), shutil.which("uv")
    if environment.kind == "conda":
        program = _first(CONDA_PROGRAMS, "a conda environment")
        return [[program, *(() if program.endswith("micromamba") else ("env",)), "create", "--yes", "--prefix", place, "--file", file]]
    if environment.kind == "uv project":
        if uv is None:
            raise PreparationError("expected uv for uv.lock, got none on PATH; install uv, or name a requirements file")
        return [[uv, "sync", "--frozen", "--no-dev", "--project", str(environment.file.parent)]]
    if uv is not None:
        return [
            [uv, "venv", "--python", sys.executable, place],
            [uv, "pip", "install", "--python", str(environment.python), "--requirement", file],
        ]
    if environment.file.suffix == ".toml":
        raise PreparationError("expected uv for pylock.toml, got none on PATH; install uv, or name a requirements file")
    pip = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--requirement", file]
    return [[sys.executable, "-m", "venv", place], pip]


def container_command(environment: ProgramEnvironment, home: Path, folder: Path, threads: int, device: str) -> list[str]:
    """What comes before the program's own command, so that it runs in the image: `home` can be read there, and `folder` written to.

    Raises:
        PreparationError: no program is installed that could.
    """
    program = _first(CONTAINER_PROGRAMS, "a container")
    if Path(program).name == "apptainer":
        gpu = ["--nv"] if device != "cpu" else []
        binds = ["--bind", f"{home}:{home}:ro", "--bind", f"{folder}:{folder}"]
        return [program, "exec", *gpu, *binds, "--pwd", str(folder), str(environment.folder / "image.sif")]
    gpu = ["--gpus", "all"] if device != "cpu" else []
    mounts = ["--volume", f"{home}:{home}:ro", "--volume", f"{folder}:{folder}", "--workdir", str(folder)]
    user = ["--user", f"{os.getuid()}:{os.getgid()}"] if Path(program).name == "docker" else []
    limits = ["--env", f"OMP_NUM_THREADS={threads}", "--cpus", str(threads), "--network", "none"]
    return [program, "run", "--rm", "--init", *user, *gpu, *mounts, *limits, environment.named]


def environment_variables(environment: ProgramEnvironment, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a program that runs in it: its `bin` comes first in PATH, and no other environment of Python is named."""
    if environment.kind == "container":
        return dict(variables)
    place = environment.folder / "env"
    kept = {name: value for name, value in variables.items() if name not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")}
    name = "CONDA_PREFIX" if environment.kind == "conda" else "VIRTUAL_ENV"
    return {**kept, name: str(place), "PATH": os.pathsep.join([str(place / "bin"), kept.get("PATH", os.defpath)])}


def installed_versions(python: Path) -> dict[str, str]:
    """The distributions of the environment of an interpreter, by name, with their versions; read from its folders, nothing is executed.

    Raises:
        EnvironmentFileError: there is no such interpreter.
    """
    if not python.is_file():
        raise EnvironmentFileError(f"python: expected an interpreter, got {python}, where there is no file; make the environment first")
    root = python.parent.parent  # no link is followed: the interpreter of a virtual environment is a link out of it
    found = {}
    for folder in sorted(root.glob("lib/python*/site-packages/*.dist-info")):
        name, _, version = folder.name.removesuffix(".dist-info").partition("-")
        found[f"{root.name}: {name}"] = version
    return found


def _do(command: list[str], environment: ProgramEnvironment) -> None:
    """One step of a preparation. It gets the user's environment without variables that would lead it to another one."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    variables["UV_PROJECT_ENVIRONMENT"] = str(environment.folder / "env")
    where = environment.folder if environment.file is None else environment.file.parent
    with (environment.folder / "log.txt").open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        try:
            status = subprocess.run(
                command, cwd=where, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=_LIMIT_S, check=False
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PreparationError(f"{Path(command[0]).name}: {error}") from error
    if status:
        lines = (environment.folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        telling = [line for line in lines if line.strip() and not line.startswith(("$", "[notice]"))]
        errors = [line for line in telling if "error" in line.lower()] or telling or ["it printed nothing"]
        name = " ".join([Path(command[0]).name, *command[1:4]])
        raise PreparationError(
            f"{name} ended with exit status {status}: {printable(errors[-1].strip())[:400]}; {environment.folder}/log.txt has the rest"
        )


def _pull(environment: ProgramEnvironment) -> list[str]:
    program = _first(CONTAINER_PROGRAMS, "a container")
    if Path(program).name == "apptainer":
        return [program, "pull", "--force", str(environment.folder / "image.sif"), f"docker://{environment.named}"]
    return [program, "pull", environment.named]


def _first(programs: tuple[str, ...], what: str) -> str:
    """The path of the first of these programs that is installed."""
    found = next((place for name in programs if (place := shutil.which(name))), None)
    if found is None:
        raise PreparationError(f"expected {', '.join(programs[:-1])} or {programs[-1]} for {what}, got none on PATH; install one of them")
    return found


def _cache() -> Path:
    given = os.environ.get(CACHE)
    folder = user_path(given, EnvironmentFileError) if given else cache_folder()
    if folder is None:
        raise EnvironmentFileError(f"environment: expected a cache folder, got none that is known here; set ${CACHE}")
    return folder / "environments"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    import fcntl  # which Windows lacks, where methods are listed and not run

    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

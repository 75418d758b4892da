"""Environments in which programs run: which commands make them, once, and what is said where they cannot be made."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from methods.catalog import BrokenMethodError, find_one
from methods.contract import RefusedError
from methods.declared.environments import (
    EnvironmentFileError,
    PreparationError,
    container_command,
    environment_variables,
    find_environment,
    installed_versions,
    preparation_steps,
    prepare_environment,
)
from tests.methods.declared.test_program_run import fuse
from tests.programs import nearest, program

DIGEST = "sha256:" + "0" * 64


def fake(folder: Path, name: str, body: str) -> Path:
    """A program of that name in a folder that is to come first in PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, and a PATH in which no program but fake ones and the shell's is found."""
    monkeypatch.setenv("HMIF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    return tmp_path / "cache"


def test_an_environment_that_has_not_been_made_skips_the_row_and_says_how_to_make_it(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("x\n")
    file = nearest(tmp_path, python="{python}", more='environment = "requirements.txt"')
    assert find_one(str(file)).obstacle() == (
        "its environment requirements.txt has not been made: run the plan with --prepare, or check-method"
    )
    with pytest.raises(RefusedError, match="run the plan with --prepare"):
        fuse(file)


def test_a_preparation_that_fails_is_kept_with_its_reason_and_tried_again(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("x\n")
    fake(tmp_path / "bin", "uv", 'if [ "$1" = pip ]; then echo "error: no version of x" >&2; exit 2; fi')
    entry = find_one(str(nearest(tmp_path, python="{python}", more='environment = "requirements.txt"')))
    with pytest.raises(BrokenMethodError, match=r"uv pip install .*exit status 2: error: no version of x"):
        entry.prepare()
    assert "could not be made: uv pip install" in entry.obstacle()
    fake(tmp_path / "bin", "uv", 'if [ "$1" = venv ]; then mkdir -p "$4/bin"; fi')
    assert "requirements.txt, sha256" in entry.prepare()
    assert entry.obstacle() == ""
    fake(tmp_path / "bin", "uv", "exit 9")
    assert entry.prepare() == "", "what is made is not made again"


def test_another_content_is_another_environment(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x==1\n")
    (tmp_path / "b.txt").write_text("x==1\n")
    one, copy = (find_environment(tmp_path, name).folder for name in ("a.txt", "b.txt"))
    (tmp_path / "b.txt").write_text("x==2\n")
    other = find_environment(tmp_path, "b.txt").folder
    assert one == copy != other
    assert one.is_relative_to(cache)


def test_the_commands_follow_from_the_file_and_from_what_is_installed(cache: Path, tmp_path: Path) -> None:
    for name in ("r.txt", "pylock.toml", "uv.lock", "c.yml", "setup.cfg"):
        (tmp_path / name).write_text("x\n")

    def steps(named: str) -> list[list[str]]:
        environment = find_environment(tmp_path, named)
        place = str(environment.folder)
        return [[word.replace(place, "ENV") for word in step] for step in preparation_steps(environment)]

    assert [step[1:3] for step in steps("r.txt")] == [["-m", "venv"], ["-m", "pip"]]
    for named, says in (
        ("pylock.toml", "expected uv for pylock.toml"),
        ("uv.lock", "expected uv for uv.lock"),
        ("c.yml", "expected micromamba, mamba or conda for a conda environment"),
        (f"x/y@{DIGEST}", "expected apptainer, podman or docker for a container"),
    ):
        if "container" in says and Path("/usr/bin/docker").exists():
            continue
        with pytest.raises(PreparationError, match=says):
            steps(named)
    conda, uv, apptainer = (str(fake(tmp_path / "bin", name, "exit 0")) for name in ("conda", "uv", "apptainer"))
    assert steps("c.yml") == [[conda, "env", "create", "--yes", "--prefix", "ENV/env", "--file", str(tmp_path / "c.yml")]]
    assert steps("uv.lock") == [[uv, "sync", "--frozen", "--no-dev", "--project", str(tmp_path)]]
    assert steps("pylock.toml")[1] == [
        uv,
        "pip",
        "install",
        "--python",
        "ENV/env/bin/python",
        "--requirement",
        str(tmp_path / "pylock.toml"),
    ]
    assert steps(f"x/y@{DIGEST}") == [[apptainer, "pull", "--force", "ENV/image.sif", f"docker://x/y@{DIGEST}"]]
    for wrong in ("setup.cfg", "nowhere.txt", "x/y:latest"):
        with pytest.raises(EnvironmentFileError, match="environment: expected"):
            find_environment(tmp_path, wrong)


def test_a_program_runs_in_a_container_with_its_folders_mounted(cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fake(
        tmp_path / "bin",
        "podman",
        'echo "podman $*" >&2; [ "$1" = pull ] && exit 0; while [ "$1" != inside ]; do shift; done; shift; exec "$@"',
    )
    fake(tmp_path / "bin", "apptainer", "exit 1").unlink()
    file = program(
        tmp_path, "boxed", ["inside", "{python}", "{here}/nearest.py", "{observation}", "{estimate}"], more=f'environment = "x/y@{DIGEST}"'
    )
    nearest(tmp_path, "other")
    fake(tmp_path / "bin", "python", 'exec python3 "$@"')
    entry = find_one(str(file))
    entry.prepare()
    fuse(file)
    told = capfd.readouterr().err
    assert f"podman pull x/y@{DIGEST}" in next((cache / "environments").glob("*/log.txt")).read_text()
    run = next(line for line in told.splitlines() if line.startswith("podman run"))
    assert f"--volume {tmp_path}:{tmp_path}:ro" in run
    assert "--network none" in run
    assert f"x/y@{DIGEST} inside python {tmp_path}/nearest.py" in run


def test_docker_runs_as_the_user_and_with_the_gpu_where_there_is_one(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "podman").unlink(missing_ok=True)
    docker = fake(tmp_path / "bin", "docker", "exit 0")
    environment = find_environment(tmp_path, f"x/y@{DIGEST}")
    words = container_command(environment, tmp_path, tmp_path / "work", 2, "cuda")
    assert words[:3] == [str(docker), "run", "--rm"]
    assert "--user" in words
    assert words[words.index("--gpus") + 1] == "all"
    assert words[-1] == f"x/y@{DIGEST}"


def test_a_prepared_environment_comes_first_in_the_path(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("x\n")
    environment = find_environment(tmp_path, "r.txt")
    got = environment_variables(environment, {"PATH": "/usr/bin", "PYTHONPATH": "/mine", "PYTHONHOME": "/x", "OTHER": "1"})
    assert got == {"PATH": f"{environment.folder}/env/bin:/usr/bin", "VIRTUAL_ENV": f"{environment.folder}/env", "OTHER": "1"}


def test_the_distributions_of_an_interpreter_that_is_there_already_are_part_of_the_key(tmp_path: Path) -> None:
    place = tmp_path / "its-venv"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").write_text("#!/bin/sh\n")
    (place / "lib" / "python3.11" / "site-packages" / "torch-1.4.0.dist-info").mkdir(parents=True)
    assert installed_versions(place / "bin" / "python") == {"its-venv: torch": "1.4.0"}
    file = nearest(tmp_path / "method", python="{python}", more='files = ["*.py"]\npython = "../its-venv/bin/python"')
    entry = find_one(str(file))
    parts = entry.declared_parts()
    assert parts is not None
    assert parts.versions == {"its-venv: torch": "1.4.0"}
    (place / "bin" / "python").unlink()
    assert "expected an interpreter, got no file" in entry.obstacle()


def wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel with one module of that name, which says its version; made here, so that no network is needed."""
    file, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"__version__ = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return file


def test_prepare_waits_for_nothing_that_is_ready(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("x\n")
    environment = find_environment(tmp_path, "r.txt")
    environment.folder.mkdir(parents=True)
    (environment.folder / "ready.txt").write_text("x\n")
    assert prepare_environment(environment).is_ready

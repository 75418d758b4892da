"""The command line as a user meets it: in a process of its own, from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.benchmark.conftest import plan, plugin, world

ROOT = Path(__file__).resolve().parent.parent
__all__ = ["world"]


def cli(*arguments: object, folder: Path, file: str = "run_benchmark.py") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("HMIF_DATA", "PYTHONPATH")}
    command = [sys.executable, "-W", "error", str(ROOT / file), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=800, check=False)


def test_a_run_from_another_folder_prints_the_table_and_where_things_lie(world: Path) -> None:
    file = plan(world, ["steady", "bicubic", "rfuse"], scenes=("a",))
    done = cli("run", file, "--out", world / "out", "--plugins", world / "plugins", folder=world)
    assert done.returncode == 0, done.stderr
    assert "[3/3]" in done.stderr
    for text in ("told nothing", "told blur and colour response", "Bicubic", "R-FUSE", "PSNR", "records", "LaTeX", "index.html"):
        assert text in done.stdout, text
    record = json.loads(next((world / "out" / "cells").glob("*.json")).read_text())
    assert f"{record['metrics']['psnr']:.2f}" in done.stdout
    again = cli("report", world / "out", "--out", world / "elsewhere", folder=world)
    assert again.returncode == 0, again.stderr
    assert (world / "elsewhere" / "index.html").is_file()


def test_a_terminal_that_knows_ascii_alone_shows_the_table_too(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    given = ("run", plan(world, ["steady"], scenes=("a",)), "--out", world / "out", "--plugins", world / "plugins")
    done = cli(*given, folder=world, file="tests/run_without_figures.py")
    assert done.returncode == 0, done.stderr
    assert "PSNR" in done.stdout


def test_a_failed_cell_makes_the_status_one_and_is_named(world: Path) -> None:
    plugin(world / "plugins", "raises", "raise ValueError('no luck')")
    given = (plan(world, ["steady", "raises"], scenes=("a",)), "--out", world / "out", "--plugins", world / "plugins")
    done = cli(*given, folder=world, file="tests/run_without_figures.py")
    assert done.returncode == 1, done.stderr
    assert "failed: raises" in done.stdout
    assert "no luck" in done.stdout


def test_a_dry_run_lists_the_cells_and_runs_none(world: Path) -> None:
    done = cli("run", plan(world, ["steady", "bicubic"]), "--out", world / "out", "--plugins", world / "plugins", "--dry-run", folder=world)
    assert done.returncode == 0, done.stderr
    assert "4 cells" in done.stdout
    assert not (world / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("run", "none.toml"), "none.toml"),
        (("report", "."), "expected a run folder"),
        (("check-method", "bicubik"), "did you mean 'bicubic'"),
        (("fetch", "nothing"), "expected"),
        (("list", "everything"), "invalid choice"),
        (("run", "--slots", "0"), "expected a whole number"),
        (("new-method", "bad name"), "expected FAMILY/NAME"),
    ],
)
def test_wrong_arguments_exit_with_two_and_say_why(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    done = cli(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lists_name_what_there_is(tmp_path: Path) -> None:
    done = cli("list", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in (
        "bicubic",
        "mossfuse",
        "builtin/fields",
        "cave:test",
        "mossfuse-x32",
        "'taps': 31",
        "sentinel2",
        "gaussian",
        "ergas",
    ):
        assert text in done.stdout, text


def test_check_method_passes_a_good_one_and_mends_a_bad_one(world: Path) -> None:
    good = cli("check-method", "steady", "--plugins", world / "plugins", folder=world)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "keeps the contract" in good.stdout
    lines = good.stdout.splitlines()
    assert any(line.startswith("-  ") and line.endswith("does not apply (it shows no iterates: it is no IteratedMethod)") for line in lines)
    assert all(line.startswith("ok  ") for line in lines[:-1] if "does not apply" not in line and "note: " not in line)
    assert "note: two seeds gave one result" in good.stdout
    plugin(world / "plugins", "bad", "return low")
    bad = cli("check-method", world / "plugins" / "bad.py", folder=world)
    assert bad.returncode == 1
    assert "write return Estimate(cube)" in bad.stdout


def test_fuse_takes_ones_own_pair(world: Path) -> None:
    from datasets.cube_file import CubeFile, read_cube, write_cube

    truth = read_cube(world / "a.h5").cube
    low = truth.reshape(31, 4, 4, 6, 4).mean((2, 4))
    write_cube(world / "hsi.h5", CubeFile(low, np.linspace(400, 700, 31), "hsi"))
    weights = np.random.default_rng(1).random((3, 31))
    (world / "mine.csv").write_text(
        "wavelength_nm,r,g,b\n" + "".join(f"{400 + 10 * b},{','.join(str(value) for value in weights[:, b])}\n" for b in range(31))
    )
    msi = np.einsum("cb,bhw->chw", weights / weights.sum(1, keepdims=True), truth).astype(np.float32)
    write_cube(world / "msi.h5", CubeFile(msi, None, "msi"))
    pair = ("fuse", "--hsi", world / "hsi.h5", "--msi", world / "msi.h5", "--out", world / "fused.h5")
    done = cli(*pair, "--method", "rfuse", "--set", "rank=5", "--psf", "box,taps=4", "--srf", world / "mine.csv", folder=world)
    assert done.returncode == 0, done.stderr
    fused = read_cube(world / "fused.h5")
    assert fused.cube.shape == truth.shape
    assert np.abs(fused.cube - truth).mean() < 0.2 * np.abs(low.repeat(4, 1).repeat(4, 2) - truth).mean()
    assert fused.notes["method"] == "rfuse"
    assert "'rank': 5" in str(fused.notes["parameters"])
    assert fused.wavelengths_nm is not None
    needs = cli(*pair, "--method", "rfuse", folder=world)
    assert needs.returncode == 2
    assert "R-FUSE needs --psf and --srf" in needs.stderr
    typo = cli(*pair, "--method", "rfuse", "--set", "rnak=5", "--psf", "box,taps=4", "--srf", world / "mine.csv", folder=world)
    assert typo.returncode == 2
    assert "did you mean 'rank'" in typo.stderr
    with h5py.File(world / "fused.h5") as store:
        assert store["cube"].dtype == np.float32

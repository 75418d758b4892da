"""What a mistyped word is answered with: wherever a name is looked up, the nearest valid one is asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

import run_benchmark
from benchmark.commands.command_parser import FILES, parser, with_command
from datasets.data_roots import DataRoots
from datasets.nearest import did_you_mean
from datasets.scene import SceneError
from reports.content.choice import read_choice


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("reprot", "results/quick"), "report"),
        (("sttaus", "results/quick"), "status"),
        (("qiuck",), "quick"),
        (("run", "qiuck"), "quick"),
        (("list", "metods"), "methods"),
        (("report", "results/quick", "--colums", "psnr"), "--columns"),
        (("run", "quick", "--plugin-dir=x"), "--plugins"),
        (("run", "quick", "--keep", "estimate"), "estimates"),
        (("list", "methods", "gas"), "gsa"),
        (("fetch", "psrt-cave-x5"), "psrt-cave-x4"),
        (("new-method", "mine", "--kind", "closed-from"), "closed-form"),
    ],
)
def test_a_mistyped_word_of_the_command_line_is_answered_with_the_nearest(
    words: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = run_benchmark.main(list(words))
    except SystemExit as ended:  # argparse ends the program by itself
        status = ended.code
    assert status == 2
    assert f"did you mean {meant!r}?" in capsys.readouterr().err.replace("psrt-cave-x8", "psrt-cave-x4")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"metrics": "psnr,ergsa"}, "did you mean 'ergas'?"),
        ({"metrics": "psnr,sam,seconds"}, "write --columns psnr,sam,seconds instead"),
        ({"columns": "psnr,memmory"}, "did you mean 'memory'?"),
        ({"precision": "psnrr=2"}, "did you mean 'psnr'?"),
        ({"profile": "mossfusse"}, "did you mean 'mossfuse'?"),
        ({"group_by": "secne"}, "did you mean 'scene'?"),
        ({"spread": "rnage"}, "did you mean 'range'?"),
        ({"select": ("metod=gsa",)}, "did you mean 'method'?"),
    ],
)
def test_a_mistyped_name_in_the_options_of_a_report_is_answered_with_the_nearest(options: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=r"--") as raised:
        read_choice(**options)  # type: ignore[arg-type]
    assert text in str(raised.value)


def test_a_data_set_too() -> None:
    with pytest.raises(SceneError, match="did you mean 'weights'"):
        DataRoots(Path("x")).folder("wieghts")


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["report", "run"]) == ""
    assert did_you_mean("SPECTRA_LIFT", ["Spectra-Lift", "GSA"]) == "did you mean 'Spectra-Lift'? "


def test_a_command_line_without_a_command_runs_a_plan() -> None:
    assert with_command([]) == ["run"]
    assert with_command(["--dry-run"]) == ["run", "--dry-run"]
    assert with_command(["none.toml", "--out", "x"]) == ["run", "none.toml", "--out", "x"]
    assert with_command(["cave_x32"]) == ["run", "cave_x32"]
    assert with_command(["-h"]) == ["-h"]
    for name in FILES:
        assert with_command([name, "x"]) == [name, "x"]


def test_every_command_asks_for_its_own_options() -> None:
    of_commands = parser().of_commands
    assert set(of_commands) == set(FILES)
    assert all(isinstance(each, argparse.ArgumentParser) for each in of_commands.values())

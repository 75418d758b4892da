"""Which operating systems can do what, and that the others are told so before anything is imported or written."""

from __future__ import annotations

import os
import sys

import pytest

import run_benchmark
from benchmark.commands.command import CommandError, expect_platform


@pytest.mark.parametrize(
    ("platform", "name", "works", "refused"),
    [
        ("linux", "posix", ("run", "cell", "status", "merge", "clean", "rescore", "report", "fuse"), ()),
        ("darwin", "posix", ("status", "merge", "clean", "rescore", "report", "fuse", "list"), ("run", "cell", "check-bundle --cubes")),
        (
            "win32",
            "nt",
            ("report", "list", "compare", "explain"),
            ("run", "cell", "check-bundle --cubes", "status", "merge", "clean", "rescore"),
        ),
    ],
)
def test_each_system_runs_what_it_can(
    platform: str, name: str, works: tuple[str, ...], refused: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", platform)
        patch.setattr(os, "name", name)
        for command in works:
            expect_platform(command)
        for command in refused:
            with pytest.raises(CommandError, match=f"{command}: expected Linux"):
                expect_platform(command)


def test_the_entry_point_answers_with_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert run_benchmark.main(["run", "nothing.toml"]) == 2
    assert capsys.readouterr().err.startswith("error: run: expected Linux, got darwin")

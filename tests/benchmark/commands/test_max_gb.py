"""--max-gb: the limit on arrays in files reaches the readers, the children and the commands that repeat a cell elsewhere."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pytest

import run_benchmark
from benchmark.commands.command import add_data, repeating, roots
from datasets.input_files import largest_array


def _options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data(parser)
    parser.set_defaults(plugins=None, seed=None)
    return parser.parse_args(arguments)


def test_the_limit_is_put_into_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMIF_MAX_GB", "3")
    roots(_options())
    assert largest_array() == 3_000_000_000
    options = _options("--max-gb", "2.5")
    roots(options)
    assert os.environ["HMIF_MAX_GB"] == "2.5"
    assert largest_array() == 2_500_000_000
    assert repeating(options) == ("--max-gb", "2.5")
    assert repeating(_options()) == ()


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much"])
def test_a_limit_that_is_no_number_above_0_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _options("--max-gb", text)
    assert "expected a number of gigabytes above 0" in capsys.readouterr().err


def test_fuse_refuses_an_image_above_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HMIF_MAX_GB", "1")
    for name, shape in (("hsi.npy", (5, 6, 7)), ("msi.npy", (3, 12, 14))):
        np.save(tmp_path / name, np.ones(shape, np.float32))
    files = ["--hsi", str(tmp_path / "hsi.npy"), "--msi", str(tmp_path / "msi.npy"), "--layout", "bands rows cols"]
    status = run_benchmark.main(["fuse", *files, "--method", "bicubic", "--out", str(tmp_path / "out.h5"), "--max-gb", "1e-6"])
    assert status == 2
    assert "msi.npy: expected an array of at most 1000 bytes" in capsys.readouterr().err

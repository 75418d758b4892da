"""Every method, in every mode, keeps to the device that it is given: run on one that is not there (pretend.py), against the CPU.

The device stays registered in a process, so each part of the cases runs in one of its own (run_on_pretend.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from methods import catalog
from tests.devices.cases import LEFT_OUT, SLOW_ESTIMATOR, cases
from tests.devices.planted import FAULTS, planted
from tests.devices.pretend import has_cuda_kernel, why_not

ROOT = Path(__file__).resolve().parents[2]
PARTS = 6  # each well inside the time limit of a test, on a busy machine too
CHOSEN = range(0, PARTS, 1 if os.environ.get("HMIF_DEVICE") == "all" else 3)  # every third case, unless all are asked for

needs_the_device = pytest.mark.skipif(bool(why_not()), reason=why_not() or "never")


def findings(out: Path, *which: str) -> list[dict[str, Any]]:
    """What `run_on_pretend` writes, a finding a case."""
    command = [sys.executable, "-W", "error", "-m", "tests.devices.run_on_pretend", str(out), *which]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    assert done.returncode == 0, f"ended with {done.returncode} after {len(lines)} cases:\n{done.stderr[-3000:]}"
    return [json.loads(line) for line in lines]


@needs_the_device
@pytest.mark.parametrize("part", CHOSEN)
def test_methods_keep_to_their_device_and_give_what_they_give_on_the_cpu(part: int, tmp_path: Path) -> None:
    found = findings(tmp_path / "found.jsonl", str(part), str(PARTS))
    assert [finding["case"] for finding in found] == [case.name for case in cases()][part::PARTS]
    assert not [f"{finding['case']}: {finding['problem']}" for finding in found if finding["problem"]]
    idle = [finding["case"] for finding in found if finding["operators"] < 5]
    assert not idle, "nothing ran on the device"


@needs_the_device
def test_a_planted_fault_of_each_kind_is_found_and_a_method_without_one_passes(tmp_path: Path) -> None:
    found = findings(tmp_path / "found.jsonl", "planted")
    assert len(found) == len(FAULTS)
    for finding, words in zip(found, FAULTS.values(), strict=True):
        assert words in finding["problem"], finding["case"]
        assert bool(words) == bool(finding["problem"]), finding


def test_every_method_of_the_catalog_runs_alone_and_under_the_referee() -> None:
    names = [case.name for case in (*cases(), *planted())]
    assert len(set(names)) == len(names)
    for kind in ("alone", "referee"):
        assert {case.entry.name for case in cases() if case.kind == kind} == set(catalog.find())


def test_what_is_left_out_exists() -> None:
    known = {item.name for entry in catalog.find().values() for item in fields(entry.load())}
    assert set(LEFT_OUT) <= known
    assert any(case.parameters.get("blind") == SLOW_ESTIMATOR for case in cases())


def test_torchs_list_says_which_operators_cuda_has() -> None:
    if why_not():
        pytest.skip(why_not())
    there = ("add.Tensor", "mul_.Tensor", "linalg_lstsq", "convolution", "zeros", "_fused_adam_", "index_add_", "sum.dim_IntList")
    assert all(has_cuda_kernel(name) for name in there)
    for name in ("histogram.bin_ct", "_histogramdd_bin_edges", "_add_relu.Tensor", "_scaled_dot_product_flash_attention_for_cpu"):
        assert not has_cuda_kernel(name), name
    with pytest.raises(LookupError, match="no_such_operator"):
        has_cuda_kernel("no_such_operator")

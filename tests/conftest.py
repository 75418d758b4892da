"""Fixtures that several test folders share."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import jaxtyping
import pytest
import torch
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("datasets", "methods", "benchmark", "reports")


def _modules_with_shapes() -> list[str]:
    """The modules of the suite whose signatures state shapes of arrays."""
    files = (file for floor in FLOORS for file in (ROOT / floor).rglob("*.py") if "jaxtyping" in file.read_text(encoding="utf-8"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


# Shapes are checked in every call of these modules. The types of all others are checked by mypy alone: to check them in each call as well
# took as long as all that the tests do themselves. Where seconds are measured, nothing is checked.
if "--benchmark-only" not in sys.argv:
    install_import_hook(_modules_with_shapes(), "beartype.beartype")
CACHE = tempfile.TemporaryDirectory(prefix="hmif-tests-", ignore_cleanup_errors=True)  # removed when this process ends
os.environ["HMIF_CACHE"] = CACHE.name  # what is kept of scenes, by this process and its children
# No example is kept in the clone, which may be read-only, and none is too slow on a loaded machine.
settings.register_profile("any machine", database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """One thread a test: small tensors gain nothing from more, and figures do not depend on the machine."""
    torch.set_num_threads(1)


@pytest.fixture
def unchecked_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shape is checked: for a test of thousands of iterations, whose functions other tests call with shapes checked."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that are drawn in this process have no figures, which take three quarters of their time."""
    monkeypatch.setattr("reports.report.draw_figures", lambda *_: ())
    monkeypatch.setattr("reports.report.comparison_figures", lambda *_: ())


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The development data root ($HMIF_DATA, or ../shared/data beside the clone); the test is skipped where it is absent."""
    root = Path(os.environ.get("HMIF_DATA") or ROOT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip("needs real data: set HMIF_DATA to a data root, or put one at ../shared/data")
    return root


@pytest.fixture(scope="session")
def shared(data_root: Path) -> Path:
    """The folder around the data root, with the parity fixtures; the test is skipped where they are absent."""
    if not (data_root.parent / "parity").is_dir():
        pytest.skip("needs the parity fixtures: a folder `parity` beside the data root")
    return data_root.parent

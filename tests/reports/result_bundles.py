"""Small bundles under the protocol of MossFuse's paper, for tests of the pages of the results and of the verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.run_folder.bundle import Bundle, write_bundle
from benchmark.run_folder.record import Clock, Result
from reports.content.statement_ledger import read_statements
from tests.benchmark.folders import FIRST

LEDGER = read_statements()
X32 = LEDGER.statements[0]
PLAN = """
scenes = ["cave:test"]
methods = ["*"]
[[protocol]]
name = "mossfuse-x32"
scenes = ["cave/*"]
[[protocol]]
name = "never-x2"
"""


def x32() -> dict[str, Any]:
    """The protocol of the paper, as a record has it."""
    numbers = dict(X32.numbers)
    psf = {name.removeprefix("psf."): numbers.pop(name) for name in list(numbers) if name.startswith("psf.")}
    return {"name": "mossfuse-x32", "hsi_snr_db": None, "msi_snr_db": None, "psf": psf, **numbers}


def row(label: str, psnr: Sequence[float], *, fuse: float = 1.0, size: int = 0, **facts: Any) -> list[Result]:
    """A record for each number, on the test scenes in their order; its SAM and SSIM follow from its PSNR."""
    card = {**FIRST.card, "name": label, "random": False, "learns": "never", "family": "sparse", **facts.pop("card", {})}
    fit, device = facts.pop("fit", 0.0), facts.pop("device", "cpu")
    clock = Clock(fuse=fuse, fuse_low=fuse, fuse_high=fuse, rounds=3, warmed=True, fit=fit)
    facts = {"method": label.lower().replace("-", ""), "protocol": x32(), "files": {}, **facts}
    return [
        replace(
            FIRST,
            key=f"{re.sub('[^a-z0-9]', '', label.lower())}{number}{device}{facts['protocol']['name']}",
            label=label,
            card=card,
            scene=scene,
            scene_content=f"content-{scene}",
            metrics={"psnr": value, "ssim": 1 - 1 / value, "sam": 200 / value, "ergas": 9 / value, "uiqi": 0.5},
            clock=clock,
            parameters_total=size,
            parameters_inference=size,
            device=device,
            **facts,
        )
        for number, (scene, value) in enumerate(zip(X32.scenes, psnr, strict=False))
    ]


def spread(mean: float, slope: float = 0.3, scenes: int = 12) -> list[float]:
    """PSNRs on some scenes, lopsided around a mean."""
    steps = slope * np.arange(scenes) ** 1.5
    return [float(value) for value in mean + steps - steps.mean()]


def moss(mean: float, **facts: Any) -> list[Result]:
    """The method of the paper with its authors' weights."""
    told = {"tier": "told nothing; learned from other scenes, without their truth", "files": {"checkpoint": LEDGER.weights}}
    card = {"learns": "beforehand", "trained_on": "CAVE train"}
    return row("MossFuse", spread(mean, 0.2), **{"card": card, "size": 585_485, "fit": 2.0, **told, **facts})


def plan_rows(*records: Sequence[Result]) -> list[dict[str, Any]]:
    firsts = [each[0] for each in records]
    return [{"name": r.method, "label": r.label, "parameters": dict(r.parameters), "files": {}} for r in firsts]


def bundle(folder: Path, *rows: Sequence[Result], name: str = "small", plan: dict[str, Any] | None = None) -> dict[str, Path]:
    """A file with these rows, by its name."""
    records = tuple(record for each in rows for record in each)
    whole = Bundle(
        name=name,
        records=records,
        environments={"e0": {"processor": "A & <B>", "cores": 2, "commit": "0123456789abcdef"}},
        plan={"scenes": list(X32.scenes), "methods": plan_rows(*rows), **(plan or {})},
        plan_text=PLAN,
        planned=len(records),
        metrics_key="m0",
        made="2026-01-02T00:00:00+00:00",
    )
    return {f"{name}.json.xz": write_bundle(folder / f"{name}.json.xz", whole)}

"""A method as a researcher writes it who never heard of `rng`: layers, Adam, dropout and global generators, and cubes of other kinds."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from benchmark.children.child_task import Limits
from benchmark.children.endings import Ended
from benchmark.children.processes import collect, start, wait_any
from benchmark.runner.jobs import ESTIMATE_NAME, FuseJob
from benchmark.runner.outcomes import fused_answer
from datasets.cube_file import read_cube
from methods.catalog import find_one
from tests.benchmark.conftest import ROOT, plan, plugin

PLAIN = '''"""A network in plain torch."""
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
import random
import numpy as np
import torch
from torch import nn
from methods.contract import Card, Estimate, FusionMethod, ParameterCount, TrainableMethod

def up(seen):
    return nn.functional.interpolate(seen.hsi[None], scale_factor=seen.ratio, mode="bilinear")

@dataclass(frozen=True)
class Fitted(FusionMethod):
    network: nn.Module

    def fuse(self, seen, rng):
        noise = 1e-2 * (torch.randn(seen.msi.shape, device=seen.msi.device) + np.random.random() + random.random())
        stacked = torch.cat([up(seen), (seen.msi + noise)[None]], dim=1)
        return Estimate(self.network(stacked)[0])  # with gradients, and with dropout

    def parameter_count(self):
        count = sum(each.numel() for each in self.network.parameters())
        return ParameterCount(count, count)

@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = Card(name="Plain", paper="a test", doi="", year=2026, fidelity="none", learns="on the scene", supervision="self")
    steps: int = 3

    def fit(self, examples, rng):
        seen = examples[0].seen
        bands, channels = len(seen.hsi), len(seen.msi)
        network = nn.Sequential(nn.Conv2d(bands + channels, 8, 3, padding=1), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(8, bands, 1))
        network = network.to(seen.hsi)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for step in range(self.steps):
            optimizer.zero_grad()
            cube = network(torch.cat([up(seen), seen.msi[None]], dim=1))
            loss = (nn.functional.avg_pool2d(cube, seen.ratio) - seen.hsi[None]).abs().mean()
            loss.backward()
            optimizer.step()
        return Fitted(network)
'''


def ended_cell(file: Path, seed: int = 0) -> Ended:
    """What a cell of the method in that file ends with."""
    seen = random_pair(7, 3).withhold(psf=True, srf=True)
    child = start(FuseJob(find_one(str(file)), {}, pickle.dumps(seen), "cpu", seed=seed, exact=True), Limits(100.0, apart=True))
    while child not in wait_any([child], 5.0):
        pass
    return collect(child)


def fused(file: Path, seed: int = 0) -> tuple[np.ndarray[Any, Any], list[str]]:
    """The cube that is stored, and the remarks of the record."""
    ended = ended_cell(file, seed)
    try:
        assert ended.how == "done", ended.reason
        return read_cube(ended.scratch / ESTIMATE_NAME).cube, fused_answer(ended)["remarks"]
    finally:
        ended.discard()


def test_plain_torch_gives_the_same_cube_for_a_seed_and_another_one_for_another(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(PLAIN)
    first, remarks = fused(tmp_path / "plain.py")
    again, _ = fused(tmp_path / "plain.py")
    other, _ = fused(tmp_path / "plain.py", seed=1)
    assert abs(first - again).max() < 1e-5 * abs(first).max()
    assert abs(first - other).max() > 1e-2 * abs(first).max()
    assert remarks == ["its cube came with gradients"]


HALVES = [f"its {part} came in float16, where the pair has float32" for part in ("cube", "standard deviation")]
RETURNS = {
    "double": ("Estimate(low.double())", ["its cube came in float64, where the pair has float32"]),
    "brain": ("Estimate(low.bfloat16())", ["its cube came in bfloat16, where the pair has float32"]),
    "half": ("Estimate(low.half(), std=low.half() + 1)", HALVES),
    "strided": ("Estimate(low.permute(1, 2, 0).contiguous().permute(2, 0, 1))", []),
    "numpy": ("Estimate(low.numpy())", ["its cube came as a numpy array"]),
    "mirrored, big-endian": (
        "Estimate(low.flip(1).numpy().astype('>f8')[:, ::-1])",
        ["its cube came as a numpy array", "its cube came in float64, where the pair has float32"],
    ),
    "seeded": ("(torch.manual_seed(7), Estimate(low))[1]", ["it set a global generator to a seed of its own: torch.manual_seed(7)"]),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_cube_of_another_kind_is_converted_and_the_record_says_so(tmp_path: Path, name: str) -> None:
    expression, expected = RETURNS[name]
    plugin(tmp_path, "subject", f"return {expression}")
    cube, remarks = fused(tmp_path / "subject.py")
    truth = random_pair(7, 3).hsi.repeat_interleave(4, 1).repeat_interleave(4, 2).numpy()
    assert abs(cube - truth).max() < (4e-3 if name in ("brain", "half") else 1e-6)
    assert cube.dtype == np.float32
    assert remarks == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("low", "expected an Estimate from fuse, got Tensor; write return Estimate(cube)"),
        ("low.numpy()", "expected an Estimate from fuse, got ndarray; write return Estimate(cube)"),
        ("None", "expected an Estimate from fuse, got None (is there a `return` at the end?); write return Estimate(cube)"),
        ("(low, low)", "expected an Estimate from fuse, got tuple; write return Estimate(cube) with the cube alone"),
        ("Estimate(list(low))", "the cube: expected a torch.Tensor, got list; write torch.stack(...)"),
        ("Estimate((255 * low).byte())", "expected floating-point values, got uint8; write the cube in the units of the pair"),
        ("Estimate(low.permute(1, 2, 0))", "which is (rows, cols, bands); write Estimate(cube.permute(2, 0, 1))"),
        ("Estimate(low.permute(0, 2, 1).numpy())", "which is (bands, cols, rows); write Estimate(cube.permute(0, 2, 1))"),
        ("Estimate(low[None])", "write Estimate(cube[0]), without the axis of the batch"),
    ],
)
def test_what_cannot_be_taken_is_told_with_the_line_to_write(tmp_path: Path, expression: str, reason: str) -> None:
    plugin(tmp_path, "subject", f"return {expression}")
    ended = ended_cell(tmp_path / "subject.py")
    ended.discard()
    assert ended.how == "invalid"
    assert reason in ended.reason


def test_remarks_stand_in_the_records_and_below_the_tables_of_a_plan(world: Path) -> None:
    (world / "plugins" / "plain.py").write_text(PLAIN)
    plugin(world / "plugins", "own", "np = __import__('numpy'); np.random.seed(3); return Estimate(low.double())")
    file = plan(world, ["plain", "own"], scenes=("a",))
    run = [
        sys.executable,
        str(ROOT / "tests" / "run_without_figures.py"),
        "run",
        str(file),
        "--plugins",
        str(world / "plugins"),
        "--out",
        str(world / "out"),
    ]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = " ".join(ended.stdout.split())
    assert "its cube came with gradients" in said
    assert "it set a global generator to a seed of its own: np.random.seed(3)" in said
    assert "its cube came in float64, where the pair has float32" in said


def test_iterates_that_are_fused_on_the_way_do_not_disturb_what_learning_draws(tmp_path: Path) -> None:
    """The referee seeds the global generators for each iterate, and learning goes on with its own."""
    from benchmark.runner.oracle_iterates import IterateRecorder
    from methods.contract import Example

    text = PLAIN.replace("class Method(TrainableMethod)", "class Method(IteratedMethod)").replace("import Card", "import Card, Example")
    text = text.replace("from torch import nn\n", "from torch import nn\nfrom methods.iterates import IteratedMethod\n")
    text = text.replace("def fit(self, examples, rng):", "def iterates(self, examples, rng, count):")
    text = text.replace(
        "            optimizer.step()\n        return Fitted(network)\n",
        "            optimizer.step()\n            if count > 1 or step == self.steps - 1:\n                yield Fitted(network)\n",
    )
    (tmp_path / "iterated.py").write_text(text)
    method = find_one(str(tmp_path / "iterated.py")).load()()
    seen = random_pair(7, 3)
    weights = []
    for given in (method, IterateRecorder(method, 3, 5, lambda number, estimate: None)):
        torch.manual_seed(5)
        fitted = given.fit([Example(seen)], torch.Generator().manual_seed(5))  # type: ignore[union-attr]
        weights.append(torch.cat([each.detach().reshape(-1) for each in fitted.network.parameters()]))
    assert torch.allclose(weights[0], weights[1], atol=1e-6)

"""What `check-method` says to a beginner: one true sentence for each mistake, with the line to write.

All files are examined by one other process, since the checks of types in the tests would refuse some of these estimates before the referee.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from benchmark.authors.conformance import examine
from benchmark.matrix.parameter_files import usual_places, with_files
from datasets.observation import Observation
from datasets.settings import SettingError
from methods.catalog import find_one
from methods.contract import Estimate, FusionMethod
from tests.benchmark.conftest import ROOT

HEAD = '''"""A method for tests."""
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import torch
from torch import nn
from methods.contract import Card, Estimate, FusionMethod, TrainableMethod

FACTS = dict(name="X", paper="a test", doi="", year=2026, fidelity="none")
CARD = Card(**FACTS, random=False)
SCENE = Card(**FACTS, learns="on the scene", supervision="self")

def up(seen):
    return seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)

'''
METHOD = "@dataclass(frozen=True)\nclass Method(FusionMethod):\n    card: ClassVar[Card] = CARD\n    def fuse(self, seen, rng):\n        "
LEARNER = (
    "@dataclass(frozen=True)\nclass Method(TrainableMethod):\n    card: ClassVar[Card] = SCENE\n    def fit(self, examples, rng):\n        "
)
GOOD = METHOD + "return Estimate(up(seen))"
FIELD = "    def fuse"
ONLY_102 = "Card(**FACTS, random=False, min_bands=102, max_bands=102, min_channels=4, max_channels=4, ratios=(3,))"
SEEDED = METHOD + "torch.manual_seed(1); return Estimate(up(seen) + 1e-2 * torch.rand(1))"
PATH = GOOD.replace(FIELD, "    checkpoint: Path = Path('{}.pth')\n    def fuse").replace(
    "up(seen)", "torch.load(self.checkpoint) * up(seen)"
)

# What is broken, in the order of the rules; each problem has these parts.
BROKEN: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "good": (GOOD, []),
    "numpy_cube": (METHOD + "return Estimate(up(seen).numpy())", []),
    "bare_tensor": (METHOD + "return up(seen)", [("expected an Estimate from fuse, got Tensor; write return Estimate(cube)",)]),
    "bare_array": (METHOD + "return up(seen).numpy()", [("expected an Estimate from fuse, got ndarray; write return Estimate(cube)",)]),
    "ends_the_process": (METHOD + "import os; os._exit(0)", [("os._exit(0), which ends the process of the cell without a result",)]),
    "no_return": (METHOD + "cube = up(seen)", [("got None (is there a `return` at the end?); write return Estimate(cube)",)]),
    "a_dict": (METHOD + "return {'cube': up(seen)}", [("got dict; write return Estimate(cube) with the cube alone",)]),
    "bands_last": (
        METHOD + "return Estimate(up(seen).permute(1, 2, 0))",
        [("is (rows, cols, bands); write Estimate(cube.permute(2, 0, 1))",)],
    ),
    "batch": (METHOD + "return Estimate(up(seen)[None])", [("write Estimate(cube[0]), without the axis of the batch",)]),
    "list_of_bands": (METHOD + "return Estimate(list(up(seen)))", [("expected a torch.Tensor, got list; write torch.stack(...)",)]),
    "bytes": (
        METHOD + "return Estimate((255 * up(seen)).byte())",
        [("got uint8; write the cube in the units", "Estimate(cube.float() / 255)")],
    ),
    "in_place": (
        METHOD + "seen.msi.sub_(0.1); return Estimate(up(seen))",
        [("seen.msi was changed: work on a copy, msi = seen.msi.clone()",)],
    ),
    "not_frozen": (
        GOOD.replace("(frozen=True)", ""),
        [("expected a frozen dataclass; write @dataclass(frozen=True) above `class Method`",)],
    ),
    "mutable": (
        GOOD.replace(FIELD, "    widths: list = [1]\n    def fuse"),
        [("mutable default", "write a tuple, such as widths: tuple[int")],
    ),
    "list_field": (GOOD.replace(FIELD, "    widths: list = None\n    def fuse"), [("write widths: tuple[int, ...] = (32, 64)",)]),
    "network_field": (
        GOOD.replace(FIELD, "    net: nn.Module = nn.ReLU()\n    def fuse"),
        [("the field net is a", "return Fitted(network)")],
    ),
    "set_on_self": (
        METHOD + "self.net = nn.ReLU()",
        [("at line 20 of set_on_self.py (`self.net = nn.ReLU()`)", "keep what is made or learned")],
    ),
    "signature": (GOOD.replace("seen, rng", "hsi, msi, ratio"), [("`fuse(self, hsi, msi, ratio)`", "write def fuse(self, seen, rng)")]),
    "card_as_field": (GOOD.replace("ClassVar[Card]", "Card"), [("`card` is annotated as", "write card: ClassVar[Card] = Card(...)")]),
    "other_name": (GOOD.replace("class Method", "class MyNet"), [("got MyNet; write `class Method` there",)]),
    "no_base": (GOOD.replace("(FusionMethod)", ""), [("write `class Method(FusionMethod):`",)]),
    "short_card": (
        "Card(name='X')\n" + GOOD,
        [("missing 4 required", "at line 16 of short_card.py", "write Card(name='...', paper='...'")],
    ),
    "undefined": (
        GOOD.replace(FIELD, "    steps: Optional[int] = 3\n    def fuse"),
        [("name 'Optional' is not defined", "import or define")],
    ),
    "cuda_always": (METHOD + "assert 0, 'no CUDA here'", [("write device=seen.hsi.device, or .to(seen.hsi)",)]),
    "fit_none": (LEARNER + "nn.ReLU()", [("expected `fit` to return a FusionMethod, got None; write `return Fitted(network)`",)]),
    "fit_network": (LEARNER + "return nn.ReLU()", [("expected `fit` to return a FusionMethod, got ReLU; write `return Fitted(network)`",)]),
    "no_weights": (METHOD + "torch.load('net.pth')", [("write the file as a parameter, such as checkpoint: Path = Path('net.pth')",)]),
    "lost_path": (PATH.format("lost"), [("checkpoint: expected a file, looked at", "lost.pth; give its path")]),
    "kept_path": (PATH.format("net"), []),
    "seeded": (
        SEEDED.replace("CARD", "Card(**FACTS)"),
        [("torch.manual_seed(1) was called with the plan's seeds 0 and 1 alike", "delete that line")],
    ),
    "seeded_and_silent": (SEEDED, []),
    "only_31": (
        GOOD.replace("CARD", "Card(**FACTS, random=False, min_bands=31, max_bands=31)").replace(
            "return", "assert len(seen.hsi) == 31; return"
        ),
        [],
    ),
    "only_102": (
        GOOD.replace("CARD", ONLY_102).replace("return", "assert (len(seen.hsi), len(seen.msi), seen.ratio) == (102, 4, 3); return"),
        [],
    ),
    "no_size": (
        GOOD.replace("CARD", "Card(**FACTS, min_bands=40, max_bands=31)"),
        [("leave no number of bands (min_bands=40, max_bands=31)",)],
    ),
    "three_channels": (
        METHOD + "return Estimate(nn.Conv2d(3, 31, 1).to(seen.msi)(seen.msi))".replace("CARD", "SCENE"),
        [("it works", "min_channels=3, max_channels=3"), ("write random=True",)],
    ),
    "untyped": (GOOD.replace(FIELD, "    steps = 100\n    def fuse"), []),
    "talkative": (METHOD + "[print('epoch', epoch) for epoch in range(50)]; return Estimate(up(seen))", []),
    "in_255": (METHOD + "return Estimate(255 * up(seen))", []),
}
NOTES = {
    "numpy_cube": ("its cube came as a numpy array", "write return Estimate(torch.from_numpy(cube).to(seen.hsi))"),
    "seeded_and_silent": ("the result does not depend on the plan's seed", "delete that line", "write random=True in Card(...)"),
    "untyped": ("`steps` has no type", "write steps: int = 100"),
    "talkative": ("it prints 50 lines", "such as 'epoch 49'", "the cell's log"),
    "in_255": ("the cube reaches", "write it in the units of the pair, such as Estimate(cube / 255)"),
}
EXAMINE = """
import json, sys, torch
from benchmark.authors.conformance import examine
from methods.catalog import find_one
torch.set_num_threads(1)
found = {file: [(each.check, each.problem, each.note) for each in examine(find_one(file))] for file in sys.argv[1:]}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, str]]]:
    """For each method the rule, the problem and the note of every finding."""
    folder = tmp_path_factory.mktemp("beginners")
    torch.save(torch.ones(1), folder / "net.pth")
    for name, (text, _) in BROKEN.items():
        (folder / f"{name}.py").write_text(HEAD + text + "\n")
    files = [str(folder / f"{name}.py") for name in BROKEN]
    ended = subprocess.run([sys.executable, "-c", EXAMINE, *files], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return {Path(file).stem: findings for file, findings in json.loads(ended.stdout).items()}


@pytest.mark.parametrize("name", BROKEN)
def test_each_mistake_has_one_sentence_with_the_line_to_write(found: dict[str, list[tuple[str, str, str]]], name: str) -> None:
    problems = [problem for _, problem, _ in found[name] if problem]
    expected = BROKEN[name][1]
    assert len(problems) == len(expected), problems
    for problem, parts in zip(problems, expected, strict=True):
        assert [part for part in parts if part not in problem] == [], problem
    notes = " ".join(note for _, _, note in found[name])
    assert [part for part in NOTES.get(name, ()) if part not in notes] == [], notes


def test_what_breaks_the_form_or_does_not_run_is_told_once_and_not_by_every_rule(found: dict[str, list[tuple[str, str, str]]]) -> None:
    assert len(found["not_frozen"]) == 1
    assert len(found["bare_tensor"]) == 2
    assert len(found["good"]) > 12


def test_a_file_that_a_parameter_names_is_looked_for_where_a_plan_looks(tmp_path: Path) -> None:
    (tmp_path / "method.py").write_text(HEAD + GOOD)
    entry = find_one(str(tmp_path / "method.py"))
    assert usual_places(entry, tmp_path / "data", None) == (Path.cwd(), tmp_path / "data", tmp_path)


@dataclass(frozen=True)
class WithWeights(FusionMethod):
    """A method whose weights are a file."""

    checkpoint: Path = Path("net.pth")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """Nothing that this test needs."""
        raise NotImplementedError


def test_two_files_of_one_name_that_differ_are_refused_and_equal_ones_are_one(tmp_path: Path) -> None:
    folders = [tmp_path / "plan", tmp_path / "repository"]
    for folder, content in zip(folders, (b"another network", b"the network"), strict=True):
        folder.mkdir()
        (folder / "net.pth").write_bytes(content)
    with pytest.raises(
        SettingError, match=r"checkpoint: expected one file net.pth, got .*plan/net.pth and .*repository/net.pth, which diff"
    ):
        with_files(WithWeights(), folders, "net")
    meant = folders[1] / "net.pth"
    assert with_files(WithWeights(meant), folders, "net") == WithWeights(meant.resolve())
    (folders[0] / "net.pth").write_bytes(b"the network")
    assert with_files(WithWeights(), folders, "net") == WithWeights((folders[0] / "net.pth").resolve())
    (folders[0] / "net.pth").unlink()
    assert with_files(WithWeights(), folders, "net") == WithWeights(meant.resolve())


def test_of_a_toml_file_no_line_of_the_suite_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "declared.toml"
    file.write_text('[card]\nname = "X"\nyear = 2026\n[run]\ncommand = ["sh", "x.sh"]\nformt = "mat"\n')
    told = [finding.problem for finding in examine(find_one(str(file))) if finding.problem]
    assert len(told) == 1
    assert "unknown setting 'formt': did you mean 'format'?" in told[0]
    assert "at line" not in told[0]
    assert "raise " not in told[0]

"""Methods that learn beforehand: trained once for a protocol, on what the plan says, and never tested on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.authors.conformance import examine
from benchmark.matrix.patches import HandedExamples, Patches
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.matrix.training_set import training_set
from benchmark.review.explain import explain
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from datasets.protocols import protocol_from
from datasets.scene import Scene
from methods.catalog import find_one
from tests.benchmark.conftest import plan

LEARNER = '''"""Ratio of the mean spectrum to the mean of the MSI, learned from patches."""
from __future__ import annotations
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
import torch
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod

CARD = Card(name="Learner", paper="a test", doi="", year=2026, supervision="{supervision}", learns="beforehand", fidelity="none")

@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = CARD
    steps: int = 5

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        {body}
        spectra = [examples[k].{target}.mean((1, 2)) / examples[k].seen.msi.mean() for k in range(self.steps)]
        return Fitted(torch.stack(spectra).mean(0))

@dataclass(frozen=True, eq=False)
class Fitted(FusionMethod):
    card: ClassVar[Card] = CARD
    spectrum: torch.Tensor

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        return Estimate(self.spectrum[:, None, None] * seen.msi.mean(0))

    def parameter_count(self) -> ParameterCount:
        return ParameterCount(len(self.spectrum), len(self.spectrum))
'''


def learner(folder: Path, body: str = "pass", supervision: str = "truth", target: str = "truth") -> None:
    (folder / "learner.py").write_text(LEARNER.format(body=body, supervision=supervision, target=target))
    cube = np.random.default_rng(3).random((31, 24, 32), dtype=np.float32)
    write_cube(folder.parent / "c.h5", CubeFile(cube, np.linspace(400, 700, 31), "c"))


def go(world: Path, extra: str = "patch = 8", scenes: tuple[str, ...] = ("a", "b"), lessons: tuple[str, ...] = ("c",)) -> list[Result]:
    names = ", ".join(f'"file:{world / name}.h5"' for name in lessons)
    text = f"[training]\nscenes = [{names}]\n{extra}\n"
    checked = read_plan(plan(world, ["learner"], text, scenes=scenes), DataRoots.parse([]), world / "plugins")
    return run(checked, RunSettings(world / "run"), lambda progress: None)


def test_one_training_serves_every_scene_and_stands_in_the_record(world: Path) -> None:
    learner(world / "plugins")
    records = go(world, "patch = 8\ntrained_on = 'C alone'")
    assert [record.outcome for record in records] == ["scored", "scored"]
    assert {record.tier for record in records} == {"told nothing; learned from other scenes, with their truth"}
    assert {record.card["trained_on"] for record in records} == {"C alone, camera-x8"}
    assert len(list((world / "run" / "fits").glob("*.pt"))) == 1
    assert all(record.clock is not None and record.clock.fit > 0 for record in records)
    assert {record.parameters_total for record in records} == {31}
    assert "trained on C alone" in explain(world / "run", records[0].key).text()


def test_it_is_not_trained_again_for_another_scene_but_for_other_patches(world: Path) -> None:
    counter = world / "trainings"
    learner(world / "plugins", f"open({str(counter)!r}, 'a').write('x')")
    first = go(world, scenes=("a",))
    assert go(world, scenes=("a", "b"))[0] == first[0]
    assert counter.read_text() == "x"
    other = go(world, "patch = 16", scenes=("a",))
    assert counter.read_text() == "xx"
    assert other[0].key != first[0].key
    assert other[0].metrics != first[0].metrics


def test_a_scene_that_it_was_trained_on_is_refused_by_name_and_by_content(world: Path) -> None:
    learner(world / "plugins")
    (world / "copy.h5").write_bytes((world / "c.h5").read_bytes())
    for scene in ("c", "copy"):  # one at a time: equal scenes have equal keys
        other, taught = go(world, scenes=("a", scene))
        assert other.outcome == "scored"
        assert taught.outcome == "skipped"
        assert f"was trained on {taught.scene}" in taught.reason


def test_a_training_that_fails_fails_its_cells_and_says_why(world: Path) -> None:
    learner(world / "plugins", "raise RuntimeError('the loss is not finite')")
    records = go(world)
    assert {record.outcome for record in records} == {"failed"}
    assert all("the training failed: RuntimeError: the loss is not finite" in record.reason for record in records)
    log = next((world / "run" / "logs").glob("fit_*.txt"))
    assert "Traceback" in log.read_text()
    assert log.name in records[0].reason


def test_what_learns_from_observations_alone_is_given_no_truth(world: Path) -> None:
    learner(world / "plugins", "assert examples[3].truth is None", "self", "seen.hsi")
    assert {record.outcome for record in go(world)} == {"scored"}


def test_the_training_has_its_own_time_limit(world: Path) -> None:
    learner(world / "plugins", "import time; time.sleep(60)")
    records = go(world, "patch = 8\ntime_limit_s = 1", scenes=("a",))
    assert "the training failed: ended after its time limit of 1 s" in records[0].reason


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("", "expected [training] with scenes and patch"),
        ("[training]\nscenes = []\npatch = 8", "scenes: expected at least one"),
        ("[training]\nscenes = ['builtin/textiles']\npatch = 0", "patch: expected a whole number >= 1"),
        ("[training]\nscenes = ['builtin/textiles']\npatches = 8", "did you mean 'patch'"),
    ],
)
def test_a_plan_that_does_not_say_what_to_learn_from_is_refused(world: Path, extra: str, text: str) -> None:
    learner(world / "plugins")
    with pytest.raises(PlanError) as caught:
        read_plan(plan(world, ["learner"], extra), DataRoots.parse([]), world / "plugins")
    assert text in str(caught.value)


def test_the_contract_check_gives_it_lessons(world: Path) -> None:
    learner(world / "plugins")
    findings = {finding.check: finding.problem for finding in examine(find_one(str(world / "plugins" / "learner.py")))}
    assert not any(problem for rule, problem in findings.items() if rule not in ("sizes", "ratios")), findings


def test_what_a_method_is_handed_gives_the_patches_and_leads_to_no_scene(world: Path) -> None:
    training = training_set({"scenes": [f"file:{world / 'a.h5'}"], "patch": 8}, DataRoots.parse([]))
    patches = training.patches(find_one("daem").load().card, protocol_from("camera-x8", None), "cpu")
    handed = HandedExamples(patches)
    assert len(handed) == len(patches)
    assert torch.equal(handed[3].seen.hsi, patches[3].seen.hsi)
    assert [torch.equal(one.seen.msi, other.seen.msi) for one, other in zip(handed[1:3], patches[1:3], strict=True)] == [True, True]
    assert not hasattr(handed, "scenes")
    assert not hasattr(handed, "__dict__")
    values = [getattr(handed, name) for name in dir(handed) if not name.startswith("__")]
    assert not [value for value in values if isinstance(value, Patches | Scene | torch.Tensor)]

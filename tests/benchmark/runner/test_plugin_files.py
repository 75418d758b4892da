"""Plugins of several files in a run: their files are in the key and in the child's statement, and each plugin has its own."""

from __future__ import annotations

from pathlib import Path

from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import HEAD, plan

LEARNS = """
from methods.contract import TrainableMethod
CARD = Card(name="learner", paper="a test", doi="", year=2026, fidelity="none", learns="beforehand", supervision="truth")

@dataclass(frozen=True)
class Fitted(FusionMethod):
    card: ClassVar[Card] = CARD
    net: object

    def fuse(self, seen, rng):
        low = seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)
        return Estimate(low * self.net.gain)

@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = CARD

    def fit(self, examples, rng): return Fitted(Net())
"""
NET = "class Net:\n    gain = {gain}\n"


def method(file: Path, imports: str, gain: float) -> None:
    """A method whose gain stands in a file `network.py` beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    name = file.parent.name if file.stem == "method" else file.stem
    text = HEAD.format(name=name, card="", body="return Estimate(low * Net.gain)")
    text = text.replace("from datasets.", "from hmif_bench.datasets.").replace("from methods.", "from hmif_bench.methods.")
    file.write_text(text.replace("import torch\n", f"import torch\n{imports}\n"))
    (file.parent / "network.py").write_text(NET.format(gain=gain))


def go(world: Path, file: Path) -> dict[str, Result]:
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    return {record.label: record for record in run(checked, RunSettings(world / "run"), lambda progress: None)}


def test_files_beside_a_method_count_each_for_its_own_method(world: Path) -> None:
    plugins, alone = world / "plugins", world / "elsewhere" / "alone.py"
    method(plugins / "one" / "method.py", "from .network import Net", 1.0)
    method(plugins / "family" / "two" / "method.py", "from network import Net", 0.5)
    method(alone, "import network, datasets.mine\nfrom datasets.mine import Net\nassert Net is network.Net", 0.25)
    (alone.parent / "datasets").mkdir()
    (alone.parent / "datasets" / "mine.py").write_text("from network import Net\n")
    method(plugins / "learner" / "method.py", "from network import Net", 0.75)
    learner = plugins / "learner" / "method.py"
    learner.write_text(learner.read_text().partition("@dataclass")[0] + LEARNS)
    (plugins / "helper.py").write_text("raise SystemExit('no method')\n")
    file = plan(world, ["one", "two", str(alone), "learner"], f'[training]\nscenes = ["file:{world}/b.h5"]\npatch = 8', scenes=("a",))
    before = go(world, file)
    assert {name: (record.outcome, record.reason, record.uncovered) for name, record in before.items()} == dict.fromkeys(
        ("one", "two", "alone", "learner"), ("scored", "", ())
    )
    levels = [before[name].metrics["psnr"] or 0.0 for name in ("alone", "two", "learner", "one")]
    assert levels == sorted(levels), "nobody was given another's gain"
    assert len({round(level, 3) for level in levels}) == 4
    (plugins / "family" / "two" / "network.py").write_text(NET.format(gain=0.9))
    (plugins / "learner" / "network.py").write_text(NET.format(gain=0.8))
    after = go(world, file)
    assert {name for name in after if after[name].key != before[name].key} == {"two", "learner"}
    assert {name for name in after if after[name] != before[name]} == {"two", "learner"}
    assert all(record.outcome == "scored" for record in after.values())

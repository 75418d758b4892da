"""The contract's checks catch what they are for: one broken method a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.conformance import CHECKS, examine
from benchmark.scaffold import ScaffoldError, new_method
from methods.catalog import BrokenMethodError, MethodNotFoundError, find, find_one
from tests.benchmark.conftest import plugin

BROKEN = {
    "sizes": ("return Estimate(low[:, 1:])", "", "expected a cube of shape"),
    "ratios": ("assert seen.ratio == 4; return Estimate(low)", "", "AssertionError on"),
    "deterministic": ("return Estimate(low + torch.rand(low.shape))", "", "the same seed gave other results"),
    "leaves alone": ("seen.hsi.mul_(1.0).add_(1e-3); return Estimate(low)", "", "seen.hsi was changed"),
    "keeps kind": ("return Estimate(low.double())", "", "the estimate is torch.float64"),
    "withholding": (
        "return Estimate(seen.psf(seen.srf.adjoint(seen.msi)).repeat_interleave(4, 1).repeat_interleave(4, 2))",
        "",
        "does not name",
    ),
    "black": ("return Estimate(low / low.max())", "", "an all-black pair gave"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_each_rule_catches_its_breach(tmp_path: Path, check: str) -> None:
    body, card, text = BROKEN[check]
    plugin(tmp_path, "broken", body, card)
    found = [finding.problem for finding in examine(find_one(str(tmp_path / "broken.py")))]
    assert text in found[[rule.name for rule in CHECKS].index(check)]


@pytest.mark.parametrize(
    "draw",
    [
        "torch.rand(low.shape)",
        "torch.rand(low.shape, generator=(dice := torch.Generator(), dice.seed())[0])",
        "torch.from_numpy(__import__('numpy').random.default_rng().random(tuple(low.shape))).float()",
        "0.01 * torch.tensor([__import__('random').random() for _ in range(len(low))])[:, None, None]",
    ],
    ids=["torch", "a generator of its own", "numpy", "random, once a band"],
)
def test_a_little_that_the_seed_does_not_decide_is_caught(tmp_path: Path, draw: str) -> None:
    """A hundredth of the brightness, or less: other seeds change the methods of the suite that draw by as much or more."""
    plugin(tmp_path, "broken", f"return Estimate(low + 0.01 * ({draw}))")
    assert problem_of(tmp_path / "broken.py", "deterministic").startswith("the same seed gave other results, ")


@pytest.mark.parametrize(
    ("change", "breach"), [("2e-7 * (len(COUNT) % 7)", False), ("1.0 * (len(COUNT) % 3 == 0)", False), ("1e-3 * len(COUNT)", True)]
)
def test_other_last_bits_in_a_second_run_are_no_breach_nor_is_one_run_of_three(tmp_path: Path, change: str, breach: bool) -> None:
    """That is what memory aligned in another way does, and what learning can make of it; a result that never comes again is a breach."""
    plugin(tmp_path, "aligned", f"COUNT.append(0); return Estimate(low * (1 + {change}))")
    with (tmp_path / "aligned.py").open("a") as file:
        file.write("\nCOUNT = []\n")
    assert bool(problem_of(tmp_path / "aligned.py", "deterministic")) is breach


def problem_of(file: Path, check: str) -> str:
    """What one check says of the method in that file."""
    return {rule.name: finding.problem for rule, finding in zip(CHECKS, examine(find_one(str(file))), strict=True)}[check]


def test_a_card_that_asks_for_what_is_not_used_is_caught(tmp_path: Path) -> None:
    plugin(tmp_path, "broken", "return Estimate(low)", "needs_psf=True")
    found = [finding.problem for finding in examine(find_one(str(tmp_path / "broken.py")))]
    assert any("another one changes nothing: set needs_psf=False" in problem for problem in found)
    plugin(tmp_path, "rounds", "return Estimate(low * (1 + 1e-7 * seen.psf.kernel[0, 0] / seen.psf.kernel.max()))", "needs_psf=True")
    assert "another one changes nothing" in problem_of(tmp_path / "rounds.py", "withholding")


LOOKED_AT = '''"""A method for tests."""
from dataclasses import dataclass
from typing import ClassVar
import torch
from methods.contract import Card, Estimate, FusionMethod
from methods.iterates import IteratedMethod

@dataclass(frozen=True)
class Fitted(FusionMethod):
    strength: float

    def fuse(self, seen, rng):
        return Estimate(self.strength * seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2))

@dataclass(frozen=True)
class Method(IteratedMethod):
    card: ClassVar[Card] = Card(name="x", paper="a test", doi="", year=2026, fidelity="none", learns="on the scene")

    def iterates(self, examples, rng, count):
        for share in range({more}):
            yield Fitted({strength})
'''


@pytest.mark.parametrize(
    ("more", "strength", "problem"),
    [
        ("count", "(share + 1) / count", ""),
        ("count", "(share + 1) / 2", "the last of 3 iterates is not what `fit` gives"),
        ("count + 1", "1.0", "3 iterates were asked for, and more came"),
    ],
)
def test_iterates_that_depend_on_their_number_are_caught(tmp_path: Path, more: str, strength: str, problem: str) -> None:
    (tmp_path / "shown.py").write_text(LOOKED_AT.format(more=more, strength=strength))
    found = {check.name: finding.problem for check, finding in zip(CHECKS, examine(find_one(str(tmp_path / "shown.py"))), strict=True)}
    assert found["iterates"].startswith(problem)
    assert bool(found["iterates"]) is bool(problem)


def test_a_refusal_that_the_card_states_is_kept(tmp_path: Path) -> None:
    body = "if seen.msi.shape[0] > 3: raise RefusedError('three at most')\n        return Estimate(low)"
    plugin(tmp_path, "fine", body, "max_channels=3")
    assert not [finding for finding in examine(find_one(str(tmp_path / "fine.py"))) if finding.problem]
    plugin(tmp_path, "silent", body)
    assert any("the card does not say so" in finding.problem for finding in examine(find_one(str(tmp_path / "silent.py"))))
    plugin(tmp_path, "never", body, "max_bands=20")
    assert any("that size every method must take" in finding.problem for finding in examine(find_one(str(tmp_path / "never.py"))))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "expected a class `Method`"),
        ("import no_such_module", "does not import: ModuleNotFoundError"),
        ("def f(:", "does not import: SyntaxError"),
        ("from methods.contract import FusionMethod\nclass Method(FusionMethod): pass", "expected `Method` to define fuse"),
        (
            "from methods.contract import FusionMethod\nclass Method(FusionMethod):\n    def fuse(self, seen, rng): pass",
            "write @dataclass",
        ),
        (
            "from dataclasses import dataclass\nfrom methods.contract import FusionMethod\n@dataclass(frozen=True)\n"
            "class Method(FusionMethod):\n    def fuse(self, seen, rng): pass",
            "expected `card",
        ),
    ],
)
def test_a_file_that_holds_no_method_says_what_is_missing(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    findings = list(examine(find_one(str(tmp_path / "bad.py"))))
    assert len(findings) == 1
    assert problem in findings[0].problem


def test_the_scaffold_passes_the_contract_as_it_stands(tmp_path: Path) -> None:
    method, test = new_method("classical/my_first", tmp_path)
    assert not [finding for finding in examine(find_one(str(method))) if finding.problem]
    assert "from methods.classical.my_first import Method" in test.read_text()
    assert len(method.read_text().splitlines()) <= 60
    with pytest.raises(ScaffoldError, match="exists"):
        new_method("classical/my_first", tmp_path)


@pytest.mark.parametrize("name", ["my_first", "a/b/c", "Classical/x", "classical/class", "numerics/x", "../x/y"])
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScaffoldError, match="expected"):
        new_method(name, tmp_path)


def test_the_catalog_finds_files_folders_and_plugins_and_refuses_doubles(tmp_path: Path) -> None:
    plugin(tmp_path, "flat", "return Estimate(low)")
    plugin(tmp_path / "family", "nested", "return Estimate(low)")
    (tmp_path / "family" / "large").mkdir()
    (tmp_path / "family" / "large" / "method.py").write_text((tmp_path / "flat.py").read_text())
    found = find(tmp_path)
    assert {"flat", "nested", "large", "bicubic", "gsa", "rfuse", "spectralift", "mossfuse"} <= set(found)
    assert found["mossfuse"].family == "unsupervised"
    assert found["large"].load().card.name == "flat"
    with pytest.raises(MethodNotFoundError, match="did you mean 'rfuse'"):
        find_one("rfus")
    plugin(tmp_path, "bicubic", "return Estimate(low)")
    with pytest.raises(BrokenMethodError, match="two methods are named 'bicubic'"):
        find(tmp_path)

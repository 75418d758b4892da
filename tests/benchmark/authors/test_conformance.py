"""The contract's checks catch what they are for: one broken method a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.authors.conformance import CHECKS, examine
from benchmark.authors.scaffold import ScaffoldError, new_method
from methods.catalog import BrokenMethodError, MethodNotFoundError, find, find_one
from tests.benchmark.conftest import plugin

BROKEN = {
    "sizes": ("return Estimate(low[:, 1:])", "", "expected a cube of shape"),
    "ratios": ("assert seen.ratio == 4; return Estimate(low)", "", "AssertionError on"),
    "deterministic": ("return Estimate(low + torch.rand(1))", "", "the same seed gave two results"),
    "random": ("return Estimate(low + torch.rand(1, generator=rng))", "random=False", "of the largest value apart: write random=True"),
    "leaves alone": ("seen.hsi.mul_(1.0).add_(1e-3); return Estimate(low)", "", "seen.hsi was changed"),
    "keeps kind": ("return Estimate(low.double())", "", "the estimate is torch.float64"),
    "withholding": (
        "return Estimate(seen.psf(seen.srf.adjoint(seen.msi)).repeat_interleave(4, 1).repeat_interleave(4, 2))",
        "",
        "does not ask for: the PSF is withheld here: set needs_psf=True",
    ),
    "black": ("return Estimate(low / low.max())", "", "an all-black pair gave"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_each_rule_catches_its_breach(tmp_path: Path, check: str) -> None:
    body, card, text = BROKEN[check]
    plugin(tmp_path, "broken", body, card)
    found = [finding.problem for finding in examine(find_one(str(tmp_path / "broken.py")))]
    problem = found[[rule.name for rule in CHECKS].index(check)]
    assert text in problem
    assert "write " in problem or "set " in problem or "such as " in problem or "seen.hsi.clone()" in problem  # the way out


@pytest.mark.parametrize(
    ("body", "card", "advised"),
    [
        ("return Estimate(low)", "random=True", True),
        ("return Estimate(low)", "random=False", False),
        ("return Estimate(low + 1e-7 * torch.rand(1, generator=rng))", "random=False", False),  # as another order of sums would do
        ("return Estimate(low * torch.rand(1, generator=rng))", "random=True", False),
        # draws where there are more than 1,000 fine pixels alone
        ("return Estimate(low + (torch.rand(1, generator=rng) if low[0].numel() > 1000 else 0))", "random=True", False),
    ],
)
def test_what_is_not_random_and_does_not_say_so_is_told_and_keeps_the_contract(tmp_path: Path, body: str, card: str, advised: bool) -> None:
    plugin(tmp_path, "plain", body, card)
    findings = list(examine(find_one(str(tmp_path / "plain.py"))))
    assert not [finding.problem for finding in findings if finding.problem]
    notes = [finding.note for finding in findings if finding.note]
    assert len(notes) == advised
    assert all("write random=False in Card(...)" in note for note in notes)


def test_a_deviation_that_depends_on_the_seed_makes_a_result_random(tmp_path: Path) -> None:
    plugin(tmp_path, "vague", "return Estimate(low, std=0.1 + torch.rand(low.shape, generator=rng))", "random=False")
    problems = [finding.problem for finding in examine(find_one(str(tmp_path / "vague.py"))) if finding.problem]
    assert len(problems) == 1
    assert "write random=True" in problems[0]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (("tables/*.csv",), ""),
        (("tables/*.csv", "more.npz"), "no file in"),
        (("tables",), "no file in"),  # a folder is no file
        (("../tables/a.csv",), "below the method's own folder"),
        (("/etc/hostname",), "below the method's own folder"),
    ],
)
def test_data_files_that_a_method_names_lie_beside_it(tmp_path: Path, files: tuple[str, ...], problem: str) -> None:
    plugin(tmp_path, "reader", "return Estimate(low)")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("1,2\n")
    file = tmp_path / "reader.py"
    file.write_text(
        file.read_text().replace("    strength: float", f"    files: ClassVar[tuple[str, ...]] = {files!r}\n    strength: float")
    )
    form = next(iter(examine(find_one(str(file)))))
    assert problem in form.problem
    assert bool(problem) is bool(form.problem)


def test_a_pair_that_every_method_must_take_and_is_refused_is_a_broken_rule(tmp_path: Path) -> None:
    plugin(tmp_path, "picky", "if seen.ratio == 8: raise RefusedError('ratio 8')\n        return Estimate(low)", "random=False")
    problems = [finding.problem for finding in examine(find_one(str(tmp_path / "picky.py"))) if finding.problem]
    assert len(problems) == 1
    assert problems[0].startswith("ratio 8: a pair is refused that every method must take")


def test_a_card_that_asks_for_what_is_not_used_is_caught(tmp_path: Path) -> None:
    plugin(tmp_path, "broken", "return Estimate(low)", "needs_psf=True")
    found = [finding.problem for finding in examine(find_one(str(tmp_path / "broken.py")))]
    assert any("the card asks for the PSF, but another one changes nothing: write needs_psf=False" in problem for problem in found)


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
    card: ClassVar[Card] = Card(name="x", paper="a test", doi="", year=2026, fidelity="none", learns="on the scene", supervision="self")

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
    assert any("a size that every method must take" in finding.problem for finding in examine(find_one(str(tmp_path / "never.py"))))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("from methods.contract import Card\nCard(name='x', paper='', doi='', year=1, fidelity='', learns='beforehand')", "contradict"),
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
    assert not [finding for finding in examine(find_one(str(method))) if finding.problem or finding.note]
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

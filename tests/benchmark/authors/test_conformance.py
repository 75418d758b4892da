"""The contract's checks catch what they are for: one broken method a rule."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.authors.conformance import CHECKS, Finding, examine
from methods.catalog import BrokenMethodError, MethodNotFoundError, find, find_one
from tests.benchmark.conftest import plugin

BROKEN = {
    "sizes": (
        "assert len(seen.hsi) != 2; return Estimate(low)",
        "",
        "with 31 bands and 3 channels it works",
    ),
    "ratios": ("assert seen.ratio == 4; return Estimate(low)", "", "AssertionError on"),
    "runs": ("return low", "", "expected an Estimate from fuse, got Tensor; write return Estimate(cube)"),
    "deterministic": (
        "dice = torch.Generator(); dice.seed(); return Estimate(low + torch.rand(low.shape, generator=dice))",
        "",
        "the same seed gave other results",
    ),
    "later calls": (
        "kept = globals().setdefault('KEPT', {}).setdefault(low.shape, 0 * low); kept += 0.1 * (low - kept); return Estimate(kept)",
        "",
        "a later call of `fuse` for the same pair gave another cube",
    ),
    "random": ("return Estimate(low + torch.rand(1, generator=rng))", "random=False", "of the largest value apart: write random=True"),
    "leaves alone": ("seen.hsi.mul_(1.0).add_(1e-3); return Estimate(low)", "", "seen.hsi was changed"),
    "withholding": ("return Estimate(low)", "needs_psf=True", "another one changes nothing: write needs_psf=False"),
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


def test_a_response_that_the_card_does_not_ask_for_is_told_where_it_is_read(tmp_path: Path) -> None:
    plugin(tmp_path, "broken", "return Estimate(seen.psf(seen.srf.adjoint(seen.msi)).repeat_interleave(4, 1).repeat_interleave(4, 2))")
    *kept, broken = examine(find_one(str(tmp_path / "broken.py")))
    assert not any(finding.problem for finding in kept)
    assert "does not ask for: the PSF is withheld here: set needs_psf=True" in broken.problem
    assert "line 17 of broken.py (`return Estimate(seen.psf(" in broken.problem


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
    assert problems[0].startswith("ratio 8: a pair is refused (ratio 8), but the card does not say so")
    assert "such as ratios=(4,)" in problems[0]
    plugin(
        tmp_path, "stated", "if seen.ratio == 8: raise RefusedError('ratio 8')\n        return Estimate(low)", "random=False, ratios=(2, 3)"
    )
    assert not [finding.problem for finding in examine(find_one(str(tmp_path / "stated.py"))) if finding.problem]


@pytest.mark.parametrize(
    "draw",
    [
        "torch.rand(low.shape, generator=(dice := torch.Generator(), dice.seed())[0])",
        "torch.from_numpy(__import__('numpy').random.default_rng().random(tuple(low.shape))).float()",
        "0.01 * torch.tensor([__import__('random').Random().random() for _ in range(len(low))])[:, None, None]",
    ],
    ids=["a generator of its own", "numpy", "random, once a band"],
)
def test_a_little_that_the_seed_does_not_decide_is_caught(tmp_path: Path, draw: str) -> None:
    """A hundredth of the brightness, or less: other seeds change the methods of the suite that draw by as much or more."""
    plugin(tmp_path, "broken", f"return Estimate(low + 0.01 * ({draw}))")
    assert problem_of(tmp_path / "broken.py", "deterministic").startswith("the same seed gave other results, ")


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ("2e-7 * (len(COUNT) % 7)", False),  # last bits
        ("1e4 * torch.finfo(low.dtype).eps * len(COUNT)", False),  # last bits blown up, in float32 to more than rounding
        ("1.0 * (len(COUNT) % 3 == 0)", False),  # once in a while
        ("1e-3 * len(COUNT)", True),
    ],
)
def test_other_last_bits_in_a_second_run_are_no_breach_and_results_that_never_come_again_are(
    tmp_path: Path, change: str, breach: bool
) -> None:
    """The first three are what memory aligned in another way does, and what learning can make of it."""
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
    assert any("the card asks for the PSF, but another one changes nothing: write needs_psf=False" in problem for problem in found)
    plugin(tmp_path, "rounds", "return Estimate(low * (1 + 1e-7 * seen.psf.kernel[0, 0] / seen.psf.kernel.max()))", "needs_psf=True")
    assert "another one changes nothing" in problem_of(tmp_path / "rounds.py", "withholding")


def problems(file: Path) -> dict[str, Finding]:
    return {check.name: finding for check, finding in zip(CHECKS, examine(find_one(str(file))), strict=True)}


LEARNER = '''"""A method for tests."""
from dataclasses import dataclass
from typing import ClassVar
import torch
from torch.autograd import grad
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, FusionMethod, ParameterCount, TrainableMethod

CARD = Card(name="x", paper="a test", doi="", year=2026, fidelity="none", learns="on the scene", supervision="self")

def low(seen):
    return seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)

def learned(seen, rng, steps=3):
    weights = torch.rand(7, generator=rng).requires_grad_()
    for step in range(steps):
        loss = (weights.sum() - seen.hsi.mean()) ** 2
        {gradient}
    return weights.detach()

@dataclass(frozen=True)
class Fitted(FusionMethod):
    weights: torch.Tensor

    def fuse(self, seen, rng):
        {in_fuse}
        return Estimate(low(seen) * self.weights.mean())

    def parameter_count(self):
        return ParameterCount(7, 7)
'''
ONLY_FUSE = """
@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = CARD
    def fuse(self, seen, rng):
        return Estimate(low(seen) * learned(seen, rng).mean())
"""
IN_FIT = """
@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = CARD
    def fit(self, examples, rng):
        return Fitted(learned(examples[0].seen, rng))
"""
LATE = """
@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = CARD
    def fit(self, examples, rng):
        return Fitted(torch.rand(7, generator=rng))
"""
IN_ADAPT = """
@dataclass(frozen=True)
class Method(AdaptingMethod):
    card: ClassVar[Card] = CARD
    def adapt(self, seen, rng):
        return Fitted(learned(seen, rng))
"""


@pytest.mark.parametrize("gradient", ["loss.backward(inputs=[weights])", "grad(loss, weights)", "torch.autograd.grad(loss, [weights])"])
def test_gradients_of_a_method_that_never_learns_are_noted(tmp_path: Path, gradient: str) -> None:
    text = (
        LEARNER.format(gradient=gradient, in_fuse="pass").replace('learns="on the scene", supervision="self"', 'learns="never"') + ONLY_FUSE
    )
    (tmp_path / "solver.py").write_text(text)
    found = problems(tmp_path / "solver.py")["learns in fit"]
    assert not found.problem
    assert "learns='never', and `fuse` takes 3 gradients" in found.note


@pytest.mark.parametrize("gradient", ["loss.backward(inputs=[weights])", "grad(loss, weights)", "torch.autograd.grad(loss, [weights])"])
@pytest.mark.parametrize(
    ("kind", "in_fuse", "problem"),
    [
        (ONLY_FUSE, "", "but there is only `fuse`"),
        (LATE, "learned(seen, rng)", "`fit` takes no gradient and `fuse` takes 3"),
        (IN_FIT, "", ""),
        (IN_FIT, "learned(seen, rng, 1)", ""),  # a gradient of its own may be how it fuses
        (IN_ADAPT, "", ""),
    ],
)
def test_learning_inside_fuse_is_caught(tmp_path: Path, kind: str, in_fuse: str, gradient: str, problem: str) -> None:
    (tmp_path / "learner.py").write_text(LEARNER.format(gradient=gradient, in_fuse=in_fuse or "pass") + kind)
    found = problems(tmp_path / "learner.py")["learns in fit"]
    assert problem in found.problem
    assert bool(found.problem) == bool(problem)
    if problem:
        assert "would be timed as fusion" in found.problem
        assert "return there the FusionMethod" in found.problem


@pytest.mark.parametrize(
    ("field", "count", "problem"),
    [
        ("torch.nn.Sequential(torch.nn.Linear(300, 500), torch.nn.Conv2d(3, 5, 2))", "0, 0", "holds 150,565 numbers (in self.weights)"),
        ("{'deep': [torch.ones(3, 4), (torch.ones(5),)]}", "0, 0", "17 numbers (in self.weights['deep'][0], self.weights['deep'][1][0])"),
        ("np.ones((2, 9))", "0, 0", "holds 18 numbers"),
        ("Holder(torch.ones(6))", "0, 0", "holds 6 numbers (in self.weights.inside)"),
        ("torch.ones(6)", "6, 6", ""),
        ("torch.ones(6)", "6, 8", "8 at inference of 6 in all"),
        ("(same, same, 3, 'text')", "0, 0", "holds 4 numbers"),  # shared ones count once
        ("np.arange(3)", "0, 0", None),  # indices are no weights
        ("None", "0, 0", None),
        ("SpatialResponse(torch.ones(1, 1), 4, 0)", "0, 0", None),
    ],
)
def test_numbers_that_are_held_and_not_counted_are_caught(tmp_path: Path, field: str, count: str, problem: str | None) -> None:
    head = LEARNER.format(gradient="pass", in_fuse="return Estimate(low(seen))").replace("ParameterCount(7, 7)", f"ParameterCount({count})")
    more = "import numpy as np\nfrom datasets.degradation import SpatialResponse\n@dataclass\nclass Holder:\n    inside: object\n"
    (tmp_path / "holder.py").write_text(head + more + f"same = torch.ones(4)\n{LATE.replace('torch.rand(7, generator=rng)', field)}")
    found = problems(tmp_path / "holder.py")["parameters"]
    assert bool(found.left_out) == (problem is None)
    assert (problem or "") in found.problem
    assert bool(found.problem) == bool(problem)


FROM_RNG = "int(torch.randint(2**40, (), generator=rng))"


@pytest.mark.parametrize(
    ("line", "problem", "instead"),
    [
        (
            "torch.manual_seed(3)",
            "torch.manual_seed(3) was called with the plan's seeds 0 and 1 alike: one result",
            "torch.randn(size, generator",
        ),
        ("torch.random.manual_seed(3)", "torch.manual_seed(3) was called", "fork_rng"),
        ("torch.random.manual_seed(seed=3)", "torch.manual_seed(seed=3) was called", "fork_rng"),
        ("import numpy; numpy.random.seed(4)", "np.random.seed(4) was called", "np.random.default_rng("),
        ("import random; random.seed(5)", "random.seed(5) was called", "random.Random("),
        (f"torch.manual_seed({FROM_RNG})", "", ""),
        ("torch.Generator().manual_seed(3)", "", ""),
    ],
)
def test_a_seed_of_the_methods_own_is_caught(tmp_path: Path, line: str, problem: str, instead: str) -> None:
    plugin(tmp_path, "seeding", f"with torch.random.fork_rng():\n            {line}; return Estimate(low + 1e-3 * torch.rand(1))")
    found = problems(tmp_path / "seeding.py")["seeds"].problem
    assert problem in found
    assert bool(found) == bool(problem)
    assert instead in found


def test_a_card_that_says_that_nothing_depends_on_the_seed_may_fix_it_and_is_told_what_that_hides(tmp_path: Path) -> None:
    body = "with torch.random.fork_rng():\n            torch.manual_seed(3); return Estimate(low + 1e-3 * torch.rand(1))"
    plugin(tmp_path, "fixed", body, card="random=False")
    found = problems(tmp_path / "fixed.py")["seeds"]
    assert (found.problem, found.left_out) == ("", "")
    assert found.note.startswith("torch.manual_seed(3) was called with the plan's seeds 0 and 1 alike, and the card says random=False")
    assert "delete that line" in found.note
    plugin(tmp_path, "plain", "return Estimate(low)", card="random=False")
    assert problems(tmp_path / "plain.py")["seeds"].left_out == "its card says random=False, and it sets no global generator"


def test_a_seed_by_an_imported_name_is_caught_and_every_name_is_put_back(tmp_path: Path) -> None:
    plugin(tmp_path, "importing", "numpy_seed(4); return Estimate(low)")
    file = tmp_path / "importing.py"
    file.write_text(file.read_text().replace("import torch\n", "import torch\nfrom numpy.random import seed as numpy_seed\n", 1))
    entry = find_one(str(file))
    before = (np.random.seed, torch.manual_seed, random.seed, torch.autograd.grad, torch.autograd.backward)
    found = {check.name: finding for check, finding in zip(CHECKS, examine(entry), strict=True)}
    assert "np.random.seed(4) was called" in found["seeds"].problem
    assert before == (np.random.seed, torch.manual_seed, random.seed, torch.autograd.grad, torch.autograd.backward)
    assert sys.modules[entry.load().__module__].numpy_seed is np.random.seed


@pytest.mark.parametrize(
    ("body", "remark", "line"),
    [
        ("return Estimate(low.clone().requires_grad_())", "its cube came with gradients", "cube.detach()"),
        ("return Estimate(low, std=torch.ones_like(low).requires_grad_())", "its standard deviation came with gradients", ".detach()"),
        ("return Estimate(low.double())", "its cube came in float64, where the pair has float32", "cube.to(seen.hsi)"),
    ],
)
def test_what_the_referee_converts_keeps_the_contract_and_is_told_with_the_way_out(
    tmp_path: Path, body: str, remark: str, line: str
) -> None:
    plugin(tmp_path, "hanging", body, "random=False")
    found = problems(tmp_path / "hanging.py")
    assert not [finding.problem for finding in found.values() if finding.problem]
    assert remark in found["keeps kind"].note
    assert line in found["keeps kind"].note


def test_a_rule_that_does_not_apply_says_so_and_is_not_ok(tmp_path: Path) -> None:
    plugin(tmp_path, "plain", "return Estimate(low)")
    found = problems(tmp_path / "plain.py")
    assert {name for name, finding in found.items() if finding.left_out} == {"learns in fit", "parameters", "iterates", "blind"}
    assert found["learns in fit"].left_out == "its card says learns='never', and it takes no gradient"
    assert not [finding for finding in found.values() if finding.problem]


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
    assert not [finding for finding in problems(tmp_path / "never.py").values() if "20 bands" in finding.problem]
    plugin(tmp_path, "none", body, "min_bands=40, max_bands=31")
    (only,) = examine(find_one(str(tmp_path / "none.py")))
    assert "leave no number of bands (min_bands=40, max_bands=31)" in only.problem


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
    (tmp_path / ".large").mkdir()
    for companion in ("._flat.py", ".#flat.py", "family/._nested.py", ".large/method.py"):
        (tmp_path / companion).write_bytes(b"\x00\x05\x16\x07")
    assert find(tmp_path) == found
    plugin(tmp_path, "bicubic", "return Estimate(low)")
    with pytest.raises(BrokenMethodError, match="two methods are named 'bicubic'"):
        find(tmp_path)

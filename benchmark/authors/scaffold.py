"""The scaffold of `new-method`: a method file that passes the contract as it stands, and its test, both to be changed by the author."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from benchmark.authors.form_checks import PLACEHOLDERS
from benchmark.clone import ROOT


class ScaffoldError(ValueError):
    """A name that cannot be used, or a file that exists already."""


METHOD = '''"""{title}: one sentence on what it does. Authors, venue, year.

A start for any method: the HSI by nearest neighbour, plus the detail of the MSI.

    low  = nearest neighbour of hsi on the fine grid
    gain = for each band, the slope of the least squares fit of hsi by the mean of the channels
    cube = low + gain * (mean(msi) - blockwise mean of mean(msi))

Replace the equation, the card and `fuse`; keep the shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod


@dataclass(frozen=True)
class Method(FusionMethod):
    """The fields are the parameters: a plan sets them by name, so each has a type, a default and its meaning beside it."""

    card: ClassVar[Card] = Card(
        name="{title}",
        paper="{paper}",
        doi="",
        year=2026,
        needs_psf=False,  # True: the method is told seen.psf, the blur, and its tier says so
        needs_srf=False,  # True: seen.srf, the colour response, likewise
        needs_noise=False,  # True: seen.noise, the standard deviations of the noise, likewise
        random=False,  # True: the result depends on the seed, as random numbers are drawn from rng
        fidelity="{fidelity}",
    )
    strength: float = 1.0  # share of the detail that is added

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube (bands, H, W); see the module docstring. Draw random numbers from `rng` alone."""
        ratio = seen.ratio
        low = seen.hsi.repeat_interleave(ratio, 1).repeat_interleave(ratio, 2)
        intensity = seen.msi.mean(0)
        rows, cols = seen.hsi.shape[1:]
        coarse = intensity.reshape(rows, ratio, cols, ratio).mean((1, 3))
        detail = intensity - coarse.repeat_interleave(ratio, 0).repeat_interleave(ratio, 1)
        centred = coarse - coarse.mean()
        spread = centred.square().sum()
        gain = (seen.hsi * centred).sum((1, 2)) / spread.clamp_min(1e-12)
        return Estimate(low + self.strength * gain[:, None, None] * detail)
'''

TEST = '''"""Facts on {title}; the contract itself is checked for every method by tests/methods/test_contract.py."""

from __future__ import annotations

import torch

from benchmark.authors.sample_pairs import random_pair
from methods.{family}.{name} import Method


def test_without_detail_it_repeats_every_coarse_pixel() -> None:
    seen = random_pair(7, 3)
    cube = Method(strength=0.0).fuse(seen, torch.Generator()).cube
    for i in range(seen.hsi.shape[1]):
        for j in range(seen.hsi.shape[2]):
            block = cube[:, i * seen.ratio : (i + 1) * seen.ratio, j * seen.ratio : (j + 1) * seen.ratio]
            assert torch.equal(block, seen.hsi[:, i, j, None, None].expand_as(block))
'''


def new_method(where: str, root: Path = ROOT) -> tuple[Path, Path]:
    """The files methods/FAMILY/NAME.py and tests/methods/test_NAME.py below `root`, newly written; `where` is "FAMILY/NAME".

    Raises:
        ScaffoldError: `where` does not consist of two lower-case Python names, or one of the files exists.
    """
    parts = where.split("/")
    if len(parts) != 2 or not all(re.fullmatch(r"[a-z][a-z0-9_]*", part) and not keyword.iskeyword(part) for part in parts):
        raise ScaffoldError(f"expected FAMILY/NAME in lower-case letters, digits and _, such as classical/my_method; got {where!r}")
    family, name = parts
    if family == "numerics":
        raise ScaffoldError("expected a family of methods, got 'numerics', which holds shared mathematics; choose classical, bayesian, ...")
    method, test = root / "methods" / family / f"{name}.py", root / "tests" / "methods" / f"test_{name}.py"
    for file in (method, test):
        if file.exists():
            raise ScaffoldError(f"expected a new name, got {where!r}: {file.relative_to(root)} exists; choose another or delete it")
    title = name.replace("_", " ").title().replace(" ", "-")
    method.parent.mkdir(parents=True, exist_ok=True)
    package = method.parent / "__init__.py"
    if not package.exists():
        package.write_text(f'"""Family: {family}."""\n', encoding="utf-8")
    method.write_text(METHOD.format(title=title, **PLACEHOLDERS), encoding="utf-8")
    test.parent.mkdir(parents=True, exist_ok=True)
    test.write_text(TEST.format(title=title, family=family, name=name), encoding="utf-8")
    return method, test

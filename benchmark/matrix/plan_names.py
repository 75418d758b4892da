"""The plans of the suite by name: each file of benchmark/plans without its ending, `-` and `_` alike (`run quick`, `run cave-x32`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.clone import ROOT
from datasets.nearest import did_you_mean

PLANS = ROOT / "benchmark" / "plans"
ENDING = ".toml"


class PlanNameError(ValueError):
    """A plan that is neither the name of one nor a file; the text gives the nearest name, and all names."""


def named_plans(folder: Path = PLANS) -> Mapping[str, Path]:
    """The file of each plan of the suite, by its name, in the order of names."""
    return {_plain(file.stem): file for file in sorted(folder.glob(f"[!.]*{ENDING}"))}


def find_plan(given: str, folder: Path = PLANS) -> Path:
    """The file of a plan that a user names: a path stays what it is, and a name is looked up.

    Args:
        given: a path, or a name of `named_plans`. What is a file, ends with .toml, or names a folder is a path.
        folder: where the plans of the suite lie.

    Raises:
        PlanNameError: it is neither; the text gives the nearest name.
    """
    path, plans = Path(given), named_plans(folder)
    if path.is_file():
        return path
    if given.endswith(ENDING) or len(path.parts) > 1:
        named = plans.get(_plain(path.name.removesuffix(ENDING)))
        return named if named is not None and len(path.parts) == 1 else path
    if _plain(given) in plans:
        return plans[_plain(given)]
    hint = did_you_mean(given, plans)
    raise PlanNameError(
        f"plan: expected a TOML file or the name of a plan, got {given!r}: {hint}valid: {', '.join(plans)} (`list plans` says what each is)"
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")

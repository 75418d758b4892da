"""Where a top-level module comes from: an installed distribution, a local folder, or a dependency of this suite."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from benchmark.clone import ROOT
from methods.loading import is_installed


def base_folder(top: str) -> Path | None:
    """The folder from which a top-level module is imported; None where there is no module of that name."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve().parent
    return None if spec.origin is None else Path(spec.origin).resolve().parent


def is_installation_folder(base: Path) -> bool:
    """Whether distributions are installed in a folder."""
    return is_installed(f"{base}/")


@cache
def distributions_of_modules() -> Mapping[str, list[str]]:
    """The names of the installed distributions that each top-level module belongs to."""
    return packages_distributions()


@cache
def suite_dependencies() -> frozenset[str]:
    """The top-level modules of the distributions on which this suite depends (pyproject.toml)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {_normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in [*project["dependencies"], *optional]}
    return frozenset(top for top, names in distributions_of_modules().items() if wanted & {_normal(name) for name in names})


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()

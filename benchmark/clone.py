"""The folder of this clone of the suite."""

from __future__ import annotations

from pathlib import Path

from methods.suite_names import FLOORS

ROOT = Path(__file__).resolve().parent.parent


def is_suite_file(path: Path) -> bool:
    """Whether a file belongs to the packages of this clone. A folder of plugins may lie in the clone, and does not."""
    return any(path.is_relative_to(ROOT / floor) for floor in FLOORS)

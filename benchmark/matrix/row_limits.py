"""For which scenes and protocols of its plan a row is meant: `scenes` and `protocols` of a [[method]] table.

Each is a list of names and patterns; a row has the cells whose scene matches one of `scenes` and whose protocol matches one of `protocols`.
A limit says which cells there are. It is no part of a cell, whose key is the same with it and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from datasets.data_roots import spell_nearest
from datasets.settings import SettingError

if TYPE_CHECKING:
    from benchmark.matrix.contestant import Contestant


@dataclass(frozen=True)
class RowLimit:
    """Names and patterns of the scenes and of the protocols for which a row is meant; all where there are none."""

    scenes: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()

    def admits(self, scene: str, protocol: str) -> bool:
        """Whether the row is meant for this scene under this protocol."""
        return self.has_scene(scene) and self.has_protocol(protocol)

    def has_scene(self, name: str) -> bool:
        """Whether the row is meant for this scene."""
        return not self.scenes or any(_matches(name, pattern) for pattern in self.scenes)

    def has_protocol(self, name: str) -> bool:
        """Whether the row is meant for this protocol."""
        return not self.protocols or any(_matches(name, pattern) for pattern in self.protocols)


def rows_with_cells(
    rows: Sequence[Contestant],
    observed: Sequence[tuple[str, str]],
    scenes: Sequence[str],
    protocols: Sequence[str],
    *,
    scenes_missing: bool,
    pairs_missing: bool,
) -> tuple[list[Contestant], list[str]]:
    """The rows that have a cell, and a sentence for each that has none because scenes or pairs are missing.

    Args:
        rows: the rows of the plan.
        observed: the scene and the protocol of each observation of the plan, by their names.
        scenes: the names of all scenes of the plan, those of pairs included.
        protocols: the names of all protocols, likewise.
        scenes_missing: whether scenes were left out as their data are missing, so that a pattern may match nothing.
        pairs_missing: whether pairs were, and with them their protocols.

    Raises:
        SettingError: a pattern matches nothing, or a row has no cell, although nothing is missing.
    """
    kept, left_out = [], []
    missing = scenes_missing or pairs_missing
    for row in rows:
        name = row.label or row.card.name
        if not missing:
            _expect_matches(f"method {name}: scenes", row.limit.scenes, scenes)
        if not pairs_missing:
            _expect_matches(f"method {name}: protocols", row.limit.protocols, protocols)
        if any(row.limit.admits(*each) for each in observed):
            kept.append(row)
        elif missing:
            left_out.append(f"method {name} is left out: none of the scenes for which it is meant is there")
        else:
            raise SettingError(
                f"method {name}: expected a cell or more, got none: no scene of {_spelled(row.limit.scenes)} is observed under a "
                f"protocol of {_spelled(row.limit.protocols)}; change scenes or protocols of the row, or `scenes` of the [[protocol]]"
            )
    return kept, left_out


def _expect_matches(what: str, patterns: Sequence[str], names: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(_matches(name, pattern) for name in names):
            raise SettingError(
                f"{what}: expected a name or pattern that matches one of {', '.join(names)}, got {pattern!r}{spell_nearest(pattern, names)}"
            )


def _spelled(patterns: Sequence[str]) -> str:
    return ", ".join(map(repr, patterns)) or "the plan"


def _matches(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern, or is written out: a name may hold the signs of a pattern."""
    return name == pattern or fnmatchcase(name, pattern)

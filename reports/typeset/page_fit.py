"""What fits on a printed page, the same for LaTeX and Typst: names on one line, and protocols beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from reports.content.protocols_table import ProtocolsTable

LONGEST_NAME = 26  # characters on one line
_MOST_NUMBERS = 9  # columns of numbers beside short names; three fewer beside long ones


def needs_breaking(names: Sequence[str]) -> bool:
    """Whether one of these names is too long for one line of its column."""
    return max(map(len, names)) > LONGEST_NAME


def protocol_blocks(table: ProtocolsTable) -> list[list[int]]:
    """The numbers of the protocols that stand beside each other; each further block follows below."""
    wide = needs_breaking([row.label for row in table.rows])
    each = max((_MOST_NUMBERS - 3 * wide) // len(table.columns), 1)
    return [list(range(start, min(start + each, len(table.summaries)))) for start in range(0, len(table.summaries), each)]

"""The choice of scenes for the table of an unfinished matrix, so that the means of all its rows are over the same scenes.

A run goes scene by scene, and its slowest methods may never reach most of them. Of each protocol the table has the k scenes that most rows
have reached (with a score or without one), with k such that k times the number of rows that have reached all of them is largest; of equal
products the larger k. A row that misses one of these scenes is not ranked, and records of other scenes are left out of the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.run_folder.record import Result
from reports.content.protocol_facts import protocol_numbers
from reports.content.summary import configuration
from reports.style import identity


def table_records(results: Sequence[Result]) -> tuple[list[Result], dict[str, str]]:
    """The records of the tables, and a sentence for each protocol of which some are left out, by the identity of its numbers."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(protocol_identity(result), []).append(result)
    kept, sentences = [], {}
    for protocol, inside in groups.items():
        scenes = _chosen_scenes(inside)
        chosen = [result for result in inside if result.scene in scenes]
        kept += chosen
        if len(chosen) < len(inside):
            whole = len({result.scene for result in inside})
            sentences[protocol] = (
                f"Of {whole} scenes with records, the {len(scenes)} that most rows have reached; {_counted(len(inside) - len(chosen))} of "
                "the others stand in the paired comparisons of verdicts.md, and not in this table."
            )
    return kept, sentences


def protocol_identity(result: Result) -> str:
    """A text that is the same for records under one protocol."""
    return identity([result.protocol.get("name"), protocol_numbers(result.protocol)])


def _chosen_scenes(results: Sequence[Result]) -> set[str]:
    reached: dict[str, set[str]] = {}
    for result in results:
        reached.setdefault(result.scene, set()).add(configuration(result))
    order = sorted(reached, key=lambda scene: (-len(reached[scene]), scene))
    sizes = [(k * len(set.intersection(*(reached[scene] for scene in order[:k]))), k) for k in range(1, len(order) + 1)]
    return set(order[: max(sizes)[1]])


def _counted(records: int) -> str:
    return f"{records} record{'' if records == 1 else 's'}"

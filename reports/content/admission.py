"""Which records take part in a report as they are: scores by one version of the metrics, and no seed that changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from benchmark.run_folder.record import Result, identity_of
from reports.content.row import is_seedless

OTHER_METRICS = "scored by another version of the metrics; `run` or `rescore` scores it again"


def admit(results: Sequence[Result], metrics_key: str = "") -> list[Result]:
    """The records of a report.

    Scores by two versions of the metrics are never compared or averaged: records with scores by another version than the report's count as
    cells without scores. Of cells that repeat each other with further seeds (the method is not random, the protocol adds no noise), only
    the first seed is taken; a merged run may have several.

    Args:
        results: the current records.
        metrics_key: the version of the metrics by which the run was last scored; where no record has it, the version of most records
            counts, the latest of several.
    """
    home = _home(results, metrics_key)
    return [_as_unscored(result) if result.outcome == "scored" and result.metrics_key != home else result for result in _distinct(results)]


def _home(results: Sequence[Result], metrics_key: str) -> str:
    scored = [result for result in results if result.outcome == "scored"]
    numbers = Counter(result.metrics_key for result in scored)
    if metrics_key in numbers or not numbers:
        return metrics_key
    latest = {key: max(result.ended for result in scored if result.metrics_key == key) for key in numbers}
    return max(numbers, key=lambda key: (numbers[key], latest[key]))


def _as_unscored(result: Result) -> Result:
    return replace(result, outcome="failed", reason=OTHER_METRICS, metrics={})


def _distinct(results: Sequence[Result]) -> list[Result]:
    first: dict[str, int] = {}
    for result in results:
        if is_seedless(result):
            same = identity_of(replace(result, seed=0)) + result.label
            first[same] = min(result.seed, first.get(same, result.seed))
    return [r for r in results if not is_seedless(r) or r.seed == first[identity_of(replace(r, seed=0)) + r.label]]


def whole_groups(results: Sequence[Result], cells: Mapping[str, Mapping[str, Any]], there: Set[str]) -> tuple[list[Result], str]:
    """The records of a run that has not ended, without those of scenes that only some rows have reached; and a sentence on that.

    The cells of one scene, protocol and seed are a group. A group of which each planned cell has a record is whole. Where no group is
    whole, or all are, every record stays and the sentence is empty: rows are then incomplete, and say so.

    Args:
        results: the records that are shown.
        cells: the planned cells by key, each with scene, protocol and seed, as in index.json.
        there: the keys of all records of the run.
    """
    groups: dict[tuple[str, str, int], set[str]] = {}
    for key, cell in cells.items():
        groups.setdefault((str(cell["scene"]), str(cell["protocol"]), int(cell["seed"])), set()).add(key)
    reached = [keys for keys in groups.values() if keys <= there]
    whole = {key for keys in reached for key in keys}
    kept = [result for result in results if result.key in whole]
    if not kept or len(kept) == len(results):
        return list(results), ""
    return kept, (
        f"The run has not ended: {len(there)} of {len(cells)} cells have a record. Shown are the {len(reached)} of {len(groups)} "
        f"observations that every row has met; {len(results) - len(kept)} records of others are left out until they are whole."
    )

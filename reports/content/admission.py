"""Which records take part in a report as they are: scores by one version of the metrics, and no seed that changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

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

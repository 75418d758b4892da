"""The first screen of the page: a title, sentences made from the records, the strip of pictures, and one line on the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import OUTCOMES, Result
from reports.content.opening import opening_names, opening_sentences, opening_title
from reports.content.summary import Summary
from reports.content.verdicts import TierComparison
from reports.page.strip import Strip, first_strip


@dataclass(frozen=True)
class FirstScreen:
    """What a reader sees first."""

    run: str  # the name of the run folder
    title: str
    sentences: tuple[str, ...]
    names: tuple[str, ...]  # of methods, as the sentences have them
    strip: Strip | None
    outcomes: tuple[tuple[str, int], ...]  # each that occurs, with its number of cells
    cells: int
    machine: str  # on which most seconds were taken; empty without any
    date: str
    command: str  # empty where it is not known


def first_screen(
    run: RunFolder,
    results: Sequence[Result],
    summaries: Sequence[Summary],
    comparisons: Sequence[TierComparison],
    plan: Mapping[str, Any] | None,
    *,
    pictures: bool = True,
) -> FirstScreen:
    """The first screen of a run with these tables; without `pictures` it has no strip of them."""
    counts = Counter(result.outcome for result in results)
    homes = [summary.home.name for summary in summaries if summary.home is not None]
    return FirstScreen(
        run=run.path.resolve().name,
        title=opening_title(summaries),
        sentences=tuple(opening_sentences(summaries, comparisons)),
        names=opening_names(summaries),
        strip=first_strip(run, summaries[0]) if pictures else None,
        outcomes=tuple((outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]),
        cells=len(results),
        machine=max(homes, key=homes.count, default=""),
        date=max(result.ended for result in results)[:10],
        command=str((plan or {}).get("command") or ""),
    )

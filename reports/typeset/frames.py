"""Unrounded tables for CSV files, as pandas frames: the records, the summaries, the pairs, the claims and the conventions.

A CSV has bare numbers; what a cell does not have is missing there. A text that a spreadsheet would take for a formula has an apostrophe
before it, by which spreadsheets know a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite, isnan
from typing import Any

import pandas as pd

from benchmark.conventions.profile_facts import FACTS
from benchmark.run_folder.record import Clock, Result, score_to_json
from reports.content.convention_tables import StoredScores
from reports.content.protocols_table import ProtocolsTable
from reports.content.provenance import place_names
from reports.content.reproduction import JudgedClaim
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.content.verdicts import TierComparison
from reports.style import identity

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a formula can begin with


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as the text of a CSV file, without formulas."""
    safe = frame.astype(object)
    for place in range(frame.shape[1]):
        safe.isetitem(place, pd.Series(list(map(_no_formula, frame.iloc[:, place])), dtype=object).to_numpy())
    safe.columns = pd.Index(map(_no_formula, frame.columns), dtype=object)
    return str(safe.to_csv(index=False))


def _no_formula(value: Any) -> Any:
    """The value, with an apostrophe before a text that begins as a formula does and is no number."""
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_text_table(table: TextTable) -> str:
    """A table of texts as the text of a CSV file, rounded as it is shown."""
    return csv_text(pd.DataFrame(list(table.rows), columns=list(table.heads)))


def record_frame(results: Sequence[Result]) -> pd.DataFrame:
    """One row per cell, one column per number in its record.

    Columns: key, outcome, reason, method, label, tier, scene, seed, protocol, then metric.*, clock.* (seconds), memory.* (bytes),
    parameter.*, program.* (of a program in another language), oracle.*, protocol.*, card.*, parameters_total, parameters_inference, flops,
    flops_reason, device, threads, environment,
    clock_key, digests, attempts, ended, schema, flops_uncounted, uncovered. `clock.set_up` is what the first call took beyond a usual one,
    `clock.unaccounted` the time that is in no column where it is long, and `clock.doubtful` says that the seconds may be wrong.
    """
    return pd.DataFrame([_record_row(result) for result in results])


def summary_frame(summary: Summary) -> pd.DataFrame:
    """One row per method: the tier, whether it is ranked, cells scored and expected, and mean, spread and n of each quantity.

    Means, spreads and n are over what `spread_over` says. `timing`: the seconds were taken where those of most rows were (here), elsewhere,
    at several places (mixed), and are then missing, or may be wrong (doubtful).
    """
    rows = []
    for row in summary.rows:
        first = row.results[0]
        table: dict[str, Any] = {
            "protocol": summary.name,
            "tier": row.tier,
            "label": row.label,
            "method": first.method,
            "configuration": identity(first.parameters),
            "ranked": row.ranked,
            "scored": row.scored,
            "expected": row.expected,
        }
        table |= {"spread_over": summary.over, "timing": row.timing, "timing_places": "; ".join(place_names(row.places))}
        for column in summary.columns:
            value = row.values[column.key]
            table[column.key] = value.mean
            if column.higher_is_better is not None:
                table |= {f"{column.key}_std": value.spread, f"{column.key}_n": value.n, f"{column.key}_place": value.place}
        table["notes"] = "; ".join(note.sentence for note in summary.notes if note.label == row.label)
        rows.append(table)
    return pd.DataFrame(rows)


def protocols_frame(table: ProtocolsTable) -> pd.DataFrame:
    """One row per method: its means in the columns `<protocol>: <metric>`, cells scored of those expected in `<protocol>: cells`."""
    rows = []
    for line in table.rows:
        cells: dict[str, object] = {"tier": line.tier, "label": line.label}
        for summary, row in zip(table.summaries, line.by_protocol, strict=True):
            cells |= {f"{summary.name}: {column.key}": None if row is None else row.values[column.key].mean for column in table.columns}
            cells[f"{summary.name}: cells"] = "not run" if row is None else f"{row.scored}/{row.expected}"
        first = next(row for row in line.by_protocol if row is not None)
        cells["configuration"] = identity(first.results[0].parameters)
        rows.append(cells)
    return pd.DataFrame(rows)


def pairs_frame(comparisons: Sequence[TierComparison]) -> pd.DataFrame:
    """One row per pair of methods and comparison; `low` and `high` are missing where there are too few scenes for an interval.

    `differences` has the difference on each scene as JSON, null where a score of one of the two is missing,
    and infinite differences as text.
    """
    rows = []
    for each in comparisons:
        statistics = each.statistics
        for pair in statistics.pairs:
            differences = {
                scene: None if isnan(value) else value if isfinite(value) else str(value)
                for scene, value in zip(each.scenes, pair.differences, strict=True)
            }
            rows.append(
                {
                    "protocol": each.protocol,
                    "tier": each.tier,
                    "metric": each.column.key,
                    "first": statistics.names[pair.first],
                    "second": statistics.names[pair.second],
                    "scenes": statistics.scenes,
                    "mean": pair.mean,
                    "median": pair.median,
                    "low": pair.low,
                    "high": pair.high,
                    "differences": identity(differences),
                    "p": pair.p,
                    "holm": pair.holm,
                    "wins": pair.wins,
                    "ties": pair.ties,
                    "losses": pair.losses,
                    "failed_first": pair.failed[0],
                    "failed_second": pair.failed[1],
                    "verdict": pair.verdict,
                    "rank_first": statistics.mean_ranks[pair.first],
                    "rank_second": statistics.mean_ranks[pair.second],
                }
            )
    return pd.DataFrame(rows)


def claims_frame(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """One row per claim."""
    return pd.DataFrame(
        [
            {
                "method": each.claim.method,
                "label": each.claim.label,
                "metric": each.claim.metric,
                "published": each.claim.value,
                "ours": each.ours,
                "difference": each.difference,
                "reason": each.reason,
                "remark": each.remark,
                "profile": each.claim.profile,
                "data": each.claim.data,
                "protocol": each.claim.protocol,
                "source": each.claim.source.title,
                "address": each.claim.source.address,
                "place": each.claim.source.place,
                "sure": each.claim.source.sure,
            }
            for each in judged
        ]
    )


def convention_frame(summaries: Sequence[Summary], stored: StoredScores) -> pd.DataFrame:
    """One row per cell, profile and metric: the score, its unit, its definition and where in the project's code that stands."""
    rows = []
    for summary in summaries:
        for row in summary.rows:
            for result in row.results:
                for facts in FACTS:
                    for rule in facts.rules if facts.name in stored.get(result.key, {}) else ():
                        rows.append(
                            {
                                "key": result.key,
                                "protocol": summary.name,
                                "scene": result.scene,
                                "seed": result.seed,
                                "label": row.label,
                                "tier": row.tier,
                                "profile": facts.name,
                                "metric": rule.metric,
                                "value": stored[result.key][facts.name].get(rule.metric),
                                "unit": rule.unit,
                                "definition": rule.definition,
                                "source": f"{facts.repository}: {rule.source}",
                            }
                        )
    return pd.DataFrame(rows)


def _judged(result: Result, clock: Clock) -> dict[str, Any]:
    """What follows from the clock of a record."""
    return {"set_up": clock.set_up, "unaccounted": clock.unaccounted, "doubtful": result.doubtful}


def _record_row(result: Result) -> dict[str, Any]:
    """The record as one row: nested tables become columns with a dot in their name, lists become text."""
    table = asdict(result)
    row: dict[str, Any] = {name: table[name] for name in ("key", "outcome", "reason", "method", "label", "tier", "scene", "seed")}
    row["protocol"] = result.protocol.get("name")
    clock = {} if result.clock is None else {**table["clock"], **_judged(result, result.clock)}
    groups = {"metric": table["metrics"], "clock": clock, "memory": table["memory"] or {}, "parameter": table["parameters"]}
    groups |= {"program": table["program"] or {}}
    groups |= {"oracle": {key: list(map(score_to_json, value)) if key == "psnr" else value for key, value in table["oracle"].items()}}
    groups |= {"protocol": {key: value for key, value in table["protocol"].items() if key != "name"}, "card": table["card"]}
    for group, content in groups.items():
        row |= {f"{group}.{key}": identity(value) if isinstance(value, dict | list | tuple) else value for key, value in content.items()}
    sizes = ("parameters_total", "parameters_inference", "flops", "flops_reason", "device", "threads", "environment", "clock_key")
    digests = ("scene_digest", "observation_digest", "metrics_key", "attempts", "ended", "schema")
    row |= {name: table[name] for name in (*sizes, *digests)}
    return row | {name: "; ".join(table[name]) for name in ("flops_uncounted", "uncovered")}

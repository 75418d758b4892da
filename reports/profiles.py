"""Tables of the convention profiles: one estimate under all of them, and the methods' PSNR under each.

From `profiles/<key>.json` of a run folder, where `rescore` has written any. Both tables say how much of a figure is convention: within a
row of the first kind of table nothing but the code that scores has changed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from statistics import fmean

import pandas as pd

from benchmark.conventions.profile_facts import DIGITS, FACTS, METRIC_LABELS, MetricName, ProfileFacts
from benchmark.conventions.profile_scores import Scores, read_profile_scores
from benchmark.run_folder.record import Result
from reports.latex import MARKS, escape, floating, label_column, name_of
from reports.style import DASH, short_tier, slug
from reports.summary import INFINITE, UNDEFINED, Summary, fixed

Stored = Mapping[str, Scores]  # cell's key, profile, metric
_RADIANS = " rad"


@dataclass(frozen=True)
class ProfileTable:
    """A table of texts; the first column names the rows."""

    name: str  # of its files, without suffix
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def read_stored(folder: Path, results: Sequence[Result]) -> dict[str, Scores]:
    """The stored scores of these cells, those of cells without any left out.

    Raises:
        RecordError: a file that cannot be read.
    """
    found = ((result.key, read_profile_scores(folder, result.key)) for result in results if result.outcome == "scored")
    return {key: scores.profiles for key, scores in found if scores is not None and scores.profiles}


def profile_tables(summaries: Sequence[Summary], stored: Stored) -> list[ProfileTable]:
    """For each protocol the methods' PSNR under each profile, and the estimate of the best textbook PSNR under all profiles."""
    tables = []
    for summary in summaries:
        results = [result for row in summary.rows for result in row.results if result.key in stored]
        if results:
            best = max(results, key=lambda result: result.metrics.get("psnr") or float("-inf"))
            tables += [method_table(summary, stored), estimate_table(best, stored[best.key], slug(summary.name))]
    return tables


def method_table(summary: Summary, stored: Stored, metric: MetricName = "psnr") -> ProfileTable:
    """One row a method, one column a profile that has the metric: its mean over the cells of the row, and the widest difference."""
    profiles = [facts for facts in FACTS if facts.rule(metric) and any(facts.name in scores for scores in stored.values())]
    unit = next((rule.unit for facts in profiles if (rule := facts.rule(metric))), "")
    rows, partly = [], False
    for row in summary.rows:
        keys = [result.key for result in row.results if result.outcome == "scored"]
        means, texts = [], []
        for facts in profiles:
            values = [value for key in keys if (value := stored.get(key, {}).get(facts.name, {}).get(metric)) is not None]
            means += [fmean(values)] if values else []
            mark = UNDEFINED if values and len(values) < len(keys) else ""
            partly |= bool(mark)
            texts.append(fixed(DIGITS[metric])(fmean(values)) + mark if values else DASH)
        spread = f"{max(means) - min(means):.{DIGITS[metric]}f}" if len(means) > 1 and not any(map(isinf, means)) else DASH
        rows.append((f"{row.label} [{short_tier(row.tier)}]", *texts, spread))
    notes = [f"Mean over {len(summary.scenes)} scene{'' if len(summary.scenes) == 1 else 's'}; the last column is the widest difference."]
    notes += [f"{UNDEFINED} not defined, or not scored, in some cells: the mean is over fewer."] if partly else []
    notes += [f"{INFINITE} infinite in some cells, and so is the mean."] if any(INFINITE in text for row in rows for text in row) else []
    return ProfileTable(
        name=f"profiles_{metric}_{slug(summary.name)}",
        title=f"{METRIC_LABELS[metric]} ({unit}) of the same estimates under each convention, protocol {summary.name}",
        heads=("Method", *(facts.label for facts in profiles), "Range"),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def estimate_table(result: Result, scores: Scores, suffix: str) -> ProfileTable:
    """One estimate: one row a profile, one column a metric, in the profile's own unit; the profiles' defects as notes."""
    used = [facts for facts in FACTS if facts.name in scores]
    metrics = [metric for metric in METRIC_LABELS if any(facts.rule(metric) for facts in used)]
    rows = []
    for facts in used:
        texts = []
        for metric in metrics:
            value, rule = scores[facts.name].get(metric), facts.rule(metric)
            unit = _RADIANS if rule is not None and rule.unit == "rad" else ""
            missing = "undefined" if rule is not None else DASH
            texts.append(f"{fixed(DIGITS[metric])(value)}{unit}" if value is not None else missing)
        rows.append((facts.label, *texts))
    return ProfileTable(
        name=f"profiles_estimate_{suffix}",
        title=f"One estimate under all conventions: {result.label} on {result.scene}, protocol {result.protocol.get('name')}, "
        f"seed {result.seed}",
        heads=("Convention", *(METRIC_LABELS[metric] + {"psnr": " (dB)", "sam": " (deg)"}.get(metric, "") for metric in metrics)),
        rows=tuple(rows),
        notes=tuple(f"{', '.join(labels)}: {defect}" for defect, labels in shared_defects(used).items()),
    )


def shared_defects(profiles: Sequence[ProfileFacts]) -> dict[str, list[str]]:
    """Each defect with the labels of the profiles that have it."""
    shared: dict[str, list[str]] = {}
    for facts in profiles:
        for defect in facts.defects:
            shared.setdefault(defect, []).append(facts.label)
    return shared


def cells_frame(summaries: Sequence[Summary], stored: Stored) -> pd.DataFrame:
    """One row a cell, profile and metric, unrounded, with the unit, the definition and its source."""
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


def profile_text(table: ProfileTable, width: int = 110) -> str:
    """The table for a terminal; the columns that do not fit follow below, the first column repeated."""
    names = max(len(row[0]) for row in (table.heads, *table.rows))
    sizes = [max(len(row[place]) for row in (table.heads, *table.rows)) for place in range(1, len(table.heads))]
    lines, start = [*textwrap.wrap(table.title, width), ""], 0
    while start < len(sizes):
        stop = start + 1
        while stop < len(sizes) and names + sum(size + 2 for size in sizes[start : stop + 1]) <= width:
            stop += 1
        for row in (table.heads, *table.rows):
            cells = (f"{text:>{size}}" for text, size in zip(row[1 + start : 1 + stop], sizes[start:stop], strict=True))
            lines.append("  ".join([f"{row[0]:<{names}}", *cells]).rstrip())
        lines.append("")
        start = stop
    for note in table.notes:
        lines += textwrap.wrap(note, width, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def profile_csv(table: ProfileTable) -> str:
    """The table as it is shown."""
    return str(pd.DataFrame(list(table.rows), columns=list(table.heads)).to_csv(index=False))


def profile_latex(table: ProfileTable) -> str:
    r"""The table for \input into a document that loads booktabs."""

    def marked(text: str) -> str:
        return MARKS[UNDEFINED].join(map(escape, text.split(UNDEFINED)))

    lines = [
        rf"\begin{{tabular}}{{@{{}}{label_column([row[0] for row in table.rows], 38)}{'r' * (len(table.heads) - 1)}@{{}}}}",
        r"\toprule",
        " & ".join(map(escape, table.heads)) + r" \\",
        r"\midrule",
        *(" & ".join([name_of(row[0]), *map(marked, row[1:])]) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return floating([("", f"{table.title}.")], table.name, lines, [marked(note) for note in table.notes], size="scriptsize", gap=3)

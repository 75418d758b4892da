"""Tables of the convention profiles: one estimate scored by all of them, and the PSNR of every method by each.

The scores come from `profiles/<key>.json` of a run folder, where `rescore` has written any. Both tables show how much of a number is only
convention: along a row of the method table, and down a column of the estimate table, nothing changes but the code that scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf
from statistics import fmean

from benchmark.conventions.profile_facts import DIGITS, FACTS, METRIC_LABELS, MetricName, ProfileFacts
from benchmark.conventions.profile_scores import Scores, read_profile_scores
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result
from reports.content.columns import INFINITE, fixed
from reports.content.file_names import FileNames
from reports.content.row import UNDEFINED
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import DASH, short_tier

StoredScores = Mapping[str, Scores]  # by the cell's key, the profile and the metric
_RADIANS = " rad"


def read_stored_scores(run: RunFolder, results: Sequence[Result]) -> tuple[dict[str, Scores], tuple[str, ...]]:
    """The stored scores of these cells, and a line on each file that cannot be read; cells without scores are left out."""
    stored: dict[str, Scores] = {}
    broken = []
    for key in [result.key for result in results if result.outcome == "scored"]:
        try:
            scores = read_profile_scores(run.path, key)
        except RecordError as error:
            broken.append(f"profiles/{error}")
            continue
        if scores is not None and scores.profiles:
            stored[key] = scores.profiles
    return stored, tuple(broken)


def convention_tables(summaries: Sequence[Summary], stored: StoredScores, names: FileNames) -> list[TextTable]:
    """For each protocol: the methods' PSNR by each profile, and the estimate with the best textbook PSNR by all profiles."""
    tables = []
    for summary in summaries:
        results = [result for row in summary.rows for result in row.results if result.key in stored]
        if results:
            best = max(results, key=lambda result: result.metrics.get("psnr") or float("-inf"))
            tables.append(method_convention_table(summary, stored, names.stem("profiles_psnr", summary.name)))
            tables.append(estimate_convention_table(best, stored[best.key], names.stem("profiles_estimate", summary.name)))
    return tables


def method_convention_table(summary: Summary, stored: StoredScores, stem: str, metric: MetricName = "psnr") -> TextTable:
    """One row per method, one column per profile with the metric: the mean over scenes (on each over seeds); the widest difference."""
    profiles = [facts for facts in FACTS if facts.rule(metric) and any(facts.name in scores for scores in stored.values())]
    unit = next((rule.unit for facts in profiles if (rule := facts.rule(metric))), "")
    rows, partly = [], False
    for row in summary.rows:
        means, texts = [], []
        for facts in profiles:
            by_scene: dict[str, list[float]] = {}
            for result in row.results:
                value = stored.get(result.key, {}).get(facts.name, {}).get(metric) if result.outcome == "scored" else None
                if value is not None:
                    by_scene.setdefault(result.scene, []).append(value)
            mean = fmean(map(fmean, by_scene.values())) if by_scene else None
            means += [] if mean is None else [mean]
            mark = UNDEFINED if 0 < sum(map(len, by_scene.values())) < row.scored else ""
            partly |= bool(mark)
            texts.append(DASH if mean is None else fixed(DIGITS[metric])(mean) + mark)
        spread = f"{max(means) - min(means):.{DIGITS[metric]}f}" if len(means) > 1 and not any(map(isinf, means)) else DASH
        rows.append((f"{row.label} [{short_tier(row.tier)}]", *texts, spread))
    notes = [f"Mean over {len(summary.scenes)} scene{'' if len(summary.scenes) == 1 else 's'}; the last column is the widest difference."]
    notes += [f"{UNDEFINED} not defined, or not scored, in some cells: the mean is over fewer."] if partly else []
    notes += [f"{INFINITE} infinite in some cells, and so is the mean."] if any(INFINITE in text for row in rows for text in row) else []
    return TextTable(
        stem=stem,
        title=f"{METRIC_LABELS[metric]} ({unit}) of the same estimates under each convention, protocol {summary.name}",
        heads=("Method", *(facts.label for facts in profiles), "Range"),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def estimate_convention_table(result: Result, scores: Scores, stem: str) -> TextTable:
    """One estimate: one row per profile, one column per metric, in the unit of the profile; the defects of the profiles are notes."""
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
    return TextTable(
        stem=stem,
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

"""What a report shows of a run: which records, under which convention, in how many digits, grouped how.

--select scene=cave/*,seed=0   records for which every named field matches one of its patterns (`*` and `?`, case counts)
--methods rfuse,Spectra*       names in the catalog or labels, likewise
--metrics psnr,sam             columns, in this order
--profile mossfuse             the metrics as that project's code has them, from profiles/<key>.json (`rescore` writes them)
--precision 3                  digits after the point, of all metrics; or psnr=1,ssim=3 of some
--group-by scene               a table for each scene of each protocol; or tier; protocol is the default
--best-of all                  best and second over all tiers
--ties 0.1                     differences of the first metric that do not matter, in its unit: what the statistics count as a tie
--resize                       shrink a LaTeX table to the width of the text where it would be wider
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Literal, get_args

from benchmark.conventions.profile_facts import DIGITS, FACTS, METRIC_LABELS, ProfileFacts, Rule
from benchmark.conventions.profile_scores import Scores
from benchmark.metrics.metric_facts import HEADLINE, METRICS, find_metric
from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import Selection, SelectionError, listed, matching, read_selection, selected
from reports.summary import BestOf, Column, Summary, fixed, metric_column, summarise, summarise_protocol

GroupBy = Literal["protocol", "scene", "tier"]
TEXTBOOK = "textbook"
FIELDS: Mapping[str, Callable[[Result], str]] = {
    "scene": lambda result: result.scene,
    "protocol": lambda result: str(result.protocol.get("name", "unnamed")),
    "tier": lambda result: result.tier,
    "seed": lambda result: str(result.seed),
    "method": lambda result: result.method,
    "label": lambda result: result.label,
    "outcome": lambda result: result.outcome,
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to show. Everything has its default: all records, the headline metrics by the textbook, a table a protocol."""

    select: Selection | None = None
    methods: tuple[str, ...] = ()  # patterns of names or labels; none: all
    group_by: GroupBy = "protocol"
    metrics: tuple[str, ...] = ()  # none: the headline ones, or all that the profile has
    profile: str = TEXTBOOK
    precision: Mapping[str, int] | int | None = None
    best_of: BestOf = "tier"
    practical: float | None = None  # region of practical equivalence; None: `statistics.PRACTICAL`
    resize: bool = False


def read_choice(
    *,
    select: Sequence[str] = (),
    methods: str = "",
    group_by: str = "protocol",
    metrics: str = "",
    profile: str = TEXTBOOK,
    precision: str = "",
    best_of: str = "tier",
    ties: str = "",
    resize: bool = False,
) -> Choice:
    """The choice that these texts spell, as the command line has them.

    Raises:
        SelectionError: an unknown field, metric, profile, grouping or number.
    """
    known_profiles = (TEXTBOOK, *(facts.name for facts in FACTS if facts.name != TEXTBOOK))
    known_metrics = tuple(METRIC_LABELS) if profile != TEXTBOOK else tuple(metric.name for metric in METRICS)
    names = listed(metrics)
    _one_of("--profile", [profile], known_profiles)
    _one_of("--metrics", names, known_metrics)
    _one_of("--group-by", [group_by], get_args(GroupBy))
    _one_of("--best-of", [best_of], get_args(BestOf))
    return Choice(
        select=read_selection(select, FIELDS),
        methods=listed(methods),
        group_by=group_by,  # type: ignore[arg-type]
        metrics=names,
        profile=profile,
        precision=_precision(precision, known_metrics),
        best_of=best_of,  # type: ignore[arg-type]
        practical=_practical(ties),
        resize=resize,
    )


def chosen(results: Sequence[Result], choice: Choice) -> list[Result]:
    """The records that the choice leaves.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    kept = selected(results, choice.select or {}, FIELDS)
    return matching(kept, "--methods ", choice.methods, lambda result: (result.method, result.label)) if choice.methods else kept


def summaries_of(results: Sequence[Result], choice: Choice, stored: Mapping[str, Scores]) -> list[Summary]:
    """A summary for each protocol, under the choice's convention.

    Raises:
        SelectionError: the profile has none of the metrics, or nothing was scored under it.
    """
    columns, convention = score_columns(choice, stored)
    return summarise(results, columns=columns, best_of=choice.best_of, convention=convention)


def grouped(summaries: Sequence[Summary], choice: Choice, stored: Mapping[str, Scores]) -> list[Summary]:
    """The summaries as the choice groups them: those of protocols, or one for each scene or tier of each."""
    if choice.group_by == "protocol":
        return list(summaries)
    field, groups = FIELDS[choice.group_by], []
    columns, convention = score_columns(choice, stored)
    for summary in summaries:
        own = [result for row in summary.rows for result in row.results]
        tiers = [tier for tier, _ in summary.tiers]
        values = sorted({field(result) for result in own}, key=tiers.index if choice.group_by == "tier" else None)
        for value in values:
            inside = [result for result in own if field(result) == value]
            title = f"{summary.name}, {value}"
            groups.append(summarise_protocol(inside, title, columns=columns, best_of=choice.best_of, convention=convention))
    return groups


def score_columns(choice: Choice, stored: Mapping[str, Scores]) -> tuple[tuple[Column, ...], str]:
    """The columns of the choice's metrics, and the sentence on their convention."""
    if choice.profile == TEXTBOOK:
        columns = tuple(metric_column(name, _digits(choice, name)) for name in choice.metrics or HEADLINE)
        if all(column.higher_is_better is None for column in columns):
            raise SelectionError(
                f"--metrics {','.join(choice.metrics)}: expected one at least that methods can be compared by, got counts alone"
            )
        return columns, ""
    facts = next(facts for facts in FACTS if facts.name == choice.profile)
    names = [name for name in choice.metrics or METRIC_LABELS if facts.rule(name)]
    if not names:
        raise SelectionError(
            f"--profile {facts.name}: expected one of its metrics, {', '.join(rule.metric for rule in facts.rules)}, "
            f"got {', '.join(choice.metrics)}; the profile has no other"
        )
    if not any(facts.name in scores for scores in stored.values()):
        raise SelectionError(
            f"--profile {facts.name}: expected scores under it in profiles/, got none; "
            f"write them by `rescore RUN_DIR --profile {facts.name}`"
        )
    columns = tuple(_profile_column(facts, rule, choice, stored) for name in names if (rule := facts.rule(name)) is not None)
    return columns, f"Scored as the code of {facts.label} does ({facts.repository}), its defects included"


def _profile_column(facts: ProfileFacts, rule: Rule, choice: Choice, stored: Mapping[str, Scores]) -> Column:
    """The column of one metric of a profile: its value in profiles/<key>.json."""
    digits = _digits(choice, rule.metric)
    places = min(DIGITS[rule.metric], 4) if digits is None else digits
    return Column(
        rule.metric,
        METRIC_LABELS[rule.metric],
        rule.unit,
        find_metric(rule.metric).higher_is_better,
        fixed(places),
        lambda result: stored.get(result.key, {}).get(facts.name, {}).get(rule.metric),
        definition=rule.definition,
    )


def _digits(choice: Choice, metric: str) -> int | None:
    """Digits after the point that the choice asks for; None for the metric's own."""
    wanted = choice.precision
    return wanted if wanted is None or isinstance(wanted, int) else wanted.get(metric)


def _practical(text: str) -> float | None:
    """A finite number of at least 0; None for no text."""
    if not text:
        return None
    try:
        width = float(text)
    except ValueError:
        width = nan
    if not 0 <= width < inf:
        raise SelectionError(f"--ties: expected a number of at least 0, in the unit of the first metric, got {text}")
    return width


def _precision(text: str, known: Sequence[str]) -> Mapping[str, int] | int | None:
    """`3`, or `psnr=1,ssim=3`."""
    if not text:
        return None
    if "=" not in text:
        return _whole(text)
    pairs = [item.partition("=")[::2] for item in listed(text)]
    _one_of("--precision", [name for name, _ in pairs], known)
    return {name: _whole(digits) for name, digits in pairs}


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) > 12:
        raise SelectionError(f"--precision: expected 0 to 12 digits after the point, as in 3 or psnr=1,ssim=3, got {text!r}")
    return int(text)


def _one_of(option: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise SelectionError(f"{option}: expected one of {', '.join(known)}, got {name!r}")

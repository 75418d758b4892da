"""What a report shows of a run: which records, by which convention, with how many digits, in which groups.

--select scene=cave/*,seed=0   the records in which every named field matches one of its patterns (`*` and `?`; capitals count)
--methods rfuse,Spectra*       names in the catalog, or labels, by the same patterns
--metrics psnr,sam             the columns, in this order
--profile mossfuse             the metrics as that project's code computes them, from profiles/<key>.json (`rescore` writes these)
--precision 3                  digits after the point for all metrics; or psnr=1,ssim=3 for some
--group-by scene               one table per scene of each protocol; or per tier; the default is one per protocol
--best-of all                  best and second are chosen over all tiers
--ties 0.1                     the largest difference of the first metric, in its unit, that the statistics count as a tie
--columns, --spread, --rename, --order, --caption    how the tables for a paper look (paper_style.py)
--resize                       LaTeX tables that are wider than the text are shrunk to its width
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Literal, get_args

from benchmark.conventions.profile_facts import DIGITS, FACTS, METRIC_LABELS, ProfileFacts, Rule
from benchmark.metrics.metric_facts import METRICS, find_metric
from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import Selection, SelectionError, listed, matching, read_selection, selected
from datasets.nearest import did_you_mean
from reports.content.captions import CaptionLength
from reports.content.columns import Column, Precision, digits_of, fixed, metric_column
from reports.content.convention_tables import StoredScores
from reports.content.paper_style import CELLS, COSTS, PaperStyle, Spread, method_names, read_columns, read_renaming, renamed_records
from reports.content.provenance import Provenance
from reports.content.summary import BestOf, Summary, summarise, summarise_protocol

GroupBy = Literal["protocol", "scene", "tier"]
TEXTBOOK = "textbook"
PAPER_STYLE = PaperStyle()
RECORD_FIELDS: Mapping[str, Callable[[Result], str]] = {
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
    """What to show. By default: all records, the headline metrics by the textbook, and one table per protocol."""

    select: Selection | None = None
    methods: tuple[str, ...] = ()  # patterns of names or labels; empty for all methods
    group_by: GroupBy = "protocol"
    metrics: tuple[str, ...] = ()  # empty for the headline metrics of each protocol, or for all that the profile has
    profile: str = TEXTBOOK
    precision: Precision = None
    best_of: BestOf = "tier"
    practical: float | None = None  # the largest difference that does not matter; None for `statistics.PRACTICAL`
    resize: bool = False
    style: PaperStyle = PAPER_STYLE


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
    columns: str = "",
    spread: str = "std",
    rename: Sequence[str] = (),
    order: str = "",
    caption: str = "short",
    single_column: bool = False,
    highlight: str = "",
    scenes_as_rows: bool = False,
    published: bool = False,
) -> Choice:
    """The choice that these texts of the command line describe.

    Raises:
        SelectionError: an unknown field, metric, profile, grouping or number.
    """
    known_profiles = (TEXTBOOK, *(facts.name for facts in FACTS if facts.name != TEXTBOOK))
    known_metrics = tuple(METRIC_LABELS) if profile != TEXTBOOK else tuple(metric.name for metric in METRICS)
    names = listed(metrics)
    _one_of("--profile", [profile], known_profiles)
    costs = [name for name in names if name in (*COSTS, CELLS)]
    if costs:
        way_out = f"write --columns {','.join(names)} instead"
        raise SelectionError(f"--metrics: expected metrics alone, got {', '.join(costs)}, which is what a run costs; {way_out}")
    _one_of("--metrics", names, known_metrics)
    _one_of("--group-by", [group_by], get_args(GroupBy))
    _one_of("--best-of", [best_of], get_args(BestOf))
    _one_of("--spread", [spread], get_args(Spread))
    _one_of("--caption", [caption], get_args(CaptionLength))
    style = PaperStyle(
        columns=read_columns(columns),
        spread=spread,  # type: ignore[arg-type]
        order=listed(order),
        rename=read_renaming(rename),
        caption=caption,  # type: ignore[arg-type]
        single_column=single_column,
        highlight=listed(highlight),
        scenes_as_rows=scenes_as_rows,
        published=published,
    )
    if style.columns and names:
        raise SelectionError(f"--columns: expected no --metrics beside it, as it names them; got --metrics {metrics}, leave it out")
    names = style.metrics or names
    return Choice(
        select=read_selection(select, RECORD_FIELDS),
        methods=listed(methods),
        group_by=group_by,  # type: ignore[arg-type]
        metrics=names,
        profile=profile,
        precision=_precision(precision, known_metrics),
        best_of=best_of,  # type: ignore[arg-type]
        practical=_practical(ties),
        resize=resize,
        style=style,
    )


def choose_records(results: Sequence[Result], choice: Choice) -> list[Result]:
    """The records that fit the choice, under the names that it gives them.

    Raises:
        SelectionError: a pattern matches nothing; the text names what there is.
    """
    kept = selected(results, choice.select or {}, RECORD_FIELDS)
    if choice.methods:
        kept = matching(kept, "--methods ", choice.methods, method_names(kept))
    return renamed_records(kept, choice.style.rename)


def summarise_choice(
    results: Sequence[Result], choice: Choice, stored: StoredScores, provenance: Provenance | None = None
) -> list[Summary]:
    """One summary per protocol, scored by the convention of the choice.

    Raises:
        SelectionError: the profile has none of the metrics, or nothing was scored by it.
    """
    columns, convention = score_columns(choice, stored)
    return summarise(
        results, columns=columns, precision=choice.precision, best_of=choice.best_of, convention=convention, provenance=provenance
    )


def group_summaries(summaries: Sequence[Summary], choice: Choice, stored: StoredScores) -> list[Summary]:
    """The summaries in the groups of the choice: those of the protocols themselves, or one per scene or tier of each protocol."""
    if choice.group_by == "protocol":
        return list(summaries)
    field, groups = RECORD_FIELDS[choice.group_by], []
    columns, convention = score_columns(choice, stored)
    for summary in summaries:
        results = [result for row in summary.rows for result in row.results]
        tiers = [tier for tier, _ in summary.tiers]
        values = sorted({field(result) for result in results}, key=tiers.index if choice.group_by == "tier" else None)
        for value in values:
            inside = [result for result in results if field(result) == value]
            title = f"{summary.name}, {value}"
            groups.append(
                summarise_protocol(
                    inside,
                    title,
                    columns=columns,
                    precision=choice.precision,
                    best_of=choice.best_of,
                    convention=convention,
                    provenance=summary.provenance,
                )
            )
    return groups


def score_columns(choice: Choice, stored: StoredScores) -> tuple[tuple[Column, ...], str]:
    """The columns of the metrics of the choice, and the sentence on their convention.

    There are no columns where the choice leaves the metrics to each protocol (`reports.content.headline`).
    """
    if choice.profile == TEXTBOOK:
        columns = tuple(metric_column(name, choice.precision) for name in choice.metrics)
        if columns and all(column.higher_is_better is None for column in columns):
            raise SelectionError(
                f"--metrics {','.join(choice.metrics)}: expected at least one metric by which methods can be compared, got only counts"
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


def _profile_column(facts: ProfileFacts, rule: Rule, choice: Choice, stored: StoredScores) -> Column:
    """The column of one metric of a profile, with its values from profiles/<key>.json."""
    digits = digits_of(rule.metric, choice.precision)
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


def _practical(text: str) -> float | None:
    """A finite number of at least 0; None for an empty text."""
    if not text:
        return None
    try:
        width = float(text)
    except ValueError:
        width = nan
    if not 0 <= width < inf:
        raise SelectionError(f"--ties: expected a number of at least 0, in the unit of the first metric, got {text}")
    return width


def _precision(text: str, known: Sequence[str]) -> Precision:
    """The number in `3`, or the table in `psnr=1,ssim=3`."""
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
            raise SelectionError(f"{option}: {did_you_mean(name, known)}expected one of {', '.join(known)}, got {name!r}")

"""The rules by which a statement of the paper is called reproduced, refuted or open, from the records alone.

Only the authors' own weights answer for the paper, under the statement's protocol. `reports.content.rival_pairs` compares them with each
rival; its verdicts (better, worse, equal, open) are those of `reports.content.statistics`. A scope says which tiers take
part. Of the numbers, with v what was measured, p what was printed and t its tolerance:

    outperforms        refuted where a rival is better; reproduced where the method is better than every rival, the plotted ones among them
    fewer parameters   refuted where a rival that is better or equal has learned parameters, and fewer; reproduced where every rival that
                       learns, the plotted ones among them, has more
    less time          refuted where a rival that is better or equal takes less than half the time of a scene (the whole interval of the
                       ratio above 2); reproduced where the method takes less time than every rival (the whole interval below 1), the
                       plotted ones among them
    at least           refuted where v < p - t, else reproduced; over all scenes of the statement
    equal              reproduced where |v - p| <= t, else refuted; a score that lies below p after a shortened budget is open
    below              reproduced where v < p, on whatever device; refuted where v >= p on a GPU; open where that was on a CPU
    seconds, equal     reproduced where p / 2 <= v <= 2 p on a GPU; otherwise open, because the plot does not state its machine

Everything else is open, with the reason. Fewer than six common scenes, or no record, is always open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from reports.content.protocol_facts import dotted_values
from reports.content.rival_pairs import ALL_TIERS, OWN, TOLD, RivalPair, largest_parameters, rival_pairs, scene_seconds
from reports.content.rival_words import difference_text, ratio_text
from reports.content.row import Row
from reports.content.statement_ledger import PlottedRival, Statement, StatementLedger
from reports.content.statement_numbers import JudgedNumber, Word, judge_number
from reports.content.statistics import LEAST_SCENES
from reports.content.summary import Summary
from reports.style import DASH, count_text, duration_text, listed_text, short_tier

_NAME = "MossFuse"  # in short
FASTER = 2.0  # a rival takes less time only where the method takes more than this many times as long
NOT_WORSE = ("worse", "equal")  # verdicts on the method: the rival is better, or equal in practice


@dataclass(frozen=True)
class Judgement:
    """What the records say to one statement."""

    says: str
    scope: str  # the tiers that take part, in words
    measured: str
    n: int  # scenes that it rests on
    word: Word
    reason: str


@dataclass(frozen=True)
class JudgedRival:
    """A rival of the paper's plot: its PSNR, seconds and parameters."""

    rival: PlottedRival
    numbers: tuple[JudgedNumber, ...]


def subject_rows(ledger: StatementLedger, summary: Summary) -> list[Row]:
    """The rows of a table that have the authors' weights, those with most scores first."""
    rows = [row for row in summary.rows if row.results[0].method == ledger.subject and not row.unranked and row.scored]
    return sorted((row for row in rows if ledger.weights in row.results[0].files.values()), key=lambda row: -row.scored)


def summaries_of(statement: Statement, summaries: Sequence[Summary]) -> list[Summary]:
    """The tables whose protocol has the numbers of the statement."""
    values = [(summary, dotted_values(summary.protocol)) for summary in summaries]
    return [summary for summary, known in values if all(known.get(name) == value for name, value in statement.numbers.items())]


def judge_statements(ledger: StatementLedger, summaries: Sequence[Summary]) -> list[Judgement]:
    """Every statement with its word; those that compare have one for each scope."""
    judged = []
    for statement in ledger.statements:
        found = [(summary, rows) for summary in summaries_of(statement, summaries) if (rows := subject_rows(ledger, summary))]
        if not found:
            judged.append(Judgement(statement.says, DASH, DASH, 0, "open", f"no score of {ledger.label} under this protocol"))
        elif statement.kind == "number":
            judged.append(_number(statement, found[0][1]))
        else:
            summary, rows = found[0]
            scopes = (OWN, TOLD, ALL_TIERS) if statement.kind == "outperforms" else (TOLD, ALL_TIERS)
            judged += [_compared(statement, ledger, summary, rows[0], scope) for scope in scopes]
    return judged


def judge_rivals(ledger: StatementLedger, summaries: Sequence[Summary]) -> list[JudgedRival]:
    """Each rival of the plot, measured under the protocol of the first statement."""
    inside = summaries_of(ledger.statements[0], summaries)
    scenes = ledger.statements[0].scenes
    judged = []
    for rival in ledger.rivals:
        rows = [row for summary in inside for row in summary.rows if row.results[0].method == rival.method and row.scored]
        row = max(rows, key=lambda each: (not each.unranked, each.scored), default=None)
        numbers = [judge_number(printed, row, scenes, "equal") for printed in rival.numbers]
        judged.append(JudgedRival(rival, tuple(numbers)))
    return judged


def _compared(statement: Statement, ledger: StatementLedger, summary: Summary, subject: Row, scope: str) -> Judgement:
    pairs = rival_pairs(summary, subject, scope)
    told = subject.tier.partition("; ")[0]
    words = {OWN: f"its own tier ({short_tier(subject.tier)})", TOLD: f"{told}, whatever it learned", ALL_TIERS: "all tiers"}[scope]
    if not pairs:
        return Judgement(statement.says, words, DASH, 0, "open", "no rival of this tier has a score")
    absent = [rival.label for rival in ledger.rivals if rival.method not in {each.rival.results[0].method for each in pairs}]
    lacking = f"of the plotted rivals {listed_text(absent)} {'is' if len(absent) == 1 else 'are'} not measured" if absent else ""
    judge = {"outperforms": _outperforms, "fewer parameters": _fewer_parameters, "less time": _less_time}[statement.kind]
    found = judge(subject, pairs)
    if found.word == "reproduced" and lacking:
        found = replace(found, word="open", reason=f"{found.reason}, but {lacking}")
    return Judgement(statement.says, words, found.measured, found.n, found.word, found.reason)


@dataclass(frozen=True)
class _Found:
    """What one comparison says."""

    measured: str
    n: int  # scenes of the pair that is named; of the pair with most scenes where none is
    word: Word
    reason: str


def _outperforms(subject: Row, pairs: Sequence[RivalPair]) -> _Found:
    verdicts, n = [each.pair.verdict for each in pairs], max(each.n for each in pairs)
    above = [each for each in pairs if each.pair.verdict == "worse"]
    shown = (above or list(pairs))[0]
    measured = f"against {shown.rival.label}{', the strongest,' if shown is pairs[0] else ''} {difference_text(shown)}"
    many, rest = _counted(pairs)
    counts = f"better than {verdicts.count('better')}, worse than {len(above)} of {many} rivals{rest}"
    if above:
        return _Found(measured, shown.n, "refuted", counts)
    if n < LEAST_SCENES:
        return _Found(measured, shown.n, "open", _too_few(n))
    if verdicts.count("better") < len(pairs):
        return _Found(measured, shown.n, "open", f"{counts}; the others cannot be told apart from it")
    return _Found(measured, shown.n, "reproduced", counts)


def _fewer_parameters(subject: Row, pairs: Sequence[RivalPair]) -> _Found:
    own, n = largest_parameters(subject), max(each.n for each in pairs)
    learned = [each for each in pairs if each.parameters]
    if not own or not learned:
        return _Found(DASH, 0, "open", "no rival of this tier learns any parameters" if own else "its parameters were not counted")
    lighter = [each for each in learned if (each.parameters or 0) < own]
    strong = [each for each in lighter if each.pair.verdict in NOT_WORSE]
    shown = (strong or lighter)[:1]
    measured = f"{_NAME} {count_text(float(own))}" + "".join(
        f"; {each.rival.label} {count_text(float(each.parameters or 0))}" for each in shown
    )
    if strong:
        many, rest = _counted(learned)
        count = f"{len(strong)} of {many} rivals that learn have fewer, and are better or equal in PSNR"
        return _Found(measured, shown[0].n, "refuted", f"{count} ({difference_text(shown[0])}){rest}")
    if n < LEAST_SCENES:
        return _Found(measured, n, "open", _too_few(n))
    if lighter:
        count = f"{len(lighter)} of {len(learned)} rivals that learn have fewer"
        return _Found(measured, n, "open", f"{count}, but none of them is shown to be better or equal")
    return _Found(measured, n, "reproduced", f"all {len(learned)} rivals that learn have more")


def _less_time(subject: Row, pairs: Sequence[RivalPair]) -> _Found:
    timed, n = [(each, each.ratio) for each in pairs if each.ratio is not None], max(each.n for each in pairs)
    own = [seconds for result in subject.results if result.outcome == "scored" and (seconds := scene_seconds(result)) is not None]
    if not own or not timed:
        return _Found(DASH, 0, "open", "no rival was timed on the same machine in the same way")
    faster = [(each, ratio) for each, ratio in timed if ratio.low > FASTER]
    strong = [(each, ratio) for each, ratio in faster if each.pair.verdict in NOT_WORSE]
    measured = f"{_NAME} {duration_text(fmean(own))} a scene on a {'GPU' if subject.results[0].device == 'cuda' else 'CPU'}"
    if strong:
        each, ratio = strong[0]
        many, rest = _counted([each for each, _ in timed])
        count = f"{len(strong)} of {many} rivals take less than half its time, and are better or equal in PSNR"
        measured += f"; {ratio_text(ratio)} times as long as {each.rival.label}"
        return _Found(measured, ratio.n, "refuted", f"{count} ({difference_text(each)}){rest}")
    if n < LEAST_SCENES:
        return _Found(measured, n, "open", _too_few(n))
    slower = sum(ratio.high < 1 for _, ratio in timed)
    count = f"less time than {slower} of {len(pairs)} rivals"
    if slower < len(pairs):
        few = f"{len(faster)} take less than half its time, none of them shown to be better or equal"
        return _Found(measured, n, "open", f"{count}; {few}")
    return _Found(measured, n, "reproduced", count)


def _counted(pairs: Sequence[RivalPair]) -> tuple[int, str]:
    """Of how many rivals something can be said, and a clause on the others; all of them where nothing can be said of any."""
    tested = sum(each.is_tested for each in pairs)
    few = len(pairs) - tested
    if not tested or not few:
        return len(pairs), ""
    return tested, f"; {few} more {'has' if few == 1 else 'have'} fewer than {LEAST_SCENES} common scenes"


def _too_few(n: int) -> str:
    return f"{n} common scene{'' if n == 1 else 's'}, a verdict needs {LEAST_SCENES}"


def _number(statement: Statement, rows: Sequence[Row]) -> Judgement:
    """The judgement on a number of the method itself; seconds on a GPU, where there are any, count before those on a CPU."""
    if statement.number is None:
        raise ValueError(f"statement {statement.id}: expected a number, got none")
    row = rows[0]
    if statement.number.quantity == "seconds":
        row = next((each for each in rows if each.results[0].device == "cuda"), row)
    judged = judge_number(statement.number, row, statement.scenes, statement.reach)
    return Judgement(statement.says, short_tier(row.tier), judged.measured or DASH, judged.n, judged.word, judged.reason)

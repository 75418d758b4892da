"""What the page says first: a title, and two or three sentences made from the records, for a reader who has ten seconds.

Who is most accurate by the first metric under each protocol, and what that method was told; who is best of those that are told nothing, and
how fast; and whether the scenes are enough for a statistical verdict. Only ranked rows are named, by the printed digits, so that a tie is
told as a tie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.content.expansions import EXPANSIONS
from reports.content.protocol_words import short_names
from reports.content.row import Row
from reports.content.statistics import LEAST_SCENES
from reports.content.summary import Summary
from reports.content.verdicts import ALL, TierComparison, turned_pair
from reports.style import count_word, duration_text, listed_text, shorten

NOTHING = "told nothing"  # the tier without any knowledge
_TOLD = {"blur": "the blur", "colour response": "the camera's colour response", "noise level": "the noise level"}
_MOST_PROTOCOLS = 4  # of which a sentence lists every score
_MOST_WINNERS = 3  # that a sentence names
_LONGEST = 60  # characters of a name

Winner = tuple[str, str]  # label and tier
Found = list[tuple[str, Summary, Row]]  # a method's rows, each with the words and the summary of its protocol


def opening_title(summaries: Sequence[Summary]) -> str:
    """How many methods were compared, on how many scenes."""
    methods = {(row.label, row.tier) for summary in summaries for row in summary.rows}
    scenes = {scene for summary in summaries for scene in summary.scenes}
    what = f"{len(methods)} fusion methods compared" if len(methods) > 1 else f"{next(iter(methods))[0]}"
    return f"{what} on {len(scenes)} scene{'s' * (len(scenes) > 1)}"


def opening_sentences(summaries: Sequence[Summary], comparisons: Sequence[TierComparison]) -> list[str]:
    """The sentences; protocols whose first metric is another one have sentences of their own."""
    sentences = []
    for lead in dict.fromkeys(summary.scores[0].key for summary in summaries):
        alike = [summary for summary in summaries if summary.scores[0].key == lead]
        sentences += _of_metric(alike)
    return [*sentences, *_statistics_words(summaries, comparisons)]


def opening_names(summaries: Sequence[Summary]) -> tuple[str, ...]:
    """The names of the methods, as the sentences have them."""
    return tuple(dict.fromkeys(shorten(row.label, _LONGEST) for summary in summaries for row in summary.rows))


def best_rows(summary: Summary, tier: str = "") -> list[Row]:
    """The ranked rows with the best first metric, of one tier or of all: several where they are equal as printed, none without any."""
    column = summary.scores[0]
    rows = [row for row in summary.rows if row.ranked and row.values[column.key].n and tier in ("", row.tier)]
    if not rows:
        return []
    best = (min if column.higher_is_better is False else max)(row.values[column.key].printed for row in rows)
    return [row for row in rows if row.values[column.key].printed == best]


def _of_metric(summaries: Sequence[Summary]) -> list[str]:
    """The sentences on protocols that share their first metric."""
    names = short_names(summaries)
    ranked = [(name, summary) for name, summary in zip(names, summaries, strict=True) if best_rows(summary)]
    if not ranked:
        return ["No method has all its scores under any protocol, so that none is ranked."]
    overall = _winners(ranked)
    label = summaries[0].scores[0].label
    what = f"{EXPANSIONS[label]} ({label})" if label in EXPANSIONS else label
    truth = all(result.has_reference for summary in summaries for row in summary.rows for result in row.results)
    praise = "most accurate" if truth else "best"
    sentences = [_winner_sentence(overall, len(ranked), f"{praise} by {what}")]
    blind = _winners(ranked, NOTHING)
    if blind and set(blind) != set(overall):
        in_order = len(overall) == 1 and sum(map(len, overall.values())) == len(ranked) <= _MOST_PROTOCOLS
        sentences.append(_told_nothing(blind, in_order=in_order and sum(map(len, blind.values())) == len(ranked)))
    return sentences


def _winners(ranked: Sequence[tuple[str, Summary]], tier: str = "") -> dict[tuple[Winner, ...], Found]:
    """The best methods, several where they tie, each with the protocols under which they are; the one with the most protocols first."""
    found: dict[tuple[Winner, ...], Found] = {}
    for name, summary in ranked:
        rows = best_rows(summary, tier)
        if rows:
            found.setdefault(tuple((row.label, row.tier) for row in rows), []).append((name, summary, rows[0]))
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _winner_sentence(winners: dict[tuple[Winner, ...], Found], protocols: int, praise: str) -> str:
    """Who is best, with the scores, and what these methods are told."""
    if len(winners) == 1:
        ((who, found),) = winners.items()
        verb, told = ("are", "they are") if len(who) > 1 else ("is", "it is")
        alike = {tier for _, tier in who}
        knows = f"; {told} {_knowledge(who[0][1])}" if len(alike) == 1 else ""
        return f"{_names(who)} {verb} {praise}: {_scores(found)}{knows}."
    if protocols > _MOST_PROTOCOLS:
        first = list(winners.items())[:_MOST_WINNERS]
        parts = [f"{_names(who)} under {len(found)} of {protocols} protocols ({_short(who)})" for who, found in first]
        parts += ["others under the rest"] if len(winners) > len(first) else []
    else:
        parts = [f"{_names(who)} with {_scores(found)} ({_short(who)})" for who, found in winners.items()]
    return f"{praise[:1].upper()}{praise[1:]}: {'; '.join(parts)}."


def _told_nothing(winners: dict[tuple[Winner, ...], Found], *, in_order: bool) -> str:
    """The sentence on the best of those that are told nothing, with scores and time.

    `in_order`: the sentence before it has named all protocols, so that scores in the same order need no names.
    """
    if len(winners) == 1:
        ((who, found),) = winners.items()
        unit = found[0][1].scores[0].unit
        numbers = [row.values[summary.scores[0].key].text for _, summary, row in found]
        scores = f"{listed_text(numbers)} {unit}".strip() if in_order else _scores(found)
        return f"Told nothing: {_names(who)}, {scores}{_time([row for _, _, row in found])}."
    each = [(who, one) for who, found in winners.items() for one in found]
    if in_order:
        places = [summary.name for _, (_, summary, _) in each]
        each.sort(key=lambda pair: sorted(places).index(pair[1][1].name))
        parts = [f"{_names(who)} {_score(one)}{_time([one[2]])}" for who, one in each]
        return f"Told nothing, in this order: {listed_text(parts)}."
    if len(each) > _MOST_PROTOCOLS:
        first = [f"{_names(who)} under {len(found)} protocols" for who, found in list(winners.items())[:_MOST_WINNERS]]
        return f"Told nothing: {'; '.join(first)}."
    return f"Told nothing: {listed_text([f'{_names(who)} {_scores([one])}{_time([one[2]])}' for who, one in each])}."


def _score(one: tuple[str, Summary, Row]) -> str:
    """The score of one row with its unit."""
    _, summary, row = one
    column = summary.scores[0]
    return f"{row.values[column.key].text} {column.unit}".strip()


def _scores(found: Found) -> str:
    """The scores under these protocols, each with its protocol; of many protocols the range."""
    column = found[0][1].scores[0]
    texts = list(map(_score, found))
    if len(found) > _MOST_PROTOCOLS:
        printed = sorted(zip((row.values[column.key].printed for _, _, row in found), texts, strict=True))
        return f"{printed[0][1]} to {printed[-1][1]} under {len(found)} protocols"
    return listed_text([f"{text} {name}" for text, (name, _, _) in zip(texts, found, strict=True)])


def _time(rows: Sequence[Row]) -> str:
    """The time of a fusion, learning included; empty where the times of the cells cannot be compared."""
    known = [row for row in rows if row.timing == "here" and row.values["seconds"].mean]
    if not known:
        return ""
    totals = [(row.values["seconds"].mean or 0.0) + (row.values["learning_seconds"].mean or 0.0) for row in known]
    texts = list(dict.fromkeys([duration_text(min(totals)), duration_text(max(totals))]))
    learning = any(row.values["learning_seconds"].mean for row in known)
    return f" (in {' to '.join(texts)}{' with its learning' if learning else ''})"


def _knowledge(tier: str) -> str:
    """What a method is told, after "it is"."""
    told, _, learned = tier.partition("; ")
    words = "told nothing but the two images" if told == NOTHING else told
    if told != NOTHING and told.startswith("told "):
        parts = re.split(r", | and ", told.removeprefix("told ").removeprefix("the "))
        words = f"told {listed_text([_TOLD.get(part, part) for part in parts])}"
    return f"{words}{f', and {learned}' if learned else ''}"


def _short(who: Sequence[Winner]) -> str:
    return listed_text(list(dict.fromkeys(tier for _, tier in who)))


def _names(who: Sequence[Winner]) -> str:
    return listed_text([shorten(label, _LONGEST) for label, _ in who])


def _statistics_words(summaries: Sequence[Summary], comparisons: Sequence[TierComparison]) -> list[str]:
    """Whether the scenes are enough for a verdict, and what it is on the first two of all methods."""
    counts = sorted({len(summary.scenes) for summary in summaries})
    if counts[-1] < LEAST_SCENES:
        words = count_word(counts[-1])
        few = f"{words[:1].upper()}{words[1:]} scene{'s' * (counts[-1] > 1)}"
        return [f"{few}{' at most' * (len(counts) > 1)}: too few for a statistical verdict."]
    leads = {each.protocol: each for each in comparisons if each.tier == ALL}
    single = {each.protocol: each for each in comparisons}
    said: dict[str, list[str]] = {}  # the protocols of each verdict
    agree = []  # of each protocol, whether the method of the best row is better than the best of another method
    for name, summary in zip(short_names(summaries), summaries, strict=True):
        comparison = leads.get(summary.name) or single.get(summary.name)
        if comparison is not None and comparison.statistics.enough_scenes and (lead := _lead_words(comparison)):
            said.setdefault(lead[0], []).append(name)
            agree.append(lead[1] in {row.results[0].method for row in best_rows(summary)})
    if len(said) > 1 and len(agree) == len(summaries) and all(agree):
        return [f"The paired statistics over {counts[-1]} scenes put the first above the best of the other methods under each protocol."]
    if not said or sum(map(len, said.values())) > _MOST_PROTOCOLS:
        return []
    verdicts = "; ".join(f"{text} {listed_text(names)}" for text, names in said.items())
    return [f"The paired statistics over {counts[-1]} scenes: {verdicts}."]


def _lead_words(comparison: TierComparison) -> tuple[str, str] | None:
    """How sure the first place is against the best of another method, or, where there is none, against the second place.

    With it, the method in the first place where that is better than the best of another one; else the empty text.
    """
    statistics = comparison.statistics
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    first, second = order[:2]
    methods = [row.results[0].method for row in comparison.rows]
    second = next((each for each in order if methods[each] != methods[first]), second)
    pair = next((each for each in statistics.pairs if {each.first, each.second} == {first, second}), None)
    if pair is None:
        return None
    pair = pair if pair.first == first else turned_pair(pair)
    one, other = (shorten(comparison.rows[each].label, _LONGEST) for each in (first, second))
    words = {
        "better": f"{one} is better than {other}",
        "worse": f"{one} is worse than {other}",
        "equal": f"{one} equals {other} in practice",
    }
    text = words.get(pair.verdict, f"{one} and {other} cannot be told apart")
    return text, methods[first] if pair.verdict == "better" and methods[second] != methods[first] else ""

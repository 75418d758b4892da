"""The notes of a row: why it is not ranked, why a value of it is not compared, and what a reader must know of how it was made.

A note with a mark explains that mark in the row. The others are facts: what the method was trained on, on which scenes its defaults were
tuned, what had to be converted, which seeds it set itself, what the seconds do not hold, why they are those of one call, what memory is of,
what the key of its cells does not cover, why operations were not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, log10
from statistics import fmean
from typing import Literal, get_args

from benchmark.run_folder.program_facts import ProgramFacts
from benchmark.run_folder.record import COUNTED_BEFORE, Clock
from reports.content.columns import INFINITE, Column
from reports.content.provenance import TimingPlace, place_names, places_text
from reports.content.row import MISSING, OPTIMISED, TIMED, UNDEFINED, UNRANKED, Cell, Row, missing_cells
from reports.style import listed_text, megabytes_text, seconds_text, shorten

_ORDER = (MISSING, UNRANKED, UNDEFINED, INFINITE, TIMED, OPTIMISED)
_SET_UP_S = 0.1  # from here on set-up is worth a note
_MOST_REMARKS = 3
_STEPS = {
    "optimised, same output": "timed with optimised steps, same output",
    "optimised, another output": "timed with optimised steps, which give another output",
    "the authors' own": "timed with the program of the authors",
}


About = Literal["scores", "costs", "operations"]  # operations have no column: their notes stand where there is room, not in print

ABOUT: tuple[About, ...] = get_args(About)
PRINTED: tuple[About, ...] = ("scores", "costs")


@dataclass(frozen=True)
class Note:
    """The explanation of a mark on one row, or a fact about the row."""

    mark: str  # empty for a fact
    label: str
    text: str
    about: About = "scores"
    figure: str = ""  # a figure of this row that belongs to the text, such as "first call 1.2 s"

    @property
    def sentence(self) -> str:
        """What it says, without the label and without a full stop."""
        return f"{self.figure}: {self.text}" if self.figure else self.text


@dataclass(frozen=True)
class SharedNote:
    """A note with the labels of all rows that have it, each with its figure."""

    mark: str
    labels: tuple[str, ...]
    text: str
    everywhere: bool = False  # every row of a table of several has it, and none a figure of its own

    @property
    def names(self) -> str:
        """The labels in one line."""
        separator = "; " if any("," in label for label in self.labels) else ", "
        return "All methods" if self.everywhere else separator.join(self.labels)

    @property
    def sentence(self) -> str:
        """The labels and the text, without a full stop."""
        return f"{self.names}: {self.text}"


def share_notes(notes: Iterable[Note], about: Sequence[About] = PRINTED, rows: int = 0) -> list[SharedNote]:
    """Each text once, with the rows that have it, in the order of the marks; facts come last. `rows`: how many rows the table has."""
    labels: dict[tuple[str, str], list[str]] = {}
    figures: set[str] = set()
    for note in notes:
        if note.about in about:
            labels.setdefault((note.mark, note.text), []).append(f"{note.label} ({note.figure})" if note.figure else note.label)
            figures |= {note.text} if note.figure else set()
    shared = [
        SharedNote(mark, tuple(dict.fromkeys(names)), text, rows > 1 and len(names) == rows and text not in figures)
        for (mark, text), names in labels.items()
    ]
    return sorted(shared, key=lambda note: mark_order(note.mark))


def mark_order(mark: str) -> int:
    """The key that sorts notes by their marks; facts, which have none, come last."""
    return _ORDER.index(mark) if mark else len(_ORDER)


def row_notes(row: Row, columns: Sequence[Column], home: TimingPlace | None) -> list[Note]:
    """The notes of a row; `home` is the place at which the seconds of most rows were taken."""
    partly = [column for column in columns if row.partly_defined(column)]
    nowhere = [column.label for column in partly if not row.values[column.key].cells]
    undefined = (
        [f"{listed_text(nowhere)} {'is' if len(nowhere) == 1 else 'are'} defined in no scored cell"] if nowhere and row.scored else []
    )
    undefined += [_undefined(row, column) for column in partly if row.values[column.key].cells]
    kinds: list[tuple[str, About, list[str]]] = [
        (MISSING, "scores", _missing(row)),
        (UNRANKED, "scores", [f"not ranked ({row.unranked})"] if row.unranked else []),
        (UNDEFINED, "scores", undefined),
        (INFINITE, "scores", _infinite(row, columns)),
        (TIMED, "costs", _timing(row, home)),
        (OPTIMISED, "scores", [_STEPS.get(row.implementation, row.implementation)] if row.implementation else []),
        ("", "scores", [*_learned(row), *_uncovered(row), *_remarks(row)]),
        ("", "costs", [*_made_elsewhere(row), *_rounds(row), *_subtracted(row)]),
    ]
    notes = [Note(mark, row.label, text, about) for mark, about, texts in kinds for text in texts]
    return [
        *notes,
        *_set_up(row),
        *_unaccounted(row),
        *_memory(row),
        *_self_timed(row),
        *(Note("", row.label, text, "operations") for text in _operations(row)),
    ]


def _missing(row: Row) -> list[str]:
    """Which cells are without scores, and why."""
    if row.complete:
        return []
    reasons: dict[tuple[str, str], list[Cell]] = {}
    for cell, outcome, reason in missing_cells(row):
        reasons.setdefault((outcome, reason), []).append(cell)
    parts = [
        f"{outcome}{_where(cells, row.planned)}" + (f" ({shorten(reason)})" if reason else "")
        for (outcome, reason), cells in reasons.items()
    ]
    if not parts:
        return [f"{row.share}, hence not ranked"]
    share = f"{row.scored} of {len(row.planned)} cells scored, hence not ranked: " if row.expected > 1 else ""
    return [f"{share}{'; '.join([*parts, *filter(None, [row.share])])}"]


def _undefined(row: Row, column: Column) -> str:
    """That a metric has no value in some cells."""
    return f"{column.label} is defined in {row.values[column.key].cells} of {row.scored} scored cells, hence not compared"


def _infinite(row: Row, columns: Sequence[Column]) -> list[str]:
    """How many of the row's values are infinite, and, of a PSNR, what the mean squared error over all its scored cells comes to."""
    infinite = [column for column in columns if row.values[column.key].infinite]
    if not infinite:
        return []
    scored = [result for result in row.results if result.outcome == "scored"]
    counts = [f"{each.label} in {sum(each.of(r) == inf for r in scored)} of {len(scored)} scored cells" for each in infinite]
    text = f"infinite: {', '.join(counts)}"
    errors = [result.metrics.get("rmse") for result in scored]
    known = [error**2 for error in errors if error is not None]
    if not any(column.key.startswith("psnr") for column in infinite) or len(known) < len(errors):
        return [text]
    mean = fmean(known)
    pooled = f"{-10 * log10(mean):.2f} dB" if mean > 0 else "infinite too: every value is met exactly"
    return [f"{text}; the PSNR of the mean squared error, over all values of these cells, is {pooled}"]


def _timing(row: Row, home: TimingPlace | None) -> list[str]:
    """Where the seconds were taken, where that is not where those of most rows were."""
    if row.timing == "mixed":
        return [f"seconds of {places_text(row.places)}: not averaged, not compared"]
    if row.timing == "doubtful":
        return [_doubt(row)]
    if row.timing == "elsewhere" and home is not None:
        place = row.places[0]
        where = "by another version of the clock" if place.alike_but_for_clock(home) else f"on {place_names([home, place])[1]}"
        return [f"seconds {where}: not compared with those of other rows"]
    return []


def _doubt(row: Row) -> str:
    """Why the seconds may be wrong."""
    clocks = _clocks(row)
    apart = [clock.replay_apart or 0.0 for clock in clocks if clock.another_cube]
    if apart:
        text = f"later calls give another cube than the first one, which is scored ({max(apart):.0%} of its root mean square away)"
    else:
        outside, inside = max((clock.outside or 0.0, clock.inside or 0.0) for clock in clocks if clock.contradicted)
        text = f"its process took {seconds_text(outside)} s by the supervisor's clock and {seconds_text(inside)} s by its own"
    return f"{text}: seconds not compared with those of other rows"


def _clocks(row: Row) -> list[Clock]:
    """The clocks of its scored cells."""
    return [result.clock for result in row.results if result.outcome == "scored" and result.clock is not None]


def _rounds(row: Row) -> list[str]:
    """That the seconds are of the first call alone, since the rounds went otherwise."""
    reasons = dict.fromkeys("; ".join(clock.round_notes) for clock in _clocks(row) if clock.round_notes and not clock.warmed)
    return [f"seconds of the first call alone: {shorten(reason)}" for reason in reasons]


def _subtracted(row: Row) -> list[str]:
    """Of a program in another language: what its seconds are made of."""
    learning = ", its learning on the scene included" if row.results[0].card.get("learns") == "on the scene" else ""
    return list(dict.fromkeys(f"{facts.subtracted}{learning}" for facts in _programs(row)))


def _self_timed(row: Row) -> list[Note]:
    """The own figures of a program, those of its longest run."""
    told = [facts for facts in _programs(row) if facts.self_timed]
    if not told:
        return []
    longest = max(told, key=lambda facts: (facts.self_timed_learning or 0.0) + (facts.self_timed_fusing or 0.0))
    figure = f"{'up to ' if len(told) > 1 else ''}{longest.self_timed.removeprefix('self-timed: ')}"
    return [Note("", row.label, "self-timed: seconds by the program's own clock, which nobody has checked", "costs", figure)]


def _programs(row: Row) -> list[ProgramFacts]:
    """The facts on the program of each scored cell; none where the method is no program."""
    return [result.program for result in row.results if result.outcome == "scored" and result.program is not None]


def _unaccounted(row: Row) -> list[Note]:
    """That much of the time of its process is in no column."""
    found = [clock.unaccounted for clock in _clocks(row) if clock.unaccounted]
    if not found:
        return []
    figure = f"{'up to ' if len(found) > 1 else ''}{seconds_text(max(found))} s"
    return [Note("", row.label, "time of its process that is in no column (import, construction, description)", "costs", figure)]


def _made_elsewhere(row: Row) -> list[str]:
    """That its cubes were handed in."""
    return ["made elsewhere, and not run here: time and memory are not measured"] if row.results[0].made_elsewhere else []


def _learned(row: Row) -> list[str]:
    """What the method was trained on, and on what its defaults were tuned."""
    card = row.results[0].card
    facts = (("trained on", card.get("trained_on")), ("its defaults were tuned on", card.get("tuned_on")))
    return [f"{words} {fact}" for words, fact in facts if fact]


def _set_up(row: Row) -> list[Note]:
    """That the first call took much longer than the others; not by less than `_SET_UP_S`, as every first call fills the caches."""
    firsts = [clock.first or 0.0 for clock in _clocks(row) if clock.set_up >= _SET_UP_S]
    if not firsts:
        return []
    figure = f"first call {'up to ' if len(firsts) > 1 else ''}{seconds_text(max(firsts))} s"
    return [Note("", row.label, "set-up is not part of the seconds", "costs", figure)]


def _memory(row: Row) -> list[Note]:
    """That the memory is of several processes."""
    held = [r.memory for r in row.results if r.outcome == "scored" and r.memory is not None]
    own = [float(memory.main_process) for memory in held if memory.main_process is not None and memory.main_process < memory.peak]
    if not own:
        return []
    figure = f"its own process {megabytes_text(max(own))} MB"
    return [Note("", row.label, "memory is of all processes that the method started", "costs", figure)]


def _uncovered(row: Row) -> list[str]:
    """What the keys of its cells do not cover."""
    phrases = list(dict.fromkeys(phrase for result in row.results for phrase in result.uncovered))
    return [f"the key does not cover {listed_text(phrases)}"] if phrases else []


def _remarks(row: Row) -> list[str]:
    """What the referee had to convert, and seeds that the method set itself; of many phrases the first ones, and how many there are."""
    phrases = list(dict.fromkeys(phrase for result in row.results for phrase in result.remarks))
    more = [f"{len(phrases) - _MOST_REMARKS} other remarks in the records"] if len(phrases) > _MOST_REMARKS else []
    return [*phrases[:_MOST_REMARKS], *more]


def _operations(row: Row) -> list[str]:
    """Why the operations of a fusion were not counted."""
    scored = [result for result in row.results if result.outcome == "scored"]
    reasons = dict.fromkeys(result.flops_reason for result in scored if result.flops is None)
    some = any(result.flops is not None for result in scored)
    return [f"operations were not counted: {reason}" for reason in reasons if reason and not (some and reason == COUNTED_BEFORE)]


def _where(missing: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """ "on" and the scenes of the missing cells; with the seeds where only some cells of a scene are missing."""
    if len(missing) == len(cells):
        return " on every scene" if len(cells) > 1 else ""
    parts = []
    for scene in dict.fromkeys(scene for scene, _ in missing):
        seeds = [seed for each, seed in missing if each == scene]
        whole = len(seeds) == sum(each == scene for each, _ in cells)
        parts.append(scene if whole else f"{scene} (seed {', '.join(map(str, seeds))})")
    return f" on {', '.join(parts)}"

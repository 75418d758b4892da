"""How far a run is, in words for one line of a terminal: "SpectraLift on builtin/fields, 34 %", "0:14", "about 1:20 left"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.run_folder.record import Result
    from benchmark.runner.run_settings import Progress

_CUT = "\N{HORIZONTAL ELLIPSIS}"
REFUSED = "RefusedError: "  # begins the reason of a refusal in the records; readers need the sentence alone


def clock_words(seconds: float) -> str:
    """Seconds as minutes and seconds, 0:14, or as hours, minutes and seconds, 2:05:09."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def left_words(progress: Progress) -> str:
    """The time that the rest will take; it is unknown as long as a method has not been met."""
    return "time left unknown" if progress.left_s is None else f"about {clock_words(progress.left_s)} left"


def far_words(progress: Progress) -> str:
    """How far the method is that runs: a share where that is known, else the steps that its optimiser has taken; empty where neither is."""
    work = progress.work
    if work is None:
        return ""
    if work.share is not None:
        return f"{min(int(100 * work.share), 99)} %"
    return f"step {work.steps:,}" if work.steps else ""


def running_words(progress: Progress, room: int = 80) -> str:
    """What is at work, in at most `room` characters: the data set of the scene goes first, then the end of the method's name."""
    if not progress.running:
        return ""
    first, *others = progress.running
    more = f", and {len(others)} more" if others else ""
    if len(first + more) <= room:
        return first + more
    label, on, scene = first.rpartition(" on ")
    ending = f"{on}{scene.rpartition('/')[2]}{more}"
    return f"{_shorten(label, max(room - len(ending), 8))}{ending}" if on else _shorten(first + more, room)


def outcome_words(record: Result) -> str:
    """How a cell has ended: its first score, or the outcome and the reason."""
    from benchmark.metrics.spelling import spell_metric
    from benchmark.run_folder.lead_score import lead_score

    lead = lead_score(record) if record.outcome == "scored" else None
    if lead:
        return spell_metric(*lead)
    reason = record.reason.removeprefix(REFUSED)
    return f"{record.outcome}: {reason}" if reason else record.outcome


def _shorten(text: str, room: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= room else text[: room - 1].rstrip() + _CUT

"""Compares a number that the paper prints (PSNR, seconds or parameters) with what a row measured, by the rules of `statement_rules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from reports.content.columns import metric_column, values_by_scene
from reports.content.rival_pairs import LEAD, largest_parameters, mean_interval, scene_seconds
from reports.content.rival_words import interval_text
from reports.content.row import Row
from reports.content.statement_ledger import PrintedNumber, Reach
from reports.style import duration_text

Word = Literal["reproduced", "refuted", "open"]
WORDS: tuple[Word, ...] = ("reproduced", "refuted", "open")


@dataclass(frozen=True)
class JudgedNumber:
    """A printed number and the measured one."""

    printed: PrintedNumber
    measured: str  # empty without a record
    n: int  # scenes
    word: Word
    reason: str


def judge_number(printed: PrintedNumber, row: Row | None, scenes: Sequence[str], reach: Reach) -> JudgedNumber:
    """A printed number against a row of the right protocol."""
    if row is None:
        return JudgedNumber(printed, "", 0, "open", "not in the bundles")
    judge = {"psnr": _judge_score, "seconds": _judge_seconds, "parameters": _judge_parameters}[printed.quantity]
    return judge(printed, row, scenes, reach)


def _judge_score(printed: PrintedNumber, row: Row, scenes: Sequence[str], reach: Reach) -> JudgedNumber:
    by_scene = {scene: fmean(values) for scene, values in values_by_scene(metric_column(LEAD), row.results).items() if scene in scenes}
    found, column = mean_interval(list(by_scene.values())), metric_column(LEAD)
    measured = f"{column.text(found.mean)} dB{interval_text(found)}" if found.n else ""
    if found.n < len(scenes):
        return JudgedNumber(printed, measured, found.n, "open", f"{found.n} of its {len(scenes)} scenes")
    gap = found.mean - printed.value
    reason = f"{gap:+.2f} dB, tolerance {printed.tolerance:.2g} dB"
    if gap < -printed.tolerance and float(row.results[0].parameters.get("budget") or 1.0) < 1:
        return JudgedNumber(printed, measured, found.n, "open", f"{reason}, after a shortened budget")
    if gap < -printed.tolerance or (reach == "equal" and gap > printed.tolerance):
        return JudgedNumber(printed, measured, found.n, "refuted", reason)
    return JudgedNumber(printed, measured, found.n, "reproduced", f"{reason}{', exceeded' if gap > printed.tolerance else ''}")


def _judge_seconds(printed: PrintedNumber, row: Row, scenes: Sequence[str], reach: Reach) -> JudgedNumber:
    seconds = [value for r in row.results if r.outcome == "scored" and r.scene in scenes and (value := scene_seconds(r)) is not None]
    gpu = row.results[0].device == "cuda"
    if not seconds:
        return JudgedNumber(printed, "", 0, "open", "not timed")
    mean = fmean(seconds)
    measured, n = f"{duration_text(mean)} on a {'GPU' if gpu else 'CPU'}", len(seconds)
    if row.timing == "doubtful":
        return JudgedNumber(printed, measured, n, "open", "the clock of this row is in doubt")
    if reach == "equal":
        if gpu and printed.value / 2 <= mean <= 2 * printed.value:
            return JudgedNumber(printed, measured, n, "reproduced", "within a factor of two")
        return JudgedNumber(printed, measured, n, "open", "the machine of the plot is not stated")
    if mean < printed.value:
        return JudgedNumber(printed, measured, n, "reproduced", f"below {printed.printed} s")
    if gpu:
        return JudgedNumber(printed, measured, n, "refuted", f"not below {printed.printed} s on a GPU")
    return JudgedNumber(printed, measured, n, "open", "measured on a CPU alone, and the machine of the paper is not stated")


def _judge_parameters(printed: PrintedNumber, row: Row, scenes: Sequence[str], reach: Reach) -> JudgedNumber:
    total = largest_parameters(row)
    if not total:
        return JudgedNumber(printed, "", 0, "open", "not counted")
    used = max((r.parameters_inference or 0 for r in row.results if r.outcome == "scored"), default=0)
    measured = f"{total:,}" + (f", of which {used:,} in inference" if used and used != total else "")
    near = any(abs(count - printed.value) <= printed.tolerance for count in (total, used) if count)
    n = len({r.scene for r in row.results if r.outcome == "scored"})
    reason = "within 1 %" if near else f"not within 1 % of {printed.printed}"
    return JudgedNumber(printed, measured, n, "reproduced" if near else "refuted", reason)

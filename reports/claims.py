"""The claims ledger: published figures beside ours, each with its source, its protocol, its convention, the difference and a reason.

`claims.toml` holds what was printed, and where. A claim is set against the records of the same method (in the form that the table means),
under a protocol whose numbers are the same, on exactly the same scenes, scored by the convention that the table was scored by. The reason:

    reproduced         all of that holds, and the difference is within the tolerance
    not reproducible   all of that holds, and it is not; or the ledger says why no run can agree
    weights differ     likewise, for a reason that the ledger knows: the weights are others than the paper's
    metric differs     as reproduced, but ours is by another convention: the table's is none of ours, or `rescore` has not been run for it
    protocol differs   the method was run, but under another protocol, or on other scenes
    not run            this run has no score of the method

Of several configurations of a method the one with the most of the table's scenes is taken, then the one with the shortest label.
Tolerance: 0.2 dB of PSNR, 0.005 of SSIM, 0.02 of UIQI, 5 % of SAM, ERGAS and RMSE, 1 % of parameters; and what a figure may be off by as
the ledger says it: read off a plot, or of a single random start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from benchmark.conventions.profile_scores import Scores
from benchmark.run_folder.record import Result
from reports.ledger import METRICS, REASONS, SURE, Claim, Reason
from reports.profiles import ProfileTable
from reports.sections import Section
from reports.style import DASH, identity
from reports.summary import INFINITE
from reports.sweeps import flat


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim with what this run says to it; `ours` is None where it says nothing."""

    claim: Claim
    ours: float | None
    reason: Reason
    remark: str

    @property
    def difference(self) -> float | None:
        """Ours less the printed one."""
        return None if self.ours is None else self.ours - self.claim.value


def judge(claims: Sequence[Claim], results: Sequence[Result], stored: Mapping[str, Scores]) -> list[Entry]:
    """What the records say to each claim."""
    scored = [result for result in results if result.outcome == "scored" and not result.card.get("unranked")]
    claimed = {claim.method for claim in claims}
    by_method: dict[str, list[Result]] = {}
    for result in scored:
        if result.method in claimed:
            by_method.setdefault(result.method, []).append(result)
    protocols = {result.key: flat(result.protocol) for own in by_method.values() for result in own}
    return [_judge(claim, [r for r in by_method.get(claim.method, []) if _is_of(claim, r)], protocols, stored) for claim in claims]


def _judge(claim: Claim, own: Sequence[Result], protocols: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Scores]) -> Entry:
    """One claim against the records of its method."""
    if not own:
        return Entry(claim=claim, ours=None, reason="not run", remark="no score of this method")
    alike = [r for r in own if claim.numbers and all(protocols[r.key].get(name) == value for name, value in claim.numbers.items())]
    inside = [r for r in alike if r.scene in claim.scenes]
    if claim.metric == "parameters":
        sizes = [float(r.parameters_total) for r in own if r.parameters_total]
        return _verdict(claim, max(sizes)) if sizes else Entry(claim=claim, ours=None, reason="not run", remark="not counted")
    if not inside:
        what = "another protocol" if not alike else "other scenes"
        return Entry(claim=claim, ours=None, reason="protocol differs", remark=f"run under {what} alone")
    groups: dict[str, list[Result]] = {}
    for result in inside:
        groups.setdefault(identity(result.parameters), []).append(result)
    group = min(groups.values(), key=lambda results: (-len({r.scene for r in results}), len(results[0].label), results[0].label))
    ours, own_convention = _mean(claim, group, stored)
    if ours is None:
        return Entry(claim=claim, ours=None, reason="metric differs", remark="no score of ours is of this kind")
    there = {result.scene for result in group}
    if there != set(claim.scenes):
        remark = f"run on {len(there)} of its {len(claim.scenes)} scenes"
        return Entry(claim=claim, ours=ours, reason="protocol differs", remark=remark)
    if not own_convention:
        remark = "ours by the textbook; " + (
            f"rescore --profile {claim.profile} would tell" if claim.profile else "no profile is that code"
        )
        return Entry(claim=claim, ours=ours, reason="metric differs", remark=remark)
    return _verdict(claim, ours)


def _verdict(claim: Claim, ours: float) -> Entry:
    """Same method, protocol, scenes and convention."""
    if claim.differs is not None:
        return Entry(claim=claim, ours=ours, reason=claim.differs, remark=claim.why)
    if abs(ours - claim.value) <= claim.tolerance:
        return Entry(claim=claim, ours=ours, reason="reproduced", remark=f"within {claim.tolerance:.3g}")
    return Entry(claim=claim, ours=ours, reason="not reproducible", remark=f"beyond the tolerance of {claim.tolerance:.3g}")


def _mean(claim: Claim, results: Sequence[Result], stored: Mapping[str, Scores]) -> tuple[float | None, bool]:
    """The mean over scenes of the means over seeds, and whether it is by the claim's own convention (else it is by the textbook)."""
    if claim.metric == "rmse8":
        values = [(r.scene, None if (rmse := r.metrics.get("rmse")) is None else 255 * rmse) for r in results]
        return _over_scenes(values), False
    by_profile = [(r.scene, stored.get(r.key, {}).get(claim.profile, {}).get(claim.metric)) for r in results]
    if claim.profile == "textbook" or (claim.profile and all(value is not None for _, value in by_profile)):
        return _over_scenes(by_profile if claim.profile != "textbook" else [(r.scene, r.metrics.get(claim.metric)) for r in results]), True
    return _over_scenes([(r.scene, r.metrics.get(claim.metric)) for r in results]), False


def _over_scenes(values: Sequence[tuple[str, float | None]]) -> float | None:
    """None where any is missing."""
    groups: dict[str, list[float]] = {}
    for scene, value in values:
        if value is None:
            return None
        groups.setdefault(scene, []).append(value)
    return fmean(fmean(inside) for inside in groups.values()) if groups else None


def claims_table(entries: Sequence[Entry]) -> ProfileTable:
    """Every claim with ours beside it; those that this run says something to come first."""
    ordered = sorted(entries, key=lambda entry: REASONS.index(entry.reason) if entry.ours is not None else len(REASONS))
    rows = []
    for entry in ordered:
        claim, (label, digits) = entry.claim, METRICS[entry.claim.metric]
        ours, difference = entry.ours, entry.difference
        reading = f" ±{off:g}" if (off := claim.source.reading.get(claim.metric)) else ""
        rows.append(
            (
                claim.label,
                label,
                claim.printed + reading,
                DASH if ours is None else f"{ours:,.{digits}f}".replace("inf", INFINITE),
                DASH if difference is None else f"{difference:+,.{digits}f}".replace("inf", INFINITE),
                entry.reason,
                claim.profile or DASH,
                f"{claim.data}; {claim.protocol}",
                f"{claim.source.title} ({claim.source.address}), {claim.source.place}; {SURE[claim.source.sure]}",
                entry.remark,
            )
        )
    heads = (
        "Method",
        "Metric",
        "Published",
        "Ours",
        "Difference",
        "Reason",
        "Profile",
        "Data and protocol",
        "Source, and how sure",
        "Remark",
    )
    notes = (
        "Ours is scored by the same convention unless the reason is `metric differs`. Tolerance: 0.2 dB of PSNR, 0.005 of SSIM, 0.02 of "
        "UIQI, 5 % of SAM, ERGAS and RMSE, 1 % of parameters, and what a figure may be off by (±): of a plot, or of one random start.",
    )
    return ProfileTable("claims", "Published figures, and ours beside them", heads, tuple(rows), notes)


def short_claims_table(entries: Sequence[Entry]) -> ProfileTable:
    """The claims that this run says something to, in the columns that fit a page of paper; remarks on those not reproduced as notes."""
    shown = [entry for entry in entries if entry.ours is not None]
    table = claims_table(shown)
    remarks = [
        (entry.claim.label, entry.reason, entry.remark)
        for entry in shown
        if entry.reason != "reproduced" and "tolerance" not in entry.remark
    ]
    return ProfileTable(
        "claims_tested",
        "Published figures that this run can be set against",
        table.heads[:7],
        tuple((f"{row[0]}, {row[7].partition(';')[0]}", *row[1:7]) for row in table.rows),
        (*table.notes, *(f"{label}, {reason}: {remark}." for label, reason, remark in dict.fromkeys(remarks))),
    )


def claims_frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row a claim, unrounded."""
    return pd.DataFrame(
        [
            {
                "method": entry.claim.method,
                "label": entry.claim.label,
                "metric": entry.claim.metric,
                "published": entry.claim.value,
                "ours": entry.ours,
                "difference": entry.difference,
                "reason": entry.reason,
                "remark": entry.remark,
                "profile": entry.claim.profile,
                "data": entry.claim.data,
                "protocol": entry.claim.protocol,
                "source": entry.claim.source.title,
                "address": entry.claim.source.address,
                "place": entry.claim.source.place,
                "sure": entry.claim.source.sure,
            }
            for entry in entries
        ]
    )


def claims_section(entries: Sequence[Entry]) -> Section | None:
    """The ledger for a page; None where this run has no score of any method in it."""
    run = [entry for entry in entries if entry.reason != "not run"]
    if not run:
        return None
    counts = {reason: sum(entry.reason == reason for entry in entries) for reason in REASONS}
    told = f"{len(entries)} published figures: " + ", ".join(f"{count} {reason}" for reason, count in counts.items() if count) + "."
    return Section("claims", "Published figures, and ours", (told,), (claims_table(entries),))


def _is_of(claim: Claim, result: Result) -> bool:
    """Whether the record is of the claim's method, in the form that it means."""
    return result.method == claim.method and claim.learns in ("", result.card.get("learns"))

"""What a run says to the claims of the ledger: published numbers and ours beside them, with the difference and a reason.

`claims.toml` holds what was printed, and where. A claim is compared with the records of the same method (in the form that the table means),
under a protocol with the same numbers, on exactly the same scenes, scored by the convention of the table. The reasons are:

    reproduced         all of this holds, and the difference is within the tolerance
    not reproducible   all of this holds, but the difference is larger; or the ledger says why no run can agree
    weights differ     all of this holds, but the ledger says that the weights are not those of the paper
    metric differs     as for `reproduced`, but ours is scored by another convention: the table's is none of ours, or `rescore` was not run
    protocol differs   the method was run, but under another protocol or on other scenes
    not run            this run has no score of the method

Of several configurations of a method, the one with the most scenes of the table is taken, then the one with the shortest label.
Tolerance: 0.2 dB of PSNR, 0.005 of SSIM, 0.02 of UIQI, 5 % of SAM, ERGAS and RMSE, 1 % of parameters; and, as the ledger states it, what a
number may be off by that was read off a plot or comes from a single random start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from benchmark.run_folder.record import Result
from reports.content.columns import INFINITE
from reports.content.convention_tables import StoredScores
from reports.content.ledger import CLAIM_METRICS, REASONS, SURE, Claim, Reason
from reports.content.protocol_facts import dotted_values
from reports.content.sections import Section
from reports.content.text_table import TextTable
from reports.style import DASH, identity

_COMPARABLE: tuple[Reason, ...] = ("reproduced", "not reproducible", "weights differ")


@dataclass(frozen=True, kw_only=True)
class JudgedClaim:
    """A claim with the answer of this run; `ours` is None where the run has no number for it."""

    claim: Claim
    ours: float | None
    reason: Reason
    remark: str

    @property
    def difference(self) -> float | None:
        """Our number less the printed one."""
        return None if self.ours is None else self.ours - self.claim.value


# What a protocol has where a claim's numbers do not say otherwise: no noise, and sensors that are as the method is told.
_PLAIN: Mapping[str, Any] = {
    "hsi_snr_db": None,
    "msi_snr_db": None,
    "rotation_deg": 0.0,
    "msi_gain": 1.0,
    "given_phase": None,
    "given_srf_shift_nm": 0.0,
    "given_hsi_noise_db": 0.0,
    "given_msi_noise_db": 0.0,
}


def judge_claims(claims: Sequence[Claim], results: Sequence[Result], stored: StoredScores) -> list[JudgedClaim]:
    """Each claim with what the records say to it."""
    scored = [result for result in results if result.outcome == "scored" and not result.card.get("unranked")]
    claimed = {claim.method for claim in claims}
    by_method: dict[str, list[Result]] = {}
    for result in scored:
        if result.method in claimed:
            by_method.setdefault(result.method, []).append(result)
    protocols = {result.key: dotted_values(result.protocol) for inside in by_method.values() for result in inside}
    return [_judge(claim, [r for r in by_method.get(claim.method, []) if _is_of(claim, r)], protocols, stored) for claim in claims]


def _judge(claim: Claim, results: Sequence[Result], protocols: Mapping[str, Mapping[str, Any]], stored: StoredScores) -> JudgedClaim:
    """One claim against the records of its method."""
    if not results:
        return JudgedClaim(claim=claim, ours=None, reason="not run", remark="no score of this method")
    wanted = {**_PLAIN, **claim.numbers}
    alike = [r for r in results if claim.numbers and all(protocols[r.key].get(n, _PLAIN.get(n)) == value for n, value in wanted.items())]
    inside = [r for r in alike if r.scene in claim.scenes]
    if claim.metric == "parameters":
        sizes = [float(r.parameters_total) for r in results if r.parameters_total]
        return _verdict(claim, max(sizes)) if sizes else JudgedClaim(claim=claim, ours=None, reason="not run", remark="not counted")
    if not inside:
        what = "under another protocol" if not alike else "on other scenes"
        return JudgedClaim(claim=claim, ours=None, reason="protocol differs", remark=f"run only {what}")
    groups: dict[str, list[Result]] = {}
    for result in inside:
        groups.setdefault(identity(result.parameters), []).append(result)
    group = min(groups.values(), key=lambda results: (-len({r.scene for r in results}), len(results[0].label), results[0].label))
    ours, same_convention = _mean(claim, group, stored)
    if ours is None:
        return JudgedClaim(claim=claim, ours=None, reason="metric differs", remark="we have no score of this kind")
    there = {result.scene for result in group}
    if there != set(claim.scenes):
        remark = f"run on {len(there)} of its {len(claim.scenes)} scenes"
        return JudgedClaim(claim=claim, ours=ours, reason="protocol differs", remark=remark)
    if not same_convention:
        remark = "ours by the textbook; " + (
            f"rescore --profile {claim.profile} gives the score to compare" if claim.profile else "no profile follows that code"
        )
        return JudgedClaim(claim=claim, ours=ours, reason="metric differs", remark=remark)
    return _verdict(claim, ours)


def _verdict(claim: Claim, ours: float) -> JudgedClaim:
    """The judgement where method, protocol, scenes and convention are the same."""
    if claim.differs is not None:
        return JudgedClaim(claim=claim, ours=ours, reason=claim.differs, remark=claim.why)
    if abs(ours - claim.value) <= claim.tolerance:
        return JudgedClaim(claim=claim, ours=ours, reason="reproduced", remark=f"within {claim.tolerance:.3g}")
    return JudgedClaim(claim=claim, ours=ours, reason="not reproducible", remark=f"beyond the tolerance of {claim.tolerance:.3g}")


def _mean(claim: Claim, results: Sequence[Result], stored: StoredScores) -> tuple[float | None, bool]:
    """The mean over scenes of the means over seeds, and whether it is by the convention of the claim (else it is by the textbook)."""
    if claim.metric == "rmse8":
        values = [(r.scene, None if (rmse := r.metrics.get("rmse")) is None else 255 * rmse) for r in results]
        return _over_scenes(values), False
    by_profile = [(r.scene, stored.get(r.key, {}).get(claim.profile, {}).get(claim.metric)) for r in results]
    if claim.profile == "textbook" or (claim.profile and all(value is not None for _, value in by_profile)):
        return _over_scenes(by_profile if claim.profile != "textbook" else [(r.scene, r.metrics.get(claim.metric)) for r in results]), True
    return _over_scenes([(r.scene, r.metrics.get(claim.metric)) for r in results]), False


def _over_scenes(values: Sequence[tuple[str, float | None]]) -> float | None:
    """The mean over the scenes of the means on each; None where any value is missing."""
    groups: dict[str, list[float]] = {}
    for scene, value in values:
        if value is None:
            return None
        groups.setdefault(scene, []).append(value)
    return fmean(fmean(inside) for inside in groups.values()) if groups else None


def claims_table(judged: Sequence[JudgedClaim]) -> TextTable:
    """Every claim with our number beside it; claims for which this run has a number come first."""
    ordered = sorted(judged, key=lambda each: REASONS.index(each.reason) if each.ours is not None else len(REASONS))
    rows = []
    for each in ordered:
        claim, (label, digits) = each.claim, CLAIM_METRICS[each.claim.metric]
        ours, difference = each.ours, each.difference
        reading = f" ±{off:g}" if (off := claim.source.reading.get(claim.metric)) else ""
        rows.append(
            (
                claim.label,
                label,
                claim.printed + reading,
                DASH if ours is None else f"{ours:,.{digits}f}".replace("inf", INFINITE),
                DASH if difference is None else f"{difference:+,.{digits}f}".replace("inf", INFINITE),
                each.reason,
                claim.profile or DASH,
                f"{claim.data}; {claim.protocol}",
                f"{claim.source.title} ({claim.source.address}), {claim.source.place}; {SURE[claim.source.sure]}",
                each.remark,
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
        "Ours is scored by the same convention unless the reason is “metric differs”. Tolerance: 0.2 dB of PSNR, 0.005 of SSIM, 0.02 of "
        "UIQI, 5 % of SAM, ERGAS and RMSE, 1 % of parameters, and after ± what a number may be off by that was read off a plot or comes "
        "from one random start.",
    )
    return TextTable("claims", "Published numbers, and ours beside them", heads, tuple(rows), notes)


def answered_claims_table(judged: Sequence[JudgedClaim]) -> TextTable:
    """The claims for which this run has a number, in the columns that fit a page of paper; remarks on those not reproduced are notes."""
    tested = [each for each in judged if each.ours is not None]
    table = claims_table(tested)
    remarks = [
        (each.claim.label, each.reason, each.remark) for each in tested if each.reason != "reproduced" and "tolerance" not in each.remark
    ]
    return TextTable(
        "claims_tested",
        "Published numbers with which this run can be compared",
        table.heads[:7],
        tuple((f"{row[0]}, {row[7].partition(';')[0]}", *row[1:7]) for row in table.rows),
        (*table.notes, *(f"{label}, {reason}: {remark}." for label, reason, remark in dict.fromkeys(remarks))),
    )


def claims_section(judged: Sequence[JudgedClaim]) -> Section | None:
    """The ledger for the page; None where this run has no score of any method in it.

    Claims with which this run can be compared are a table: the same method, protocol, scenes and convention. The others are folded.
    """
    if all(each.reason == "not run" for each in judged):
        return None
    counts = {reason: sum(each.reason == reason for each in judged) for reason in REASONS}
    alike = [each for each in judged if each.reason in _COMPARABLE]
    rest = [each for each in judged if each.reason not in _COMPARABLE]
    sentences = (
        f"{len(judged)} published numbers: " + ", ".join(f"{count} {reason}" for reason, count in counts.items() if count) + ".",
        "" if alike else "None of them is of the same method, protocol, scenes and convention as a row of this run.",
    )
    folded = (replace(claims_table(rest), title=f"{len(rest)} published numbers that cannot be compared"),) if rest else ()
    tables = (answered_claims_table(alike),) if alike else ()
    return Section("claims", "Published numbers, and ours", tuple(filter(None, sentences)), tables, folded)


def _is_of(claim: Claim, result: Result) -> bool:
    """Whether the record is of the method of the claim, in the form that the claim means."""
    return result.method == claim.method and claim.learns in ("", result.card.get("learns"))

"""The score by which one record is compared with others where there is room for a single one: the PSNR, or HQNR where there is no truth."""

from __future__ import annotations

from math import inf

from benchmark.run_folder.record import Result

BY_TRUTH = ("psnr",)
WITHOUT_TRUTH = ("hqnr", "qnr", "d_lambda")  # the first one that is defined: without a PSF only D_lambda is
_LOWER_IS_BETTER = ("d_lambda",)


def lead_score(record: Result) -> tuple[str, float] | None:
    """The metric and its value; None where none is defined."""
    for name in BY_TRUTH if record.has_reference else WITHOUT_TRUTH:
        value = record.metrics.get(name)
        if value is not None:
            return name, value
    return None


def merit(record: Result) -> float:
    """A number that is higher for the better of two records of one scene and protocol; the lowest where no score is defined."""
    lead = lead_score(record)
    if lead is None:
        return -inf
    return -lead[1] if lead[0] in _LOWER_IS_BETTER else lead[1]

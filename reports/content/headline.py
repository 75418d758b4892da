"""The metrics of a table for which nobody has chosen any: the textbook's, or, where there is no truth, those by the two images.

Without truth a metric that no scored cell has is left out, and named in one sentence; D_lambda stands in where QNR is not defined. With
truth all stay, so that tables of several protocols have the same columns.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.metrics.metric_facts import HEADLINE, HEADLINE_WITHOUT_TRUTH, find_metric
from benchmark.run_folder.record import Result
from reports.style import listed_text

_BY_PSF = ("hqnr", "d_lambda_filtered", "d_s", "qnr", "consistency_hsi")
_BY_SRF = ("consistency_msi",)


def headline(results: Sequence[Result]) -> tuple[str, ...]:
    """The names of the metrics, the lead score first."""
    if not results or any(result.has_reference for result in results):
        return HEADLINE
    if not any(result.outcome == "scored" for result in results):
        return HEADLINE_WITHOUT_TRUTH
    defined = tuple(name for name in HEADLINE_WITHOUT_TRUTH if _defined(results, name))
    if "qnr" not in defined and _defined(results, "d_lambda"):
        defined = (*(name for name in defined if not name.startswith("consistency")), "d_lambda", *_consistencies(defined))
    return defined or HEADLINE_WITHOUT_TRUTH


def left_out_sentence(results: Sequence[Result]) -> str:
    """Which headline metrics have no column because no scored cell has them, and why; empty where none is left out."""
    missing = [name for name in HEADLINE_WITHOUT_TRUTH if name not in headline(results)]
    if not missing or any(result.has_reference for result in results):
        return ""
    protocol = results[0].protocol
    reasons = {
        "the PSF is not known": [name for name in missing if name in _BY_PSF and protocol.get("psf") is None],
        "the SRF is not known": [name for name in missing if name in _BY_SRF and protocol.get("sensor") is None],
    }
    explained = [name for names in reasons.values() for name in names]
    reasons["the HSI has too few pixels, or its bands are constant"] = [name for name in missing if name not in explained]
    parts = [f"{listed_text([find_metric(name).label for name in names])} ({why})" for why, names in reasons.items() if names]
    return f"Not defined here: {'; '.join(parts)}."


def _defined(results: Sequence[Result], name: str) -> bool:
    return any(result.metrics.get(name) is not None for result in results if result.outcome == "scored")


def _consistencies(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith("consistency"))

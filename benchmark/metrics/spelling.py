"""A value of a metric in words, as tables print it. Nothing heavy is imported."""

from __future__ import annotations

from math import inf

from benchmark.metrics.metric_facts import METRICS

_FACTS = {metric.name: (metric.label, metric.digits, metric.unit) for metric in METRICS}


def spell_metric(name: str, value: float | None) -> str:
    """Label, value and unit, such as "PSNR 30.06 dB", "PSNR infinite" or "Q2n not defined"."""
    label, digits, unit = _FACTS.get(name, (name, 6, ""))
    if value == inf:
        return f"{label} infinite"
    return f"{label} " + ("not defined" if value is None else f"{value:.{digits}f} {unit}".rstrip())

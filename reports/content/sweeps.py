"""Sweeps: series of protocols that differ in one number (ratio, noise, shift, width of a wrong PSF, ...).

Nobody declares a sweep. The protocols of a run make one where three or more of them agree in all numbers but one, and in those that belong
to it: the size of the PSF and the phase belong to the ratio, the noise of the MSI to that of the HSI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import fmean

from reports.content.columns import Column, values_by_scene
from reports.content.protocol_facts import dotted_values, protocol_numbers
from reports.content.row import Row
from reports.content.summary import Summary
from reports.style import identity

LEAST_PROTOCOLS = 3
MOST_SWEEPS = 12  # of one run
_BELONGING = {"ratio": ("phase", "psf."), "hsi_snr_db": ("msi_snr_db",)}  # names, or beginnings of names, that belong to a number
_LABELS = {
    "ratio": "ratio",
    "hsi_snr_db": "SNR of the HSI, dB",
    "msi_snr_db": "SNR of the MSI, dB",
    "shift.0": "shift along the rows, fine pixels",
    "shift.1": "shift along the columns, fine pixels",
    "given_psf.sigma": "sigma of the PSF that methods are given, fine pixels",
}


@dataclass(frozen=True)
class Sweep:
    """The number that varies, the numbers that belong to it, and the protocols sorted by it."""

    number: str  # dotted, such as given_psf.sigma
    points: tuple[tuple[float, Summary], ...]  # the number is infinite where there is no noise
    belonging: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The label of its axis."""
        others = f" (and with it {', '.join(self.belonging)})" if self.belonging else ""
        return _LABELS.get(self.number, self.number) + others


def find_sweeps(summaries: Sequence[Summary]) -> list[Sweep]:
    """Every sweep that these protocols make, the longest first."""
    tables = [dotted_values(protocol_numbers(summary.protocol)) for summary in summaries]
    names = sorted({name for table in tables for name in table})
    varying = [name for name in names if len({identity(table.get(name)) for table in tables}) > 1]
    sweeps: list[Sweep] = []
    for number in varying:
        belonging = [name for name in varying if any(name == one or name.startswith(one) for one in _BELONGING.get(number, ()))]
        groups: dict[str, list[tuple[float, Summary]]] = {}
        for table, summary in zip(tables, summaries, strict=True):
            value = table.get(number)
            value = inf if value is None and number.endswith("snr_db") else value
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = identity({name: table.get(name) for name in varying if name != number and name not in belonging})
                groups.setdefault(rest, []).append((float(value), summary))
        for points in groups.values():
            values = [value for value, _ in points]
            if len(set(values)) == len(values) >= LEAST_PROTOCOLS and sum(map(isfinite, values)) >= LEAST_PROTOCOLS - 1:
                sweeps.append(Sweep(number, tuple(sorted(points, key=lambda point: point[0])), tuple(belonging)))
    return sorted(sweeps, key=lambda sweep: -len(sweep.points))[:MOST_SWEEPS]


def scene_means(row: Row, column: Column) -> list[float]:
    """The metric on each scene, as the mean over its seeds; scenes without the metric are left out."""
    return [fmean(values) for values in values_by_scene(column, row.results).values()]

"""Published figures as they were printed: read from `claims.toml`, and refused where one lacks its source, protocol, data or convention."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from benchmark.conventions.profile_facts import FACTS

LEDGER = Path(__file__).parent / "claims.toml"
Reason = Literal["reproduced", "protocol differs", "metric differs", "weights differ", "not reproducible", "not run"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Sure = Literal["seen", "own", "compiled", "figure", "run"]
SURE: Mapping[str, str] = {
    "seen": "the table was read",
    "own": "the authors' files",
    "compiled": "another's compilation",
    "figure": "read off a plot",
    "run": "their code was run",
}
METRICS: Mapping[str, tuple[str, int]] = {  # label, digits
    "psnr": ("PSNR", 2),
    "ssim": ("SSIM", 4),
    "sam": ("SAM", 2),
    "ergas": ("ERGAS", 3),
    "uiqi": ("UIQI", 3),
    "rmse8": ("RMSE x 255", 2),
    "parameters": ("Parameters", 0),
}
_TOLERANCE = {"psnr": 0.2, "ssim": 0.005, "uiqi": 0.02}  # of the others a share
_SHARES = {"sam": 0.05, "ergas": 0.05, "rmse8": 0.05, "parameters": 0.01}
_UNITS = {"K": 1e3, "M": 1e6}


class ClaimsError(ValueError):
    """A ledger that says less than it must; the text says which table and what is missing."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where figures stand."""

    id: str
    title: str
    address: str
    place: str
    sure: Sure
    reading: Mapping[str, float] = field(default_factory=dict)  # metric, what its figures may be off by


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One printed figure."""

    source: Source
    label: str
    method: str  # in the catalog
    metric: str
    printed: str
    data: str
    scenes: tuple[str, ...]  # none where the suite does not hold the data
    protocol: str
    numbers: Mapping[str, Any]  # none where this suite has no protocol like it
    profile: str  # empty where no profile is that code
    learns: str
    differs: Reason | None
    why: str

    @property
    def value(self) -> float:
        """The figure as a number."""
        number, _, unit = self.printed.partition(" ")
        return float(number) * (_UNITS[unit] if unit else 1.0)

    @property
    def tolerance(self) -> float:
        """How far ours may be from it."""
        share = _SHARES.get(self.metric)
        return (_TOLERANCE[self.metric] if share is None else share * self.value) + self.source.reading.get(self.metric, 0.0)


def read_claims(file: Path = LEDGER) -> list[Claim]:
    """Every figure of the ledger.

    Raises:
        ClaimsError: a table without its source, protocol or scenes, an unknown metric, profile or reason, a value that is no number.
    """
    ledger = tomllib.loads(file.read_text(encoding="utf-8"))
    sources = {name: _source(name, table) for name, table in ledger.get("source", {}).items()}
    claims: list[Claim] = []
    for place, table in enumerate(ledger.get("table", []), 1):
        where = f"{file.name}, table {place} ({', '.join(table.get('rows', {})) or 'without rows'})"
        source = sources.get(table.get("source", ""))
        scenes, protocol = (ledger.get(kind, {}).get(table.get(kind, "")) for kind in ("scenes", "protocol"))
        if source is None:
            raise ClaimsError(f"{where}: expected one of the sources {', '.join(sources)}, got {table.get('source')!r}")
        if scenes is None or protocol is None:
            raise ClaimsError(
                f"{where}: expected scenes and a protocol that the ledger defines, got {table.get('scenes')!r}, {table.get('protocol')!r}"
            )
        profile, differs = table.get("profile"), table.get("differs", [None, ""])
        if profile != "" and profile not in {facts.name for facts in FACTS}:
            raise ClaimsError(f'{where}: expected a profile of ours or "", got {profile!r}')
        if differs[0] not in (None, *REASONS):
            raise ClaimsError(f"{where}: expected a reason of {', '.join(REASONS)}, got {differs[0]!r}")
        for label, row in table.get("rows", {}).items():
            for metric, printed in zip(table["metrics"], row[1:], strict=True):
                claim = Claim(
                    source=source,
                    label=label,
                    method=row[0],
                    metric=metric,
                    printed=printed,
                    data=scenes["text"],
                    scenes=tuple(scenes.get("names", ())),
                    protocol=protocol["text"],
                    numbers=protocol.get("numbers", {}),
                    profile=profile,
                    learns=table.get("learns", ""),
                    differs=differs[0],
                    why=differs[1],
                )
                if metric not in METRICS or not _is_number(claim):
                    raise ClaimsError(f"{where}: expected a number and a metric of {', '.join(METRICS)}, got {printed!r} for {metric!r}")
                claims += [claim] if printed else []
    return claims


def _source(name: str, table: Mapping[str, Any]) -> Source:
    missing = [field for field in ("title", "address", "place", "sure") if not str(table.get(field, "")).strip()]
    if missing or table["sure"] not in SURE:
        raise ClaimsError(f"source {name}: expected a title, an address, a place and how sure it is ({', '.join(SURE)}), got {dict(table)}")
    if table["sure"] == "figure" and not table.get("reading"):
        raise ClaimsError(f"source {name}: expected `reading`, what figures read off a plot may be off by, got none")
    return Source(id=name, **table)


def _is_number(claim: Claim) -> bool:
    try:
        return claim.printed == "" or claim.value > 0
    except (ValueError, KeyError):
        return False

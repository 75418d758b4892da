"""What MossFuse's paper says of itself, and the rivals of its figure 1, from `statements.toml`; what is incomplete there is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from reports.content.ledger import LEDGER, ClaimsError

STATEMENTS = Path(__file__).parent / "statements.toml"
Kind = Literal["outperforms", "fewer parameters", "less time", "number"]
Reach = Literal["at least", "below", "equal"]
Quantity = Literal["psnr", "seconds", "parameters"]
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6}
_TOLERANCE_DB = 0.2  # of PSNR, as for the ledger of published numbers
_SHARES = {"parameters": 0.01, "seconds": 1.0}  # seconds: up to twice as long, as machines differ


@dataclass(frozen=True, kw_only=True)
class PrintedNumber:
    """A number as it was printed, or read off a plot."""

    quantity: Quantity
    printed: str
    reading: float = 0.0  # how far it may be off

    @property
    def value(self) -> float:
        """The text as a number."""
        number, _, unit = self.printed.partition(" ")
        return float(number) * _UNITS[unit]

    @property
    def tolerance(self) -> float:
        """How far a measured number may be from it, in its unit."""
        return (_TOLERANCE_DB if self.quantity == "psnr" else _SHARES[self.quantity] * self.value) + self.reading


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One sentence of the paper about its method."""

    id: str
    kind: Kind
    says: str
    source: str  # title, address, and how sure, in words
    numbers: Mapping[str, Any]  # of the protocol
    data: str  # the scenes in words
    scenes: tuple[str, ...]
    number: PrintedNumber | None = None
    reach: Reach = "equal"


@dataclass(frozen=True, kw_only=True)
class PlottedRival:
    """A method of the paper's plot, with what the plot says of it."""

    label: str
    method: str  # its name in the catalog
    numbers: tuple[PrintedNumber, ...]  # PSNR, seconds, parameters


@dataclass(frozen=True, kw_only=True)
class StatementLedger:
    """The ledger."""

    subject: str  # its name in the catalog
    label: str
    weights: str  # sha256 of the authors' file
    statements: tuple[Statement, ...]
    rivals: tuple[PlottedRival, ...]
    rivals_source: str


def read_statements(file: Path = STATEMENTS, claims: Path = LEDGER) -> StatementLedger:
    """The ledger of statements in `file`. The protocols and scenes that a statement names are defined in `claims`.

    Raises:
        ClaimsError: a statement without its source, protocol, scenes or number, an unknown kind, or a rival without its numbers.
    """
    table, known = (tomllib.loads(each.read_text(encoding="utf-8")) for each in (file, claims))
    sources = {name: _source_words(name, each) for name, each in table.get("source", {}).items()}
    readings = {name: each.get("reading", {}) for name, each in table.get("source", {}).items()}
    subject = table.get("subject", {})
    if not all(subject.get(name) for name in ("method", "label", "weights")):
        raise ClaimsError(f"{file.name}: expected a subject with method, label and weights, got {dict(subject)}")
    statements = [_statement(file.name, each, known, sources, readings) for each in table.get("statement", [])]
    return StatementLedger(
        subject=subject["method"],
        label=subject["label"],
        weights=subject["weights"],
        statements=tuple(statements),
        rivals=tuple(_rival(file.name, each, readings.get("figure", {})) for each in table.get("rival", [])),
        rivals_source=sources.get("figure", ""),
    )


def _statement(
    where: str, table: Mapping[str, Any], known: Mapping[str, Any], sources: Mapping[str, str], readings: Mapping[str, Any]
) -> Statement:
    name = f"{where}, statement {table.get('id')!r}"
    protocol, scenes = known["protocol"].get(table.get("protocol")), known["scenes"].get(table.get("scenes"))
    if not table.get("id") or not table.get("says") or table.get("source") not in sources:
        raise ClaimsError(f"{name}: expected an id, what it says and one of the sources {', '.join(sources)}, got {dict(table)}")
    if protocol is None or scenes is None or not protocol.get("numbers") or not scenes.get("names"):
        raise ClaimsError(f"{name}: expected a protocol with numbers and scenes with names of claims.toml, got {dict(table)}")
    if table.get("kind") not in get_args(Kind) or table.get("reach", "equal") not in get_args(Reach):
        raise ClaimsError(f"{name}: expected a kind of {', '.join(get_args(Kind))}, and how to reach it, got {dict(table)}")
    number = _number(name, table.get("metric"), table.get("printed"), readings[table["source"]]) if table["kind"] == "number" else None
    return Statement(
        id=table["id"],
        kind=table["kind"],
        says=table["says"],
        source=sources[table["source"]],
        numbers=protocol["numbers"],
        data=scenes["text"],
        scenes=tuple(scenes["names"]),
        number=number,
        reach=table.get("reach", "equal"),
    )


def _rival(where: str, table: Mapping[str, Any], readings: Mapping[str, float]) -> PlottedRival:
    name = f"{where}, rival {table.get('label')!r}"
    if not table.get("label") or not table.get("method"):
        raise ClaimsError(f"{name}: expected a label and a method, got {dict(table)}")
    numbers = tuple(_number(name, quantity, table.get(quantity), readings) for quantity in get_args(Quantity))
    return PlottedRival(label=table["label"], method=table["method"], numbers=numbers)


def _number(where: str, quantity: Any, printed: Any, readings: Mapping[str, float]) -> PrintedNumber:
    if quantity in get_args(Quantity) and isinstance(printed, str):
        number = PrintedNumber(quantity=quantity, printed=printed, reading=readings.get(quantity, 0.0))
        try:
            if number.value > 0:
                return number
        except (ValueError, KeyError) as error:
            raise ClaimsError(f"{where}: expected a number such as 42.25 or 540 K, got {printed!r}") from error
    raise ClaimsError(f"{where}: expected a positive number for one of {', '.join(get_args(Quantity))}, got {printed!r} for {quantity!r}")


def _source_words(name: str, table: Mapping[str, Any]) -> str:
    sure = {"seen": "the text was read", "figure": "read off a plot"}.get(str(table.get("sure")))
    if not table.get("title") or not table.get("address") or sure is None:
        raise ClaimsError(f"source {name}: expected a title, an address and how sure it is (seen, figure), got {dict(table)}")
    return f"{table['title']} ({table['address']}); {sure}"

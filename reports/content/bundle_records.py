"""The records of one or several bundles as one set: of two records of one cell the later one, and where they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.record import SCHEMA, Result, identity_of
from reports.content.admission import admit
from reports.content.provenance import Environment, Provenance
from reports.content.row_cells import ON_GPU, planned_cells
from reports.style import identity


@dataclass(frozen=True)
class BundleRecords:
    """What several bundles say together."""

    bundles: tuple[Bundle, ...]
    results: tuple[Result, ...]
    provenance: Provenance

    @property
    def code(self) -> tuple[str, ...]:
        """The commits of the code that made the records."""
        return tuple(dict.fromkeys(commit for bundle in self.bundles for commit in bundle.code))

    @property
    def machines(self) -> tuple[str, ...]:
        """The processors and GPUs on which the scored records were made, each with its device and its threads."""
        places: dict[tuple[str, str, int], None] = {}
        for result in self.results:
            if result.outcome == "scored":
                facts = self.provenance.of(result)
                names = (facts.get("gpu") if result.device == "cuda" else "", facts.get("processor"))
                places[" with ".join(str(name) for name in names if name) or "not recorded", result.device, result.threads] = None
        return tuple(f"{name}, {device}, {threads} thread{'' if threads == 1 else 's'}" for name, device, threads in places)

    @property
    def dates(self) -> tuple[str, str]:
        """The days on which the first and the last record ended."""
        days = sorted(result.ended[:10] for result in self.results if result.ended)
        return (days[0], days[-1]) if days else ("not recorded", "not recorded")

    @property
    def environment(self) -> Environment | None:
        """The facts of the environment of most records; None where none is known."""
        used = [result.environment for result in self.results if result.environment in self.provenance.environments]
        return self.provenance.environments[max(sorted(set(used)), key=used.count)] if used else None


def gather_records(bundles: Sequence[Bundle]) -> BundleRecords:
    """The records of these bundles, in an order that does not depend on that of a bundle.

    Of two records of one cell the one that ended later counts. Where a method was run on a CPU and on a GPU, the rows of the GPU say so,
    since no mean is over two devices. Scores by other metrics than those of the first bundle count as missing (`admit`).
    """
    latest: dict[str, Result] = {}
    for record in (record for bundle in bundles for record in bundle.records):
        known = latest.get(cell := identity_of(record))
        if known is None or (record.ended, record.key) > (known.ended, known.key):
            latest[cell] = record
    records = sorted(latest.values(), key=lambda r: (r.tier, r.label, r.scene, str(r.protocol.get("name")), r.seed, r.device))
    environments: Mapping[str, Environment] = {name: facts for bundle in reversed(bundles) for name, facts in bundle.environments.items()}
    planned = planned_cells(bundle.plan for bundle in bundles)
    provenance = Provenance(environments, any(record.schema < SCHEMA for record in records), planned=planned)
    return BundleRecords(tuple(bundles), tuple(admit(_by_device(records), bundles[0].metrics_key)), provenance)


def _by_device(records: Sequence[Result]) -> list[Result]:
    """The records, with the device in the label where a configuration has records of several."""
    devices: dict[str, set[str]] = {}
    for record in records:
        devices.setdefault(_configuration(record), set()).update(filter(None, [record.device]))
    both = {name for name, kinds in devices.items() if len(kinds) > 1}
    return [
        replace(record, label=record.label + ON_GPU) if record.device == "cuda" and _configuration(record) in both else record
        for record in records
    ]


def _configuration(record: Result) -> str:
    return identity([record.method, record.label, dict(record.parameters), dict(record.files)])

"""Rows of a bundle beside the rows of a run: which of its records pair with cells of the run, and how they are marked.

A record of the bundle joins where the run has a cell of the same scene, by its content, of the same protocol, by its numbers, scored by
the same metrics, with the same seed (a record on which the seed has no influence joins whatever its seed). It takes the run's names of
scene and protocol. Its label names the bundle. Its seconds are compared with those of the run only where both were taken by one clock in
environments that are alike, as for any two rows (provenance.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.record import Result
from reports.content.protocol_facts import protocol_numbers
from reports.content.provenance import Provenance
from reports.content.row import is_seedless
from reports.content.row_cells import planned_cells
from reports.style import identity


@dataclass(frozen=True, kw_only=True)
class ReferenceRecord(Result):
    """A record of a bundle, among the records of a run."""

    bundle: str = ""
    """The name of the bundle."""


class NothingPairedError(ValueError):
    """A bundle of which nothing can be compared with the run; the text says why, and what to do."""


@dataclass(frozen=True)
class JoinedRows:
    """The records of a run and those of a bundle that pair with them."""

    results: tuple[Result, ...]
    provenance: Provenance
    sentence: str  # how many records joined, and why others did not


def join_run(own: Sequence[Result], other: Bundle) -> JoinedRows:
    """The records of a run with those of another run (`--with`) that pair with them, and that it does not have itself.

    A row of the other run keeps its label, but where the run has a row of that label: there the label names the other run.

    Raises:
        NothingPairedError: no scored record of the other run pairs with a cell of the run.
    """
    keys, labels = {record.key for record in own}, {record.label for record in own}
    fresh = replace(other, records=tuple(record for record in other.records if record.key not in keys))
    joined = join_bundle(own, Provenance(), fresh, option="--with", word="rows of")
    ending = f" [{other.name}]"
    plain = [
        replace(record, label=record.label.removesuffix(ending))
        if is_reference(record) and record.label.removesuffix(ending) not in labels
        else record
        for record in joined.results
    ]
    planned = {label.removesuffix(ending): cells for label, cells in joined.provenance.planned.items()}
    free = {label: cells for label, cells in planned.items() if label not in labels}
    return replace(joined, results=tuple(plain), provenance=replace(joined.provenance, planned={**joined.provenance.planned, **free}))


def join_bundle(
    own: Sequence[Result], provenance: Provenance, bundle: Bundle, *, option: str = "--against", word: str = "reference"
) -> JoinedRows:
    """The records of a run with those of a bundle that pair with them.

    Args:
        own: the records of the run that the report shows.
        provenance: where those were made.
        bundle: the bundle.
        option: of the command line, for the text of an error.
        word: what the bundle is, in the sentence.

    Raises:
        NothingPairedError: no scored record of the bundle pairs with a cell of the run.
    """
    cells = {
        (record.scene_content, identity(protocol_numbers(record.protocol)), record.seed): record for record in own if record.scene_content
    }
    by_scene: dict[tuple[str, str], Result] = {}
    for (scene, protocol, _), record in sorted(cells.items(), key=lambda item: item[0][2]):
        by_scene.setdefault((scene, protocol), record)
    metrics = {record.metrics_key for record in own if record.outcome == "scored"}
    joined: list[Result] = []
    reasons: Counter[str] = Counter()
    for record in bundle.records:
        place = _place(record)
        partner = by_scene.get(place) if is_seedless(record) else cells.get((*place, record.seed))
        if partner is None:
            reasons[_why(record, by_scene)] += 1
        elif record.outcome == "scored" and metrics and record.metrics_key not in metrics:
            reasons["other metrics"] += 1
        else:
            joined.append(_marked(record, partner, bundle.name))
    left = f"; {sum(reasons.values())} do not ({', '.join(f'{why} {count}' for why, count in reasons.most_common())})" if reasons else ""
    scored = sum(record.outcome == "scored" for record in joined)
    sentence = f"{word} {bundle.name}: {len(joined)} of {len(bundle.records)} records pair with cells of this run{left}"
    if not scored:
        raise NothingPairedError(
            f"{option}: expected scored records of {bundle.name} for the scenes, protocols and seeds of this run, got none: {sentence}; "
            "`check-bundle` says whether it is of this code's metrics and protocols"
        )
    known = {record.environment for record in joined}
    environments = {digest: facts for digest, facts in bundle.environments.items() if digest in known}
    planned = {f"{label} [{bundle.name}]": cells for label, cells in planned_cells([bundle.plan]).items()}
    whole = replace(provenance, environments={**environments, **provenance.environments}, planned={**planned, **provenance.planned})
    return JoinedRows((*own, *joined), whole, sentence)


def is_reference(record: Result) -> bool:
    """Whether a record comes from a bundle."""
    return isinstance(record, ReferenceRecord)


def _place(record: Result) -> tuple[str, str]:
    """The content of its scene, and the numbers of its protocol."""
    return record.scene_content, identity(protocol_numbers(record.protocol))


def _why(record: Result, there: dict[tuple[str, str], Result]) -> str:
    """Why a record has no cell of the run to pair with."""
    scene, protocol = _place(record)
    if (scene, protocol) in there:
        return "other seeds"
    return "other protocols" if any(scene == known for known, _ in there) else "other scenes"


def _marked(record: Result, partner: Result, name: str) -> ReferenceRecord:
    """The record as one of a bundle, under the names that the run uses."""
    values = {item.name: getattr(record, item.name) for item in fields(record)}
    values |= {
        "key": f"ref_{record.key}"[:100],  # so that no file of the run is taken for its own
        "label": f"{record.label} [{name}]",
        "scene": partner.scene,
        "scene_digest": partner.scene_digest,
        "observation_digest": partner.observation_digest,
        "protocol": partner.protocol,
        "seed": partner.seed,
    }
    return ReferenceRecord(**values, bundle=name)

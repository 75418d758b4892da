"""A cell of the matrix: a method with its parameters, a scene, a protocol and a seed; and the digests of what cells share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.identity.scene_identity import SceneIdentity
from benchmark.identity.sources import Sources
from benchmark.matrix.contestant import Contestant
from benchmark.matrix.estimate_files import estimate_name, estimate_sources
from benchmark.matrix.keys import cell_key
from benchmark.matrix.training_set import TrainingSet
from datasets.digests import digest_of
from datasets.pair_protocol import AnyProtocol
from datasets.scene_sources import SceneSource
from datasets.simulation import NoiseSeed, Protocol
from methods.contract import Card

NOT_STATED = "made elsewhere, knowledge not stated"
_SPELLED = {"psf": "the PSF", "srf": "the SRF", "noise": "the noise level"}


@dataclass(frozen=True, eq=False)
class Cell:
    """One method with its parameters on one scene under one protocol with one seed."""

    contestant: Contestant
    scene: SceneSource
    identity: SceneIdentity  # the scene's
    protocol: AnyProtocol
    seed: int
    device: str  # its kind: cpu or cuda
    simulator: Sources  # on which the observation depends, as they were when the plan was read
    training: TrainingSet | None = None  # where the method must be trained first

    @cached_property
    def method_sources(self) -> Sources:
        """The sources of the method; of a row that was made elsewhere, the content of the cell's cube and what reads it."""
        contestant = self.contestant
        if contestant.handed_in is None:
            return contestant.sources
        return contestant.sources.joined(estimate_sources(contestant.handed_in, self.scene.name, self.protocol.name, self.seed))

    @cached_property
    def estimate_file(self) -> Path | None:
        """The file of a cube that was made elsewhere; None where the method is run here, or there is no such file."""
        row = self.contestant.handed_in
        return None if row is None else row.file(self.scene.name, self.protocol.name, self.seed)

    @cached_property
    def key(self) -> str:
        """The digest of all that the result depends on; it names the record, cells/<key>.json."""
        return cell_key(
            method=self.contestant.entry.name,
            parameters=self.contestant.parameters,
            sources=self.method_sources.digest,
            protocol=self.protocol.numbers(),
            scene=self.identity.digest,
            simulator=self.simulator.digest,
            seed=self.seed,
            device=self.device,
            training=None if self.training is None else self.training.numbers(),
            oracle=self.contestant.oracle,
        )

    @property
    def name(self) -> str:
        """The cell in words."""
        return f"{self.contestant.label} on {self.scene.name}, {self.protocol.name}, seed {self.seed}"

    @property
    def card(self) -> Card:
        """The card of the method in this cell, with what it is trained on here."""
        card = self.contestant.card
        if self.training is None or not isinstance(self.protocol, Protocol):
            return card
        return self.training.card(card, self.protocol)

    @property
    def tier(self) -> str:
        """The group in which the cell is ranked, in words; of a row that was made elsewhere without a card, that it is not known."""
        row = self.contestant.handed_in
        return self.card.tier if row is None or row.has_card else NOT_STATED

    @property
    def skip_reason(self) -> str:
        """Why the method must not or cannot take part in this cell; empty when it can."""
        card, reveals = self.card, self.protocol.reveals
        if self.training is not None and not isinstance(self.protocol, Protocol):
            return f"{card.name} must be trained first, which a real pair has no scenes for; train it beforehand, and give its weights"
        if obstacle := self.contestant.entry.obstacle():
            return f"{card.name}: {obstacle}"
        missing = [_SPELLED[name] for name in card.needs if name not in reveals]
        if missing:
            return self._lacking(f"{card.name} needs {' and '.join(missing)}")
        if {self.scene.name, self.identity.digest} & set(card.trained_scenes):
            return f"{card.name} was trained on {self.scene.name}: a test on it would say nothing; choose scenes that it has not seen"
        if self.contestant.handed_in is not None and self.estimate_file is None:
            stem, folder = estimate_name(self.scene.name, self.protocol.name, self.seed), self.contestant.handed_in.folder.name
            return (
                f"{card.name} was made elsewhere, and there is no file {stem} (.mat, .h5, .npz, ...) in {folder}; "
                "name it so, or map its name by --names"
            )
        return ""

    def _lacking(self, need: str) -> str:
        """The need of the method and why it is not met: a protocol withholds it on purpose; of a pair it is not known."""
        if isinstance(self.protocol, Protocol):
            return f"{need}, which protocol {self.protocol.name} withholds"
        return f"{need}, not known of {self.protocol.name}; give what is known in [[pair]], or let it be estimated (blind)"

    @property
    def noise(self) -> NoiseSeed:
        """Which noise the observation has."""
        return NoiseSeed(self.seed, self.identity.digest)

    @cached_property
    def scene_digest(self) -> str:
        """The digest that names the reference, scenes/<digest>.h5: the scene, cropped to the ratio."""
        return digest_of({"scene": self.identity.digest, "ratio": self.protocol.ratio})

    @cached_property
    def observation_digest(self) -> str:
        """The digest that names the observation, observations/<digest>.h5; cells of one scene, protocol and seed share it."""
        return digest_of(
            {
                "scene": self.identity.digest,
                "protocol": self.protocol.numbers(),
                "seed": self.seed,
                "simulator": self.simulator.digest,
            }
        )

    @cached_property
    def fit_digest(self) -> str:
        """The digest that names what the method learned beforehand, fits/<digest>.pt; it is the same for every scene and seed."""
        return cell_key(
            method=self.contestant.entry.name,
            parameters=self.contestant.parameters,
            sources=self.contestant.sources.digest,
            protocol=self.protocol.numbers(),
            scene="",
            simulator=self.simulator.digest,
            seed=0,
            device=self.device,
            training=None if self.training is None else self.training.numbers(),
        )

    @property
    def sources(self) -> Sources:
        """The sources on which the estimate of the cell depends."""
        whole = self.method_sources.joined(self.simulator)
        return whole if self.training is None else whole.joined(self.training.sources)

    @property
    def protocol_facts(self) -> dict[str, Any]:
        """The protocol as a record holds it: its name, where it comes from, and all its numbers."""
        return {"name": self.protocol.name, "source": self.protocol.source, **self.protocol.numbers()}


CELL_FIELDS: Mapping[str, Callable[[Cell], str]] = {  # the fields of `run --select`
    "scene": lambda cell: cell.scene.name,
    "protocol": lambda cell: cell.protocol.name,
    "seed": lambda cell: str(cell.seed),
    "method": lambda cell: cell.contestant.entry.name,
    "label": lambda cell: cell.contestant.label,
}

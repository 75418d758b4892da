"""One square of the matrix: a method with its parameters, a scene, a protocol and a seed; and the names of what it shares with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.matrix.keys import cell_key, digest, source_digest
from benchmark.matrix.oracle import oracle_card
from benchmark.matrix.training_set import TrainingSet
from datasets import simulation
from datasets.scenes import SceneSource
from datasets.settings import field_values
from datasets.simulation import Protocol
from methods.catalog import Entry
from methods.contract import AnyMethod, Card


@dataclass(frozen=True, eq=False)
class Contestant:
    """A method with its parameters, and its name in tables."""

    entry: Entry
    method: AnyMethod
    label: str
    sources: str  # digest of the import closure of its file
    time_limit_s: float | None = None  # instead of the plan's
    memory_limit_mb: float | None = None
    oracle: int = 0  # iterates among which the referee picks by the truth (oracle.py); 0: the method's own result

    @property
    def card(self) -> Card:
        """The card of this configuration."""
        card = self.method.describe()
        return oracle_card(card, self.oracle) if self.oracle else card


@dataclass(frozen=True, eq=False)
class Cell:
    """One square of the matrix."""

    key: str
    contestant: Contestant
    scene: SceneSource
    fingerprint: str  # of the scene, taken once a run
    protocol: Protocol
    seed: int
    training: TrainingSet | None = None  # of a method that must be trained first

    @property
    def card(self) -> Card:
        """The card of the method in this cell, with what it is trained on here."""
        card = self.contestant.card
        return card if self.training is None else self.training.card(card, self.protocol)

    @property
    def observation(self) -> tuple[str, str, int]:
        """What cells that share an observation have in common: scene, protocol, seed, by name."""
        return self.scene.name, self.protocol.name, self.seed

    @property
    def scene_digest(self) -> str:
        """Names the reference, scenes/<digest>.h5: the scene as the ratio crops it."""
        return digest({"scene": self.fingerprint, "ratio": self.protocol.ratio})

    @property
    def observation_digest(self) -> str:
        """Names the observation, observations/<digest>.h5."""
        return digest({"scene": self.fingerprint, "protocol": self.protocol.numbers(), "seed": self.seed})

    def fit_digest(self, device: str) -> str:
        """Names what the method learned beforehand, fits/<digest>.pt: the same for every scene and seed."""
        return cell_key(
            method=self.contestant.entry.name,
            parameters=field_values(self.contestant.method),
            sources=self.contestant.sources,
            protocol=self.protocol.numbers(),
            scene="",
            simulator=simulator_digest(),
            seed=0,
            device=device,
            training=None if self.training is None else self.training.numbers(),
        )


CELL_FIELDS: Mapping[str, Callable[[Cell], str]] = {  # what `run --select` can ask for
    "scene": lambda cell: cell.scene.name,
    "protocol": lambda cell: cell.protocol.name,
    "seed": lambda cell: str(cell.seed),
    "method": lambda cell: cell.contestant.entry.name,
    "label": lambda cell: cell.contestant.label,
}


def simulator_digest() -> str:
    """The sources that observations depend on."""
    return source_digest(Path(simulation.__file__))

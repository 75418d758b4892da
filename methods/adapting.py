"""The optional part of the contract: fitted methods that learn beforehand, and then once more on the scene that they fuse.

What the second learning takes is neither training, which many scenes share, nor inference: the referee times `adapt` by itself
(`clock.adapt` in the record), then `fuse` of what it gives.
"""

from __future__ import annotations

from abc import abstractmethod

import torch

from datasets.observation import Observation
from methods.contract import Estimate, FusionMethod


class AdaptingMethod(FusionMethod):
    """A method that is ready to learn on a scene: it says how with `adapt`, and `fuse` is that and the fusion at once."""

    @abstractmethod
    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        """What has learned on this pair, and fuses it; this method is left as it was."""

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of what has adapted to the pair."""
        return self.adapt(seen, rng).fuse(seen, rng)


def adapted(method: FusionMethod, seen: Observation, rng: torch.Generator) -> FusionMethod:
    """What fuses this pair: the method itself, or what it adapts to."""
    return method.adapt(seen, rng) if isinstance(method, AdaptingMethod) else method

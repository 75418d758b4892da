"""An optional part of the contract, for methods that learn beforehand and then once more on the scene that they fuse.

The second learning is neither training, which is done once for many scenes, nor inference. So the referee times `adapt` by itself
(`clock.adapt` in the record), and then the `fuse` of the method that `adapt` returns.
"""

from __future__ import annotations

from abc import abstractmethod

import torch

from datasets.observation import Observation
from methods.contract import Estimate, FusionMethod, expect_fitted


class AdaptingMethod(FusionMethod):
    """A fitted method that learns on the scene before it fuses. A method of this kind defines `adapt`; `fuse` calls it."""

    @abstractmethod
    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        """A method that has learned on this pair and can fuse it. The method itself is not changed."""

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube of the method that `adapt` returns for this pair."""
        return self.adapt(seen, rng).fuse(seen, rng)


def adapted(method: FusionMethod, seen: Observation, rng: torch.Generator) -> FusionMethod:
    """The method that fuses this pair: the one that `adapt` returns, or `method` itself if it does not adapt."""
    return expect_fitted(method.adapt(seen, rng), "adapt") if isinstance(method, AdaptingMethod) else method

"""PSRT: attention in windows of falling size, with tiles shuffled between them. Deng, Deng, Wu, Ran, Hong, Vivone, IEEE TGRS 2023.

psrt_network.py has the network, which is the authors'. There are two ways to use the method:

    with a checkpoint   the weights are those that the authors or HIFtool released (released_weights.py), or another file of that layout;
                        the pair must have the bands, channels and ratio of their training
    without one         the network learns on the plan's [training] scenes

Released weights take the channels in the order red, green, blue. So with a checkpoint the method is told the SRF, by whose centre
wavelengths the channels are sorted; it uses the SRF for nothing else.

An image may have any size. Where 8 does not divide a side, its last row or column is repeated; the authors' code stops there. The authors
test on patches of 256 x 256 pixels, this method on the whole image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod
from methods.numerics.networks.first_weights import draw_uniform_weights
from methods.numerics.networks.fitted_network import FittedNetwork
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod
from methods.numerics.sensors.channel_order import wavelength_order
from methods.supervised.psrt.psrt_network import PSRT
from methods.supervised.psrt.released_weights import TrainedWeights, load_psrt, released, sizes_of

_PARITY = "the authors' network with their weights (CAVE x4 and x8): the same cube to 1e-6 (parity/nets); 247,455 parameters"


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """PSRT with released weights, or with its published training."""

    card: ClassVar[Card] = Card(
        name="PSRT",
        paper="Deng, Deng, Wu, Ran, Hong, Vivone, PSRT: Pyramid Shuffle-and-Reshuffle Transformer for Multispectral and Hyperspectral "
        "Image Fusion, IEEE TGRS 2023",
        doi="10.1109/TGRS.2023.3244750",
        year=2023,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity=f"{_PARITY}. Training as in the authors' code: L1, AdamW 1e-4, decay 1e-4, batch 32, 2,000 epochs, gradient cut at "
        "norm 10; inferred: 122 steps per epoch (3,920 patches of 64)",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 4e-6, "batch": 1})
    published: ClassVar[PublishedTraining] = PublishedTraining(
        steps=244_000, batch=32, learning_rate=1e-4, patch=64, weight_decay=1e-4, optimiser="adamw", gradient_norm=10.0
    )

    checkpoint: Path | None = None  # released weights (run_benchmark.py fetch psrt-cave-x4); nothing is trained then
    checkpoint_ratio: int | None = None  # the ratio of its training; needed for a file that is not one of the released ones
    checkpoint_trained_on: str = ""  # what such a file was trained on, in the words of tables; without it, the row is not ranked
    checkpoint_scenes: tuple[str, ...] = ()  # names of those scenes, such as "cave/beads"; a test on one of them is refused

    def __post_init__(self) -> None:
        super().__post_init__()
        facts = (self.checkpoint_ratio, self.checkpoint_trained_on, self.checkpoint_scenes)
        if self.checkpoint is None and any(facts):
            raise ValueError("checkpoint_...: expected facts about a checkpoint beside `checkpoint`, got no checkpoint; give it, too")
        if self.checkpoint is not None and (self.budget != 1 or self.batch or self.learning_rate):
            raise ValueError("checkpoint: expected no budget, batch or learning_rate beside it, since nothing is trained; leave them out")
        if self.checkpoint_ratio is not None and self.checkpoint_ratio < 1:
            raise ValueError(f"checkpoint_ratio: expected a whole number >= 1, got {self.checkpoint_ratio}")

    def describe(self) -> Card:
        """The card; with a checkpoint, what is known of its training by its sha256 or by the parameters.

        Raises:
            CheckpointError: the checkpoint does not hold weights of PSRT.
            ValueError: parameters contradict what is known of a released file, or lack the ratio of another one.
        """
        if self.checkpoint is None:
            return super().describe()
        bands, channels = sizes_of(self.checkpoint)
        facts = self._facts(self.checkpoint)
        gains = "; the channels are multiplied by the sums of the response that the weights were trained with" if facts.gains else ""
        return replace(
            self.card,
            needs_srf=True,
            random=False,  # nothing is drawn: the weights are there
            trained_on=facts.trained_on,
            trained_scenes=facts.scenes,
            unranked=facts.doubt,
            min_bands=bands,
            max_bands=bands,
            min_channels=channels,
            max_channels=channels,
            fidelity=f"{_PARITY}. Inferred: the enlargement (bicubic, as in HIFtool's copy of the code; the authors' data hold enlarged "
            "HSIs). The SRF serves to sort the channels as red, green, blue, and nothing else. The whole image is fused; the authors test "
            "on patches of 256 x 256 (0.001 dB apart on one scene). Sides that 8 does not divide are padded by repetition; the authors' "
            f"code refuses them{gains}",
        )

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The network of the checkpoint, or the one after the last step of the training.

        Raises:
            CheckpointError: the checkpoint cannot be read, or does not hold weights of PSRT.
            ValueError: without a checkpoint, what `trained` raises.
        """
        if self.checkpoint is None:
            return self.trained(examples, rng)
        facts, size = self._facts(self.checkpoint), sizes_of(self.checkpoint)
        assert facts.ratio is not None  # _facts raises otherwise
        return WeightedPSRT(load_psrt(self.checkpoint, facts.ratio), self.describe(), (*size, facts.ratio), channel_gains=facts.gains)

    def build(self, bands: int, channels: int, ratio: int) -> PSRT:
        """The network of psrt_network.py."""
        return PSRT(bands, channels, ratio)

    def draw(self, network: nn.Module, rng: torch.Generator) -> None:
        """The first weights as the authors draw them: dense layers normal with 0.01, convolutions by torch's rule with biases of 0."""
        draw_uniform_weights(network, rng)
        for module in network.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01, generator=rng)
            elif isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The mean absolute error."""
        return F.l1_loss(network(hsi, msi), truth)

    def _facts(self, file: Path) -> TrainedWeights:
        """What is known of the checkpoint's training, its ratio included."""
        known = released(file)
        given = (self.checkpoint_ratio, self.checkpoint_trained_on, self.checkpoint_scenes)
        if known is not None:
            if any(given):
                raise ValueError(
                    f"checkpoint_...: expected no facts beside {file.name}, whose training is known ({known.trained_on}); leave them out"
                )
            return known
        if self.checkpoint_ratio is None:
            raise ValueError(f"checkpoint_ratio: expected the ratio of the training of {file.name}, which the file does not state; set it")
        if not self.checkpoint_trained_on:
            doubt = f"what {file.name} was trained on is not stated, and a test scene may be among it"
            return TrainedWeights(f"an unstated set ({file.name})", self.checkpoint_ratio, self.checkpoint_scenes, doubt)
        return TrainedWeights(self.checkpoint_trained_on, self.checkpoint_ratio, self.checkpoint_scenes)


@dataclass(frozen=True, eq=False)
class WeightedPSRT(FittedNetwork):
    """PSRT with weights that take the channels as red, green, blue."""

    channel_gains: tuple[float, ...] = ()  # by which the channels are multiplied, in that order; empty: by 1

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube for the whole image, from the channels sorted by the centre wavelengths of the SRF. It draws nothing from `rng`.

        Raises:
            RefusedError: the pair has other bands, channels or ratio than the training, or channels without an order.
        """
        self.check(seen)
        msi = seen.msi[wavelength_order(self.method_card.name, seen, "falling")]
        if self.channel_gains:
            msi = msi * msi.new_tensor(self.channel_gains)[:, None, None]
        return super().fuse(replace(seen, msi=msi), rng)

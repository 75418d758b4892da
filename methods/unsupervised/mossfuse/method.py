"""MossFuse: blind fusion that separates what the two images share from what each of them adds. arXiv 2412.04802.

Each image is encoded on the fine grid into shared and complementary features. A decoder merges the shared features, and adds spatial detail
from the MSI's complementary features and spectral detail from those of the HSI. The network learns from observations alone: the fused cube,
degraded by sensors that are estimated too, must agree with both images.

The files beside this one, from the bottom up: blocks, aggregation, blind_degradation, fine_grid, mossfuse_network; for learning losses,
backward, learning, scene_training, training_loop, closed_form_start, long_training, ablation; for files of weights checkpoint,
weights_file; for inference merging, strips, merged_blocks, merged_aggregation, inference, fitted.

There are three ways to use the method:
    with a checkpoint   the weights are the authors' (.pth) or ours (.safetensors, such as weights/cave_x8.safetensors beside this file);
                        the pair must have the bands, channels and ratio of their training
    without one         fresh weights learn on the one pair with a fixed budget. A full training takes hours, so the result is not ranked
    train               fresh weights learn beforehand on patches of many scenes: `run_benchmark.py train`

An image may have any size. Attention, GRN and the gates use the whole image, so a tile gives another result than the image that it is part
of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch

from methods.contract import Card, Desk, Example, FusionMethod, LongTrainedMethod, RefusedError
from methods.unsupervised.mossfuse.ablation import FittedAblation, KnownDegradation, Without
from methods.unsupervised.mossfuse.checkpoint import WeightFacts, load_network, read_facts
from methods.unsupervised.mossfuse.fitted import FittedMossFuse, Inference
from methods.unsupervised.mossfuse.long_training import LongBudget, PairLearner, Start
from methods.unsupervised.mossfuse.losses import LossWeights
from methods.unsupervised.mossfuse.scene_training import Budget, learn_on_pair, new_mossfuse
from methods.unsupervised.mossfuse.training_loop import Fall, run_training
from methods.unsupervised.mossfuse.weights_file import (
    SUFFIX,
    load_safetensors_network,
    read_metadata,
    read_safetensors_facts,
    save_weights,
    spell_training,
)

STEPS = 60  # by default: about ten seconds of one core for 128 x 128 pixels and 31 bands


def _card_of_steps(steps: int) -> Card:
    """The card of the method if it learns on the scene with this many steps."""
    return replace(
        FittedMossFuse.card,
        name=f"MossFuse ({steps} steps, under-trained)",
        supervision="self",
        learns="on the scene",
        unranked=f"under-trained: {steps} steps on the scene; full training needs hours",
        random=True,
        implementation="optimised, same output",  # merged weights, strips of rows, backward passes by hand: inference.py, learning.py
        fidelity="every output of the authors' network with their weights to 1e-5 (fixtures outside the "
        "clone); the training schedule is our own",
    )


@dataclass(frozen=True)
class Method(LongTrainedMethod):
    """MossFuse: with the weights of a checkpoint, with a short training on the scene, or with a long training on many scenes."""

    card: ClassVar[Card] = _card_of_steps(STEPS)
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"steps": 2, "crop": 16, "blind_steps": 20})

    checkpoint: Path | None = None  # the authors' .pth or our .safetensors; the parameters of learning below are then not used
    checkpoint_ratio: int | None = None  # the ratio of its training; needed for a .pth file other than the one that the authors released
    steps: int = STEPS  # of the whole network on the scene; beforehand, the number of patches decides
    learning_rate: float = 2e-3  # falls linearly to 0; the authors take 9e-5 for 245,000 steps
    crop: int = 32  # longest side of a training crop on the scene, fine pixels
    blind_steps: int = 1000  # of the sensors alone, before the steps of the whole network
    blind_learning_rate: float = 0.02  # falls linearly to 0
    degradation_weight: float = 1.0  # weight of the degradation in the loss (losses.py)
    aggregation_weight: float = 1.0  # likewise, of the aggregation
    self_supervised_weight: float = 1.0  # likewise, of the self-supervised terms
    subspace_weight: float = 0.1  # likewise, of the common subspace
    batch: int = 1  # patches per step, beforehand
    average: float = 0.999  # decay of the running average of the weights, beforehand; 0: the last iterate
    # first weights beforehand; "closed form": those of a regression on the training pairs (closed_form_start.py)
    start: Start = "random"
    fall: Fall = "linear"  # of the learning rate to 0, beforehand; or "cosine"
    # learning rate of first convolutions, merges and heads, relative to that of the branches between them, beforehand
    ends_rate: float = 1.0
    mixed_precision: bool = False  # train beforehand with matrices and convolutions in bfloat16
    inference: Literal["merged", "unmerged"] = "merged"  # how the cube is computed (fitted.py); the same cube to 1e-5
    compiled: bool = False  # by torch.compile; the same cube to 1e-5
    autocast: bool = False  # in bfloat16, which gives another result
    without: Without = "nothing"  # the part that is left out, on the scene; ablation.py says what replaces it
    sensors: Literal["estimated", "known"] = "estimated"  # "known": those that the protocol reveals, on the scene

    def __post_init__(self) -> None:
        for name, value, least in (
            ("steps", self.steps, 1),
            ("crop", self.crop, 1),
            ("blind_steps", self.blind_steps, 0),
            ("batch", self.batch, 1),
        ):
            if value < least:
                raise ValueError(f"{name}: expected a whole number >= {least}, got {value}")
        for name, rate in (
            ("learning_rate", self.learning_rate),
            ("blind_learning_rate", self.blind_learning_rate),
            ("ends_rate", self.ends_rate),
        ):
            if not rate > 0:
                raise ValueError(f"{name}: expected a number > 0, got {rate}")
        if self.checkpoint is not None and (self.without != "nothing" or self.sensors == "known"):
            raise ValueError("checkpoint: expected none with `without` or with known sensors, since its weights are for the whole network")
        if not 0 <= self.average < 1:
            raise ValueError(f"average: expected a number >= 0 and below 1, got {self.average}")
        if self.checkpoint_ratio is not None and self.checkpoint_ratio < 2:
            raise ValueError(f"checkpoint_ratio: expected a whole number >= 2, got {self.checkpoint_ratio}")
        self._inference()  # raises ValueError if the choices contradict each other

    def describe(self) -> Card:
        """The card. It gives the number of steps or the training set of the checkpoint, and any choice of inference other than the default.

        With a checkpoint, the unmerged network is the one that the publication describes. Learning on the scene is an optimised
        implementation in any case, since its backward passes are written by hand.

        Raises:
            CheckpointError: the checkpoint does not hold weights of MossFuse.
        """
        if self.checkpoint is None:
            known = self.sensors == "known"
            return self._inference().labelled(replace(_card_of_steps(self.steps), needs_psf=known, needs_srf=known))
        facts = self._facts(self.checkpoint)
        metadata = read_metadata(self.checkpoint) if self.checkpoint.suffix == SUFFIX else {}
        trained = spell_training(metadata) if metadata else ""
        card = replace(
            self.card,
            name="MossFuse, our weights" if trained else "MossFuse",
            learns="beforehand",
            trained_on=facts.trained_on,
            trained_scenes=facts.trained_scenes,
            unranked="",
            min_bands=facts.bands,
            max_bands=facts.bands,
            min_channels=facts.channels,
            max_channels=facts.channels,
            random=False,  # nothing is drawn: the weights are there
            implementation="as described" if self.inference == "unmerged" else "optimised, same output",
            fidelity="every output of the authors' network with their weights to 1e-5 (fixtures outside the clone)"
            + (f"; these weights are our own, {trained}" if trained else ""),
        )
        return self._inference().labelled(card)

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The network, from the checkpoint or learned on the one pair of `examples`.

        Raises:
            CheckpointError: the checkpoint cannot be read.
            RefusedError: the pair has ratio 1.
            ValueError: there is no checkpoint and not exactly one example, or the ratio of the checkpoint is not known.
        """
        card = self.describe()
        if self.checkpoint is not None:
            ratio = self._checkpoint_ratio(self.checkpoint, self._facts(self.checkpoint))
            ours = self.checkpoint.suffix == SUFFIX
            network = load_safetensors_network(self.checkpoint) if ours else load_network(self.checkpoint, ratio)
            return FittedMossFuse(network, card, self._inference())
        if len(examples) != 1:
            raise ValueError(f"MossFuse without a checkpoint: expected the one pair to learn on, got {len(examples)} examples")
        seen = examples[0].seen
        if seen.ratio < 2:
            raise RefusedError(f"MossFuse takes ratios of 2 and more, got {seen.ratio}: at ratio 1 there is nothing to fuse")
        network = new_mossfuse(seen.hsi.shape[0], seen.msi.shape[0], seen.ratio, rng, like=seen.hsi, without=self.without)
        if self.sensors == "known":
            network.blind = KnownDegradation(seen)
        budget = Budget(self.steps, self.learning_rate, self.crop, self.blind_steps, self.blind_learning_rate)
        with torch.enable_grad():
            learn_on_pair(network, seen.msi, seen.hsi, budget, self._loss_weights(), rng)
        if self.without != "nothing" or self.sensors == "known":
            return FittedAblation(network, card)
        return FittedMossFuse(network, card, self._inference())

    def train(self, examples: Sequence[Example], validation: Sequence[Example], rng: torch.Generator, desk: Desk) -> FusionMethod:
        """The network after one pass over the examples, `batch` at a time. It starts from the desk's checkpoint, if there is one.

        Raises:
            ResumeError: the desk's checkpoint cannot be read, or belongs to another training.
            RefusedError: the pairs have ratio 1.
            ValueError: there are fewer examples than a batch, weights are given, or the method is an ablation.
        """
        if self.without != "nothing" or self.sensors == "known":
            raise ValueError("train: expected the whole network with estimated sensors; ablations learn on the scene")
        if self.checkpoint is not None or len(examples) < self.batch:
            raise ValueError(f"train: expected no checkpoint and at least {self.batch} examples, got {self.checkpoint}, {len(examples)}")
        seen = examples[0].seen
        if seen.ratio < 2:
            raise RefusedError(f"MossFuse takes ratios of 2 and more, got {seen.ratio}: at ratio 1 there is nothing to fuse")
        network = new_mossfuse(seen.hsi.shape[0], seen.msi.shape[0], seen.ratio, rng, like=seen.hsi.to(desk.device))
        steps = len(examples) // self.batch
        sensors = self.blind_steps, self.blind_learning_rate
        budget = LongBudget(
            steps, self.learning_rate, self.batch, *sensors, self.average, self.start, self.fall, self.ends_rate, self.mixed_precision
        )
        course = f"{network.bands} bands, {network.channels} channels, ratio {network.ratio}, {network.quirks}"
        learner = PairLearner(network, examples, validation, budget, self._loss_weights(), course)
        with torch.enable_grad():
            run_training(learner, learner.steps, rng, desk)
        return FittedMossFuse(learner.averaged().cpu(), self.describe(), self._inference())

    def save(self, fitted: FusionMethod, file: Path, facts: Mapping[str, str]) -> None:
        """Writes the weights and the facts about them into a safetensors file, which can be given as `checkpoint`.

        Raises:
            TypeError: `fitted` is not a fitted MossFuse.
        """
        if not isinstance(fitted, FittedMossFuse):
            raise TypeError(f"save: expected a fitted MossFuse, got {type(fitted).__name__}")
        save_weights(fitted.network, file, facts)

    def _inference(self) -> Inference:
        return Inference(self.inference, self.compiled, self.autocast)

    def _loss_weights(self) -> LossWeights:
        subspace = 0.0 if self.without == "split" else self.subspace_weight
        return LossWeights(self.degradation_weight, self.aggregation_weight, self.self_supervised_weight, subspace)

    @staticmethod
    def _facts(file: Path) -> WeightFacts:
        return read_safetensors_facts(file) if file.suffix == SUFFIX else read_facts(file)

    def _checkpoint_ratio(self, file: Path, facts: WeightFacts) -> int:
        """The ratio of the checkpoint's training, from the file or from the parameter."""
        if facts.ratio is None:
            if self.checkpoint_ratio is None:
                raise ValueError(
                    f"checkpoint_ratio: expected the ratio of the training of {file.name}, which the file does not state; set it"
                )
            return self.checkpoint_ratio
        if self.checkpoint_ratio not in (None, facts.ratio):
            raise ValueError(f"checkpoint_ratio: expected {facts.ratio}, for which {file.name} was trained, got {self.checkpoint_ratio}")
        return facts.ratio

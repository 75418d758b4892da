"""MossFuse with its weights, ready to fuse: the ways to compute the cube, and what the card says about them.

    merged       merged weights, strips of rows (inference.py): the same cube to 1e-5, in a fraction of the time and the memory. The default
    unmerged     the network in the form in which it was trained, without the parts that the cube does not need
    compiled     merged, with the strips of attention compiled by `torch.compile`: the same cube to 1e-5; the first fusion is slow
    autocast     merged, with matrices and convolutions in bfloat16: another result, whose difference has not been scored

The card's name gives every choice other than the plain merged network. The card's `implementation` says which computation the seconds
belong to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod, ParameterCount, RefusedError
from methods.unsupervised.mossfuse.blind_degradation import BlindDegradation
from methods.unsupervised.mossfuse.inference import MergedNetwork
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, build_network


@dataclass(frozen=True)
class Inference:
    """How the cube is computed: one of the choices of the module docstring."""

    network: Literal["merged", "unmerged"] = "merged"
    compiled: bool = False
    autocast: bool = False

    def __post_init__(self) -> None:
        if self.network not in ("merged", "unmerged"):
            raise ValueError(f"inference: expected 'merged' or 'unmerged', got {self.network!r}")
        if self.network == "unmerged" and (self.compiled or self.autocast):
            raise ValueError(
                "inference: expected 'merged' with compiled or autocast, got 'unmerged'; both are variants of the merged network"
            )

    def labelled(self, card: Card) -> Card:
        """The card with the choice in its name. With bfloat16 it also says that the result is another one."""
        labels = [*(["unmerged"] if self.network == "unmerged" else []), *(["compiled"] if self.compiled else [])]
        labels += ["bf16"] if self.autocast else []
        if not labels:
            return card
        card = replace(card, name=f"{card.name}, {', '.join(labels)}")
        if not self.autocast:
            return card
        away = "; bf16 gives another result, not scored against it"
        return replace(card, implementation="optimised, another output", fidelity=card.fidelity + away)


@dataclass(frozen=True, eq=False)
class FittedMossFuse(FusionMethod):
    """A trained network."""

    card: ClassVar[Card] = Card(
        name="MossFuse",
        paper="Du, Zou, Wang, Li, Li, Shang, Shen, Unsupervised Hyperspectral and Multispectral Image Fusion via Self-Supervised Modality "
        "Decoupling, arXiv 2412.04802, 2024",
        doi="10.48550/arXiv.2412.04802",
        year=2024,
        fidelity="its method's card says it",
    )

    network: MossFuseNetwork
    method_card: Card
    inference: Inference = Inference()
    _placed: dict[tuple[torch.device, torch.dtype], tuple[MossFuseNetwork | MergedNetwork, BlindDegradation]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __getstate__(self) -> dict[str, Any]:
        """The fields without the copies, which are on devices of this process: after loading, they might be on other devices."""
        return {**self.__dict__, "_placed": {}}

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube of the whole image, and the estimated sensors. It draws nothing from `rng`.

        Raises:
            RefusedError: the pair has other bands, channels or ratio than the network.
        """
        trained = self.network
        expected = (trained.bands, trained.channels, trained.ratio)
        got = (seen.hsi.shape[0], seen.msi.shape[0], seen.ratio)
        if got != expected:
            raise RefusedError(
                f"MossFuse: expected the {expected[0]} bands, {expected[1]} channels and ratio {expected[2]} of its training, "
                f"got {got[0]} bands, {got[1]} channels and ratio {got[2]}; leave the checkpoint out to learn on the scene"
            )
        network, blind = self._on(seen)
        with torch.inference_mode():
            cube = network.fused(seen.msi[None], seen.hsi[None])[0]
        return Estimate(
            cube.clone(memory_format=torch.contiguous_format),  # cloned outside inference mode: an ordinary tensor
            psf=blind.spatial_response(),
            srf=blind.spectral_response(),
        )

    def parameter_count(self) -> ParameterCount:
        """The count of all weights, and of those of encoders, fused decoder and sensors, before any are merged."""
        used = (self.network.msi_encoder, self.network.hsi_encoder, self.network.fused_decoder, self.network.blind)
        return ParameterCount(
            total=sum(weights.numel() for weights in self.network.parameters()),
            inference=sum(weights.numel() for part in used for weights in part.parameters()),
        )

    def _on(self, seen: Observation) -> tuple[MossFuseNetwork | MergedNetwork, BlindDegradation]:
        """The network that computes the cube, and the sensors, on the device and in the dtype of `seen`. Copies are made once."""
        place = (seen.hsi.device, seen.hsi.dtype)
        if place not in self._placed:
            there = _copy(self.network).to(seen.hsi)
            how = self.inference
            merged = how.network == "merged"
            network = MergedNetwork(there, compiled=how.compiled, low_precision=how.autocast) if merged else there
            self._placed[place] = network, there.blind
        return self._placed[place]


def _copy(network: MossFuseNetwork) -> MossFuseNetwork:
    """An independent network with the same weights, in eval mode."""
    other = build_network(network.bands, network.channels, network.ratio, network.width, network.depth, network.quirks)
    other.load_state_dict(network.state_dict())
    return other.eval()

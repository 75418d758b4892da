"""UAL: a supervised fusion network, then an adaptor that learns on the scene. Zhang, Nie, Wei, Zhang, Liao, Shao, CVPR 2020.

Beforehand, with truth. The inputs of three branches are the MSI, both images, and the bilinear HSI u: f_i = conv(relu(conv(.))) (64, 128).
Two stages follow, with i the branch and 0_i three planes, of which the one of the branch is 0 and the others are 1:

    f_i = relu(conv), three times           h_i = info([f_1, f_2, f_3, 0_i])          G_i = sigmoid(conv_i([f_1, f_2, f_3, 0_i]))
    f_i = G_i f_i + (1 - G_i) (f_i M_i(h_i) + B_i(h_i))

info is three convolutions with relu between them. It has the same weights for all branches and both stages; conv_i, M_i and B_i have the
same weights for both stages. The first f_i are added to the last ones, and three convolutions (256, 128, bands) give the cube z. The loss
is L1 against the truth.

On the scene, from the pair alone. The adaptor is x = z + M g + (1 - M) Z, with g = conv(relu(conv(relu(conv(z))))), M = sigmoid(conv(relu
g)) and Z = conv(relu g). The blur K has 4 ratio x 4 ratio taps; it begins as a Gaussian of 3/8 ratio pixels at the pair's registration. In
1,500 steps of Adam both learn to minimise

    L1(K x, hsi) + L1(srf x, msi)

K is neither normalised nor kept above 0. The referee times this learning by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount
from methods.numerics.networks.first_weights import draw_uniform_weights, new_network
from methods.numerics.networks.fitted_network import FittedNetwork
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

WIDTH, STAGES, BRANCHES = 128, 2, 3
ADAPTOR_STEPS = 1500


def decaying_rate(step: int, steps: int) -> float:
    """The factor of the learning rate: multiplied by 0.7 after each fifteenth of the training, that is every 10 of 150 epochs."""
    return float(0.7 ** (15 * step // steps))


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """UAL. `budget` scales the training beforehand; `adaptor_steps` is the number of steps on the scene."""

    card: ClassVar[Card] = Card(
        name="UAL",
        paper="Zhang, Nie, Wei, Zhang, Liao, Shao, Unsupervised Adaptation Learning for Hyperspectral Imagery Super-Resolution, CVPR 2020, "
        "open access at thecvf.com",
        doi="",
        year=2020,
        needs_srf=True,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="adaptor: the authors' with their random weights, to 1e-6 (fixtures outside the clone), 43,400 parameters at 31 bands. "
        "Fusion network: the authors' (JiangtaoNie/UAL at 1569636c) with random weights, to 1e-5, compared once and not among the tests; "
        "7,097,695 parameters. Trained as there, 150 epochs of 256 steps of 6 patches of 128, but under the protocol's PSF, where the "
        "authors draw one of five; values are 0 to 1, where they divide by the range of the scene",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 3e-5, "batch": 1, "adaptor_steps": 2})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=38_400, batch=6, learning_rate=1e-4, patch=128, rate=decaying_rate)

    adaptor_steps: int = ADAPTOR_STEPS  # on the scene; with 0 the fusion network is used without an adaptor

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adaptor_steps < 0:
            raise ValueError(f"adaptor_steps: expected a whole number >= 0, got {self.adaptor_steps}")

    def build(self, bands: int, channels: int, ratio: int) -> UALFusion:
        """The fusion network."""
        return UALFusion(bands, channels, ratio)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The mean absolute error."""
        return F.l1_loss(network(hsi, msi), truth)

    def describe(self) -> Card:
        """The card; it says "adaptor reduced" if the adaptor makes fewer steps than published."""
        card = super().describe()
        if self.adaptor_steps >= ADAPTOR_STEPS:
            return card
        mark = f"adaptor reduced: {self.adaptor_steps} of {ADAPTOR_STEPS} steps"
        return replace(card, name=f"{card.name} ({mark})", unranked=f"{card.unranked}; {mark}" if card.unranked else mark)

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FittedUAL:
        """The trained fusion network. The adaptor is learned later, on each scene."""
        return FittedUAL(self.trained(examples, rng), self.adaptor_steps)


@dataclass(frozen=True, eq=False)
class FittedUAL(AdaptingMethod):
    """The trained fusion network, and the number of steps of its adaptor."""

    card: ClassVar[Card] = FittedNetwork.card

    trained: FittedNetwork
    adaptor_steps: int

    def describe(self) -> Card:
        """The card of the method that was trained."""
        return self.trained.describe()

    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        """The network with an adaptor that has learned on the pair; with 0 steps, the network alone. `rng` gives the first weights."""
        if not self.adaptor_steps:
            return self.trained
        return AdaptedUAL(self.trained, learn_adaptor(self.trained.fuse(seen, rng).cube, seen, self.adaptor_steps, rng))

    def parameter_count(self) -> ParameterCount:
        """The count of fusion network and adaptor. The blur does not count, since the fusion does not use it."""
        return _with_adaptor(self.trained) if self.adaptor_steps else self.trained.parameter_count()


@dataclass(frozen=True, eq=False)
class AdaptedUAL(FusionMethod):
    """The fusion network and the adaptor of one scene."""

    card: ClassVar[Card] = FittedNetwork.card

    trained: FittedNetwork
    adaptor: Adaptor

    def describe(self) -> Card:
        """The card of the method that was trained."""
        return self.trained.describe()

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of the trained network, changed by the adaptor. It draws nothing from `rng`."""
        with torch.no_grad():
            cube: Tensor = self.adaptor(self.trained.fuse(seen, rng).cube[None])[0]
        return Estimate(cube.clone(memory_format=torch.contiguous_format))

    def parameter_count(self) -> ParameterCount:
        """The count of fusion network and adaptor."""
        return _with_adaptor(self.trained)


def learn_adaptor(fused: Float[Tensor, "bands H W"], seen: Observation, steps: int, rng: torch.Generator) -> Adaptor:
    """The adaptor after `steps` steps on the pair, for the cube `fused` of the fusion network."""
    adaptor = new_network(lambda: Adaptor(len(fused)), lambda network: draw_uniform_weights(network, rng), like=fused)
    kernel, before, after = first_blur(seen)
    kernel = kernel.to(fused).requires_grad_()
    optimiser = torch.optim.Adam(
        [
            {"params": list(adaptor.parameters()), "lr": 9e-5, "weight_decay": 1e-3},
            {"params": [kernel], "lr": 1e-4, "weight_decay": 1e-5},
        ]
    )
    start = fused.detach()[None]
    with torch.enable_grad():
        for _ in range(steps):
            cube = adaptor(start)
            framed = F.pad(cube.transpose(0, 1), (before[1], after[1], before[0], after[0]), mode="replicate")
            coarse = F.conv2d(framed, kernel[None, None], stride=seen.ratio)[:, 0]
            loss = F.l1_loss(coarse, seen.hsi) + F.l1_loss(seen.srf(cube[0]), seen.msi)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types here
            optimiser.step()
    return adaptor


def first_blur(seen: Observation) -> tuple[Float[Tensor, "taps taps"], tuple[int, int], tuple[int, int]]:
    """The Gaussian as which the blur begins, and the (rows, columns) of padding before the image and after it."""
    ratio, taps = seen.ratio, 4 * seen.ratio
    sides, before = [], []
    for phase in seen.phase:
        first = floor(phase) - taps // 2 + 1  # fine pixel under tap 0, for coarse pixel 0
        places = torch.arange(taps, dtype=torch.float64) + first - phase
        side = torch.exp(-0.5 * (places / (3 / 8 * ratio)) ** 2)
        sides.append(side / side.sum())
        before.append(-first)
    frame = taps - ratio
    return torch.outer(*sides), (before[0], before[1]), (frame - before[0], frame - before[1])


class UALFusion(nn.Module):
    """The fusion network of the module docstring."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        inputs = (channels, bands + channels, bands)
        self.starts = nn.ModuleList(nn.Sequential(_conv(width, 64), nn.ReLU(), _conv(64, WIDTH)) for width in inputs)
        self.trunks = nn.ModuleList(_relus(WIDTH, 3) for _ in range(STAGES * BRANCHES))  # stage by stage
        merged = BRANCHES * WIDTH + BRANCHES
        self.info = nn.Sequential(_conv(merged, WIDTH), nn.ReLU(), _conv(WIDTH, WIDTH), nn.ReLU(), _conv(WIDTH, WIDTH))
        self.gates = nn.ModuleList(_conv(merged, WIDTH) for _ in range(BRANCHES))
        self.factors, self.offsets = (nn.ModuleList(_conv(WIDTH, WIDTH) for _ in range(BRANCHES)) for _ in range(2))
        self.leave = nn.Sequential(_conv(BRANCHES * WIDTH, 256), nn.ReLU(), _conv(256, 128), nn.ReLU(), _conv(128, bands))

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        coarse = enlarge(hsi, self.ratio)
        images = (msi, torch.cat([coarse, msi], dim=1), coarse)
        begun = [start(image) for start, image in zip(self.starts, images, strict=True)]
        features = begun
        for stage in range(STAGES):
            trunks = self.trunks[stage * BRANCHES : (stage + 1) * BRANCHES]
            features = self._stage([trunk(each) for trunk, each in zip(trunks, features, strict=True)])
        cube: Tensor = self.leave(torch.cat([each + first for each, first in zip(features, begun, strict=True)], dim=1))
        return cube

    def _stage(self, features: list[Tensor]) -> list[Tensor]:
        """The features of each branch after a stage, gated by the features of all branches."""
        planes = 1 - torch.eye(BRANCHES).to(features[0])
        out = []
        for branch, each in enumerate(features):
            marked = planes[branch].view(1, -1, 1, 1).expand(len(each), -1, *each.shape[-2:])
            merged = torch.cat([*features, marked], dim=1)
            known, gate = self.info(merged), torch.sigmoid(self.gates[branch](merged))
            out.append(gate * each + (1 - gate) * (each * self.factors[branch](known) + self.offsets[branch](known)))
        return out


class Adaptor(nn.Module):
    """The adaptor of the module docstring."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.first, self.second, self.third, self.mask, self.other = (_conv(bands, bands) for _ in range(5))

    def forward(self, cube: Float[Tensor, "batch bands H W"]) -> Float[Tensor, "batch bands H W"]:
        """The adapted cube."""
        change = self.third(F.relu(self.second(F.relu(self.first(cube)))))
        live = F.relu(change)
        mask = torch.sigmoid(self.mask(live))
        adapted: Tensor = mask * change + (1 - mask) * self.other(live) + cube
        return adapted


def _conv(incoming: int, outgoing: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, 3, padding=1)


def _relus(width: int, times: int) -> nn.Sequential:
    return nn.Sequential(*(layer for _ in range(times) for layer in (_conv(width, width), nn.ReLU())))


def _with_adaptor(trained: FittedNetwork) -> ParameterCount:
    count, bands = trained.parameter_count(), trained.size[0]
    adaptor = 5 * (9 * bands * bands + bands)
    return ParameterCount(count.total + adaptor, count.inference + adaptor)

"""MHF-net: an iterative algorithm with a low-rank model, unfolded into twenty stages. Xie, Zhou, Zhao, Meng, Zuo, Xu, CVPR 2019.

The cube is a linear map of the MSI Y plus a rest of few components, X = Y A + H B. C, a blur with decimation, maps X to the HSI Z. From H =
0, each stage is one step of a proximal gradient method, and all its parts are learned:

    E = C X - Z        G = U E        H = prox(H - G B')         X = Y A + H B

C is a chain of depthwise strided convolutions (6x6 for a factor 4, 3x3 for 2), the same in all stages. Each stage has its own U: depthwise
transposed convolutions that begin as bilinear interpolation, each followed by e = e + conv([e, Y / 10]) at its scale. prox(x) is x plus the
output of three times (3x3 convolution, batch norm, relu). Four more such blocks on the bands of the last X give the cube. Batch norm uses
the statistics of its input, in fusing too.

    loss = MSE(cube) + 0.1 sum over stages MSE(X) + 0.1 MSE(Y A) + 0.01 sum over stages mean E^2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.first_weights import draw_uniform_weights
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

STAGES, RANK, LAST = 20, 12, 4


def late_rate(step: int, steps: int) -> float:
    """The factor of the learning rate: 1, and 0.1 in the last fifth of the training."""
    return 1.0 if 5 * step < 4 * steps else 0.1


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """MHF-net for one pair of sensors (the paper's consistent variant)."""

    card: ClassVar[Card] = Card(
        name="MHF-net",
        paper="Xie, Zhou, Zhao, Meng, Zuo, Xu, Multispectral and Hyperspectral Image Fusion by MS/HS Fusion Net, CVPR 2019, "
        "arXiv 1901.03281",
        doi="10.48550/arXiv.1901.03281",
        year=2019,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="rebuilt from a description of the paper and its code; parity is not possible: that code needs TensorFlow 1, and neither "
        "weights nor outputs of it are at hand. Details of U and of the last layers are our reading, so the number of parameters is ours "
        "(415,333 at 31 bands, 3 channels, ratio 4). The 129,400 K that MossFuse's comparison gives cannot be this network: it would take "
        "3x3 convolutions of 490 channels in all 60 places of the stages, which have 12",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-5, "batch": 1})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=62_000, batch=10, learning_rate=1e-4, patch=96, rate=late_rate)

    def build(self, bands: int, channels: int, ratio: int) -> MHFNet:
        """The network of the module docstring."""
        return MHFNet(bands, channels, ratio)

    def draw(self, network: nn.Module, rng: torch.Generator) -> None:
        """Sets the first weights by torch's own rule, except that C begins as means and U as bilinear interpolation."""
        assert isinstance(network, MHFNet)
        draw_uniform_weights(network, rng)
        network.basis.uniform_(-(RANK**-0.5), RANK**-0.5, generator=rng)
        for shrink in network.shrinks:
            assert isinstance(shrink, nn.Conv2d)
            shrink.weight.fill_(1 / shrink.weight[0].numel())
        for stage in network.stages:
            assert isinstance(stage, Stage)
            for grow, factor in zip(stage.grows, reversed(network.factors), strict=True):
                assert isinstance(grow, nn.ConvTranspose2d)
                size = grow.weight.shape[-1]
                side = 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
                grow.weight.copy_(torch.outer(side, side).expand_as(grow.weight))

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The loss of the module docstring."""
        assert isinstance(network, MHFNet)
        cube, cubes, span, residuals = network.course(hsi, msi)
        terms = [F.mse_loss(cube, truth), 0.1 * F.mse_loss(span, truth)]
        terms += [0.1 * F.mse_loss(each, truth) for each in cubes]
        terms += [0.01 * each.square().mean() for each in residuals]
        return torch.stack(terms).sum()


class MHFNet(nn.Module):
    """The network of the module docstring: twenty stages and four residual blocks."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.factors = ratio_factors(ratio)
        self.span = nn.Conv2d(channels, bands, 1, bias=False)  # A
        self.basis = nn.Parameter(torch.empty(RANK, bands))  # B
        self.shrinks = nn.ModuleList(
            nn.Conv2d(bands, bands, {4: 6, 2: 3}.get(factor, factor), stride=factor, groups=bands, bias=False) for factor in self.factors
        )
        self.stages = nn.ModuleList(Stage(bands, channels, self.factors) for _ in range(STAGES))
        self.last = nn.Sequential(*(Residual(bands) for _ in range(LAST)))

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        return self.course(hsi, msi)[0]

    def course(self, hsi: Tensor, msi: Tensor) -> tuple[Tensor, list[Tensor], Tensor, list[Tensor]]:
        """The cube, the X of every stage, Y A, and the E of every stage."""
        span = self.span(msi)
        scales = [msi]  # from fine to coarse, without the coarsest
        for factor in self.factors[:-1]:
            scales.append(F.avg_pool2d(scales[-1], factor))
        rest = msi.new_zeros(len(msi), RANK, *msi.shape[-2:])
        cube, cubes, residuals = span, list[Tensor](), list[Tensor]()
        for stage in self.stages:
            assert isinstance(stage, Stage)
            residuals.append(self._shrunk(cube) - hsi)
            slope = torch.einsum("nbhw,rb->nrhw", stage.grown(residuals[-1], scales), self.basis)
            rest = stage.prox(rest - slope)
            cube = span + torch.einsum("nrhw,rb->nbhw", rest, self.basis)
            cubes.append(cube)
        return self.last(cube), cubes, span, residuals

    def _shrunk(self, cube: Tensor) -> Tensor:
        """C X for the cube X."""
        for shrink, factor in zip(self.shrinks, self.factors, strict=True):
            assert isinstance(shrink, nn.Conv2d)
            frame = shrink.weight.shape[-1] - factor
            cube = shrink(F.pad(cube, (frame // 2, frame - frame // 2, frame // 2, frame - frame // 2), mode="replicate"))
        return cube


class Stage(nn.Module):
    """The parts that belong to one stage: U and prox."""

    def __init__(self, bands: int, channels: int, steps: list[int]) -> None:
        super().__init__()
        self.grows = nn.ModuleList(
            nn.ConvTranspose2d(bands, bands, 2 * step - step % 2, stride=step, padding=step // 2, groups=bands, bias=False)
            for step in reversed(steps)
        )
        self.adjusts = nn.ModuleList(nn.Conv2d(bands + channels, bands, 3, padding=1) for _ in steps)
        self.prox = Residual(RANK)

    def grown(self, residual: Tensor, scales: list[Tensor]) -> Tensor:
        """U E for the residual E: on the fine grid, adjusted by the MSI at each scale."""
        for grow, adjust, scale in zip(self.grows, self.adjusts, reversed(scales), strict=True):
            residual = grow(residual)
            residual = residual + adjust(torch.cat([residual, scale / 10], dim=1))
        return residual


class Residual(nn.Module):
    """x plus the output of three times convolution, batch norm, relu."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, track_running_stats=False)) for _ in range(3)]
        self.change = nn.Sequential(*(layer for pair in layers for layer in (*pair, nn.ReLU())))

    def forward(self, values: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed values."""
        changed: Tensor = values + self.change(values)
        return changed


def ratio_factors(ratio: int) -> list[int]:
    """The factors of the ratio: fours, then twos, then odd primes. For 32 they are 4, 4, 2; for 1 the list is 1."""
    steps = []
    for factor in (4, 2, *range(3, ratio + 1, 2)):
        while ratio % factor == 0:
            steps.append(factor)
            ratio //= factor
    return steps or [1]

"""Time of one fusion and of one training step of the networks that learn beforehand, beside plain transcriptions where ours differ.

    make performance

One patch of 32 x 32 x 31, ratio 4, 3 channels, first weights. "Forward" is the network without gradients; "step" is loss, gradients and
torch's Adam. "Plain" is what the descriptions say word for word: in Fusformer the matrix of all pixels by all pixels, in MST++ dense maps
as 1x1 convolutions, in ConSSFCNN "as released" also the two layers whose output nobody uses. Plain and ours give the same cube: checked
before the clock starts. The other networks are plain transcriptions themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.authors.sample_pairs import random_example
from methods.catalog import find_one
from methods.numerics.networks.first_weights import new_network
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.supervised_fitting import SupervisedMethod
from methods.supervised import conssfcnn, fusformer, mstpp

BANDS, CHANNELS, RATIO, COARSE = 31, 3, 4, (8, 8)
NAMES = ("ssrnet", "tfnet", "restfnet", "ssfcnn", "conssfcnn", "msdcnn", "mstpp", "psrt", "fusformer", "mhfnet", "ual")


class PlainFusformerAttention(fusformer.Attention):
    """The matrix written down."""

    def forward(self, tokens: Tensor) -> Tensor:
        parts = self.to_all(self.norm(tokens)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (fusformer.HEADS, -1)).transpose(1, 2) for part in parts)
        weights = torch.softmax(query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5, dim=-1)
        mixed: Tensor = self.project((weights @ value).transpose(1, 2).flatten(2))
        return mixed


class PlainSpectralBlock(mstpp.SpectralBlock):
    """Dense maps as 1x1 convolutions."""

    def forward(self, image: Tensor) -> Tensor:
        query, key, value = (F.conv2d(image, each.weight[:, :, None, None]) for each in (self.to_query, self.to_key, self.to_value))
        q, k, v = (each.flatten(2).unflatten(1, (self.heads, -1)) for each in (query, key, value))
        cosines = F.normalize(k, dim=-1) @ F.normalize(q, dim=-1).transpose(-2, -1)
        mixed = (torch.softmax(cosines * self.sharpness, dim=-1) @ v).flatten(1, 2).unflatten(2, image.shape[-2:])
        image = image + F.conv2d(mixed, self.project.weight[:, :, None, None], self.project.bias) + self.position(value)
        changed: Tensor = image + self.forward_net(self.norm(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return changed


class PlainConSSFCNN(conssfcnn.ConSSFCNN):
    """All three layers, though the last one sees the first images again."""

    def forward(self, hsi: Tensor, msi: Tensor) -> Tensor:
        images = torch.cat([msi, enlarge(hsi, self.ratio)], dim=1)
        found = [F.relu(layer(images)) for layer in (self.first, self.second, self.third)]
        return found[-1]


PLAIN: dict[str, dict[type[nn.Module], type[nn.Module]]] = {
    "fusformer": {fusformer.Attention: PlainFusformerAttention},
    "mstpp": {mstpp.SpectralBlock: PlainSpectralBlock},
    "conssfcnn": {conssfcnn.ConSSFCNN: PlainConSSFCNN},
}
CASES = [(name, "ours") for name in NAMES] + [(name, "plain") for name in PLAIN]


def made(name: str) -> tuple[SupervisedMethod, nn.Module]:
    kind = find_one(name).load()
    assert issubclass(kind, SupervisedMethod)
    method = conssfcnn.Method(wiring="as released") if name == "conssfcnn" else kind()
    rng = torch.Generator().manual_seed(0)
    return method, new_network(lambda: method.build(BANDS, CHANNELS, RATIO), lambda network: method.draw(network, rng), like=torch.zeros(1))


def prepared(name: str, how: str) -> tuple[SupervisedMethod, nn.Module, tuple[Tensor, Tensor, Tensor]]:
    """Method, network and a batch of one; a plain network is checked against ours."""
    method, network = made(name)
    example = random_example(BANDS, CHANNELS, coarse=COARSE, ratio=RATIO)
    assert example.truth is not None
    batch = (example.seen.hsi[None], example.seen.msi[None], example.truth[None])
    if how == "plain":
        _, plain = made(name)
        for module in plain.modules():
            module.__class__ = PLAIN[name].get(type(module), type(module))
        with torch.no_grad():
            assert torch.allclose(plain(*batch[:2]), network(*batch[:2]), atol=1e-4)
        network = plain
    return method, network, batch


@pytest.mark.benchmark(max_time=1, min_rounds=3)
@pytest.mark.parametrize(("name", "how"), CASES)
def test_forward(benchmark: Callable[..., Tensor], name: str, how: str) -> None:
    benchmark.group = f"forward of {name}"  # type: ignore[attr-defined]
    _, network, (hsi, msi, _truth) = prepared(name, how)
    network.eval()
    with torch.inference_mode():
        assert bool(torch.isfinite(benchmark(network, hsi, msi)).all())


@pytest.mark.benchmark(max_time=1, min_rounds=3)
@pytest.mark.parametrize(("name", "how"), CASES)
def test_training_step(benchmark: Callable[..., object], name: str, how: str) -> None:
    benchmark.group = f"training step of {name}"  # type: ignore[attr-defined]
    method, network, batch = prepared(name, how)
    optimiser = torch.optim.Adam(network.train().parameters(), lr=1e-6)

    def step() -> None:
        loss = method.loss(network, *batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    benchmark(step)

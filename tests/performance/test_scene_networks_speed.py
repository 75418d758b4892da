"""Time of one learning step of the networks learned on a scene, beside a plain transcription of the same step.

    make performance

128 x 128 x 31, ratio 8. "Plain" is what the published descriptions say word for word: 1x1 convolutions, concatenations, one network after
the other, a blur of every fine pixel of which one in ratio^2 is kept, torch's Adam. "Ours" takes the same step through the method's own
loss and `minimise`. A benchmark's round is STEPS steps, set-up not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.numerics.networks import spectral_streams
from methods.numerics.networks.fitting import minimise
from methods.numerics.sensors.constrained_responses import constrained_responses
from methods.unsupervised import miae
from methods.unsupervised.daem import block_loss, daem_network

STEPS, RATIO, BANDS, CHANNELS, SIDE = 10, 8, 31, 3, 128
Round = Callable[[], object]


def rough_scene() -> Observation:
    """A random pair through a Gaussian of 15 x 15 taps."""
    rng = torch.Generator().manual_seed(0)
    cube = torch.einsum("be,ehw->bhw", torch.rand(BANDS, 5, generator=rng) / 5, torch.rand(5, SIDE, SIDE, generator=rng))
    line = torch.exp(-((torch.arange(2 * RATIO - 1) - RATIO + 1.0) ** 2) / 18)
    kernel, weights = torch.outer(line, line), torch.rand(CHANNELS, BANDS, generator=rng)
    psf = SpatialResponse(kernel / kernel.sum(), RATIO, RATIO // 2, boundary="replicate")
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, BANDS), RATIO, psf.centre, Known(psf, srf))


def full_blur(image: Tensor, kernel: Tensor) -> Tensor:
    """Every fine pixel blurred, then one in ratio^2 kept; (batch, bands, H, W)."""
    batch, bands, rows, cols = image.shape
    side = kernel.shape[-1]
    blurred = F.conv2d(image.reshape(batch * bands, 1, rows, cols), kernel[None, None], padding=side // 2)
    return blurred.reshape(batch, bands, *blurred.shape[2:])[:, :, ::RATIO, ::RATIO][:, :, : rows // RATIO, : cols // RATIO]


def plain_steps(parameters: Sequence[Tensor], loss: Callable[[], Tensor], rate: float) -> Round:
    """STEPS of torch's Adam."""
    optimiser = torch.optim.Adam(list(parameters), lr=rate)

    def run() -> None:
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss().backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return run


def our_steps(start: Sequence[Tensor], loss: Callable[[Sequence[Tensor]], Tensor], rate: float) -> Round:
    """STEPS of `minimise`."""
    return lambda: minimise(loss, start, [rate] * STEPS)


def blind_ours() -> Round:
    """The estimator of responses, its windows gathered once; the gathering is part of the round."""
    seen = rough_scene()
    return lambda: constrained_responses(seen, 2.0, (STEPS, 0))


def blind_plain() -> Round:
    seen = rough_scene()
    side = 2 * RATIO - 1
    kernel = torch.full((side, side), 1 / side**2, requires_grad=True)
    table = torch.full((CHANNELS, BANDS, 1, 1), 1 / BANDS, requires_grad=True)

    def loss() -> Tensor:
        found: Tensor = (full_blur(seen.msi[None], kernel) - F.conv2d(seen.hsi[None], table)).abs().sum()
        return found

    return plain_steps([kernel, table], loss, 1e-3)


def miae_ours() -> Round:
    seen = rough_scene()
    rng = torch.Generator().manual_seed(0)
    return our_steps(miae.draw_miae(BANDS, CHANNELS, 80, 3, rng, seen.hsi), miae.patch_loss(seen, seen.psf, seen.srf, 2, rng), 5e-3)


def miae_plain() -> Round:
    seen = rough_scene()
    side = 5 * RATIO
    x = F.interpolate(seen.hsi[None], scale_factor=RATIO, mode="bicubic")
    sizes = (BANDS, 80, CHANNELS, 160, 80, 240, 80, 240)
    layers = nn.ModuleList(nn.Conv2d(size, 80, 1) for size in sizes)
    endmembers = nn.Parameter(torch.full((BANDS, 80, 1, 1), 1 / 80))
    kernel, table = seen.psf.kernel, seen.srf.weights[:, :, None, None]

    def dense(place: int, *values: Tensor) -> Tensor:
        return F.leaky_relu(layers[place](torch.cat(values, dim=1)), 0.2)

    def loss() -> Tensor:
        corners = [(0, 0), (48, 72)]
        part, msi = (
            torch.cat([image[..., r : r + side, c : c + side].reshape(1, -1, side, side) for r, c in corners]) for image in (x, seen.msi)
        )
        low = torch.stack([seen.hsi[:, r // RATIO : r // RATIO + 5, c // RATIO : c // RATIO + 5] for r, c in corners])
        y1, z1 = dense(1, dense(0, part)), dense(2, msi)
        s = dense(3, y1, z1)
        s = dense(5, dense(4, s), y1, z1)
        s = dense(7, dense(6, s), y1, z1)
        cube = F.conv2d(s.clamp(0, 1), endmembers).clamp(0, 1)
        from_hsi = (full_blur(cube, kernel) - low)[:, :, 1:-1, 1:-1].abs().mean(dim=(0, 2, 3)).sum()
        return from_hsi + (F.conv2d(cube, table) - msi).abs().mean(dim=(0, 2, 3)).sum()

    return plain_steps([*layers.parameters(), endmembers], loss, 5e-3)


def streams_ours() -> Round:
    seen = rough_scene()
    start = spectral_streams.first_streams(BANDS, CHANNELS, torch.Generator().manual_seed(0), seen.hsi)
    return our_steps(start, spectral_streams.stream_loss(seen, seen.psf, seen.srf), 4e-3)


def streams_plain() -> Round:
    seen = rough_scene()
    images = [seen.srf(seen.hsi)[None], seen.psf(seen.msi)[None]]
    streams = [nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in spectral_streams.stream_sizes(BANDS, CHANNELS)) for _ in images]

    def forward(layers: nn.ModuleList, values: Tensor) -> Tensor:
        for first in range(0, len(layers) - 1, 5):
            x = F.leaky_relu(layers[first](values), 0.2)
            s1, s2, s3 = torch.split(x, 20, dim=1)
            m1 = F.leaky_relu(layers[first + 1](s1), 0.2)
            m2 = F.leaky_relu(layers[first + 2](s2 + m1), 0.2)
            m3 = F.leaky_relu(layers[first + 3](s3 + m2), 0.2)
            values = F.leaky_relu(layers[first + 4](x + torch.cat([m1, m2, m3], dim=1)), 0.2)
        return F.leaky_relu(layers[-1](values), 0.2)

    def loss() -> Tensor:
        return F.l1_loss(forward(streams[0], images[0]), seen.hsi[None]) + F.l1_loss(forward(streams[1], images[1]), seen.hsi[None])

    return plain_steps([parameter for stream in streams for parameter in stream.parameters()], loss, 4e-3)


def daem_ours() -> Round:
    seen = rough_scene()
    rng = torch.Generator().manual_seed(0)
    blocks = [block_loss.random_block(seen, rng) for _ in range(8)]
    start = block_loss.draw_daem(BANDS, CHANNELS, rng, seen.hsi)
    return our_steps(start, lambda weights: block_loss.step_loss(weights, blocks, rng), 1e-3)


def daem_plain() -> Round:
    seen = rough_scene()
    rng = torch.Generator().manual_seed(0)
    blocks = [block_loss.random_block(seen, rng) for _ in range(8)]
    low, fine = torch.stack([block.hsi for block in blocks]), torch.stack([block.msi for block in blocks])
    shares = nn.ModuleList(
        nn.Conv2d(a + CHANNELS, b, 1) for a, b in zip((0, *daem_network.ABUNDANCE[:-1]), daem_network.ABUNDANCE, strict=True)
    )
    mean = nn.ModuleList(nn.Linear(a, b) for a, b in zip((16, *daem_network.MEAN), (*daem_network.MEAN, BANDS), strict=True))
    std = nn.ModuleList(nn.Linear(a, b) for a, b in zip((16, *daem_network.STD), (*daem_network.STD, BANDS), strict=True))
    table = nn.Parameter(torch.rand(CHANNELS, BANDS, 1, 1, generator=rng) / BANDS)
    root = nn.Parameter(0.3 * torch.eye(2))
    offset = torch.stack(torch.meshgrid(*[torch.arange(RATIO) - RATIO // 2 + 0.0] * 2, indexing="ij"), dim=-1)

    def chain(layers: nn.ModuleList, values: Tensor) -> Tensor:
        for layer in layers:
            values = F.leaky_relu(layer(values), 0.2)
        return values

    def network(images: Tensor) -> Tensor:
        values = F.leaky_relu(shares[0](images), 0.2)
        for layer in list(shares)[1:]:
            values = F.leaky_relu(layer(torch.cat([values, images], dim=1)), 0.2)
        flat = values.movedim(1, -1)
        centre = chain(mean, flat)
        return (centre + chain(std, flat) * torch.randn(centre.shape, generator=rng)).movedim(-1, 1)

    def loss() -> Tensor:
        weights = torch.exp(-0.5 * (offset @ root.tril()).square().sum(-1))
        kernel = weights / weights.sum()
        coarse = full_blur(fine, kernel)
        cube = network(fine).detach()
        blurred = full_blur(cube, kernel)
        found = 0.5 * F.l1_loss(network(coarse.detach()), low) + 0.5 * F.l1_loss(blurred, low)
        return found + 0.2 * F.l1_loss(F.conv2d(cube, table), fine) + 0.2 * F.l1_loss(F.conv2d(blurred, table), coarse)

    parameters = [*shares.parameters(), *mean.parameters(), *std.parameters(), table, root]
    return plain_steps(parameters, loss, 1e-3)


ROUNDS: dict[str, tuple[Callable[[], Round], Callable[[], Round]]] = {
    "blind stage": (blind_ours, blind_plain),
    "MIAE": (miae_ours, miae_plain),
    "spectral streams": (streams_ours, streams_plain),
    "DAEM": (daem_ours, daem_plain),
}


@pytest.mark.benchmark(max_time=1, min_rounds=3)
@pytest.mark.parametrize("which", [0, 1], ids=["ours", "plain"])
@pytest.mark.parametrize("name", ROUNDS)
def test_ten_steps(benchmark: Callable[[Round], object], name: str, which: int) -> None:
    benchmark.group = f"ten steps of {name}"  # type: ignore[attr-defined]
    benchmark(ROUNDS[name][which]())

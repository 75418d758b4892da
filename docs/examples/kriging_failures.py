"""Where spectral kriging must fail, and what its stated deviation says there. Draws docs/images/kriging_failures.png.

    python docs/examples/kriging_failures.py

A made scene of 96 x 144 pixels, 31 bands, ratio 8, three channels that see thirds of the range, box blur, both responses known:

    metamers       a disk whose spectra differ from the ground's but look the same to the MSI
    unseen colour  small dots whose colour no coarse pixel shows purely
    one channel    the whole scene again through one broad channel: colour is gone
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE))

from datasets.degradation import SpatialResponse, SpectralResponse  # noqa: E402
from datasets.observation import Known, Observation  # noqa: E402
from methods.contract import Example  # noqa: E402
from methods.gaussian.kriging.method import Method  # noqa: E402

BANDS, ROWS, COLS, RATIO = 31, 96, 144, 8


def scene() -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """The cube, the three-channel response, and the masks of the two defects."""
    rng = torch.Generator().manual_seed(3)
    band = torch.linspace(0, 1, BANDS, dtype=torch.float64)
    bumps = [torch.exp(-(((band - centre) / 0.22) ** 2)) for centre in (0.1, 0.5, 0.9)]
    maps = torch.nn.functional.interpolate(torch.rand(1, 3, 7, 10, generator=rng, dtype=torch.float64), size=(ROWS, COLS), mode="bicubic")
    shade = 0.5 + 0.5 * torch.sin(torch.arange(COLS, dtype=torch.float64) / 9)[None].square()
    cube = 0.8 * torch.einsum("kb,khw->bhw", torch.stack(bumps), maps[0].clamp(0.05, 1) / 2) * shade
    srf = torch.zeros(3, BANDS, dtype=torch.float64)
    for channel, part in enumerate(torch.arange(BANDS).tensor_split(3)):
        srf[channel, part] = 1 / len(part)
    row, col = torch.meshgrid(torch.arange(ROWS), torch.arange(COLS), indexing="ij")
    disk = (row - 30) ** 2 + (col - 36) ** 2 < 15**2
    wave = torch.cos(torch.arange(BANDS, dtype=torch.float64) * 1.9)
    hidden = wave - torch.linalg.pinv(srf) @ (srf @ wave)  # seen by no channel
    cube[:, disk] += 0.06 * hidden[:, None] * shade.expand(ROWS, COLS)[disk]
    dots = torch.zeros(ROWS, COLS, dtype=torch.bool)
    for r, c in ((20, 92), (37, 115), (62, 83), (70, 121), (52, 103)):
        dots |= (row - r) ** 2 + (col - c) ** 2 < 4
    cube[:, dots] = (0.5 * torch.exp(-(((band - 0.33) / 0.05) ** 2)))[:, None]
    return cube, srf, {"metamers": disk, "unseen colour": dots}


def fuse(cube: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Root mean square over bands of the error and of the stated deviation."""
    psf = SpatialResponse(torch.full((RATIO, RATIO), 1 / RATIO**2, dtype=torch.float64), RATIO, RATIO // 2 - 1)
    srf = SpectralResponse(weights)
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 700, BANDS), RATIO, psf.centre, Known(psf, srf))
    estimate = Method(knows="psf+srf").fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())
    assert estimate.std is not None
    return (estimate.cube - cube).square().mean(0).sqrt(), estimate.std.square().mean(0).sqrt()


def main() -> None:
    """Measure the cases, draw them, and print what the page quotes."""
    cube, srf, masks = scene()
    rest = ~(masks["metamers"] | masks["unseen colour"])
    colours = {"three channels": fuse(cube, srf), "one channel": fuse(cube, srf.mean(0, keepdim=True))}
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.2), layout="constrained")
    shown = (srf @ cube.flatten(1)).reshape(3, ROWS, COLS).flip(0)
    axes[0, 0].imshow(np.clip((shown / shown.max()).permute(1, 2, 0).numpy(), 0, 1) ** 0.6)
    axes[0, 0].set_title("MSI, three channels", fontsize=9)
    axes[1, 0].imshow((masks["metamers"] * 1.0 + masks["unseen colour"] * 2.0).numpy(), cmap="Greys")
    axes[1, 0].set_title("metamers (grey), unseen colour (black)", fontsize=9)
    for column, (name, (error, std)) in enumerate(colours.items(), start=1):
        for place, (what, values) in enumerate((("error", error), ("stated deviation", std))):
            axes[place, column].imshow(values.numpy(), vmin=0, vmax=0.08, cmap="viridis")
            axes[place, column].set_title(f"{name}: {what}", fontsize=9)
        for where, mask in {**masks, "the rest": rest}.items():
            missed, stated = (float(values[mask].square().mean().sqrt()) for values in (error, std))
            sys.stdout.write(f"{name:15} {where:14} error {missed:.4f} stated {stated:.4f}\n")
    for axis in axes.flat:
        axis.axis("off")
    figure.savefig(Path(__file__).resolve().parents[1] / "images" / "kriging_failures.png", dpi=90)


if __name__ == "__main__":
    main()

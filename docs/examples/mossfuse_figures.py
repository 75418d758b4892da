"""What MossFuse sees in a pair: its shared and complementary features, and its sensors beside the true ones.

    python docs/examples/mossfuse_figures.py WEIGHTS.pth SCENE [RATIO]

WEIGHTS are the authors' (.pth), SCENE a scene's file or name. Writes docs/images/mossfuse_features.png and mossfuse_sensors.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE))

from datasets.data_roots import DataRoots  # noqa: E402
from datasets.observation import Observation  # noqa: E402
from datasets.protocols import protocol_from  # noqa: E402
from datasets.scene import Scene  # noqa: E402
from datasets.scene_catalog import find_scenes  # noqa: E402
from datasets.simulation import NoiseSeed, Protocol, observe  # noqa: E402
from methods.unsupervised.mossfuse.checkpoint import load_network  # noqa: E402
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork  # noqa: E402

SHOWN = 5  # channels of each map: those that vary most over the image


def features(network: MossFuseNetwork, seen: Observation, file: Path) -> None:
    """Each map's most varying channels, each drawn over its own 1 % to 99 %."""
    with torch.inference_mode():
        found = network.encode(seen.msi[None], seen.hsi[None])
    figure, axes = plt.subplots(4, SHOWN, figsize=(1.5 * SHOWN, 6.4), layout="constrained")
    for line, (name, values) in zip(axes, vars(found).items(), strict=True):
        maps = values[0]
        strongest = maps.std((1, 2)).argsort(descending=True)[:SHOWN]
        for ax, channel in zip(line, strongest, strict=True):
            image = maps[channel].numpy()
            low, high = np.quantile(image, (0.01, 0.99))
            ax.imshow(image, cmap="gray", vmin=low, vmax=high)
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name.replace("_", ", ").replace("msi", "MSI").replace("hsi", "HSI"), fontsize=8)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def sensors(network: MossFuseNetwork, scene: Scene, protocol: Protocol, file: Path) -> None:
    """PSF and SRF, estimated and true, on one scale."""
    true_psf, true_srf = protocol.spatial(), protocol.spectral(scene.wavelengths)
    psf, srf = network.blind.psf().detach(), network.blind.srf().detach()
    figure, (first, second, third) = plt.subplots(1, 3, figsize=(9, 2.8), width_ratios=(1, 1, 1.6), layout="constrained")
    for ax, kernel, name in ((first, psf, "PSF, estimated"), (second, true_psf.kernel, "PSF, true")):
        ax.imshow(kernel.numpy(), cmap="magma", vmin=0, vmax=float(max(psf.max(), true_psf.kernel.max())))
        ax.set(title=name, xticks=[], yticks=[])
    for channel in range(srf.shape[0]):
        colour = f"C{(3, 2, 0)[channel % 3]}"
        first_one = channel == 0
        third.plot(scene.wavelengths, true_srf.weights[channel], color=colour, lw=1, ls="--", label="true" if first_one else None)
        third.plot(scene.wavelengths, srf[channel], color=colour, lw=1.5, label="estimated" if first_one else None)
    third.set(title="SRF", xlabel="nm")
    third.legend(fontsize=7, loc="upper right")
    figure.savefig(file, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    mpl.use("Agg")
    weights, name, ratio = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 32
    roots = DataRoots.parse([])
    taken = find_scenes([name], roots)[0].load()
    way = protocol_from(f"mossfuse-x{ratio}", roots.folder("srf"))
    trained = load_network(weights, ratio)
    features(trained, observe(taken, way, NoiseSeed(0, "a scene")), CLONE / "docs" / "images" / "mossfuse_features.png")
    sensors(trained, taken, way, CLONE / "docs" / "images" / "mossfuse_sensors.png")

"""Tiny CAVE folders in the true formats, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def cave_samples(side: int, seed: int = 3) -> NDArray[np.uint16]:
    """Random 16-bit bands, (31, side, side)."""
    return np.random.default_rng(seed).integers(0, 65536, (31, side, side), dtype=np.uint16)


def write_cave_scene(folder: Path, scene: str, samples: NDArray[np.generic], ending: str = "png") -> Path:
    """One image a band in `folder`, written in a jumbled order; 8-bit samples become RGBA as in the original `watercolors`."""
    folder.mkdir(parents=True, exist_ok=True)
    for band in np.random.default_rng(0).permutation(len(samples)):
        image = samples[band]
        if image.dtype == np.uint8:
            image = np.stack([image, image, image, np.full_like(image, 255)], axis=-1)
        Image.fromarray(image).save(folder / f"{scene}_ms_{band + 1:02d}.{ending}")
    return folder

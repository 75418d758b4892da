"""A sketch of an estimate: some of its values, by which two calls are compared without keeping a whole cube.

The values lie at places that are drawn once for a shape: all of them in a small cube, `MOST` of a large one. The relative root mean square
difference of two cubes is known from n places to within about 1 / sqrt(2 n) of itself, which is two parts in a thousand.
"""

from __future__ import annotations

from math import prod, sqrt

import torch
from torch import Tensor

MOST = 2**17  # values in a sketch: 512 KiB


def sketch_of(cube: Tensor) -> Tensor:
    """The values of a cube at the places that belong to its shape, in float32 on the CPU; a view of the cube is not copied."""
    count = cube.numel()
    if count <= MOST:
        return cube.detach().reshape(-1).to(device="cpu", dtype=torch.float32, copy=True)
    _, rows, cols = cube.shape
    places = torch.randint(count, (MOST,), generator=torch.Generator().manual_seed(prod(cube.shape) % 2**31)).to(cube.device)
    picked = cube.detach()[places // (rows * cols), places // cols % rows, places % cols]
    return picked.to(device="cpu", dtype=torch.float32)


def share_apart(sketch: Tensor, other: Tensor) -> float:
    """The root mean square of the difference over the larger root mean square of the two, 0..2; 0 where both are zero."""
    one, two = sketch.double(), other.double()
    level = max(float(one.square().mean()), float(two.square().mean()))
    return sqrt(float((one - two).square().mean()) / level) if level > 0 else 0.0

"""A scene: the truth, which a method never sees.

Only `datasets/` and `benchmark/` ever hold a scene; `tests/test_architecture.py` keeps it so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from datasets.input_files import InputFileError


class SceneError(InputFileError):
    """A scene that cannot be read or is not what it claims to be; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One hyperspectral cube: the reference that estimates are scored against.

    `cube` is in 0..1 after division by the constant of the *sensor* (65535 for 16-bit CAVE), never by the maximum of the image;
    values above 1 (glint) are kept. `wavelengths` are band centres in nm, rising. Pixels at which `mask` is False are observed like all
    others, and left out of the scores.
    """

    name: str
    cube: Float[Tensor, "bands H W"]
    wavelengths: Float[Tensor, " bands"]
    source: str = ""
    mask: Bool[Tensor, "H W"] | None = None
    remarks: tuple[str, ...] = ()  # what the reader did or left out, for a person to know; `source` says it, too

    def __post_init__(self) -> None:
        if not self.cube.numel():
            raise SceneError(f"scene {self.name!r}: expected at least one band, row and column, got shape {tuple(self.cube.shape)}")
        bad = sum(int((~torch.isfinite(band)).sum()) for band in self.cube)
        if bad:
            raise SceneError(
                f"scene {self.name!r}: expected finite values, got {bad} NaN or Inf of {self.cube.numel()}; "
                "crop or interpolate them before the scene is used"
            )
        if self.mask is not None and (self.mask.shape != self.cube.shape[1:] or not bool(self.mask.any())):
            raise SceneError(
                f"scene {self.name!r}: expected a mask of {tuple(self.cube.shape[1:])} with at least one pixel that is scored, got "
                f"{tuple(self.mask.shape)} with {int(self.mask.sum())}; a mask is 0 where a pixel is left out and above 0 elsewhere: "
                "invert it, or leave mask= out"
            )
        if not bool((self.wavelengths.diff() > 0).all()):
            raise SceneError(
                f"scene {self.name!r}: expected wavelengths that rise from band to band, got "
                f"{[round(float(w), 1) for w in self.wavelengths[:6]]}...; sort or drop the overlapping bands"
            )


def crop_to_ratio(scene: Scene, ratio: int) -> Scene:
    """The scene without the last rows and columns that `ratio` does not divide: H -> ratio * floor(H / ratio).

    This is the suite's only rule of cropping: the top left corner stays, and nothing is ever resized.

    Raises:
        SceneError: less than one coarse pixel would be left.
    """
    rows, cols = (size - size % ratio for size in scene.cube.shape[1:])
    if rows == 0 or cols == 0:
        raise SceneError(
            f"scene {scene.name!r}: expected at least {ratio} x {ratio} pixels for ratio {ratio}, got "
            f"{scene.cube.shape[1]} x {scene.cube.shape[2]}; choose a smaller ratio"
        )
    if (rows, cols) == tuple(scene.cube.shape[1:]):
        return scene
    mask = None if scene.mask is None else scene.mask[:rows, :cols].contiguous()
    return replace(scene, cube=scene.cube[:, :rows, :cols].contiguous(), mask=mask)

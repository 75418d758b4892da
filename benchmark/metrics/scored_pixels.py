"""Which pixels of a scene are scored: some scenes come with a mask of pixels that have no true spectrum (they moved, or are filled in).

The file of the reference carries the mask as an attribute, `scored`: one bit per pixel, row by row, packed into bytes.

    metrics of pixels (PSNR, RMSE, CC, SAM, ERGAS)    over the scored pixels
    metrics of windows (SSIM, UIQI, Q2n)              over the windows or blocks that hold no other pixel
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from datasets.cube_file import CubeFile

ATTRIBUTE = "scored"


def packed_mask(mask: Bool[NDArray[np.bool_], "H W"]) -> NDArray[np.uint8]:
    """The attribute that stands for a mask, in which True marks the pixels that are scored."""
    return np.packbits(mask.reshape(-1))


def scored_pixels(reference: CubeFile) -> Bool[NDArray[np.bool_], "H W"] | None:
    """The pixels that are scored; None where all are.

    Raises:
        ValueError: the attribute has another length than the image needs.
    """
    bits = reference.notes.get(ATTRIBUTE)
    if bits is None:
        return None
    rows, cols = reference.cube.shape[1:]
    values = np.asarray(bits, dtype=np.uint8).reshape(-1)
    if values.size != -(-rows * cols // 8):
        raise ValueError(f"expected the attribute {ATTRIBUTE} with one bit for each of {rows} x {cols} pixels, got {values.size} bytes")
    return np.unpackbits(values, count=rows * cols).astype(bool).reshape(rows, cols)


def at_scored(cube: Float[np.ndarray, "bands H W"], mask: Bool[NDArray[np.bool_], "H W"] | None) -> Float[np.ndarray, "bands _ _"]:
    """The values at the scored pixels, one below the other; the cube itself where all are scored."""
    return cube if mask is None else cube[:, mask][:, :, None]


def whole_windows(mask: Bool[NDArray[np.bool_], "H W"], side: int) -> Bool[NDArray[np.bool_], "windows_down windows_across"]:
    """For each window of side x side pixels, by its top left pixel, whether it holds scored pixels alone."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = np.cumsum(np.cumsum(~mask, axis=0, dtype=np.int64), axis=1)
    left_out = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    whole: NDArray[np.bool_] = left_out == 0
    return whole

"""Spectra at a grid of pixels, for the page: those of the truth in 16 bits, those of an estimate as differences from it in 8 bits.

The grid has at most `GRID` x `GRID` pixels, which are the middle ones of equal cells: of n pixels along a side of length s, pixel k is
floor((2k + 1) s / (2n)). If m is the largest difference of an estimate, a difference d is kept as

    code = round(127 sign(d) sqrt(|d| / m))        d = sign(code) m (code / 127)^2

so that small differences stay precise: d is off by at most sqrt(|d| m) / 127 + m / 64516.
The codes are stored band after band as differences modulo 2^16 (or 2^8) from the band before, the high bytes of all before the low ones,
compressed by zlib (a browser's "deflate").
The files beside the page lose nothing: `spectra/*.npz` has the same pixels in 32 bits, and the estimates in the run folder have all pixels.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from zlib import compress

import numpy as np
from jaxtyping import Float, Int, Int8, UInt8, UInt16

GRID = 32  # pixels along each side, unless the page would become too large

Cube = Float[np.ndarray, "bands H W"]
Spectra = Float[np.ndarray, "rows cols bands"]
AnyCodes = UInt8[np.ndarray, "_ _ _"] | UInt16[np.ndarray, "_ _ _"]


@dataclass(frozen=True, eq=False)
class PixelGrid:
    """The rows and columns of the pixels whose spectra are shown."""

    rows: Int[np.ndarray, " rows"]
    cols: Int[np.ndarray, " cols"]

    def take(self, cube: Cube) -> Spectra:
        """The spectra of these pixels."""
        return np.ascontiguousarray(cube[:, self.rows[:, None], self.cols[None, :]].transpose(1, 2, 0).astype(np.float32))


def pixel_grid(height: int, width: int, most: int = GRID) -> PixelGrid:
    """The grid of an image of that size; it has every row (or column) where there are at most `most`."""
    rows, cols = ((2 * np.arange(n) + 1) * size // (2 * n) for size, n in ((height, min(most, height)), (width, min(most, width))))
    return PixelGrid(rows, cols)


def pack_truth(spectra: Spectra) -> dict[str, float | str]:
    """{low, high, data}: value = low + (high - low) * code / 65535, with the codes in 16 bits, compressed, as base64."""
    low, high = float(np.nanmin(spectra)), float(np.nanmax(spectra))
    codes: UInt16[np.ndarray, "rows cols bands"] = np.rint((spectra - low) / ((high - low) or 1.0) * 65535).astype(np.uint16)
    steps = _steps(codes)
    return {"low": low, "high": high, "data": _packed((steps >> 8).astype(np.uint8).tobytes() + (steps & 255).astype(np.uint8).tobytes())}


def pack_difference(spectra: Spectra, truth: Spectra) -> dict[str, float | str]:
    """{most, data}: d = sign(code) most (code / 127)^2, with the codes in 8 bits with sign, compressed, as base64."""
    difference = np.nan_to_num(spectra.astype(np.float64) - truth)
    most = float(np.abs(difference).max())
    codes: Int8[np.ndarray, "rows cols bands"] = np.rint(127 * np.sign(difference) * np.sqrt(np.abs(difference) / (most or 1.0))).astype(
        np.int8
    )
    return {"most": most, "data": _packed(_steps(codes.view(np.uint8)).tobytes())}


def _steps(codes: AnyCodes) -> AnyCodes:
    """The differences from the band before, band after band; the first band as it is."""
    by_band = np.moveaxis(codes, 2, 0)
    steps = by_band.copy()
    steps[1:] -= by_band[:-1]
    return steps


def _packed(content: bytes) -> str:
    """The bytes, compressed, as base64."""
    return b64encode(compress(content, 9)).decode()

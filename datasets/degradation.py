"""What a sensor does to a cube: blur and decimation in space, integration in wavelength.

Pure tensor operators, each with its exact adjoint; no file, no scene, no solver.

Space, for every band b:

    y[b, i, j] = sum over u, v of kernel[u, v] * x[b, i*ratio + phase + u - a_r, j*ratio + phase + v - a_c]

with anchors a_r = (k_rows - 1) // 2, a_c = (k_cols - 1) // 2: a *correlation*, the kernel applied as drawn, never flipped.
`phase` is the fine row (and column) under the anchor of coarse pixel 0. A kernel that is lopsided, or has an even number of taps, moves
the true centre of a coarse pixel by a fraction of a fine pixel; `SpatialResponse.centre` is that centre.

Pixels outside the image: circular (periodic), reflect (mirror without repeating the edge pixel, numpy's "reflect"),
replicate (edge pixel repeated), valid (every footprint must lie inside).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from datasets.input_files import InputFileError

Boundary = Literal["circular", "reflect", "replicate", "valid"]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)


class ResponseError(InputFileError):
    """A response that cannot be, or an image that does not fit it; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class SpatialResponse:
    """Point spread function and sampling grid of the low-resolution sensor; the module docstring has the formula."""

    kernel: Float[Tensor, "k_rows k_cols"]  # sums to 1
    ratio: int  # fine pixels per coarse pixel, along each axis
    phase: int  # fine pixel under the anchor of coarse pixel 0
    boundary: Boundary = "circular"

    def __post_init__(self) -> None:
        if self.boundary not in BOUNDARIES:
            raise ResponseError(f"boundary: expected one of {', '.join(BOUNDARIES)}, got {self.boundary!r}")
        if self.ratio < 1:
            raise ResponseError(f"ratio: expected a whole number >= 1, got {self.ratio}")
        if not 0 <= self.phase < self.ratio:
            raise ResponseError(f"phase: expected 0..{self.ratio - 1} (fine pixels, below the ratio), got {self.phase}")
        if not bool(torch.isfinite(self.kernel).all()):
            raise ResponseError("kernel: expected finite weights, got NaN or Inf")
        total = float(self.kernel.double().sum())
        if abs(total - 1) > 1e-5:
            raise ResponseError(f"kernel: expected weights that sum to 1, got {total:.6g}; divide the kernel by its sum")

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of coarse pixel (0, 0) on the fine grid, in pixels (row, column): phase - anchor + the kernel's centroid."""
        kernel = self.kernel.double()
        rows, cols = kernel.shape
        row = float((kernel.sum(1) * torch.arange(rows, dtype=torch.float64, device=kernel.device)).sum())
        col = float((kernel.sum(0) * torch.arange(cols, dtype=torch.float64, device=kernel.device)).sum())
        return self.phase - (rows - 1) // 2 + row, self.phase - (cols - 1) // 2 + col

    def to(self, like: Tensor) -> SpatialResponse:
        """The same response with its kernel on the device and in the dtype of `like`."""
        return replace(self, kernel=self.kernel.to(like))

    def __call__(self, x: Float[Tensor, "bands H W"]) -> Float[Tensor, "bands h w"]:
        """y = S x: blur and decimate every band; h = H / ratio, w = W / ratio."""
        row_index, col_index = self._indices(x.shape[1], x.shape[2])
        padded = _take(_take(x, 1, row_index), 2, col_index)
        kernel = self.kernel.to(x)
        if _direct_pays(kernel, self.ratio, *padded.shape[1:]):
            return F.conv2d(padded[:, None], kernel[None, None], stride=self.ratio)[:, 0]
        size = padded.shape[1:]
        spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernel, s=size).conj()
        full: Tensor = torch.fft.irfft2(spectrum, s=size)
        stop_row, stop_col = size[0] - kernel.shape[0] + 1, size[1] - kernel.shape[1] + 1
        return full[:, : stop_row : self.ratio, : stop_col : self.ratio]

    def adjoint(self, y: Float[Tensor, "bands h w"]) -> Float[Tensor, "bands H W"]:
        """x = S' y, the exact transpose: <S x, y> = <x, S' y> for every x and y, whatever the boundary."""
        rows, cols = y.shape[1] * self.ratio, y.shape[2] * self.ratio
        row_index, col_index = self._indices(rows, cols)
        kernel = self.kernel.to(y)
        size = (row_index.numel(), col_index.numel())
        if _direct_pays(kernel, self.ratio, *size):
            padded = F.conv_transpose2d(y[:, None], kernel[None, None], stride=self.ratio)[:, 0]
        else:
            sparse = y.new_zeros((y.shape[0], *size))
            stop_row, stop_col = size[0] - kernel.shape[0] + 1, size[1] - kernel.shape[1] + 1
            sparse[:, : stop_row : self.ratio, : stop_col : self.ratio] = y
            padded = torch.fft.irfft2(torch.fft.rfft2(sparse) * torch.fft.rfft2(kernel, s=size), s=size)
        return _fold(_fold(padded, 2, col_index, cols), 1, row_index, rows)

    def circular_kernel(self, rows: int, cols: int) -> Float[Tensor, "rows cols"]:
        """The response as one periodic *convolution* kernel B sampled at 0: S x = (B * x)[::ratio, ::ratio] when circular.

        Anchor, phase and orientation are inside B, so a Fourier-domain solver works unchanged for every one of them. For another
        boundary it is the periodic approximation, exact where no footprint crosses the border.
        """
        row = (torch.arange(self.kernel.shape[0], device=self.kernel.device) - (self.kernel.shape[0] - 1) // 2 + self.phase).neg() % rows
        col = (torch.arange(self.kernel.shape[1], device=self.kernel.device) - (self.kernel.shape[1] - 1) // 2 + self.phase).neg() % cols
        place = (row[:, None] * cols + col[None, :]).reshape(-1)
        return self.kernel.new_zeros(rows * cols).index_add_(0, place, self.kernel.reshape(-1)).reshape(rows, cols)

    def _indices(self, rows: int, cols: int) -> tuple[Int[Tensor, " r"], Int[Tensor, " c"]]:
        """The fine rows and columns that the footprints touch, in order, with the boundary rule applied; on the CPU."""
        if rows % self.ratio or cols % self.ratio:
            raise ResponseError(
                f"expected an image whose sides {self.ratio} divides, got {rows} x {cols}; crop it to "
                f"{rows - rows % self.ratio} x {cols - cols % self.ratio}"
            )
        row_index, col_index = (
            _axis(size, taps, self.ratio, self.phase, self.boundary, name)
            for size, taps, name in ((rows, self.kernel.shape[0], "rows"), (cols, self.kernel.shape[1], "columns"))
        )
        return row_index, col_index


def _is_run(index: Int[Tensor, " n"]) -> bool:
    """Whether the index counts up by one, so that no footprint crosses the border."""
    return bool((index == torch.arange(index.numel()) + index[0]).all())


def _take(x: Tensor, axis: int, index: Int[Tensor, " n"]) -> Tensor:
    """The slices of `x` at `index`, which lies on the CPU; a view without a copy where the slices follow each other."""
    if _is_run(index):
        return x.narrow(axis, int(index[0]), index.numel())
    return x.index_select(axis, index.to(x.device))


def _fold(x: Tensor, axis: int, index: Int[Tensor, " n"], size: int) -> Tensor:
    """The transpose of `_take`: the slices are added up at `index` in an axis of `size` places, zero elsewhere."""
    shape = list(x.shape)
    shape[axis] = size
    whole = x.new_zeros(shape)
    if _is_run(index):
        whole.narrow(axis, int(index[0]), index.numel()).copy_(x)
        return whole
    return whole.index_add_(axis, index.to(x.device), x)


@dataclass(frozen=True, eq=False)
class SpectralResponse:
    """y = R x at every pixel: what each channel of the multispectral sensor sees of the bands."""

    weights: Float[Tensor, "channels bands"]  # rows sum to 1
    names: tuple[str, ...] = ()  # channel names, where the sensor has any

    def __post_init__(self) -> None:
        if not bool(torch.isfinite(self.weights).all()):
            raise ResponseError("spectral response: expected finite weights, got NaN or Inf")
        sums = self.weights.double().sum(1)
        if float((sums - 1).abs().max()) > 1e-5:
            raise ResponseError(
                f"spectral response: expected rows that sum to 1, got {[round(float(s), 5) for s in sums]}; divide each row by its sum"
            )
        if self.names and len(self.names) != self.weights.shape[0]:
            raise ResponseError(f"spectral response: expected {self.weights.shape[0]} channel names, got {len(self.names)}")

    def to(self, like: Tensor) -> SpectralResponse:
        """The same response on the device and in the dtype of `like`."""
        return replace(self, weights=self.weights.to(like))

    def __call__(self, x: Float[Tensor, "bands H W"]) -> Float[Tensor, "channels H W"]:
        """y = R x, the bands integrated into channels."""
        return torch.einsum("cb,bhw->chw", self.weights.to(x), x)

    def adjoint(self, y: Float[Tensor, "channels H W"]) -> Float[Tensor, "bands H W"]:
        """x = R' y, the exact transpose."""
        return torch.einsum("cb,chw->bhw", self.weights.to(y), y)


def _axis(size: int, taps: int, ratio: int, phase: int, boundary: Boundary, name: str) -> Int[Tensor, " n"]:
    """Source index of every padded position along one axis: from the first tap of pixel 0 to the last tap of the last pixel."""
    anchor = (taps - 1) // 2
    count = size // ratio
    index = torch.arange(phase - anchor, phase - anchor + (count - 1) * ratio + taps)
    if boundary == "circular":
        return index % size
    if boundary == "replicate":
        return index.clamp(0, size - 1)
    if boundary == "reflect":
        if size == 1:
            return torch.zeros_like(index)
        folded = index % (2 * size - 2)
        return torch.minimum(folded, 2 * size - 2 - folded)
    first = max(0, -(-(anchor - phase) // ratio))
    last = min(count - 1, (size - taps - phase + anchor) // ratio)
    if first > 0 or last < count - 1:
        crop = (
            f"only coarse {name} {first}..{last}, that is fine {name} {first * ratio}..{(last + 1) * ratio - 1}, are supported: observe "
            "with another boundary and crop both images and the reference to them"
            if last >= first
            else f"no crop of {size} {name} would do: use a kernel of fewer than {taps} taps or a larger image"
        )
        raise ResponseError(
            f"boundary 'valid': expected every footprint inside the image, got taps at fine {name} {int(index[0])}..{int(index[-1])} of "
            f"0..{size - 1}; {crop}"
        )
    return index


def _direct_pays(kernel: Tensor, ratio: int, rows: int, cols: int) -> bool:
    """Whether the strided convolution (all taps per coarse pixel) needs less arithmetic than two FFTs of the padded image."""
    coarse = ((rows - kernel.shape[0]) // ratio + 1) * ((cols - kernel.shape[1]) // ratio + 1)
    return coarse * kernel.numel() <= 5 * rows * cols * log2(max(2, rows * cols))

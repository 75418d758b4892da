"""How far the low-resolution image lies from where it is thought to lie: registration to a fraction of a fine pixel.

Two steps, since either alone falls short. Phase correlation finds a large shift, in whole coarse pixels: with F and G the transforms of the
HSI's mean (or R hsi) and of the blurred and decimated MSI, both windowed, the inverse transform of F conj(G) / |F conj(G)| has its peak at
the shift (Kuglin and Hines, 1975). Decimated images are aliased, so that this peak is no good below a coarse pixel. So the shift s is then
refined on the fine grid, where the MSI is not decimated: with y(s) the blurred MSI, sampled at i * ratio + centre + s by cubic splines, and
t = R hsi, each channel with unit variance, s minimises

    rest(s) = |t - (a + B y(s))|^2 / |t - mean|^2        a, B by least squares, so that no gain, offset or order of channels matters

Without an SRF, t is first the leading components of the HSI, and then, `ROUNDS` times, what a regression of y on them at the shift so far
makes of the HSI: the share of the HSI that the MSI can see at all.

The standard error is that of a sandwich over tiles, H^-1 (sum of g g') H^-1, with H the Hessian of rest and g the gradient in one of
`TILES` x `TILES` tiles: it holds whatever the noise is, and grows where the tiles contradict each other (parallax, a rotation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter
from scipy.optimize import minimize
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.placed_psf import placed_psf
from datasets.psfs import Gaussian

ROUNDS = 3
TILES = 4  # along each axis, for the standard error
LEAST_SHARE = 0.5  # of the variance of t that the MSI explains at the best shift; with less, the two do not show one ground
MOST_ERROR = 0.5  # fine pixels: a standard error above it says nothing
_COMPONENTS, _PIXELS_EACH = 10, 20  # of the HSI: at most so many, and one per so many pixels
_STEP = 0.1  # fine pixels, of the numerical derivatives
_PEAKS = 4  # of the phase correlation that are looked at
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Registration:
    """Where the HSI lies, seen from the MSI's grid."""

    shift: tuple[float, float]  # fine pixels (rows, columns), against a block-centred pair, (ratio - 1) / 2
    error: tuple[float, float]  # standard errors, fine pixels
    share: float  # of the variance of R hsi that the shifted MSI explains; 1 at best
    share_unmoved: float  # that without the shift
    peak: float  # of the phase correlation, over its next highest value away from it
    ratio: int

    @property
    def centre(self) -> tuple[float, float]:
        """The centre of coarse pixel 0 on the fine grid: what `--phase` takes."""
        middle = (self.ratio - 1) / 2
        return middle + self.shift[0], middle + self.shift[1]

    @property
    def certain(self) -> bool:
        """Whether the shift can be used: the images show one ground, and the standard errors are small."""
        return self.share >= LEAST_SHARE and max(self.error) <= MOST_ERROR


def register(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    ratio: int,
    psf: SpatialResponse | None = None,
    srf: SpectralResponse | None = None,
) -> Registration | None:
    """The shift between two images; None where they are too small (under 8 coarse pixels on an axis) or without any structure.

    Args:
        hsi: the low-resolution image; msi: the high-resolution one, its sides `ratio` times as long.
        ratio: fine pixels per coarse pixel.
        psf: the blur, where it is known (its place is not used); else a Gaussian with a contrast of 0.3 at the coarse Nyquist frequency.
        srf: the spectral response, where it is known; else the leading components of the HSI are compared with all channels.
    """
    if min(hsi.shape[1:]) < 8 or float(hsi.std()) == 0 or float(msi.std()) == 0:
        return None
    target = hsi.double() if srf is None else srf(hsi.double())
    kernel = psf.kernel.double() if psf is not None else Gaussian(4 * ratio + ratio % 2, mtf_nyquist=0.3).kernel(ratio)
    middle = (ratio - 1) / 2
    fine = _blurred(msi.double(), kernel)
    search = _Search(np.asarray(target), [spline_filter(channel, order=3, mode="mirror") for channel in fine], ratio, srf is not None)
    candidates, peak = _coarse_shifts(np.asarray(target).mean(0), fine.mean(0)[int(middle) :: ratio, int(middle) :: ratio])
    step = max(1, ratio // 4)
    near = range(-ratio, ratio + 1, step)
    starts = [(float(row * ratio + down), float(col * ratio + right)) for row, col in candidates for down in near for right in near]
    start = min(starts, key=search.rest)
    best = search.refined(start, float(step))
    for _ in range(ROUNDS if srf is None else 0):
        search.regress(best)
        best = search.refined(best, 0.5)
    return Registration(best, search.error(best), 1 - search.rest(best), 1 - search.rest((0.0, 0.0)), peak, ratio)


class _Search:
    """The rest that a shift leaves; the module docstring has the formula."""

    def __init__(self, target: Array, fine: list[Array], ratio: int, told: bool) -> None:
        rows, cols = target.shape[1:]
        centred = target.reshape(len(target), -1)
        centred = centred - centred.mean(1, keepdims=True)
        if told:
            self.target = _unit(centred)
        else:
            count = max(1, min(_COMPONENTS, len(target), rows * cols // _PIXELS_EACH))
            self.target = np.linalg.eigh(centred @ centred.T)[1][:, -count:].T @ centred
        self.components = self.target
        self.rows, self.cols = np.arange(rows) * ratio + (ratio - 1) / 2, np.arange(cols) * ratio + (ratio - 1) / 2
        self.fine, self.shape = fine, (rows, cols)
        self.size = fine[0].shape

    def _sampled(self, shift: tuple[float, float]) -> tuple[Array, NDArray[np.bool_]]:
        """A constant and the MSI at the shifted coarse pixels, (1 + channels, pixels); and which pixels lie well inside it."""
        down, right = self.rows + shift[0], self.cols + shift[1]
        grid = np.meshgrid(down, right, indexing="ij")
        values = [map_coordinates(channel, grid, order=3, mode="mirror", prefilter=False).reshape(-1) for channel in self.fine]
        border = (self.rows[1] - self.rows[0]) if len(self.rows) > 1 else 1
        inside = [(axis > border) & (axis < size - 1 - border) for axis, size in zip((down, right), self.size, strict=True)]
        return np.stack([np.ones(down.size * right.size), *values]), np.logical_and.outer(*inside).reshape(-1)

    def rest(self, shift: tuple[float, float]) -> float:
        """The share of the target's variance that the MSI does not explain at that shift; 1 where less than a quarter overlaps."""
        sampled, inside = self._sampled(shift)
        if inside.sum() < max(16, inside.size // 4):
            return 1.0
        target = self.target[:, inside]
        whole = float(np.square(target - target.mean(1, keepdims=True)).sum())
        return float(np.square(self._left(sampled[:, inside], target)).sum()) / max(whole, 1e-300)

    def refined(self, start: tuple[float, float], step: float) -> tuple[float, float]:
        """The shift near `start` that leaves least, by the downhill simplex of Nelder and Mead, whose first steps are `step`."""
        simplex = np.array(start) + np.array([[0.0, 0.0], [step, 0.0], [0.0, step]])
        options = {"xatol": 0.003, "fatol": 1e-12, "initial_simplex": simplex}
        found = minimize(lambda at: self.rest((float(at[0]), float(at[1]))), start, method="Nelder-Mead", options=options)
        return float(found.x[0]), float(found.x[1])

    def regress(self, shift: tuple[float, float]) -> None:
        """Take as target what the components of the HSI make of the MSI at that shift."""
        sampled, inside = self._sampled(shift)
        known = np.concatenate([np.ones((1, self.components.shape[1])), self.components])
        self.target = _unit(_fit(known[:, inside], sampled[1:, inside])[:, 1:] @ self.components)

    @staticmethod
    def _left(sampled: Array, target: Array) -> Array:
        return target - _fit(sampled, target) @ sampled

    def error(self, best: tuple[float, float]) -> tuple[float, float]:
        """The standard errors of the shift, in fine pixels, from how much the tiles contradict each other."""
        sampled, inside = self._sampled(best)
        if not inside.any():
            return np.inf, np.inf
        weights = _fit(sampled[:, inside], self.target[:, inside])
        whole = float(np.square(self.target[:, inside]).sum())

        def squares(shift: tuple[float, float]) -> Array:
            rest = np.square(self.target - weights @ self._sampled(shift)[0]).sum(0) * inside
            return np.array([tile.sum() for tile in _tiles(rest.reshape(self.shape))]) / whole

        moves = np.eye(2) * _STEP
        gradients = np.stack([(squares(_sum(best, move)) - squares(_sum(best, -move))) / (2 * _STEP) for move in moves])  # (axes, tiles)
        gradients -= gradients.mean(1, keepdims=True)
        hessian = np.empty((2, 2))
        centre = self.rest(best)
        for axis, move in enumerate(moves):
            hessian[axis, axis] = (self.rest(_sum(best, move)) + self.rest(_sum(best, -move)) - 2 * centre) / _STEP**2
        mixed = [self.rest(_sum(best, row * moves[0] + col * moves[1])) * row * col for row in (1, -1) for col in (1, -1)]
        hessian[0, 1] = hessian[1, 0] = sum(mixed) / (4 * _STEP**2)
        if np.linalg.eigvalsh(hessian)[0] <= 0:
            return np.inf, np.inf
        tiles = gradients.shape[1]
        inverse = np.linalg.inv(hessian)
        covariance = inverse @ (gradients @ gradients.T) @ inverse * tiles / max(1, tiles - 3)
        rows, cols = np.sqrt(np.maximum(np.diag(covariance), 0))
        return float(rows), float(cols)


def _unit(centred: Array) -> Array:
    """Each row divided by its standard deviation."""
    return np.asarray(centred / np.maximum(centred.std(1, keepdims=True), 1e-300))


def _sum(shift: tuple[float, float], move: Array) -> tuple[float, float]:
    return shift[0] + float(move[0]), shift[1] + float(move[1])


def _fit(sampled: Array, target: Array) -> Array:
    """The least squares weights of the MSI's channels, and the constant, for each component of the target."""
    return np.asarray(np.linalg.lstsq(sampled.T, target.T, rcond=None)[0].T)


def _tiles(image: Array) -> Iterator[Array]:
    for rows in np.array_split(image, TILES, axis=0):
        yield from np.array_split(rows, TILES, axis=1)


def _blurred(msi: Tensor, kernel: Tensor) -> Array:
    """The blurred MSI, not decimated; the half pixel by which an even kernel moves it is taken back by cubic splines."""
    placed = placed_psf(kernel, 1, (0.0, 0.0))
    blurred = np.asarray(placed(msi))
    rest = placed.centre  # an even kernel leaves half a fine pixel
    if max(map(abs, rest)) < 1e-6:
        return blurred
    grid = np.meshgrid(*(np.arange(size) - part for size, part in zip(blurred.shape[1:], rest, strict=True)), indexing="ij")
    return np.stack([map_coordinates(channel, grid, order=3, mode="mirror") for channel in blurred])


def _coarse_shifts(one: Array, other: Array) -> tuple[list[tuple[int, int]], float]:
    """The likeliest shifts in whole coarse pixels, no shift among them, and the highest peak over the next one."""
    window = np.outer(*(np.hanning(size + 2)[1:-1] for size in one.shape))
    first, second = (np.fft.fft2((image - image.mean()) * window) for image in (one, other))
    cross = second * first.conj()
    surface = np.fft.ifft2(cross / np.maximum(np.abs(cross), 1e-12 * np.abs(cross).max() + 1e-300)).real
    found: list[tuple[int, int]] = [(0, 0)]
    heights: list[float] = []
    limits = [ceil(size / 4) for size in one.shape]
    for _ in range(_PEAKS):
        row, col = np.unravel_index(int(surface.argmax()), surface.shape)
        heights.append(float(surface[row, col]))
        signed = tuple(int((place + size // 2) % size - size // 2) for place, size in zip((row, col), surface.shape, strict=True))
        if all(abs(part) <= limit for part, limit in zip(signed, limits, strict=True)) and signed not in found:
            found.append((signed[0], signed[1]))
        near = np.ix_(*(np.arange(place - 1, place + 2) % size for place, size in zip((row, col), surface.shape, strict=True)))
        surface[near] = -np.inf
    return found, heights[0] / max(heights[1], 1e-300)

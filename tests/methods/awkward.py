"""Pairs for the patch and tensor methods: lopsided, not square, or degenerate; and responses as dense matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.numerics.images.resample import upsample

KINDS = ("all zero", "one constant band", "one endmember", "more bands than pixels", "ratio 2", "one channel", "black background")


def patchy_pair(
    bands: int = 5, channels: int = 2, size: tuple[int, int] = (3, 5), ratio: int = 4, seed: int = 0, separable: bool = False
) -> Observation:
    """A random scene through a lopsided periodic kernel and random curves, with noise; float64, 12 x 20 pixels unless told otherwise."""
    rng = np.random.default_rng(seed)
    kernel = torch.from_numpy(np.outer(rng.random(4), rng.random(3)) if separable else rng.random((4, 3)) ** 2)
    curves = torch.from_numpy(rng.random((channels, bands)))
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    scene = upsample(torch.from_numpy(rng.random((bands, *size))), ratio, (0.0, 0.0))
    scene = scene + 0.2 * torch.from_numpy(rng.random(scene.shape))
    return watched(scene, psf, srf)


def watched(scene: torch.Tensor, psf: SpatialResponse, srf: SpectralResponse) -> Observation:
    """What the two sensors see of a scene."""
    return Observation(psf(scene), srf(scene), torch.linspace(400, 700, len(scene)), psf.ratio, psf.centre, Known(psf, srf))


def awkward_pair(kind: str) -> Observation:
    """A degenerate pair in float32."""
    shapes = {"more bands than pixels": (40, 3, (2, 3), 4), "ratio 2": (6, 3, (5, 3), 2), "one channel": (6, 1, (3, 4), 4)}
    bands, channels, size, ratio = shapes.get(kind, (6, 3, (3, 4), 4))
    seen = patchy_pair(bands, channels, size, ratio)
    psf, srf = seen.psf, seen.srf
    scene = upsample(seen.hsi, ratio, seen.phase)
    if kind == "all zero":
        scene = torch.zeros_like(scene)
    if kind == "one constant band":
        scene[1] = 0.3
    if kind == "one endmember":
        scene = torch.linspace(0.1, 0.9, bands, dtype=torch.float64)[:, None, None] * scene[:1]
    if kind == "black background":
        scene[:, :9] = 0
        scene[:, :, :10] = 0
    return watched(scene, psf, srf).to("cpu", torch.float32)


def fixture_pair(shared: Path, name: str, dtype: torch.dtype = torch.float64) -> tuple[Observation, torch.Tensor]:
    """A pair of the parity fixtures and its truth, by the name of the file."""
    with np.load(shared / "parity/model" / f"{name}.npz") as file:
        hsi, msi, curves, kernel = (torch.from_numpy(file[key]).to(dtype) for key in ("HSI", "MSI", "R", "k"))
        anchor, truth = int(file["off"]) + (len(kernel) - 1) // 2, torch.from_numpy(file["X"])
    psf, srf = SpatialResponse(kernel, 4, anchor), SpectralResponse(curves)
    return Observation(hsi, msi, torch.linspace(400, 700, 31), 4, psf.centre, Known(psf, srf)), truth


def turned_labels(labels: np.ndarray, down: int) -> torch.Tensor:
    """Cluster numbers from 0, patches counted along the rows, of the authors' from 1, counted down the columns."""
    return torch.from_numpy(labels.ravel().astype(np.int64) - 1).view(-1, down).T.reshape(-1)


def relative(cube: torch.Tensor, expected: torch.Tensor | np.ndarray) -> float:
    """|cube - expected| / |expected|."""
    reference = torch.as_tensor(expected).double()
    return float((cube.double() - reference).norm() / reference.norm())


def decibel(cube: torch.Tensor, truth: torch.Tensor) -> float:
    """PSNR of the whole cube, peak 1."""
    return float(-10 * (cube.double() - truth).square().mean().log10())


def dense_blur(seen: Observation) -> np.ndarray:
    """The matrix (coarse pixels, fine pixels) of the PSF, column by column."""
    rows, cols = seen.msi.shape[1:]
    impulses = torch.eye(rows * cols, dtype=torch.float64).reshape(-1, rows, cols)
    return seen.psf(impulses).flatten(1).T.numpy()


def dense_sylvester(seen: Observation, metric: np.ndarray, coarse: np.ndarray, right: np.ndarray) -> np.ndarray:
    """X (n, pixels) with X S'S + metric X = coarse S + right, all at once."""
    blur = dense_blur(seen)
    size, pixels = right.shape
    system = np.kron(np.eye(size), blur.T @ blur) + np.kron(metric, np.eye(pixels))
    return np.linalg.solve(system, (coarse @ blur + right).ravel()).reshape(size, pixels)


def log_shrunk(matrix: np.ndarray, weight: float) -> np.ndarray:
    """The singular values by their own formula, s -> (s + sqrt(s^2 - 4 C)) / 2 where that is real."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    kept = values**2 > 4 * weight
    shrunk = np.where(kept, (values + np.sqrt(np.where(kept, values**2 - 4 * weight, 0))) / 2, 0)
    return (left * shrunk) @ right

"""A canvas on which the built-in scenes are painted, from the back to the front.

A shape covers the share c = clip(1/2 - d, 0, 1) of a pixel, where d is the signed distance to its outline in pixels. So the pixels on an
outline are mixed, and all abundances stay in 0..1 and sum to 1:

    abundances <- (1 - c) * abundances + c * (those of the shape)

Coordinates x and y run from 0 to 1 over the columns and rows; `fine` is the size of a pixel in a picture of 96 rows. Solids are shaded by
Lambert's law with light from the upper left; their highlights follow Blinn's model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError

Image = NDArray[np.float64]  # (rows, cols)
_LIGHT = np.array([-0.48, -0.62, 0.62]) / np.linalg.norm([-0.48, -0.62, 0.62])  # to the lamp: x right, y down, z to the viewer
_HALF = (_LIGHT + np.array([0, 0, 1])) / np.linalg.norm(_LIGHT + np.array([0, 0, 1]))  # halfway between the lamp and the viewer


class Canvas:
    """A picture that is being painted; its arrays are what `datasets/synthetic.py` needs."""

    def __init__(self, rows: int, cols: int, materials: Sequence[str], background: str) -> None:
        self.materials = tuple(materials)
        self.rows, self.cols = rows, cols
        y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(cols) + 0.5) / cols, indexing="ij")
        self.x: Image = x
        self.y: Image = y
        self.fine = 1 / 96
        self.abundances = np.zeros((len(materials), rows, cols))
        self.abundances[self._index(background)] = 1
        self.shading: Image = np.ones((rows, cols))
        self.shadow: Image = np.zeros((rows, cols))
        self.glint: Image = np.zeros((rows, cols))
        self.colourant: Image = np.zeros((rows, cols))

    def _index(self, material: str) -> int:
        if material not in self.materials:
            raise SceneError(f"recipe: expected the material {material!r}, which this layout uses, got {', '.join(self.materials)}; add it")
        return self.materials.index(material)

    def cover(self, distance: Image) -> Image:
        """The share of each pixel inside an outline, from the signed distance to the outline in units of the picture's height."""
        return np.clip(0.5 - distance * self.rows, 0, 1)

    def paint(self, material: str, cover: Image) -> None:
        """Put a material over what is there."""
        self.abundances *= 1 - cover
        self.abundances[self._index(material)] += cover

    def relight(self, cover: Image, shading: Image | float, glint: Image | float = 0.0) -> None:
        """Light a painted shape anew: shadows and highlights that were there do not lie on it."""
        self.shading = (1 - cover) * self.shading + cover * shading
        self.glint = (1 - cover) * self.glint + cover * glint
        self.shadow *= 1 - cover

    def cast(self, x: float, y: float, rx: float, ry: float, depth: float = 0.8) -> None:
        """A soft elliptic shadow on the ground."""
        radius = np.hypot((self.x - x) / rx, (self.y - y) / ry)
        self.shadow = np.maximum(self.shadow, depth * step((1 - radius) / 0.16))

    def ball(
        self, material: str, x: float, y: float, rx: float, ry: float, *, turn: float = 0.0, gloss: float = 0.5
    ) -> tuple[Image, Image]:
        """Paint an ellipsoid with its shadow, shading and highlight; gives its cover and its map of radii (1 on the outline)."""
        self.cast(x + 0.55 * rx, y + 0.75 * ry, 1.05 * rx, 0.55 * ry)
        dx, dy = self.x - x, self.y - y
        u = (np.cos(turn) * dx + np.sin(turn) * dy) / rx
        v = (-np.sin(turn) * dx + np.cos(turn) * dy) / ry
        radius = np.hypot(u, v)
        cover = self.cover((radius - 1) * min(rx, ry))
        self._solid(material, cover, np.cos(turn) * u - np.sin(turn) * v, np.sin(turn) * u + np.cos(turn) * v, gloss)
        return cover, radius

    def turned(self, material: str, x: float, top: float, bottom: float, profile: Image, *, gloss: float) -> Image:
        """Paint a solid of revolution about a vertical axis, `profile` being its radius at each row; gives its cover."""
        across = (self.x - x) / profile
        cover = self.cover(np.maximum(np.abs(self.x - x) - profile, np.abs(self.y - (top + bottom) / 2) - (bottom - top) / 2))
        self._solid(material, cover, across, -np.gradient(profile, 1 / self.rows, axis=0) * 0.8, gloss)
        return cover

    def _solid(self, material: str, cover: Image, right: Image, down: Image, gloss: float) -> None:
        """Paint and light a smooth solid from the first two components of its normals."""
        normal = np.stack([right, down, np.sqrt(np.clip(1 - right**2 - down**2, 0.01, 1))])
        normal /= np.linalg.norm(normal, axis=0)
        lambert = np.clip(np.tensordot(_LIGHT, normal, 1), 0, 1)
        bounce = 0.10 * np.clip(normal[1], 0, 1)  # light from the table
        self.paint(material, cover)
        self.relight(cover, 0.10 + 0.90 * lambert + bounce, gloss * np.clip(np.tensordot(_HALF, normal, 1), 0, 1) ** 60)


def noise(rng: np.random.Generator, rows: int, cols: int, coarsest: float, slope: float = 2.0) -> Image:
    """A periodic random field of mean 0 and standard deviation 1 whose amplitudes are as (frequency^2 + coarsest^-2)^(-slope / 2).

    `coarsest` is a length in units of the picture's height.
    """
    frequency = np.hypot(np.fft.fftfreq(rows, 1 / rows)[:, None], np.fft.rfftfreq(cols, 1 / cols)[None, :] * rows / cols)
    amplitude = (frequency**2 + coarsest**-2) ** (-slope / 2)
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((rows, cols))) * amplitude, s=(rows, cols))
    field -= field.mean()
    return np.asarray(field / field.std())


def step(height: Image) -> Image:
    """The logistic function: 0 far below 0, 1 far above."""
    return np.asarray(0.5 + 0.5 * np.tanh(height / 2))

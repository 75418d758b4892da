"""Reflectance spectra of the built-in scenes, analytic and smooth like measured ones.

The reflectance of a material at wavelength w (nm) is a floor, plus steps, plus bumps (absorptions are negative bumps), clipped to
0.004..0.95:

    e(w) = floor + sum_i height_i / (1 + exp(-(w - centre_i) / width_i)) + sum_j height_j exp(-((w - centre_j) / width_j)^2 / 2)

Red and yellow dyes are steps, blue and green dyes are bumps; leaves have the green bump at 550 nm, chlorophyll's absorption at 670, the red
edge at 715 and the water absorption at 970; soils and tiles rise slowly and dip at 870 (iron). The shapes follow textbooks of
colour and of remote sensing; no measured spectrum is copied. A `twin` is a near-metamer: a spectrum of its own that has the same colour to
three broad receptors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LOW, _HIGH = 0.004, 0.95


@dataclass(frozen=True)
class Material:
    """One reflectance spectrum; the module docstring has the formula. Each part is (centre nm, width nm, height)."""

    floor: float
    steps: tuple[tuple[float, float, float], ...] = ()
    bumps: tuple[tuple[float, float, float], ...] = ()
    twin: float = 0.0  # height of the metameric difference added at its middle

    def reflectance(self, wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """e at `wavelengths` (nm): an array of the same length, in 0.004..0.95."""
        steps = [height / (1 + np.exp(-(wavelengths - centre) / width)) for centre, width, height in self.steps]
        bumps = [_bell(wavelengths, centre, width) * height for centre, width, height in self.bumps]
        return np.clip(self.floor + sum(steps) + sum(bumps) + self.twin * _unseen(wavelengths), _LOW, _HIGH)


def _bell(wavelengths: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(((wavelengths - centre) / width) ** 2) / 2))


def _unseen(wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """A curve of height 1 that three broad receptors (450, 545, 600 nm) cannot see: what is left of a bump after projection."""
    receptors = np.stack([_bell(wavelengths, centre, 38.0) for centre in (450.0, 545.0, 600.0)], axis=1)
    bump = _bell(wavelengths, 500.0, 22.0) - _bell(wavelengths, 570.0, 20.0) + _bell(wavelengths, 660.0, 25.0)
    left = bump - receptors @ np.linalg.lstsq(receptors, bump, rcond=None)[0]
    return np.asarray(left / np.abs(left).max())


MATERIALS: Mapping[str, Material] = {
    # surroundings
    "black velvet": Material(0.018, steps=((690.0, 15.0, 0.05),)),
    "grey cloth": Material(0.16, steps=((600.0, 80.0, 0.06),)),
    "wood": Material(0.07, steps=((590.0, 45.0, 0.34),)),
    "white ceramic": Material(0.04, steps=((405.0, 9.0, 0.82),)),
    "black paint": Material(0.035),
    # dyes and pigments
    "red dye": Material(0.03, steps=((611.0, 10.0, 0.66),)),
    "red lacquer": Material(0.04, steps=((603.0, 12.0, 0.36), (655.0, 16.0, 0.22)), bumps=((430.0, 30.0, 0.03),)),
    "orange peel": Material(0.035, steps=((560.0, 13.0, 0.58), (640.0, 30.0, 0.10))),
    "yellow peel": Material(0.045, steps=((505.0, 11.0, 0.66),), bumps=((680.0, 14.0, -0.05),)),
    "green leaf": Material(0.035, steps=((700.0, 10.0, 0.30),), bumps=((552.0, 32.0, 0.16), (675.0, 16.0, -0.02))),
    "green paint": Material(0.04, bumps=((522.0, 34.0, 0.36), (730.0, 30.0, 0.25))),
    "blue glaze": Material(0.03, steps=((715.0, 12.0, 0.35),), bumps=((455.0, 34.0, 0.48),)),
    "cyan paint": Material(0.05, bumps=((480.0, 48.0, 0.50),)),
    "violet dye": Material(0.04, steps=((655.0, 14.0, 0.45),), bumps=((425.0, 32.0, 0.34),)),
    "pink dye": Material(0.20, steps=((600.0, 12.0, 0.55),), bumps=((430.0, 45.0, 0.25),)),
    "brown wool": Material(0.04, steps=((610.0, 38.0, 0.24),)),
    "cream wool": Material(0.22, steps=((470.0, 38.0, 0.46),)),
    "indigo": Material(0.03, steps=((700.0, 12.0, 0.42),), bumps=((440.0, 40.0, 0.13),)),
    "turquoise twin a": Material(0.16, bumps=((490.0, 42.0, 0.34),), twin=0.05),
    "turquoise twin b": Material(0.16, bumps=((490.0, 42.0, 0.34),), twin=-0.05),
    "beige twin a": Material(0.24, steps=((540.0, 45.0, 0.34),), twin=0.06),
    "beige twin b": Material(0.24, steps=((540.0, 45.0, 0.34),), twin=-0.06),
    "olive": Material(0.05, steps=((690.0, 14.0, 0.20),), bumps=((570.0, 45.0, 0.17),)),
    # the land, 390 to 1050 nm
    "crop": Material(0.03, steps=((717.0, 11.0, 0.46),), bumps=((552.0, 26.0, 0.075), (672.0, 18.0, -0.008), (970.0, 26.0, -0.055))),
    "meadow": Material(0.04, steps=((713.0, 14.0, 0.31),), bumps=((556.0, 34.0, 0.065), (674.0, 20.0, -0.01), (972.0, 28.0, -0.03))),
    "wheat": Material(0.06, steps=((560.0, 60.0, 0.24), (735.0, 60.0, 0.10)), bumps=((675.0, 16.0, -0.025), (975.0, 30.0, -0.015))),
    "beet": Material(0.022, steps=((722.0, 9.0, 0.52),), bumps=((548.0, 22.0, 0.05), (970.0, 24.0, -0.07))),
    "rape": Material(0.03, steps=((520.0, 14.0, 0.20), (715.0, 13.0, 0.26)), bumps=((672.0, 22.0, -0.09), (971.0, 26.0, -0.04))),
    "forest": Material(0.018, steps=((719.0, 12.0, 0.29),), bumps=((551.0, 24.0, 0.03), (970.0, 25.0, -0.04))),
    "bright soil": Material(0.07, steps=((610.0, 75.0, 0.25), (900.0, 120.0, 0.07)), bumps=((870.0, 45.0, -0.025),)),
    "dark soil": Material(0.035, steps=((650.0, 90.0, 0.15),), bumps=((900.0, 60.0, -0.012), (500.0, 25.0, -0.006))),
    "water": Material(0.005, bumps=((490.0, 55.0, 0.045), (575.0, 45.0, 0.030), (810.0, 18.0, 0.0015))),
    "asphalt": Material(0.075, steps=((560.0, 120.0, 0.06),)),
    "roof tile": Material(0.06, steps=((585.0, 22.0, 0.22), (760.0, 80.0, 0.09)), bumps=((865.0, 40.0, -0.035),)),
    "metal roof": Material(0.38, steps=((450.0, 60.0, 0.08),), bumps=((840.0, 60.0, -0.04),)),
}

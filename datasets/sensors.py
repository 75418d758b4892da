"""Multispectral sensors: response curves, and their integration over the bands of a scene.

A curve s_c(wavelength) is taken as piecewise linear between its samples. The weight of channel c on band b is its integral over the band,

    w[c, b] = integral of s_c from e[b] to e[b + 1],    then every row divided by its sum,

with band edges e halfway between neighbouring band centres (an outer edge lies as far from its centre as the inner one). The *coverage* of
a channel is the share of its whole integral that lies inside the scene's bands; a channel that is covered to less than 95 % would be
another sensor's. A table whose wavelengths are the scene's band centres (to 0.01 nm) is used as it is. Small negative samples (measurement
noise in published tables) count as zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from datasets.degradation import ResponseError, SpectralResponse
from datasets.response_table import read_response_table
from datasets.settings import SettingError, look_up

COVERAGE = 0.95
Channels = Literal["all", "covered"] | tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sensor:
    """Response curves of one sensor."""

    name: str
    channels: tuple[str, ...]
    wavelengths: NDArray[np.float64]  # nm, rising
    curves: NDArray[np.float64]  # (channels, samples)
    fingerprint: str  # sha256 of what defines it: a file's bytes, or the published numbers
    source: str = ""

    def respond(self, wavelengths: Float[Tensor, " bands"], keep: Channels = "all") -> SpectralResponse:
        """The response on a scene's band centres (nm), integrated over the bands: float64, rows sum to 1.

        `keep` says which channels: "all" of them, each of which must be covered to 95 %; those that are "covered"; or those that are named.

        Raises:
            ResponseError: a wanted channel does not exist or is not covered, no channel is left, or the centres do not rise.
        """
        weights, coverage = self._over(wavelengths)
        if isinstance(keep, tuple) and (unknown := [name for name in keep if name not in self.channels]):
            raise ResponseError(f"sensor {self.name}: expected channels among {', '.join(self.channels)}; got {', '.join(unknown)}")
        if isinstance(keep, tuple) and len(set(keep)) < len(keep):
            raise ResponseError(f"sensor {self.name}: expected each channel once, got {', '.join(keep)}; name each channel once")
        covered = [name for name, share in zip(self.channels, coverage, strict=True) if share >= COVERAGE]
        wanted = covered if keep == "covered" else list(self.channels) if keep == "all" else list(keep)
        refused = [name for name in wanted if name not in covered]
        if refused or not wanted:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(self.channels, coverage, strict=True))
            span = f"{float(wavelengths[0]):.0f}..{float(wavelengths[-1]):.0f} nm"
            raise ResponseError(
                f"sensor {self.name}: expected channels that {span} covers to {COVERAGE:.0%}, got {shares}; "
                + (f"name the others: channels = {covered}" if covered else "choose another sensor for this scene")
            )
        return self._normalised(weights, tuple(wanted))

    def integrate(self, wavelengths: Float[Tensor, " bands"], names: tuple[str, ...]) -> SpectralResponse:
        """The response of the named channels, whatever their coverage: a mismatch protocol may tell methods such a response."""
        return self._normalised(self._over(wavelengths)[0], names)

    def _over(self, wavelengths: Float[Tensor, " bands"]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The weights (channels, bands) on a scene's band centres, and the coverage of each channel."""
        centres = wavelengths.double().cpu().numpy()
        self._expect_rising(centres)
        curves = np.maximum(self.curves, 0)
        if centres.size == self.wavelengths.size and np.abs(centres - self.wavelengths).max() < 0.01:
            return curves, np.ones(len(self.channels))
        edges = band_edges(centres)
        weights = np.stack([_integral_between(self.wavelengths, curve, edges) for curve in curves])
        return weights, weights.sum(1) / np.maximum(np.trapezoid(curves, self.wavelengths, axis=1), 1e-300)

    def _expect_rising(self, centres: NDArray[np.float64]) -> None:
        """Nothing, where the band centres are finite and rise from band to band, without which bands have no edges."""
        steps = np.diff(centres)
        if centres.size and np.isfinite(centres).all() and (steps > 0).all():
            return
        span = f"{centres[0]:g}..{centres[-1]:g} nm" if centres.size else "none"
        if centres.size > 1 and (steps < 0).all():
            raise ResponseError(
                f"sensor {self.name}: expected band centres that rise from band to band, got falling ones, {span}; turn the bands round "
                f'with bands="{centres.size}-1"'
            )
        raise ResponseError(
            f"sensor {self.name}: expected band centres that rise from band to band, got {int((steps > 0).sum()) + 1} rising of "
            f"{centres.size}, {span}; sort the bands, or give overlap=drop where two spectrometers overlap"
        )

    def _normalised(self, weights: NDArray[np.float64], names: tuple[str, ...]) -> SpectralResponse:
        rows = weights[[self.channels.index(name) for name in names]]
        return SpectralResponse(torch.from_numpy(rows / rows.sum(1, keepdims=True)), names)


def band_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edges of bands (nm), halfway between their centres; an outer edge lies as far from its centre as the inner one."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def read_sensor(file: Path) -> Sensor:
    """A sensor from CSV: an optional first line `# source: ...`, then `wavelength_nm` and one column per channel.

    Raises:
        ResponseError: there is no such file, or it is no such table.
    """
    table = read_response_table(file)
    return Sensor(file.stem, table.channels, table.wavelengths, table.curves, table.sha256, table.source)


def find_sensor(name: str, folder: Path | None) -> Sensor:
    """The sensor of that name: a built-in one, or `<folder>/<name>.csv` from the data root's `srf/`.

    Raises:
        SettingError: no such sensor; the text names the valid ones, and what to do when the name is one that needs a download.
    """
    if name in BUILT_IN:
        return _analytic(name)
    files = {file.stem: file for file in _tables(folder)}
    if name not in files and name == NIKON:
        raise SettingError(
            f"sensor {name!r}: expected srf/{name}.csv in the data root, got {folder if folder else 'no data root'}; run "
            "`python run_benchmark.py fetch nikon_d700`, point --data at a folder that has it, or use the built-in sensor rgb_camera"
        )
    look_up("sensor", name, {**BUILT_IN, **files})
    return read_sensor(files[name])


def sensor_names(folder: Path | None) -> dict[str, str]:
    """Every sensor that can be used now, by its name: where its numbers are from."""
    source_of_name = {name: facts.source for name, facts in BUILT_IN.items()}
    source_of_name.update({file.stem: read_sensor(file).source for file in _tables(folder)})
    return source_of_name


def _tables(folder: Path | None) -> list[Path]:
    """The tables in a folder, without the companions that some systems put beside a file (._x.csv, .#x.csv)."""
    return sorted(folder.glob("[!.]*.csv")) if folder is not None and folder.is_dir() else []


NIKON = "nikon_d700_mossfuse_31"


@dataclass(frozen=True)
class _Published:
    """An analytic sensor: for each channel (centre, full width at half maximum) in nm, and how steep the flanks are.

    s(wavelength) = exp(-ln 2 * |2 (wavelength - centre) / width| ** order): order 2 is a Gaussian, order 6 nearly a box.
    """

    bands: Mapping[str, tuple[float, float]]
    order: int
    source: str


def _from_edges(edges: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    return {name: ((low + high) / 2, high - low) for name, (low, high) in edges.items()}


BUILT_IN: Mapping[str, _Published] = {
    "rgb_camera": _Published(
        {"r": (605.0, 80.0), "g": (540.0, 90.0), "b": (460.0, 75.0)},
        2,
        "analytic: three Gaussians at the places of a consumer camera's channels; no camera in particular",
    ),
    "sentinel2": _Published(
        {
            "B01": (442.7, 21.0), "B02": (492.4, 66.0), "B03": (559.8, 36.0), "B04": (664.6, 31.0), "B05": (704.1, 15.0),
            "B06": (740.5, 15.0), "B07": (782.8, 20.0), "B08": (832.8, 106.0), "B8A": (864.7, 21.0), "B09": (945.1, 20.0),
            "B11": (1613.7, 91.0), "B12": (2202.4, 175.0),
        },
        6,
        "analytic from band centres and widths of Sentinel-2A MSI, ESA Sentinel-2 User Handbook",
    ),
    "landsat8": _Published(
        {
            "coastal": (442.96, 15.98), "blue": (482.04, 60.04), "green": (561.41, 57.33), "red": (654.59, 37.47),
            "nir": (864.67, 28.25), "swir1": (1608.86, 84.72), "swir2": (2200.73, 186.66),
        },
        6,
        "analytic from band centres and widths of Landsat 8 OLI, Barsi et al., Remote Sensing 2014, 10.3390/rs61010232",
    ),
    "worldview2": _Published(
        _from_edges(
            {
                "coastal": (400.0, 450.0), "blue": (450.0, 510.0), "green": (510.0, 580.0), "yellow": (585.0, 625.0),
                "red": (630.0, 690.0), "rededge": (705.0, 745.0), "nir1": (770.0, 895.0), "nir2": (860.0, 1040.0),
            }
        ),
        6,
        "analytic from the nominal band edges of WorldView-2, DigitalGlobe WorldView-2 data sheet",
    ),
    "panchromatic": _Published(
        _from_edges({"pan": (450.0, 690.0)}), 6, "analytic: one broad channel over the visible range; no sensor in particular"
    ),
}  # fmt: skip


def _analytic(name: str) -> Sensor:
    facts = BUILT_IN[name]
    low = min(centre - 1.5 * width for centre, width in facts.bands.values())
    high = max(centre + 1.5 * width for centre, width in facts.bands.values())
    wavelengths = np.arange(np.floor(low), np.ceil(high) + 1)
    curves = np.stack(
        [np.exp(-log(2) * np.abs(2 * (wavelengths - centre) / width) ** facts.order) for centre, width in facts.bands.values()]
    )
    fingerprint = hashlib.sha256(repr((sorted(facts.bands.items()), facts.order)).encode()).hexdigest()
    return Sensor(name, tuple(facts.bands), wavelengths, curves, fingerprint, facts.source)


def _integral_between(x: NDArray[np.float64], y: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integrals of the piecewise linear curve (x, y), zero outside its samples, between consecutive edges; exact."""
    inner = np.clip(edges, x[0], x[-1])
    knots = np.union1d(x, inner)
    values = np.interp(knots, x, y)
    total = np.concatenate([[0.0], np.cumsum(np.diff(knots) * (values[1:] + values[:-1]) / 2)])
    return np.diff(np.interp(inner, knots, total))

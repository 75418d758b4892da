"""Two images of one place that two sensors took, and what is known of the sensors; there need be no truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from datasets.area_resampling import area_resampled, whole_ratio
from datasets.cube_file import CubeFile
from datasets.cube_writers import NOWHERE
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.georeference import Georeference
from datasets.input_files import InputFileError
from datasets.observation import Known, NoiseLevel, Observation
from datasets.placed_psf import placed_psf
from datasets.psfs import Psf
from datasets.sensors import Sensor


class PairError(InputFileError):
    """Two images that do not make a pair; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class ImagePair:
    """A pair of images, and what is known of its sensors."""

    hsi: CubeFile
    msi: CubeFile
    psf: Psf | None = None
    sensor: Sensor | None = None
    channels: tuple[str, ...] = ()
    phase: tuple[float, float] | None = None  # centre of coarse pixel 0 on the fine grid; None: (ratio - 1) / 2, that of its block
    noise: NoiseLevel | None = None
    place: Georeference = NOWHERE  # of the MSI's pixels

    @property
    def ratio(self) -> int:
        """Fine pixels per coarse pixel, along each axis.

        Raises:
            PairError: the sides of the MSI are no whole multiple of the HSI's.
        """
        rows, cols = self.hsi.cube.shape[1:]
        fine_rows, fine_cols = self.msi.cube.shape[1:]
        ratio = int(fine_rows // rows)
        if ratio >= 1 and (rows * ratio, cols * ratio) == (fine_rows, fine_cols):
            return ratio
        if fine_rows < rows and fine_cols < cols and not (rows % fine_rows or cols % fine_cols):
            raise PairError(
                f"expected an MSI with more pixels than the HSI, got {fine_rows} x {fine_cols} and {rows} x {cols}: are they swapped?"
            )
        raise PairError(
            f"expected an MSI whose sides are one whole multiple of the HSI's {rows} x {cols}, got {fine_rows} x {fine_cols}; "
            + _way_out((rows, cols), (fine_rows, fine_cols))
        )

    @property
    def centre(self) -> tuple[float, float]:
        """The centre of coarse pixel 0 on the fine grid (row, column).

        Raises:
            PairError: it lies more than a coarse pixel outside the MSI.
        """
        middle, ratio = (self.ratio - 1) / 2, self.ratio
        place = (middle, middle) if self.phase is None else self.phase
        for value, size in zip(place, self.msi.cube.shape[1:], strict=True):
            if not -ratio <= value <= size - 1 + ratio:  # nor is NaN
                raise PairError(f"phase: expected the centre of coarse pixel 0 on the MSI's {size} pixels, got {value:g}; see `register`")
        return place

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows and columns of the fused cube."""
        return self.hsi.cube.shape[0], self.msi.cube.shape[1], self.msi.cube.shape[2]

    def resampled(self, true: float | None) -> ImagePair:
        """The pair with its MSI resampled by area to the next whole ratio (datasets/area_resampling.py); itself where it has one.

        Args:
            true: the ratio of the sizes of the pixels, such as 10 / 3; None: that of the sides.

        Raises:
            PairError: the sides fit no common ratio.
        """
        coarse, fine = self.hsi.cube.shape[1:], self.msi.cube.shape[1:]
        found = whole_ratio((coarse[0], coarse[1]), (fine[0], fine[1]), true)
        if found is None:
            quotients = " and ".join(f"{many / few:.4g}" for many, few in zip(fine, coarse, strict=True))
            way_out = "; crop the images to the same ground, or give the true ratio: --resample 10/3" if true is None else f" at {true:g}"
            raise PairError(
                f"--resample: expected an MSI that covers the HSI's {coarse[0]} x {coarse[1]} pixels at one ratio, got "
                f"{fine[0]} x {fine[1]}, {quotients} times as many{way_out}"
            )
        if found.factor == 1 and (found.rows, found.cols) == tuple(fine):
            return self
        cube = area_resampled(self.msi.cube, found.rows, found.cols, found.factor)
        return replace(self, msi=replace(self.msi, cube=cube), place=self.place.enlarged(found.factor))

    def spatial(self) -> SpatialResponse | None:
        """The spatial response S in the precision of the kernel, where the PSF is known.

        Raises:
            PairError: the kernel is larger than the MSI.
        """
        if self.psf is None:
            return None
        kernel = self.psf.kernel(self.ratio)
        sides, most = tuple(kernel.shape), tuple(self.msi.cube.shape[1:])
        if any(taps > size for taps, size in zip(sides, most, strict=True)):
            raise PairError(f"psf: expected a kernel no larger than the MSI's {most[0]} x {most[1]} pixels, got {sides[0]} x {sides[1]}")
        return placed_psf(kernel, self.ratio, self.centre)

    def observe(self) -> Observation:
        """The pair as an observation.

        Raises:
            PairError: the sizes fit no whole ratio, wavelengths are missing that the SRF needs, or the number of channels differs.
        """
        bands = self.hsi.cube.shape[0]
        ratio, centre, psf = self.ratio, self.centre, self.spatial()
        srf = None if self.sensor is None else self._spectral(self.sensor, self.msi.cube.shape[0])
        wavelengths = np.arange(bands) if self.hsi.wavelengths_nm is None else self.hsi.wavelengths_nm
        hsi = torch.from_numpy(self.hsi.cube)
        return Observation(
            hsi,
            torch.from_numpy(self.msi.cube),
            torch.from_numpy(np.asarray(wavelengths, dtype=np.float32)),
            ratio,
            centre if psf is None else psf.centre,
            Known(_single(psf), srf, self.noise),
        )

    def _spectral(self, sensor: Sensor, channels: int) -> SpectralResponse:
        if self.hsi.wavelengths_nm is None:
            raise PairError(
                "expected band centres of the HSI, which the SRF is integrated over; got none in its file: give its wavelengths (in fuse "
                "--hsi-wavelengths)"
            )
        srf = sensor.respond(torch.from_numpy(self.hsi.wavelengths_nm), self.channels or "covered")
        if srf.weights.shape[0] != channels:
            raise PairError(
                f"expected {channels} channels, as the MSI has, got {', '.join(srf.names)}; name those it has with channels (in fuse "
                "--channels), and leave out those that the HSI does not cover with bands of the MSI (in fuse --msi-bands)"
            )
        return SpectralResponse(srf.weights.float(), srf.names)


def _single(psf: SpatialResponse | None) -> SpatialResponse | None:
    return None if psf is None else replace(psf, kernel=psf.kernel.float())


def _way_out(hsi: tuple[int, int], msi: tuple[int, int]) -> str:
    """What would make a pair of these sides."""
    rows, cols = hsi
    if msi[1] % rows == 0 and msi[1] // rows >= 1 and (msi[1] // rows * rows, msi[1] // rows * cols) == (msi[1], msi[0]):
        return "one of them seems to be transposed: say the order of its axes with layout (in fuse --hsi-layout or --msi-layout)"
    found = whole_ratio(hsi, msi)
    if found is not None:
        crop = (
            f"crop the MSI to {found.rows} x {found.cols}" if found.factor == 1 else f"fuse --resample makes it {found.rows} x {found.cols}"
        )
        return f"{crop}, ratio {found.ratio}" + (f" instead of {found.true:.4g}" if found.factor != 1 else "")
    return "crop the images to the same ground (in fuse --hsi-crop and --msi-crop), or give the true ratio, such as fuse --resample 10/3"

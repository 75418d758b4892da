"""The fields of the files that are exchanged with other programs: their names, and what they mean.

Images are (rows, cols, bands) in all three formats, also in HDF5 and numpy, where the suite's own files have the bands first. In HDF5 that
is the order of the header (h5py, `h5dump`); MATLAB's and Octave's own HDF5 functions show the axes reversed, and a `.mat` not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from datasets.input_files import InputFileError

ExchangeFormat = Literal["mat", "h5", "npz"]

HANDED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "hsi": "the low-resolution HSI, rows x cols x bands",
        "msi": "the high-resolution MSI, rows x cols x channels",
        "ratio": "pixels of the MSI per pixel of the HSI, along each axis",
        "phase": "centre of the HSI's first pixel in the grid of the MSI, (row, column), counted from 0",
        "wavelengths": "centres of the HSI's bands in nm",
        "seed": "the seed of this cell: draw random numbers from it alone",
        "psf": "the blur kernel, rows x cols, sums to 1; only where the card asks for it and it is known",
        "psf_phase": "the pixel of the MSI, counted from 0, under the kernel's anchor for the first pixel of the HSI; beside psf",
        "psf_boundary": "circular, reflect, replicate or valid: what lies outside of the image; beside psf",
        "srf": "the spectral response, channels x bands, rows sum to 1; only where the card asks for it and it is known",
        "noise": "standard deviations of the noise (HSI, MSI); only where the card asks for it and it is known",
        "parameters": "the parameters of the method, each by its name",
        "about": "what the fields mean",
    }
)
RETURNED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "cube": "the fused cube, rows x cols x bands: rows and columns of the MSI, bands of the HSI; must be there",
        "psf": "the estimated blur kernel, rows x cols, sums to 1",
        "psf_phase": "the pixel of the MSI under its anchor, counted from 0; the phase that fits the pair, when absent",
        "srf": "the estimated spectral response, channels x bands",
        "std": "the standard deviation of each value of the cube, of its shape",
        "learning_seconds": "the program's own figure for the time of its learning",
        "fusing_seconds": "the program's own figure for the time of its fusion",
        "parameter_count": "how many numbers the program has learned",
    }
)


class ExchangeFileError(InputFileError):
    """A file from another program that cannot be used; the text says what was expected, what came, and the way out."""


def about_text(fields: Mapping[str, str]) -> str:
    """The meaning of the fields, one line for each."""
    return "\n".join(f"{name}: {meaning}" for name, meaning in fields.items())

"""Wavelengths in nm out of numbers and a unit: one rule for what files state and for what users say.

A wavelength of light lies in 200..20000 nm, and in no sensor do the numbers lie in both this range and in 0.2..20, as they do in
micrometres. Needs no torch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NM_PER_UNIT = {
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"), 1e3),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e9),
    **dict.fromkeys(("angstrom", "angstroms", "ångström", "ångströms", "ångstrom", "ångstroms", "å"), 0.1),
}
SHORTEST_NM, LONGEST_NM = 200.0, 20_000.0  # of the light that images are made of
_SHORTEST_STATED_NM, _LONGEST_STATED_NM = 20.0, 200_000.0  # beyond these, even a stated unit is a slip
_LONGEST_OF_SUN_NM = 2600.0  # no image of reflected light has longer waves alone


def are_nanometres(numbers: NDArray[np.float64]) -> bool:
    """Whether all numbers can be wavelengths of light in nm."""
    return _all_within(numbers, SHORTEST_NM, LONGEST_NM)


def are_micrometres(numbers: NDArray[np.float64]) -> bool:
    """Whether all numbers can be wavelengths of light in um."""
    return _all_within(numbers, SHORTEST_NM / 1000, LONGEST_NM / 1000)


def are_of_light(nanometres: NDArray[np.float64]) -> bool:
    """Whether wavelengths whose unit was stated can be those of light: at least some lie in 20..200000 nm."""
    return bool(nanometres.size and nanometres.max() > _SHORTEST_STATED_NM and nanometres.min() < _LONGEST_STATED_NM)


def may_be_angstroms(nanometres: NDArray[np.float64]) -> bool:
    """Whether numbers that are taken as nm would be waves of reflected light in angstroms: 3900..7300 would be 390..730 nm."""
    kept = nanometres[np.isfinite(nanometres)]
    return bool(kept.size and kept.min() > _LONGEST_OF_SUN_NM and are_nanometres(kept / 10))


def why_no_nanometres(numbers: NDArray[np.float64]) -> str:
    """What is wrong with numbers that a user gives in nm, and the way out; empty where nothing is."""
    if are_nanometres(numbers):
        return ""
    shown = f"{[float(f'{number:.6g}') for number in numbers[:4]]}{'...' if numbers.size > 4 else ''}"
    if are_micrometres(numbers):
        in_nm = f"{numbers[0] * 1000:g}:{numbers[-1] * 1000:g}"
        return f"expected nm ({SHORTEST_NM:g} to {LONGEST_NM:g}), got {shown}, which are micrometres; give them in nm: {in_nm}"
    return f"expected wavelengths of light in nm ({SHORTEST_NM:g} to {LONGEST_NM:g}), got {shown}; give them in nm, such as 390:730"


def _all_within(numbers: NDArray[np.float64], least: float, largest: float) -> bool:
    return bool(numbers.size and ((numbers >= least) & (numbers <= largest)).all())  # NaN lies nowhere

"""MUUFL Gulfport, an airborne image of a campus in Mississippi.

what         one scene of 1 m pixels, November 2010; CASI-1500, 72 channels, of which 64 are kept: all but 1-4 and 69-72
where        https://github.com/GatorSense/MUUFLGulfport (release v0.1)
size         about 90 MB for the release
folder       MUUFLGulfportSceneLabels/muufl_gulfport_campus_1_hsi_220_label.mat
file         the field Data (rows x cols x bands) of the struct hsi, and its info.wavelength
scenes       whole
shape        325 x 220 x 64
scale        1: reflectance, which here and there lies below 0
wavelengths  404.3 to 1004.8: those of channels 5 to 68 of 367.7 to 1043.4, taken as even
licence      MIT
paper        P. Gader, A. Zare, R. Close, J. Aitken, G. Tuell, "MUUFL Gulfport Hyperspectral and LiDAR Airborne Data Set", Technical Report
             REP-2013-570, University of Florida, 2013
doi          10.5281/zenodo.1186326
splits       none that a fusion paper states
open         which 8 channels are left out, and the centre of each band; the size on disk; the DOI
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, SetScene

_CENTRES = EvenCentres(367.7, 1043.4, 72).values(72)[4:68]
_OPTIONS = ReadingOptions(variable="hsi/Data", layout="rows cols bands", scale=1.0, wavelengths=_CENTRES)
SET = NamedSet(
    "muufl",
    Path(__file__),
    (SetScene("whole", ("**/muufl_gulfport_campus_1_hsi_220_label.mat",), _OPTIONS, (64, 325, 220)),),
    folders=("MUUFLGulfport", "MUUFLGulfport-0.1"),
)

"""ARAD_1K, the natural images of the NTIRE 2022 challenges on spectral recovery and demosaicing.

what         950 published scenes of natural surroundings (50 more are held back); Specim IQ camera
where        https://codalab.lisn.upsaclay.fr/competitions/721 (registration); https://github.com/boazarad/ARAD_1K
size         not published
folder       folders whose names hold train and valid, with ARAD_1K_*.mat
file         variable cube in a MATLAB file of version 7.3, as MATLAB shows it (rows x cols x 31); bands, norm_factor lie beside it
scenes       950, by the names of their files
shape        482 x 512 x 31
scale        1: the makers divided each image by its norm_factor
wavelengths  400, 410, ..., 700
licence      not stated; for research, with the paper cited
paper        B. Arad et al., "NTIRE 2022 Spectral Recovery Challenge and Data Set", CVPR Workshops 2022, pages 863-881
doi          10.1109/CVPRW56347.2022.00102
splits       train (900), valid (50): the challenge
open         the camera; the numbers 900 and 50 and the size of the images; the DOI
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, ScenePattern, Split

_OPTIONS = ReadingOptions(variable="cube", layout="rows cols bands", scale=1.0, wavelengths=EvenCentres(400.0, 700.0, 31))
SET = NamedSet(
    "arad_1k",
    Path(__file__),
    pattern=ScenePattern("**/ARAD_1K_*.mat", _OPTIONS),
    splits={"train": Split("the challenge", folder="*train*"), "valid": Split("the challenge", folder="*valid*")},
    folders=("ARAD1K",),
)

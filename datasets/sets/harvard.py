"""Harvard, hyperspectral images of real-world scenes.

what         50 indoor and outdoor scenes in daylight and 27 indoor scenes under artificial or mixed light; Nuance FX camera with a
             liquid crystal tunable filter
where        https://vision.seas.harvard.edu/hyperspec/download.html
size         5.3 GB (CZ_hsdb.tgz) and 2.2 GB (CZ_hsdbi.tgz)
folder       CZ_hsdb/img*.mat and CZ_hsdbi/img*.mat
file         variable ref (rows x cols x 31); lbl (rows x cols) is 0 where something moved: such pixels are left out of the scores
scenes       77, by the names of their files
shape        1024 x 1024 x 31, the top left part of 1040 x 1392
scale        1: the values as they are stored; no sensor's constant is published, and papers divide by each image's maximum. Dark scenes
             stay dark, so that bicubic enlargement alone reaches 60 dB: compare figures only where the scaling is the same
wavelengths  420, 430, ..., 720 (README.txt of the data)
licence      unrestricted research and academic use, with the paper cited (README.txt of the data)
paper        A. Chakrabarti, T. Zickler, "Statistics of Real-World Hyperspectral Images", CVPR 2011
doi          10.1109/CVPR.2011.5995660
splits       daylight (50), indoor (27); test (19), validation (8): HIFtool, by their places among the 77 files sorted by name; the top
             left part of 1024 x 1024 is HIFtool's too
open         the camera's sensitivity (calib.txt, 31 factors) is not applied; whether HIFtool's copy sorts as the original names do
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, ScenePattern, Split

_TEST = (4, 8, 13, 19, 20, 25, 27, 31, 35, 42, 43, 44, 48, 52, 58, 59, 60, 67, 70)
_OPTIONS = ReadingOptions(
    variable="ref", layout="rows cols bands", scale=1.0, wavelengths=EvenCentres(420.0, 720.0, 31), crop=(0, 0, 1024, 1024), mask="lbl"
)
SET = NamedSet(
    "harvard",
    Path(__file__),
    pattern=ScenePattern("**/img*.mat", _OPTIONS, (31, 1024, 1024)),
    splits={
        "daylight": Split("the makers' archive CZ_hsdb", folder="CZ_hsdb"),
        "indoor": Split("the makers' archive CZ_hsdbi", folder="CZ_hsdbi"),
        "test": Split("HIFtool, PretrainModel/PSRT/HARVARD/readme.md", places=_TEST, of=77),
        "validation": Split("HIFtool, PretrainModel/PSRT/HARVARD/readme.md", places=(1, 3, 10, 21, 45, 63, 36, 72), of=77),
    },
)

"""Pavia Centre, an airborne image of the old town.

what         one urban scene of 1.3 m pixels over northern Italy; ROSIS, 115 channels, of which 102 are kept
where        https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes
size         124 MB
folder       Pavia.mat
file         variable pavia (rows x cols x bands), 16-bit
scenes       whole, corner128, bottom320
shape        1096 x 715 x 102: the strip without data in the middle of 1096 x 1096 is left out
scale        10000, by choice of this suite
wavelengths  430 to 860, taken as even
licence      none stated; provided by P. Gamba, University of Pavia
paper        no paper of the makers is named where it is distributed
doi          none
splits       corner128: the window of 128 x 128 that begins 200 pixels before the end (SFIGNet); bottom320: the last 320 rows and the
             first 320 columns (HIFtool's test window, there of a copy with 93 bands)
open         the scale, the centre of each band, the size on disk; papers divide by the maximum of the image
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, windows

_OPTIONS = ReadingOptions(variable="pavia", layout="rows cols bands", scale=10000.0, wavelengths=EvenCentres(430.0, 860.0, 102))
_WINDOWS = {"corner128": (896, 515, 128, 128), "bottom320": (776, 0, 320, 320)}
SET = NamedSet(
    "pavia_centre",
    Path(__file__),
    windows(("**/Pavia.mat",), _OPTIONS, (102, 1096, 715), _WINDOWS),
    folders=("PaviaC", "Pavia", "PC", "pavia_center"),
)

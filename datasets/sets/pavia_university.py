"""Pavia University, an airborne image of the campus.

what         one urban scene of 1.3 m pixels over northern Italy; ROSIS, 115 channels, of which 103 are kept
where        https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes
size         33 MB
folder       PaviaU.mat
file         variable paviaU (rows x cols x bands), 16-bit
scenes       whole, centre128, corner128
shape        610 x 340 x 103
scale        10000, by choice of this suite
wavelengths  430 to 860, taken as even
licence      none stated; provided by P. Gamba, University of Pavia
paper        no paper of the makers is named where it is distributed
doi          none
splits       centre128: the middle 128 x 128 (SSR-Net's data code; Baisonm-Li/HSR); corner128: the window of 128 x 128 that begins 200
             pixels before the end (SFIGNet)
open         the scale, and the centre of each band; papers divide by the maximum of the image, or stretch it from minimum to maximum
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, windows

_OPTIONS = ReadingOptions(variable="paviaU", layout="rows cols bands", scale=10000.0, wavelengths=EvenCentres(430.0, 860.0, 103))
_WINDOWS = {"centre128": (241, 106, 128, 128), "corner128": (410, 140, 128, 128)}
SET = NamedSet(
    "pavia_university",
    Path(__file__),
    windows(("**/PaviaU.mat",), _OPTIONS, (103, 610, 340), _WINDOWS),
    folders=("PaviaU", "PU"),
)

"""Houston 2013, the hyperspectral image of the IEEE GRSS data fusion contest 2013.

what         one scene of the university and its surroundings, 2.5 m pixels; CASI, 144 channels
where        https://machinelearning.ee.uh.edu/?page_id=459
size         not published; about 190 MB for the image
folder       2013_DFTC/2013_IEEE_GRSS_DF_Contest_CASI.tif
file         GeoTIFF of 144 bands, 16-bit
scenes       whole, corner128
shape        349 x 1905 x 144
scale        65535: the samples have 16 bits
wavelengths  364.0 to 1046.1, even within 0.1 (table in songyz2019/rs-fusion-datasets)
licence      copyright.txt of the data: for research, with contest and laboratory acknowledged
paper        C. Debes et al., "Hyperspectral and LiDAR Data Fusion: Outcome of the 2013 GRSS Data Fusion Contest", IEEE Journal of
             Selected Topics in Applied Earth Observations and Remote Sensing 7(6), 2014
doi          10.1109/JSTARS.2014.2305441
splits       corner128: the window of 128 x 128 that begins 200 pixels before the end (SFIGNet)
open         the unit of the samples, and hence the scale; the text of the terms. Copies as Houston.mat are not read here: their
             variables and scales differ
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, windows

_OPTIONS = ReadingOptions(scale=65535.0, wavelengths=EvenCentres(364.0, 1046.1, 144))
SET = NamedSet(
    "houston2013",
    Path(__file__),
    windows(("**/2013_IEEE_GRSS_DF_Contest_CASI.tif",), _OPTIONS, (144, 349, 1905), {"corner128": (149, 1705, 128, 128)}),
    folders=("2013_DFTC", "Houston13"),
)

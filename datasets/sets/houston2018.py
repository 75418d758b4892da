"""Houston 2018, the hyperspectral image of the IEEE GRSS data fusion contest 2018.

what         one scene of the university and its surroundings, 1 m pixels; CASI, 48 channels and two layers that are none
where        https://machinelearning.ee.uh.edu/2018-ieee-grss-data-fusion-challenge-fusion-of-multispectral-lidar-and-hyperspectral-data
size         not published
folder       2018_IEEE_GRSS_DFC_HSI_TR with its .HDR (the training part), or houston_hsi.mat (the whole, resampled)
file         ENVI of 50 layers; or variable houston_hsi (rows x cols x 50) in MATLAB; 16-bit
scenes       training, whole
shape        training 601 x 2384 x 48; whole 1202 x 4768 x 48
scale        65535: the samples have 16 bits
wavelengths  374.4 to 1047.1, even within 0.1 (table in songyz2019/rs-fusion-datasets, which gives 49 and 50 for the other layers)
licence      for research, with contest and laboratory acknowledged
paper        Y. Xu et al., "Advanced Multi-Sensor Optical Remote Sensing for Urban Land Use and Land Cover Classification: Outcome of the
             2018 IEEE GRSS Data Fusion Contest", IEEE Journal of Selected Topics in Applied Earth Observations and Remote Sensing
             12(6), 2019
doi          10.1109/JSTARS.2019.2911113
splits       none that a fusion paper states
open         the size of the training part, the unit of the samples, and hence the scale; the terms. The makers' .pix file of the whole is
             not read here
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, SetScene

_CENTRES = (*EvenCentres(374.4, 1047.1, 48).values(48), 49.0, 50.0)
_ENVI = ReadingOptions(scale=65535.0, wavelengths=_CENTRES, bands=tuple(range(1, 49)))
_MATLAB = replace(_ENVI, variable="houston_hsi", layout="rows cols bands")
SET = NamedSet(
    "houston2018",
    Path(__file__),
    (
        SetScene("training", ("**/2018_IEEE_GRSS_DFC_HSI_TR.hdr",), _ENVI, (48, 601, 2384)),
        SetScene("whole", ("**/houston_hsi.mat",), _MATLAB, (48, 1202, 4768)),
    ),
    folders=("Houston18", "2018IEEE_Contest"),
)

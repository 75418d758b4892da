"""TianGong-1, a spaceborne image, as M2U-Net and EDIP-Net use it.

what         one scene of the hyperspectral imager on the space station TianGong-1, visible and near infrared
where        https://github.com/JiaxinLiCAS/M2U-Net (data/M2U-Net/TG/REF.mat)
size         about 20 MB
folder       REF.mat
file         variable REF (rows x cols x bands), floating, 0 to 1
scenes       whole
shape        240 x 240 x 54
scale        1: the values are stored from 0 to 1
wavelengths  400 to 1000, taken as even
licence      none stated
paper        J. Li, K. Zheng, L. Gao, L. Ni, M. Huang, J. Chanussot, "Model-Informed Multistage Unsupervised Network for Hyperspectral Image
             Super-Resolution", IEEE Transactions on Geoscience and Remote Sensing 62, 2024
doi          10.1109/TGRS.2024.3391014
splits       none: one scene
open         the centre of each band, the ground sampling distance, the size on disk, the DOI; the values have been stretched by whoever
             made the file
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, SetScene

_OPTIONS = ReadingOptions(variable="REF", layout="rows cols bands", scale=1.0, wavelengths=EvenCentres(400.0, 1000.0, 54))
SET = NamedSet("tiangong1", Path(__file__), (SetScene("whole", ("**/REF.mat",), _OPTIONS, (54, 240, 240)),), folders=("TG", "tiangong"))

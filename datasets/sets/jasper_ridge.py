"""Jasper Ridge, an airborne image of a nature reserve in California.

what         a part of 100 x 100 pixels; AVIRIS, 224 channels, of which 198 are kept: all but 1-3, 108-112, 154-166, 220-224
where        https://rslab.ut.ac.ir/data, https://huggingface.co/datasets/danaroth/jasper_ridge (ENVI)
size         3 MB
folder       jasperRidge2_R198.mat
file         variable Y (bands x pixels, down the columns), nRow, nCol, SlectBands, maxValue, 16-bit
scenes       whole
shape        100 x 100 x 198
scale        5000: maxValue of the file
wavelengths  380 to 2500, taken as even over the 224 channels
licence      none stated; AVIRIS data of NASA/JPL
paper        F. Zhu, "Hyperspectral Unmixing: Ground Truth Labeling, Datasets, Benchmark Performances and Survey", arXiv 1708.05125, 2017
doi          10.48550/arXiv.1708.05125
splits       none that a fusion paper states
open         the centre of each band; values reach 1.09
"""

from __future__ import annotations

from pathlib import Path

from datasets.sets.named_set import NamedSet, SetScene
from datasets.sets.pixel_matrix import PixelMatrixReader

_DROPPED = {*range(1, 4), *range(108, 113), *range(154, 167), *range(220, 225)}
_KEPT = tuple(channel for channel in range(1, 225) if channel not in _DROPPED)
SET = NamedSet(
    "jasper_ridge",
    Path(__file__),
    (SetScene("whole", ("**/jasperRidge2_R198.mat",), shape=(198, 100, 100)),),
    folders=("Jasper", "JasperRidge"),
    reader=PixelMatrixReader(("Y",), (100, 100), (380.0, 2500.0, 224), _KEPT),
)

"""Samson, an airborne image of soil, trees and water.

what         a part of 95 x 95 pixels of 952 x 952; SAMSON, 156 channels, none left out
where        https://rslab.ut.ac.ir/data, https://huggingface.co/datasets/danaroth/samson (ENVI)
size         4 MB
folder       samson_1.mat (or samson_dataset.mat, the same values)
file         variable V (bands x pixels, down the columns) with nRow, nCol; in samson_dataset.mat Y, without them
scenes       whole
shape        95 x 95 x 156
scale        1: the values are stored from 0 to 1
wavelengths  401 to 889, taken as even
licence      none stated
paper        F. Zhu, "Hyperspectral Unmixing: Ground Truth Labeling, Datasets, Benchmark Performances and Survey", arXiv 1708.05125, 2017
doi          10.48550/arXiv.1708.05125
splits       none that a fusion paper states
open         the centre of each band; the values have been stretched by whoever made the file
"""

from __future__ import annotations

from pathlib import Path

from datasets.sets.named_set import NamedSet, SetScene
from datasets.sets.pixel_matrix import PixelMatrixReader

SET = NamedSet(
    "samson",
    Path(__file__),
    (SetScene("whole", ("**/samson_1.mat", "**/samson_dataset.mat"), shape=(156, 95, 95)),),
    reader=PixelMatrixReader(("V", "Y"), (95, 95), (401.0, 889.0, 156), tuple(range(1, 157)), scale=1.0),
)

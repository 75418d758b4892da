"""Cuprite, an airborne image of a mining district in Nevada.

what         a part of 250 x 190 pixels; AVIRIS, 224 channels, of which 188 are kept: all but 1-2, 104-113, 148-167, 221-224
where        https://rslab.ut.ac.ir/data, https://huggingface.co/datasets/danaroth/cuprite (ENVI)
size         18 MB
folder       CupriteS1_R188.mat (or Cuprite_S1_R188.mat)
file         variable Y (bands x pixels, down the columns), nRow, nCol, SlectBands, 16-bit
scenes       whole
shape        250 x 190 x 188
scale        10000: AVIRIS reflectance; samples above 32767 are negative ones (programs set those above 60000 to 0)
wavelengths  370 to 2480, taken as even over the 224 channels
licence      none stated; AVIRIS data of NASA/JPL
paper        F. Zhu, "Hyperspectral Unmixing: Ground Truth Labeling, Datasets, Benchmark Performances and Survey", arXiv 1708.05125, 2017
doi          10.48550/arXiv.1708.05125
splits       none that a fusion paper states
open         which channels were kept (the file's SlectBands is taken), the centre of each band, the scale
"""

from __future__ import annotations

from pathlib import Path

from datasets.sets.named_set import NamedSet, SetScene
from datasets.sets.pixel_matrix import PixelMatrixReader

_DROPPED = {1, 2, *range(104, 114), *range(148, 168), *range(221, 225)}
_KEPT = tuple(channel for channel in range(1, 225) if channel not in _DROPPED)
SET = NamedSet(
    "cuprite",
    Path(__file__),
    (SetScene("whole", ("**/CupriteS1_R188.mat", "**/Cuprite_S1_R188.mat"), shape=(188, 250, 190)),),
    reader=PixelMatrixReader(("Y",), (250, 190), (370.0, 2480.0, 224), _KEPT, scale=10000.0, wrapped=True),
)

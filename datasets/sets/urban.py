"""Urban, an airborne image of Copperas Cove, Texas.

what         one scene of 2 m pixels; HYDICE, 210 channels, of which 162 are kept: all but 1-4, 76, 87, 101-111, 136-153, 198-210
where        https://rslab.ut.ac.ir/data, https://huggingface.co/datasets/danaroth/urban (ENVI)
size         25 MB
folder       Urban_R162.mat
file         variable Y (bands x pixels, down the columns), nRow, nCol, maxValue, 16-bit
scenes       whole
shape        307 x 307 x 162
scale        maxValue of the file
wavelengths  400 to 2500, taken as even over the 210 channels
licence      none stated
paper        F. Zhu, "Hyperspectral Unmixing: Ground Truth Labeling, Datasets, Benchmark Performances and Survey", arXiv 1708.05125, 2017
doi          10.48550/arXiv.1708.05125
splits       none that a fusion paper states; Baisonm-Li/HSR cuts the middle 128 x 128
open         the centre of each band (HYDICE's are not even); that the file names maxValue, and no SlectBands; the size on disk
"""

from __future__ import annotations

from pathlib import Path

from datasets.sets.named_set import NamedSet, SetScene
from datasets.sets.pixel_matrix import PixelMatrixReader

_DROPPED = {*range(1, 5), 76, 87, *range(101, 112), *range(136, 154), *range(198, 211)}
_KEPT = tuple(channel for channel in range(1, 211) if channel not in _DROPPED)
SET = NamedSet(
    "urban",
    Path(__file__),
    (SetScene("whole", ("**/Urban_R162.mat",), shape=(162, 307, 307)),),
    reader=PixelMatrixReader(("Y",), (307, 307), (400.0, 2500.0, 210), _KEPT),
)

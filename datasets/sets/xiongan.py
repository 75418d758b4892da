"""Xiongan (Matiwan village), an airborne image of fields and orchards in Hebei.

what         one scene of 0.5 m pixels, 2017; the visible and near infrared camera of the Chinese Academy of Sciences, 256 channels
where        https://doi.org/10.3974/geodb.2021.01.02.V1, http://www.hrs-cas.com/a/share/shujuchanpin/2019/0501/1049.html
size         3 GB of 16-bit samples
folder       Hyperspectral_XiongAn.img with its .hdr; for the scenes npy-... a file *xiongan*.npy
file         ENVI (1580 x 3750 x 256); or a numpy array (rows x cols x bands)
scenes       whole; npy-test, a window of the array
shape        whole 1580 x 3750 x 256; npy-test 512 x 512 x 256
scale        16384: the constant in the programs of CSSNet
wavelengths  391.2983 to 1002.873, even (table in rs-lsl/CSSNet)
licence      none stated
paper        Y. Cen et al., "Aerial hyperspectral remote sensing classification dataset of Xiongan New Area (Matiwan Village)", Journal of
             Remote Sensing (Chinese), 2020
doi          10.11834/jrs.20209065
splits       npy-test: rows 1750 to 2261, columns 650 to 1161 of an array with 3750 rows (HIFtool, there with 93 bands)
open         what the samples mean, and hence the scale; which 93 bands HIFtool uses; the record says 250 bands, the header 256; the
             title of the paper in English
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, SetScene, Split

_CENTRES = EvenCentres(391.2983, 1002.873, 256)
_ARRAY = ReadingOptions(layout="rows cols bands", scale=16384.0, wavelengths=_CENTRES, crop=(1750, 650, 512, 512))
SET = NamedSet(
    "xiongan",
    Path(__file__),
    (
        SetScene("whole", ("**/Hyperspectral_XiongAn.hdr",), ReadingOptions(scale=16384.0, wavelengths=_CENTRES), (256, 1580, 3750)),
        SetScene("npy-test", ("**/*xiongan*.npy",), _ARRAY, (256, 512, 512)),
    ),
    splits={"test": Split("HIFtool, Dataloader_tool/loader.py", ("npy-test",))},
    folders=("Hyperspectral_XiongAn",),
)

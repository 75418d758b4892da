"""Washington DC Mall, an airborne image of the capital.

what         one scene of about 3 m pixels, 23 August 1995; HYDICE, 210 channels, of which 191 are kept
where        https://engineering.purdue.edu/~biehl/MultiSpec/hyperspectral.html,
             https://huggingface.co/datasets/danaroth/washington_dc_mall
size         150 MB
folder       dc.tif, and beside it the makers' text file with the table of wavelengths (channel, nm, number among the 191)
file         GeoTIFF of 191 bands, 16-bit
scenes       whole, train, validation, test, corner128
shape        1280 x 307 x 191
scale        10000, by choice of this suite
wavelengths  401.288 to about 2473, from the makers' table, which is read: HYDICE's bands are far from even
licence      with the permission of the Spectral Information Technology Application Center of Virginia (ReadMe.txt of the data)
paper        D. Landgrebe, "Hyperspectral image data analysis", IEEE Signal Processing Magazine 19(1), 2002
doi          10.1109/79.974718
splits       train: rows 0 to 1023, validation: the next 96, test: the last 160, all of the first 288 columns (HIFtool, x32); corner128:
             the window of 128 x 128 that begins 200 pixels before the end (SFIGNet)
open         what the samples mean, and hence the scale; the name of the text file; the size on disk. HIFtool stretches each band from
             its minimum to its maximum
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import ReadingOptions
from datasets.sets.centres_beside import CentresBesideReader
from datasets.sets.named_set import NamedSet, Split, windows

_WINDOWS = {
    "train": (0, 0, 1024, 288),
    "validation": (1024, 0, 96, 288),
    "test": (1120, 0, 160, 288),
    "corner128": (1080, 107, 128, 128),
}
_SOURCE = "HIFtool, Dataloader_tool/loader.py"
SET = NamedSet(
    "washington_dc",
    Path(__file__),
    windows(("**/dc.tif",), ReadingOptions(scale=10000.0), (191, 1280, 307), _WINDOWS),
    splits={name: Split(_SOURCE, (name,)) for name in ("train", "validation", "test")},
    folders=("WDC", "WDCM", "DC", "washington_dc_mall"),
    reader=CentresBesideReader("**/*.txt", "columns"),
)

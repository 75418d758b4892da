"""Chikusei, airborne images of fields and villages in Ibaraki, Japan.

what         one scene of 2.5 m pixels, 29 July 2014; Headwall Hyperspec-VNIR-C
where        https://naotoyokoya.com/Download.html
size         1.5 GB of 16-bit samples
folder       HyperspecVNIR_Chikusei_20140729.mat
file         variable chikusei in a MATLAB file of version 7.3, as MATLAB shows it (rows x cols x 128)
scenes       whole, 1 to 4, train, corner128
shape        2517 x 2335 x 128
scale        16384: the constant in the programs of CSSNet; others divide by the image's maximum
wavelengths  362.59, 367.75, ..., 1018.02, even within 0.02 nm (table in rs-lsl/CSSNet; the report says 363 to 1018)
licence      CC BY 3.0, with the laboratory acknowledged (Readme.txt of the data)
paper        N. Yokoya, A. Iwasaki, "Airborne hyperspectral data over Chikusei", Technical Report SAL-2016-05-27, University of Tokyo, 2016
doi          none
splits       test: scenes 1 to 4, the first 512 rows of the middle 2304 x 2048 in four windows of 512 x 512 (SSPSR and those who follow
             it), train: the rows below them; corner128: the window of 128 x 128 that begins 200 pixels before the end (SFIGNet)
open         what the samples mean, and hence the constant
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, Split, windows

_OPTIONS = ReadingOptions(variable="chikusei", layout="rows cols bands", scale=16384.0, wavelengths=EvenCentres(362.59, 1018.02, 128))
_WINDOWS = {
    **{str(number + 1): (106, 143 + 512 * number, 512, 512) for number in range(4)},
    "train": (618, 143, 1792, 2048),
    "corner128": (2317, 2135, 128, 128),
}
_SOURCE = "SSPSR, mcodes/generate_Chikusei.m"
SET = NamedSet(
    "chikusei",
    Path(__file__),
    windows(("**/HyperspecVNIR_Chikusei_20140729.mat",), _OPTIONS, (128, 2517, 2335), _WINDOWS),
    splits={"test": Split(_SOURCE, ("1", "2", "3", "4")), "train": Split(_SOURCE, ("train",))},
)

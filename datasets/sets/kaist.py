"""KAIST, the hyperspectral images of the Visual Computing Laboratory.

what         30 still lifes in the laboratory, as reflectance
where        http://vclab.kaist.ac.kr/siggraphasia2017p1 (OpenEXR)
size         about 1 GB for each scene in memory
folder       scene*.mat, converted from scene01_reflectance.exr ... by the makers' example.m, whose variable HSI is saved
file         variable HSI (rows x cols x 31): the channels w420nm ... w720nm of the OpenEXR file
scenes       30, by the names of their files
shape        2704 x 3376 x 31
scale        1: the files hold reflectance
wavelengths  420, 430, ..., 720 (the channels' names)
licence      not stated; for research, with the paper cited
paper        I. Choi, D. S. Jeon, G. Nam, D. Gutierrez, M. H. Kim, "High-Quality Hyperspectral Reconstruction Using a Spectral Prior",
             ACM Transactions on Graphics 36(6), 2017
doi          10.1145/3130800.3130810
splits       none that a fusion paper states
open         the number and the size of the scenes; OpenEXR itself is not read here
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, ScenePattern

_OPTIONS = ReadingOptions(variable="HSI", layout="rows cols bands", scale=1.0, wavelengths=EvenCentres(420.0, 720.0, 31))
SET = NamedSet("kaist", Path(__file__), pattern=ScenePattern("**/scene*.mat", _OPTIONS))

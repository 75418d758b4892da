"""ICVL, natural hyperspectral images of Ben-Gurion University (BGU).

what         202 scenes (201 in earlier copies): urban and rural, indoor, plants, objects; Specim PS Kappa DX4 on a rotary stage
where        https://icvl.cs.bgu.ac.il/hyperspectral, and https://huggingface.co/datasets/ICVL-BGU/ICVL_HS_2016 (registration)
size         not published; the .mat files of 31 bands are about 200 MB each when unpacked
folder       *.mat, in folders or not (mat/<scene>.mat in the copy at Hugging Face)
file         variable rad in a MATLAB file of version 7.3, as MATLAB shows it (rows x cols x 31)
scenes       202, by the names of their files
shape        1300 x 1392 x 31 for most
scale        4095: the camera has 12 bits
wavelengths  400, 410, ..., 700
licence      CC BY-NC-ND 4.0 (the copy at Hugging Face)
paper        B. Arad, O. Ben-Shahar, "Sparse Recovery of Hyperspectral Signal from Natural RGB Images", ECCV 2016
doi          10.1007/978-3-319-46478-7_2
splits       cdoe-test (10): Unrolled C-DOE
open         4095 is what programs divide by, no word of the makers was found; the images are shown as they are stored, which is not
             upright
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, ScenePattern, Split

OPTIONS = ReadingOptions(variable="rad", layout="rows cols bands", scale=4095.0, wavelengths=EvenCentres(400.0, 700.0, 31))
_CDOE = (
    *("4cam_0411-1648", "BGU_0522-1203", "Master5000K_2900K", "bguCAMP_0514-1659", "bgu_0403-1459", "eve_0331-1551", "gavyam_0823-0933"),
    *("lehavim_0910-1600", "objects_0924-1601", "omer_0331-1118"),
)
SET = NamedSet(
    "icvl",
    Path(__file__),
    pattern=ScenePattern("**/*.mat", OPTIONS),
    splits={"cdoe-test": Split("ayoungkim-tech/Unrolled_C-DOE_HSI, main/TestData/ICVL/README.md", _CDOE)},
)

"""NTIRE 2018, the BGU hyperspectral data of the challenge on spectral reconstruction.

what         natural scenes in the manner of ICVL, with more of them added for the challenge
where        http://icvl.cs.bgu.ac.il/ntire-2018 (registration with the challenge)
size         not published
folder       folders whose names hold train and validate, with *.mat
file         variable rad in a MATLAB file of version 7.3, as MATLAB shows it (rows x cols x 31)
scenes       by the names of their files
shape        1300 x 1392 x 31 for most
scale        4095: the camera has 12 bits
wavelengths  400, 410, ..., 700
licence      not stated; for the challenge and for research
paper        B. Arad, O. Ben-Shahar, R. Timofte et al., "NTIRE 2018 Challenge on Spectral Reconstruction from RGB Images", CVPR
             Workshops 2018
doi          10.1109/CVPRW.2018.00138
splits       train, validate: the folders of the challenge
open         no reader of a fusion paper was found: variable, scale and wavelengths are those of ICVL, whose camera and files it shares;
             the DOI; which scenes MossFuse uses
"""

from __future__ import annotations

from pathlib import Path

from datasets.sets import icvl
from datasets.sets.named_set import NamedSet, ScenePattern, Split

SET = NamedSet(
    "ntire2018",
    Path(__file__),
    pattern=ScenePattern("**/*.mat", icvl.OPTIONS),
    splits={"train": Split("the challenge", folder="*train*"), "validate": Split("the challenge", folder="*valid*")},
)

"""AVIRIS tiles, the training and test data that HSSDCT was released with.

what         2078 tiles of airborne AVIRIS images over North America, 172 of 224 channels
where        https://github.com/jemmyleee/HSSDCT (lists and a description of the folders)
size         45 MB for each tile's reference, about 94 GB in all
folder       train/<tile>/GT.npz.npy, val/<tile>/GT.npz.npy, test/<tile>/GT.npz.npy
file         a numpy array (rows x cols x bands), float32
scenes       2078, by the names of their folders
shape        256 x 256 x 172
scale        10000, by choice of this suite; HSSDCT stretches each tile from its minimum to its maximum
wavelengths  400 to 2500, taken as even
licence      MIT is said in the README, no licence file; AVIRIS data of NASA/JPL
paper        C.-M. Lee, Y.-H. Ho, Y.-F. Lin, J.-W. Lee, L.-W. Kang, C.-C. Hsu, "HSSDCT: Factorized Spatial-Spectral Correlation for
             Hyperspectral Image Fusion", ICASSP 2026
doi          none found
splits       train (1678), val (200), test (200): HSSDCT, data_path/*.txt
open         which channels and hence which wavelengths; what the samples mean, and hence the scale; where the tiles themselves are to be
             had. The three lists cut across the three folders: a split is its list, wherever a tile lies
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, ScenePattern, Split

_TEST = """
    Alberta_11 Alberta_13 Alberta_15 Alberta_18 Amikougami7 BLDR11_10 BLDR11_21 BLDR11_22 BLDR11_5 CampbellRiverLine1_10
    CampbellRiverLine1_6 CampbellRiverLine1_8 Cashin_10 Dwear2 Dwear5 Dwear7 Groundhog10 Groundhog8 H01_33 H01_34 H01_43 H01_55 H01_8
    H01_9 H02_20 H02_25 H02_26 H02_36 H02_4 H02_40 H02_44 H02_45 H02_49 H02_57 H02_58 H02_8 H03_17 H03_45 Hama10_10 Hama10_22
    Hama10_61 Hama10_8 Hama11_24 Hama11_25 Hama11_32 Hama11_33 Hama11_34 Hama11_47 Hama11_9 Hama6_20 Hama6_22 Hama6_30 Hama6_31
    Hama6_43 Hama6_44 Hama6_47 Hama6_62 Hama6_63 Hama6_64 Hama6_7 Hama7_20 Hama7_26 Hama7_31 Hama7_33 Hama7_34 Hama8_17 Hama8_41
    Hama8_44 Hama8_69 Hama9_1 Hama9_11 Hama9_25 Hama9_36 Hama9_48 Hama9_49 Hama9_51 Hama9_55 Hama9_57 Hama9_59 Hama9_6 Hama9_60
    NP10B_62 NP10B_73 NP11B_14 NP11B_45 NP11B_50 NP11B_58 NP11B_67 NP11B_68 NP11B_69 NP11B_7 NP11B_70 NP11B_73 NP11B_75 NP11B_8
    NP12B_13 NP12B_39 NP12B_4 NP12B_47 NP12B_53 NP12B_60 NP12B_67 NP1B_1 NP1B_13 NP1B_19 NP1B_22 NP1B_26 NP1B_44 NP1B_70 NP2B_11
    NP2B_24 NP2B_41 NP3B_1 NP3B_12 NP3B_20 NP3B_26 NP3B_36 NP3B_47 NP3B_67 NP4B_15 NP4B_30 NP4B_47 NP4B_50 NP4B_59 NP4B_67 NP5B_11
    NP5B_36 NP5B_37 NP5B_45 NP6B_11 NP6B_22 NP6B_35 NP6B_41 NP6B_56 NP6B_62 NP6B_66 NP6B_69 NP6B_76 NP7B_10 NP7B_11 NP7B_47 NP7B_61
    NP7B_75 NP7B_9 NP8B_25 NP8B_30 NP8B_32 NP8B_40 NP8B_43 NP8B_78 NP9B_58 NP9B_67 Phoenix24 RobertGreen5 RobertGreen9 SPL41_11
    SPL43_15 SPL43_17 SPL43_7 TBD1_12 TBD1_13 TBD1_23 TBD1_25 TBD1_26 TBD1_3 TBD1_33 TBD1_36 TBD1_38 TBD1_7 TBD2_1 TBD2_11 TBD2_19
    TBD2_21 TBD2_25 TBD2_28 TBD2_9 TBD3_18 TBD3_26 TBD3_4 TBD4_20 TBD4_28 TBD4_30 TBD4_31 TBD4_5 YoungPlantation1 YoungPlantation11
    YoungPlantation13 ne11_13 ne11_26 ne12_17 ne12_19 ne12_32 ne12_36 ne9_1 ne9_11 ne9_2 ne9_25 ne9_7 ne9_8 ottawa2
"""
_VALIDATION = """
    Alberta_14 BLDR11_13 BLDR11_8 CampbellRiverLine1_5 Dwear8 Groundhog15 H01_28 H01_29 H01_36 H01_56 H02_10 H02_14 H02_27 H02_28
    H02_37 H02_51 H03_43 H03_53 Hama10_1 Hama10_21 Hama10_33 Hama10_39 Hama10_40 Hama10_42 Hama10_55 Hama11_17 Hama11_40 Hama11_44
    Hama11_51 Hama11_8 Hama6_10 Hama6_23 Hama6_39 Hama6_66 Hama7_3 Hama7_44 Hama7_47 Hama7_51 Hama7_52 Hama7_55 Hama7_61 Hama7_8
    Hama8_11 Hama8_20 Hama8_23 Hama8_25 Hama8_27 Hama8_32 Hama8_35 Hama8_38 Hama8_5 Hama8_51 Hama8_60 Hama8_66 Hama9_17 Hama9_21
    Hama9_40 Hama9_5 Hama9_56 Hama9_58 NP10B_12 NP10B_22 NP10B_37 NP10B_46 NP10B_47 NP10B_53 NP10B_55 NP10B_75 NP11B_13 NP11B_27
    NP11B_3 NP11B_48 NP11B_49 NP11B_51 NP11B_6 NP11B_60 NP11B_65 NP11B_71 NP11B_9 NP12B_11 NP12B_16 NP12B_22 NP12B_28 NP12B_7 NP1B_14
    NP1B_2 NP1B_20 NP1B_23 NP1B_42 NP1B_55 NP1B_63 NP1B_66 NP2B_39 NP2B_46 NP2B_50 NP2B_62 NP2B_65 NP2B_7 NP2B_70 NP3B_10 NP3B_17
    NP3B_33 NP3B_69 NP4B_27 NP4B_32 NP4B_35 NP4B_42 NP4B_5 NP4B_69 NP4B_74 NP5B_22 NP5B_3 NP5B_46 NP5B_52 NP5B_63 NP5B_69 NP6B_13
    NP6B_15 NP6B_17 NP6B_18 NP6B_32 NP6B_36 NP6B_37 NP6B_4 NP6B_47 NP6B_49 NP6B_58 NP6B_71 NP6B_8 NP7B_40 NP7B_51 NP7B_69 NP8B_15
    NP8B_2 NP8B_22 NP8B_36 NP8B_38 NP8B_53 NP8B_58 NP8B_67 NP9B_13 NP9B_14 NP9B_15 NP9B_31 NP9B_50 NP9B_59 NP9B_68 NP9B_74 Phoenix11
    Phoenix13 Phoenix2 QC1_12 QC1_16 QC1_17 QC1_24 QC2_10 QC2_12 QC2_8 SPL41_1 SPL41_21 SPL41_25 SPL41_7 TBD1_16 TBD1_24 TBD1_32
    TBD1_35 TBD1_41 TBD2_14 TBD2_18 TBD2_24 TBD2_33 TBD2_6 TBD3_11 TBD3_21 TBD3_27 TBD3_33 TBD3_38 TBD4_12 TBD4_15 TBD4_24 TBD4_29
    TBD4_35 YoungPlantation2 YoungPlantation7 ne10_1 ne10_11 ne10_15 ne11_15 ne11_19 ne11_25 ne11_5 ne12_14 ne12_22 ne12_24 ne12_33
    ne12_6 ne9_18 ne9_26 ne9_6 ottawa11
"""
_SOURCE = "HSSDCT, data_path/*.txt"
_OPTIONS = ReadingOptions(layout="rows cols bands", scale=10000.0, wavelengths=EvenCentres(400.0, 2500.0, 172))
SET = NamedSet(
    "aviris_tiles",
    Path(__file__),
    pattern=ScenePattern("**/GT.npz.npy", _OPTIONS, (172, 256, 256), named_by="folder"),
    splits={
        "test": Split(_SOURCE, tuple(_TEST.split())),
        "val": Split(_SOURCE, tuple(_VALIDATION.split())),
        "train": Split(_SOURCE, without=tuple((_TEST + _VALIDATION).split()), of=2078),
    },
)

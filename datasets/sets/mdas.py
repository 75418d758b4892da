"""MDAS, the multimodal data of Augsburg, as simulated EnMAP.

what         three parts of the city, 7 May 2018: airborne HySpex images turned by the simulator EeteS into EnMAP at 10 m (read here)
             and at 30 m, and into Sentinel-2 at 10 m: a pair with a reference whose responses are physical
where        https://mediatum.ub.tum.de/1657312
size         not published
folder       Augsburg_data_4_publication with band_242_meta_info.hdr, sub_area_1/EeteS_EnMAP_10m_sub_area1.tif and
             sr_deep_model_data/EeteS_EnMAP_10m_deep_train.tif, ..._deep_valid.tif
file         GeoTIFF of 242 bands, 16-bit
scenes       sub_area_1, deep_train, deep_valid
shape        not published, 242 bands; those where the two spectrometers overlap are left out
scale        10000: reflectance (augsburg_data_loader.py of the makers)
wavelengths  band_242_meta_info.hdr of the makers, which is read
licence      CC BY-SA 4.0 and ODbL 1.0 (as the copy isp-uv-es/mdas-taco states)
paper        J. Hu, R. Liu, D. Hong, A. Camero et al., "MDAS: a new multimodal benchmark dataset for remote sensing", Earth System
             Science Data 15, 2023, pages 113-131
doi          10.14459/2022mp1657312 (data), 10.5194/essd-15-113-2023
splits       test: sub_area_1, train, valid: the makers
open         the type of the samples, the form of the header; the 30 m EnMAP and the Sentinel-2 image beside each reference are not read
             as its pair
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import ReadingOptions
from datasets.sets.centres_beside import CentresBesideReader
from datasets.sets.named_set import NamedSet, SetScene, Split

_OPTIONS = ReadingOptions(scale=10000.0, overlap="drop")
_FILES = {
    "sub_area_1": "**/EeteS_EnMAP_10m_sub_area1.tif",
    "deep_train": "**/EeteS_EnMAP_10m_deep_train.tif",
    "deep_valid": "**/EeteS_EnMAP_10m_deep_valid.tif",
}
_SOURCE = "the makers, super_resolution/deep_models"
SET = NamedSet(
    "mdas",
    Path(__file__),
    tuple(SetScene(name, (pattern,), _OPTIONS) for name, pattern in _FILES.items()),
    splits={"test": Split(_SOURCE, ("sub_area_1",)), "train": Split(_SOURCE, ("deep_train",)), "valid": Split(_SOURCE, ("deep_valid",))},
    folders=("Augsburg", "Augsburg_data_4_publication"),
    reader=CentresBesideReader("**/band_242_meta_info.hdr", "header"),
)

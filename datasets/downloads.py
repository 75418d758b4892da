"""What can be downloaded from its makers, and where it then lies below the data root.

cave                  the CAVE data base, unpacked into <root>/cave
pavia_university, pavia_centre, botswana, ksc, indian_pines
                      the MATLAB files of the University of the Basque Country, into <root>/<name>
muufl, houston2013    the one file that is read of an archive of the makers, into <root>/<name>
tiangong1             REF.mat of M2U-Net, into <root>/tiangong1
nikon_d700            the 3 x 31 response matrix of the MossFuse release, as the sensor file <root>/srf/nikon_d700_mossfuse_31.csv
mossfuse_checkpoint   the authors' CAVE x32 weights, <root>/weights/mossfuse_official_cave_x32.pth
psrt-cave-x4, psrt-cave-x8, psrt-harvard-x4
                      the authors' weights of PSRT, <root>/weights/psrt_cave_x4.pth and so on
psrt-hiftool-cave-x32, psrt-hiftool-harvard-x32
                      weights of PSRT that HIFtool's author trained
sfno-cave-x4          the authors' SFNO as a TorchScript file, <root>/weights/sfno_cave_x4_torchscript.pt
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MOSSFUSE_SOURCE = "dusongcheng/MossFuse@878207caeebd24b7e8d28f3aaefbfa6e2fa5cf22"
_RAW = "https://raw.githubusercontent.com/dusongcheng/MossFuse/878207caeebd24b7e8d28f3aaefbfa6e2fa5cf22"
_GITHUB = "https://raw.githubusercontent.com"
_PSRT = f"{_GITHUB}/shangqideng/PSRT/9c2be904f901d4b6e2991413adea753d94be73fd/pretrained%20model"
_HIFTOOL = f"{_GITHUB}/Caoxuheng/HIFtool/6a515e41e29db002beda5b79ccde241e8bbd6bba/PretrainModel/PSRT"
_SFNO = f"{_GITHUB}/weili419/SFNO/156fecb52c230e554d46e9c3be8533263fa9eb75/CAVE/Checkpoint"


@dataclass(frozen=True)
class Download:
    """One thing that can be downloaded."""

    name: str
    url: str
    sha256: str | None  # of the download, or of the member that is kept of a zip; None: the maker publishes none
    size: str
    licence: str
    target: str  # path below the data root
    kind: Literal["file", "cave zip", "zip member", "response matrix"] = "file"
    member: str = ""  # of a zip: the only file that is kept


_EHU_FILES = {  # addresses as programs in use have them
    "pavia_university": ("https://www.ehu.eus/ccwintco/uploads/e/ee/PaviaU.mat", "33 MB"),
    "pavia_centre": ("https://www.ehu.eus/ccwintco/uploads/e/e3/Pavia.mat", "124 MB"),
    "botswana": ("https://www.ehu.es/ccwintco/uploads/7/72/Botswana.mat", "83 MB"),
    "ksc": ("https://www.ehu.es/ccwintco/uploads/2/26/KSC.mat", "57 MB"),
    "indian_pines": ("https://www.ehu.eus/ccwintco/uploads/6/67/Indian_pines_corrected.mat", "5.95 MB"),
}
_WEIGHTS = {  # name: address, sha256, size, licence, file below <root>/weights
    "psrt-cave-x4": (
        *(f"{_PSRT}/cave_x4/best.pth.tar", "e95c67fb1fa0fe80b1894ea525433c93309b7b3e4141840a9069b0ea292b37c2", "3.2 MB"),
        *("none stated; from the PSRT repository, for checking against it", "psrt_cave_x4.pth"),
    ),
    "psrt-cave-x8": (
        *(f"{_PSRT}/cave_x8/best.pth.tar", "e8ba5cc8e717d408503f92b0f04ebc03f0ee7deef406274ad59697f98ca07b91", "3.2 MB"),
        *("none stated; from the PSRT repository, for checking against it", "psrt_cave_x8.pth"),
    ),
    "psrt-harvard-x4": (
        *(f"{_PSRT}/harvard_x4/best.pth.tar", "d45eb7dfed49ad0f0423fc5687e57f05ee87dc1b65d3f21ddc5fdb71523fda4f", "3.2 MB"),
        *("none stated; from the PSRT repository, for checking against it", "psrt_harvard_x4.pth"),
    ),
    "psrt-hiftool-cave-x32": (
        *(f"{_HIFTOOL}/CAVE/1750.pth", "4c6ba074058b892c563543e7b58f683c9cf7aa6b2fa194a0177137ac4167009a", "3.2 MB"),
        *("MIT (HIFtool)", "psrt_hiftool_cave_x32.pth"),
    ),
    "psrt-hiftool-harvard-x32": (
        *(f"{_HIFTOOL}/HARVARD/600.pth", "15e13d58a0d31cd4fa8834656f0c3fda120daf3143d78bfc1d583330497f25af", "3.2 MB"),
        *("MIT (HIFtool)", "psrt_hiftool_harvard_x32.pth"),
    ),
    "sfno-cave-x4": (
        *(f"{_SFNO}/BestModel_ts.pt", "7c761933b0099110443a3398ab200880c6dcd979ad1ace29acab7f9b4ed585dd", "1.5 MB"),
        *("none stated; from the SFNO repository, for checking against it; it holds code", "sfno_cave_x4_torchscript.pt"),
    ),
}
CATALOG: Mapping[str, Download] = {
    entry.name: entry
    for entry in (
        Download(
            name="cave",
            url="https://www.cs.columbia.edu/CAVE/databases/multispectral/zip/complete_ms_data.zip",
            sha256=None,
            size="0.4 to 0.5 GB (32 scenes of 31 16-bit images)",
            licence="copyright of its makers, for research; cite Yasuma et al. 2010, doi 10.1109/TIP.2010.2046811; no checksum published",
            target="cave",
            kind="cave zip",
        ),
        *(
            Download(
                name=name,
                url=url,
                sha256=None,
                size=size,
                licence="none stated (CC0 1.0 at Purdue)" if name == "indian_pines" else "none stated; for research",
                target=f"{name}/{url.rsplit('/', 1)[-1]}",
            )
            for name, (url, size) in _EHU_FILES.items()
        ),
        Download(
            name="muufl",
            url="https://github.com/GatorSense/MUUFLGulfport/archive/refs/tags/v0.1.zip",
            sha256="69420a72866dff4a858ae503e6e2981af46f406a4ad8f4dd642efa43feb59edc",
            size="about 90 MB",
            licence="MIT",
            target="muufl/muufl_gulfport_campus_1_hsi_220_label.mat",
            kind="zip member",
            member="MUUFLGulfport-0.1/MUUFLGulfportSceneLabels/muufl_gulfport_campus_1_hsi_220_label.mat",
        ),
        Download(
            name="houston2013",
            url="https://machinelearning.ee.uh.edu/2egf4tg8hial13gt/2013_DFTC.zip",
            sha256="1440f38594e8e82cc1944c084fc138ef55a70af54122828e999c4fb438574c14",
            size="not published; about 190 MB for the image",
            licence="for research, with contest and laboratory acknowledged",
            target="houston2013/2013_IEEE_GRSS_DF_Contest_CASI.tif",
            kind="zip member",
            member="2013_DFTC/2013_IEEE_GRSS_DF_Contest_CASI.tif",
        ),
        Download(
            name="tiangong1",
            url="https://raw.githubusercontent.com/JiaxinLiCAS/M2U-Net/f5a9a0f3ef3ed901564a0957720a9cf9cab02bee/data/M2U-Net/TG/REF.mat",
            sha256=None,
            size="about 20 MB",
            licence="none stated; from the M2U-Net repository, for research",
            target="tiangong1/REF.mat",
        ),
        Download(
            name="nikon_d700",
            url=f"{_RAW}/dataset/resp.mat",
            sha256="39acc125b2c61d3f46c11ff25461319d8e88ba9c08603909f01c459421ca5d4f",
            size="below 1 kB",
            licence="none stated; from the MossFuse repository, for checking against it",
            target="srf/nikon_d700_mossfuse_31.csv",
            kind="response matrix",
        ),
        Download(
            name="mossfuse_checkpoint",
            url=f"{_RAW}/model/CAVE_32_model.pth",
            sha256="8f9a4526df3f587b425cce56cf14952de58f3df2ab8fb25137670d44bccef348",
            size="2.5 MB",
            licence="none stated; from the MossFuse repository, for checking against it",
            target="weights/mossfuse_official_cave_x32.pth",
        ),
        *(
            Download(name=name, url=url, sha256=digest, size=size, licence=licence, target=f"weights/{file}")
            for name, (url, digest, size, licence, file) in _WEIGHTS.items()
        ),
    )
}

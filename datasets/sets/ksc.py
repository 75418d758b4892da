"""Kennedy Space Center (KSC), an airborne image of wetlands in Florida.

what         one scene of 18 m pixels, 23 March 1996; AVIRIS, 224 channels, of which 176 are kept: 5-101, 111-135, 154-197, 211-220
where        https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes
size         57 MB
folder       KSC.mat
file         variable KSC (rows x cols x bands), 16-bit
scenes       whole, corner128
shape        512 x 614 x 176, of which 169 are read: 7 where two of the four spectrometers overlap are left out
scale        10000, by choice of this suite
wavelengths  439.25 to 2498.96 (KSC_spec.mat in vleplat/Tubal_TT, whose list of channels fits the number of bands)
licence      none stated
paper        J. Ham, Y. Chen, M. M. Crawford, J. Ghosh, "Investigation of the Random Forest Framework for Classification of
             Hyperspectral Data", IEEE Transactions on Geoscience and Remote Sensing 43(3), 2005
doi          10.1109/TGRS.2004.842481
splits       corner128: the window of 128 x 128 that begins 200 pixels before the end (SFIGNet's rule)
open         the list of channels at the makers, what the samples mean and hence the scale; the size on disk. A better copy
             without saturated pixels is at https://huggingface.co/datasets/danaroth/kennedy_space_center
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import ReadingOptions
from datasets.sets.named_set import NamedSet, windows

_CENTRES = (
    439.25, 449.07, 458.90, 468.73, 478.57, 488.41, 498.26, 508.12, 517.98, 527.85, 537.72, 547.60, 557.49, 567.38, 577.28, 587.18,
    597.09, 607.01, 616.93, 626.85, 636.78, 646.72, 656.67, 666.61, 676.57, 686.53, 696.50, 686.91, 696.55, 706.19, 715.83, 725.47,
    735.11, 744.74, 754.38, 764.01, 773.64, 783.27, 792.91, 802.53, 812.21, 821.79, 831.41, 841.04, 850.66, 860.28, 869.91, 879.53,
    889.14, 898.76, 908.38, 917.99, 927.61, 937.22, 946.83, 956.45, 966.06, 975.66, 985.27, 994.88, 1004.48, 1014.09, 1023.69, 1033.29,
    1042.89, 1052.49, 1062.09, 1071.69, 1081.29, 1090.88, 1100.48, 1110.07, 1119.66, 1129.25, 1138.84, 1148.43, 1158.02, 1167.61, 1177.19,
    1186.77, 1196.36, 1205.94, 1215.52, 1225.10, 1234.68, 1244.26, 1253.83, 1263.41, 1272.98, 1282.55, 1273.00, 1282.96, 1292.93, 1302.89,
    1312.85, 1322.81, 1332.77, 1432.28, 1442.23, 1452.17, 1462.11, 1472.05, 1481.99, 1491.92, 1501.86, 1511.79, 1521.73, 1531.66, 1541.59,
    1551.52, 1561.44, 1571.37, 1581.30, 1591.22, 1601.14, 1611.06, 1620.98, 1630.90, 1640.81, 1650.73, 1660.64, 1670.56, 1858.63, 1868.52,
    1878.40, 1888.28, 1883.24, 1893.25, 1903.26, 1913.26, 1923.27, 1933.27, 1943.27, 1953.26, 1963.25, 1973.24, 1983.23, 1993.22, 2003.20,
    2013.18, 2023.16, 2033.13, 2043.10, 2053.07, 2063.04, 2073.00, 2082.97, 2092.92, 2102.88, 2112.83, 2122.78, 2132.73, 2142.68, 2152.62,
    2162.56, 2172.50, 2182.43, 2192.37, 2202.30, 2260.22, 2270.15, 2232.07, 2241.99, 2251.90, 2261.82, 2271.73, 2410.21, 2420.08, 2429.95,
    2439.81, 2449.68, 2459.54, 2469.40, 2479.25, 2489.11, 2498.96,
)  # fmt: skip
_OPTIONS = ReadingOptions(variable="KSC", layout="rows cols bands", scale=10000.0, wavelengths=_CENTRES, overlap="drop")
SET = NamedSet("ksc", Path(__file__), windows(("**/KSC.mat",), _OPTIONS, (169, 512, 614), {"corner128": (312, 414, 128, 128)}))

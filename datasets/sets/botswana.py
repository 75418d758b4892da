"""Botswana, a spaceborne image of the Okavango delta.

what         one scene of 30 m pixels, 31 May 2001; Hyperion on EO-1, 242 channels, of which 145 are kept: 10-55, 82-97, 102-119,
             134-164, 187-220
where        https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes
size         83 MB
folder       Botswana.mat
file         variable Botswana (rows x cols x bands), 16-bit
scenes       whole, 1 to 5, corner128
shape        1476 x 256 x 145
scale        10000, by choice of this suite
wavelengths  447.17 to 2355.21, those of Hyperion's channels (table of the USGS calibration)
licence      none stated
paper        J. Ham, Y. Chen, M. M. Crawford, J. Ghosh, "Investigation of the Random Forest Framework for Classification of
             Hyperspectral Data", IEEE Transactions on Geoscience and Remote Sensing 43(3), 2005
doi          10.1109/TGRS.2004.842481
splits       1 to 5: windows of 256 x 256 from the top (the generator used around SSA); corner128: the window of 128 x 128 that begins
             200 pixels before the end (SFIGNet)
open         what the samples mean, and hence the scale; the size on disk
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import ReadingOptions
from datasets.sets.named_set import NamedSet, Split, windows

# The centres of channels 10-55 in nm, and of 82-97, 102-119, 134-164, 187-220.
_VISIBLE = (
    447.17, 457.34, 467.52, 477.69, 487.87, 498.04, 508.22, 518.39, 528.57, 538.74, 548.92, 559.09, 569.27, 579.45, 589.62, 599.80,
    609.97, 620.15, 630.32, 640.50, 650.67, 660.85, 671.02, 681.20, 691.37, 701.55, 711.72, 721.90, 732.07, 742.25, 752.43, 762.60,
    772.78, 782.95, 793.13, 803.30, 813.48, 823.65, 833.83, 844.00, 854.18, 864.35, 874.53, 884.70, 894.88, 905.05,
)  # fmt: skip
_INFRARED = (
    962.91, 972.99, 983.08, 993.17, 1003.30, 1013.30, 1023.40, 1033.49, 1043.59, 1053.69, 1063.79, 1073.89, 1083.99, 1094.09, 1104.19,
    1114.19, 1164.68, 1174.77, 1184.87, 1194.97, 1205.07, 1215.17, 1225.17, 1235.27, 1245.36, 1255.46, 1265.56, 1275.66, 1285.76, 1295.86,
    1305.96, 1316.05, 1326.05, 1336.15, 1487.53, 1497.63, 1507.73, 1517.83, 1527.92, 1537.92, 1548.02, 1558.12, 1568.22, 1578.32, 1588.42,
    1598.51, 1608.61, 1618.71, 1628.81, 1638.81, 1648.90, 1659.00, 1669.10, 1679.20, 1689.30, 1699.40, 1709.50, 1719.60, 1729.70, 1739.70,
    1749.79, 1759.89, 1769.99, 1780.09, 1790.19, 2022.25, 2032.35, 2042.45, 2052.45, 2062.55, 2072.65, 2082.75, 2092.84, 2102.94, 2113.04,
    2123.14, 2133.24, 2143.34, 2153.34, 2163.43, 2173.53, 2183.63, 2193.73, 2203.83, 2213.93, 2224.03, 2234.12, 2244.22, 2254.22, 2264.32,
    2274.42, 2284.52, 2294.61, 2304.71, 2314.81, 2324.91, 2335.01, 2345.11, 2355.21,
)  # fmt: skip
_OPTIONS = ReadingOptions(variable="Botswana", layout="rows cols bands", scale=10000.0, wavelengths=_VISIBLE + _INFRARED)
_WINDOWS = {**{str(number + 1): (256 * number, 0, 256, 256) for number in range(5)}, "corner128": (1276, 56, 128, 128)}
SET = NamedSet(
    "botswana",
    Path(__file__),
    windows(("**/Botswana.mat",), _OPTIONS, (145, 1476, 256), _WINDOWS),
    splits={"windows": Split("the generator used around SSA", ("1", "2", "3", "4", "5"))},
)

"""Indian Pines, an airborne image of fields and woods in Indiana.

what         one scene, 12 June 1992; AVIRIS, 220 channels, of which 200 are kept: all but 104-108, 150-163, 220
where        https://www.ehu.eus/ccwintco/index.php/Hyperspectral_Remote_Sensing_Scenes
size         5.95 MB
folder       Indian_pines_corrected.mat
file         variable indian_pines_corrected (rows x cols x bands), 16-bit
scenes       whole
shape        145 x 145 x 200
scale        10000, by choice of this suite
wavelengths  400 to 2500, taken as even over the 220 channels
licence      CC0 1.0 (the record at Purdue; other copies say CC BY 3.0)
paper        M. F. Baumgardner, L. L. Biehl, D. A. Landgrebe, "220 Band AVIRIS Hyperspectral Image Data Set: June 12, 1992 Indian Pine
             Test Site 3", Purdue University Research Repository, 2015
doi          10.4231/R7RX991C
splits       none that a fusion paper states
open         the centre of each band; how samples become radiance, and hence the scale
"""

from __future__ import annotations

from pathlib import Path

from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.sets.named_set import NamedSet, SetScene

_DROPPED = {*range(104, 109), *range(150, 164), 220}
_CENTRES = tuple(centre for channel, centre in enumerate(EvenCentres(400.0, 2500.0, 220).values(220), start=1) if channel not in _DROPPED)
_OPTIONS = ReadingOptions(variable="indian_pines_corrected", layout="rows cols bands", scale=10000.0, wavelengths=_CENTRES)
SET = NamedSet(
    "indian_pines",
    Path(__file__),
    (SetScene("whole", ("**/Indian_pines_corrected.mat",), _OPTIONS, (200, 145, 145)),),
    folders=("IndianPines", "IP"),
)

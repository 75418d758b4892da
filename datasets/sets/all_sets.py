"""Every named set, by its name."""

from __future__ import annotations

from collections.abc import Mapping

from datasets.sets import (
    arad_1k,
    aviris_tiles,
    botswana,
    cave,
    chikusei,
    cuprite,
    harvard,
    houston2013,
    houston2018,
    icvl,
    indian_pines,
    jasper_ridge,
    kaist,
    ksc,
    mdas,
    muufl,
    ntire2018,
    pavia_centre,
    pavia_university,
    samson,
    tiangong1,
    urban,
    washington_dc,
    xiongan,
)
from datasets.sets.named_set import NamedSet

SETS: Mapping[str, NamedSet] = {
    module.SET.name: module.SET
    for module in (
        *(cave, harvard, icvl, ntire2018, arad_1k, kaist),
        *(chikusei, pavia_university, pavia_centre, washington_dc, botswana, ksc, houston2013, houston2018),
        *(urban, cuprite, indian_pines, jasper_ridge, samson, xiongan, muufl, mdas, tiangong1, aviris_tiles),
    )
}

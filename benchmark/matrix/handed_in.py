"""Cubes made elsewhere as a row of a plan: the table [[estimates]].

[[estimates]]
label = "Net of lab B"
folder = "from_lab_b"           # relative to the plan's folder; estimate_files.py says which file belongs to which cell
card = "net_b.toml"             # the facts of its card; without one the row is not ranked, as nobody says what the method was told
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.identity.sources import sources_of
from benchmark.matrix.contestant import Contestant
from benchmark.matrix.estimate_files import HandedIn
from benchmark.matrix.interview import Configuration
from datasets import files
from datasets.printable import file_name
from datasets.reading_options import ReadingError, ReadingOptions, band_numbers
from datasets.settings import SettingError, configure
from datasets.user_folders import user_path
from methods.catalog import Entry
from methods.contract import Card
from methods.declared.declaration import read_card

FAMILY = "made elsewhere"
NO_CARD = "made elsewhere, without a card: what the method was told, and what it learned from, is not known"


@dataclass(frozen=True)
class EstimatesTable:
    """The schema of one [[estimates]] table."""

    label: str
    """Name in tables."""
    folder: str
    """The folder of the cubes, one file per scene, protocol and seed; SCENE__PROTOCOL__seedN.mat, for example."""
    card: str = ""
    """A TOML file with the facts of the method's card in [card]; without one the row is not ranked."""
    files: dict[str, str] = field(default_factory=dict)
    """Files of other names, relative to the folder, by SCENE__PROTOCOL__seedN or a shorter form of it."""
    variable: str | None = None
    """Name of the cube in a file that holds several arrays; the field `cube` when absent."""
    layout: str | None = None
    """The axes of the cube in their order, such as "bands rows cols"; "rows cols bands" where the file has the field `cube`."""
    scale: float | None = None
    """value = stored / scale, as in [[scene]]."""
    bands: tuple[int | str, ...] = ()
    """The bands in the order of the HSI, where the file has them in another one: numbers from 1 and ranges, such as ["31-1"]."""
    as_it_is: bool = False
    """Whether a cube is scored that a turn, an order of bands or a gain would bring much nearer to the HSI; it is refused otherwise."""


def handed_in_contestant(item: Mapping[str, Any], start: Path) -> Contestant:
    """The row of one [[estimates]] table; relative paths start at `start`.

    Raises:
        SettingError: an unknown key, no such folder or file, or a card that contradicts itself.
    """
    named = f"[[estimates]] {item.get('label', '')}".rstrip()
    try:
        table = configure(EstimatesTable, item)
        folder = start / user_path(table.folder, ReadingError)
        if not folder.is_dir():
            raise SettingError(
                f"folder: expected a folder, got {folder}, which is none; check the path, or take this table out of the plan "
                "(where `score` has added it: out of plan.toml in the run folder)"
            )
        if not table.label.strip():
            raise SettingError("label: expected a name for the tables, got an empty text")
        places = {name: folder / place for name, place in table.files.items()}
        for name, place in places.items():
            if not place.is_file():
                raise SettingError(f"files: {name}: expected a file, got {place}, which is none; check the path")
        bands = band_numbers("bands", list(table.bands)) if table.bands else None
        options = ReadingOptions(variable=table.variable, layout=table.layout, scale=table.scale, bands=bands)
        told = {name: value for name in ("variable", "layout", "scale", "bands", "as_it_is") if (value := getattr(table, name))}
        card = _card(table, start)
    except ValueError as error:
        raise SettingError(f"{named}: {error}") from error
    return Contestant(
        entry=Entry(name=file_name(table.label), family=FAMILY, file=None, module=""),
        configuration=Configuration(told, card, awaits_training=False, shows_iterates=False, changed=()),
        label=table.label,
        sources=sources_of(Path(files.__file__)),
        handed_in=HandedIn(
            folder.resolve(), {name: place.resolve() for name, place in places.items()}, options, table.as_it_is, bool(table.card)
        ),
    )


def _card(table: EstimatesTable, start: Path) -> Card:
    """The card of the method, from the file that the table names."""
    if not table.card:
        return Card(name=table.label, paper="", doi="", year=0, fidelity=NO_CARD, unranked=NO_CARD)
    return read_card(start / user_path(table.card, ReadingError))

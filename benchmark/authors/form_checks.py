"""The checks of a method's form: what stands on the card, which fields a plan can set, which data files are named."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Literal, get_args, get_origin

from benchmark.authors.sample_pairs import USUAL_SIZE
from benchmark.authors.trials import BreachError, require
from datasets.settings import SettingError, configure, field_types, spell
from methods.catalog import Entry
from methods.contract import AnyMethod

PLACEHOLDERS = {"paper": "authors, title, venue", "fidelity": "how it was checked against the authors' code, or why it could not be"}


def check_form(entry: Entry) -> str | None:
    """Checks card, docstring, fields and data files; the advice names what is left of the scaffold's card.

    Raises:
        BreachError: one of them breaks its rule.
    """
    kind = entry.load()
    _check_card(kind)
    module = inspect.getmodule(kind)
    require(
        bool(module and module.__doc__),
        'the file has no docstring: write """What the method does, its equation, and where it comes from.""" as its first line',
    )
    _check_fields(kind)
    _check_data_files(kind)
    left = [name for name, text in PLACEHOLDERS.items() if getattr(kind.card, name) == text]
    return f"the card still has the scaffold's {' and '.join(left)}: tables will show it; write your own" if left else None


def _check_card(kind: type[AnyMethod]) -> None:
    card = kind.card
    for name, text in (("name", card.name), ("paper", card.paper), ("fidelity", card.fidelity)):
        require(bool(text.strip()), f'the card says nothing as its {name}: write {name}="..." in Card(...)')
    require(1900 < card.year < 2200, f"the card's year is {card.year}: write the year of the paper in Card(...), such as year=2020")
    require(
        not card.refusal(*USUAL_SIZE),
        f"the card refuses 31 bands with 3 channels ({card.refusal(*USUAL_SIZE)}), a size that every method must take: write wider limits "
        "in Card(...), or leave out min_bands, max_bands, min_channels and max_channels",
    )


def _check_fields(kind: type[AnyMethod]) -> None:
    try:
        configure(kind, kind.trial)
        configure(kind, {})
    except SettingError as error:
        raise BreachError(f"a plan cannot set a field: {error}; write each field as `name: type = default`") from error
    for name, annotation in field_types(kind).items():
        require(
            _settable(annotation),
            f"a plan cannot set the field {name}, whose type is {spell(annotation)}: write `{name}: float = 1.0`, or another of int, str, "
            "bool, Path, a tuple of these, and Literal",
        )


def _settable(annotation: object) -> bool:
    """Whether a plan can write a value of this type."""
    if annotation in (int, float, str, bool, Path, type(None), Ellipsis):
        return True
    return get_origin(annotation) is Literal or (bool(get_args(annotation)) and all(_settable(part) for part in get_args(annotation)))


def _check_data_files(kind: type[AnyMethod]) -> None:
    home = Path(inspect.getfile(kind)).parent
    for pattern in kind.files:
        require(
            not Path(pattern).is_absolute() and ".." not in Path(pattern).parts,
            f"the method's `files` name {pattern!r}: write a name or a pattern below the method's own folder, such as 'weights/*.npz'",
        )
        require(
            any(path.is_file() for path in home.glob(pattern)),
            f"the method's `files` name {pattern!r}, and no file in {home} has that name: write the names of the data files that the "
            "method reads, such as files: ClassVar[tuple[str, ...]] = ('table.csv',)",
        )

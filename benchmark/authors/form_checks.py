"""The checks of a method's form: what stands on the card, which fields a plan can set, which data files are named."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin

from torch import Tensor, nn

from benchmark.authors.trials import BreachError, require
from benchmark.authors.ways_out import import_way_out, place_of
from datasets.printable import error_text
from datasets.settings import SettingError, configure, field_types, spell
from methods.catalog import BrokenMethodError, Entry
from methods.contract import AnyMethod

_HANDED = {"fuse": ("seen", "rng"), "fit": ("examples", "rng"), "adapt": ("seen", "rng")}
_CLASS_FACTS = {
    "card": "card: ClassVar[Card] = Card(...)",
    "trial": "trial: ClassVar[Mapping[str, Any]] = MappingProxyType({...})",
    "files": "files: ClassVar[tuple[str, ...]] = (...)",
}
PLACEHOLDERS = {"paper": "authors, title, venue", "fidelity": "how it was checked against the authors' code, or why it could not be"}


def check_form(entry: Entry) -> str | None:
    """Checks card, docstring, fields and data files; the advice names what is left of the scaffold's card.

    Raises:
        BreachError: one of them breaks its rule.
    """
    kind = _loaded(entry)
    _check_card(kind)
    module = inspect.getmodule(kind)
    require(
        bool(module and module.__doc__),
        'the file has no docstring: write """What the method does, its equation, and where it comes from.""" as its first line',
    )
    _check_signatures(kind)
    _check_fields(kind)
    _check_data_files(kind)
    left = [name for name, text in PLACEHOLDERS.items() if getattr(kind.card, name) == text]
    advice = [f"the card still has the scaffold's {' and '.join(left)}: tables will show it; write your own"] if left else []
    advice += [
        f"`{name}` has no type, so that it is no parameter and a plan cannot set it: write {name}: {type(vars(kind)[name]).__name__} = "
        f"{vars(kind)[name]!r}, or {name}: ClassVar[...] where it is a constant"
        for name in _untyped(kind)
    ]
    return "; ".join(advice) or None


def _loaded(entry: Entry) -> type[AnyMethod]:
    """The class of the method.

    Raises:
        BreachError: the file cannot be imported, or holds no method; the text has the line, and what to write.
    """
    try:
        return entry.load()
    except BrokenMethodError as broken:
        cause = broken.__cause__
        if cause is not None:
            way = import_way_out(cause)
            raise BreachError(f"{broken}{place_of(cause)}{'; ' if way else ''}{way}") from broken
        raise BreachError(str(broken)) from broken


def _check_card(kind: type[AnyMethod]) -> None:
    card = kind.card
    for name, text in (("name", card.name), ("paper", card.paper), ("fidelity", card.fidelity)):
        require(bool(text.strip()), f'the card says nothing as its {name}: write {name}="..." in Card(...)')
    require(1900 < card.year < 2200, f"the card's year is {card.year}: write the year of the paper in Card(...), such as year=2020")
    for what, low, high in (("bands", card.min_bands, card.max_bands), ("channels", card.min_channels, card.max_channels)):
        require(
            low >= 1 and (high is None or low <= high),
            f"the card's limits leave no number of {what} (min_{what}={low}, max_{what}={high}): write in Card(...) a least one from 1 on, "
            "and a largest one that is not below it",
        )
    require(
        all(ratio >= 1 for ratio in card.ratios), f"the card's ratios are {card.ratios}: write whole numbers from 1 on, such as ratios=(4,)"
    )


def _check_signatures(kind: type[AnyMethod]) -> None:
    """That `fuse`, `fit` and `adapt` take what the referee hands them."""
    for name, given in _HANDED.items():
        function = getattr(kind, name, None)
        if function is None:
            continue
        try:
            inspect.signature(function).bind(*range(1 + len(given)))
        except TypeError as error:
            handed = ", ".join(("self", *given))
            raise BreachError(
                f"`{name}{inspect.signature(function)}` cannot be called with ({handed}): {error}; write def {name}({handed}), and further "
                "settings as fields of the class, such as steps: int = 100"
            ) from error


def _check_fields(kind: type[AnyMethod]) -> None:
    for name in ("card", "trial", "files"):
        require(
            name not in {item.name for item in fields(kind)},  # type: ignore[arg-type]
            f"`{name}` is annotated as a parameter that a plan could set: write {_CLASS_FACTS[name]}",
        )
    try:
        configure(kind, kind.trial)
        configure(kind, {})
    except SettingError as error:
        raise BreachError(f"a plan cannot set a field: {error}; write each field as `name: type = default`") from error
    except (TypeError, AttributeError, NameError) as error:
        raise BreachError(
            f"the method cannot be made with its defaults: {error_text(error)}; write each field as `name: type = default`"
        ) from error
    for name, annotation in field_types(kind).items():
        require(
            not (isinstance(annotation, type) and issubclass(annotation, Tensor | nn.Module)),
            f"the field {name} is a {getattr(annotation, '__name__', '')}, which no plan can set: make it in `fit` from numbers and files "
            "that are fields, and return Fitted(network), a frozen dataclass derived from FusionMethod that has it as a field",
        )
        require(
            get_origin(annotation) is not list and annotation is not list,
            f"the field {name} is a list, which could be changed: write {name}: tuple[int, ...] = (32, 64)",
        )
        require(
            _settable(annotation),
            f"a plan cannot set the field {name}, whose type is {spell(annotation)}: write `{name}: float = 1.0`, or another of int, str, "
            "bool, Path, a tuple of these, and Literal; what `fit` makes or learns belongs into the FusionMethod that it returns",
        )


def _untyped(kind: type[AnyMethod]) -> list[str]:
    """Attributes of the class that look like parameters and have no type, so that a plan cannot set them."""
    typed = {name for each in kind.__mro__ for name in inspect.get_annotations(each)}
    return [
        name
        for name, value in vars(kind).items()
        if not name.startswith("_")
        and name not in typed
        and name not in _CLASS_FACTS
        and isinstance(value, int | float | str | Path | tuple)
    ]


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

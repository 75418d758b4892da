"""The catalog of methods, read from the folder itself.

A method is a file `methods/<family>/<name>.py` or `methods/<family>/<name>/method.py` with one class `Method`, or a TOML file in such a
place (`<name>.toml`, `<name>/method.toml`) that declares one (methods/declared). Methods from outside come from a folder (`--plugins DIR`,
with or without folders for families) and from the entry-point group `hmif_bench.methods`. To list the names, nothing is imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from datasets.printable import error_text
from methods import blind
from methods.contract import AnyMethod, Card, FusionMethod, TrainableMethod
from methods.declared.declaration import DeclarationError, declares_method
from methods.declared.environments import EnvironmentFileError, PreparationError
from methods.declared.kinds import KINDS, DeclaredParts, declared_method, declared_obstacle, declared_parts, owned_files, prepare_declared
from methods.loading import SourceLoader

HOME = Path(__file__).parent
ENTRY_POINTS = "hmif_bench.methods"
BLIND = blind.PARAMETER  # the parameter that makes a method that needs a response a blind one
_NOT_FAMILIES = ("numerics", "declared", "__pycache__")
_DECLARED = ".toml"


class MethodNotFoundError(LookupError):
    """No method has that name. The text gives the nearest name and all valid ones."""


class BrokenMethodError(ImportError):
    """A file of the catalog holds no usable class `Method`."""


@dataclass(frozen=True)
class Entry:
    """One method of the catalog: its name, and where its source is."""

    name: str
    family: str
    file: Path | None  # None for an entry point, whose file is not known before it is imported
    module: str  # dotted name; "module:attribute" for an entry point

    @property
    def is_declared(self) -> bool:
        """Whether the method is a TOML file."""
        return self.file is not None and self.file.suffix == _DECLARED

    @property
    def python_file(self) -> Path | None:
        """The Python file that is imported for this method; None for a TOML file, and for an entry point."""
        return None if self.is_declared else self.file

    def declared_parts(self) -> DeclaredParts | None:
        """On what the result of a method in a TOML file depends; None for a method in Python.

        Raises:
            BrokenMethodError: the file declares no method, or names files that are not there.
        """
        if self.file is None or not self.is_declared:
            return None
        try:
            return declared_parts(self.file)
        except DeclarationError as error:
            raise BrokenMethodError(f"method {self.name!r}: {error}") from error

    def obstacle(self) -> str:
        """Why a method in a TOML file cannot run now, whatever the pair; empty where it can, and for methods in Python."""
        if self.file is None or not self.is_declared:
            return ""
        try:
            return declared_obstacle(self.file)
        except DeclarationError as error:
            return str(error)

    def prepare(self) -> str:
        """What was made now for the method to run in, in words; empty where nothing was to be made.

        Raises:
            BrokenMethodError: it could not be made.
        """
        if self.file is None or not self.is_declared:
            return ""
        try:
            return prepare_declared(self.file)
        except (DeclarationError, EnvironmentFileError, PreparationError) as error:
            raise BrokenMethodError(f"method {self.name!r}: {error}") from error

    def load(self) -> type[AnyMethod]:
        """The class `Method` of this entry, after a check that it is a frozen dataclass with a card and without abstract methods.

        Raises:
            BrokenMethodError: the file cannot be imported, or its class is not of that form.
        """
        if self.file is not None and self.is_declared:
            try:
                return declared_method(self.file)
            except DeclarationError as error:
                raise BrokenMethodError(f"method {self.name!r}: {error}") from error
        module = self._module()
        method = getattr(module, self.module.partition(":")[2] or "Method", None)
        where = f"method {self.name!r} ({self.file or self.module})"
        if not (isinstance(method, type) and issubclass(method, FusionMethod | TrainableMethod)):
            raise BrokenMethodError(f"{where}: expected a class `Method` derived from FusionMethod or TrainableMethod, got {method!r}")
        if inspect.isabstract(method):
            missing = ", ".join(sorted(method.__abstractmethods__))
            raise BrokenMethodError(f"{where}: expected `Method` to define {missing}; add it")
        if not is_dataclass(method) or not method.__dataclass_params__.frozen:
            raise BrokenMethodError(f"{where}: expected a frozen dataclass; write @dataclass(frozen=True) above `class Method`")
        if not isinstance(getattr(method, "card", None), Card):
            raise BrokenMethodError(f"{where}: expected `card: ClassVar[Card] = Card(...)` on `Method`; add it")
        if blind.PARAMETER in {item.name for item in fields(method)}:
            raise BrokenMethodError(f"{where}: the name `{blind.PARAMETER}` is reserved (methods/blind.py); rename the field")
        return method

    def form(self, parameters: Mapping[str, object]) -> type[AnyMethod]:
        """The class that takes these parameters: `Method`, or its blind form if `blind` is one of them."""
        method = self.load()
        return blind.blind_form(method) if blind.PARAMETER in parameters else method

    def widest_form(self) -> type[AnyMethod]:
        """The class that takes every parameter that a plan may give: the blind form where the method needs a response."""
        method = self.load()
        return blind.blind_form(method) if method.card.needs_psf or method.card.needs_srf else method

    def more_sources(self, parameters: Mapping[str, object]) -> tuple[Path, ...]:
        """Source files that the estimate depends on, besides those that the method's file imports."""
        return (Path(blind.__file__),) if blind.PARAMETER in parameters else ()

    def _module(self) -> ModuleType:
        """The imported module. A file from outside is imported under a name of its own, so that it hides no other module."""
        try:
            if self.file is None or self.file.is_relative_to(HOME):
                return importlib.import_module(self.module.partition(":")[0])
            if self.module in sys.modules and sys.modules[self.module].__file__ == str(self.file):
                return sys.modules[self.module]
            spec = importlib.util.spec_from_file_location(self.module, self.file, loader=SourceLoader(self.module, str(self.file)))
            if spec is None or spec.loader is None:
                raise BrokenMethodError(f"method {self.name!r}: expected a Python file, got {self.file}")
            module = importlib.util.module_from_spec(spec)
            for parent in _parents(self.module):  # so that what the file defines can be pickled
                sys.modules.setdefault(parent, ModuleType(parent))
            sys.modules[self.module] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[self.module]
                raise
            return module
        except BrokenMethodError:
            raise
        except (Exception, SystemExit) as error:  # whatever a file does when it is executed
            raise BrokenMethodError(f"method {self.name!r} ({self.file or self.module}) does not import: {error_text(error)}") from error


def _parents(module: str) -> list[str]:
    """The packages above a dotted name: a and a.b for a.b.c."""
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def find(plugins: Path | None = None) -> Mapping[str, Entry]:
    """Every method by name: ours, then the entry points', then those of the plugin folder.

    Raises:
        BrokenMethodError: two methods share a name, or the plugin folder does not exist.
    """
    entries: dict[str, Entry] = {}
    entry_list = [*_scan(HOME, "methods"), *_registered()]
    if plugins is not None:
        if not plugins.is_dir():
            raise BrokenMethodError(f"--plugins: expected a folder, got {plugins}")
        entry_list += _scan(plugins.resolve(), "hmif_plugins")
    for entry in entry_list:
        if entry.name in entries:
            raise BrokenMethodError(f"two methods are named {entry.name!r}: {entries[entry.name].module} and {entry.module}; rename one")
        entries[entry.name] = entry
    return entries


def find_one(name: str, plugins: Path | None = None, places: Sequence[Path] = ()) -> Entry:
    """The entry of that name, or of the file that `name` is the path of: relative to one of `places`, else to the current folder.

    Raises:
        MethodNotFoundError: there is none; the text names the nearest.
    """
    if name.endswith((".py", _DECLARED)):
        file = next((file for place in (*places, Path()) if (file := (place / name).resolve()).is_file()), None)
        if file is None:
            raise MethodNotFoundError(f"method file: expected a file, got {name}")
        return _entry(file, HOME, "methods") if file.is_relative_to(HOME) else _entry(file, file.parent, "hmif_plugins")
    entries = find(plugins)
    if name not in entries:
        close = get_close_matches(name, entries, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise MethodNotFoundError(f"unknown method {name!r}: {hint}valid: {', '.join(sorted(entries))}; files of your own: --plugins DIR")
    return entries[name]


def _scan(home: Path, package: str) -> list[Entry]:
    """The entries below `home`: the methods in the family folders and, outside our own tree, those in `home` itself."""
    scanned = [] if home == HOME else [_entry(file, home, package) for file in _methods_in(home)]
    for family in sorted(
        path for path in home.iterdir() if path.is_dir() and path.name not in _NOT_FAMILIES and not path.name.startswith(".")
    ):
        scanned += [_entry(file, home, package) for file in _methods_in(family)]
        for folder in sorted(path for path in family.iterdir() if path.is_dir() and not path.name.startswith(".")):
            scanned += [_entry(folder / name, home, package) for name in ("method.py", "method.toml") if (folder / name).is_file()]
    return sorted(scanned, key=lambda entry: (entry.family, entry.name))


def _methods_in(folder: Path) -> list[Path]:
    """The files of a folder that are methods; a Python file that belongs to the program of a TOML file there is none."""
    found = [file for file in sorted(folder.iterdir()) if _is_method(file)]
    owned = {path for file in found if file.suffix == _DECLARED for path in owned_files(file)}
    return [file for file in found if file.resolve() not in owned]


def _is_method(file: Path) -> bool:
    """Whether a file is meant as a method: no helper (_x.py), no companion of another file (._x.py), no TOML file for something else."""
    if file.name.startswith(("_", ".")):
        return False
    return file.suffix == ".py" or (file.suffix == _DECLARED and file.is_file() and declares_method(file, tuple(KINDS)))


def _entry(file: Path, home: Path, package: str) -> Entry:
    """The entry of one file. The method's name is that of the file, or that of its folder if the file is a `method.py`."""
    parts = file.relative_to(home).with_suffix("").parts
    name = parts[-2] if parts[-1] == "method" and len(parts) > 1 else parts[-1]
    family = parts[0] if len(parts) > 1 else "plugin"
    return Entry(name=name, family=family, file=file, module=".".join((package, *parts)))


def _registered() -> list[Entry]:
    """The entries of methods that installed packages offer by entry points."""
    return [Entry(name=point.name, family="plugin", file=None, module=point.value) for point in entry_points(group=ENTRY_POINTS)]

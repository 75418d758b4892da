"""The catalog of methods, read from the folder itself.

A method is a file `methods/<family>/<name>.py` or `methods/<family>/<name>/method.py` with one class `Method`, or a TOML file in such a
place (`<name>.toml`, `<name>/method.toml`) that declares one (methods/declared). Methods from outside come from a folder (`--plugins DIR`,
with or without folders for families), from a file that is named by its path, and from the entry-point group `hmif_bench.methods`. To list
the names, nothing is imported.

In a folder of plugins, a Python file is a method if it binds the name `Method`; all others are files that methods import
(methods/plugin_imports.py). A folder with a `method.py` is one method, and every other file in it belongs to it.
"""

from __future__ import annotations

import ast
import glob
import importlib
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from datasets.nearest import did_you_mean
from datasets.printable import error_text
from methods import blind
from methods.contract import AnyMethod, Card, FusionMethod, TrainableMethod
from methods.declared.declaration import DeclarationError, declares_method
from methods.declared.environments import EnvironmentFileError, PreparationError
from methods.declared.kinds import KINDS, DeclaredParts, declared_method, declared_obstacle, declared_parts, owned_files, prepare_declared
from methods.plugin_imports import PACKAGE, load_plugin, plugin_root
from methods.suite_names import offer_names

HOME = Path(__file__).parent
ENTRY_POINTS = "hmif_bench.methods"
BLIND = blind.PARAMETER  # the parameter that makes a method that needs a response a blind one
_NOT_FAMILIES = ("numerics", "declared", "__pycache__")
_TESTS = "tests"  # a folder of plugins may have one, as `new-method` makes it: it holds no methods
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
    module: str  # dotted name; "module:attribute" for an entry point; for a file outside the clone, the package of the plugin
    root: Path | None = None  # of a file outside the clone: how far its relative imports reach

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
            raise BrokenMethodError(
                f"{where}: expected a class `Method` derived from FusionMethod or TrainableMethod, {_found(module, method)}"
            )
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
            if self.file is not None and self.root is not None:
                return load_plugin(self.name, self.file, self.root)
            if self.file is None:
                offer_names()
            return importlib.import_module(self.module.partition(":")[0])
        except KeyboardInterrupt:  # the user's, where the method is not loaded in a child
            raise
        except BaseException as error:  # whatever a file does when it is executed
            raise BrokenMethodError(f"method {self.name!r} ({self.file or self.module}) does not import: {error_text(error)}") from error


def _found(module: ModuleType, method: object) -> str:
    """What stands in the place of the class `Method`, and the line that makes one of it."""
    if isinstance(method, type):
        return f"got a class without that base; write `class {method.__name__}(FusionMethod):`"
    others = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, FusionMethod | TrainableMethod) and value.__module__ == module.__name__
    ]
    return f"got {', '.join(others)}; write `class Method` there" if others else f"got {'none' if method is None else repr(method)}"


def find(plugins: Path | None = None) -> Mapping[str, Entry]:
    """Every method by name: ours, then the entry points', then those of the plugin folder.

    Raises:
        BrokenMethodError: two methods share a name, or the plugin folder does not exist.
    """
    entries = {}
    for name, namesakes in find_namesakes(plugins).items():
        expect_one(namesakes)
        entries[name] = namesakes[0]
    return entries


def find_namesakes(plugins: Path | None = None) -> Mapping[str, Sequence[Entry]]:
    """The methods of each name, which should be one.

    Raises:
        BrokenMethodError: the plugin folder does not exist.
    """
    entry_list = [*_scan(HOME), *_registered()]
    if plugins is not None:
        if not plugins.is_dir():
            raise BrokenMethodError(f"--plugins: expected a folder, got {plugins}")
        entry_list += _scan(plugins.resolve())
    entries: dict[str, list[Entry]] = {}
    for entry in entry_list:
        entries.setdefault(entry.name, []).append(entry)
    return entries


def expect_one(namesakes: Sequence[Entry]) -> None:
    """Nothing, where there is one method of a name.

    Raises:
        BrokenMethodError: there are more.
    """
    if len(namesakes) > 1:
        places = " and ".join(str(one.module if one.root is None else one.file) for one in namesakes)
        raise BrokenMethodError(f"two methods are named {namesakes[0].name!r}: {places}; rename one")


def find_one(name: str, plugins: Path | None = None, places: Sequence[Path] = ()) -> Entry:
    """The entry of that name, or of the file that `name` is the path of: relative to one of `places`, else to the current folder.

    Raises:
        MethodNotFoundError: there is none; the text names the nearest.
        BrokenMethodError: there are two, or the plugin folder does not exist.
    """
    if name.endswith((".py", _DECLARED)):
        file = next((file for place in (*places, Path()) if (file := (place / name).resolve()).is_file()), None)
        if file is None:
            raise MethodNotFoundError(f"method file: expected a file, got {name}")
        return _entry(file, HOME) if file.is_relative_to(HOME) else _named_by_path(file)
    entries = find_namesakes(plugins)
    if name not in entries:
        hint = did_you_mean(name, entries)
        helper = None if plugins is None else next((file for file in _files_named(name, plugins.resolve())), None)
        if helper is not None:
            hint = f"{helper} binds no name `Method`: write `class Method(FusionMethod)`, or it is a file that methods import; {hint}"
        raise MethodNotFoundError(f"unknown method {name!r}: {hint}valid: {', '.join(sorted(entries))}; files of your own: --plugins DIR")
    expect_one(entries[name])
    return entries[name][0]


def _scan(home: Path) -> list[Entry]:
    """The entries below `home`: the methods in the family folders and, outside our own tree, those in `home` itself."""
    scanned = [] if home == HOME else [_entry(file, home) for file in _methods_in(home, home)]
    for family in sorted(
        path for path in home.iterdir() if path.is_dir() and path.name not in _NOT_FAMILIES and not path.name.startswith(".")
    ):
        whole = [] if home == HOME else _whole_method(family)
        if whole:
            scanned += [_entry(file, home) for file in whole]
        elif home == HOME or family.name != _TESTS:
            scanned += [_entry(file, home) for file in _methods_in(family, home)]
            for folder in sorted(path for path in family.iterdir() if path.is_dir() and not path.name.startswith(".")):
                scanned += [_entry(file, home) for file in _whole_method(folder)]
    return sorted(scanned, key=lambda entry: (entry.family, entry.name))


def _whole_method(folder: Path) -> list[Path]:
    """The files that make a whole folder one method: none, one, or two that are told apart later as methods of one name."""
    return [folder / name for name in ("method.py", f"method{_DECLARED}") if (folder / name).is_file()]


def _methods_in(folder: Path, home: Path) -> list[Path]:
    """The files of a folder that are methods; a Python file that belongs to the program of a TOML file there is none."""
    found = [file for file in sorted(folder.iterdir()) if _is_method(file, home)]
    owned = {path for file in found if file.suffix == _DECLARED for path in owned_files(file)}
    return [file for file in found if file.resolve() not in owned]


def _files_named(name: str, plugins: Path) -> list[Path]:
    """The files in a folder of plugins where a method of that name could be."""
    return sorted(file for pattern in ("", "*/") for file in plugins.glob(f"{pattern}{glob.escape(name)}.py"))


def _is_method(file: Path, home: Path) -> bool:
    """Whether a file is meant as a method: no helper (_x.py), no companion of another file (._x.py), no TOML file for something else.

    Outside our own tree, a Python file must bind the name `Method`, or be no Python, which is said when it is imported.
    """
    if file.name.startswith(("_", ".")) or not file.is_file():
        return False
    if file.suffix == _DECLARED:
        return declares_method(file, tuple(KINDS))
    return file.suffix == ".py" and (home == HOME or _binds_method(file))


def _binds_method(file: Path) -> bool:
    """Whether a statement of the file, outside functions and classes, binds the name `Method`; nothing is executed."""
    try:
        source = file.read_bytes()
        if b"Method" not in source:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            waiting: list[ast.AST] = [*ast.parse(source).body]
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return True  # its import says what is wrong
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == "Method":
                return True
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if any((alias.asname or alias.name) == "Method" for alias in node.names):
                return True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node.id == "Method":
                return True
        else:
            waiting += ast.iter_child_nodes(node)
    return False


def _entry(file: Path, home: Path) -> Entry:
    """The entry of one file below `home`. The method's name is that of the file, or that of its folder if the file is a `method.py`."""
    parts = file.relative_to(home).with_suffix("").parts
    place = parts[:-1] if parts[-1] == "method" and len(parts) > 1 else parts
    family = place[0] if len(place) > 1 else "plugin"
    if home == HOME:
        return Entry(name=place[-1], family=family, file=file, module=".".join(("methods", *parts)))
    root = file.parent if any("." in part for part in parts[:-1]) else home  # a folder with a dot in its name is no package
    return Entry(name=place[-1], family=family, file=file, module=f"{PACKAGE}.{place[-1]}", root=root)


def _named_by_path(file: Path) -> Entry:
    """The entry of a file outside the clone that is named by its path."""
    name = file.parent.name if file.stem == "method" and file.parent.name else file.stem
    return replace(_entry(file, plugin_root(file)), name=name, family="plugin")


def _registered() -> list[Entry]:
    """The entries of methods that installed packages offer by entry points."""
    return [Entry(name=point.name, family="plugin", file=None, module=point.value) for point in entry_points(group=ENTRY_POINTS)]

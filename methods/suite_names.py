"""Two names for our packages, in every process that loads plugins: `datasets.observation` is also `hmif_bench.datasets.observation`.

The top-level names of the suite are common words. Hugging Face's library is called `datasets` too, and so is many an author's own folder.
Therefore, after `offer_names`,

    hmif_bench.<floor>...          is always ours: the same module objects, found by this file; nothing lies on the disk under that name
    datasets.X, methods.X, ...     is ours where we have X, and that of an installed distribution of the same name elsewhere
    datasets.attribute             likewise: `datasets.load_dataset` is Hugging Face's, if it is installed

The modules of such a distribution are loaded below the name `hmif_installed`, and see themselves first: for them, `datasets` is their own.
`methods/plugin_imports.py` has the rule for the files of a plugin.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from methods.loading import SourceLoader, is_installed

CLONE = Path(__file__).resolve().parent.parent
SECOND = "hmif_bench"
FLOORS = ("datasets", "methods", "benchmark", "reports")
INSTALLED = "hmif_installed"

Importer = Callable[..., Any]  # what an import statement calls: `builtins.__import__`


def is_ours(module: str) -> bool:
    """Whether the suite has a module of this dotted name, such as `datasets.observation`."""
    top, *parts = module.split(".")
    place = CLONE.joinpath(top, *parts)
    return top in FLOORS and ((place / "__init__.py").is_file() or (bool(parts) and place.with_suffix(".py").is_file()))


def installed_place(floor: str) -> Path | None:
    """The folder on `sys.path` that has another package or module with the name of a floor; None where there is none.

    Another clone of this suite does not count.
    """
    elsewhere = [place for place in sys.path if not (Path(place or ".").resolve() / "run_benchmark.py").is_file()]
    spec = PathFinder.find_spec(floor, elsewhere)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).resolve()
    return file.parent.parent if spec.submodule_search_locations else file.parent


def offer_names() -> None:
    """Makes the names work in this process, from now on; a second call does nothing more."""
    if not any(isinstance(finder, _NameFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NameFinder())
    for floor in FLOORS:
        if installed_place(floor) is not None:
            importlib.import_module(floor).__dict__["__getattr__"] = _attributes_of_installed(floor)


class _NameFinder(MetaPathFinder):
    """Finds our modules by their second name, and the modules of a distribution that has the name of a floor."""

    def find_spec(self, fullname: str, path: Iterable[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        if fullname in (SECOND, INSTALLED):
            return ModuleSpec(fullname, _EmptyPackage(), is_package=True)
        if top == SECOND:
            return alias_spec(fullname, rest) if is_ours(rest) else None
        if top == INSTALLED:
            return _installed_spec(fullname, rest)
        if top in FLOORS and rest and not is_ours(fullname) and installed_place(top) is not None:
            private = f"{INSTALLED}.{fullname}"
            return alias_spec(fullname, private) if importlib.util.find_spec(private) is not None else None
        return None


def _installed_spec(fullname: str, rest: str) -> ModuleSpec | None:
    """The module of a distribution that has the name of a floor, by its name below `INSTALLED`."""
    floor, _, inside = rest.partition(".")
    place = installed_place(floor) if floor in FLOORS else None
    if place is None:
        return None
    path = [str(place)] if not inside else list(importlib.import_module(fullname.rpartition(".")[0]).__path__)
    spec = PathFinder.find_spec(fullname, path)
    if spec is not None and spec.origin is not None and type(spec.loader) is SourceFileLoader:
        loader = CompiledLoader if is_installed(spec.origin) else FreshLoader
        spec.loader = loader(fullname, spec.origin, _for_installed(floor))
    return spec


def _for_installed(floor: str) -> Importer:
    """What the import statements in such a distribution call: its own name is itself."""

    def importer(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and name.partition(".")[0] == floor:
            return import_private(f"{INSTALLED}.{name}", f"{INSTALLED}.{floor}", fromlist)
        return builtins.__import__(name, globals, locals, fromlist, level)

    return importer


def import_private(name: str, top: str, fromlist: Sequence[str] | None) -> ModuleType:
    """What an import statement is to be given for the module `name`: itself with a list of names, else the package `top`."""
    if fromlist:
        return builtins.__import__(name, None, None, tuple(fromlist), 0)
    importlib.import_module(name)
    return sys.modules[top]


def _attributes_of_installed(floor: str) -> Callable[[str], Any]:
    """`__getattr__` of a floor, called for what the floor does not have."""

    def attribute(name: str) -> Any:
        if (not name.startswith("__") or name == "__version__") and installed_place(floor) is not None:
            other = importlib.import_module(f"{INSTALLED}.{floor}")
            if hasattr(other, name):
                return getattr(other, name)
        raise AttributeError(f"module {floor!r} has no attribute {name!r}")

    return attribute


def alias_spec(fullname: str, real: str) -> ModuleSpec:
    """The spec by which an import of `fullname` gives the module `real`, the same object."""
    return ModuleSpec(fullname, _Alias(real))


class _Alias(Loader):
    """Gives a module that is imported under another name."""

    def __init__(self, real: str) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put that of the other name there


class _EmptyPackage(Loader):
    """A package without a file."""

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "The packages of HMIF-Bench, by a name that nothing else has." if module.__name__ == SECOND else None


class _WithImporter(SourceFileLoader):
    """A loader of sources whose import statements call `importer`."""

    def __init__(self, fullname: str, path: str, importer: Importer) -> None:
        super().__init__(fullname, path)
        self.importer = importer

    def exec_module(self, module: ModuleType) -> None:
        """Execute the source."""
        _call_at_imports(module, self.importer)
        super().exec_module(module)


class CompiledLoader(_WithImporter):
    """Loads an installed source, of which Python keeps a .pyc file."""


class FreshLoader(_WithImporter, SourceLoader):  # type: ignore[misc]  # typeshed has two declarations of one method
    """Loads a source that counts in a key: compiled from the bytes on the disk, which are remembered."""


def _call_at_imports(module: ModuleType, importer: Importer) -> None:
    """Let the import statements of a module, which is not executed yet, call `importer`; no other module sees it."""
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": importer}  # where CPython looks for `__import__`

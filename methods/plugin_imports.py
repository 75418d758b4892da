"""A plugin outside the clone is a package: its files import one another, ours, and what is installed.

A name in an import statement of a plugin's file means the first of these that there is:

    1. `hmif_bench.<floor>...`        our packages, always (methods/suite_names.py)
    2. a module of Python itself
    3. `datasets.X`, `methods.X`, ... a module of ours, where we have that X
    4. a file of the plugin           beside the method's file, or in the plugin's root; a folder with `__init__.py` is a package, and one
                                      without is, if nothing that is installed has its name. A file never means itself
    5. what is installed              or found on `sys.path`; Hugging Face's `datasets` too

Relative imports reach every file below the plugin's root: the folder that `--plugins` names, or for a file that is named by its path the
folder above the outermost package it lies in (its own folder, where that is no package).

The files of each plugin are loaded below a package of its own, `hmif_plugins.<name>`, so that two plugins, each with a file `network.py`,
have two modules, and no library sees either. `from .network import Net`, `from network import Net` and what `pickle` finds by its name
are one module. `import_module("network")` means the plugin's file where nothing that is installed has that name.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from methods.suite_names import FLOORS, FreshLoader, Importer, alias_spec, import_private, installed_place, is_ours, offer_names

PACKAGE = "hmif_plugins"


def plugin_root(file: Path) -> Path:
    """The root of a plugin that is named by its path: the folder above the outermost package that the file lies in."""
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def own_place(top: str, file: Path, root: Path, importer: Path) -> Path | None:
    """The folder of a plugin in which a top-level name is found, by rule 4 above; None where the plugin has no such module.

    Args:
        top: the name up to its first dot.
        file: the method's file.
        root: the plugin's root.
        importer: the file with the import statement.
    """
    for place in dict.fromkeys((file.parent, root)):
        module, package = place / f"{top}.py", place / top
        if (package / "__init__.py").is_file() or (module.is_file() and module != importer):
            return place
        if any((place / f"{top}{ending}").is_file() for ending in EXTENSION_SUFFIXES):
            return place
        if package.is_dir() and any(package.glob("*.py")) and not _is_found_elsewhere(top):
            return place
    return None


def _is_found_elsewhere(top: str) -> bool:
    """Whether something on `sys.path`, and not of the suite, has that name, and is more than a folder."""
    if top in FLOORS:
        return installed_place(top) is not None
    spec = PathFinder.find_spec(top)
    return spec is not None and spec.loader is not None and spec.origin is not None


@dataclass(frozen=True)
class _Plugin:
    """One plugin whose files are, or have been, loaded in this process."""

    package: str  # hmif_plugins.<name>
    file: Path
    root: Path
    places: dict[tuple[str, Path], Path | None] = field(default_factory=dict, compare=False)  # what `own_place` has found so far

    def module_name(self, file: Path) -> str:
        """The name of the module of a file below the root, or of a folder."""
        parts = file.relative_to(self.root).with_suffix("").parts if file.suffix == ".py" else file.relative_to(self.root).parts
        return ".".join((self.package, *(part.replace(".", "_") for part in parts)))

    def own(self, top: str, importer: Path) -> str | None:
        """The name of the module that a top-level name means, if it is the plugin's."""
        if top in sys.stdlib_module_names or not top:
            return None
        if (top, importer) not in self.places:
            self.places[top, importer] = own_place(top, self.file, self.root, importer)
        place = self.places[top, importer]
        return None if place is None else f"{self.module_name(place)}.{top}"

    def importer(self, path: Path) -> Importer:
        """What the import statements of one of its files call."""

        def importer(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
            top, _, rest = name.partition(".")
            private = self.own(top, path) if level == 0 else None
            if private is None:
                return builtins.__import__(name, globals, locals, fromlist, level)
            if top in FLOORS:
                return _import_floor(name, private, fromlist or ())
            return import_private(f"{private}.{rest}" if rest else private, private, fromlist)

        return importer


def _import_floor(name: str, private: str, fromlist: Sequence[str]) -> ModuleType:
    """What an import of `name` gives where the plugin has a module with the name of a floor: the plugin's, and in it what is ours."""
    top, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    if not rest:
        ours = [item for item in fromlist if item != "*" and is_ours(f"{top}.{item}")]
        theirs = import_private(private, private, [item for item in fromlist if item not in ours])
        for item in ours:
            setattr(theirs, item, importlib.import_module(f"{top}.{item}"))
        return theirs
    if not is_ours(f"{top}.{first}"):
        return import_private(f"{private}.{rest}", private, fromlist)
    module: ModuleType = builtins.__import__(name, None, None, tuple(fromlist), 0)
    if fromlist:
        return module
    theirs = importlib.import_module(private)
    setattr(theirs, first, sys.modules[f"{top}.{first}"])
    return theirs


_plugins: dict[str, _Plugin] = {}  # by the name of the package
_aliases: dict[str, str] = {}  # private names of modules, by the top-level names under which `_LastFinder` has found them
_loading: list[_Plugin] = []  # plugins whose files are being executed, the innermost last


def load_plugin(name: str, file: Path, root: Path) -> ModuleType:
    """The module of a method's file, executed if it is not in memory, with the packages that it lies in.

    Args:
        name: the name of the method.
        file: its file.
        root: how far its relative imports reach; a folder above the file.

    Raises:
        BaseException: whatever the file does. Nothing of the plugin stays in memory then.
    """
    offer_names()
    _find_plugins()
    plugin = _registered(name, file, root)
    module_name = plugin.module_name(file)
    if module_name in sys.modules:
        return sys.modules[module_name]
    _forget(plugin)
    _drop_aliases()
    importlib.invalidate_caches()  # a file may have been written just now
    _loading.append(plugin)
    try:
        parent = importlib.import_module(module_name.rpartition(".")[0])
        if module_name in sys.modules:  # the package has imported it
            return sys.modules[module_name]
        loader = FreshLoader(module_name, str(file), plugin.importer(file))
        spec = importlib.util.spec_from_file_location(module_name, file, loader=loader)
        if spec is None:
            raise ImportError(f"expected a Python file, got {file}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        loader.exec_module(module)
        setattr(parent, module_name.rpartition(".")[2], module)
    except BaseException:
        _forget(plugin)
        raise
    finally:
        _loading.pop()
        if len(_plugins) > 1:
            _drop_aliases()  # what was this plugin's file may be another's for the next
    return module


def _registered(name: str, file: Path, root: Path) -> _Plugin:
    """The plugin, with a package of its own: two plugins of one name have two packages."""
    plain = f"{PACKAGE}.{name.replace('.', '_')}"
    package, number = plain, 1
    while package in _plugins and (_plugins[package].file, _plugins[package].root) != (file, root):
        number += 1
        package = f"{plain}_{number}"
    if package not in _plugins:
        _plugins[package] = _Plugin(package, file, root)
    return _plugins[package]


def _forget(plugin: _Plugin) -> None:
    """Take every module of a plugin out of memory."""
    for module in [name for name in sys.modules if name == plugin.package or name.startswith(f"{plugin.package}.")]:
        del sys.modules[module]
    plugin.places.clear()


def _drop_aliases() -> None:
    """Forget which plugin's file a bare name means."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _aliases]:
        del sys.modules[name]
    _aliases.clear()


def _find_plugins() -> None:
    """Makes the modules of plugins importable in this process; before any other finder, also one that has been put there since."""
    there = [finder for finder in sys.meta_path if isinstance(finder, _PluginFinder)]
    if not there:
        sys.meta_path.append(_LastFinder())
    if sys.meta_path[0] not in there:
        sys.meta_path[:] = [*(there or [_PluginFinder()]), *(finder for finder in sys.meta_path if finder not in there)]


class _PluginFinder(MetaPathFinder):
    """Finds the modules below `hmif_plugins`."""

    def find_spec(self, fullname: str, path: Iterable[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        if top in _aliases and rest:
            return alias_spec(fullname, f"{_aliases[top]}.{rest}")
        if top != PACKAGE:
            return None
        if not rest:
            return ModuleSpec(fullname, None, is_package=True)
        plugin = _plugins.get(".".join(fullname.split(".")[:2]))
        if plugin is None:
            return None
        if fullname == plugin.package:
            return self._root(plugin)
        spec = PathFinder.find_spec(fullname, None if path is None else [*path])
        if spec is not None and spec.origin is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = FreshLoader(fullname, spec.origin, plugin.importer(Path(spec.origin)))
        return spec

    def _root(self, plugin: _Plugin) -> ModuleSpec | None:
        """The package of the root, which is executed where it has an `__init__.py`."""
        file = plugin.root / "__init__.py"
        if file.is_file():
            loader = FreshLoader(plugin.package, str(file), plugin.importer(file))
            return importlib.util.spec_from_file_location(
                plugin.package, file, loader=loader, submodule_search_locations=[str(plugin.root)]
            )
        spec = ModuleSpec(plugin.package, None, is_package=True)
        spec.submodule_search_locations = [str(plugin.root)]
        return spec


class _LastFinder(MetaPathFinder):
    """Finds a plugin's file by its bare name where nothing else has been found: for `import_module`, and for pickles of whole networks."""

    def find_spec(self, fullname: str, path: Iterable[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or "." in fullname:
            return None
        loaded = _loading[-1:] or [plugin for plugin in _plugins.values() if plugin.package in sys.modules]
        found = {private: plugin for plugin in loaded if (private := plugin.own(fullname, Path())) is not None}
        if len(found) > 1:
            files = " and ".join(str(plugin.file) for plugin in found.values())
            raise ImportError(f"{fullname}: expected it beside one plugin, got it beside {files}; write `from . import {fullname}`")
        for private in found:
            _aliases[fullname] = private
            return alias_spec(fullname, private)
        return None

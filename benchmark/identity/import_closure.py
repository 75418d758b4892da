"""The import closure of a Python file: the files, data files and distributions that executing it would use."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path

from benchmark.clone import ROOT, is_suite_file
from benchmark.identity.distributions import base_folder, distributions_of_modules, is_installation_folder, suite_dependencies
from benchmark.identity.source_facts import SourceFacts, read_source
from methods.plugin_imports import own_place
from methods.suite_names import FLOORS, SECOND, installed_place, is_ours


class ImportClosure:
    """The files, data files and distributions that have been found so far.

    `plugin` is the method's file of an outside plugin and `root` how far its relative imports reach, `package` is a top-level package that
    is followed even where it is installed, and `more` are folders that a method puts on `sys.path` itself.
    """

    def __init__(self, plugin: Path | None, root: Path | None, package: str, more: Sequence[Path] = ()) -> None:
        self.plugin, self.package, self.more = plugin, package, tuple(more)
        self.home = None if plugin is None else plugin.parent
        self.root = self.home if root is None else root
        self.files: dict[str, Path] = {}
        self.facts: dict[str, SourceFacts] = {}  # what each of the files says, by the same name
        self.data: dict[str, Path] = {}
        self.packages: dict[str, str] = {}
        self.uncovered: list[str] = []
        self._met: set[Path] = set()
        self._from_suite: dict[tuple[bool, str], list[Path]] = {}  # reached from the suite, below methods/ or elsewhere

    def follow(self, start: Path) -> None:
        """Add a file and all that it uses, and the packages of the suite or of the plugin that it lies in: they are imported with it."""
        waiting = [*self._packages_of(start), start]
        while waiting:
            path = waiting.pop()
            if path in self._met:
                continue
            self._met.add(path)
            name = self.name(path)
            if name in self.files:
                continue
            source = self.facts[name] = read_source(path)
            self.files[name] = path
            in_suite = is_suite_file(path)
            in_methods = in_suite and path.is_relative_to(ROOT / "methods")
            for level, module in source.imports:
                if level or not in_suite:
                    waiting += self._reached(path, level, module, in_suite)
                    continue
                asked = in_methods, module
                if asked not in self._from_suite:  # many files import the same names
                    self._from_suite[asked] = self._reached(path, level, module, in_suite)
                waiting += self._from_suite[asked]
            if not in_suite or in_methods:
                self.uncovered += source.phrases
                self._named_data(path, source.texts)

    def name(self, path: Path) -> str:
        """The name of a file in the digest: its path in the clone, in the plugin's folder or on sys.path, the same for a copy elsewhere."""
        if is_suite_file(path):
            return path.relative_to(ROOT).as_posix()
        if self.home is not None and (path.is_relative_to(self.home) or (self.root is not None and path.is_relative_to(self.root))):
            return f"plugin/{Path(os.path.relpath(path, self.home)).as_posix()}"
        places = [*self.more, *(Path(entry).resolve() for entry in sys.path if entry)]
        bases = [base for base in places if path.is_relative_to(base)]
        nearest = max(bases, key=lambda base: len(base.parts), default=path.parent)
        return f"local/{path.relative_to(nearest).as_posix()}"

    def _named_data(self, path: Path, texts: frozenset[str]) -> None:
        """Add the files beside a source that are named by a constant text in it."""
        for text in texts:
            if "." not in text or "\n" in text or "\0" in text or text.startswith(("/", "~")):
                continue
            try:
                file = (path.parent / text).resolve()
                beside = file.is_relative_to(path.parent) and file.suffix != ".pyc" and file.is_file() and file != path
            except (OSError, ValueError):  # no name that a file could have
                continue
            if beside:  # a Python file that no import statement names is executed by other means, or read: it counts by content
                self.data[self.name(file)] = file

    def _reached(self, path: Path, level: int, module: str, in_suite: bool) -> list[Path]:
        """The files that an import statement of the file `path` would execute. If it names a distribution, its version is noted instead.

        `in_suite` says whether `path` is a file of the suite.
        """
        if level:
            base = path.parent
            for _ in range(level - 1):
                base = base.parent
            above = [base / "__init__.py"] if (base / "__init__.py").is_file() else []
            return [*above, *module_files(module, base)] if module else above
        top, _, rest = module.partition(".")
        if top == SECOND:
            return module_files(rest, ROOT)
        if not top or top in sys.stdlib_module_names:
            return []
        if in_suite:
            if top in FLOORS:
                return module_files(module, ROOT)
            if not path.is_relative_to(ROOT / "methods"):
                return []  # the other floors import nothing but the dependencies of the suite
        elif top in FLOORS and is_ours(f"{top}.{rest.partition('.')[0]}"):
            return module_files(module, ROOT)
        elif files := self._of_plugin(path, top, module):
            return files
        elif top in FLOORS:
            return [*module_files(top, ROOT), *self._outside(top, module)]
        for folder in self.more:
            if files := module_files(module, folder):
                return files
        return self._outside(top, module)

    def _packages_of(self, path: Path) -> list[Path]:
        """The `__init__.py` of each package of the suite, or of the plugin, that a file lies in; none for a file from elsewhere."""
        top = ROOT if is_suite_file(path) else self.root
        if top is None or not path.is_relative_to(top):
            return []
        inside = path.relative_to(top).parent.parts
        return [file for depth in range(len(inside) + 1) if (file := top.joinpath(*inside[:depth], "__init__.py")).is_file()]

    def _of_plugin(self, path: Path, top: str, module: str) -> list[Path]:
        """The plugin's own files that this import would execute; a compiled one counts by its content."""
        if self.plugin is None or self.root is None or not path.is_relative_to(self.root):
            return []
        place = own_place(top, self.plugin, self.root, path)
        if place is None:
            return []
        for compiled in (place / f"{top}{ending}" for ending in EXTENSION_SUFFIXES):
            if compiled.is_file():
                self.data[self.name(compiled)] = compiled
        return module_files(module, place)

    def _outside(self, top: str, module: str) -> list[Path]:
        """The files of a module that comes from elsewhere; none where it belongs to a distribution, whose version is noted."""
        base = installed_place(top) if top in FLOORS else base_folder(top)
        if base is None:
            return []
        if top == self.package or not is_installation_folder(base):
            return module_files(module, base)
        if top in suite_dependencies():
            return []
        for distribution in distributions_of_modules().get(top, ()):
            self.packages[distribution] = version(distribution)
        return []


def module_files(module: str, base: Path) -> list[Path]:
    """The files below `base` that importing the dotted name would execute: those of its packages, and its own."""
    place, reached = str(base), []
    for part in module.split("."):
        place = f"{place}/{part}"  # as text: some hundred names are asked for, and a Path takes ten times as long
        reached += [Path(os.path.realpath(file)) for file in (f"{place}/__init__.py", f"{place}.py") if os.path.isfile(file)]  # noqa: PTH113
    return reached

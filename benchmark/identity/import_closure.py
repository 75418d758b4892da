"""The import closure of a Python file: the files, data files and distributions that executing it would use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmark.clone import ROOT
from benchmark.identity.distributions import base_folder, distributions_of_modules, is_installation_folder, suite_dependencies
from benchmark.identity.source_facts import read_source

OURS = ("datasets", "methods", "benchmark", "reports")


class ImportClosure:
    """The files, data files and distributions that have been found so far.

    `home` is the folder of an outside plugin, `package` a top-level package that is followed even where it is installed, and `more` are
    folders that a method puts on `sys.path` itself.
    """

    def __init__(self, home: Path | None, package: str, more: Sequence[Path] = ()) -> None:
        self.home, self.package, self.more = home, package, tuple(more)
        self.files: dict[str, Path] = {}
        self.data: dict[str, Path] = {}
        self.packages: dict[str, str] = {}
        self.uncovered: list[str] = []

    def follow(self, start: Path) -> None:
        """Add a file and all that it uses; for a file of the suite also the packages that it lies in, which are imported with it."""
        waiting = [*_packages_of(start), start]
        while waiting:
            path = waiting.pop()
            name = self.name(path)
            if name in self.files:
                continue
            self.files[name] = path
            source = read_source(path)
            for level, module in source.imports:
                waiting += self._reached(path, level, module)
            if not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / "methods"):
                self.uncovered += source.phrases
                self._named_data(path, source.texts)

    def name(self, path: Path) -> str:
        """The name of a file in the digest: its path in the clone, in the plugin's folder or on sys.path, the same for a copy elsewhere."""
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OURS:
            return path.relative_to(ROOT).as_posix()
        if self.home is not None and path.is_relative_to(self.home):
            return f"plugin/{path.relative_to(self.home).as_posix()}"
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

    def _reached(self, path: Path, level: int, module: str) -> list[Path]:
        """The files that this import would execute; of a distribution, the version is noted instead."""
        if level:
            base = path.parent
            for _ in range(level - 1):
                base = base.parent
            above = [base / "__init__.py"] if (base / "__init__.py").is_file() else []
            return [*above, *module_files(module, base)] if module else above
        top = module.partition(".")[0]
        if top in OURS and (files := module_files(module, ROOT)):
            return files
        if self.home is not None and (files := module_files(module, self.home)):
            return files
        if not top or top in (*OURS, *sys.stdlib_module_names):
            return []
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "methods"):
            return []  # the other floors import nothing but the dependencies of the suite
        for folder in self.more:
            if files := module_files(module, folder):
                return files
        return self._outside(top, module)

    def _outside(self, top: str, module: str) -> list[Path]:
        """The files of a module that comes from elsewhere; none where it belongs to a distribution, whose version is noted."""
        base = base_folder(top)
        if base is None:
            return []
        if top == self.package or not is_installation_folder(base):
            return module_files(module, base)
        if top in suite_dependencies():
            return []
        for distribution in distributions_of_modules().get(top, ()):
            self.packages[distribution] = version(distribution)
        return []


def _packages_of(path: Path) -> list[Path]:
    """The `__init__.py` of each package of the suite that a file lies in; none for a file from elsewhere."""
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in OURS:
        return []
    inside = path.relative_to(ROOT).parent.parts
    return [file for depth in range(1, len(inside) + 1) if (file := ROOT.joinpath(*inside[:depth], "__init__.py")).is_file()]


def module_files(module: str, base: Path) -> list[Path]:
    """The files below `base` that importing the dotted name would execute: those of its packages, and its own."""
    parts = module.split(".")
    reached = []
    for depth in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:depth])
        reached += [path.resolve() for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()]
    return reached

"""A loader that compiles sources from the bytes on the disk, never from a .pyc file, and remembers these bytes.

The referee must know which source a result came from. A .pyc file cannot say: Python takes it as current if the time (in seconds) and the
size of the source have not changed, so an edit within one second that keeps the size goes unnoticed. Only the bytes that were compiled are
certain. Therefore method files from outside are always loaded by `SourceLoader`. After `watch_imports`, so are all other sources, except
those of Python itself and of installed distributions; the processes that run cells call it first.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PRIVATE = ("hmif_bench", "hmif_plugins", "hmif_installed")
"""Packages that have finders of their own (methods/suite_names.py, methods/plugin_imports.py)."""

LOADED: dict[str, bytes] = {}
"""The bytes of every source that `SourceLoader` has compiled in this process, by their path."""


class SourceLoader(SourceFileLoader):
    """Compiles a source from its bytes, and keeps them in `LOADED`."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module. No .pyc file is read or written."""
        path = self.get_filename(fullname)
        data = self.get_data(path)
        LOADED[path] = data
        code: CodeType = self.source_to_code(data, path)
        return code


class _Watcher(MetaPathFinder):
    """Lets `SourceLoader` load every source that belongs neither to Python itself nor to an installed distribution."""

    def find_spec(self, fullname: str, path: Iterable[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or top in PRIVATE:
            return None
        spec = PathFinder.find_spec(fullname, None if path is None else [*path], target)
        if spec is None or spec.origin is None or type(spec.loader) is not SourceFileLoader or is_installed(spec.origin):
            return None
        spec.loader = SourceLoader(fullname, spec.origin)
        return spec


def watch_imports() -> None:
    """Makes `SourceLoader` load sources from now on. For sources loaded before, the bytes that are on the disk now are kept."""
    if not any(isinstance(finder, _Watcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watcher())
    for module in list(sys.modules.values()):
        origin = getattr(module, "__file__", None)
        if origin and origin.endswith(".py") and origin not in LOADED and not is_installed(origin):
            file = Path(origin)
            if file.is_absolute() and file.is_file():  # some modules, such as torch.ops, name a file that is none
                LOADED[origin] = file.read_bytes()


def is_installed(path: str) -> bool:
    """Whether a file is in a folder of Python's own modules or of installed distributions."""
    return path.startswith(_installation_folders())


@cache
def _installation_folders() -> tuple[str, ...]:
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    return tuple(sorted({f"{place}/" for folder in folders for place in (folder, str(Path(folder).resolve()))}))

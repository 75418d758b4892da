"""How sources are loaded where it must be known what was loaded: compiled from the bytes on the disk, never from a .pyc, and remembered.

A .pyc is taken for current when the source's second and size are equal: an edit within a second that keeps the size goes unnoticed. And
only the bytes that were compiled say what ran. So outside method files are always loaded by `SourceLoader`, and the processes that run
cells load every source by it that is neither Python's own nor of an installed distribution (`watch_imports`).
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

LOADED: dict[str, bytes] = {}
"""The bytes of every source that `SourceLoader` has compiled in this process, by path."""


class SourceLoader(SourceFileLoader):
    """Compiles a source from its bytes and remembers them in `LOADED`."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code; no .pyc is read or written."""
        path = self.get_filename(fullname)
        data = self.get_data(path)
        LOADED[path] = data
        code: CodeType = self.source_to_code(data, path)
        return code


class _Watcher(MetaPathFinder):
    """Gives `SourceLoader` to every source that is neither Python's own nor of an installed distribution."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or type(spec.loader) is not SourceFileLoader or is_installed(spec.origin):
            return None
        spec.loader = SourceLoader(fullname, spec.origin)
        return spec


def watch_imports() -> None:
    """From now on, load sources by `SourceLoader`; those of ours that are loaded already are remembered as they lie on the disk."""
    if not any(isinstance(finder, _Watcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watcher())
    for module in list(sys.modules.values()):
        origin = getattr(module, "__file__", None)
        if origin and origin.endswith(".py") and origin not in LOADED and not is_installed(origin):
            LOADED[origin] = Path(origin).read_bytes()


def is_installed(path: str) -> bool:
    """Whether a file lies where Python's own modules or distributions are installed."""
    return path.startswith(_installation_folders())


@cache
def _installation_folders() -> tuple[str, ...]:
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    return tuple(sorted({f"{place}/" for folder in folders for place in (folder, str(Path(folder).resolve()))}))

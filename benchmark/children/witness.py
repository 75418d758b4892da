"""What a child reports of itself: the sources that it has loaded, by the bytes that were compiled, and the files that a method has opened.

The supervisor compares the sources with those that the key of the cell was made from. What the key does not cover is noted in the record.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.util import source_from_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmark.clone import ROOT, is_suite_file
from benchmark.identity.syntax import syntax_digest
from methods.loading import LOADED, is_installed

MOST_NAMES = 20  # of files in one record
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/opt/")
_digests: dict[str, tuple[bytes, str]] = {}


def remember(expected: Mapping[str, tuple[str, str]] = MappingProxyType({})) -> None:
    """Compute the digests of the sources that have been loaded so far; a child then computes only those of further ones.

    To compute one takes the syntax, some 10 ms for a method. Where the bytes of a source are the `expected` ones, its expected digest is
    taken: `expected` has the sha256 of the bytes and the digest of the syntax, by the path.
    """
    for path, source in LOADED.items():
        if path not in _digests or _digests[path][0] is not source:
            raw, digest = expected.get(path, ("", ""))
            same = raw and sha256(source).hexdigest() == raw
            _digests[path] = source, digest if same else syntax_digest(source, path)


def loaded_sources(expected: Mapping[str, tuple[str, str]] = MappingProxyType({})) -> dict[str, str]:
    """The syntax digest of each source that this process has loaded, by its path; `expected` as for `remember`."""
    remember(expected)
    return {path: digest for path, (_, digest) in _digests.items()}


class Watch:
    """The modules that are imported, and the files that are opened for reading, in this process from now on.

    An audit hook sees the files that Python itself opens (`open`, `os.open`, numpy, Pillow), but not those that a library in C opens.
    """

    def __init__(self) -> None:
        self.before = set(LOADED)
        self.home = str(Path.cwd())
        self.opened: dict[str, None] = {}
        self.on = True
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.on:
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and mode[:1] in "wax") or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_CREAT))
            if isinstance(path, str | bytes) and not writes and len(self.opened) < 1000:
                self.opened.setdefault(os.fsdecode(path))

    def stop(self) -> None:
        """Note nothing more; the hook itself cannot be removed."""
        self.on = False

    def uncovered(self, places: Collection[Path]) -> list[str]:
        """What the key does not cover, in phrases; `places` are the sources and files that it does cover."""
        self.stop()
        covered = {os.path.realpath(path) for path in places}
        modules = dict.fromkeys(os.path.realpath(path) for path in LOADED if path not in self.before)
        others = [path for path in modules if path not in covered]
        strange = [path for path in others if path.startswith(f"{ROOT / 'methods'}/") or not is_suite_file(Path(path))]
        opened = dict.fromkeys(map(self._source, self.opened))
        read = [path for path in opened if path not in covered and path not in modules and self._counts(path)]
        phrases = [f"the module {_short(path)}, which the import statements do not lead to" for path in strange]
        phrases += [f"the file {_short(path)}, which the method reads" for path in read]
        more = len(phrases) - MOST_NAMES
        return phrases[:MOST_NAMES] + ([f"{more} more files"] if more > 0 else [])

    def _source(self, path: str) -> str:
        """The whole path; that of the source where Python has compiled it into a .pyc file."""
        whole = os.path.realpath(os.path.join(self.home, path))  # noqa: PTH118  # some thousand paths
        if whole.endswith(".pyc"):
            with suppress(ValueError):
                return source_from_cache(whole)
        return whole

    def _counts(self, path: str) -> bool:
        """Whether a file may decide a result: no file of the system, of a library or of the suite, and none that the cell has written."""
        prefixes = (*_SYSTEM, f"{sys.prefix}/", f"{sys.base_prefix}/", f"{self.home}/", f"{os.path.realpath(self.home)}/")
        if path.startswith(prefixes) or is_installed(path):
            return False
        if path.endswith(".py") and is_suite_file(Path(path)) and path in map(os.path.realpath, LOADED):
            return False  # read for a traceback
        return os.path.isfile(path)  # noqa: PTH113


def _short(path: str) -> str:
    """The name of a file; that of a package with its folder."""
    place = Path(path)
    return f"{place.parent.name}/{place.name}" if place.name == "__init__.py" else place.name

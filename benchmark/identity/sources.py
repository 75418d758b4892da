"""The sources that a result depends on: the import closure of a file, hashed as syntax; and what that closure cannot see.

Followed from a file on, nothing executed (`ast`):

    import statements              to our own files, to those of the plugin's folder, and to local packages (on sys.path, but not installed
                                   as a distribution, or installed as editable)
    importlib.import_module("x")   and __import__("x"), where the name is a constant
    installed distributions        that this suite does not depend on: by name and version. The suite's own dependencies are recorded
                                   with each run, and not hashed
    data files                     those that the class declares (`files`), and those beside a source that a constant text in it names:
                                   by content

What remains is said in words, and stands in the record as "the key does not cover": imports by a computed name, environment variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from benchmark.identity.distributions import base_folder, distributions_of_modules, is_installation_folder
from benchmark.identity.import_closure import ImportClosure, module_files
from benchmark.identity.source_facts import read_source
from datasets.digests import digest_of, file_sha256


class UnkeyedError(ValueError):
    """Something that no key can be made of, such as a declared file that does not exist."""


@dataclass(frozen=True)
class Sources:
    """What a result depends on besides its inputs."""

    files: Mapping[str, str]  # Python files: name -> digest of the syntax; names hold no path of the machine
    data: Mapping[str, str] = field(default_factory=dict)  # data files: name -> sha256
    packages: Mapping[str, str] = field(default_factory=dict)  # distributions that the suite does not depend on: name -> version
    uncovered: tuple[str, ...] = ()  # what the key does not cover, a phrase each
    places: Mapping[str, Path] = field(default_factory=dict)  # where each file lies here; no part of the digest

    @cached_property
    def digest(self) -> str:
        """One digest of files, data and packages."""
        return digest_of({"files": self.files, "data": self.data, "packages": self.packages})

    def joined(self, *others: Sources) -> Sources:
        """These sources and the others' as one."""
        every = (self, *others)
        return Sources(
            files={name: value for one in every for name, value in one.files.items()},
            data={name: value for one in every for name, value in one.data.items()},
            packages={name: value for one in every for name, value in one.packages.items()},
            uncovered=tuple(dict.fromkeys(phrase for one in every for phrase in one.uncovered)),
            places={name: value for one in every for name, value in one.places.items()},
        )


def sources_of(file: Path, home: Path | None = None, declared: Sequence[str] = (), *, package: str = "") -> Sources:
    """The sources of executing `file`.

    Args:
        file: a Python file.
        home: the folder that an outside plugin may import siblings from.
        declared: names or patterns of data files, beside `file`.
        package: a top-level package whose files are followed even where it is installed.

    Raises:
        UnkeyedError: a declared pattern matches no file.
    """
    closure = ImportClosure(None if home is None else home.resolve(), package)
    closure.follow(file.resolve())
    for pattern in declared:
        matching = sorted(path for path in file.parent.glob(pattern) if path.is_file())
        if not matching:
            raise UnkeyedError(f"files: expected a file that {pattern!r} names beside {file.name}, got none; correct `files` of the class")
        for path in matching:
            closure.data[closure.name(path.resolve())] = path.resolve()
    return Sources(
        files={name: read_source(path).digest for name, path in sorted(closure.files.items())},
        data={name: file_sha256(path) for name, path in sorted(closure.data.items())},
        packages=dict(sorted(closure.packages.items())),
        uncovered=tuple(dict.fromkeys(closure.uncovered)),
        places={**closure.files, **closure.data},
    )


def sources_of_module(module: str, declared: Sequence[str] = ()) -> Sources:
    """The sources of importing an installed module by its dotted name, as an entry point does: those of its package, wherever it lies.

    Raises:
        UnkeyedError: there is no such module, or a declared pattern matches no file.
    """
    top = module.partition(".")[0]
    base = base_folder(top)
    files = [] if base is None else module_files(module, base)
    if not files:
        raise UnkeyedError(f"expected a module {module} with a Python file, got none; install the package that announces it again")
    whole = Sources({})
    for file in files:
        whole = whole.joined(sources_of(file, None, declared if file == files[-1] else (), package=top))
    installed = base is not None and is_installation_folder(base)
    versions = {name: version(name) for name in distributions_of_modules().get(top, ())} if installed else {}
    return whole.joined(Sources({}, packages=versions))

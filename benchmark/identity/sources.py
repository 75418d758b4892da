"""The sources on which a result depends: the import closure of a file, hashed as syntax; and what that closure cannot see.

Starting from a file, these are followed, without executing anything (`ast`):

    import statements              to files of the suite, of the plugin's folder, and of local packages (on sys.path, and not installed
                                   as a distribution, or installed as editable)
    importlib.import_module("x")   and __import__("x"), where the name is a constant
    what a trial import loads      each local source that importing the method loaded in a child (matrix/interview.py), however it was
                                   found: by a changed `sys.path`, by a computed name
    installed distributions        that this suite does not depend on: hashed by name and version. The dependencies of the suite are
                                   recorded with each run, and not hashed
    data files                     those that the class declares (`files`), and those beside a source that are named by a constant text
                                   in it: hashed by content. So is a Python file that no import names: it may be executed by `exec`

Imports by a computed name and environment variables cannot be followed. They are named in the record, as what the key does not cover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from benchmark.identity.distributions import base_folder, distributions_of_modules, is_installation_folder
from benchmark.identity.import_closure import ImportClosure, module_files
from datasets.digests import digest_of, file_sha256


class UnkeyedError(ValueError):
    """Something from which no key can be made, such as a declared file that does not exist."""


@dataclass(frozen=True)
class Sources:
    """The code and the data on which a result depends, besides its inputs."""

    files: Mapping[str, str]  # digest of the syntax of each Python file, by a name without any path of the machine
    data: Mapping[str, str] = field(default_factory=dict)  # sha256 of each data file, by its name
    packages: Mapping[str, str] = field(default_factory=dict)  # version of each distribution, by its name
    uncovered: tuple[str, ...] = ()  # what the key does not cover, in phrases
    places: Mapping[str, Path] = field(default_factory=dict)  # the path of each file here; it is no part of the digest
    raw: Mapping[str, str] = field(default_factory=dict)  # sha256 of the bytes of each Python file; it is no part of the digest

    @cached_property
    def digest(self) -> str:
        """One digest over files, data and packages."""
        return digest_of({"files": self.files, "data": self.data, "packages": self.packages})

    def joined(self, *others: Sources) -> Sources:
        """These sources and others, as one object."""
        every = (self, *others)
        return Sources(
            files={name: value for one in every for name, value in one.files.items()},
            data={name: value for one in every for name, value in one.data.items()},
            packages={name: value for one in every for name, value in one.packages.items()},
            uncovered=tuple(dict.fromkeys(phrase for one in every for phrase in one.uncovered)),
            places={name: value for one in every for name, value in one.places.items()},
            raw={name: value for one in every for name, value in one.raw.items()},
        )


def sources_of(
    file: Path,
    home: Path | None = None,
    declared: Sequence[str] = (),
    *,
    root: Path | None = None,
    package: str = "",
    more: Sequence[Path] = (),
    loaded: Sequence[Path] = (),
) -> Sources:
    """The sources that executing `file` would use.

    Args:
        file: a Python file.
        home: the folder of an outside plugin, whose files it may import; None for what is no plugin.
        declared: names or patterns of data files beside `file`.
        root: how far the relative imports of the plugin reach; `home` when absent.
        package: a top-level package whose files are followed even where it is installed.
        more: folders that the file puts on `sys.path` when it is executed.
        loaded: files that executing it was seen to load; they count, however it finds them.

    Raises:
        UnkeyedError: a declared pattern matches no file.
    """
    plugin = None if home is None else home.resolve() / file.name
    closure = ImportClosure(plugin, None if root is None else root.resolve(), package, [folder.resolve() for folder in more])
    for start in (file, *loaded):
        closure.follow(start.resolve())
    for pattern in declared:
        matching = sorted(path for path in file.parent.glob(pattern) if path.is_file())
        if not matching:
            raise UnkeyedError(f"files: expected a file that {pattern!r} names beside {file.name}, got none; correct `files` of the class")
        for path in matching:
            closure.data[closure.name(path.resolve())] = path.resolve()
    return Sources(
        files={name: facts.digest for name, facts in sorted(closure.facts.items())},
        data={name: file_sha256(path) for name, path in sorted(closure.data.items())},
        packages=dict(sorted(closure.packages.items())),
        uncovered=tuple(dict.fromkeys(closure.uncovered)),
        places={**closure.files, **closure.data},
        raw={name: facts.raw for name, facts in closure.facts.items()},
    )


def sources_of_module(module: str, declared: Sequence[str] = (), *, more: Sequence[Path] = (), loaded: Sequence[Path] = ()) -> Sources:
    """The sources that importing an installed module by its dotted name would use, as an entry point does; its package is followed.

    `more` and `loaded` are as for `sources_of`.

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
        whole = whole.joined(sources_of(file, None, declared if file == files[-1] else (), package=top, more=more, loaded=loaded))
    installed = base is not None and is_installation_folder(base)
    versions = {name: version(name) for name in distributions_of_modules().get(top, ())} if installed else {}
    return whole.joined(Sources({}, packages=versions))

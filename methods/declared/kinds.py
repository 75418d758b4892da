"""The kinds of method that a TOML file can declare, by the name of the table that says what does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from methods.contract import AnyMethod
from methods.declared import program_kind, torchscript_kind
from methods.declared.declaration import Declaration, DeclarationError, read_declaration


@dataclass(frozen=True)
class DeclaredKind:
    """What one kind of table stands for."""

    make: Callable[[Declaration], type[AnyMethod]]  # the class; raises DeclarationError
    files: Callable[[Declaration], Mapping[str, Path]]  # what the key covers by content besides the TOML file, by a name without a path
    versions: Callable[
        [Declaration], Mapping[str, str]
    ]  # what else the key covers: installed distributions and their versions, or a digest
    source: Path  # the Python file that does the work: its import closure is part of the key
    named: Callable[[Declaration], tuple[Path, ...]] = lambda declaration: ()  # files that it names otherwise, such as a script
    uncovered: Callable[[Declaration], tuple[str, ...]] = lambda declaration: ()  # phrases on what the key does not cover
    obstacle: Callable[[Declaration], str] = lambda declaration: ""  # why the method cannot run now; empty where it can
    prepare: Callable[[Declaration], str] = lambda declaration: ""  # makes what it runs in, outside of timing; what was made, in words


KINDS: Mapping[str, DeclaredKind] = MappingProxyType(
    {
        "run": DeclaredKind(
            make=program_kind.program_class,
            files=program_kind.covered_files,
            versions=program_kind.covered_versions,
            source=Path(program_kind.__file__),
            named=program_kind.named_files,
            uncovered=program_kind.uncovered_phrases,
            obstacle=program_kind.obstacle,
            prepare=program_kind.prepare,
        ),
        "torchscript": DeclaredKind(
            make=torchscript_kind.torchscript_class,
            files=lambda declaration: {},  # the network is a parameter, and parameters that are files are covered by content
            versions=lambda declaration: {},
            source=Path(torchscript_kind.__file__),
        ),
    }
)


@dataclass(frozen=True)
class DeclaredParts:
    """On what the result of a declared method depends, besides its parameters and inputs."""

    files: Mapping[str, Path]
    versions: Mapping[str, str]
    source: Path
    uncovered: tuple[str, ...] = ()


def declared_method(file: Path) -> type[AnyMethod]:
    """The class that a TOML file declares.

    Raises:
        DeclarationError: it declares none.
    """
    declaration = read_declaration(file, tuple(KINDS))
    return KINDS[declaration.kind].make(declaration)


def declared_parts(file: Path) -> DeclaredParts:
    """What the key of a declared method covers. Nothing is executed.

    Raises:
        DeclarationError: the file declares no method, or names files that are not there.
    """
    declaration = read_declaration(file, tuple(KINDS))
    kind = KINDS[declaration.kind]
    files = {file.name: file, **kind.files(declaration)}
    return DeclaredParts(files, kind.versions(declaration), kind.source, kind.uncovered(declaration))


def owned_files(file: Path) -> frozenset[Path]:
    """The files that a TOML file lists or its command names, so that none of them is taken for a method itself; none where it is broken."""
    try:
        declaration = read_declaration(file, tuple(KINDS))
        kind = KINDS[declaration.kind]
        return frozenset(path.resolve() for path in (*kind.files(declaration).values(), *kind.named(declaration)))
    except DeclarationError:
        return frozenset()


def declared_obstacle(file: Path) -> str:
    """Why a declared method cannot run now, such as an environment that has not been made; empty where nothing is known against it.

    Raises:
        DeclarationError: the file declares no method.
    """
    declaration = read_declaration(file, tuple(KINDS))
    return KINDS[declaration.kind].obstacle(declaration)


def prepare_declared(file: Path) -> str:
    """What was made for a declared method to run in, in words; empty where nothing was to be made.

    Raises:
        DeclarationError: the file declares no method.
        EnvironmentFileError, PreparationError: it could not be made.
    """
    declaration = read_declaration(file, tuple(KINDS))
    return KINDS[declaration.kind].prepare(declaration)

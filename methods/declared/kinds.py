"""The kinds of method that a TOML file can declare, by the name of the table that says what does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from methods.contract import AnyMethod
from methods.declared import program_kind
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


KINDS: Mapping[str, DeclaredKind] = MappingProxyType(
    {
        "run": DeclaredKind(
            program_kind.program_class, program_kind.covered_files, program_kind.covered_versions, Path(program_kind.__file__)
        ),
    }
)


@dataclass(frozen=True)
class DeclaredParts:
    """On what the result of a declared method depends, besides its parameters and inputs."""

    files: Mapping[str, Path]
    versions: Mapping[str, str]
    source: Path


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
    return DeclaredParts({file.name: file, **kind.files(declaration)}, kind.versions(declaration), kind.source)


__all__ = ["KINDS", "DeclarationError", "DeclaredKind", "DeclaredParts", "declared_method", "declared_parts"]

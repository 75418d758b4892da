"""Facts on the folder methods/numerics: what is in it is shared, and its rooms do not import each other in a circle.

Read with ast; nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

METHODS = Path(__file__).resolve().parents[3] / "methods"
STANDS_BEFORE_ALL = "methods.blind"  # runs before every method that needs a response: what it alone uses serves them all
NOT_METHODS = {"contract", "catalog", "loading", "iterates", "adapting"}


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(METHODS.parent).with_suffix("").parts)


def imports_of(file: Path) -> set[str]:
    """Dotted names that the file imports; `from a import b` counts as a and as a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def shared_files() -> dict[str, Path]:
    return {module_of(file): file for file in (METHODS / "numerics").rglob("*.py") if file.name != "__init__.py"}


def users_of(files: Mapping[str, Path], others: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The methods that reach each shared file, directly or through other shared files; `others` are the imports of each method."""
    arrows = {module: imports_of(file) & files.keys() for module, file in files.items()}
    users: dict[str, set[str]] = {module: set() for module in files}
    for method, imported in others.items():
        waiting = list(imported & files.keys())
        while waiting:
            module = waiting.pop()
            if method not in users[module]:
                users[module].add(method)
                waiting += arrows[module]
    return users


def methods_and_imports() -> dict[str, set[str]]:
    """The imports of each method by its name, all files of its folder together."""
    imports: dict[str, set[str]] = {}
    for file in METHODS.rglob("*.py"):
        parts = file.relative_to(METHODS).with_suffix("").parts
        if parts[0] != "numerics" and parts[-1] != "__init__" and parts[0] not in NOT_METHODS:
            imports.setdefault(".".join(("methods", *parts[:2])), set()).update(imports_of(file))
    return imports


def test_every_file_of_numerics_serves_two_methods_or_more() -> None:
    for module, users in users_of(shared_files(), methods_and_imports()).items():
        assert len(users) >= 2 or STANDS_BEFORE_ALL in users, f"{module} serves {sorted(users) or 'nobody'} alone: it belongs beside it"


def test_the_rooms_of_numerics_import_each_other_without_a_circle() -> None:
    rooms: dict[str, set[str]] = {}
    for module, file in shared_files().items():
        room = module.split(".")[2]
        rooms.setdefault(room, set()).update(name.split(".")[2] for name in imports_of(file) & shared_files().keys())
    left = {room: others - {room} for room, others in rooms.items()}
    while free := {room for room, others in left.items() if not others & left.keys()}:
        left = {room: others for room, others in left.items() if room not in free}
    assert not left, f"rooms that import each other in a circle: {left}"


def test_a_file_that_one_method_alone_reaches_is_noticed(tmp_path: Path) -> None:
    files = {f"methods.numerics.room.{name}": tmp_path / f"{name}.py" for name in ("shared", "lonely", "below")}
    texts = ("import methods.numerics.room.below", "", "")
    for file, text in zip(files.values(), texts, strict=True):
        file.write_text(text)
    others = {
        "methods.a.b": {"methods.numerics.room.shared"},
        "methods.a.c": {"methods.numerics.room.shared", "methods.numerics.room.lonely"},
    }
    users = users_of(files, others)
    assert users["methods.numerics.room.below"] == {"methods.a.b", "methods.a.c"}
    assert users["methods.numerics.room.lonely"] == {"methods.a.c"}

"""What each field of a dataclass means: the text that follows it in its source.

Nothing heavy is imported here, so that --help answers at once.
"""

from __future__ import annotations

import ast
from pathlib import Path


def field_meanings(source: Path, name: str) -> dict[str, str]:
    """The meaning of each field of the class `name` in a source file, in their order; empty where the source gives none.

    Raises:
        LookupError: there is no such class.
    """
    tree = ast.parse(source.read_text(encoding="utf-8"))
    body = next((node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)
    if body is None:
        raise LookupError(f"{source}: expected a class {name}, got none")
    meanings: dict[str, str] = {}
    for item, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            meanings[item.target.id] = text if isinstance(text, str) else ""
    return meanings

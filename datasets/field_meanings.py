"""What each field of a dataclass means: the text that follows it in its source, or else the comment beside it or above it.

Nothing heavy is imported here, so that --help answers at once.
"""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tokenize
from pathlib import Path


def field_meanings(source: Path, name: str) -> dict[str, str]:
    """The meaning of each field of the class `name` in a source file, in their order; empty where the source gives none.

    Raises:
        LookupError: there is no such class.
    """
    text = source.read_text(encoding="utf-8")
    body = next((node.body for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and node.name == name), None)
    if body is None:
        raise LookupError(f"{source}: expected a class {name}, got none")
    comments = _comments(text)
    meanings: dict[str, str] = {}
    for item, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            below = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            meanings[item.target.id] = below if below and isinstance(below, str) else _comment(item, comments)
    return meanings


def inherited_meanings(kind: type) -> dict[str, str]:
    """The meaning of each field of a dataclass and of those from which it derives, as far as their sources are there."""
    meanings: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        file = getattr(sys.modules.get(each.__module__), "__file__", None)
        if inspect.get_annotations(each) and file and file.endswith(".py"):
            try:
                found = field_meanings(Path(file), each.__name__)
            except (LookupError, OSError, SyntaxError, ValueError):  # a class that was made by other means than a class statement
                continue
            meanings |= {name: text for name, text in found.items() if text or name not in meanings}
    return meanings


def _comments(text: str) -> dict[int, tuple[int, str, bool]]:
    """The comment on each line that has one: its column, its text, and whether it has the line for itself."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = [token for token in tokens if token.type == tokenize.COMMENT]
    return {one.start[0]: (one.start[1], one.string.lstrip("#: ").rstrip(), not one.line[: one.start[1]].strip()) for one in found}


def _comment(item: ast.AnnAssign, comments: dict[int, tuple[int, str, bool]]) -> str:
    """The comment beside a field, with the lines that go on with it in the same column; else the comment lines above it."""
    last = item.end_lineno or item.lineno
    if last in comments:
        column, text, _ = comments[last]
        while (last := last + 1) in comments and comments[last][2] and comments[last][0] == column:
            text += f" {comments[last][1]}"
        return text
    above: list[str] = []
    line = item.lineno
    while (line := line - 1) in comments and comments[line][2] and comments[line][0] == item.col_offset:
        above.insert(0, comments[line][1])
    return " ".join(above)

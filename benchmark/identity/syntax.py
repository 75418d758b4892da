"""The syntax digest of a Python source: of the program itself, without comments, docstrings and layout.

The tree of `ast.parse` is walked by the following rules, as `ast.dump` differs between Python 3.11, 3.12 and 3.13:

    node      its class and its fields by name, in the order of the grammar
    left out  positions, docstrings, fields that are None or empty lists, empty texts in f-strings, and the letter u before a text
    constant  its type and its value

So a reworded sentence or a moved line changes nothing, and every version of Python gives the same digest.
Only the standard library is imported, so that every interpreter can run this file.
"""

from __future__ import annotations

import ast
import hashlib
from typing import Any

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_LEFT_OUT = ("kind", "type_comment", "type_ignores")


def syntax_digest(source: bytes, name: str = "<source>") -> str:
    """sha256 (hex) of the source's syntax; of its bytes where they are no Python of this interpreter."""
    try:
        return tree_digest(ast.parse(source, filename=name))
    except (SyntaxError, ValueError):
        return hashlib.sha256(b"no syntax\0" + source).hexdigest()


def tree_digest(tree: ast.Module) -> str:
    """The syntax digest of a source that has been parsed."""
    return hashlib.sha256("\0".join(_words(tree)).encode("utf-8", "surrogatepass")).hexdigest()


def _words(tree: ast.AST) -> list[str]:
    """A list of words that describes the tree, node by node. The digest is computed from it."""
    words: list[str] = []
    waiting: list[ast.AST | str] = [tree]  # nodes still to be visited, and words still to be written; the last one is next
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            words.append(node)
            continue
        words.append(f"({type(node).__name__}")
        if isinstance(node, ast.Constant):
            words += (f"{type(node.value).__name__} {node.value!r}", ")")
            continue
        inside: list[ast.AST | str] = []
        for field in node._fields:
            value: Any = getattr(node, field, None)
            if isinstance(value, ast.AST):
                inside += (field, value)
                continue
            if isinstance(value, list) and value:
                if field == "body" and isinstance(node, _DOCUMENTED):
                    value = _without_docstring(value)
                elif isinstance(node, ast.JoinedStr):
                    value = _without_gaps(value)
            if value is None or field in _LEFT_OUT or (isinstance(value, list) and not value):
                continue
            inside.append(field)
            for part in value if isinstance(value, list) else (value,):  # else a name, a number, or the gap of a dictionary's **
                inside.append(part if isinstance(part, ast.AST) else f"{type(part).__name__} {part}")
        inside.reverse()
        waiting.append(")")
        waiting += inside
    return words


def _without_gaps(values: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string with neighbouring texts as one and no empty text, of which Python 3.12 has some more."""
    joined: list[ast.expr] = []
    for value in values:
        last = joined[-1] if joined else None
        if isinstance(value, ast.Constant) and value.value == "":
            continue
        if isinstance(value, ast.Constant) and isinstance(last, ast.Constant):
            joined[-1] = ast.Constant(str(last.value) + str(value.value))
        else:
            joined.append(value)
    return joined


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if is_text else body

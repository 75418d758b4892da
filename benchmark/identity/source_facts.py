"""What one Python source says, read with `ast` and not executed: its syntax digest, its imports, and what cannot be followed."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from benchmark.identity.syntax import syntax_digest, tree_digest

_ENVIRONMENT = ("environ", "environb", "getenv", "getenvb")
_IMPORTERS = ("import_module", "__import__")


@dataclass(frozen=True)
class SourceFacts:
    """What one source says."""

    digest: str  # of its syntax
    raw: str  # sha256 of its bytes
    imports: tuple[tuple[int, str], ...]  # level (number of dots) and dotted name
    texts: frozenset[str]  # constant texts, which may name a data file
    phrases: tuple[str, ...]  # what cannot be followed


def read_source(file: Path) -> SourceFacts:
    """What a source says; it is parsed again only when the file has changed."""
    stat = file.stat()
    return _parsed(file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def _parsed(file: Path, *_state: int) -> SourceFacts:
    source = file.read_bytes()
    raw = sha256(source).hexdigest()
    try:
        tree = ast.parse(source, filename=str(file))
    except (SyntaxError, ValueError):
        return SourceFacts(syntax_digest(source), raw, (), frozenset(), ())  # importing it fails, and the cell says so
    imports: list[tuple[int, str]] = []
    texts: set[str] = set()
    phrases: list[str] = []
    for node in ast.walk(tree):
        named = node.func if isinstance(node, ast.Call) else node
        last_name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
        if isinstance(node, ast.Import):
            imports += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            imports += [(node.level, base), *((node.level, f"{base}.{alias.name}".lstrip(".")) for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 256:
            texts.add(node.value)
        elif isinstance(node, ast.Call) and last_name in _IMPORTERS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                bare = first.value.lstrip(".")
                imports.append((len(first.value) - len(bare), bare))
            else:
                phrases.append(f"what {file.name} imports by a computed name (line {node.lineno})")
        elif last_name in _ENVIRONMENT and not isinstance(node, ast.Call):
            phrases.append(f"environment variables that {file.name} reads")
    return SourceFacts(tree_digest(tree), raw, tuple(dict.fromkeys(imports)), frozenset(texts), tuple(dict.fromkeys(phrases)))

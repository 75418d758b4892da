"""What one Python source says, read with `ast` and not executed: its syntax digest, its imports, and what cannot be followed.

To parse the 200 sources of the suite takes more than a second, so what each says is kept in the user's cache folder, under the name

    sha256(the source's bytes, its name, the bytes of the two modules that read it, the version of Python)
"""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from benchmark.identity import syntax
from benchmark.identity.cache_files import cache_file, write_cache_file
from benchmark.identity.syntax import syntax_digest, tree_digest
from datasets.digests import digest_of
from datasets.input_files import InputFileError

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
        kept = cache_file("source_facts", digest_of({"source": raw, "name": file.name, "reader": _reader()}))
    except InputFileError:  # scenes need the folder as well, and say what is wrong with it
        kept = None
    facts = None if kept is None else _kept(kept)
    if facts is None:
        facts = _facts(source, raw, file.name)
        if kept is not None:
            write_cache_file(kept, _with_digest(facts))
    return facts


@cache
def _reader() -> tuple[str, ...]:
    """What the facts of a source depend on besides the source."""
    own = (Path(module) for module in (__file__, syntax.__file__))
    return (*(sha256(file.read_bytes()).hexdigest() for file in own), f"{sys.version_info.major}.{sys.version_info.minor}")


def _with_digest(facts: SourceFacts) -> str:
    table = asdict(facts) | {"texts": sorted(facts.texts)}
    return json.dumps({"facts": table, "digest": digest_of(table)})


def _kept(file: Path) -> SourceFacts | None:
    """The facts in a file of the cache; None where it is not there, or damaged."""
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        table = whole["facts"]
        if digest_of(table) != whole["digest"]:
            return None
        imports = tuple((level, module) for level, module in table["imports"])
        return SourceFacts(table["digest"], table["raw"], imports, frozenset(table["texts"]), tuple(table["phrases"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _facts(source: bytes, raw: str, name: str) -> SourceFacts:
    try:
        tree = ast.parse(source, filename=name)
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
                phrases.append(f"what {name} imports by a computed name (line {node.lineno})")
        elif last_name in _ENVIRONMENT and not isinstance(node, ast.Call):
            phrases.append(f"environment variables that {name} reads")
    return SourceFacts(tree_digest(tree), raw, tuple(dict.fromkeys(imports)), frozenset(texts), tuple(dict.fromkeys(phrases)))

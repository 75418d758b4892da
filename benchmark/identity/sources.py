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

import ast
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from benchmark.clone import ROOT
from benchmark.identity.syntax import syntax_digest, tree_digest
from datasets.digests import digest_of, file_sha256
from methods.loading import is_installed

OURS = ("datasets", "methods", "benchmark", "reports")
_ENVIRONMENT = ("environ", "environb", "getenv", "getenvb")


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
    raw: Mapping[str, str] = field(default_factory=dict)  # of the Python files: sha256 of the bytes; no part of the digest

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
            raw={name: value for one in every for name, value in one.raw.items()},
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
    closure = _Closure(None if home is None else home.resolve(), package)
    closure.follow(file.resolve())
    for pattern in declared:
        matching = sorted(path for path in file.parent.glob(pattern) if path.is_file())
        if not matching:
            raise UnkeyedError(f"files: expected a file that {pattern!r} names beside {file.name}, got none; correct `files` of the class")
        for path in matching:
            closure.data[closure.name(path.resolve())] = path.resolve()
    return Sources(
        files={name: file_syntax(path) for name, path in sorted(closure.files.items())},
        data={name: file_sha256(path) for name, path in sorted(closure.data.items())},
        packages=dict(sorted(closure.packages.items())),
        uncovered=tuple(dict.fromkeys(closure.uncovered)),
        places={**closure.files, **closure.data},
        raw={name: _read(path).raw for name, path in closure.files.items()},
    )


def sources_of_module(module: str, declared: Sequence[str] = ()) -> Sources:
    """The sources of importing an installed module by its dotted name, as an entry point does: those of its package, wherever it lies.

    Raises:
        UnkeyedError: there is no such module, or a declared pattern matches no file.
    """
    top = module.partition(".")[0]
    base = _base(top)
    files = [] if base is None else _files(module, base)
    if not files:
        raise UnkeyedError(f"expected a module {module} with a Python file, got none; install the package that announces it again")
    whole = Sources({})
    for file in files:
        whole = whole.joined(sources_of(file, None, declared if file == files[-1] else (), package=top))
    versions = {name: version(name) for name in _distributions().get(top, ())} if base is not None and _installed(base) else {}
    return whole.joined(Sources({}, packages=versions))


def file_syntax(file: Path) -> str:
    """The syntax digest of a Python file."""
    return _read(file).digest


@dataclass(frozen=True)
class _Findings:
    """What one source says."""

    digest: str  # of its syntax
    raw: str  # of its bytes
    imports: tuple[tuple[int, str], ...]  # level (number of dots) and dotted name
    texts: frozenset[str]  # constants that may name a file
    phrases: tuple[str, ...]  # what cannot be followed


def _read(file: Path) -> _Findings:
    """What a source says; parsed again when the file has changed."""
    stat = file.stat()
    return _parsed(file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def _parsed(file: Path, *_state: int) -> _Findings:
    source = file.read_bytes()
    try:
        tree = ast.parse(source, filename=str(file))
    except (SyntaxError, ValueError):
        return _Findings(syntax_digest(source), sha256(source).hexdigest(), (), frozenset(), ())  # importing it fails, and the cell says so
    imports: list[tuple[int, str]] = []
    texts: set[str] = set()
    phrases: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            imports += [(node.level, base), *((node.level, f"{base}.{alias.name}".lstrip(".")) for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 256:
            texts.add(node.value)
        elif isinstance(node, ast.Call) and _last_name(node.func) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                bare = first.value.lstrip(".")
                imports.append((len(first.value) - len(bare), bare))
            else:
                phrases.append(f"what {file.name} imports by a computed name (line {node.lineno})")
        if isinstance(node, ast.Attribute | ast.Name) and _last_name(node) in _ENVIRONMENT:
            phrases.append(f"environment variables that {file.name} reads")
    return _Findings(
        tree_digest(tree), sha256(source).hexdigest(), tuple(dict.fromkeys(imports)), frozenset(texts), tuple(dict.fromkeys(phrases))
    )


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class _Closure:
    """Files, data and distributions that have been reached so far."""

    def __init__(self, home: Path | None, package: str) -> None:
        self.home, self.package = home, package
        self.files: dict[str, Path] = {}
        self.data: dict[str, Path] = {}
        self.packages: dict[str, str] = {}
        self.uncovered: list[str] = []

    def follow(self, start: Path) -> None:
        """Add a file and all that it reaches."""
        waiting = [start]
        while waiting:
            path = waiting.pop()
            name = self.name(path)
            if name in self.files:
                continue
            self.files[name] = path
            said = _read(path)
            for level, module in said.imports:
                waiting += self._reached(path, level, module)
            if not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / "methods"):
                self.uncovered += said.phrases
                self._named_data(path, said.texts)

    def name(self, path: Path) -> str:
        """What the digest calls a file: its place in the clone, the plugin's folder or on sys.path, so that a copy elsewhere is alike."""
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OURS:
            return path.relative_to(ROOT).as_posix()
        if self.home is not None and path.is_relative_to(self.home):
            return f"plugin/{path.relative_to(self.home).as_posix()}"
        bases = [base for entry in sys.path if entry and path.is_relative_to(base := Path(entry).resolve())]
        nearest = max(bases, key=lambda base: len(base.parts), default=path.parent)
        return f"local/{path.relative_to(nearest).as_posix()}"

    def _named_data(self, path: Path, texts: frozenset[str]) -> None:
        """Files beside a source that a constant text of it names."""
        for text in texts:
            if "." not in text or "\n" in text or "\0" in text or text.startswith(("/", "~")):
                continue
            try:
                file = (path.parent / text).resolve()
                beside = file.is_relative_to(path.parent) and file.suffix not in (".py", ".pyc") and file.is_file()
            except (OSError, ValueError):  # no name that a file could have
                continue
            if beside:
                self.data[self.name(file)] = file

    def _reached(self, path: Path, level: int, module: str) -> list[Path]:
        """The files that this import would execute; distributions are noted instead."""
        if level:
            base = path.parent
            for _ in range(level - 1):
                base = base.parent
            above = [base / "__init__.py"] if (base / "__init__.py").is_file() else []
            return [*above, *(found for found in _files(module, base))] if module else above
        top = module.partition(".")[0]
        if top in OURS and (found := _files(module, ROOT)):
            return found
        if self.home is not None and (found := _files(module, self.home)):
            return found
        if not top or top in (*OURS, *sys.stdlib_module_names) or path.is_relative_to(ROOT):
            return []  # our own files import the suite's dependencies alone
        return self._outside(top, module)

    def _outside(self, top: str, module: str) -> list[Path]:
        """A module that is neither ours, nor the plugin's, nor Python's: a local package's files, or nothing and a note of its version."""
        base = _base(top)
        if base is None:
            return []
        if top == self.package or not _installed(base):
            return _files(module, base)
        if top in _dependencies():
            return []
        for distribution in _distributions().get(top, ()):
            self.packages[distribution] = version(distribution)
        return []


def _files(module: str, base: Path) -> list[Path]:
    """The files that importing the dotted name would execute below `base`: its packages' and its own."""
    parts = module.split(".")
    reached = []
    for depth in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:depth])
        reached += [path.resolve() for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()]
    return reached


def _base(top: str) -> Path | None:
    """The folder that a top-level module is imported from; None where there is none of that name."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve().parent
    return None if spec.origin is None else Path(spec.origin).resolve().parent


def _installed(base: Path) -> bool:
    """Whether a folder is where distributions are installed."""
    return is_installed(f"{base}/")


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _dependencies() -> frozenset[str]:
    """Top-level modules of the distributions that this suite depends on (pyproject.toml)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {_normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in [*project["dependencies"], *optional]}
    return frozenset(top for top, names in _distributions().items() if wanted & {_normal(name) for name in names})


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()

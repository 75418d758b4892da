"""The scaffolds of `new-method`: for each kind a method file that passes the contract as it stands, and its test, both to be changed.

The texts lie in scaffolds/ as <kind>.py.txt and <kind>_test.py.txt (a program is <kind>.toml.txt too); each is the documentation of its
kind.
"""

from __future__ import annotations

import inspect
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmark.authors.form_checks import PLACEHOLDERS
from benchmark.clone import ROOT
from datasets.nearest import did_you_mean
from methods.catalog import find, find_one

TEXTS = Path(__file__).parent / "scaffolds"
KINDS = ("closed-form", "checkpoint", "on-scene", "supervised", "external")
OUTSIDE = "hmif_bench."  # before the names of our packages, in a method outside the clone: a name that nothing else has


class ScaffoldError(ValueError):
    """A name that cannot be used, or a file that exists already."""


@dataclass(frozen=True)
class Scaffold:
    """The files that were written."""

    name: str
    method: Path
    test: Path
    more: tuple[Path, ...] = ()  # such as first weights


def new_method(where: str, root: Path = ROOT, *, kind: str = "closed-form", plugins: Path | None = None) -> Scaffold:
    """The files of a new method, written: its file below methods/ or the folder of plugins, its test, and what it reads.

    Args:
        where: "FAMILY/NAME"; for a folder of plugins NAME alone will do.
        root: the clone.
        kind: one of `KINDS`.
        plugins: a folder outside of the clone's methods, which is made where it is not there; None: the clone itself.

    Raises:
        ScaffoldError: `where` does not consist of lower-case Python names, the name is taken, or one of the files exists.
    """
    if kind not in KINDS:
        raise ScaffoldError(f"--kind: {did_you_mean(kind, KINDS)}expected one of {', '.join(KINDS)}, got {kind!r}")
    family, name = _names(where, optional=plugins is not None)
    base = root / "methods" if plugins is None else plugins.expanduser().resolve()
    place, texts = base / family, TEXTS / kind.replace("-", "_")
    method = place / name / "method.toml" if kind == "external" else place / f"{name}.py"
    test = (root / "tests" / "methods" if plugins is None else base / "tests") / f"test_{name}.py"
    more: tuple[Path, ...] = {"checkpoint": (method.with_suffix(".pth"),), "external": (method.with_name("program.py"),)}.get(kind, ())
    for file in (method, test, *more):
        if file.exists():
            raise ScaffoldError(f"expected a new name, got {where!r}: {file} exists; choose another or delete it")
    if name in find(base if plugins is not None and base.is_dir() else None):
        raise ScaffoldError(f"expected a new name, got {name!r}: a method has it already (`list methods`); choose another")
    words = {
        "title": name.replace("_", " ").title().replace(" ", "-"),
        "name": name,
        "camel": name.title().replace("_", ""),
        "loop": "step in range(1, self.steps + 1)" if plugins is not None else "_ in range(self.steps)",
        "ours": "" if plugins is None else OUTSIDE,
        "python": sys.executable,
        "everywhere": ", and by tests/methods/test_contract.py" if plugins is None else "",
        "progress": _progress(kind, told=plugins is not None),
        **PLACEHOLDERS,
    }
    if plugins is None:
        _make_package(place, family)
    _write(method, _filled(f"{texts}{method.suffix}.txt", words))
    if kind == "external":
        _write(more[0], _filled(f"{texts}.py.txt", words))
    inside = plugins is None and kind != "external"
    loaded = [f"from methods.{family}.{name} import Method"] if inside else _found_by_file(method, test, base if plugins else None, name)
    _write(test, _test_text(f"{texts}_test.py.txt", words, loaded))
    if kind == "checkpoint":
        inspect.getmodule(find_one(str(method)).load()).first_weights(more[0])  # type: ignore[union-attr]
    return Scaffold(name, method, test, more)


def _names(where: str, *, optional: bool) -> tuple[str, str]:
    """Family and name; the family may be left out (and is then empty) where `optional`."""
    parts = where.split("/")
    enough = len(parts) == 2 or (optional and len(parts) == 1)
    if not enough or not all(re.fullmatch(r"[a-z][a-z0-9_]*", part) and not keyword.iskeyword(part) for part in parts):
        expected = "FAMILY/NAME or NAME" if optional else "FAMILY/NAME"
        raise ScaffoldError(f"expected {expected} in lower-case letters, digits and _, such as classical/my_method; got {where!r}")
    family, name = parts if len(parts) == 2 else ("", parts[0])
    if family in ("numerics", "declared", "tests"):
        raise ScaffoldError(f"expected a family of methods, got {family!r}, which holds other files; choose classical, bayesian, ...")
    return family, name


def _make_package(place: Path, family: str) -> None:
    """Makes the folder of a family in the clone, with its `__init__.py`."""
    package = place / "__init__.py"
    if not package.exists():
        _write(package, f'"""Family: {family}."""\n')


def _progress(kind: str, *, told: bool) -> str:
    """The lines of a loop that report its steps."""
    log = "fit_<digest>" if kind == "supervised" else "<key>"
    if not told:
        return f"            # Methods of the suite print nothing; one in a folder of plugins may, and its lines go to logs/{log}.txt.\n"
    counted, number = ("(step + 1)", "step + 1") if kind == "supervised" else ("step", "step")
    return (
        f"            if {counted} % max(1, self.steps // 10) == 0:  # ten lines, into the log: logs/{log}.txt of the run\n"
        f'                print(f"step {{{number}}} of {{self.steps}}: loss {{loss.item():.4g}}", flush=True)\n'
    )


def _found_by_file(method: Path, test: Path, base: Path | None, name: str) -> list[str]:
    """The lines of a test that load the method: from its file beside the folder of tests, or by its name in the clone."""
    if base is None:
        return ["from methods.catalog import find_one", "", f'Method = find_one("{name}").load()']
    parts = " / ".join(f'"{part}"' for part in method.relative_to(test.parents[1]).parts)
    return ["from methods.catalog import find_one", "", f"Method = find_one(str(Path(__file__).parents[1] / {parts})).load()"]


def _test_text(texts: str, words: dict[str, str], loaded: list[str]) -> str:
    """The text of the test, with its imports in the order of their names."""
    lines = _filled(texts, {**words, "load": "\n".join(loaded)}).split("\n")
    ours = [number for number, each in enumerate(lines) if re.match(r"from (benchmark|datasets|methods)\.", each)]
    for number, each in zip(ours, sorted(lines[number] for number in ours), strict=True):
        lines[number] = each
    text = "\n".join(lines)
    if "Path(__file__)" not in text or "from pathlib import Path" in text:
        return text
    return text.replace("\nimport torch\n", "\nfrom pathlib import Path\n\nimport torch\n", 1)


def _filled(texts: str, words: dict[str, str]) -> str:
    return Template(Path(texts).read_text(encoding="utf-8")).substitute(words)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")

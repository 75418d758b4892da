"""The scaffolds of `new-method`: for each kind a method file that passes the contract as it stands, and its test, both to be changed.

The texts lie in scaffolds/ as <kind>.py.txt and <kind>_test.py.txt; each is the documentation of its kind.
"""

from __future__ import annotations

import inspect
import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmark.authors.form_checks import PLACEHOLDERS
from benchmark.clone import ROOT
from methods.catalog import find, find_one

TEXTS = Path(__file__).parent / "scaffolds"
KINDS = ("closed-form", "checkpoint", "on-scene", "supervised")
OUTSIDE = "hmif_bench."  # before the names of our packages, in a method outside the clone: a name that nothing else has
_PROGRESS = {  # how steps are told, in a plugin and in the clone
    True: """            if {step} % max(1, self.steps // 10) == 0:  # ten lines, into the log: logs/{log}.txt of the run
                print(f"step {{{step}}} of {{self.steps}}: loss {{loss.item():.4g}}", flush=True)
""",
    False: """            # Methods of the suite print nothing; one in a folder of plugins may: its lines go to logs/{log}.txt of the run.
""",
}


class ScaffoldError(ValueError):
    """A name that cannot be used, or a file that exists already."""


@dataclass(frozen=True)
class Scaffold:
    """The files that were written."""

    method: Path
    test: Path
    more: tuple[Path, ...] = ()  # such as first weights


def new_method(where: str, root: Path = ROOT, *, kind: str = "closed-form", plugins: Path | None = None) -> Scaffold:
    """The files of a new method, written: FAMILY/NAME.py below methods/ or the folder of plugins, its test, and what it reads.

    Args:
        where: "FAMILY/NAME"; for a folder of plugins NAME alone will do.
        root: the clone.
        kind: one of `KINDS`.
        plugins: a folder outside of the clone's methods, which is made where it is not there; None: the clone itself.

    Raises:
        ScaffoldError: `where` does not consist of lower-case Python names, the name is taken, or one of the files exists.
    """
    if kind not in KINDS:
        raise ScaffoldError(f"--kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    family, name = _names(where, optional=plugins is not None)
    base = root / "methods" if plugins is None else plugins.expanduser().resolve()
    method = base / family / f"{name}.py"
    test = (root / "tests" / "methods" if plugins is None else base / "tests") / f"test_{name}.py"
    weights = method.with_suffix(".pth")
    for file in (method, test, *([weights] if kind == "checkpoint" else [])):
        if file.exists():
            raise ScaffoldError(f"expected a new name, got {where!r}: {file} exists; choose another or delete it")
    if name in find(base if plugins is not None and base.is_dir() else None):
        raise ScaffoldError(f"expected a new name, got {name!r}: a method has it already (`list methods`); choose another")
    place = f'Path(__file__).parents[1] / "{family}" / "{name}.py"' if family else f'Path(__file__).parents[1] / "{name}.py"'
    words = {
        "title": name.replace("_", " ").title().replace(" ", "-"),
        "name": name,
        **PLACEHOLDERS,
        "everywhere": ", and by tests/methods/test_contract.py" if plugins is None else "",
    }
    method.parent.mkdir(parents=True, exist_ok=True)
    package = method.parent / "__init__.py"
    if plugins is None and not package.exists():
        package.write_text(f'"""Family: {family}."""\n', encoding="utf-8")
    method.write_text(_text(kind, words, plugin=plugins is not None), encoding="utf-8")
    test.parent.mkdir(parents=True, exist_ok=True)
    test.write_text(_test_text(kind, words, f"methods.{family}.{name}" if plugins is None else "", place), encoding="utf-8")
    if kind != "checkpoint":
        return Scaffold(method, test)
    inspect.getmodule(find_one(str(method)).load()).first_weights(weights)  # type: ignore[union-attr]
    return Scaffold(method, test, (weights,))


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


def _text(kind: str, words: dict[str, str], *, plugin: bool) -> str:
    """The text of the method file."""
    step, log = ("(step + 1)", "fit_<digest>") if kind == "supervised" else ("step", "<key>")
    progress = _PROGRESS[plugin].format(step=step.strip("()"), log=log).replace("step + 1 %", "(step + 1) %")
    return Template(_read(f"{kind.replace('-', '_')}.py.txt")).substitute(words, progress=progress, ours=OUTSIDE if plugin else "")


def _test_text(kind: str, words: dict[str, str], module: str, place: str) -> str:
    """The text of the test; `module` is that of a method in the clone, `place` says where the file of a plugin lies."""
    found = "" if module else f"\nMethod = find_one(str({place})).load()\n"
    line = f"from {module} import Method" if module else "from methods.catalog import find_one"
    text = Template(_read(f"{kind.replace('-', '_')}_test.py.txt")).substitute(words, load=f"{line}\n{found}".rstrip("\n"))
    lines = text.split("\n")
    ours = [number for number, each in enumerate(lines) if re.match(r"from (benchmark|datasets|methods)\.", each)]
    for number, each in zip(ours, sorted(lines[number] for number in ours), strict=True):  # imports in the order of their names
        lines[number] = each
    text = "\n".join(lines)
    if module or "from pathlib import Path" in text:
        return text
    return text.replace("\nimport torch\n", "\nfrom pathlib import Path\n\nimport torch\n", 1)


def _read(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")

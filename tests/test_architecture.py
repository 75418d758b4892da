"""The house: four floors, arrows only down, nothing printed or parsed outside run_benchmark.py. Read with ast, nothing executed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("datasets", "methods", "benchmark", "reports")

# What each floor may import of ours: whole packages or single modules. The first prefix that matches a file is its row.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "datasets": ("datasets",),
    "methods/catalog.py": (
        *(
            "datasets.nearest",
            "datasets.printable",
            "methods.contract",
            "methods.blind",
            "methods.plugin_imports",
            "methods.suite_names",
            "methods.declared",
        ),
    ),
    "methods/plugin_imports.py": ("methods.suite_names",),
    "methods/suite_names.py": ("methods.loading",),
    "methods/declared": (
        *("datasets.observation", "datasets.degradation", "datasets.input_files", "datasets.printable", "datasets.settings"),
        *(
            "datasets.exchange",
            "datasets.digests",
            "datasets.kernel_kills",
            "datasets.user_folders",
            "methods.contract",
            "methods.declared",
            "methods.numerics",
        ),
    ),
    "methods/loading.py": (),
    "methods/contract.py": ("datasets.observation", "datasets.degradation"),
    "methods": (
        *("datasets.observation", "datasets.degradation", "datasets.input_files"),
        *("methods.contract", "methods.adapting", "methods.iterates", "methods.numerics"),
    ),
    "benchmark": (
        "datasets",
        "methods.contract",
        "methods.adapting",
        "methods.iterates",
        "methods.catalog",
        "methods.declared",
        "methods.loading",
        "methods.plugin_imports",
        "methods.suite_names",
        "benchmark",
    ),
    "reports": (
        "benchmark.run_folder",
        "benchmark.metrics.metric_facts",
        "benchmark.conventions.profile_facts",
        "benchmark.conventions.profile_scores",
        "datasets.cube_file",
        "datasets.nearest",
        "datasets.printable",
        "reports",
    ),
}
# A method folder may import its own modules besides.

# The rooms of a floor from the lowest to the highest, each with the rooms of the same floor that it may import. A room is a folder, or a
# file that stands directly in the floor. Each room may import only lower ones, so that there is no circle.
ROOMS: dict[str, dict[str, tuple[str, ...]]] = {
    "benchmark": {
        "clone": (),
        "run_folder": (),
        "metrics": (),
        "identity": ("clone",),
        "measure": ("clone", "run_folder"),
        "children": ("clone", "run_folder", "identity", "measure"),
        "conventions": ("run_folder", "metrics"),
        "matrix": ("clone", "identity", "children"),
        "authors": ("clone", "measure", "matrix"),
        "training": ("clone", "run_folder", "identity", "measure", "matrix"),
        "runner": ("run_folder", "metrics", "identity", "measure", "children", "matrix"),
        "cluster": ("run_folder", "identity", "matrix", "runner"),
        "review": ("clone", "run_folder", "metrics", "identity", "conventions", "matrix"),
        "commands": ("clone", "run_folder", "metrics", "children", "matrix", "authors", "training", "runner", "cluster", "review"),
    },
    "reports": {
        "style": (),
        "content": ("style",),
        "typeset": ("style", "content"),
        "scene": ("content",),
        "figures": ("style", "content", "scene"),
        "page": ("style", "content", "scene", "figures"),
        "report": ("content", "typeset", "figures", "page"),
        "results_pages": ("style", "content", "typeset", "figures", "page", "report"),
    },
}

# Floors whose public names and files must not be like any other: no two alike, none the plural of another.
UNLIKE = FLOORS
# Names that are alike on purpose: the one class of each method file, and files that every folder may have.
ALIKE = {"class": ("Method",), "function": (), "file": ("__init__", "method")}


def sources() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]


def imported(file: Path) -> set[str]:
    """Dotted names of ours that the file imports; of `from a import b` the longer name where a.b is a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if _is_module(whole) else str(node.module))
    return {name for name in names if name.split(".")[0] in FLOORS}


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def allowed(file: Path) -> tuple[str, ...]:
    inside = file.relative_to(ROOT).as_posix()
    row = next(names for prefix, names in MAY_IMPORT.items() if inside == prefix or inside.startswith(prefix + "/"))
    parts = file.relative_to(ROOT).parts
    own_folder = (".".join(parts[:3]),) if parts[0] == "methods" and len(parts) > 3 else ()
    return row + own_folder


@pytest.mark.parametrize("file", sources(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_arrows_only_go_down(file: Path) -> None:
    for name in imported(file):
        assert any(name == target or name.startswith(target + ".") for target in allowed(file)), f"{file.relative_to(ROOT)} imports {name}"


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module, by its path below the floor, as in ("content", "summary")."""
    return parts[0] if parts else "__init__"


def room_arrows(floor: str) -> dict[str, dict[str, set[str]]]:
    """For each room of the floor the other rooms that it imports, each with the files that do."""
    arrows: dict[str, dict[str, set[str]]] = {}
    for file in sorted((ROOT / floor).rglob("*.py")):
        room = room_of(file.relative_to(ROOT / floor).with_suffix("").parts)
        arrows.setdefault(room, {})
        for name in imported(file):
            top, *parts = name.split(".")
            if top == floor and (other := room_of(tuple(parts))) != room:
                arrows[room].setdefault(other, set()).add(file.relative_to(ROOT).as_posix())
    return arrows


@pytest.mark.parametrize("floor", ROOMS)
def test_the_table_of_rooms_has_no_circle_and_no_upward_arrow(floor: str) -> None:
    order = list(ROOMS[floor])
    for room, targets in ROOMS[floor].items():
        for target in targets:
            assert order.index(target) < order.index(room), f"{floor}: {room} may not import {target}, which is not below it"


@pytest.mark.parametrize("floor", ROOMS)
def test_rooms_import_what_their_table_says_and_nothing_else(floor: str) -> None:
    arrows = room_arrows(floor)
    assert set(arrows) - {"__init__"} == set(ROOMS[floor]), "a room without a row, or a row without a room"
    for room, others in arrows.items():
        for other, files in others.items():
            assert other in ROOMS[floor].get(room, ()), f"{', '.join(sorted(files))}: {room} may not import {other}"
    unused = [f"{room} -> {target}" for room, targets in ROOMS[floor].items() for target in targets if target not in arrows[room]]
    assert not unused, f"{floor}: arrows that nothing uses: {', '.join(unused)}"


def singular(name: str) -> str:
    """The name in small letters without underscores, and its last word without the ending of a plural."""
    word = name.replace("_", "").lower()
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if word.endswith(ending) and not word.endswith("ss"):
            return word.removesuffix(ending) + instead
    return word


def public_names(kind: str) -> list[tuple[str, str, str]]:
    """(floor, name, place) of every public class or function of a module, or of every file."""
    nodes = {"class": ast.ClassDef, "function": ast.FunctionDef}
    names = []
    for file in sources():
        floor, place = file.relative_to(ROOT).parts[0], file.relative_to(ROOT).as_posix()
        if kind == "file":
            names.append((floor, file.stem, place))
        else:
            body = ast.parse(file.read_text(encoding="utf-8")).body
            names += [(floor, node.name, f"{place}: {node.name}") for node in body if isinstance(node, nodes[kind])]
    return [(floor, name, place) for floor, name, place in names if not name.startswith("_") or kind == "file"]


@pytest.mark.parametrize("kind", ["class", "function", "file"])
def test_one_name_is_one_thing(kind: str) -> None:
    """Classes and functions are compared over all floors, files inside their floor."""
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for floor, name, place in public_names(kind):
        if name not in ALIKE[kind]:
            places.setdefault((floor if kind == "file" else "", singular(name)), []).append((floor, place))
    clashes = [
        "  and  ".join(place for _, place in inside)
        for inside in places.values()
        if len(inside) > 1 and any(floor in UNLIKE for floor, _ in inside)
    ]
    assert not clashes, f"each {kind} needs a name of its own:\n" + "\n".join(clashes)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Box", "Boxes"), ("Entry", "Entries"), ("read_reference", "read_references"), ("TierLook", "TierLooks"), ("class", "classes")],
)
def test_a_plural_is_alike(one: str, other: str) -> None:
    assert singular(one) == singular(other)


def test_no_method_can_name_a_scene() -> None:
    for file in (ROOT / "methods").rglob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
        assert "Scene" not in names, file


def test_the_referee_names_no_method() -> None:
    ours = [path for path in (ROOT / "methods").rglob("*.py") if path.parent.name not in ("numerics", "declared")]
    no_methods = {"contract", "adapting", "iterates", "catalog", "loading", "plugin_imports", "suite_names", "method", "__init__"}
    known = {path.stem for path in ours} - no_methods - {"network"}
    for file in (ROOT / "benchmark").rglob("*.py"):
        used = {name.split(".")[-1] for name in imported(file)}
        assert not used & known - {"contract", "catalog", "loading", "iterates"}, file


def test_only_the_entry_point_prints_or_parses() -> None:
    for file in sources():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert "print" not in calls, file
        if file.parent == ROOT / "benchmark" / "commands":
            continue  # what the entry point parses, one file for each command
        assert "argparse" not in {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}, file


def test_the_top_level_is_as_agreed() -> None:
    for name in (*FLOORS, "tests"):
        assert (ROOT / name).is_dir(), name
    for name in (
        "run_benchmark.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
    ):
        assert (ROOT / name).is_file(), name


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code` from the root."""
    script = f"import sys\n{code}\nprint(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_reports_need_no_torch() -> None:
    names = loaded_by("import reports.report")
    assert "pandas" in names
    assert not {"torch", "methods"} & names


def test_what_a_report_says_needs_no_drawing() -> None:
    rooms = [file for room in ("content", "typeset") for file in sorted((ROOT / "reports" / room).glob("*.py"))]
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in rooms]
    names = loaded_by(f"import {', '.join(modules)}")
    assert "pandas" in names
    assert not {"matplotlib", "seaborn", "PIL", "jinja2"} & names


def test_help_imports_nothing_heavy() -> None:
    names = loaded_by("import run_benchmark\ntry: run_benchmark.main(['--help'])\nexcept SystemExit: pass")
    assert not {"torch", "numpy", "pandas", "scipy", "matplotlib"} & names


def test_the_main_path_needs_no_sewar() -> None:
    assert "sewar" not in loaded_by(
        "import benchmark.runner.supervisor, reports.report, methods.catalog\nfor e in methods.catalog.find().values(): e.load()"
    )

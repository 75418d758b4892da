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
    "methods/catalog.py": ("methods.contract", "methods.blind", "methods.loading"),
    "methods/loading.py": (),
    "methods/contract.py": ("datasets.observation", "datasets.degradation"),
    "methods": (
        *("datasets.observation", "datasets.degradation"),
        *("methods.contract", "methods.adapting", "methods.iterates", "methods.numerics"),
    ),
    "benchmark": (
        "datasets",
        "methods.contract",
        "methods.adapting",
        "methods.iterates",
        "methods.catalog",
        "methods.loading",
        "benchmark",
    ),
    "reports": (
        "benchmark.run_folder",
        "benchmark.metrics.metric_facts",
        "benchmark.conventions.profile_facts",
        "benchmark.conventions.profile_scores",
        "datasets.cube_file",
        "reports",
    ),
}
# A method folder may import its own modules besides.


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


def test_no_method_can_name_a_scene() -> None:
    for file in (ROOT / "methods").rglob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
        assert "Scene" not in names, file


def test_the_referee_names_no_method() -> None:
    ours = [path for path in (ROOT / "methods").rglob("*.py") if path.parent.name != "numerics"]
    known = {path.stem for path in ours} - {"contract", "adapting", "iterates", "catalog", "loading", "method", "__init__", "network"}
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


def test_help_imports_nothing_heavy() -> None:
    names = loaded_by("import run_benchmark\ntry: run_benchmark.main(['--help'])\nexcept SystemExit: pass")
    assert not {"torch", "numpy", "pandas", "scipy", "matplotlib"} & names


def test_the_main_path_needs_no_sewar() -> None:
    assert "sewar" not in loaded_by(
        "import benchmark.runner.supervisor, reports.report, methods.catalog\nfor e in methods.catalog.find().values(): e.load()"
    )

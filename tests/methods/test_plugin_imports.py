"""A plugin of several files: whatever way its import statements are written, each means the file that they say, and no other plugin's."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path

import pytest

from benchmark.identity.sources import sources_of
from methods import plugin_imports
from methods.catalog import BrokenMethodError, Entry, MethodNotFoundError, find, find_one
from methods.loading import watch_imports

METHOD = '''"""A method for tests."""
from dataclasses import dataclass
from typing import ClassVar
from methods.contract import Card, Estimate, FusionMethod
{imports}

@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="x", paper="a test", doi="", year=2026, fidelity="none")

    def fuse(self, seen, rng):
        {body}
'''
IMPORTS = {
    "from .network import Net": "from .network import Net",
    "from . import network": "from . import network\nNet = network.Net",
    "from network import Net": "from network import Net",
    "import network": "import network\nNet = network.Net",
    "import network as other": "import network as other\nNet = other.Net",
    "relative in a subpackage": "from .parts.deep import Net",
    "sibling in a subpackage": "from parts.deep import Net",
    "import of a submodule": "import parts.deep\nNet = parts.deep.Net",
    "import of a submodule as": "import parts.deep as deep\nNet = deep.Net",
    "namespace folder": "from loose.net import Net",
    "import_module": "import importlib\nNet = importlib.import_module('network').Net",
    "import_module of a submodule": "import importlib\nNet = importlib.import_module('parts.deep').Net",
    "relative import_module": "import importlib\nNet = importlib.import_module('.network', __package__).Net",
}
pytestmark = pytest.mark.usefixtures("fresh_modules")
STYLES = {
    "file in the folder": "{name}.py",
    "family/name.py": "family/{name}.py",
    "family/name/method.py": "family/{name}/method.py",
    "name/method.py": "{name}/method.py",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_finder_that_was_put_first_since_changes_nothing(tmp_path: Path) -> None:
    find_one(str(written(tmp_path / "one", "file in the folder", "mine", IMPORTS["import network"]))).load()
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "_Watcher"]
    watch_imports()
    second = find_one(str(written(tmp_path / "two", "file in the folder", "other", IMPORTS["import_module of a submodule"])))
    assert module_of(second).Net.mark == "other"  # type: ignore[attr-defined]


def siblings(mark: str) -> dict[str, str]:
    """The files of a small network, each with a `Net` whose `mark` says whose it is."""
    net = f"class Net:\n    mark = {mark!r}\n"
    return {
        "network.py": net,
        "parts/__init__.py": "",
        "parts/deep.py": "import network\nfrom ..network import Net\nassert Net is network.Net\nfrom .leaf import LEAF\n",
        "parts/leaf.py": "LEAF = 1\n",
        "loose/net.py": "from network import Net\n",
    }


def written(root: Path, style: str, name: str, imports: str, body: str = "return Estimate(None)", mark: str = "") -> Path:
    """A method's file of that style with its siblings."""
    file = root / STYLES[style].format(name=name)
    write(file.parent, {**siblings(mark or name), file.name: METHOD.format(imports=imports, body=body)})
    return file


def module_of(entry: Entry) -> object:
    return sys.modules[entry.load().__module__]


@pytest.mark.parametrize("style", STYLES)
def test_every_way_to_import_a_file_beside_the_method_works_and_that_file_counts(style: str, tmp_path: Path) -> None:
    for number, (what, imports) in enumerate(IMPORTS.items()):
        root = tmp_path / str(number)
        file = written(root, style, "mine", imports)
        for entry in (find(root)["mine"], find_one(str(file))):
            assert entry.name == "mine"
            assert module_of(entry).Net.mark == "mine", what  # type: ignore[attr-defined]
            names = sources_of(file, file.parent, root=entry.root).files
            assert {f"plugin/{file.name}", "plugin/network.py"} <= names.keys(), what
            assert ("plugin/parts/leaf.py" in names) == ("parts" in imports), what


def test_files_of_one_name_in_two_folders_are_two_modules_in_one_process(tmp_path: Path) -> None:
    lazy = "from network import Net as inside; import parts.deep as deep; return inside.mark, deep.Net.mark"
    files = {
        mark: written(tmp_path / mark, style, "same", IMPORTS[what], lazy, mark)
        for mark, style, what in [
            ("a", "file in the folder", "from network import Net"),
            ("b", "family/name.py", "from .network import Net"),
            ("c", "name/method.py", "import network"),
            ("d", "family/name/method.py", "import_module"),
            ("e", "family/name.py", "import_module of a submodule"),
        ]
    }
    kinds = {mark: find_one(str(file)).load() for mark, file in files.items()}
    for _ in range(2):  # the second time from memory
        for mark, file in files.items():
            entry = find_one(str(file))
            assert entry.load() is kinds[mark]
            assert module_of(entry).Net.mark == mark  # type: ignore[attr-defined]
            assert kinds[mark]().fuse(None, None) == (mark, mark)  # type: ignore[call-arg, arg-type, comparison-overlap]
    with pytest.raises(ImportError, match=r"network: expected it beside one plugin, got it beside .*write `from . import network`"):
        importlib.import_module("network")


def test_what_a_plugins_files_define_can_be_pickled_whatever_way_it_was_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = find_one(str(written(tmp_path, "name/method.py", "mine", "from network import Net\nfrom .parts.deep import Net as other")))
    module = module_of(entry)
    assert module.Net is module.other  # type: ignore[attr-defined]
    kept = pickle.dumps((entry.load()(), module.Net()))  # type: ignore[attr-defined]
    assert str(tmp_path) not in kept.decode("latin-1"), "what is stored holds no path of this machine"
    method, net = pickle.loads(kept)
    assert (type(method), type(net)) == (entry.load(), module.Net)  # type: ignore[attr-defined]
    monkeypatch.setattr(plugin_imports, "_plugins", {name: one for name, one in plugin_imports._plugins.items() if one.file == entry.file})
    as_its_author_stored_it = pickle.dumps(module.Net, protocol=0).replace(module.Net.__module__.encode(), b"network")  # type: ignore[attr-defined]
    assert pickle.loads(as_its_author_stored_it) is module.Net  # type: ignore[attr-defined]


def test_a_file_of_the_plugin_comes_before_what_is_installed_and_never_means_itself(tmp_path: Path) -> None:
    """`import scipy` in scipy.py is the library, and a sibling hides neither Python's own modules nor, from libraries, an installed one."""
    write(
        tmp_path,
        {
            "json.py": "raise RuntimeError('not of Python')\n",
            "jinja2.py": "MINE = True\nimport pandas\n",
            "scipy.py": METHOD.format(imports="import json, scipy.ndimage, jinja2", body="return None"),
            "pandas/readings.csv": "1",
        },
    )
    module = module_of(find_one(str(tmp_path / "scipy.py")))
    assert module.json.dumps([1]) == "[1]"  # type: ignore[attr-defined]
    assert module.scipy.ndimage.__name__ == "scipy.ndimage"  # type: ignore[attr-defined]
    assert module.jinja2.MINE  # type: ignore[attr-defined]
    assert hasattr(module.jinja2.pandas, "DataFrame"), "a folder of data is no package"  # type: ignore[attr-defined]
    assert not hasattr(importlib.import_module("jinja2"), "MINE")
    names = sources_of(tmp_path / "scipy.py", tmp_path).files.keys()
    assert {"plugin/scipy.py", "plugin/jinja2.py"} <= names
    assert "plugin/json.py" not in names


def test_relative_imports_reach_the_root_and_its_packages_count(tmp_path: Path) -> None:
    """--plugins DIR: `..` leads up to DIR. By path: up to the outermost package."""
    write(
        tmp_path,
        {
            "shared.py": "GAIN = 2\n",
            "repo/__init__.py": "OUTER = 3\n",
            "repo/common.py": "from repo import OUTER\n",
            "repo/models/__init__.py": "",
            "repo/models/best.py": METHOD.format(imports="from ..common import OUTER\nfrom repo.common import OUTER as again", body=""),
            "fam/name/method.py": METHOD.format(imports="from ...shared import GAIN", body=""),
        },
    )
    for file in ("repo/models/best.py", "fam/name/method.py"):
        (tmp_path / file).write_text((tmp_path / file).read_text().rstrip() + "return None\n")
    by_path = find_one(str(tmp_path / "repo" / "models" / "best.py"))
    assert (by_path.root, module_of(by_path).OUTER) == (tmp_path, 3)  # type: ignore[attr-defined]
    counted = sources_of(by_path.file or Path(), tmp_path / "repo" / "models", root=by_path.root).files
    assert {"plugin/../common.py", "plugin/../__init__.py", "plugin/__init__.py"} <= counted.keys()
    assert module_of(find(tmp_path)["name"]).GAIN == 2  # type: ignore[attr-defined]
    with pytest.raises(BrokenMethodError, match=r"attempted relative import beyond top-level package|No module named"):
        find_one(str(tmp_path / "fam" / "name" / "method.py")).load()


def test_helpers_in_a_plugin_folder_are_no_methods(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "network.py": "raise SystemExit('never imported')\n",
            "methods_list.py": "def f():\n    Method = 1\n# class Method\n",
            "fam/utils.py": "'''class Method(FusionMethod): ...'''\n",
            "fam/good.py": METHOD.format(imports="", body="return None"),
            "whole/method.py": "from .impl import Method\n",
            "whole/impl.py": METHOD.format(imports="", body="return None"),
            "again.py": "try:\n    from whole.impl import Method\nexcept ImportError:\n    Method = None\n",
            "renamed.py": "from fam.good import Method as Base\nMethod = Base\n",
            "torn.py": "class Method(:\n",
            "data/readme.txt": "",
        },
    )
    outside = {name for name, entry in find(tmp_path).items() if entry.root is not None}
    assert outside == {"good", "whole", "again", "renamed", "torn"}
    assert find_one("whole", tmp_path).load() is not find_one("again", tmp_path).load(), "each plugin has modules of its own"
    with pytest.raises(MethodNotFoundError, match=r"network\.py binds no name `Method`"):
        find_one("network", tmp_path)
    with pytest.raises(BrokenMethodError, match="SyntaxError"):
        find_one("torn", tmp_path).load()


@pytest.mark.parametrize("what", ["raise SystemExit(0)", "raise GeneratorExit", "class Stop(BaseException): ...\nraise Stop('now')"])
def test_whatever_an_import_raises_is_an_error_of_the_method_and_the_next_try_starts_afresh(what: str, tmp_path: Path) -> None:
    file = written(tmp_path, "file in the folder", "mine", "import network")
    (tmp_path / "network.py").write_text(what)
    with pytest.raises(BrokenMethodError, match="does not import"):
        find_one(str(file)).load()
    write(tmp_path, siblings("mended"))
    assert module_of(find_one(str(file))).network.Net.mark == "mended"  # type: ignore[attr-defined]


def test_a_users_interrupt_is_no_error_of_the_method(tmp_path: Path) -> None:
    file = written(tmp_path, "file in the folder", "mine", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        find_one(str(file)).load()

"""Our packages by two names, and `datasets` of others beside ours: one plugin can use all, and each import means what is written."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import datasets.observation
import datasets.scene
import methods.contract
from benchmark.clone import ROOT
from benchmark.identity import distributions
from benchmark.identity.sources import sources_of
from methods import loading
from methods.catalog import Entry, find_one
from methods.suite_names import offer_names

pytestmark = pytest.mark.usefixtures("fresh_modules")

METHOD = """
from dataclasses import dataclass
from typing import ClassVar
from hmif_bench.methods.contract import Card, Estimate, FusionMethod

@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="x", paper="a test", doi="", year=2026, fidelity="none")

    def fuse(self, seen, rng):
        return Estimate(None)
"""
THEIRS = {  # a distribution with the names and the habits of Hugging Face's
    "datasets/__init__.py": """
import datasets
import datasets.config
from datasets.utils import helper
from datasets.scene import SCENE
from . import arrow
assert datasets.utils.helper is helper
__version__ = "9.9"
class Dataset: ...
def load_dataset(name):
    import importlib
    return importlib.import_module(f"datasets.packaged.{name}").read()
""",
    "datasets/config.py": "import datasets\n",
    "datasets/utils.py": "def helper(): return 'theirs'\n",
    "datasets/scene.py": "SCENE = 'a name that we have too'\n",
    "datasets/arrow.py": "from datasets import config\n",
    "datasets/packaged/__init__.py": "",
    "datasets/packaged/csv.py": "import datasets\nfrom datasets import Dataset\ndef read(): return Dataset\n",
    "datasets-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: datasets\nVersion: 9.9\n",
    "datasets-9.9.dist-info/top_level.txt": "datasets\n",
    "third_party.py": "import datasets, datasets.utils\nfrom datasets import load_dataset as f\nassert f('csv') is datasets.Dataset\n",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def loaded(folder: Path, imports: str, files: dict[str, str] | None = None) -> object:
    """The module of a plugin with those import statements, and with those files beside it."""
    write(folder, {**(files or {}), "mine.py": f"{imports}\n{METHOD}"})
    return sys.modules[find_one(str(folder / "mine.py")).load().__module__]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, with another `datasets` in it; it is after the clone on `sys.path`, as site-packages is."""
    write(tmp_path / "site", THEIRS)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    importlib.invalidate_caches()
    return tmp_path / "site"


@pytest.mark.parametrize("name", ["datasets.observation", "methods.contract", "benchmark.metrics.scoring", "reports.style", "datasets"])
def test_the_second_name_gives_the_same_module(name: str) -> None:
    offer_names()
    first = importlib.import_module(name)
    spec = first.__spec__
    assert importlib.import_module(f"hmif_bench.{name}") is first
    assert first.__name__ == name
    assert first.__spec__ is spec


def test_a_name_that_we_do_not_have_is_none_of_ours(site: Path) -> None:
    offer_names()
    for name in ("hmif_bench.results", "hmif_bench.datasets.utils", "hmif_bench.run_benchmark", "datasets.no_such"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)


def test_the_second_name_works_in_a_fresh_interpreter_once_the_entry_point_is_imported(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import run_benchmark; from hmif_bench.datasets.observation import Observation; "
        "import datasets.observation as ours; assert ours.Observation is Observation; from hmif_bench.methods import contract"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


OURS = "from hmif_bench.datasets.observation import Observation"
HUGGING_FACE = {
    "import datasets": "import datasets\nDataset = datasets.Dataset\nhelper = datasets.utils.helper",
    "from datasets import": "from datasets import Dataset, load_dataset, __version__\nfrom datasets.utils import helper",
    "import of a submodule": "import datasets.utils\nhelper = datasets.utils.helper\nDataset = datasets.Dataset",
    "by way of another library": "from third_party import datasets\nDataset, helper = datasets.Dataset, datasets.utils.helper",
    "inside a function": "def use():\n    from datasets import Dataset\n    from datasets.utils import helper\n    return Dataset, helper\n"
    "Dataset, helper = use()",
    "import_module": "import importlib\nhelper = importlib.import_module('datasets.utils').helper\nfrom datasets import Dataset",
}


@pytest.mark.parametrize("statements", HUGGING_FACE.values(), ids=HUGGING_FACE)
@pytest.mark.parametrize("ours", [OURS, "from datasets.observation import Observation", "import datasets.observation"])
def test_another_datasets_that_is_installed_works_beside_ours(site: Path, tmp_path: Path, statements: str, ours: str) -> None:
    module = loaded(tmp_path / "plugins", f"{statements}\n{ours}")
    assert module.helper() == "theirs"  # type: ignore[attr-defined]
    assert module.Dataset.__qualname__ == "Dataset"  # type: ignore[attr-defined]
    theirs = sys.modules[module.Dataset.__module__]  # type: ignore[attr-defined]
    assert theirs.load_dataset("csv") is module.Dataset  # type: ignore[attr-defined]
    assert theirs.SCENE == "a name that we have too"
    assert datasets.scene.__file__ == str(ROOT / "datasets" / "scene.py")
    assert importlib.import_module("datasets.scene") is datasets.scene
    if "import Observation" in ours:
        assert module.Observation is datasets.observation.Observation  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(module.Dataset()))  # type: ignore[attr-defined]
    assert type(again) is module.Dataset  # type: ignore[attr-defined]


def test_a_method_of_an_installed_package_has_both_names_too(site: Path) -> None:
    write(
        site,
        {"their_pack/__init__.py": "", "their_pack/best.py": f"from datasets import Dataset\nfrom datasets.scene import Scene\n{METHOD}"},
    )
    importlib.invalidate_caches()
    kind = Entry("best", "plugin", None, "their_pack.best:Method").load()
    module = sys.modules[kind.__module__]
    assert module.Scene is datasets.scene.Scene
    assert module.Card is methods.contract.Card
    assert module.Dataset.__module__ == "hmif_installed.datasets"


def test_what_nobody_has_is_an_attribute_error_and_names_what_was_asked(site: Path, tmp_path: Path) -> None:
    loaded(tmp_path / "plugins", OURS)
    with pytest.raises(AttributeError, match="module 'datasets' has no attribute 'no_such'"):
        datasets.no_such  # noqa: B018
    assert not hasattr(datasets, "__wrapped__")
    assert "hmif_installed.datasets" in sys.modules
    module = loaded(tmp_path / "more", "import datasets\nfrom datasets import observation")
    assert module.observation is datasets.observation  # type: ignore[attr-defined]


def test_it_is_not_imported_where_ours_alone_is_used(site: Path, tmp_path: Path) -> None:
    loaded(tmp_path / "plugins", "import datasets.observation\nfrom datasets.scene import Scene\nfrom datasets import degradation\n" + OURS)
    assert "hmif_installed.datasets" not in sys.modules


OWN = {
    "a package": {"datasets/__init__.py": "WHOSE = 'mine'\n", "datasets/loader.py": "from . import __name__ as whose\nGAIN = 3\n"},
    "a folder": {"datasets/loader.py": "GAIN = 3\n"},
}
BOTH = {
    "from, from": "from datasets.loader import GAIN\nfrom datasets.observation import Observation",
    "both by from datasets": "from datasets import loader, observation\nGAIN, Observation = loader.GAIN, observation.Observation",
    "both by import": "import datasets.observation\nimport datasets.loader\nGAIN = datasets.loader.GAIN\n"
    "Observation = datasets.observation.Observation",
    "the other way round": "import datasets.loader\nimport datasets.observation\nGAIN = datasets.loader.GAIN\n"
    "Observation = datasets.observation.Observation",
    "as": "import datasets.loader as mine\nimport datasets.observation as ours\nGAIN, Observation = mine.GAIN, ours.Observation",
    "the second name": f"import datasets.loader\nGAIN = datasets.loader.GAIN\n{OURS}",
    "relative": f"from .datasets.loader import GAIN\n{OURS}",
}


@pytest.mark.parametrize("statements", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("files", OWN.values(), ids=OWN)
def test_a_plugins_own_datasets_works_beside_ours(tmp_path: Path, statements: str, files: dict[str, str]) -> None:
    module = loaded(tmp_path / "plugins", statements, files)
    assert module.GAIN == 3  # type: ignore[attr-defined]
    assert module.Observation is datasets.observation.Observation  # type: ignore[attr-defined]
    assert importlib.import_module("datasets").__file__ == str(ROOT / "datasets" / "__init__.py")
    assert not hasattr(datasets, "loader"), "ours is as it was"
    counted = sources_of(tmp_path / "plugins" / "mine.py", tmp_path / "plugins").files
    assert {"plugin/datasets/loader.py", "datasets/observation.py", "methods/contract.py"} <= counted.keys()


def test_a_plugins_own_datasets_comes_before_an_installed_one(site: Path, tmp_path: Path) -> None:
    module = loaded(tmp_path / "plugins", f"import datasets\nfrom datasets import WHOSE\n{OURS}", OWN["a package"])
    assert (module.WHOSE, module.datasets.WHOSE) == ("mine", "mine")  # type: ignore[attr-defined]
    assert "hmif_installed.datasets" not in sys.modules


def test_every_floor_and_a_single_file_may_have_a_namesake_in_a_plugin(tmp_path: Path) -> None:
    files = {
        "datasets.py": "GAIN = 1\n",
        "benchmark.py": "GAIN = 2\n",
        "methods/__init__.py": "GAIN = 3\n",
        "reports/nets.py": "GAIN = 4\n",
    }
    imports = "import datasets, benchmark, methods\nfrom reports.nets import GAIN\nfrom methods import GAIN as G"
    imports += "\nfrom methods.contract import Card as Ours"
    module = loaded(tmp_path / "plugins", imports, files)
    gains = [module.datasets.GAIN, module.benchmark.GAIN, module.methods.GAIN, module.GAIN, module.G]  # type: ignore[attr-defined]
    assert gains == [1, 2, 3, 4, 3]
    assert module.Ours is module.Card is methods.contract.Card  # type: ignore[attr-defined]


def test_without_another_it_is_ours(tmp_path: Path) -> None:
    module = loaded(
        tmp_path / "plugins", "import datasets.scene\nimport datasets\nfrom datasets import observation", {"datasets/a.csv": "1"}
    )
    assert module.datasets is datasets  # type: ignore[attr-defined]
    assert module.observation is datasets.observation  # type: ignore[attr-defined]


def test_another_clone_on_the_path_is_no_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "clone", {"datasets/__init__.py": "", "datasets/newer.py": "", "run_benchmark.py": ""})
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "clone")])
    offer_names()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("datasets.newer")


def test_both_names_lead_to_the_same_sources_and_an_installed_namesake_counts_by_its_version(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "first.py": "import datasets.observation\nfrom methods import contract\n",
        "second.py": "import hmif_bench.datasets.observation\nfrom hmif_bench.methods import contract\n",
        "third.py": "from datasets import load_dataset\nimport datasets.utils\n",
    }
    write(tmp_path / "plugins", texts)
    first, second, third = (sources_of(tmp_path / "plugins" / name, tmp_path / "plugins") for name in texts)
    assert first.files.keys() - {"plugin/first.py"} == second.files.keys() - {"plugin/second.py"}
    assert (first.packages, second.packages) == ({}, {})
    assert {"local/datasets/__init__.py", "local/datasets/utils.py"} <= third.files.keys(), "not installed, but on the path"
    monkeypatch.setattr(loading, "_installation_folders", lambda: (f"{site}/",))
    distributions.distributions_of_modules.cache_clear()
    try:
        assert sources_of(tmp_path / "plugins" / "third.py", tmp_path / "plugins").packages == {"datasets": "9.9"}
    finally:
        distributions.distributions_of_modules.cache_clear()

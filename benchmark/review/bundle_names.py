"""The bundles of the suite by name: each file of benchmark/reference without its ending."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.clone import ROOT
from benchmark.run_folder.bundle import ENDING
from benchmark.run_folder.json_file import RecordError
from datasets.nearest import did_you_mean

REFERENCE = ROOT / "benchmark" / "reference"


def named_bundles(folder: Path = REFERENCE) -> Mapping[str, Path]:
    """The file of each bundle of the suite, by its name."""
    return {file.name.removesuffix(ENDING): file for file in sorted(folder.glob(f"[!.]*{ENDING}"))}


def find_bundle(given: str, folder: Path = REFERENCE) -> Path:
    """The file of a bundle that a user names: a path, or a name of `named_bundles` with `-` and `_` alike.

    Raises:
        RecordError: it is neither; the text gives the nearest name.
    """
    path, bundles = Path(given), named_bundles(folder)
    if path.is_file() or given.endswith(ENDING) or len(path.parts) > 1:
        return path
    plain = {name.lower().replace("_", "-"): file for name, file in bundles.items()}
    name = given.lower().replace("_", "-")
    if name in plain:
        return plain[name]
    hint = did_you_mean(name, plain)
    known = f"valid: {', '.join(plain)}" if plain else "the suite has none yet"
    raise RecordError(f"bundle: expected a file {ENDING} or the name of a bundle, got {given!r}: {hint}{known} (docs/reference_results.md)")

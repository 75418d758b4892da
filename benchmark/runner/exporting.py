"""The observations of a plan as files, for a laboratory that runs its own code elsewhere and hands the cubes back (`score`).

    OUT/SCENE__PROTOCOL__seedN.mat    one observation file each (datasets/exchange/handed_fields.py has its fields)
    OUT/manifest.json                 what belongs to each file, and what must come back
    OUT/README.txt                    the fields, in words

The truth is never written. What is written of PSF, SRF and noise level is what the protocol reveals, and of that what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.identity.scene_identity import load_checked
from benchmark.matrix.cell import Cell
from benchmark.matrix.estimate_files import estimate_name
from benchmark.matrix.plan import Plan, PlanError
from benchmark.run_folder.json_file import write_bytes, write_json
from datasets.digests import file_sha256
from datasets.exchange.handed_fields import RETURNED_FIELDS, ExchangeFormat
from datasets.exchange.handed_pair import write_handed_pair
from datasets.observation import Observation
from datasets.pair_protocol import PairProtocol
from datasets.pair_sources import PairSource
from datasets.scene import crop_to_ratio
from datasets.simulation import observe

TELLABLE = ("psf", "srf", "noise")
_README = """Observations of the plan {plan}, one file for each scene, protocol and seed. manifest.json lists them.

Hand back one file for each, of the same name in a folder of its own, as .mat, .h5 or .npz, with these fields:

{fields}

All images are (rows, columns, bands), in the unit of the observation. Then, in the folder of the suite:

    python run_benchmark.py score DIR --plan {plan}.toml --label "Name of the method" --card CARD.toml

with the folder of the cubes as DIR, and in CARD.toml the facts of the method: [card], name, paper, doi, year, what it was told (needs_psf,
needs_srf, needs_noise) and learned from (learns, supervision, trained_on).
"""


@dataclass(frozen=True)
class Exported:
    """One observation that was written."""

    file: Path
    cell: Cell


def export_observations(
    plan: Plan, out: Path, kind: ExchangeFormat, told: Sequence[str], show: Callable[[int, int, Exported], None]
) -> list[Exported]:
    """Every observation of the plan, written into `out`, each once per scene, protocol and seed.

    Args:
        plan: the plan; its methods do not matter.
        out: the folder.
        kind: the format of the files.
        told: what is written of PSF, SRF and noise level, where the protocol reveals it: "psf", "srf", "noise".
        show: is called after each file with the number of files written, that of all, and the file.

    Raises:
        PlanError: two observations have one file name.
        SceneError: a scene cannot be read, or has changed since the plan was read.
    """
    cells = _one_each(plan)
    out.mkdir(parents=True, exist_ok=True)
    done: list[Exported] = []
    rows: list[dict[str, Any]] = []
    for stem, cell in cells.items():
        seen = _observation(cell).withhold(**{name: name not in told for name in TELLABLE})
        file = write_handed_pair(out / f"{stem}.{kind}", seen, seed=cell.seed)
        done.append(Exported(file, cell))
        rows.append(_row(file, cell, seen))
        show(len(done), len(cells), done[-1])
    write_json(out / "manifest.json", {"plan": plan.name, "told": [name for name in TELLABLE if name in told], "observations": rows})
    fields = "\n".join(f"    {name:17s} {meaning}" for name, meaning in RETURNED_FIELDS.items())
    write_bytes(out / "README.txt", _README.format(plan=plan.name, fields=fields).encode())
    return done


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest in a folder says."""
    table: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return table


def _one_each(plan: Plan) -> dict[str, Cell]:
    """One cell for each scene, protocol and seed, by the name of its file."""
    found: dict[str, Cell] = {}
    for cell in plan.observed_once():
        stem = estimate_name(cell.scene.name, cell.protocol.name, cell.seed)
        first = found.setdefault(stem, cell)
        if first is not cell:
            raise PlanError(
                f"expected scenes and protocols whose files have different names, got {stem} for {first.scene.name} under "
                f"{first.protocol.name} and {cell.scene.name} under {cell.protocol.name}; rename one of them"
            )
    return found


def _observation(cell: Cell) -> Observation:
    """The observation of a cell, as its methods would be given it."""
    scene = load_checked(cell.scene, cell.identity.digest)
    if isinstance(cell.protocol, PairProtocol):
        if not isinstance(cell.scene, PairSource):
            raise TypeError(f"expected a real pair for the protocol {cell.protocol.name}, got {type(cell.scene).__name__}")
        return cell.protocol.observe(cell.scene.pair())[0]
    return observe(crop_to_ratio(scene, cell.protocol.ratio), cell.protocol, cell.noise)


def _row(file: Path, cell: Cell, seen: Observation) -> dict[str, Any]:
    """What the manifest says of one file."""
    sizes = seen.sizes
    return {
        "file": file.name,
        "sha256": file_sha256(file),
        "scene": cell.scene.name,
        "scene_content": cell.identity.digest,
        "protocol": cell.protocol.name,
        "seed": cell.seed,
        "ratio": sizes.ratio,
        "cube": [sizes.rows, sizes.cols, sizes.bands],
        "holds": [name for name in TELLABLE if getattr(seen.known, name) is not None],
        "hand_back": f"{file.stem}{file.suffix}",
    }

"""What repeats one cell of a run folder alone: its plan, key, device and arguments, and the command that they make."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.index import Index, read_index


@dataclass(frozen=True)
class Repetition:
    """What repeats one cell."""

    plan: Path  # the file that was run, as long as its text is the same; else the copy in the run folder
    key: str
    device: str
    arguments: tuple[str, ...]  # --data, --plugins, --seed

    def command(self, clone: Path) -> str:
        """The command line, of absolute paths, by which the code in the folder `clone` runs the cell into a run folder of its own."""
        options = ["--out", str(clone / "results" / f"cell_{self.key}"), "--device", self.device, *self.arguments]
        return shlex.join([sys.executable, str(clone / "run_benchmark.py"), "cell", str(self.plan.resolve()), self.key, *options])


def plan_start(file: Path) -> Path:
    """The folder at which relative paths of a plan start: its own, or for the copy in a run folder that of the plan that was copied.

    Raises:
        RecordError: the file lies in a run folder whose index cannot be read.
    """
    if not (file.parent / "index.json").is_file():
        return file.parent
    original = Path(read_index(file.parent).file)
    if not original.is_absolute() or original == file.absolute() or not original.parent.is_dir():
        return file.parent
    return plan_start(original)


def find_repetition(folder: Path, key: str, index: Index) -> Repetition | None:
    """What repeats a cell, in a merged run as in the run that the cell comes from; None where the run folder does not say it."""
    if key not in index.cells:
        return None
    about = {"plan": "plan.toml", "arguments": index.arguments, "device": index.device, **index.cells[key]}
    kept = (folder / about["plan"]).resolve()
    if not kept.is_file() or not kept.is_relative_to(folder.resolve()):
        return None
    original = Path(index.file)
    same = bool(index.file) and original.is_file() and original.read_bytes() == kept.read_bytes()
    return Repetition(original if same else kept, key, about["device"] or "cpu", tuple(about["arguments"]))

"""What is known of the time that cells take: from runs and bundles that are named, from the run folder, and from the suite's bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.matrix.cell import Cell
from benchmark.review.bundle_names import named_bundles
from benchmark.review.disk_forecast import scene_values
from benchmark.review.forecast import Forecast, PastCell, forecast, overhead_in, past_cells_in
from benchmark.review.overhead import Overhead
from benchmark.review.past_runs import read_past_runs
from benchmark.run_folder.folder import RunFolder


@dataclass(frozen=True)
class KnownCosts:
    """Earlier cells, and what cells took beside learning and fusing."""

    cells: tuple[PastCell, ...]
    overhead: Overhead

    def forecast(self, cells: Sequence[Cell], device: str, done: Sequence[str] = ()) -> Forecast:
        """The seconds for the cells whose key is not in `done`."""
        return forecast(cells, self.cells, scene_values(cells), device, done, self.overhead)


def known_costs(folder: Path, earlier: Sequence[Path], here_s: float | None = None) -> KnownCosts:
    """What the records say: those of `earlier` and of the run folder; and those of the suite's bundles, where the former say nothing.

    A bundle of the suite counts where the former hold no cell of a row, and its cells that were timed beside other work where it has no
    quiet ones of that row. So a quiet cell of a method hides no cells of the same method with other parameters (`PastCell.rank`).

    Args:
        folder: the run folder, which need not exist.
        earlier: further run folders, or bundles.
        here_s: the calibration of this machine in seconds, by which seconds that were taken elsewhere are scaled; None: they are not.

    Raises:
        RecordError: one of `earlier` is no run folder, or a record cannot be read.
    """
    folders = [*earlier, *([folder] if RunFolder(folder).part("cells").is_dir() else [])]
    own, bundles = read_past_runs(folders), read_past_runs(named_bundles().values())
    measured, overhead = past_cells_in(own, here_s=here_s), overhead_in(own, here_s=here_s)
    for one in past_cells_in(bundles, here_s=here_s):
        measured.append(replace(one, rank=2, place=f"{one.place}, beside other work") if one.contended else replace(one, rank=1))
    return KnownCosts(tuple(measured), overhead if overhead.cells else overhead_in(bundles, here_s=here_s))

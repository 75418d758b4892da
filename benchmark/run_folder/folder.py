"""A run folder: where everything of a run lies. Every path of a run is made here and nowhere else. Free of torch.

    plan.toml                   the plan's text                       plan.json    the plan as it was resolved, and the command
    index.json                  the plan's cells by key, what repeats one of them, and the schema of the folder
    environment.json            versions, processor, threads, commit, of the last start
    environments/<digest>.json  the same for each machine and version that took part; records name theirs
    running.json                what runs, or ran when the run was cut short
    cells/<key>.json            one record per cell; the file is the resume key; runs merge by copying folders
    estimates/<key>.h5          the fused cube, uint16 with scale and offset (107 dB)
    estimates/<key>_std.h5      its posterior standard deviation, where the method states one
    scenes/<digest>.h5          each reference once, float32; never handed to a method
    observations/<digest>.h5    the low-resolution HSI and the MSI that the methods saw
    responses/<digest>.h5       the true PSF and SRF of each observation; never handed to a method
    fits/<digest>.pt            what a method learned beforehand
    measured/<key>.json         the measurement of a cell that has no score yet
    iterates/<key>/             of an oracle row that has no score yet: the cubes to pick from
    profiles/<key>.json         the same estimate scored by other projects' conventions, where `rescore` was asked to
    logs/<key>.txt              what the cell printed, and its traceback

*Current* records are those of the cells that index.json names: the cells of the last plan that was run here, with the code, the data and
the parameters of that run. Records of earlier code or of other plans stay as files until `clean`, and take part in nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.index import Index, read_index
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result, read_record, std_file, write_record_file

BY_KEY = ("cells", "estimates", "measured", "iterates", "profiles", "logs")  # parts with a file for each cell
BY_DIGEST = ("scenes", "observations", "responses")  # parts that cells share


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run, and its records."""

    path: Path

    @property
    def plan_text(self) -> Path:
        """The plan as it was written."""
        return self.path / "plan.toml"

    @property
    def plan_facts(self) -> Path:
        """The plan as it was resolved, and the command."""
        return self.path / "plan.json"

    @property
    def index_file(self) -> Path:
        """The plan's cells."""
        return self.path / "index.json"

    @property
    def last_environment(self) -> Path:
        """Where the last start took place."""
        return self.path / "environment.json"

    @property
    def running(self) -> Path:
        """What runs now."""
        return self.path / "running.json"

    @property
    def report(self) -> Path:
        """Where the report is drawn, unless another place is asked for."""
        return self.path / "report"

    def part(self, name: str) -> Path:
        """The folder of one kind of files, such as `cells`."""
        return self.path / name

    def record(self, key: str) -> Path:
        """The record of a cell."""
        return self.path / "cells" / f"{key}.json"

    def estimate(self, key: str) -> Path:
        """The fused cube of a cell."""
        return self.path / "estimates" / f"{key}.h5"

    def std(self, key: str) -> Path:
        """Its posterior standard deviation."""
        return std_file(self.estimate(key))

    def measured(self, key: str) -> Path:
        """The measurement of a cell that has no score yet."""
        return self.path / "measured" / f"{key}.json"

    def iterates(self, key: str) -> Path:
        """The folder of an oracle row's iterates."""
        return self.path / "iterates" / key

    def profile_scores(self, key: str) -> Path:
        """The scores of a cell by other projects' conventions."""
        return self.path / "profiles" / f"{key}.json"

    def log(self, key: str) -> Path:
        """What a cell printed; of an observation `observe_<digest>`, of a training `fit_<digest>`."""
        return self.path / "logs" / f"{key}.txt"

    def reference(self, scene_digest: str) -> Path:
        """A reference."""
        return self.path / "scenes" / f"{scene_digest}.h5"

    def observation(self, observation_digest: str) -> Path:
        """An observation."""
        return self.path / "observations" / f"{observation_digest}.h5"

    def responses(self, observation_digest: str) -> Path:
        """The true responses of an observation."""
        return self.path / "responses" / f"{observation_digest}.h5"

    def fit(self, fit_digest: str) -> Path:
        """What a method learned beforehand."""
        return self.path / "fits" / f"{fit_digest}.pt"

    def environment(self, digest: str) -> Path:
        """Where a cell took place; of records without a digest, where the last start did."""
        return self.path / "environments" / f"{digest}.json" if digest else self.last_environment

    def index(self) -> Index:
        """What index.json says.

        Raises:
            RecordError: the folder is no run folder, or the file cannot be read.
        """
        return read_index(self.path)

    def record_keys(self) -> list[str]:
        """Of every record that is there, current or not."""
        return sorted(file.stem for file in self.part("cells").glob("[!.]*.json"))

    def read(self, key: str) -> Result:
        """The record of a cell.

        Raises:
            RecordError: it cannot be read, or is that of another cell.
        """
        result = read_record(self.record(key))
        if result.key != key:
            raise RecordError(f"{self.record(key)}: expected the record of cell {key}, as its name says, got {result.key}; remove the file")
        return result

    def write(self, result: Result) -> Path:
        """Write a record, whole or not at all."""
        return write_record_file(self.record(result.key), result)

    def records(self) -> list[Result]:
        """Every record that is there, current or not, in the order of tier, label, scene, protocol and seed.

        Raises:
            RecordError: the folder is no run folder, or a record cannot be read.
        """
        self._expect_run()
        return _ordered(self.read(key) for key in self.record_keys())

    def current_records(self) -> list[Result]:
        """The records of the cells that the index names; every record where there is no index (a run of the first version).

        Raises:
            RecordError: the folder is no run folder, or a record cannot be read.
        """
        self._expect_run()
        return _ordered(self.read(key) for key in self.current_keys())

    def current_keys(self) -> list[str]:
        """Of the records that are current."""
        planned = self.index().cells
        return [key for key in self.record_keys() if not planned or key in planned]

    def superseded(self) -> list[str]:
        """Keys of records that are not current: of earlier code, data or parameters, or of another plan."""
        planned = self.index().cells
        return [key for key in self.record_keys() if planned and key not in planned]

    def discard_estimate(self, key: str) -> None:
        """Remove a cell's estimate and the standard deviation beside it."""
        self.estimate(key).unlink(missing_ok=True)
        self.std(key).unlink(missing_ok=True)

    def discard_measurement(self, key: str) -> None:
        """Remove what lies between fusing and scoring."""
        self.measured(key).unlink(missing_ok=True)
        shutil.rmtree(self.iterates(key), ignore_errors=True)

    def _expect_run(self) -> None:
        if not self.part("cells").is_dir():
            raise RecordError(f"expected a run folder with cells/*.json, got {self.path}; give the folder that `run` named at its end")


def _ordered(records: Iterator[Result]) -> list[Result]:
    return sorted(records, key=lambda r: (r.tier, r.label, r.scene, str(r.protocol.get("name")), r.seed))

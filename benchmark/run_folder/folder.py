"""A run folder: where each file of a run lies. Every path of a run is made here and nowhere else. Nothing here needs torch.

    plan.toml                   the text of the plan
    plan.json                   the plan with every name looked up, and the command
    index.json                  the cells of the plan by key, what repeats one of them, and the schema of the folder
    environment.json            versions, processor, threads and commit at the last start
    environments/<digest>.json  the same for each environment that took part; a record names the one that its cell ran in
    running.json                what is running, or was running when the run was ended early
    cells/<key>.json            one record per cell; a run that is resumed does not run a cell again that has one
    estimates/<key>.h5          the fused cube, uint16 with scale and offset (107 dB)
    estimates/<key>_std.h5      the posterior standard deviation, where the method states one
    scenes/<digest>.h5          each reference, once, in float32; never handed to a method
    observations/<digest>.h5    the LR-HSI and the HR-MSI that the methods were given
    responses/<digest>.h5       the true PSF and SRF of each observation; never handed to a method
    fits/<digest>.pt            what a method learned beforehand
    fits/<digest>.sha256        its seal: the sha256 of its bytes; without it, or with another one, the method is trained again
    measured/<key>.json         the measurement of a cell that has no score yet
    iterates/<key>/             of a cell of an oracle row that has no score yet: the cubes to pick from
    profiles/<key>.json         the scores of the same estimate by other projects' conventions, where `rescore --profile` was run
    logs/<key>.txt              what the cell printed, and its traceback

*Current* records are those of the cells in index.json: the cells of the last plan that was run in this folder, with the code, the data and
the parameters of that run. Other records, of earlier code or of other plans, are *superseded*: they stay as files until `clean` removes
them, and no table, figure or score uses them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.index import Index, read_index
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result, no_record, read_record, std_file, write_record_file
from datasets.printable import printable

BY_DIGEST = ("scenes", "observations", "responses")  # folders whose files are shared by cells


@dataclass(frozen=True)
class FoundRecords:
    """The records that could be read, and the files in their place that are none."""

    records: list[Result]  # in the order of tier, label, scene, protocol and seed
    broken: Mapping[str, str]  # by key, one line on what is wrong and on the way out; the cell counts as one without a record


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run, and its records."""

    path: Path

    @property
    def plan_text(self) -> Path:
        """The text of the plan, as it was written."""
        return self.path / "plan.toml"

    def kept_plan(self) -> str:
        """The text of the plan that was run last; empty where there is none that can be read."""
        try:
            return self.plan_text.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    @property
    def plan_facts(self) -> Path:
        """The plan with every name looked up, and the command."""
        return self.path / "plan.json"

    @property
    def index_file(self) -> Path:
        """The cells of the plan."""
        return self.path / "index.json"

    @property
    def last_environment(self) -> Path:
        """The environment of the last start."""
        return self.path / "environment.json"

    @property
    def running(self) -> Path:
        """What is running now."""
        return self.path / "running.json"

    @property
    def report(self) -> Path:
        """The folder of the report, unless another one is asked for."""
        return self.path / "report"

    def part(self, name: str) -> Path:
        """The folder of one kind of file, such as `cells`."""
        return self.path / name

    def record(self, key: str) -> Path:
        """The record of a cell."""
        return self.path / "cells" / f"{key}.json"

    def estimate(self, key: str) -> Path:
        """The fused cube of a cell."""
        return self.path / "estimates" / f"{key}.h5"

    def std(self, key: str) -> Path:
        """The posterior standard deviation of a cell's estimate."""
        return std_file(self.estimate(key))

    def measured(self, key: str) -> Path:
        """The measurement of a cell that has no score yet."""
        return self.path / "measured" / f"{key}.json"

    def iterates(self, key: str) -> Path:
        """The folder of the iterates of a cell of an oracle row."""
        return self.path / "iterates" / key

    def profile_scores(self, key: str) -> Path:
        """The scores of a cell by other projects' conventions."""
        return self.path / "profiles" / f"{key}.json"

    def log(self, key: str) -> Path:
        """What a cell printed. The log of an observation has the key `observe_<digest>`, that of a training `fit_<digest>`."""
        return self.path / "logs" / f"{key}.txt"

    def reference(self, scene_digest: str) -> Path:
        """The reference of a scene."""
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

    def fit_seal(self, fit_digest: str) -> Path:
        """The seal of what a method learned beforehand."""
        return self.path / "fits" / f"{fit_digest}.sha256"

    def environment(self, digest: str) -> Path:
        """The environment of that digest; for a record without a digest, that of the last start."""
        return self.path / "environments" / f"{digest}.json" if digest else self.last_environment

    def index(self) -> Index:
        """The content of index.json.

        Raises:
            RecordError: the folder is no run folder, or the file cannot be read.
        """
        return read_index(self.path)

    def record_keys(self) -> list[str]:
        """The keys of all records, current and superseded."""
        return sorted(file.stem for file in self.part("cells").glob("[!.]*.json"))

    def read(self, key: str) -> Result:
        """The record of a cell.

        Raises:
            RecordError: it cannot be read, or is the record of another cell.
        """
        result = read_record(self.record(key))
        if result.key != key:
            raise no_record(f"cells/{printable(key)}.json", f"key: {result.key!r} where the name of the file was expected")
        return result

    def write(self, result: Result) -> Path:
        """The file of a record, written as a whole or not at all."""
        return write_record_file(self.record(result.key), result)

    def find(self, keys: Iterable[str]) -> FoundRecords:
        """The records of these keys.

        Raises:
            RecordError: the folder is no run folder.
        """
        self._expect_run()
        records, broken = [], {}
        for key in keys:
            try:
                records.append(self.read(key))
            except RecordError as error:
                broken[key] = str(error)
        return FoundRecords(sorted(records, key=lambda r: (r.tier, r.label, r.scene, str(r.protocol.get("name")), r.seed)), broken)

    def find_current(self) -> FoundRecords:
        """The current records; all records where there is no index (a run of the first version of the suite).

        Raises:
            RecordError: the folder is no run folder, or its index cannot be read.
        """
        found, planned = self.find(self.current_keys()), self.index().cells
        named = {key: _named(line, planned.get(key)) for key, line in found.broken.items()}
        return FoundRecords(found.records, named)

    def records(self) -> list[Result]:
        """All records that can be read, current and superseded.

        Raises:
            RecordError: the folder is no run folder.
        """
        return self.find(self.record_keys()).records

    def current_records(self) -> list[Result]:
        """The current records that can be read, as in `find_current`."""
        return self.find_current().records

    def current_keys(self) -> list[str]:
        """The keys of the current records."""
        planned = self.index().cells
        return [key for key in self.record_keys() if not planned or key in planned]

    def superseded(self) -> list[str]:
        """The keys of the superseded records: of earlier code, data or parameters, or of another plan."""
        planned = self.index().cells
        return [key for key in self.record_keys() if planned and key not in planned]

    def discard_estimate(self, key: str) -> None:
        """Remove a cell's estimate and the standard deviation beside it."""
        self.estimate(key).unlink(missing_ok=True)
        self.std(key).unlink(missing_ok=True)

    def discard_measurement(self, key: str) -> None:
        """Remove the measurement and the iterates of a cell, which are needed only until it has its score."""
        self.measured(key).unlink(missing_ok=True)
        shutil.rmtree(self.iterates(key), ignore_errors=True)

    def _expect_run(self) -> None:
        if not self.part("cells").is_dir():
            raise RecordError(f"expected a run folder with cells/*.json, got {self.path}; give the folder that `run` named at its end")


def _named(line: str, cell: Mapping[str, Any] | None) -> str:
    """A line on a broken record, with the cell that the plan has under its key."""
    return f"{cell['label']} on {cell['scene']}, {cell['protocol']}, seed {cell['seed']}: {line}" if cell else line

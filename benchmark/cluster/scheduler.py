"""Cells on other machines: they are handed to a running scheduler of dask.distributed, and each is run there by the command `cell`.

A worker executes `subprocess.run` of the standard library: `python CLONE/run_benchmark.py cell PLAN KEY --packed ...`, with the text of
the plan on standard input, and the files of the cell as a tar on standard output (parcel.py). So a worker needs nothing but dask, no file
system is shared, and a crash costs one cell. A clone with other sources or other data has no cell of that key, and refuses. If a worker is
lost, dask gives its cells, and no others, to another worker.

What comes back is a whole number and two texts of bytes, the exit status and both outputs, and this process takes nothing else as a result:
a pickle, which could run code here, is refused. (dask itself still unpickles the errors of tasks and the messages of its scheduler.)
"""

from __future__ import annotations

import queue
import subprocess
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cluster.parcel import ALWAYS, ONCE, ParcelError, unpack
from benchmark.identity.source_keys import metrics_key, referee_key
from benchmark.matrix.cell import Cell
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from benchmark.run_folder.retention import Keep
from benchmark.runner.resumption import renamed
from benchmark.runner.run_settings import Arrival
from datasets.printable import error_text, printable

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 64  # cells that are submitted at a time, so that an adaptive cluster sees the need; more where the cluster has more slots
SHOW_S = 1.0  # the longest wait for a cell before the progress is shown again
CONNECT_S = 30
PARTS = ("returncode", "stdout", "stderr")  # of the program that has run on a worker
REFUSALS = 5  # cells refused one after another: then the setting of the cluster is wrong, and not one machine


class ClusterError(RuntimeError):
    """A cluster that cannot be reached or cannot run our cells; the text says what to change."""


@dataclass(frozen=True)
class Cluster:
    """The cluster to which cells are handed, and what its machines need to know."""

    address: str  # of the scheduler, such as tcp://10.0.0.1:8786
    clone: str  # the folder of the clone on the workers' machines
    python: str  # the python of the environment there
    plan_file: Path  # relative paths in the plan start at its folder
    plan_text: str
    folder: Path  # the run folder, on this machine
    device: str = "cpu"
    arguments: Sequence[str] = ()  # --data, --plugins, --seed, as they are valid there
    keep: Keep = "estimates"

    def hand_out(self, cells: Sequence[Cell]) -> Generator[Arrival]:
        """Reports on the cells, which are run on the cluster. When a cell has ended, all its files but the record are in the run folder.

        Raises:
            ClusterError: there is no scheduler, no worker has what the cells need, or workers refuse the cells.
        """
        client = self._connect()
        hand_out = _HandOut(self, client, list(cells))
        try:
            yield from hand_out.reports()
        finally:
            hand_out.drop()
            client.close()

    def _connect(self) -> Client:
        try:
            from distributed import Client
        except ImportError as error:
            raise ClusterError('--cluster: expected the extra `cluster`, got none; pip install --editable ".[cluster]"') from error
        try:
            return Client(self.address, timeout=CONNECT_S, set_as_default=False, name="hmif-bench", deserializers=["msgpack"])
        except (OSError, ValueError, TimeoutError) as error:
            raise ClusterError(
                f"--cluster {self.address}: expected a dask scheduler that answers within {CONNECT_S} s, got {type(error).__name__}: "
                f"{error}; start one (`dask scheduler`) and give the address that it prints"
            ) from error

    def command(self, cell: Cell, together: int) -> list[str]:
        """The command that runs one cell on a machine that runs `together` cells at a time."""
        wanted = [part for part in ALWAYS if part != "estimates" or self.keep != "none"]
        folder = RunFolder(self.folder)
        for part, file in zip(ONCE, (folder.reference(cell.scene_digest), folder.observation(cell.observation_digest)), strict=True):
            if not file.exists() and (part != "scenes" or cell.protocol.has_reference):
                wanted.append(part)
        script = f"{self.clone.rstrip('/')}/run_benchmark.py"
        options = [*self.arguments, "--device", self.device, "--slots", str(together), "--packed", ",".join(wanted)]
        return [self.python, script, "cell", str(self.plan_file), cell.key, *options]


class _HandOut:
    """The state of handing out cells: what waits, what is submitted, what was refused."""

    def __init__(self, cluster: Cluster, client: Client, cells: list[Cell]) -> None:
        self.cluster, self.client, self.waiting = cluster, client, cells
        self.total, self.arrived, self.started = len(cells), 0, time.monotonic()
        self.out_there: dict[str, tuple[Cell, Future]] = {}
        self.ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.refused: list[str] = []
        self.in_a_row = 0

    def reports(self) -> Generator[Arrival]:
        """Reports on the progress, until every cell has ended."""
        while self.waiting or self.out_there:
            self._submit()
            yield Arrival(self._running(), self._left())
            try:
                key = self.ended.get(timeout=SHOW_S)
            except queue.Empty:
                continue
            cell, future = self.out_there.pop(key)
            yield from self._take(cell, future)
        if self.refused:
            raise ClusterError(
                f"{len(self.refused)} of {self.total} cells could not be run by a worker, and have no record: {self.refused[-1]}"
            )

    def drop(self) -> None:
        """Cancel the cells that have not ended; one that runs on a worker ends by its time limit."""
        for _, future in self.out_there.values():
            future.cancel()

    def _submit(self) -> None:
        """Submit waiting cells, up to the limit."""
        threads: dict[str, int] = self.client.nthreads()
        if self.cluster.device == "cuda" and threads and not self.out_there:
            self._expect_gpu()
        hosts = Counter({_host(address): 0 for address in threads})
        for address, count in threads.items():
            hosts[_host(address)] += count
        together = max(hosts.values(), default=1)
        while self.waiting and len(self.out_there) < max(AHEAD, 2 * sum(threads.values())):
            cell = self.waiting.pop(0)
            command = self.cluster.command(cell, together)
            name = f"hmif-bench-{cell.key}-{time.time_ns()}"
            whole = self.client.submit(
                partial(subprocess.run, command, input=self.cluster.plan_text.encode(), capture_output=True),
                key=name,
                pure=False,
                resources={"GPU": 1} if self.cluster.device == "cuda" else None,
            )
            future = self.client.submit(attrgetter(*PARTS), whole, key=f"{name}-parts", pure=False)  # on the worker: plain bytes travel
            self.out_there[cell.key] = (cell, future)
            future.add_done_callback(lambda _, key=cell.key: self.ended.put(key))

    def _take(self, cell: Cell, future: Future) -> Generator[Arrival]:
        """The report on a cell that has ended, if it has a record or was lost; a refused cell is noted."""
        outcome = self._outcome(cell, future)
        future.release()
        if isinstance(outcome, Result):
            self.arrived += 1
            self.in_a_row = 0
            yield Arrival(self._running(), self._left(), record=outcome)
        elif outcome.startswith("KilledWorker"):
            yield Arrival(self._running(), self._left(), lost=(cell, outcome))
        else:
            self.refused.append(outcome)
            self.in_a_row += 1
            if self.in_a_row >= REFUSALS:
                raise ClusterError(f"{self.in_a_row} cells one after another could not be run by a worker; the last: {outcome}")

    def _outcome(self, cell: Cell, future: Future) -> Result | str:
        """The record of a cell, whose other files have been written; or why there is none."""
        if future.cancelled():
            return f"{cell.key}: expected a result, got a cancelled task: was the scheduler restarted? The same command goes on from here"
        error: Any = future.exception()
        if type(error).__name__ == "KilledWorker":
            return error_text(error)
        if error is not None:
            return (
                f"{cell.key}: expected {self.cluster.python} to start on the worker, got {error_text(error)}; "
                "give --cluster-python the path of the environment's python on that machine"
            )
        try:
            status, output, messages = _parts(future.result())
        except Exception as refusal:  # noqa: BLE001  # whatever another machine sends in the place of bytes
            return f"{cell.key}: expected an exit status and bytes from the worker, got {error_text(refusal)}"
        try:
            return unpack(output, self.cluster.folder, cell.key, lambda record: expected_record(record, cell))
        except ParcelError as problem:
            said = messages.decode(errors="replace").strip().splitlines()
            return (
                f"{cell.key}: {problem}; exit status {status}, and it said: {printable(said[-1][:500]) if said else '(nothing)'}. "
                "--cluster-clone must name a clone with the same sources on that machine, and --data or $HMIF_DATA there the same data"
            )

    def _running(self) -> tuple[str, ...]:
        """A line for the terminal; only the scheduler knows which of the submitted cells are running."""
        if not self.out_there:
            return ()
        slots = sum(self.client.nthreads().values())
        return (f"{len(self.out_there)} cells handed out, {slots} slots" if slots else "waiting for a worker",)

    def _left(self) -> float | None:
        """The seconds for the rest, by the pace so far; None before a cell has ended."""
        pace = (time.monotonic() - self.started) / self.arrived if self.arrived else None
        return None if pace is None else pace * (len(self.waiting) + len(self.out_there))

    def _expect_gpu(self) -> None:
        workers = self.client.scheduler_info()["workers"].values()
        if not any(worker.get("resources", {}).get("GPU", 0) >= 1 for worker in workers):
            raise ClusterError(
                f"--device cuda: expected a worker with the resource GPU, got {len(workers)} workers without; start one worker per GPU, "
                "with --nthreads 1 --resources GPU=1 and its CUDA_VISIBLE_DEVICES"
            )


def expected_record(record: Result, cell: Cell) -> Result:
    """The record that a worker has sent, under the names that the plan uses here.

    Raises:
        ParcelError: the record is that of another cell, of other sources, or has scores by other metrics.
    """
    local_key = metrics_key()
    if record.outcome == "scored" and record.metrics_key != local_key:
        raise ParcelError(f"expected scores by the metrics of this clone ({local_key}), got those of other metrics ({record.metrics_key})")
    for what, came, wanted in (
        ("method", record.method, cell.contestant.entry.name),
        ("scene", record.scene_content, cell.identity.digest),
        ("reference", record.scene_digest, cell.scene_digest),
        ("observation", record.observation_digest, cell.observation_digest),
        ("seed", record.seed, cell.seed),
        ("sources", record.sources, cell.contestant.sources.digest),
        ("device", record.device, cell.device),
        ("version of the suite", record.referee, referee_key() if record.outcome == "scored" else record.referee),
    ):
        if came != wanted:
            raise ParcelError(f"expected a record with the {what} {wanted}, got one with {came}")
    return renamed(record, cell)


def _parts(result: object) -> tuple[int, bytes, bytes]:
    """Exit status, output and messages of the program on the worker.

    Raises:
        TypeError: they are something else.
    """
    match result:
        case (int() as status, bytes() as output, bytes() as messages):
            return status, output, messages
    raise TypeError(f"expected a whole number and two texts of bytes, got {type(result).__name__}")


def _host(address: str) -> str:
    """The machine in the address of a worker, such as tcp://10.0.0.1 in tcp://10.0.0.1:40131."""
    return address.rpartition(":")[0]

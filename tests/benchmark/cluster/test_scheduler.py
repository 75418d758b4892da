"""Cells on other machines: a local cluster of two workers, one of them killed in the middle."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from benchmark.cluster import scheduler as cluster_module
from benchmark.cluster.parcel import ALWAYS, OrphanError, ParcelError, pack, run_packed, unpack
from benchmark.cluster.scheduler import PARTS, Cluster, ClusterError, _HandOut, expected_record
from benchmark.matrix.plan import Plan
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import Progress, RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import copied_clone, plan, plugin
from tests.benchmark.folders import FIRST, write_record
from tests.rounding import scores_near

ROOT = Path(__file__).resolve().parents[3]
distributed = pytest.importorskip("distributed", reason="needs the extra `cluster` (or `dev`): distributed")


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A scheduler and two workers, each a process with one slot; a worker that dies is started again."""
    place = str(tmp_path_factory.mktemp("workers"))  # not dask's own, which all users of the machine share
    facts: dict[str, Any] = {"dashboard_address": ":0", "silence_logs": 50, "local_directory": place}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **facts) as local:
        yield local


def hand(world: Path, file: Path, address: str, **changes: Any) -> tuple[Plan, Cluster, RunSettings]:
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    settings = RunSettings(world / "run")
    facts: dict[str, Any] = {
        "address": address,
        "clone": str(ROOT),
        "python": sys.executable,
        "plan_file": file,
        "plan_text": checked.text,
        "folder": world / "run",
        "arguments": ("--plugins", str(world / "plugins")),
    }
    return checked, Cluster(**{**facts, **changes}), settings


def go(world: Path, file: Path, address: str, **changes: Any) -> list[Result]:
    told: list[Progress] = []
    checked, cluster, settings = hand(world, file, address, **changes)
    records = run(checked, settings, told.append, cluster.hand_out)
    assert told[-1].done == told[-1].total == len(records)
    return records


def test_a_killed_worker_costs_its_own_cell_a_second_start_and_no_other(world: Path, two_workers: Any) -> None:
    starts, free = world / "starts", world / "free"
    starts.mkdir()
    waits = (
        f"open({str(starts)!r} + '/{{name}}.' + str(os.getpid()), 'w').close()\n"
        f"        while not os.path.exists({str(free)!r}): time.sleep(0.05)\n"
        "        return Estimate(low)"
    )
    for name in ("first", "second"):
        plugin(world / "plugins", name, waits.replace("{name}", name))
    plugin(world / "plugins", "segfault", "print('before it', flush=True); os.kill(os.getpid(), signal.SIGSEGV)")

    def kill_one() -> None:
        while len(list(starts.iterdir())) < 2:
            time.sleep(0.05)
        os.kill(next(iter(two_workers.workers.values())).pid, signal.SIGKILL)
        time.sleep(1.0)
        free.touch()

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    file = plan(world, ["first", "second", "segfault"], scenes=("a",))
    records = {record.label: record for record in go(world, file, two_workers.scheduler_address)}
    killer.join()
    assert {label: record.outcome for label, record in records.items()} == {
        "first": "scored",
        "second": "scored",
        "segfault": "killed",
    }
    assert "SIGSEGV" in records["segfault"].reason
    assert sorted(Counter(file.stem for file in starts.iterdir()).values()) == [1, 2]
    folder, scored = world / "run", records["first"]
    for name in (
        f"cells/{scored.key}.json",
        f"estimates/{scored.key}.h5",
        f"scenes/{scored.scene_digest}.h5",
        f"observations/{scored.observation_digest}.h5",
        f"environments/{scored.environment}.json",
    ):
        assert (folder / name).is_file(), name
    assert "before it" in (folder / "logs" / f"{records['segfault'].key}.txt").read_text()
    here = {record.label: record for record in run(*_local(world, file), lambda _: None)}
    assert scores_near(here["first"].metrics, scored.metrics), "the same cell in this machine's own processes scores the same"
    again = go(world, file, "tcp://127.0.0.1:9", python="no such program")  # every cell has its record: nobody is asked
    assert {record.key: record.outcome for record in again} == {record.key: record.outcome for record in records.values()}


def _local(world: Path, file: Path) -> tuple[Plan, RunSettings]:
    text = "\n".join(line for line in file.read_text().split("[[method]]")[:1]) + '\n[[method]]\nname = "first"'
    return read_plan(file, DataRoots.parse([]), world / "plugins", text=text), RunSettings(world / "here")


def test_a_worker_whose_clone_scores_by_other_metrics_is_refused_and_nothing_is_kept(world: Path, two_workers: Any, tmp_path: Path) -> None:
    clone = copied_clone(tmp_path / "clone")
    pixel = clone / "benchmark" / "metrics" / "pixel.py"
    text = pixel.read_text()
    assert "def psnr(" in text
    pixel.write_text(text + "\n\n_psnr = psnr\n\n\ndef psnr(*given):\n    return _psnr(*given) + 10\n")
    file = plan(world, ["steady"], scenes=("a",))
    with pytest.raises(ClusterError, match=r"expected scores by the metrics of this clone .* got those of other metrics"):
        go(world, file, two_workers.scheduler_address, clone=str(clone))
    for part in ("cells", "estimates", "scenes"):
        assert not list((world / "run" / part).glob("*")), part


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"metrics_key": "m1"}, "got those of other metrics"),
        ({"scene_content": "another"}, "expected a record with the scene"),
        ({"observation_digest": "another"}, "expected a record with the observation"),
        ({"method": "another"}, "expected a record with the method"),
        ({"sources": "others"}, "expected a record with the sources"),
    ],
)
def test_a_record_that_is_not_what_was_asked_for_is_refused(world: Path, change: dict[str, str], text: str) -> None:
    checked = read_plan(plan(world, ["steady"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    record = run(checked, RunSettings(world / "here"), lambda _: None)[0]
    cell = checked.cells("cpu")[0]
    assert expected_record(replace(record, label="as it is called there"), cell) == record, "names are those of the plan here"
    with pytest.raises(ParcelError, match=text):
        expected_record(replace(record, **change), cell)  # type: ignore[arg-type]


def test_workers_that_cannot_run_the_cells_are_told_and_leave_no_record(world: Path, two_workers: Any) -> None:
    file, address = plan(world, ["steady"], scenes=("a",)), two_workers.scheduler_address
    with pytest.raises(ClusterError, match=r"1 of 1 cells could not be run .* --cluster-python"):
        go(world, file, address, python="/no/such/python")
    with pytest.raises(ClusterError, match=r"exit status 2, and it said: .*No such file.* --cluster-clone"):
        go(world, file, address, clone="/no/such/clone")
    with pytest.raises(ClusterError, match=r"expected a worker with the resource GPU, got 2 workers without; .*--resources GPU=1"):
        go(world, file, address, device="cuda")
    assert not (world / "run" / "cells").exists()


def test_a_scheduler_that_does_not_answer_is_said(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    with pytest.raises(ClusterError, match="expected a dask scheduler that answers within 1 s"):
        go(world, plan(world, ["steady"], scenes=("a",)), "tcp://127.0.0.1:9")


class Pending(Future[Any]):
    """A future that can be let go, as dask's can."""

    def release(self) -> None:
        """Nothing is held."""


class Pretended:
    """A client that runs nothing and keeps what it was asked."""

    def __init__(self, workers: dict[str, int], ends_with: Exception | None = None) -> None:
        self.workers, self.ends_with = workers, ends_with
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    def nthreads(self) -> dict[str, int]:
        return self.workers

    def scheduler_info(self) -> dict[str, Any]:
        return {"workers": {address: {"resources": {"GPU": 1}} for address in self.workers}}

    def submit(self, task: Any, *inputs: Any, **options: Any) -> Pending:
        self.asked.append((task, options))
        future = Pending()
        if self.ends_with is not None:
            future.set_exception(self.ends_with)
        return future


def test_what_a_worker_unpickles_names_the_standard_library_alone(world: Path) -> None:
    checked, cluster, _ = hand(world, plan(world, ["steady"], scenes=("a",)), "")
    client = Pretended({"tcp://node1:1": 1, "tcp://node1:2": 3, "tcp://node2:1": 2})
    _HandOut(cluster, client, checked.cells("cpu"))._submit()
    (task, options) = client.asked[0]
    strings = [value for code, value, _ in pickletools.genops(pickle.dumps(task)) if "UNICODE" in code.name]
    imported = {value for value in strings if value in sys.modules}
    assert imported == {"functools", "subprocess"}
    assert options["resources"] is None
    assert task.args[0][task.args[0].index("--slots") + 1] == "4", "the slots of the fullest machine share its cores"
    assert task.keywords["input"].decode() == checked.text


def test_a_cell_for_cuda_asks_for_one_gpu(world: Path) -> None:
    checked, cluster, _ = hand(world, plan(world, ["steady"], scenes=("a",)), "", device="cuda")
    client = Pretended({"tcp://node1:1": 1})
    _HandOut(cluster, client, checked.cells("cuda"))._submit()
    assert client.asked[0][1]["resources"] == {"GPU": 1}


def test_a_cell_that_ends_every_worker_is_recorded_as_killed(world: Path) -> None:
    checked, cluster, settings = hand(world, plan(world, ["steady"], scenes=("a",)), "")
    deadly = type("KilledWorker", (Exception,), {})("it ended 4 workers")
    client = Pretended({"tcp://node1:1": 1}, deadly)
    record = run(checked, settings, lambda _: None, lambda cells: _HandOut(cluster, client, cells).reports())[0]
    assert (record.outcome, record.reason) == ("killed", "KilledWorker: it ended 4 workers")


def test_refusals_one_after_another_stop_the_run(world: Path) -> None:
    checked, cluster, settings = hand(world, plan(world, ["steady"], "seeds = [0, 1, 2, 3, 4, 5, 6]", scenes=("a",)), "")
    client = Pretended({"tcp://node1:1": 1}, FileNotFoundError("no python"))
    with pytest.raises(
        ClusterError, match=r"5 cells one after another could not be run by a worker; the last: .*no python.*--cluster-python"
    ):
        run(checked, settings, lambda _: None, lambda cells: _HandOut(cluster, client, cells).reports())
    assert not (world / "run" / "cells").exists()


def test_what_the_run_folder_has_is_not_sent_again(world: Path) -> None:
    checked, cluster, _ = hand(world, plan(world, ["steady"], scenes=("a",)), "")
    cell = checked.cells("cpu")[0]
    assert cluster.command(cell, 1)[-1] == ",".join((*ALWAYS, "scenes", "observations"))
    (world / "run" / "scenes").mkdir(parents=True)
    (world / "run" / "scenes" / f"{cell.scene_digest}.h5").touch()
    assert cluster.command(cell, 1)[-1] == ",".join((*ALWAYS, "observations"))
    assert "estimates" not in replace(cluster, keep="none").command(cell, 1)[-1]


def test_a_packed_cell_ends_when_nobody_waits_for_it(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(world / "plugins", "waits", "time.sleep(600)")
    checked = read_plan(plan(world, ["waits"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    settings = RunSettings(world / "unused", only=checked.cells("cpu")[0].key)
    parents = iter([1000, 1000])
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 1))
    with pytest.raises(OrphanError, match="expected the parent 1000 to wait"):
        run_packed(checked, settings, ALWAYS)
    assert not (world / "unused").exists()


def parcel_of(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, size: int | None = None) -> bytes:
    """A tar of these files; `size` is the size that each claims to have."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as made:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
            made.addfile(member, io.BytesIO(content))
    data = bytearray(stream.getvalue())
    if size is not None:
        data[124:136] = f"{size:011o}".encode() + b"\0"
        data[148:156] = b" " * 8
        data[148:156] = f"{sum(data[:512]):06o}".encode() + b"\0 "
    return bytes(data)


def test_a_parcel_that_names_other_places_or_other_cells_is_refused(world: Path) -> None:
    for name in ("../outside", "cells/../../outside", "/etc/passwd", "cells/.hidden", "report/x", "logs/deeper/x"):
        with pytest.raises(ParcelError, match="expected files of a run folder"):
            unpack(parcel_of((name, b"")), world / "run", "k")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE):
        with pytest.raises(ParcelError, match=r"expected files of a run folder|expected a cell's files as a tar"):
            unpack(parcel_of(("cells/k.json", b""), kind=kind), world / "run", "k")
    with pytest.raises(ParcelError, match="each once"):
        unpack(parcel_of(("cells/k.json", b""), ("cells/k.json", b"")), world / "run", "k")
    for name in ("cells/k.json", "estimates/k.h5"):
        with pytest.raises(ParcelError, match=r"expected at most [0-9]+ bytes in"):
            unpack(parcel_of((name, b"x"), size=8**10), world / "run", "k")
    with pytest.raises(ParcelError, match="expected the record of cell k"):
        unpack(parcel_of(("cells/other.json", b"")), world / "run", "k")
    with pytest.raises(ParcelError, match="expected a cell's files as a tar"):
        unpack(b"Segmentation fault", world / "run", "k")
    assert not (world / "run").exists()
    (world / "one" / "logs").mkdir(parents=True)
    (world / "one" / "logs" / "k.txt").write_bytes(b"x" * 3_000_000 + b"the end")
    (world / "one" / "logs" / "link.txt").symlink_to("/etc/passwd")
    assert 1_000_000 < len(pack(world / "one", ["logs"])) < 1_100_000


def test_a_parcel_writes_the_files_of_its_own_cell_and_replaces_nothing_that_cells_share(tmp_path: Path) -> None:
    write_record(tmp_path / "worker", FIRST)
    table = (tmp_path / "worker" / "cells" / f"{FIRST.key}.json").read_bytes()
    record, other = (f"cells/{FIRST.key}.json", table), "bb" * 10
    for foreign in (f"estimates/{other}.h5", f"logs/{other}.txt", "scenes/another.h5", "environments/e1.json", "responses/x.h5"):
        with pytest.raises(ParcelError, match=f"expected the files of cell {FIRST.key} alone, got {foreign} too"):
            unpack(parcel_of(record, (foreign, b"theirs")), tmp_path / "run", FIRST.key)
    assert not (tmp_path / "run").exists()
    shared = [f"scenes/{FIRST.scene_digest}.h5", f"responses/{FIRST.observation_digest}.h5", f"environments/{FIRST.environment}.json"]
    for name in (f"estimates/{FIRST.key}.h5", *shared[:2]):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(b"ours")
    came = unpack(
        parcel_of(record, (f"estimates/{FIRST.key}.h5", b"new"), *((name, b"new") for name in shared)), tmp_path / "run", FIRST.key
    )
    assert came == FIRST
    there = {path.relative_to(tmp_path / "run").as_posix(): path.read_bytes() for path in (tmp_path / "run").rglob("*.*")}
    assert there == {f"estimates/{FIRST.key}.h5": b"new", shared[0]: b"ours", shared[1]: b"ours", shared[2]: b"new"}


def test_a_pickle_that_a_worker_sends_as_its_result_is_refused(world: Path, two_workers: Any) -> None:
    _, cluster, _ = hand(world, plan(world, ["steady"], scenes=("a",)), two_workers.scheduler_address)
    client = cluster._connect()
    try:
        done = client.submit(subprocess.run, ["true"], capture_output=True, pure=False)
        assert client.submit(attrgetter(*PARTS), done, pure=False).result(timeout=60) == (0, b"", b"")
        with pytest.raises(TypeError, match="serialize"):  # a CompletedProcess has no other form than a pickle
            done.result(timeout=60)
    finally:
        client.close()


@pytest.mark.parametrize("result", [None, (0, "text", b""), (0, b""), {"returncode": 0}, subprocess.CompletedProcess([], 0, b"", b"")])
def test_a_result_that_is_no_status_with_bytes_is_a_refusal(world: Path, result: object) -> None:
    checked, cluster, _ = hand(world, plan(world, ["steady"], scenes=("a",)), "")
    future: Pending = Pending()
    future.set_result(result)
    said = _HandOut(cluster, Pretended({}), [])._outcome(checked.cells("cpu")[0], future)
    assert isinstance(said, str)
    assert "expected an exit status and bytes from the worker" in said

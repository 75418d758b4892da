"""A report of 10,000 records: tables, statistics, claims, figures and the page, drawn anew and drawn again with nothing changed.

Two protocols, 40 scenes, 25 seeds, five methods; records alone, as a run with `--keep none` leaves them. HMIF_RECORDS sets another number.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import write_json
from reports.report import write_report
from tests.reports.conftest import fake_results

RECORDS = int(os.environ.get("HMIF_RECORDS", "10000"))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two configurations of each scored cell of the fake run's first scene, on as many scenes and seeds as it takes."""
    folder = tmp_path_factory.mktemp("report") / "run"
    base = [r for r in fake_results() if r.outcome == "scored" and r.scene == "beads" and r.seed == 0]
    cells = [(f"scene{n // 25:03d}", n % 25) for n in range(RECORDS // len(base) + 1)]
    made = 0
    for scene, seed in cells:
        for record in base[: RECORDS - made]:
            shift = 0.01 * (hash((scene, record.method)) % 97) + 0.001 * seed
            metrics = {name: value if value is None else value + shift for name, value in record.metrics.items()}
            changed = replace(record, key=f"k{made}", scene=scene, seed=seed, metrics=metrics)
            write_json(RunFolder(folder).record(changed.key), asdict(changed), durable=False)
            made += 1
    return folder


@pytest.mark.benchmark(group=f"report of {RECORDS:,} records")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("again", [False, True], ids=["drawn anew", "nothing changed"])
def test_a_report_of_many_records(benchmark: BenchmarkFixture, run_folder: Path, again: bool) -> None:
    assert again == (run_folder / "report").exists()
    began = process_time()
    paths = benchmark.pedantic(write_report, args=(run_folder,), rounds=1, iterations=1)
    benchmark.extra_info["CPU seconds"] = round(process_time() - began, 2)
    benchmark.extra_info["MB of the page"] = round(paths.page.stat().st_size / 1e6, 1)
    assert sum(row.scored for summary in paths.summaries for row in summary.rows) == RECORDS

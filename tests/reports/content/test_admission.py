"""Which records take part: never scores by two versions of the metrics, never a seed that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.run_folder.record import Result
from reports.content.admission import OTHER_METRICS, admit
from reports.content.summary import summarise


def fake(number: int, *, key: str = "new", random: bool = True, noise: float | None = None, ended: str = "2026", **facts: object) -> Result:
    made = Result(
        key=f"k{number}",
        outcome="scored",
        method="m",
        label="M",
        parameters={},
        card={"name": "M", "random": random},
        tier="told nothing",
        scene=f"scene/{number}",
        scene_digest="d",
        protocol={"name": "p", "ratio": 4, "hsi_snr_db": noise, "msi_snr_db": None},
        seed=0,
        metrics={"psnr": 30.0 + number},
        metrics_key=key,
        ended=ended,
    )
    return replace(made, **facts)  # type: ignore[arg-type]


def unscored(results: Sequence[Result]) -> list[str]:
    return [result.key for result in results if result.outcome != "scored"]


def test_scores_by_other_metrics_are_cells_without_scores() -> None:
    results = [fake(1, key="old"), fake(2), fake(3, key="old"), fake(4, key="old", outcome="failed", metrics={})]
    assert unscored(admit(results, "new")) == ["k1", "k3", "k4"]
    assert unscored(admit(results, "old")) == ["k2", "k4"]
    assert unscored(admit(results)) == ["k2", "k4"], "of most records"
    assert unscored(admit(results, "of nobody")) == ["k2", "k4"]
    admitted = admit(results, "new")
    assert [(result.reason, dict(result.metrics)) for result in admitted[:1]] == [(OTHER_METRICS, {})]
    (row,) = summarise(admitted)[0].rows
    assert not row.complete
    assert row.values["psnr"].mean == 32.0


def test_of_equally_many_versions_the_latest_counts() -> None:
    results = [fake(1, key="a", ended="2026-03"), fake(2, key="b", ended="2026-05"), fake(3, key="a", ended="2026-04"), fake(4, key="b")]
    assert unscored(admit(results)) == ["k1", "k3"]


def test_a_seed_that_changes_nothing_is_no_further_cell() -> None:
    still = [fake(1, random=False, seed=seed, key="k") for seed in (7, 3, 5)]
    assert [result.seed for result in admit(still)] == [3]
    assert len(admit([replace(result, card={"name": "M", "random": True}) for result in still])) == 3
    noisy = [replace(result, protocol={**result.protocol, "hsi_snr_db": 30.0}) for result in still]
    assert len(admit(noisy)) == 3
    (row,) = summarise(admit([*still, *(replace(result, scene="scene/2", seed=result.seed + 1) for result in still)]))[0].rows
    assert row.complete


def test_rows_of_two_labels_keep_each_its_seed() -> None:
    results = [fake(1, random=False, seed=4), fake(1, random=False, seed=9, label="Other")]
    assert len(admit(results)) == 2


def test_files_of_one_name_and_two_contents_are_two_rows() -> None:
    results = [fake(1, parameters={"weights": "w.bin"}, files={"weights": digest * 8}) for digest in ("1f2e3d4c", "ab12cd34")]
    rows = summarise([replace(result, metrics={"psnr": float(at)}) for at, result in enumerate(results)])[0].rows
    assert {(row.label, row.values["psnr"].mean) for row in rows} == {("M (weights=w.bin 1f2e3d)", 0.0), ("M (weights=w.bin ab12cd)", 1.0)}

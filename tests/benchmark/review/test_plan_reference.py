"""docs/plan.md has every key of a plan, and says of each what it means."""

from __future__ import annotations

from dataclasses import fields

from benchmark.clone import ROOT
from benchmark.matrix.contestant import MethodTable
from benchmark.matrix.handed_in import EstimatesTable
from benchmark.matrix.plan_file import PlanTable
from benchmark.matrix.time_budget import TimeBudgetTable
from benchmark.matrix.training_set import TrainingTable
from benchmark.review.plan_reference import plan_reference
from datasets.pair_sources import PairTable
from datasets.protocols import ProtocolTable
from datasets.reading_options import ReadingOptions


def test_the_page_is_what_the_classes_say() -> None:
    text = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    assert text.strip() == plan_reference().strip(), "run: python run_benchmark.py list plan > docs/plan.md"


def test_every_key_has_a_meaning_in_a_whole_sentence() -> None:
    rows = [line.split(" | ") for line in plan_reference().splitlines() if line.startswith("| `")]
    keys = [
        item.name
        for schema in (PlanTable, MethodTable, EstimatesTable, ReadingOptions, PairTable, ProtocolTable, TrainingTable, TimeBudgetTable)
        for item in fields(schema)
    ]
    assert [row[0].strip("| `") for row in rows] == keys
    assert all(len(row) == 4 and row[3].removesuffix(" |").endswith(".") for row in rows)
    assert "class" not in "".join(row[1] for row in rows)

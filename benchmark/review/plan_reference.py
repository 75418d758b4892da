"""docs/plan.md: every key of a plan with its kind, default and meaning, made from the classes that check plans (`list plan`)."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from benchmark.matrix.contestant import MethodTable
from benchmark.matrix.handed_in import EstimatesTable
from benchmark.matrix.plan_file import PlanTable
from benchmark.matrix.time_budget import TimeBudgetTable
from benchmark.matrix.training_set import TrainingTable
from datasets.field_meanings import field_meanings
from datasets.pair_sources import PairTable
from datasets.protocols import ProtocolTable
from datasets.reading_options import Centres, ReadingOptions
from datasets.settings import field_types, spell

_TABLES: tuple[tuple[str, str, type[Any]], ...] = (
    ("The plan", "A plan is a TOML file with these keys. Unknown keys are errors.", PlanTable),
    ("[[method]]", "One row of the tables or, with a grid, several.", MethodTable),
    (
        "[[estimates]]",
        "Cubes made elsewhere: a row whose cells are scored and not run (docs/made_elsewhere.md). `score` writes such a table.",
        EstimatesTable,
    ),
    (
        "[[scene]]",
        "A file of one's own: `file` (a path, a pattern or a folder; relative paths start at the plan's folder), `name` (in tables; file/ "
        "and the file's stem when absent), and what the file does not state. The same keys follow a `?` in `scenes`: "
        "file:PATH?key=value&... Crop, bands and scale are applied first, then overlap, then resample_to.",
        ReadingOptions,
    ),
    ("[[pair]]", "A real pair, which is observed as it was taken and, with the HSI as the truth, one step down.", PairTable),
    ("[[protocol]]", "How scenes become observations.", ProtocolTable),
    ("[training]", "For methods that learn beforehand.", TrainingTable),
    (
        "[time_budget]",
        "How `run --time-budget` has divided a time over the rows that learn (docs/reference_results.md). `run` puts it into the copy "
        "of the plan in the run folder.",
        TimeBudgetTable,
    ),
)


def plan_reference() -> str:
    """Every key of a plan, as Markdown."""
    return "# The keys of a plan\n" + "".join(_section(*table) for table in _TABLES)


def _section(title: str, text: str, schema: type[Any]) -> str:
    kinds, meanings = field_types(schema), field_meanings(Path(inspect.getfile(schema)), schema.__name__)
    rows = [f"| `{item.name}` | {_kind(kinds[item.name])} | {_default(item)} | {meanings[item.name]} |" for item in fields(schema)]
    return "\n".join(["", f"## {title}", "", text, "", "| key | kind | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _kind(kind: Any) -> str:
    """The kind of a value in words; what may be left away is not said, as the default says it."""
    if kind == Centres | None:
        return "a list of numbers or text"
    options = [option for option in get_args(kind) if option is not type(None)] if isinstance(kind, UnionType) else [kind]
    return " or ".join(spell(option) for option in options)


def _default(item: Field[Any]) -> str:
    value = item.default_factory() if item.default_factory is not MISSING else item.default
    if value is MISSING:
        return "must be given"
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, tuple):
        return f"`{list(value)}`".replace("'", '"')
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"

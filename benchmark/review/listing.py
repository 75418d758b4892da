"""The lists of `list`, as rows of text: methods, data sets, scenes, protocols, PSFs, sensors, metrics, plans."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.matrix.interview import Interview, interview_each
from benchmark.metrics.metric_facts import METRICS, Metric
from benchmark.review.plan_list import plan_rows
from datasets.data_roots import DataRoots
from datasets.protocols import PRESETS
from datasets.psfs import PSFS
from datasets.scene_catalog import list_scenes, present_scenes
from datasets.sensors import sensor_names
from datasets.sets.all_sets import SETS
from datasets.settings import field_types, look_up, spell
from methods.catalog import BrokenMethodError, expect_one, find_namesakes

LIST_LIMIT_S = 60.0  # after which the import of a method is given up, and the list goes on
WIDTH = 110  # characters on a line
BROKEN = "broken"  # stands for what a method is told, where it cannot be used
_INDENT = "  "
Row = tuple[str, ...]
_DIRECTIONS = {True: "higher is better", False: "lower is better"}
_KINDS = {"number": "a count", "share": "a share"}  # of a metric that is neither, by the first word of its definition; others are ratios


def listing(what: str, roots: DataRoots, plugins: Path | None = None) -> list[Row]:
    """The rows of one list, each with its name first.

    Raises:
        SettingError: there is no such list.
    """
    makers: dict[str, Callable[[], list[Row]]] = {
        "methods": lambda: _methods(plugins),
        "datasets": lambda: _data_sets(roots),
        "scenes": lambda: [(item.name, "" if item.available else "missing", item.note) for item in list_scenes(roots)],
        "protocols": _protocols,
        "psfs": lambda: [(name, _schema(kind), (kind.__doc__ or "").split("\n")[0]) for name, kind in PSFS.items()],
        "sensors": lambda: list(sensor_names(roots.folder("srf")).items()),
        "plans": lambda: plan_rows(roots, plugins),
        "metrics": lambda: [(item.name, _reading(item), item.unit, item.definition) for item in METRICS],
    }
    return look_up("list", what, makers)()


def _reading(metric: Metric) -> str:
    """How to read a metric: which direction is better, or what it is where neither is."""
    if metric.higher_is_better is None:
        return _KINDS.get(metric.definition.split()[0], "a ratio")
    return _DIRECTIONS[metric.higher_is_better]


def _methods(plugins: Path | None) -> list[Row]:
    """A row for each method; one that cannot be used says why in its row, and the others are listed all the same."""
    namesakes = find_namesakes(plugins)
    entries = [entry for same in namesakes.values() for entry in same]
    answers = interview_each([(entry, ()) for entry in entries], limit_s=LIST_LIMIT_S)
    rows: list[Row] = []
    for entry, answer in zip(entries, answers, strict=True):
        try:
            expect_one(namesakes[entry.name])
        except BrokenMethodError as error:
            answer = error
        if isinstance(answer, Interview):
            rows.append((entry.name, answer.card.tier, answer.card.name, answer.card.paper))
        else:
            rows.append((entry.name, BROKEN, "", " ".join(str(answer).split())))
    return rows


def _data_sets(roots: DataRoots) -> list[Row]:
    """A heading, and a row for each named set."""
    rows: list[Row] = [("name", "there", "scenes", "rows x cols x bands", "size", "licence")]
    for name, item in SETS.items():
        sheet, count = item.sheet(), present_scenes(item, roots)
        there = f"{count} scenes" if count > 1 else "1 scene" if count else "-"
        rows.append((name, there, *(_brief(sheet[key]) for key in ("scenes", "shape", "size", "licence"))))
    return rows


def _brief(text: str) -> str:
    """A row of a data sheet up to its first colon, semicolon or bracket, and not much longer than a column of a table."""
    first = re.split(r"[:;]| \(", text)[0]
    return first if len(first) <= 44 else first[:43].rstrip() + "…"


def _protocols() -> list[Row]:
    numbers = {name: ", ".join(f"{key}={value}" for key, value in table.items() if key != "source") for name, table in PRESETS.items()}
    return [(name, numbers[name], str(table["source"])) for name, table in PRESETS.items()]


def _schema(kind: type[Any]) -> str:
    return ", ".join(f"{key}: {spell(value)}" for key, value in field_types(kind).items())


def listing_text(what: str, roots: DataRoots, plugins: Path | None = None, width: int = WIDTH) -> str:
    """The rows of `listing` in columns, one line per row where all of them fit into `width` characters.

    Where they do not, the last column stands below the others. A method always has two lines, of which the second is its paper, cut where
    it is too long: `list methods NAME` has the whole of it, and the parameters.
    """
    rows = listing(what, roots, plugins)
    if what == "methods":
        name = max(len(row[0]) for row in rows)
        return "\n".join(line for row in rows for line in _method_lines(row, name, width))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = ["  ".join([*(cell.ljust(size) for cell, size in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    if max(map(len, lines)) + len(_INDENT) <= width:
        return "\n".join(_INDENT + line for line in lines)
    return "\n".join(line for row in rows for line in _stacked_lines(row, widths, width))


def _method_lines(row: Row, name: int, width: int) -> list[str]:
    """The two lines of a method: its name here, its own name and what it is told; and its paper, or why it cannot be used."""
    told = f"{row[2]} · {row[1]}" if row[2] else row[1]
    return [_cut(f"{_INDENT}{row[0]:{name}}  {told}", width), _INDENT * 3 + (row[3] if row[1] == BROKEN else _cut(row[3], width - 6))]


def _cut(text: str, room: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= room else f"{text[: room - 1].rstrip(' ,;:')}…"


def _stacked_lines(row: Row, widths: list[int], width: int) -> list[str]:
    """The lines of a row whose last column stands below the others; columns stand below one another where even these do not fit."""
    first = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=False)).rstrip()
    if len(_INDENT + first) > width:
        first = "  ".join(filter(None, row[:-1]))
    hanging = _INDENT * 3
    lines = textwrap.wrap(first, width, initial_indent=_INDENT, subsequent_indent=hanging, break_on_hyphens=False) or [_INDENT]
    return [*lines, *textwrap.wrap(row[-1], width, initial_indent=hanging, subsequent_indent=hanging, break_on_hyphens=False)]

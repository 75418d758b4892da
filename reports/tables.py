"""Records as tables: a pandas frame of every cell, and a summary as text for the terminal, as CSV and as Markdown.

The text table marks the best of a tier with * and the second with +; Markdown has them bold and in italics; CSV has bare numbers.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from benchmark.run_folder.record import Result, score_to_json
from reports.style import DASH, identity, protocol_sentence, shorten
from reports.summary import MISSING, UNDEFINED, Column, Row, Summary

WIDTH = 110  # columns of the terminal that a text table is made for
_GAP, _INDENT = " ", "  "
_PLACES = {"best": "*", "second": "+", "": " "}


def frame(results: Sequence[Result]) -> pd.DataFrame:
    """One row a cell, one column for every number in its record.

    Columns: key, outcome, reason, method, label, tier, scene, seed, protocol, then metric.*, clock.* (seconds), memory.* (bytes),
    parameters.*, protocol.*, parameter_count.*, card.*, device, threads, ended. What a cell does not have is missing there.
    """
    return pd.DataFrame([_flat(result) for result in results])


def summary_frame(summary: Summary) -> pd.DataFrame:
    """One row a method: the tier, whether it is ranked, cells scored and expected, and mean, spread and n of each quantity, unrounded."""
    rows = []
    for row in summary.rows:
        first = row.results[0]
        table: dict[str, Any] = {
            "protocol": summary.name,
            "tier": row.tier,
            "label": row.label,
            "method": first.method,
            "configuration": identity(first.parameters),
            "ranked": row.ranked,
            "scored": row.scored,
            "expected": row.expected,
        }
        for column in summary.columns:
            value = row.values[column.key]
            table[column.key] = value.mean
            if column.higher_is_better is not None:
                table |= {f"{column.key}_std": value.spread, f"{column.key}_n": value.n, f"{column.key}_place": value.place}
        table["notes"] = "; ".join(note.text for note in summary.notes if note.label == row.label)
        rows.append(table)
    return pd.DataFrame(rows)


def text_table(summary: Summary, width: int = WIDTH) -> str:
    """The summary for a terminal: aligned columns, tiers as headings, notes below, every line at most `width` characters.

    Memory on a GPU is left to the other tables, for want of room.
    """
    columns = [column for column in summary.columns if column.key != "gpu_bytes"]
    body = {id(row): [_text_value(row, column, place) for place, column in enumerate(columns)] for row in summary.rows}
    heads = [[column.label + " " for column in columns], [column.unit + " " for column in columns]]  # a character for the place
    sizes = [max(len(cells[place]) for cells in (*heads, *body.values())) for place in range(len(columns))]
    used = sum(sizes) + len(_GAP) * (len(sizes) + 1) + len("cells")
    names = max([0, *(len(_label(row)) + len(_INDENT) for row in summary.rows)])
    first = max(min(names, width - used), 12)

    def line(label: str, cells: Sequence[str], scored: str) -> str:
        padded = [f"{cell:>{size}}" for cell, size in zip(cells, sizes, strict=True)]
        return _GAP.join([f"{label:<{first}}", *padded, f"{scored:>5}"]).rstrip()

    lines = [*textwrap.wrap(f"{summary.name}: {protocol_sentence(summary.protocol)}", width), ""]
    lines += [line("", heads[0], "cells"), line("", heads[1], "")]
    for tier, rows in summary.tiers:
        lines.append(f"{tier} {'─' * max(0, first + used - len(tier) - 1)}")
        lines += [line(_INDENT + _fit(_label(row), first - len(_INDENT)), body[id(row)], f"{row.scored}/{row.expected}") for row in rows]
    lines += ["", *textwrap.wrap(_legend(summary), width)]
    for note in summary.notes:
        lines += textwrap.wrap(f"{note.mark} {note.label}: {note.text}", width, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def markdown_table(summary: Summary) -> str:
    """The summary as a GitHub table; best bold, second in italics, notes below."""
    heads = ["method", "tier", *(f"{column.label} {column.unit}".strip() for column in summary.columns), "cells"]
    lines = [
        f"**{markdown_text(summary.name)}**: {markdown_text(protocol_sentence(summary.protocol))}",
        "",
        f"| {' | '.join(heads)} |",
        f"| --- | --- |{' ---: |' * (len(heads) - 2)}",
    ]
    for row in summary.rows:
        cells = [_markdown_value(row, column, place) for place, column in enumerate(summary.columns)]
        lines.append(f"| {markdown_text(_label(row))} | {markdown_text(row.tier)} | {' | '.join(cells)} | {row.scored}/{row.expected} |")
    lines += ["", f"{markdown_text(spread_sentence(summary))} Best of a tier **bold**, second _in italics_."]
    lines += [f"\n{note.mark} {markdown_text(note.label)}: {markdown_text(note.text)}" for note in summary.notes]
    return "\n".join(lines) + "\n"


def spread_sentence(summary: Summary) -> str:
    """What the numbers are means of: "Mean over 12 scenes and 3 seeds."; and a warning where the clock was disturbed."""
    return f"{mean_sentence(summary)} {clock_sentence(summary)}".strip()


def mean_sentence(summary: Summary) -> str:
    """What the numbers are means of."""
    scenes, seeds = len(summary.scenes), len(summary.seeds)
    over = f"{scenes} scene{'' if scenes == 1 else 's'}" + (f" and {seeds} seeds" if seeds > 1 else "")
    return f"Mean over {over}." if scenes * seeds > 1 else f"One scene, {summary.scenes[0]}."


def clock_sentence(summary: Summary) -> str:
    """A warning where other work disturbed the clock; empty where none did."""
    timed = [result for row in summary.rows for result in row.results if result.clock is not None]
    spoilt = sum(result.contended for result in timed)
    return f"Other work took part of the machine in {spoilt} of {len(timed)} cells: seconds there are too high." if spoilt else ""


def _flat(result: Result) -> dict[str, Any]:
    """One level of columns; nested tables by dots, lists as text."""
    table = asdict(result)
    plain = ("key", "outcome", "reason", "method", "label", "tier", "scene", "seed")
    row: dict[str, Any] = {name: table[name] for name in plain}
    row["protocol"] = result.protocol.get("name")
    groups = {"metric": table["metrics"], "clock": table["clock"] or {}, "memory": table["memory"] or {}, "parameter": table["parameters"]}
    groups |= {"oracle": {key: list(map(score_to_json, value)) if key == "psnr" else value for key, value in table["oracle"].items()}}
    groups |= {"protocol": {key: value for key, value in table["protocol"].items() if key != "name"}, "card": table["card"]}
    for group, content in groups.items():
        row |= {f"{group}.{key}": identity(value) if isinstance(value, dict | list | tuple) else value for key, value in content.items()}
    rest = ("parameters_total", "parameters_inference", "device", "threads", "scene_digest", "observation_digest", "metrics_key", "ended")
    return row | {name: table[name] for name in rest}


def _label(row: Row) -> str:
    return f"{row.label} {row.marks}".strip()


def _fit(text: str, size: int) -> str:
    """`text` in `size` characters; at its end the word oracle and the marks stay."""
    found = re.search(r"(?P<oracle>, oracle \([^()]*\))?(?P<marks> [†‡§]+)?$", text)
    if len(text) <= size or found is None:
        return text
    end = (", oracle" if found["oracle"] else "") + (found["marks"] or "")
    return shorten(text[: found.start()], size - len(end)) + end


def _text_value(row: Row, column: Column, place: int) -> str:
    """A number with one character for its place, or what became of the cells."""
    if row.scored == 0:
        return f"{row.outcomes.partition(',')[0]}{MISSING}" if place == 0 else f"{DASH} "
    value = row.values[column.key]
    return value.text + (UNDEFINED if row.partly_defined(column) else _PLACES[value.place])


def _legend(summary: Summary) -> str:
    """How to read the table."""
    machine = f" Seconds on {summary.machine}." if summary.machine else ""
    return f"{spread_sentence(summary)} * best, + second of the tier.{machine} Memory: peak of the cell's own process, libraries included."


def _markdown_value(row: Row, column: Column, place: int) -> str:
    if row.scored == 0:
        return f"{row.outcomes} {MISSING}" if place == 0 else DASH
    spread = row.values[column.key].spread_text
    return markdown_value(row, column, f" ± {spread}" if spread else "")


def markdown_value(row: Row, column: Column, spread: str = "") -> str:
    """The mean as its place asks, and whether it is over fewer cells."""
    value = row.values[column.key]
    text = {"best": f"**{value.text}**", "second": f"_{value.text}_", "": value.text}[value.place]
    return text + spread + (f" {UNDEFINED}" if row.partly_defined(column) else "")


def markdown_text(text: str) -> str:
    """Text that Markdown and the HTML in it leave as it is."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~])", r"\\\1", flat)

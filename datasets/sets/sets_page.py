"""docs/datasets.md, made from the data sheets, so that it cannot lag behind them: `write_page(Path("docs/datasets.md"))`."""

from __future__ import annotations

from pathlib import Path

from datasets.sets.all_sets import SETS
from datasets.sets.named_set import NamedSet

_LABELS = {"open": "not confirmed"}
_HEAD = """# Data sets

Each set has a name in plans: `harvard/imgd1` is one of its scenes, `harvard:test` a split, `harvard:all` everything. `list datasets` says
which sets are there, `list scenes` which scenes; `--data DIR` is the data root with a folder for each set, `--data harvard=DIR` a set that
lies elsewhere. `fetch NAME` downloads those whose makers offer a stable address. Letters of file names may be large or small.

A value is stored / scale. The scale is the sensor's constant where one is known, never the maximum of an image; where none is known, a
figure is chosen and the sheet says so. PSNR depends on it: figures can be compared only where scale and scenes are the same. What could
not be confirmed at its source stands in the last row of each sheet. To read a file otherwise, describe it in a table `[[scene]]` of a plan.

This page is made from the data sheets in `datasets/sets/` by `datasets/sets/sets_page.py`.

| name | rows x columns x bands | scenes | size | splits |
|---|---|---|---|---|
"""


_BUILT_IN = """
## The built-in scenes

`builtin/still_life` (128 x 128 x 31), `builtin/fields` (96 x 128 x 101) and `builtin/textiles` (96 x 96 x 31) are painted by
`datasets/synthetic_layouts.py` and need no download. They are small, so that the built-in plan takes minutes; fine detail is for the
named sets.

Of `builtin/still_life` 34 % of the pixels lie before a dark ground, with a mean over the bands below 0.02 (of `fields` 4 %, of `textiles`
below 1 %). The spectral angle of such a pixel is large at any error of the size of its value, and SAM is a mean over all pixels alike.
GSA's 36.8 degrees under `camera-x8` (ratio 8, three channels) are that: 90.6 degrees over the dark pixels, where its error is 0.013
beside values of 0.010, and 9.4 degrees over the others. Under `wald-x8` and `noisy-x4` its SAM is 8.2 and 7.8 degrees. The scene stays as
it is: photographs before a black cloth, such as many of CAVE's, are like that. The page says it below the pictures of a scene of which 10
% or more are so dark, and draws the angle of each pixel.
"""


def page_text() -> str:
    """The whole page."""
    table = "".join(_row(item) for item in SETS.values())
    return _HEAD + table + _BUILT_IN + "".join(_section(item) for item in SETS.values())


def write_page(file: Path) -> None:
    """Write the page."""
    file.write_text(page_text(), encoding="utf-8")


def _row(item: NamedSet) -> str:
    sheet = item.sheet()
    splits = ", ".join(f"`{item.name}:{split}`" for split in (*item.splits, "all"))
    return f"| [`{item.name}`](#{item.name}) | {sheet['shape']} | {sheet['scenes']} | {sheet['size']} | {splits} |\n"


def _section(item: NamedSet) -> str:
    sheet = item.sheet()
    rows = "".join(f"| {_LABELS.get(key, key)} | {_cell(text)} |\n" for key, text in sheet.rows.items())
    return f"\n## {item.name}\n\n{sheet.title}.\n\n| | |\n|---|---|\n{rows}"


def _cell(text: str) -> str:
    """The text without what Markdown would take as its own."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")

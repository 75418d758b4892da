"""A figure as files (PDF, PNG, SVG), or as an <svg> element of the page."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from reports.style import GRID, INK, PAPER, figure_settings


def save_figure(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """The files `stem`.pdf (with TrueType fonts inside), .png (300 dots per inch, as journals want it) and .svg (text as outlines).

    The same figure always gives the same bytes.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = tuple(stem.with_name(f"{stem.name}.{suffix}") for suffix in ("pdf", "png", "svg"))
    with mpl.rc_context({**figure_settings(), "svg.fonttype": "path"}):
        _settle_layout(figure)
        figure.savefig(paths[0], metadata={"CreationDate": None})
        figure.savefig(paths[1], dpi=300)
        figure.savefig(paths[2], metadata={"Date": None})
    return paths


def inline_svg(figure: Figure, name: str) -> str:
    """The figure as an <svg> element for a page: text stays text, ink and grid take the colours of the page, nothing refers to the outside.

    `name` (letters, digits and hyphens) begins every id in the element, so that several figures can be on one page.
    """
    stream = BytesIO()
    with mpl.rc_context({**figure_settings(), "svg.fonttype": "none", "svg.hashsalt": name}):
        _settle_layout(figure)
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    svg = stream.getvalue().decode("utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)  # its rule for * would apply to the whole page
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r'\b(id="|href="#)|(url\(#)', lambda match: f"{match[0]}{name}-", svg)
    return svg.replace(INK, "currentColor").replace(GRID, "var(--line)").replace(PAPER, "var(--paper)")


def _settle_layout(figure: Figure) -> None:
    """Lay the figure out once and keep that layout: every format would repeat it, which takes most of the time of saving."""
    engine = figure.get_layout_engine()
    if engine is not None and not isinstance(engine, PlaceHolderLayoutEngine):
        engine.execute(figure)
        figure.set_layout_engine("none")

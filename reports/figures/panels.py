"""Parts that several figures share: a picture without axes, and a legend whose texts are no formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ZOOM_COLOUR = "#f2c100"  # visible on dark and on bright ground


def bare_picture(panel: Axes, picture: np.ndarray | None, zoom: tuple[int, int, int] | None = None) -> None:
    """Draw the picture without axes, and the box of the zoom (first row, first column, side) on it."""
    if picture is not None:
        panel.imshow(picture, interpolation="nearest")
    panel.grid(visible=False)
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)
    if zoom is not None:
        row, col, side = zoom
        panel.add_patch(Rectangle((col - 0.5, row - 0.5), side, side, fill=False, edgecolor=ZOOM_COLOUR, linewidth=1.0))


def literal_legend(figure: Figure, *arguments: Any, **options: Any) -> None:
    """The legend of the figure, with dollar signs in names left as they are."""
    for text in figure.legend(*arguments, **options).get_texts():
        text.set_parse_math(False)

"""A real pair as it was taken, and the estimates, with zoom boxes, for a paper; there is no truth, hence no error map."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reports.figures.panels import ZOOM_COLOUR, bare_picture
from reports.scene.pictures import displayed, fitting_gain
from reports.scene.scene_view import SceneView
from reports.style import SMALL, TINY, TWO_COLUMNS, figure_settings, shorten, shorten_inside


def pair_figure(view: SceneView) -> Figure | None:
    """The HSI, the MSI and each estimate in false colour, and the same zoom of each; None of a scene with a truth.

    HSI and estimates share recipe and gain; the MSI, another sensor's, has a gain of its own.
    """
    if view.msi is None or view.msi_channels is None:
        return None
    row, col, side = view.zoom
    pictures = [displayed(view.colour, view.recipe.gain), displayed(view.msi, fitting_gain(view.msi))]
    pictures += [displayed(each.colour, view.recipe.gain) for each in view.methods]
    titles = ["HSI", "MSI", *(shorten_inside(each.label, 20) for each in view.methods)]
    count, (height, width) = len(titles), view.colour.shape[1:]
    cell = (TWO_COLUMNS - 0.1) / max(count, 4)
    tall = cell * height / width
    with mpl.rc_context(figure_settings()):
        engine = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
        figure = Figure(figsize=(cell * count + 0.1, tall + cell + 0.5), layout=engine)
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, count, squeeze=False, gridspec_kw={"height_ratios": [tall, cell]})
        for place, (title, picture) in enumerate(zip(titles, pictures, strict=True)):
            bare_picture(panels[0, place], picture, (row, col, side))
            panels[0, place].set_title(title, fontsize=SMALL, parse_math=False)
            bare_picture(panels[1, place], picture[row : row + side, col : col + side])
            for spine in panels[1, place].spines.values():
                spine.set(visible=True, color=ZOOM_COLOUR, linewidth=1.2)
        words = f"{shorten(view.scene, 48)}, as taken: no truth. Box: where the estimates differ most. The MSI has a gain of its own."
        figure.supxlabel(f"{words}\nHSI, {view.recipe.channels.text}. MSI, {view.msi_channels.text}.", fontsize=TINY, parse_math=False)
    return figure

"""The figures of a training: its learning curve, and the sensor responses that it estimated beside the true ones.

They are drawn from two files of the training's folder:

curve.csv      step, seconds, processor_seconds, one column per loss (the mean since the row before), `validation <loss>` where that was
               measured
sensors.json   wavelengths_nm, channels, and under `true` and `estimated` a psf (taps), its phase, and an srf (channels x bands)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from reports.figures.channel_colours import channel_colours
from reports.figures.figure_files import save_figure
from reports.style import DASHES, HEAT_MAP, ONE_COLUMN, PALETTE, TWO_COLUMNS, figure_settings

VALIDATION = "validation "


def write_training_figures(folder: Path) -> tuple[Path, ...]:
    """The files `figures/curve.*` where steps have been made, and `figures/sensors.*` where there is a sensors.json.

    Raises:
        ValueError: the folder holds no curve.
    """
    curve, sensors = folder / "curve.csv", folder / "sensors.json"
    if not curve.is_file():
        raise ValueError(f"expected a training's folder with curve.csv, got {folder}, which has none; give the --out of `train`")
    begun = bool(curve.read_text(encoding="utf-8").strip())  # it is empty until the first steps are made
    paths = save_figure(training_curve_figure(pd.read_csv(curve)), folder / "figures" / "curve") if begun else ()
    if sensors.is_file():
        paths += save_figure(training_sensors_figure(json.loads(sensors.read_text(encoding="utf-8"))), folder / "figures" / "sensors")
    return paths


def training_curve_figure(curve: pd.DataFrame) -> Figure:
    """Every loss over the steps on one logarithmic axis; losses on the validation pairs are dashed, with a dot at each measurement."""
    losses = [name for name in curve.columns if name not in ("step", "seconds", "processor_seconds") and not name.startswith(VALIDATION)]
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(TWO_COLUMNS, 0.75 * ONE_COLUMN), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        for place, name in enumerate(losses):
            colour = PALETTE[place % len(PALETTE)]
            rows = curve[["step", name]].dropna()
            panel.plot(rows["step"], rows[name], color=colour, linewidth=0.7, label=name.replace("_", " "))
            if VALIDATION + name in curve:
                measured = curve[["step", VALIDATION + name]].dropna()
                label = f"{name.replace('_', ' ')}, validation"
                panel.plot(
                    measured["step"], measured[VALIDATION + name], color=colour, linestyle="--", marker="o", markersize=2.5, label=label
                )
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
        panel.set_xlabel("step")
        panel.set_ylabel("loss")
        figure.legend(loc="outside right upper")
    return figure


def training_sensors_figure(sensors: Mapping[str, Any]) -> Figure:
    """The taps of the true and the estimated PSF on one scale, and the curves of the SRFs over the wavelength."""
    true, estimated = sensors["true"], sensors["estimated"]
    kernels = {name: np.asarray(each["psf"]) for name, each in (("true", true), ("estimated", estimated)) if each["psf"] is not None}
    most = max(float(kernel.max()) for kernel in kernels.values())
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(TWO_COLUMNS, 0.62 * ONE_COLUMN), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(kernels) + 1, width_ratios=[*([1.0] * len(kernels)), 2.2])
        for panel, (name, kernel) in zip(panels, kernels.items(), strict=False):
            panel.imshow(kernel, cmap=HEAT_MAP, vmin=0, vmax=most)
            panel.set_title(f"PSF, {name}")
            panel.grid(visible=False)
            panel.set_xlabel("fine pixels")
        names = sensors["channels"] or [f"channel {place + 1}" for place in range(len(true["srf"]))]
        for place, (name, colour) in enumerate(
            zip(names, channel_colours(np.asarray(true["srf"]), sensors["wavelengths_nm"]), strict=True)
        ):
            panels[-1].plot(sensors["wavelengths_nm"], true["srf"][place], color=colour, label=f"{name}, true")
            if estimated["srf"] is not None:
                at = sensors["wavelengths_nm"]
                panels[-1].plot(at, estimated["srf"][place], color="black", linestyle=DASHES[1], linewidth=0.8)
        if estimated["srf"] is not None:
            panels[-1].plot([], [], color="black", linestyle=DASHES[1], linewidth=0.8, label="estimated")
        panels[-1].set_xlabel("wavelength, nm")
        panels[-1].set_title("SRF")
        panels[-1].legend()
    return figure

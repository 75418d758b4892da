"""The figures of a training, from its files alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.figures.training_figures import training_curve_figure, training_sensors_figure, write_training_figures

CURVE = pd.DataFrame(
    {
        "step": [25, 50, 75, 100],
        "seconds": [1.0, 2.0, 3.0, 4.0],
        "degradation": [0.5, 0.2, 0.1, 0.05],
        "self_supervised": [np.nan, 0.4, 0.3, 0.2],
        "validation self_supervised": [np.nan, 0.45, np.nan, 0.25],
    }
)


def _sensors(estimated: bool) -> dict[str, object]:
    kernel = np.outer([0.2, 0.5, 0.3], [0.1, 0.6, 0.3])
    true = {"psf": kernel.tolist(), "phase": 1, "srf": [[0.7, 0.2, 0.1, 0.0], [0.0, 0.1, 0.3, 0.6]]}
    found = true if estimated else {"psf": None, "phase": None, "srf": None}
    return {"wavelengths_nm": [400.0, 500.0, 600.0, 700.0], "channels": ["b", "r"], "true": true, "estimated": found}


def test_each_loss_is_a_line_and_its_validation_another_where_it_was_measured() -> None:
    (panel,) = training_curve_figure(CURVE).axes
    lines = {str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in panel.get_lines()}
    assert lines == {
        "degradation": ([25, 50, 75, 100], [0.5, 0.2, 0.1, 0.05]),
        "self supervised": ([50, 75, 100], [0.4, 0.3, 0.2]),
        "self supervised, validation": ([50, 100], [0.45, 0.25]),
    }
    assert panel.get_yscale() == "log"


def test_true_and_estimated_kernels_share_one_scale() -> None:
    panels = training_sensors_figure(_sensors(estimated=True)).axes
    first, second = (panel.get_images()[0] for panel in panels[:2])
    assert first.get_clim() == second.get_clim() == (0, pytest.approx(0.3))
    drawn = [list(line.get_ydata()) for line in panels[2].get_lines() if len(line.get_xdata())]
    assert [0.7, 0.2, 0.1, 0.0] in drawn
    assert len(drawn) == 4


def test_a_method_that_estimates_nothing_has_the_true_sensors_alone() -> None:
    panels = training_sensors_figure(_sensors(estimated=False)).axes
    assert len(panels) == 2
    assert len(panels[1].get_lines()) == 2


def test_the_files_are_drawn_beside_the_curve(tmp_path: Path) -> None:
    CURVE.to_csv(tmp_path / "curve.csv", index=False)
    assert {path.name for path in write_training_figures(tmp_path)} == {"curve.pdf", "curve.png", "curve.svg"}
    (tmp_path / "sensors.json").write_text(json.dumps(_sensors(estimated=True)))
    assert len(write_training_figures(tmp_path)) == 6

"""The curves of an SRF have the colours of the light that their channels see."""

from __future__ import annotations

import numpy as np
import pytest

from reports.figures.channel_colours import channel_colours
from reports.figures.srf_chart import srf_chart
from reports.scene.sensor_responses import SensorResponses
from reports.style import PALETTE

NM = [450.0, 550.0, 650.0, 900.0]


def strongest(colour: str) -> str:
    """Which of red, green and blue is the strongest part of it."""
    return "rgb"[int(np.argmax([int(colour[k : k + 2], 16) for k in (1, 3, 5)]))]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_blue_channel_is_blue_wherever_it_stands(order: tuple[int, ...]) -> None:
    weights = np.eye(4)[list(order)]
    assert [strongest(each) for each in channel_colours(weights, NM)] == ["bgr"[place] for place in order]
    assert channel_colours(weights, None) == list(PALETTE[:3])


def test_the_estimated_curves_of_the_page_are_labelled_and_in_the_colour_of_their_channel() -> None:
    true = SensorResponses(None, 0, np.eye(4)[[2, 0]], ("red", "blue"))
    drawn = srf_chart("HySure", np.eye(4)[[2, 0]] * 0.9, true, np.array(NM))
    red, blue = channel_colours(np.eye(4)[[2, 0]], NM)
    assert drawn.index(f"--c:{red}") < drawn.index(f"--c:{blue}")
    assert f'style="fill:{red}"' in drawn
    assert ">red</text>" in drawn
    assert ">blue</text>" in drawn

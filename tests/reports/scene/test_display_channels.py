"""Which channels of an image become red, green and blue: nearest the wavelengths of the eye, and never the first three by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.observation_file import write_observation
from datasets.observation import Known, Observation
from datasets.sensors import find_sensor
from reports.scene.display_channels import display_channels, mean_wavelengths, msi_channels
from reports.scene.pair_inputs import read_pair_inputs

WORLDVIEW2 = [427.0, 478.0, 546.0, 608.0, 659.0, 724.0]  # coastal, blue, green, yellow, red, red edge


def test_worldview_2_is_not_drawn_with_coastal_blue_and_green() -> None:
    chosen = display_channels(6, WORLDVIEW2)
    assert chosen.places == (4, 2, 1)
    assert chosen.text == "red, green, blue: channels 5, 3, 2 at 659, 546, 478 nm"
    assert display_channels(6, WORLDVIEW2[::-1]).places == (1, 3, 4)


def test_the_built_in_curves_of_worldview_2_lead_to_red_green_and_blue() -> None:
    torch = pytest.importorskip("torch")
    nm = np.linspace(400, 1050, 131)
    srf = find_sensor("worldview2", None).respond(torch.from_numpy(nm), "covered")
    chosen = msi_channels(len(srf.names), srf.weights.numpy(), nm)
    assert [srf.names[at] for at in chosen.places] == ["red", "green", "blue"]
    assert chosen.as_seen


def test_the_centre_of_a_channel_is_the_mean_under_its_curve_without_what_is_below_zero() -> None:
    weights = np.array([[0.0, 3.0, 1.0], [-1.0, 0.0, 2.0]])
    assert mean_wavelengths(weights, np.array([400.0, 500.0, 700.0])).tolist() == pytest.approx([550.0, 700.0])


@pytest.mark.parametrize(
    ("centres", "places", "words"),
    [
        ([835.0, 545.0, 650.0], (0, 2, 1), "false colour: channels 1, 3, 2 at 835, 650, 545 nm"),  # green, red and near infrared: no blue
        (list(np.linspace(900, 1700, 12)), (10, 6, 2), "false colour: channels 11, 7, 3 at 1627, 1336, 1045 nm"),
        ([860.0, 550.0], (1, 1, 1), "grey: channel 2 at 550 nm"),
        ([1600.0], (0, 0, 0), "grey: channel 1 at 1600 nm"),
        ([660.0, 555.0, 550.0, 470.0], (0, 2, 3), "red, green, blue: channels 1, 3, 4 at 660, 550, 470 nm"),
    ],
)
def test_ranges_without_a_visible_colour_are_false_colour_or_grey(centres: list[float], places: tuple[int, int, int], words: str) -> None:
    chosen = display_channels(len(centres), centres)
    assert (chosen.places, chosen.text) == (places, words)


def test_without_wavelengths_nothing_is_called_red() -> None:
    assert display_channels(9, None, "band").text == "false colour: bands 8, 5, 2, centres not known"
    assert msi_channels(4, None, np.array([500.0, 600.0])).text == "false colour: channels 1, 2, 3, centres not known"
    assert msi_channels(2, None, None).text == "grey: channel 1"
    weights = np.eye(3)[[1, 2, 0]]  # its bands have no wavelengths: the middle, the last and the first
    assert msi_channels(3, weights, None).places == (1, 0, 2)
    assert msi_channels(2, weights, None).places == (0, 0, 0)  # the SRF of another image


def test_the_chosen_channels_are_taken_in_that_order() -> None:
    cube = np.arange(6, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    assert display_channels(6, WORLDVIEW2).of(cube)[:, 1, 2].tolist() == [4, 2, 1]


def test_a_pair_whose_hsi_has_no_wavelengths_is_drawn(tmp_path: Path) -> None:
    """It is stored with the numbers 0, 1, 2, ..., which the reader of cubes refuses as wavelengths: the page showed no such pair."""
    torch = pytest.importorskip("torch")
    seen = Observation(
        hsi=torch.rand(5, 4, 6),
        msi=torch.rand(3, 32, 48),
        wavelengths=torch.arange(5, dtype=torch.float32),
        ratio=8,
        phase=(3.5, 3.0),
        known=Known(None, None, None),
    )
    pair = read_pair_inputs(write_observation(tmp_path / "seen.h5", seen))
    assert not isinstance(pair, str)
    assert pair.hsi.wavelengths_nm is None
    assert np.array_equal(pair.hsi.cube, seen.hsi.numpy())
    assert pair.centre == (3.5, 3.0)

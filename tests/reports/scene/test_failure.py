"""Errors by wavelength, border and brightness, against loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest

from reports.scene.failure import (
    BORDERS,
    BRIGHTNESS,
    SATURATED,
    Failure,
    border_labels,
    brightness_labels,
    darkness_note,
    measure_failure,
    pixel_classes,
)

RNG = np.random.default_rng(11)
TRUTH = (RNG.random((5, 16, 24)) ** 3).astype(np.float32)
TRUTH[2, 3, 4] = 0.995
TRUTH[:, 9, 20] = 0.001
OTHER = TRUTH + RNG.normal(0, 0.05, TRUTH.shape).astype(np.float32)


def failure_of(estimate: np.ndarray, truth: np.ndarray) -> Failure:
    square = (estimate.astype(np.float64) - truth) ** 2
    return measure_failure(square.sum(axis=(1, 2)), square.sum(axis=0), pixel_classes(truth))


def by_loops(estimate: np.ndarray, truth: np.ndarray) -> tuple[list[float], dict[int, list[float]], dict[int, list[float]]]:
    """Mean squares of bands; squares by distance ring and by brightness class."""
    bands, rows, cols = truth.shape
    border: dict[int, list[float]] = {}
    bright: dict[int, list[float]] = {}
    for row in range(rows):
        for col in range(cols):
            distance = min(row, col, rows - 1 - row, cols - 1 - col)
            ring = max(place for place, low in enumerate(BORDERS) if low <= distance)
            mean = float(np.mean(truth[:, row, col], dtype=np.float64))
            tone = max(place for place, low in enumerate(BRIGHTNESS) if low <= mean)
            tone = len(BRIGHTNESS) if max(truth[:, row, col]) >= SATURATED else tone
            for band in range(bands):
                square = (float(estimate[band, row, col]) - float(truth[band, row, col])) ** 2
                border.setdefault(ring, []).append(square)
                bright.setdefault(tone, []).append(square)
    return [float(np.mean((estimate[b].astype(float) - truth[b]) ** 2)) for b in range(bands)], border, bright


def test_each_error_is_the_root_mean_square_over_its_class() -> None:
    found = failure_of(OTHER, TRUTH)
    bands, border, bright = by_loops(OTHER, TRUTH)
    assert found.wavelength.rmse == pytest.approx([mse**0.5 for mse in bands])
    for place, value in enumerate(found.border.rmse):
        assert value == (pytest.approx(np.mean(border[place]) ** 0.5) if place in border else None)
    for place, value in enumerate(found.brightness.rmse):
        assert value == (pytest.approx(np.mean(bright[place]) ** 0.5) if place in bright else None)
    assert found.brightness.values.sum() == TRUTH.size


def test_a_saturated_pixel_counts_as_such_whatever_its_mean_and_a_negative_mean_is_dark() -> None:
    cube = np.full((4, 3, 5), -0.01, np.float32)
    cube[1, 2, 3] = 0.99
    classes = pixel_classes(cube).brightness
    assert classes[2, 3] == len(BRIGHTNESS)
    assert set(np.delete(classes.ravel(), 2 * 5 + 3)) == {0}
    assert pixel_classes(cube).shares.tolist() == pytest.approx([14 / 15, *[0.0] * (len(BRIGHTNESS) - 1), 1 / 15])


def test_scenes_add_up_value_by_value_and_lose_their_bands_where_these_differ() -> None:
    small, small_other = TRUTH[:, :9, :11], OTHER[:, :9, :11]
    both = failure_of(OTHER, TRUTH) + failure_of(small_other, small)
    one, two = by_loops(OTHER, TRUTH), by_loops(small_other, small)
    assert both.border.rmse[1] == pytest.approx(np.mean(one[1][1] + two[1][1]) ** 0.5)
    assert both.wavelength.rmse[3] == pytest.approx(((one[0][3] * 16 * 24 + two[0][3] * 99) / (16 * 24 + 99)) ** 0.5)
    mixed = failure_of(OTHER, TRUTH) + failure_of(OTHER[:3], TRUTH[:3])
    assert mixed.wavelength.rmse == []
    assert mixed.border.values.sum() == TRUTH.size + TRUTH[:3].size


def test_every_class_has_a_name() -> None:
    assert len(border_labels()) == len(BORDERS)
    assert brightness_labels() == ["0", "0.5", "1", "2", "5", "10", "20", "40", "sat."]


@pytest.mark.parametrize(("blackened", "said"), [(6, "38 %"), (1, "")])
def test_a_scene_of_which_much_is_nearly_black_says_so(blackened: int, said: str) -> None:
    truth = np.full((5, 16, 24), 0.5, dtype=np.float32)
    truth[:, :blackened] = 0.019
    note = darkness_note([float(share) for share in pixel_classes(truth).shares])
    assert note.startswith(said)
    assert bool(note) == bool(said)
    assert not note or "angle (SAM)" in note

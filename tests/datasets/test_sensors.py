"""Sensors: integration against numerical quadrature, coverage, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import ResponseError
from datasets.sensors import BUILT_IN, Sensor, band_edges, find_sensor, read_sensor, sensor_names
from datasets.settings import SettingError


def triangle() -> Sensor:
    """Two channels with corners off every band grid."""
    return Sensor("t", ("a", "b"), np.array([403.0, 450, 512]), np.array([[0.0, 1, 0], [0, 0, 2]]), "f")


def test_weights_are_the_integrals_over_the_bands() -> None:
    centres = np.array([400.0, 410, 425, 450, 470, 500, 520])
    weights = triangle().respond(torch.from_numpy(centres)).weights.numpy()
    fine = np.linspace(390, 530, 1_400_001)
    edges = band_edges(centres)
    for c in range(2):
        curve = np.interp(fine, triangle().wavelengths, triangle().curves[c], left=0, right=0)
        sums = np.array([curve[(fine >= low) & (fine < high)].sum() for low, high in pairwise(edges)])
        np.testing.assert_allclose(weights[c], sums / sums.sum(), atol=2e-5)


def test_edges_lie_halfway_and_mirror_at_the_ends() -> None:
    np.testing.assert_allclose(band_edges(np.array([400.0, 410, 430])), [395, 405, 420, 440])


def test_a_table_on_the_scenes_own_grid_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("# source: me\nwavelength_nm,r,g\n400,1,0.5\n410,3,0.25\n420,0,0.25\n")
    sensor = read_sensor(tmp_path / "s.csv")
    weights = sensor.respond(torch.tensor([400.0, 410, 420])).weights.numpy()
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0], [0.5, 0.25, 0.25]])
    assert sensor.source == "me"


def test_a_channel_half_outside_is_refused_unless_the_others_are_named() -> None:
    bands = torch.arange(400, 701, 10.0)
    sensor = find_sensor("worldview2", None)
    with pytest.raises(ResponseError, match=r"name the others: channels = \['coastal', 'blue', 'green', 'yellow', 'red'\]"):
        sensor.respond(bands)
    assert sensor.respond(bands, "covered").names == ("coastal", "blue", "green", "yellow", "red")
    assert sensor.respond(bands, ("red", "blue")).names == ("red", "blue")
    with pytest.raises(ResponseError, match="nir1 0%"):
        sensor.respond(bands, ("red", "nir1"))
    with pytest.raises(ResponseError, match="expected channels among"):
        sensor.respond(bands, ("rad",))


@pytest.mark.parametrize(
    ("centres", "text"),
    [
        (list(range(730, 389, -10)), r'got falling ones, 730\.\.390 nm; turn the bands round with bands="35-1"'),
        ([400.0, 500, 450, 600, 700], r"got 4 rising of 5, 400\.\.700 nm; sort the bands, or give overlap=drop"),
        ([400.0, 500, 500, 600], r"got 3 rising of 4"),
        ([400.0, float("nan"), 500], r"expected band centres that rise"),
    ],
)
def test_band_centres_that_do_not_rise_are_called_so(centres: list[float], text: str) -> None:
    sensor = find_sensor("rgb_camera", None)
    with pytest.raises(ResponseError, match=text):
        sensor.respond(torch.tensor(centres, dtype=torch.float64))
    with pytest.raises(ResponseError, match=text):
        sensor.integrate(torch.tensor(centres, dtype=torch.float64), ("r", "g"))


def test_a_scene_that_no_channel_covers_is_refused() -> None:
    with pytest.raises(ResponseError, match="choose another sensor"):
        find_sensor("landsat8", None).respond(torch.arange(1000, 1200, 10.0), "covered")


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_channels_lie_where_they_are_published(name: str) -> None:
    sensor = find_sensor(name, None)
    response = sensor.respond(torch.arange(380, 2500, 5.0), "all")
    assert torch.allclose(response.weights.sum(1), torch.ones(len(response.names), dtype=torch.float64))
    for row, channel in zip(response.weights, response.names, strict=True):
        centre, width = BUILT_IN[name].bands[channel]
        assert float((row * torch.arange(380, 2500, 5.0)).sum()) == pytest.approx(centre, abs=max(3, 0.1 * width))


def test_unknown_sensors_and_missing_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="did you mean 'sentinel2'"):
        find_sensor("sentinel", None)
    with pytest.raises(SettingError, match="fetch nikon_d700"):
        find_sensor("nikon_d700_mossfuse_31", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "nm,r\n400,1\n",
        "wavelength_nm,r\n400,1\n390,1\n395,1\n",
        "wavelength_nm,r\n400,x\n",
        "wavelength_nm,r\n400,nan\n",
        "wavelength_nm\n400\n",
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ResponseError, match="expected"):
        read_sensor(tmp_path / "s.csv")


GOOD_TABLE = "wavelength_nm,r,g\n400,1,0.5\n410,3,0.25\n420,0.125,0.25\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD_TABLE.encode(),
        GOOD_TABLE.replace("wavelength_nm,r,g", '"wavelength_nm","r","g"').encode(),
        GOOD_TABLE.replace(",", ";").encode(),
        GOOD_TABLE.replace(",", ";").replace(".", ",").encode(),
        GOOD_TABLE.replace(",", "\t").encode(),
        GOOD_TABLE.replace("\n", "\r\n").encode(),
        b"wavelength_um,r,g\n0.4,1,0.5\n0.41,3,0.25\n0.42,0.125,0.25\n",
        b"Wavelength_nm, r, g\n420,0.125,0.25\n410,3,0.25\n400,1,0.5\n",
    ],
    ids=["byte-order mark", "quotes", "semicolons", "decimal commas", "tabs", "carriage returns", "micrometres", "falling"],
)
def test_a_table_as_spreadsheets_write_it_gives_the_same_curves(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.csv").write_bytes(content)
    sensor = read_sensor(tmp_path / "s.csv")
    assert sensor.channels == ("r", "g")
    np.testing.assert_allclose(sensor.wavelengths, [400, 410, 420])
    np.testing.assert_array_equal(sensor.curves, [[1, 3, 0.125], [0.5, 0.25, 0.25]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wavelength_nm,r,g,g,b\n400,1,1,1,1\n", "a name of its own for each channel, got g more than once"),
        ("wavelength_nm,r, r\n400,1,1\n", "got r more than once"),
        ("wavelength_nm,r\n0.4,1\n0.5,1\n", "under wavelength_nm, got 0.4 to 0.5; name the column wavelength_nm or wavelength_um"),
        ("wavelength_um,r\n400,1\n500,1\n", "under wavelength_um, got 400 to 500"),
        ("wavelength_nm,r,,\n400,1,,\n", "expected"),
    ],
)
def test_two_channels_of_one_name_and_another_unit_are_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ResponseError, match=message):
        read_sensor(tmp_path / "s.csv")


def test_a_channel_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ResponseError, match="each channel once, got r, g, g"):
        find_sensor("rgb_camera", None).respond(torch.arange(400, 701, 10.0), ("r", "g", "g"))


def test_companions_of_tables_are_no_sensors(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(GOOD_TABLE)
    for name in ("._mine.csv", ".#mine.csv", ".hidden.csv"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    assert {name for name in sensor_names(tmp_path) if name not in BUILT_IN} == {"mine"}
    with pytest.raises(SettingError, match="unknown"):
        find_sensor("._mine", tmp_path)


def test_the_mossfuse_matrix_is_read_in_red_green_blue_order(data_root: Path) -> None:
    sensor = find_sensor("nikon_d700_mossfuse_31", data_root / "srf")
    response = sensor.respond(torch.arange(400, 701, 10.0))
    peaks = [400 + 10 * int(i) for i in response.weights.argmax(1)]
    assert response.names == ("r", "g", "b")
    assert peaks == sorted(peaks, reverse=True)
    assert "nikon_d700_mossfuse_31" in sensor_names(data_root / "srf")


@pytest.mark.parametrize(
    ("built_in", "measured", "centre_nm", "width_nm"),
    [("sentinel2", "sentinel2a", 0.1, 3.0), ("landsat8", "landsat8_oli_nonregsrnet", 0.7, 2.0), ("worldview2", "worldview2", 5.0, 10.0)],
)
def test_built_in_channels_are_those_of_measured_curves(
    data_root: Path, built_in: str, measured: str, centre_nm: float, width_nm: float
) -> None:
    file = data_root / "srf" / f"{measured}.csv"
    if not file.is_file():
        pytest.skip(f"needs srf/{measured}.csv in the data root")
    sensor = read_sensor(file)
    curves = dict(zip((name.split("_")[-1] for name in sensor.channels), np.maximum(sensor.curves, 0), strict=True))
    compared = 0
    for name, (centre, width) in BUILT_IN[built_in].bands.items():
        if name not in curves or (built_in, name) == (
            "worldview2",
            "nir2",
        ):  # its nominal edges end 90 nm beyond where the curve has fallen to half
            continue
        curve = curves[name]
        above_half = sensor.wavelengths[curve >= curve.max() / 2]
        assert (sensor.wavelengths * curve).sum() / curve.sum() == pytest.approx(centre, abs=centre_nm), name
        assert above_half[-1] - above_half[0] == pytest.approx(width, abs=width_nm), name
        compared += 1
    assert compared >= 6

"""What a file states of its values is applied or refused, never ignored: the oracle is the arithmetic of each format's own convention."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from numpy.typing import NDArray

from datasets.files import read_image_file, read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError

BANDS, ROWS, COLS = 5, 6, 7
WAVES = np.array([410.0, 470.5, 533.0, 610.0, 705.0])
TRUTH: NDArray[np.float64] = 0.05 + 0.9 * np.random.default_rng(3).random((BANDS, ROWS, COLS))
SCALES = np.array([5000.0, 9000.0, 20000.0, 41000.0, 60000.0])
OFFSETS = np.array([0.0, 0.01, -0.02, 0.03, 0.04])
PER_BAND = (slice(None), None, None)


def holds_the_truth(cube: Any, atol: float = 2e-4) -> bool:
    return np.shape(cube) == TRUTH.shape and bool(np.allclose(np.asarray(cube), TRUTH, atol=atol))


# --- HDF5 and netCDF


def write_hdf5(path: Path, samples: NDArray[Any], attributes: Mapping[str, Any], name: str = "cube") -> Path:
    with h5py.File(path, "w") as store:
        data = store.create_dataset(name, data=samples)
        data.attrs.update(attributes)
        store["wavelength"] = WAVES
    return path


def test_one_scale_and_one_offset_per_band_of_hdf5_are_applied(tmp_path: Path) -> None:
    stored = np.rint((TRUTH - OFFSETS[PER_BAND]) * SCALES[PER_BAND]).astype(np.int32)
    path = write_hdf5(tmp_path / "a.h5", stored, {"scale": SCALES, "offset": OFFSETS})
    assert holds_the_truth(read_scene_file(path).cube)
    kept = read_image_file(path, ReadingOptions(bands=(4, 2)))
    assert np.allclose(kept.cube, TRUTH[[3, 1]], atol=2e-4)


@pytest.mark.parametrize("dtype", ["i4", "f4", "i8", "u2"])
def test_scale_factor_and_add_offset_of_netcdf_are_applied(tmp_path: Path, dtype: str) -> None:
    packed = (TRUTH - 0.05) / 2e-5
    stored = (packed if dtype == "f4" else np.rint(packed)).transpose(1, 2, 0).astype(dtype)
    path = write_hdf5(tmp_path / "a.nc", stored, {"scale_factor": 2e-5, "add_offset": 0.05}, "reflectance")
    assert holds_the_truth(read_scene_file(path).cube, 2e-5)


def test_factors_of_netcdf_may_be_one_per_band(tmp_path: Path) -> None:
    stored = np.rint((TRUTH - OFFSETS[PER_BAND]) * SCALES[PER_BAND]).astype(np.uint16)
    path = write_hdf5(tmp_path / "a.nc", stored, {"scale_factor": 1 / SCALES, "add_offset": OFFSETS})
    assert holds_the_truth(read_scene_file(path).cube)


def test_an_offset_that_cancels_most_of_the_number_keeps_its_digits(tmp_path: Path) -> None:
    stored = np.rint((TRUTH + 400) * 1e6).astype(np.int64)
    path = write_hdf5(tmp_path / "a.nc", stored, {"scale_factor": 1e-6, "add_offset": -400.0})
    assert holds_the_truth(read_scene_file(path).cube, 2e-6)


@pytest.mark.parametrize(
    ("attributes", "hole"),
    [
        ({"_FillValue": np.float32(-9999)}, -9999),
        ({"missing_value": np.float32(-9999)}, -9999),
        ({"missing_value": np.array([-1.0, -9999.0])}, -9999),
        ({"Data_Ignore_Value": -9999.0}, -9999),
        ({"_FillValue": np.float32(9.96921e36)}, 9.96921e36),
        ({"_FillValue": -3.40282e38}, np.finfo(np.float32).min),
        ({"valid_range": np.array([0.0, 1.5])}, 3.0),
        ({"valid_min": 0.0}, -0.5),
        ({"valid_max": 1.5}, 3.0),
    ],
)
def test_missing_pixels_of_hdf5_are_counted_and_refused(tmp_path: Path, attributes: Mapping[str, Any], hole: float) -> None:
    samples = TRUTH.astype(np.float32)
    samples[1, 2, 3:6] = hole
    path = write_hdf5(tmp_path / "a.nc", samples, attributes)
    with pytest.raises(SceneError, match="0 NaN or Inf and 3 no-data values"):
        read_scene_file(path)
    assert np.allclose(read_scene_file(path, ReadingOptions(bad_bands=(2,))).cube, TRUTH[[0, 2, 3, 4]], atol=1e-6)


def test_neons_scale_divides(tmp_path: Path) -> None:
    stored = np.rint(TRUTH * 10000).astype(np.int16).transpose(1, 2, 0)
    with h5py.File(tmp_path / "a.h5", "w") as store:
        data = store.create_dataset("SITE/Reflectance/Reflectance_Data", data=stored)
        data.attrs["Scale_Factor"], data.attrs["Data_Ignore_Value"] = 10000.0, -9999.0
        store["SITE/Reflectance/Metadata/Spectral_Data/Wavelength"] = WAVES
    assert holds_the_truth(read_scene_file(tmp_path / "a.h5").cube)


@pytest.mark.parametrize(
    "attributes",
    [{"scale": 10000.0, "scale_factor": 0.5}, {"ScaleFactor": 10000.0}, {"gain": 0.1}, {"offset": 0.5, "add_offset": 0.2}],
)
def test_a_scale_that_can_be_understood_in_two_ways_is_refused_and_an_argument_helps(tmp_path: Path, attributes: Mapping[str, Any]) -> None:
    path = write_hdf5(tmp_path / "a.h5", np.rint(TRUTH * 10000).astype(np.uint16), attributes)
    with pytest.raises(SceneError, match=r"a scale that is clear.*--hsi-scale"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=10000.0)).cube)


def test_scales_of_another_number_than_bands_are_refused(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", TRUTH, {"scale": SCALES[:4]})
    with pytest.raises(SceneError, match=r"one per band \(5\), got 4"):
        read_scene_file(path)


def test_a_stated_scale_is_never_divided_again(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", np.rint(TRUTH * 10000).astype(np.uint16), {"scale": 10000.0})
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=10000.0)).cube)
    with pytest.raises(SceneError, match=r"stored / 10000, got scale=255; leave it out"):
        read_scene_file(path, ReadingOptions(scale=255.0))
    one = write_hdf5(tmp_path / "b.h5", np.rint(TRUTH * 10000).astype(np.uint16), {"scale": 1.0})
    with pytest.raises(SceneError, match="expected a scale for uint16"):
        read_scene_file(one)
    assert holds_the_truth(read_scene_file(one, ReadingOptions(scale=10000.0)).cube)


def test_good_wavelengths_of_hdf5_leave_out_the_others(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as store:
        store["reflectance"] = TRUTH.transpose(1, 2, 0)
        store["sensor_band_parameters/wavelengths"] = WAVES
        store["sensor_band_parameters/good_wavelengths"] = np.array([1, 0, 1, 1, 0], np.uint8)
    scene = read_scene_file(tmp_path / "a.nc")
    assert np.allclose(scene.cube, TRUTH[[0, 2, 3]], atol=1e-6)
    assert scene.wavelengths.tolist() == WAVES[[0, 2, 3]].tolist()
    assert any("2 of 5 bands (2, 5) left out" in remark for remark in scene.remarks)


def test_packed_wavelengths_of_netcdf_are_unpacked(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as store:
        store["reflectance"], store["wavelength"] = TRUTH, np.rint((WAVES - 300) / 0.5).astype(np.int16)
        store["wavelength"].attrs["scale_factor"], store["wavelength"].attrs["add_offset"] = 0.5, 300.0
    assert read_scene_file(tmp_path / "a.nc").wavelengths.tolist() == pytest.approx(WAVES.tolist())


@pytest.mark.parametrize(("start", "text"), [(b"CDF\x01", "netCDF classic"), (b"\x0e\x03\x13\x01", "HDF4")])
def test_other_formats_with_the_ending_of_hdf5_are_called_by_their_name(tmp_path: Path, start: bytes, text: str) -> None:
    (tmp_path / "a.nc").write_bytes(start + bytes(100))
    with pytest.raises(SceneError, match=f"{text}.*convert it"):
        read_scene_file(tmp_path / "a.nc")


# --- ENVI

CODES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "u2": 12}


def write_envi(folder: Path, samples: NDArray[Any], *entries: str, encoding: str = "utf-8", order: str = "<") -> Path:
    """An image (bands, rows, cols) in bsq, with these further lines in its header."""
    bands, rows, cols = samples.shape
    waves = ", ".join(f"{wave:g}" for wave in np.linspace(410, 705, bands))
    lines = [
        *("ENVI", f"samples = {cols}", f"lines = {rows}", f"bands = {bands}", "header offset = 0", "file type = ENVI Standard"),
        *(f"data type = {CODES[samples.dtype.str[1:]]}", "interleave = bsq", f"byte order = {int(order == '>')}"),
        f"wavelength = {{{waves}}}",
        *entries,
    ]
    (folder / "a.hdr").write_bytes(("\n".join(lines) + "\n").encode(encoding))
    samples.astype(samples.dtype.newbyteorder(order)).tofile(folder / "a.img")
    return folder / "a.hdr"


def listed(values: Any) -> str:
    return "{" + ", ".join(f"{value:.10g}" for value in values) + "}"


@pytest.mark.parametrize("dtype", ["f4", "f8", "u2", "i4"])
@pytest.mark.parametrize("kind", ["data", "data reflectance"])
def test_gains_and_offsets_of_envi_are_applied_band_by_band(tmp_path: Path, dtype: str, kind: str) -> None:
    counts = (TRUTH - OFFSETS[PER_BAND]) * SCALES[PER_BAND]
    samples = (np.rint(counts) if dtype[0] in "iu" else counts).astype(dtype)
    entries = (f"{kind} gain values = {listed(1 / SCALES)}", f"{kind} offset values = {listed(OFFSETS)}")
    assert holds_the_truth(read_scene_file(write_envi(tmp_path, samples, *entries, order=">")).cube)
    with pytest.raises(SceneError, match="never divided again"):
        read_scene_file(tmp_path / "a.hdr", ReadingOptions(scale=10000.0))


def test_bad_bands_of_envi_are_dropped_with_a_remark_unless_they_are_named(tmp_path: Path) -> None:
    spoilt = TRUTH.copy()
    spoilt[[1, 2, 4]] = 300.0
    scene = read_scene_file(write_envi(tmp_path, spoilt.astype("f4"), "bbl = {1, 0, 0, 1, 0}"))
    assert np.allclose(scene.cube, TRUTH[[0, 3]], atol=1e-6)
    assert "3 of 5 bands (2-3, 5) left out that the header's bbl marks as bad" in scene.source
    named = read_scene_file(tmp_path / "a.hdr", ReadingOptions(bands=(1, 2), scale=1.0))
    assert float(named.cube[1].max()) == 300.0
    assert "bands 2 kept, as bands= names them" in named.source


@pytest.mark.parametrize("bbl", ["{1, 0, 1}", "{1, 0, 1, 1, 2}", "{0, 0, 0, 0, 0}", "{1, 0, 1, x, 1}", "1"])
def test_a_bad_band_list_that_is_not_clear_is_refused(tmp_path: Path, bbl: str) -> None:
    with pytest.raises(SceneError, match=r"bbl|at least one band"):
        read_scene_file(write_envi(tmp_path, TRUTH.astype("f4"), f"bbl = {bbl}"))


def test_bands_of_envi_that_are_called_a_mask_are_left_out(tmp_path: Path) -> None:
    samples = np.concatenate([TRUTH, np.full((1, ROWS, COLS), 255.0)]).astype("f4")
    scene = read_scene_file(write_envi(tmp_path, samples, "band names = {b1, Masked area index, b3, b4, b5, Cloud Mask}"))
    assert holds_the_truth(scene.cube)
    assert '(6) left out that the file describes as "Cloud Mask"' in scene.source


def test_two_data_files_beside_a_header_of_envi_are_not_chosen_by_their_ending(tmp_path: Path) -> None:
    path = write_envi(tmp_path, TRUTH.astype("f4"))
    (tmp_path / "a.dat").write_bytes(bytes(10))  # of another length
    assert holds_the_truth(read_scene_file(path).cube)
    (tmp_path / "a.dat").write_bytes((TRUTH / 2).astype("f4").tobytes())
    with pytest.raises(SceneError, match=r"one data file beside it, got a\.img, a\.dat"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(tmp_path / "a.img").cube)


def test_a_factor_beside_gains_is_not_clear(tmp_path: Path) -> None:
    entries = ("reflectance scale factor = 10000", f"data gain values = {listed([0.1] * 5)}")
    path = write_envi(tmp_path, np.rint(TRUTH * 10000).astype("u2"), *entries)
    with pytest.raises(SceneError, match="a reflectance scale factor, and gains"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=10000.0)).cube)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_a_header_of_envi_in_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = write_envi(tmp_path, TRUTH.astype("f4"), "sensor type = Réflectance, Zürich", "map info = {a = 1,", "b}", encoding=encoding)
    assert holds_the_truth(read_scene_file(path).cube)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("bands = 4", "`bands` once, got it twice"),
        ("wavelength units = Wavenumber", "unit 'Wavenumber'"),
        ("data gain values = {1, 2}", "`data gain values` with 5 numbers"),
        ("data gain values = {1, 2, 0, 1, 1}", "a scale other than 0"),
        ("data gain values = {1, 2, -1, 1, 1}", "a scale above 0"),
    ],
)
def test_a_header_of_envi_that_contradicts_itself_is_refused(tmp_path: Path, entry: str, text: str) -> None:
    with pytest.raises(SceneError, match=text):
        read_scene_file(write_envi(tmp_path, TRUTH.astype("f4"), entry))


@pytest.mark.parametrize("entry", ["wavelength units = Index", "wavelength units = GHz"])
def test_wavelengths_that_cannot_be_used_may_be_given(tmp_path: Path, entry: str) -> None:
    path = write_envi(tmp_path, TRUTH.astype("f4"), entry)
    with pytest.raises(SceneError, match=r"a\.hdr: wavelengths: expected nm .* with wavelengths="):
        read_scene_file(path)
    assert read_scene_file(path, ReadingOptions(wavelengths=tuple(WAVES))).wavelengths.tolist() == WAVES.tolist()


@pytest.mark.parametrize("unit", ["Angstroms", "angstrom", "\u00c5", "\u212b"])
def test_angstroms_of_envi_are_converted(tmp_path: Path, unit: str) -> None:
    path = write_envi(tmp_path, TRUTH.astype("f4"))
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("wavelength = "))
    path.write_text(text.replace(line, f"wavelength = {listed(WAVES * 10)}") + f"wavelength units = {unit}\n", encoding="utf-8")
    assert read_scene_file(path).wavelengths.tolist() == pytest.approx(WAVES.tolist())
    path.write_text(text.replace(line, f"wavelength = {listed(WAVES * 10)}"))
    scene = read_scene_file(path)
    assert [remark for remark in scene.remarks if "if they are angstroms, give wavelengths= in nm, 410 to 705" in remark]
    assert scene.wavelengths.tolist() == pytest.approx((WAVES * 10).tolist())


@pytest.mark.parametrize("ending", [".h5", ".npz", ".tif"])
def test_wavelengths_without_a_unit_that_may_be_angstroms_are_remarked(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    for waves, doubted in ((WAVES * 10, True), (WAVES, False)):
        if ending == ".h5":
            write_hdf5(path, TRUTH, {"wavelengths": waves})
        elif ending == ".npz":
            np.savez(path, cube=TRUTH, wavelength=waves)
        else:
            write_tiff(path, TRUTH.astype(np.float32), gdal(per_band("wavelength", waves)))
        assert any("angstroms" in remark for remark in read_scene_file(path).remarks) == doubted
    if ending == ".npz":
        np.savez(path, cube=TRUTH, wavelengths_nm=WAVES * 10)  # the name states the unit
        assert not read_scene_file(path).remarks


def test_a_classification_and_complex_samples_of_envi_are_refused_by_name(tmp_path: Path) -> None:
    path = write_envi(tmp_path, np.ones((5, 6, 7), "u1"))
    text = path.read_text()
    path.write_text(text.replace("ENVI Standard", "ENVI Classification"))
    with pytest.raises(SceneError, match="the file type ENVI Classification"):
        read_image_file(path, ReadingOptions(scale=255.0))
    path.write_text(text.replace("data type = 1", "data type = 6"))
    with pytest.raises(SceneError, match="got complex ones"):
        read_image_file(path, ReadingOptions(scale=255.0))


# --- GeoTIFF


def gdal(items: str, nodata: str | None = None) -> list[tuple[Any, ...]]:
    tags: list[tuple[Any, ...]] = [(42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    return tags if nodata is None else [*tags, (42113, "s", 0, nodata, True)]


def per_band(name: str, values: Any) -> str:
    return "".join(f'<Item name="{name}" sample="{band}" role="{name.lower()}">{value}</Item>' for band, value in enumerate(values))


def write_tiff(path: Path, samples: NDArray[Any], tags: list[tuple[Any, ...]], **how: Any) -> Path:
    tifffile.imwrite(path, samples, metadata=None, extratags=tags, **{"photometric": "minisblack", "planarconfig": "separate", **how})
    return path


def test_scale_and_offset_of_each_band_of_a_geotiff_are_applied(tmp_path: Path) -> None:
    stored = np.rint((TRUTH - OFFSETS[PER_BAND]) * SCALES[PER_BAND]).astype(np.uint16)
    items = per_band("SCALE", 1 / SCALES) + per_band("OFFSET", OFFSETS) + per_band("wavelength", WAVES)
    assert holds_the_truth(read_scene_file(write_tiff(tmp_path / "a.tif", stored, gdal(items))).cube)


def test_a_band_of_which_gdal_states_no_scale_has_the_scale_1(tmp_path: Path) -> None:
    stored = (TRUTH * np.array([1, 4, 4, 1, 1])[PER_BAND]).astype(np.float32)
    items = '<Item name="SCALE" sample="1">0.25</Item><Item name="SCALE" sample="2">0.25</Item>' + per_band("wavelength", WAVES)
    assert holds_the_truth(read_scene_file(write_tiff(tmp_path / "a.tif", stored, gdal(items))).cube)


def test_bands_of_a_geotiff_that_are_described_as_quality_are_left_out(tmp_path: Path) -> None:
    stored = np.concatenate([TRUTH, np.full((1, ROWS, COLS), 7.0), np.full((1, ROWS, COLS), 255.0)]).astype(np.float32)
    items = per_band("DESCRIPTION", [*map(str, WAVES), "QA_PIXEL", "Alpha"]) + per_band("wavelength", WAVES)
    scene = read_scene_file(write_tiff(tmp_path / "a.tif", stored, gdal(items)))
    assert holds_the_truth(scene.cube)
    assert '2 of 7 bands (6-7) left out that the file describes as "Alpha", "QA_PIXEL"' in scene.source


@pytest.mark.parametrize("kind", [1, 2])
def test_an_alpha_channel_is_no_spectral_band(tmp_path: Path, kind: int) -> None:
    rgba = np.concatenate([TRUTH[:3], np.full((1, ROWS, COLS), 1.0)]) * 255
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.rint(rgba).astype(np.uint8), photometric="rgb", planarconfig="separate", extrasamples=(kind,), metadata=None)
    image = read_image_file(path, ReadingOptions(scale=255.0))
    assert np.allclose(image.cube, TRUTH[:3], atol=2.1e-3)
    assert image.remarks == ("1 of 4 bands (4) left out that are alpha channels",)


def write_rgba(path: Path, alpha: NDArray[np.uint8], kind: int = 2, planar: str = "separate") -> Path:
    rgba = np.concatenate([np.rint(TRUTH[:3] * 255).astype(np.uint8), alpha[None]])
    samples = rgba if planar == "separate" else rgba.transpose(1, 2, 0)
    tifffile.imwrite(path, samples, photometric="rgb", planarconfig=planar, extrasamples=(kind,), metadata=None)
    return path


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("planar", ["separate", "contig"])
@pytest.mark.parametrize("hidden", [0, 100])
def test_transparent_pixels_are_no_data(tmp_path: Path, kind: int, planar: str, hidden: int) -> None:
    alpha = np.full((ROWS, COLS), 255, np.uint8)
    alpha[1, 2:5] = hidden
    path = write_rgba(tmp_path / "a.tif", alpha, kind, planar)
    with pytest.raises(SceneError, match=r"expected opaque pixels, got 3 of 42 that are transparent by the alpha channel \(band 4\)"):
        read_image_file(path, ReadingOptions(scale=255.0))
    cropped = read_image_file(path, ReadingOptions(scale=255.0, crop=(2, 0, 4, 7)))
    assert np.allclose(cropped.cube, TRUTH[:3, 2:], atol=2.1e-3)
    assert read_image_file(path, ReadingOptions(scale=255.0, bands=(1, 2, 3, 4))).cube.shape == (4, ROWS, COLS)
    with pytest.raises(SceneError, match="opaque"):
        read_image_file(path, ReadingOptions(scale=255.0, bands=(1, 2)))


def test_transparent_pixels_may_be_left_out_of_a_scenes_scores(tmp_path: Path) -> None:
    alpha, scored = np.full((ROWS, COLS), 255, np.uint8), np.ones((ROWS, COLS), np.uint8)
    alpha[1, 2:5] = 0
    path = write_rgba(tmp_path / "a.tif", alpha)
    for first, refused in ((2, False), (3, True)):
        scored[:] = 1
        scored[1, first:5] = 0
        np.save(tmp_path / "m.npy", scored)
        chosen = ReadingOptions(scale=255.0, wavelengths=(410.0, 550.0, 640.0, 700.0), mask=str(tmp_path / "m.npy"))
        if refused:
            with pytest.raises(SceneError, match="got 1 of 42 that are transparent"):
                read_scene_file(path, chosen)
        else:
            mask = read_scene_file(path, chosen).mask
            assert mask is not None
            assert int((~mask).sum()) == 3
            with pytest.raises(SceneError, match="got 3 of 42"):  # an image has no scores
                read_image_file(path, chosen)


@pytest.mark.parametrize("ending", [".hdr", ".tif"])
def test_bands_that_are_called_alpha_say_which_pixels_are_transparent(tmp_path: Path, ending: str) -> None:
    for full, dark in ((255.0, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)):
        opacity = np.full((1, ROWS, COLS), full)
        opacity[0, 4, 1:3] = dark
        samples = np.concatenate([TRUTH, opacity]).astype("f4")
        if ending == ".hdr":
            path = write_envi(tmp_path, samples, "band names = {b1, b2, b3, b4, b5, Alpha}")
        else:
            items = per_band("DESCRIPTION", [*map(str, WAVES), "Alpha"]) + per_band("wavelength", WAVES)
            path = write_tiff(tmp_path / "a.tif", samples, gdal(items))
        if full == dark:
            assert holds_the_truth(read_scene_file(path).cube, 1e-6)
        else:
            with pytest.raises(SceneError, match=r"got 2 of 42 that are transparent by the alpha channel \(band 6\)"):
                read_scene_file(path)


def test_an_unspecified_extra_sample_is_a_band(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", TRUTH[:4].astype(np.float32), gdal(""), photometric="rgb", extrasamples=(0,))
    assert read_image_file(path).cube.shape == (4, ROWS, COLS)


def test_pixels_that_a_mask_inside_a_tiff_hides_are_refused(tmp_path: Path) -> None:
    hidden = np.ones((ROWS, COLS), dtype=bool)
    for count in (0, 4):
        hidden[2, :count] = False
        with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
            tiff.write(TRUTH.astype(np.float32), photometric="minisblack", planarconfig="separate", metadata=None)
            tiff.write(hidden, photometric="mask", subfiletype=4, metadata=None)
        if count:
            with pytest.raises(SceneError, match="4 pixels that the mask in the file marks as missing"):
                read_image_file(tmp_path / "a.tif")
        else:
            assert holds_the_truth(read_image_file(tmp_path / "a.tif").cube, 1e-6)


def test_a_no_data_value_of_a_float_geotiff_may_be_rounded(tmp_path: Path) -> None:
    samples = TRUTH.astype(np.float32)
    samples[3, 1, 1:3] = np.finfo(np.float32).min
    path = write_tiff(tmp_path / "a.tif", samples, gdal(per_band("wavelength", WAVES), "-3.40282e+38"))
    with pytest.raises(SceneError, match="2 no-data values"):
        read_scene_file(path)


def test_a_scale_that_gdal_states_for_the_whole_file_is_not_clear(tmp_path: Path) -> None:
    items = '<Item name="scale_factor">0.0001</Item>' + per_band("wavelength", WAVES)
    path = write_tiff(tmp_path / "a.tif", np.rint(TRUTH * 10000).astype(np.uint16), gdal(items))
    with pytest.raises(SceneError, match=r"a scale that is clear.*scale_factor 0\.0001"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=10000.0)).cube)


def test_numbers_of_headers_that_may_be_scales_are_not_passed_over(tmp_path: Path) -> None:
    path = write_envi(tmp_path, TRUTH.astype("f4"), "scale factor = 0.5", "header gain = {1, 1, 1, 1, 1}", "sensor gain = high")
    with pytest.raises(SceneError, match=r"entries of the header scale factor = 0\.5 \(scale=2 if it multiplies"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=1.0)).cube)
    items = per_band("gain", [0.5] * 5) + per_band("wavelength", WAVES)
    for text in (items, '<Item name="reflectance_scale">0.5</Item>' + per_band("wavelength", WAVES)):
        tiff = write_tiff(tmp_path / "a.tif", TRUTH.astype(np.float32), gdal(text))
        with pytest.raises(SceneError, match=r"GDAL metadata (gain|reflectance_scale) = 0\.5"):
            read_scene_file(tiff)
        assert holds_the_truth(read_scene_file(tiff, ReadingOptions(scale=1.0)).cube)


# --- counts in floating point


@pytest.mark.parametrize("factor", [10000.0, 255.0, 100.0, 4.0])
@pytest.mark.parametrize("ending", [".mat", ".npz", ".h5"])
def test_counts_in_floating_point_ask_for_a_scale(tmp_path: Path, factor: float, ending: str) -> None:
    path, counts = tmp_path / f"a{ending}", TRUTH.transpose(1, 2, 0) * factor
    if ending == ".mat":
        scipy.io.savemat(path, {"data": counts, "wavelength": WAVES})
    elif ending == ".npz":
        np.savez(path, data=counts, wavelength=WAVES)
    else:
        write_hdf5(path, counts, {}, "data")
    with pytest.raises(SceneError, match=r"expected a scale for floating-point samples.*scale= .*scale=1 to take them"):
        read_scene_file(path)
    assert holds_the_truth(read_scene_file(path, ReadingOptions(scale=factor)).cube, 1e-6)
    assert np.allclose(read_scene_file(path, ReadingOptions(scale=1.0)).cube, TRUTH * factor)


def test_mostly_dark_counts_and_unmarked_missing_pixels_are_refused_by_their_ends(tmp_path: Path) -> None:
    for value in (300.0, -9999.0):
        cube = TRUTH * 0.01
        cube[2, 3, 4] = value
        np.save(tmp_path / "a.npy", cube)
        with pytest.raises(SceneError, match=r"no reflectance.*nodata="):
            read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols"))


def test_reflectance_above_1_is_kept_with_a_remark(tmp_path: Path) -> None:
    cube = TRUTH.copy()
    cube[1, 2, 3] = 2.3
    np.save(tmp_path / "a.npy", cube)
    image = read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols"))
    assert np.allclose(image.cube, cube)
    assert image.remarks == ("values up to 2.3 exceed 1 and are kept",)


@pytest.mark.parametrize(
    ("dtype", "scale", "text"),
    [
        ("f8", 255.0, "which needed no scale"),
        ("u2", 255.0, "exceed 1 and are kept, as scale=255 says"),
        ("u1", 65535.0, "the largest value is"),
    ],
)
def test_a_scale_of_the_user_that_hardly_fits_is_remarked(tmp_path: Path, dtype: str, scale: float, text: str) -> None:
    most = {"f8": 1.0, "u2": 10000.0, "u1": 255.0}[dtype]
    np.save(tmp_path / "a.npy", (TRUTH * most).astype(dtype))
    image = read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols", scale=scale))
    assert len(image.remarks) == 1
    assert text in image.remarks[0]
    if dtype != "f8":
        assert not read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols", scale=most)).remarks


def test_a_stated_scale_that_leaves_an_image_nearly_black_is_remarked(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", TRUTH, {"scale": 10000.0})  # was applied already
    assert "is the scale right?" in read_scene_file(path).source


def test_a_stated_scale_that_leaves_counts_is_refused_until_it_is_said_again(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.nc", np.rint(TRUTH * 10000).astype(np.int16), {"scale_factor": 0.01})
    with pytest.raises(SceneError, match="physical units such as radiance"):
        read_scene_file(path)
    assert np.allclose(read_scene_file(path, ReadingOptions(scale=100.0)).cube, TRUTH * 100, atol=0.01)


def test_whole_numbers_whose_least_often_means_missing_are_remarked(tmp_path: Path) -> None:
    stored = np.rint(TRUTH * 10000).astype(np.int16)
    stored[0, 0, 0] = -9999
    path = write_hdf5(tmp_path / "a.h5", stored, {"scale": 10000.0})
    assert "the least stored sample is -9999" in read_scene_file(path).source
    with pytest.raises(SceneError, match="1 no-data values"):
        read_scene_file(path, ReadingOptions(nodata=-9999.0))


@pytest.mark.parametrize(
    ("dtype", "fill", "pixels", "scale", "said"),
    [
        ("u2", 65535, 1, 10000.0, "65535 at 0.01% of the pixels in all bands looks like a fill value; give nodata=65535 "),
        ("u2", 65535, 1, 65535.0, ""),
        ("u2", 65535, 120, 65535.0, "65535 at 1.20% of the pixels"),
        ("u2", 0, 120, 10000.0, "0 at 1.20% of the pixels"),
        ("u2", 0, 90, 10000.0, ""),
        ("i2", -32768, 1, 10000.0, "the least stored sample is -32768"),
        ("i2", 32767, 1, 10000.0, "32767 at 0.01% of the pixels"),
        ("f4", -1.0, 120, 1.0, "-1 at 1.20% of the pixels"),
        ("f4", 5.0, 90, 1.0, ""),
    ],
)
def test_a_fill_value_that_is_not_declared_is_remarked(
    tmp_path: Path, dtype: str, fill: float, pixels: int, scale: float, said: str
) -> None:
    rng = np.random.default_rng(5)
    cube = 0.1 + 0.8 * rng.random((3, 80, 125))
    stored = (cube * scale).astype(dtype)
    stored.reshape(3, -1)[:, rng.permutation(10000)[:pixels]] = fill
    path = write_hdf5(tmp_path / "a.h5", stored, {"scale": scale})
    remarks = " ".join(read_image_file(path, ReadingOptions(layout="bands rows cols")).remarks)
    assert said in remarks
    if not said:
        assert "fill value" not in remarks
    else:
        assert remarks.count("nodata=") == 1
        with pytest.raises(SceneError, match=f"{3 * pixels} no-data values"):
            read_image_file(path, ReadingOptions(layout="bands rows cols", nodata=float(fill)))


def test_a_value_that_fills_one_band_alone_is_no_fill_value(tmp_path: Path) -> None:
    cube = TRUTH.copy()
    cube[2, :3], cube[4, 3:] = 1.0, 1.0
    np.save(tmp_path / "a.npy", cube)
    assert not read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols")).remarks

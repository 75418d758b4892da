"""Small true files of every format that the suite reads, and how each is read: the ground of the fuzz test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import tifffile
import torch
from PIL import Image
from spectral.io import envi

from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.files import read_image_file, read_pair_file, read_scene_file
from datasets.psfs import FromFile
from datasets.reading_options import ReadingOptions
from datasets.sensors import read_sensor
from datasets.sets import cave
from methods.unsupervised.mossfuse.checkpoint import load_network, read_facts, their_name
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
from methods.unsupervised.mossfuse.weights_file import load_safetensors_network, save_weights

BANDS, ROWS, COLS = 5, 6, 7
WAVES = np.array([410.0, 470.5, 533.0, 610.0, 705.0])
STORED = np.random.default_rng(8).integers(1, 12000, (BANDS, ROWS, COLS), dtype=np.uint16)
VALUES = STORED.astype(np.float32) / np.float32(10000)
SIDE = 12  # of the images of a small CAVE scene


@dataclass(frozen=True)
class Sample:
    """One format: what is written, which files are spoilt, and how they are read."""

    write: Callable[[Path], list[str]]  # writes the files into a folder and gives the names of those that are spoilt
    read: Callable[[Path], Any]  # the content: arrays by name


def _image(cube: Any, waves: Any = None) -> dict[str, Any]:
    return {"cube": np.asarray(cube), **({} if waves is None else {"wavelengths": np.asarray(waves)})}


def _scene(name: str, **options: Any) -> Callable[[Path], dict[str, Any]]:
    def read(folder: Path) -> dict[str, Any]:
        scene = read_scene_file(folder / name, ReadingOptions(**options))
        return _image(scene.cube, scene.wavelengths)

    return read


def _cube(folder: Path) -> dict[str, Any]:
    content = read_cube(folder / "a.h5")
    return _image(content.cube, content.wavelengths_nm)


def _pair(folder: Path) -> dict[str, Any]:
    pair = read_pair_file(folder / "a.h5")
    return _image(pair.hsi.cube, pair.hsi.wavelengths_nm)


def _write_cube(folder: Path) -> list[str]:
    write_cube(folder / "a.h5", CubeFile(VALUES, WAVES, "mine", {"source": "a maker"}), quantise=True)
    return ["a.h5"]


def _write_plain_hdf5(folder: Path) -> list[str]:
    with h5py.File(folder / "a.h5", "w") as store:
        store["cube"] = STORED
        store.attrs["scale"], store.attrs["offset"], store.attrs["wavelengths_nm"] = 10000.0, 0.25, WAVES
        store.attrs["nodata"], store.attrs["name"] = 65535, "plain"
    return ["a.h5"]


def _write_chunked_hdf5(folder: Path) -> list[str]:
    with h5py.File(folder / "a.h5", "w", libver="latest") as store:
        store.create_dataset("data/vnir", data=STORED.astype(np.float64), chunks=(2, 6, 4), compression="gzip", shuffle=True)
        store["data/wavelength"] = WAVES / 1000
    return ["a.h5"]


def _write_netcdf(folder: Path) -> list[str]:
    with h5py.File(folder / "a.nc", "w") as store:
        data = store.create_dataset("reflectance", data=STORED.transpose(1, 2, 0).astype(np.int32))
        data.attrs["scale_factor"], data.attrs["add_offset"] = np.full(BANDS, 1e-4), 0.05
        data.attrs["_FillValue"], data.attrs["valid_range"] = np.int32(-9999), np.array([0, 20000], np.int32)
        store["wavelength"], store["good_wavelengths"] = WAVES, np.ones(BANDS)
        store["wavelength"].attrs["units"] = "nm"
    return ["a.nc"]


def _write_pair(folder: Path) -> list[str]:
    with h5py.File(folder / "a.h5", "w") as store:
        for group, cube in (("hsi", STORED), ("msi", np.full((3, 12, 14), 51, np.uint16))):
            store[f"{group}/cube"] = cube
            store[group].attrs["scale"] = 10000.0
        store["hsi"].attrs["wavelengths_nm"] = WAVES
    return ["a.h5"]


def _write_mat(compressed: bool) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        content = {"ref": STORED.transpose(1, 2, 0), "wl": WAVES, "note": "a text", "small": np.eye(2)}
        scipy.io.savemat(folder / "a.mat", content, do_compression=compressed)
        return ["a.mat"]

    return write


def _write_struct(compressed: bool) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        deep = {"note": "a text", "cells": np.array([1.0, "x"], dtype=object), "wl": WAVES}
        scipy.io.savemat(folder / "a.mat", {"s": {"deep": deep, "cube": STORED.transpose(1, 2, 0)}, "n": 3.0}, do_compression=compressed)
        return ["a.mat"]

    return write


def _write_v73(folder: Path) -> list[str]:
    with h5py.File(folder / "a.mat", "w", userblock_size=512) as store:
        for name, array in (("ref", STORED.transpose(1, 2, 0).astype(np.float64)), ("wl", WAVES[None])):
            store.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
    with (folder / "a.mat").open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: a day".ljust(124) + b"\x00\x02IM")
    return ["a.mat"]


def _write_npy(folder: Path) -> list[str]:
    np.save(folder / "a.npy", VALUES)
    return ["a.npy"]


def _write_npz(writer: Callable[..., None]) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        writer(folder / "a.npz", image=STORED, wl=WAVES, scale=10000.0)
        return ["a.npz"]

    return write


def _write_envi(folder: Path) -> list[str]:
    facts = {"wavelength": WAVES.tolist(), "wavelength units": "Nanometers", "reflectance scale factor": 10000, "data ignore value": 65535}
    envi.save_image(str(folder / "a.hdr"), STORED.transpose(1, 2, 0), interleave="bil", metadata=facts, ext="img")
    return ["a.hdr", "a.hdr", "a.img"]


def _write_envi_gains(folder: Path) -> list[str]:
    waves, gains = (", ".join(f"{value:g}" for value in values) for values in (WAVES, np.full(BANDS, 1e-4)))
    header = f"""ENVI
samples = {COLS}
lines = {ROWS}
bands = {BANDS}
header offset = 0
data type = 12
interleave = bsq
byte order = 1
wavelength units = Nanometers
wavelength = {{{waves}}}
data gain values = {{{gains}}}
data offset values = {{0, 0.01, 0, 0, 0}}
bbl = {{1, 1, 1, 1, 1}}
band names = {{a, b, c, d, e}}
"""
    (folder / "a.hdr").write_text(header)
    STORED.astype(">u2").tofile(folder / "a.img")
    return ["a.hdr", "a.hdr", "a.img"]


def _gdal() -> list[tuple[Any, ...]]:
    items = "".join(
        f'<Item name="wavelength" sample="{band}">{wave / 1000}</Item><Item name="SCALE" sample="{band}" role="scale">0.0001</Item>'
        for band, wave in enumerate(WAVES)
    )
    xml = f'<GDALMetadata><Item name="wavelength_units">Micrometers</Item>{items}</GDALMetadata>'
    return [(42112, "s", 0, xml, True), (42113, "s", 0, "65535", True)]


def _write_tiff(**how: Any) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        image = STORED if how.get("planarconfig") != "contig" else np.ascontiguousarray(STORED.transpose(1, 2, 0))
        tifffile.imwrite(folder / "a.tif", image, photometric="minisblack", metadata=None, extratags=_gdal(), **how)
        return ["a.tif"]

    return write


def _write_cave(scene: str, mode: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        place = folder / f"{scene}_ms"
        place.mkdir()
        rng = np.random.default_rng(3)
        for band in range(1, cave.BANDS + 1):
            grey = rng.integers(0, 256 if mode == "RGBA" else 65536, (SIDE, SIDE)).astype(np.uint16)
            eight = np.dstack([grey] * 3 + [np.full_like(grey, 255)]).astype(np.uint8)
            Image.fromarray(eight if mode == "RGBA" else grey).save(place / f"{scene}_ms_{band:02d}.png")
        return [f"{scene}_ms/{scene}_ms_07.png"]

    return write


def _cave_scene(scene: str) -> Callable[[Path], dict[str, Any]]:
    def read(folder: Path) -> dict[str, Any]:
        found = cave.read_scene(folder, scene, side=SIDE)
        return _image(found.cube, found.wavelengths)

    return read


def _write_kernel(name: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        kernel = np.arange(1.0, 13.0).reshape(3, 4)
        if name.endswith(".npy"):
            np.save(folder / name, kernel)
        else:
            np.savetxt(folder / name, kernel, delimiter=",")
        return [name]

    return write


def _kernel(name: str) -> Callable[[Path], dict[str, Any]]:
    return lambda folder: {"kernel": FromFile(folder / name).kernel(2).numpy()}


def _write_sensor(folder: Path) -> list[str]:
    lines = [f"{400 + 20 * row},{row * 0.1:.3f},{1 - row * 0.05:.3f}" for row in range(15)]
    (folder / "a.csv").write_text("\n".join(["# source: a maker", "wavelength_nm,r,g", *lines]) + "\n")
    return ["a.csv"]


def _sensor(folder: Path) -> dict[str, Any]:
    sensor = read_sensor(folder / "a.csv")
    weights = sensor.integrate(torch.arange(420.0, 660.0, 20.0), sensor.channels).weights
    return {"curves": sensor.curves, "waves": sensor.wavelengths, "weights": weights.numpy()}


def _network() -> MossFuseNetwork:
    torch.manual_seed(4)
    return MossFuseNetwork(5, 2, 4, width=8)


def _write_pth(folder: Path) -> list[str]:
    table = {f"module.{their_name(name)}": tensor for name, tensor in _network().state_dict().items()}
    srf = "module.blind.srf"
    torch.save({"Model_stage1": {**table, srf: table[srf][:, :, None, None]}}, folder / "a.pth")
    return ["a.pth"]


def _pth(folder: Path) -> dict[str, Any]:
    read_facts(folder / "a.pth")
    return {name: tensor.numpy() for name, tensor in load_network(folder / "a.pth", 4).state_dict().items()}


def _write_safetensors(folder: Path) -> list[str]:
    save_weights(_network(), folder / "a.safetensors", {"trained_on": "two scenes", "scenes": '["cave/beads"]'})
    return ["a.safetensors"]


def _safetensors(folder: Path) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in load_safetensors_network(folder / "a.safetensors").state_dict().items()}


def _npy(folder: Path) -> dict[str, Any]:
    return _image(read_image_file(folder / "a.npy", ReadingOptions(layout="bands rows cols")).cube)


SAMPLES: Mapping[str, Sample] = {
    "cube file": Sample(_write_cube, _cube),
    "cube file as scene": Sample(_write_cube, _scene("a.h5")),
    "plain HDF5": Sample(_write_plain_hdf5, _scene("a.h5")),
    "plain HDF5 as cube file": Sample(_write_plain_hdf5, _cube),
    "chunked HDF5": Sample(_write_chunked_hdf5, _scene("a.h5", scale=10000.0)),
    "netCDF": Sample(_write_netcdf, _scene("a.nc")),
    "pair": Sample(_write_pair, _pair),
    "MATLAB 5": Sample(_write_mat(False), _scene("a.mat", scale=10000.0)),
    "MATLAB 5 deflated": Sample(_write_mat(True), _scene("a.mat", scale=10000.0)),
    "MATLAB 5 struct": Sample(_write_struct(False), _scene("a.mat", scale=10000.0, variable="s/cube")),
    "MATLAB 5 struct deflated": Sample(_write_struct(True), _scene("a.mat", scale=10000.0, variable="s/cube")),
    "MATLAB 7.3": Sample(_write_v73, _scene("a.mat", layout="rows cols bands", scale=10000.0)),
    "npy": Sample(_write_npy, _npy),
    "npz": Sample(_write_npz(np.savez), _scene("a.npz")),
    "npz deflated": Sample(_write_npz(np.savez_compressed), _scene("a.npz")),
    "ENVI": Sample(_write_envi, _scene("a.hdr")),
    "ENVI with gains": Sample(_write_envi_gains, _scene("a.hdr")),
    "TIFF separate": Sample(_write_tiff(planarconfig="separate"), _scene("a.tif")),
    "TIFF contiguous": Sample(_write_tiff(planarconfig="contig", rowsperstrip=2), _scene("a.tif")),
    "TIFF deflated": Sample(_write_tiff(planarconfig="separate", compression="deflate"), _scene("a.tif")),
    "CAVE": Sample(_write_cave("balloons", "I;16"), _cave_scene("balloons")),
    "CAVE watercolors": Sample(_write_cave("watercolors", "RGBA"), _cave_scene("watercolors")),
    "kernel npy": Sample(_write_kernel("a.npy"), _kernel("a.npy")),
    "kernel csv": Sample(_write_kernel("a.csv"), _kernel("a.csv")),
    "sensor csv": Sample(_write_sensor, _sensor),
    "pth": Sample(_write_pth, _pth),
    "safetensors": Sample(_write_safetensors, _safetensors),
}

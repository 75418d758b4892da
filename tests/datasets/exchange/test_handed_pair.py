"""The observation file, read by other routes than the suite's own: scipy, h5py and numpy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from benchmark.authors.sample_pairs import random_pair
from datasets.degradation import SpatialResponse
from datasets.exchange.handed_fields import ExchangeFileError
from datasets.exchange.handed_pair import write_handed_pair
from datasets.observation import Known, Observation

FORMATS = ("mat", "h5", "npz")
PARAMETERS = {"rank": 10, "weight": 1e-3, "kind": "abc", "fast": True, "levels": (1, 2, 3), "words": ("a", "bcd"), "empty": ""}


def by_another_route(file: Path) -> dict[str, Any]:
    """The content of a file by the library that belongs to its format, with names such as parameters/rank."""
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    if file.suffix == ".mat":
        table = {name: value for name, value in scipy.io.loadmat(file).items() if not name.startswith("__")}
        struct = table.pop("parameters", None)
        return table | ({} if struct is None else {f"parameters/{name}": struct[name][0, 0] for name in struct.dtype.names})
    found: dict[str, Any] = {}
    with h5py.File(file) as store:
        store.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return found


def text(value: Any) -> str:
    """A text as each library gives it."""
    return value.decode() if isinstance(value, bytes) else str(np.asarray(value).reshape(-1)[0]) if np.size(value) else ""


def lopsided() -> Observation:
    """A pair with a kernel that is not square."""
    seen = random_pair(5, 3)
    kernel = torch.arange(1.0, 7.0).reshape(2, 3)
    return replace(seen, known=replace(seen.known, psf=SpatialResponse(kernel / kernel.sum(), seen.ratio, 2, "replicate")))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_holds_the_pair_with_its_bands_last(format: str, tmp_path: Path) -> None:
    seen = lopsided()
    content = by_another_route(write_handed_pair(tmp_path / f"o.{format}", seen, seed=7, parameters=PARAMETERS))
    for name, image in (("hsi", seen.hsi), ("msi", seen.msi)):
        assert content[name].shape == (*image.shape[1:], image.shape[0])
        assert content[name].dtype == np.float32
        for band in range(image.shape[0]):
            assert np.array_equal(content[name][:, :, band], image[band].numpy())
    assert float(np.squeeze(content["ratio"])) == seen.ratio
    assert float(np.squeeze(content["seed"])) == 7
    assert np.allclose(np.ravel(content["phase"]), seen.phase)
    assert np.allclose(np.ravel(content["wavelengths"]), seen.wavelengths.numpy())
    assert np.array_equal(content["psf"], seen.psf.kernel.numpy())
    assert float(np.squeeze(content["psf_phase"])) == 2
    assert text(content["psf_boundary"]) == "replicate"
    assert np.array_equal(content["srf"], seen.srf.weights.numpy())
    assert np.allclose(np.ravel(content["noise"]), (seen.noise.hsi, seen.noise.msi))
    assert "rows x cols x bands" in text(content["about"])


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_holds_the_parameters_by_their_names(format: str, tmp_path: Path) -> None:
    content = by_another_route(write_handed_pair(tmp_path / f"o.{format}", random_pair(5, 3), parameters=PARAMETERS))
    assert float(np.squeeze(content["parameters/rank"])) == 10
    assert float(np.squeeze(content["parameters/weight"])) == 1e-3
    assert bool(np.squeeze(content["parameters/fast"]))
    assert text(content["parameters/kind"]) == "abc"
    assert text(content["parameters/empty"]) == ""
    assert np.ravel(content["parameters/levels"]).tolist() == [1, 2, 3]
    assert [text(word) for word in np.ravel(content["parameters/words"])] == ["a", "bcd"]


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_withheld_is_not_in_the_file(format: str, tmp_path: Path) -> None:
    blind = replace(random_pair(5, 3), known=Known())
    content = by_another_route(write_handed_pair(tmp_path / f"o.{format}", blind))
    assert not {"psf", "psf_phase", "psf_boundary", "srf", "noise"} & set(content)
    assert not [name for name in content if name.startswith("parameters")]
    assert "psf" not in text(content["about"])


@pytest.mark.parametrize("format", FORMATS)
def test_double_precision_and_an_image_of_one_band_stay_as_they_are(format: str, tmp_path: Path) -> None:
    seen = random_pair(1, 1).to("cpu", torch.float64)
    content = by_another_route(write_handed_pair(tmp_path / f"o.{format}", seen))
    assert content["hsi"].dtype == np.float64
    assert np.array_equal(np.reshape(content["hsi"], seen.hsi.shape[1:]), seen.hsi[0].numpy())


def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ExchangeFileError, match=r"expected a file ending in .mat, .h5, .npz, got .csv"):
        write_handed_pair(tmp_path / "o.csv", random_pair(5, 3))
    assert list(tmp_path.iterdir()) == []

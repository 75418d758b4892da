"""The job of a cell whose cube was made elsewhere: to read it, to see whether it is what it is said to be, and to store it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.children.witness import loaded_sources
from benchmark.measure.validity import InvalidEstimateError, check_estimate
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.response_file import read_responses
from benchmark.runner.estimate_storage import store_estimate, store_std
from benchmark.runner.jobs import ESTIMATE_NAME, STD_NAME
from benchmark.runner.place_and_unit import likely_mistake
from datasets.cube_file import is_own_cube_file
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.exchange.named_readers import read_named
from datasets.exchange.returned_estimate import ReturnedEstimate, other_order, read_returned_estimate
from datasets.files import read_image_file
from datasets.input_files import InputFileError
from datasets.observation import Observation, PairSizes
from datasets.reading_options import ReadingOptions
from methods.contract import Estimate

_EXCHANGED = (".mat", ".h5", ".npz")


@dataclass(frozen=True, eq=False)
class TakeJob:
    """Take the cube of one cell from a file."""

    file: Path
    options: ReadingOptions
    as_it_is: bool
    observation: Path
    responses: Path
    name: str
    exact: bool = False  # in 32 bits instead of 16

    def run(self) -> dict[str, Any]:
        """What is known of the estimate, after storing it; no seconds and no memory, as nobody measured them.

        Raises:
            InvalidEstimateError: the file cannot be read, or its cube is not that of this observation; the text says what would mend it.
        """
        home = Path.cwd()
        seen = read_observation(self.observation)
        truth = read_responses(self.responses) if self.responses.exists() else None
        try:
            returned = read_handed_in(self.file, self.options, seen.sizes)
        except InputFileError as error:
            told = str(error)
            ways = "" if "--layout" in told and "hsi-layout" not in told else "; `score` has --variable, --layout and --scale"
            raise InvalidEstimateError(f"{told}{ways}") from error
        estimate = _estimate(returned, seen)
        check_estimate(estimate, seen)
        psf = None if truth is None else truth.psf
        mistake = None if self.as_it_is else likely_mistake(estimate.cube, seen, psf, self.options.scale or 1.0)
        if mistake is not None:
            raise InvalidEstimateError(
                f"{self.file.name}: expected a cube whose blurred and decimated image is the HSI, got one that is "
                f"{mistake.residual:.3g} of the HSI's norm away, and {mistake.mended:.3g} if {mistake.change}; {mistake.way_out}, or score "
                "it as it is (as_it_is = true, --as-it-is)"
            )
        wavelengths = seen.wavelengths.double().numpy()
        store_estimate(home / ESTIMATE_NAME, estimate, wavelengths, self.name, exact=self.exact)
        if estimate.std is not None:
            store_std(home / STD_NAME, estimate.std, wavelengths, self.name, exact=self.exact)
        return {
            "clock": None,
            "memory": None,
            "parameters_total": returned.parameter_count,
            "parameters_inference": None,
            "flops": None,
            "flops_uncounted": [],
            "flops_reason": "",
            "threads": torch.get_num_threads(),
            "uncovered": [],
            "remarks": _self_timed(returned),
            "sources": loaded_sources(),
        }


def read_handed_in(file: Path, options: ReadingOptions, sizes: PairSizes) -> ReturnedEstimate:
    """The cube in a file from elsewhere, (bands, rows, cols).

    A .mat, .h5 or .npz with a field `cube` of which nothing is said (`options`) is an estimate file of the exchange format: (rows, cols,
    bands), and the fields beside it count. Any other file is read like an image of the user's own (datasets/files.py).

    Raises:
        InputFileError: the file cannot be read, or holds a cube of another shape; where an order of the axes would fit, the text says so.
    """
    exchanged = file.suffix.lower() in _EXCHANGED and not is_own_cube_file(file) and "cube" in read_named(file)
    if exchanged and options == ReadingOptions():
        return read_returned_estimate(file, sizes)
    if exchanged and options.variable in (None, "cube"):
        options = replace(options, variable="cube", layout=options.layout or "rows cols bands")
    cube = read_image_file(file, options).cube
    _expect_shape(file, cube, sizes, options)
    return ReturnedEstimate(cube)


def _self_timed(returned: ReturnedEstimate) -> list[str]:
    """The seconds that the program states itself, which nobody has checked."""
    parts = (("learning", returned.learning_seconds), ("fusing", returned.fusing_seconds))
    told = [f"{name} {seconds:.3g} s" for name, seconds in parts if seconds is not None]
    return [f"self-timed: {', '.join(told)}"] if told else []


def _expect_shape(file: Path, cube: NDArray[Any], sizes: PairSizes, options: ReadingOptions) -> None:
    expected = (sizes.bands, sizes.rows, sizes.cols)
    got = tuple(cube.shape)
    if got == expected:
        return
    words = ("bands", "rows", "cols")
    order = other_order(got, expected, words)
    told = options.layout.split() if options.layout else list(words)
    if order and len(told) == len(words):
        names = dict(zip(words, order, strict=True))  # what an axis was read as, and what it is
        layout = " ".join(names[word] for word in told)
        raise InputFileError(
            f"{file.name}: expected (bands, rows, cols) = {expected}, got {got}, which fits as ({', '.join(order)}); give "
            f'layout = "{layout}" (--layout "{layout}")'
        )
    raise InputFileError(f"{file.name}: expected a cube of {expected} (bands of the HSI, rows and columns of the MSI), got {got}")


def _estimate(returned: ReturnedEstimate, seen: Observation) -> Estimate:
    """The estimate with the responses that the file states."""
    psf = srf = None
    if returned.psf is not None:
        phase = returned.psf_phase
        kernel = torch.from_numpy(returned.psf)
        psf = SpatialResponse(kernel / kernel.sum(), seen.ratio, round(seen.phase[0]) if phase is None else phase, "reflect")
    if returned.srf is not None:
        weights = torch.from_numpy(returned.srf)
        srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    cube = torch.from_numpy(np.ascontiguousarray(returned.cube, dtype=np.float32))
    std = None if returned.std is None else torch.from_numpy(np.ascontiguousarray(returned.std, dtype=np.float32))
    return Estimate(cube, psf, srf, std)

"""What is run on the pretended device: every method of the catalog in every mode, read off the catalog and the methods' own fields.

alone       learned (on the scene, or beforehand on examples), adapted and fused, by the contract's functions
measured    what the meter hands on, which must lie on the CPU
referee     the same as a cell of a run: the meter, an estimate's file, operations counted, the scores
carried     learned here and used there, through a file and `map_location`, both ways
iterates    each iterate on the way
trained     a long training in pieces, resumed on either device
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from datasets.settings import configure, field_types, field_values
from methods import catalog
from methods.blind import PARAMETER
from methods.catalog import Entry
from methods.contract import LongTrainedMethod, TrainableMethod
from methods.iterates import IteratedMethod
from methods.numerics.sensors.response_estimators import ESTIMATORS
from methods.unsupervised.mossfuse.weights_file import read_metadata

Kind = Literal["alone", "measured", "referee", "carried", "iterates", "trained"]

# Switches that are left out, by name.
LEFT_OUT = {
    "compiled": "torch's compiler makes kernels for a device that it knows",
    "cuda_graph": "CUDA alone has such graphs; refused elsewhere",
}
# The estimator that takes thousands of steps stands before one method; it is the same code before every other.
SLOW_ESTIMATOR, ITS_METHOD = "gradient", "rfuse"
# Gives all that an estimate can hold: cube, deviation, PSF and SRF.
MEASURED, ITS_SETTINGS = "kriging", {"knows": "nothing"}
# Numbers that take another way through a method than its trial settings do.
FURTHER: Mapping[str, Mapping[str, Any]] = {
    "kriging": {"samples": 8, "tuning_samples": 16},  # fewer than there are coarse pixels: they must be chosen
    "ual": {"adaptor_steps": 0},
}


@dataclass(frozen=True)
class Case:
    """One run on both devices."""

    kind: Kind
    entry: Entry
    parameters: Mapping[str, Any]
    ratio: int = 4
    coarse: tuple[int, int] = (4, 6)  # pixels of the HSI
    said: str = ""  # what sets it apart from the method's trial settings

    @property
    def name(self) -> str:
        """What a failure is reported under."""
        return " ".join(filter(None, (self.kind, self.entry.name, self.said)))


def cases() -> Iterator[Case]:
    """All of them, method by method."""
    for name, entry in sorted(catalog.find().items()):
        kind = entry.load()
        trial = dict(kind.trial)
        yield Case("alone", entry, trial)
        yield Case("referee", entry, trial)
        for setting, value in switches(kind):
            yield Case("alone", entry, {**trial, setting: value}, said=f"{setting}={value}")
        if name == MEASURED:
            yield Case("measured", entry, {**trial, **ITS_SETTINGS})
        if name in FURTHER:
            yield Case("alone", entry, {**trial, **FURTHER[name]}, said=" ".join(f"{key}={value}" for key, value in FURTHER[name].items()))
        if set(configure(kind, trial).describe().needs) & {"psf", "srf"}:
            for estimator in ESTIMATORS:
                if estimator != SLOW_ESTIMATOR or name == ITS_METHOD:
                    parameters, said = {**trial, PARAMETER: estimator}, f"{PARAMETER}={estimator}"
                    yield Case("alone", entry, parameters, ratio=2, coarse=(9, 13), said=said)  # more pixels than taps
        for file in weights(entry):
            ratio = int(read_metadata(file)["ratio"])
            for options in ({}, {"inference": "unmerged"}, {"autocast": True}):
                said = " ".join([file.name, *(f"{setting}={value}" for setting, value in options.items())])
                yield Case("alone", entry, {"checkpoint": file, **options}, ratio=ratio, said=said)
            yield Case("carried", entry, {"checkpoint": file}, ratio=ratio, said=file.name)
        if issubclass(kind, TrainableMethod):
            yield Case("carried", entry, trial, ratio=8, coarse=(2, 3))
        if issubclass(kind, IteratedMethod):
            yield Case("iterates", entry, trial)
        if issubclass(kind, LongTrainedMethod):
            yield Case("trained", entry, {"blind_steps": 20})
            yield Case("trained", entry, {"blind_steps": 20, "mixed_precision": True}, said="mixed_precision=True")


def switches(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of every true/false and every choice that is not as the method's trial settings have it."""
    settled = field_values(configure(kind, kind.trial))
    for name, annotation in field_types(kind).items():
        if name in LEFT_OUT:
            continue
        options = (False, True) if annotation is bool else get_args(annotation) if get_origin(annotation) is Literal else ()
        for value in options:
            if value != settled[name]:
                yield name, value


def weights(entry: Entry) -> list[Path]:
    """The weights that the suite ships with a method."""
    if entry.file is None or entry.file.name != "method.py":
        return []
    return sorted(entry.file.parent.glob("weights/*.safetensors"))

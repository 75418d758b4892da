"""`[run]`: a program in any language as a method. Each fusion starts it once, with an observation file, and reads its estimate file.

    observation file  ->  command  ->  estimate file           datasets/exchange has both; methods/declared/program_run.py runs the command

The class of such a file has the parameters that the file declares as its fields. The process in which it runs holds no code of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.exchange.returned_estimate import ReturnedEstimate
from datasets.observation import Observation
from methods.contract import AnyMethod, Card, Estimate, FusionMethod
from methods.declared.declaration import Declaration, DeclarationError
from methods.declared.declared_class import declared_class, parameter_types
from methods.declared.program_run import Program, run_program
from methods.declared.run_table import listed_files, read_run_table


class ProgramMethod(FusionMethod):
    """The base of the classes that `[run]` tables stand for."""

    program: ClassVar[Program]
    declared: ClassVar[tuple[str, ...]]  # the names of its parameters

    card: ClassVar[Card]

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """What the program returns, on the device and in the dtype of the pair.

        Raises:
            ProgramError: it cannot be started, or ends with an error.
            ExchangeFileError: its estimate file cannot be used.
            RefusedError: its environment has not been prepared.
        """
        parameters = {item.name: getattr(self, item.name) for item in fields(self) if item.name in self.declared}  # type: ignore[arg-type]
        device = seen.hsi.device.type
        returned = run_program(self.program, seen, rng.initial_seed(), parameters, device)
        return _as_estimate(returned, seen)


def program_class(declaration: Declaration) -> type[AnyMethod]:
    """The class that a `[run]` table stands for.

    Raises:
        DeclarationError: the card or the table is not one of a program.
    """
    card, table = declaration.card, read_run_table(declaration)
    if card.learns == "beforehand" and not card.trained_on:
        raise DeclarationError(
            f"{declaration.file}: [card]: expected trained_on with learns = 'beforehand', as this suite cannot train a program; name the "
            "training set there, and its weights in `files`"
        )
    parameters = parameter_types(declaration, table.parameters)
    unknown = [name for name in table.trial if name not in parameters]
    if unknown:
        raise DeclarationError(f"{declaration.file}: [run]: trial: expected names of parameters, got {', '.join(unknown)}; correct it")
    program = Program(declaration.file, table)
    attributes = {"program": program, "declared": tuple(parameters), "trial": dict(table.trial)}
    return declared_class(declaration, ProgramMethod, parameters, attributes)


def covered_files(declaration: Declaration) -> Mapping[str, Path]:
    """What the key covers by content: the files that `files` names, and the file of the environment.

    Raises:
        DeclarationError: one of them is not there.
    """
    table = read_run_table(declaration)
    return listed_files(declaration, table)


def covered_versions(declaration: Declaration) -> Mapping[str, str]:
    """What the key covers besides: the distributions of an interpreter that exists already."""
    return {}


def _as_estimate(returned: ReturnedEstimate, seen: Observation) -> Estimate:
    like = seen.hsi

    def tensor(values: Any) -> torch.Tensor:
        return torch.from_numpy(values).to(like)

    psf = srf = None
    if returned.psf is not None:
        kernel = torch.from_numpy(returned.psf)
        phase = _nearest_phase(kernel, seen) if returned.psf_phase is None else returned.psf_phase
        psf = SpatialResponse(kernel.to(like), seen.ratio, phase)
    if returned.srf is not None:
        srf = SpectralResponse(tensor(returned.srf))
    return Estimate(tensor(returned.cube), psf, srf, None if returned.std is None else tensor(returned.std))


def _nearest_phase(kernel: torch.Tensor, seen: Observation) -> int:
    """The phase with which the kernel's centre lies nearest to that of the pair."""
    candidates = [SpatialResponse(kernel, seen.ratio, phase).centre for phase in range(seen.ratio)]
    apart = [(row - seen.phase[0]) ** 2 + (col - seen.phase[1]) ** 2 for row, col in candidates]
    return apart.index(min(apart))

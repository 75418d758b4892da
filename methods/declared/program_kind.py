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
from methods.declared.environments import EnvironmentFileError, installed_versions, prepare_environment
from methods.declared.program_run import Program, program_obstacle, run_program
from methods.declared.run_table import fill, listed_files, read_run_table

_LONGEST_PATH = 4000  # a longer word is no path


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
    named = {table.environment: declaration.home / table.environment} if table.environment and "@" not in table.environment else {}
    missing = [name for name, path in named.items() if not path.is_file()]
    if missing:
        raise DeclarationError(f"{declaration.file}: [run]: environment: expected a file, got {missing[0]!r}; correct it")
    return {**listed_files(declaration, table), **named}


def covered_versions(declaration: Declaration) -> Mapping[str, str]:
    """What the key covers besides: the distributions of an interpreter that exists already."""
    python = Program(declaration.file, read_run_table(declaration)).python
    own = python is not None and bool(read_run_table(declaration).python)
    return installed_versions(python) if own and python is not None and python.is_file() else {}


def uncovered_phrases(declaration: Declaration) -> tuple[str, ...]:
    """What the key does not cover although the command names it: files in the folder of the TOML file that no pattern of `files` names."""
    listed = {path.resolve() for path in covered_files(declaration).values()}
    names = [path.relative_to(declaration.home.resolve()).as_posix() for path in named_files(declaration) if path not in listed]
    return tuple(f"the file {name}, which the command names and `files` does not" for name in names)


def named_files(declaration: Declaration) -> tuple[Path, ...]:
    """The files in the folder of the TOML file, or below it, that the command names."""
    home = declaration.home.resolve()
    words = fill(read_run_table(declaration).command, {"here": str(home)})
    paths = [(home / word).resolve() for word in words if "{" not in word and "\0" not in word and len(word) < _LONGEST_PATH]
    return tuple(dict.fromkeys(path for path in paths if path.is_relative_to(home) and path.is_file()))


def obstacle(declaration: Declaration) -> str:
    """Why the program cannot run now: its environment has not been made, or could not be. Empty where nothing is known against it."""
    try:
        return program_obstacle(Program(declaration.file, read_run_table(declaration)))
    except EnvironmentFileError as error:
        return str(error)


def prepare(declaration: Declaration) -> str:
    """What was made, in words; empty where nothing was to be made.

    Raises:
        PreparationError: the environment could not be made.
        EnvironmentFileError: the file names none.
    """
    environment = Program(declaration.file, read_run_table(declaration)).environment
    if environment is None or environment.is_ready:
        return ""
    return f"{prepare_environment(environment).words}: {environment.folder}"


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

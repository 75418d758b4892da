"""How a check runs a method: with the settings of `Method.trial`, on a small pair, every error of the method turned into a breach."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import NoReturn

import torch
from torch import Tensor

from benchmark.authors.sample_pairs import Lessons
from benchmark.authors.ways_out import place_of, way_out
from benchmark.matrix.parameter_files import usual_places, with_files
from benchmark.measure.generators import generators_seeded
from benchmark.measure.validity import InvalidEstimateError, Settled, check_estimate, settled
from datasets.observation import Observation, WithheldError
from datasets.printable import error_text
from datasets.settings import SettingError, configure
from methods.adapting import adapted
from methods.catalog import Entry
from methods.contract import AnyMethod, Card, Estimate, FusionMethod, RefusedError, awaits_training, learn


class BreachError(AssertionError):
    """A broken rule; the text says what is wrong, and the line to write."""


@contextmanager
def exits_caught() -> Iterator[None]:
    """Inside the block, `os._exit` and `os.abort` raise SystemExit: a method that calls them would end the checks without a word."""

    def refuse(*status: int) -> NoReturn:
        called = f"os._exit({status[0]})" if status else "os.abort()"
        raise SystemExit(f"{called}, which ends the process of the cell without a result")

    before = os._exit, os.abort
    os._exit, os.abort = refuse, refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit, os.abort = before


class NotApplicableError(Exception):
    """A rule that says nothing about this method; the text is the reason, as in "does not apply (<reason>)"."""


def require(fact: bool, otherwise: str) -> None:
    """Nothing, where `fact` holds.

    Raises:
        BreachError: it does not hold; `otherwise` is the text.
    """
    if not fact:
        raise BreachError(otherwise)


def trial_method(entry: Entry, more: Mapping[str, object] = MappingProxyType({})) -> tuple[AnyMethod, Card]:
    """The method with the settings of its `trial` and `more`, files looked for as in a plan, and the card of that configuration.

    Raises:
        BreachError: a file is not there, a setting is wrong, or the method cannot be made or described.
    """
    parameters = {**entry.load().trial, **more}
    try:
        method = with_files(configure(entry.form(parameters), parameters), usual_places(entry), entry.name)
        return method, method.describe()
    except SettingError as error:
        raise BreachError(f"{error}; a plan and `check-method` look for it there") from error
    except (Exception, SystemExit) as error:
        raise BreachError(f"the method cannot be made with its defaults: {error_text(error)}{place_of(error)}") from error


def learn_from_samples(method: AnyMethod, seen: Observation, seed: int = 0) -> FusionMethod:
    """The method after its learning: on the pair itself, or on random examples where its card says that it learns beforehand."""
    lessons = Lessons(method.describe(), seen) if awaits_training(method) else ()
    with generators_seeded(seed, seen.hsi.device):
        learned = learn(method, seen, torch.Generator().manual_seed(seed), lessons)
    with generators_seeded(seed, seen.hsi.device):
        return adapted(learned, seen, torch.Generator().manual_seed(seed))


def fuse_settled(fitted: FusionMethod, seen: Observation, seed: int = 0) -> Settled:
    """What a fitted method gives for the pair, as the referee takes it, with the global generators seeded as for a cell."""
    with generators_seeded(seed, seen.hsi.device):
        return settled(fitted.fuse(seen, torch.Generator().manual_seed(seed)), seen.hsi)


def fuse_learned(fitted: FusionMethod, seen: Observation, seed: int = 0) -> Estimate:
    """The same estimate, with its cube and its standard deviation in the pair's type and on its device."""
    estimate = fuse_settled(fitted, seen, seed).estimate
    std = estimate.std
    return replace(estimate, cube=_like(estimate.cube, seen.hsi), std=None if std is None else _like(std, seen.hsi))


def _like(values: Tensor, image: Tensor) -> Tensor:
    """The values in the type of an image and on its device; whole numbers stay, as the referee refuses them."""
    return values.to(image) if values.is_floating_point() else values


def fuse_sample(method: AnyMethod, seen: Observation, seed: int = 0) -> Estimate:
    """What the method gives for the pair, its learning included, in the pair's type and on its device.

    Raises:
        RefusedError: the method refuses the pair.
        BreachError: the method fails in any other way.
    """
    with errors_as_breaches(seen):
        return fuse_learned(learn_from_samples(method, seen, seed), seen, seed)


def expect_cube(estimate: Estimate, seen: Observation, where: str) -> None:
    """Nothing, where the estimate can be scored.

    Raises:
        BreachError: it cannot be; `where` says on which pair, and begins the text.
    """
    try:
        check_estimate(estimate, seen)
    except InvalidEstimateError as invalid:
        way = (
            ""
            if "write " in str(invalid)
            else ("; write return Estimate(cube) with finite values of the shape (bands, rows of the MSI, columns of the MSI)")
        )
        raise BreachError(f"{where}: {invalid}{way}") from invalid


@contextmanager
def errors_as_breaches(seen: Observation) -> Iterator[None]:
    """Turns every error that is raised inside, except a refusal, into a BreachError that names the pair and the line of the method.

    Raises:
        BreachError: an error was raised inside.
    """
    try:
        yield
    except (RefusedError, BreachError):
        raise
    except WithheldError as error:
        raise BreachError(f"the method reads what its card does not ask for: {error}{place_of(error)}") from error
    except InvalidEstimateError as error:
        raise BreachError(f"what `fuse` returned is no estimate: {error}") from error
    except (Exception, SystemExit) as error:
        shape = f"an HSI of {tuple(seen.hsi.shape)} and an MSI of {tuple(seen.msi.shape)}, ratio {seen.ratio}, on {seen.hsi.device}"
        raise BreachError(f"{type(error).__name__} on {shape}{place_of(error)}: {error}; {way_out(error)}") from error

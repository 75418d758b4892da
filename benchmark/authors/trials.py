"""How a check runs a method: with the settings of `Method.trial`, on a small pair, every error of the method turned into a breach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmark.authors.sample_pairs import Lessons
from benchmark.measure.validity import InvalidEstimateError, check_estimate
from datasets.observation import Observation, WithheldError
from datasets.settings import configure
from methods.catalog import Entry
from methods.contract import AnyMethod, Card, Estimate, FusionMethod, RefusedError, awaits_training, learn


class BreachError(AssertionError):
    """A broken rule; the text says what is wrong, and the line to write."""


class NotApplicableError(Exception):
    """A rule that says nothing about this method; the text is the reason, as in "does not apply (<reason>)"."""


def require(fact: bool, otherwise: str) -> None:
    """Nothing, where `fact` holds.

    Raises:
        BreachError: it does not hold; `otherwise` is the text.
    """
    if not fact:
        raise BreachError(otherwise)


def trial_method(entry: Entry) -> tuple[AnyMethod, Card]:
    """The method with the settings of its `trial`, and the card of that configuration."""
    kind = entry.load()
    method = configure(kind, kind.trial)
    return method, method.describe()


def learn_from_samples(method: AnyMethod, seen: Observation, seed: int = 0) -> FusionMethod:
    """The method after its learning: on the pair itself, or on random examples where its card says that it learns beforehand."""
    lessons = Lessons(method.describe(), seen) if awaits_training(method) else ()
    return learn(method, seen, torch.Generator().manual_seed(seed), lessons)


def fuse_sample(method: AnyMethod, seen: Observation, seed: int = 0) -> Estimate:
    """What the method gives for the pair, its learning included.

    Raises:
        RefusedError: the method refuses the pair.
        BreachError: the method fails in any other way.
    """
    with errors_as_breaches(seen):
        return learn_from_samples(method, seen, seed).fuse(seen, torch.Generator().manual_seed(seed))


def expect_cube(estimate: Estimate, seen: Observation, where: str) -> None:
    """Nothing, where the estimate can be scored.

    Raises:
        BreachError: it cannot be; `where` says on which pair, and begins the text.
    """
    try:
        check_estimate(estimate, seen)
    except InvalidEstimateError as invalid:
        raise BreachError(
            f"{where}: {invalid}; write return Estimate(cube) with finite values of the shape (bands, rows of the MSI, columns of the MSI)"
        ) from invalid


@contextmanager
def errors_as_breaches(seen: Observation) -> Iterator[None]:
    """Turns every error that is raised inside, except a refusal, into a BreachError that names the pair.

    Raises:
        BreachError: an error was raised inside.
    """
    try:
        yield
    except RefusedError:
        raise
    except WithheldError as error:
        raise BreachError(f"the method reads what its card does not ask for: {error}") from error
    except Exception as error:
        shape = f"an HSI of {tuple(seen.hsi.shape)} and an MSI of {tuple(seen.msi.shape)}, ratio {seen.ratio}, on {seen.hsi.device}"
        raise BreachError(
            f"{type(error).__name__} on {shape}: {error}; where the method cannot take such a pair, write the limit in Card(...), such as "
            "min_bands=2, and raise RefusedError"
        ) from error

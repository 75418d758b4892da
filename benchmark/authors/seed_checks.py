"""The checks of randomness: whether a result follows from the seed that the referee hands in, and from nothing else."""

from __future__ import annotations

import torch

from benchmark.authors.differences import ROUNDING, largest_difference, least_difference
from benchmark.authors.sample_pairs import usual_pair
from benchmark.authors.trials import (
    BreachError,
    NotApplicableError,
    errors_as_breaches,
    expect_cube,
    fuse_learned,
    fuse_sample,
    learn_from_samples,
    require,
    trial_method,
)
from benchmark.measure.fresh_pair import fresh_pair
from benchmark.measure.generators import seeds_set
from methods.catalog import Entry
from methods.contract import Estimate

SECOND_CALL = 1e-2  # of the largest value: more than rounding, which some methods enlarge, and less than a step of a solver

_WAYS_OUT = {  # what to write in the place of a call that sets a global generator
    "torch.manual_seed": "torch.randn(size, generator=rng), or, for layers that draw by themselves, "
    "`with torch.random.fork_rng(): torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))`",
    "np.random.seed": "generator = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))",
    "random.seed": "generator = random.Random(int(torch.randint(2**62, (), generator=rng)))",
}


def check_same_seed(entry: Entry) -> None:
    """Checks that one seed gives one result, up to rounding.

    Raises:
        BreachError: no other run with the seed gives the result of the first.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    apart = least_difference(lambda given: fuse_sample(method, given), lambda given: fuse_sample(method, given), seen)
    require(
        apart <= ROUNDING,
        f"the same seed gave other results, {apart:.2g} of the largest value apart: draw every random number from the generator that is "
        "handed in, such as torch.rand(3, generator=rng); torch's, numpy's and Python's global generators are seeded by the referee too, "
        "but not a generator that is made without a seed, such as np.random.default_rng(), and not what several threads draw",
    )


def check_second_call(entry: Entry) -> None:
    """Checks that `fuse` gives the same when it is called again: for the pair in new tensors, and for all but the same pair.

    Raises:
        BreachError: a later call gives something else, or fails.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    with errors_as_breaches(seen):
        fitted = learn_from_samples(method, seen)
        cubes = []
        for given in (seen, fresh_pair(seen, None), fresh_pair(seen, 1)):
            estimate = fuse_learned(fitted, given)
            cubes.append(Estimate(estimate.cube.clone()))  # a later call may write to it
    first, later, near = cubes
    expect_cube(near, seen, "a later call, for a pair that differs by a millionth")
    apart = largest_difference(first, later)
    require(
        apart <= SECOND_CALL,
        f"a later call of `fuse` for the same pair gave another cube, {apart:.2g} of the largest value apart: keep nothing between calls, "
        "and write return Estimate(cube.clone()) where the cube is a buffer that is used again",
    )


def check_random_fact(entry: Entry) -> str | None:
    """A piece of advice, or None; checks what the card says of `random`.

    A card that says random=False is held to it, since a plan runs one seed in the place of all: a wrong one would hide a spread. Where it
    says random=True and two seeds give one result, that is advice alone: the method may draw on other pairs (where there are more pixels
    than it samples), and a seed too many costs time, but makes no figure wrong.

    Raises:
        BreachError: the card says random=False, and two seeds give two results.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card, coarse=(8, 12))
    runs = 1 if card.random else None
    apart = least_difference(lambda given: fuse_sample(method, given), lambda given: fuse_sample(method, given, seed=1), seen, runs)
    if not card.random:
        require(
            apart <= ROUNDING,
            f"the card says random=False, but two seeds gave results {apart:.2g} of the largest value apart: write random=True there",
        )
    elif apart <= ROUNDING:
        return (
            "two seeds gave one result on the pair of this check: if the method draws nothing on any pair, write random=False in "
            "Card(...); a plan then runs one seed in the place of all"
        )
    return None


def check_seeds_from_rng(entry: Entry) -> str | None:
    """A piece of advice, or None; checks that no global generator is set to a seed that is the same for every seed of the plan.

    A global generator may be set to a seed drawn from `rng`; with a fixed seed, the plan's seeds would mean nothing. Where the card says
    random=False, that is true of such a method, and the advice says what it hides.

    Raises:
        BreachError: the card says random=True, and a global generator was set to one and the same seed, whatever the plan's seed.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    cubes, calls = [], []
    for seed in (0, 1):
        with seeds_set(entry.load().__module__) as set_now:
            cubes.append(fuse_sample(method, seen, seed).cube)
        calls.append(set_now)
    fixed = [call for call in dict.fromkeys(calls[0]) if call in calls[1]]
    if not fixed:
        if not card.random:
            raise NotApplicableError("its card says random=False, and it sets no global generator")
        return None
    called = f"{fixed[0]} was called with the plan's seeds 0 and 1 alike"
    line = _WAYS_OUT.get(fixed[0].partition("(")[0], _WAYS_OUT["torch.manual_seed"])
    if card.random:
        result = "one result" if torch.equal(cubes[0], cubes[1]) else "and what it draws from there is the same for both"
        raise BreachError(
            f"{called}: {result}; delete that line, since the referee seeds the global generators from the plan's seed, or write {line}"
        )
    return (
        f"{called}, and the card says random=False: the result does not depend on the plan's seed, so that no table can show how far it "
        "spreads over seeds, and its records say which seed it took; if it draws random numbers, delete that line (the referee seeds the "
        "global generators) and write random=True in Card(...)"
    )

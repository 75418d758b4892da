"""The checks of learning: that it happens where it is timed as learning, ends as it should, and that what was learned is counted."""

from __future__ import annotations

import torch

from benchmark.authors.differences import ROUNDING, least_difference
from benchmark.authors.sample_pairs import usual_pair
from benchmark.authors.trials import (
    NotApplicableError,
    errors_as_breaches,
    fuse_learned,
    fuse_sample,
    learn_from_samples,
    require,
    trial_method,
)
from benchmark.authors.watching import gradients_taken, held_numbers
from benchmark.measure.generators import generators_seeded
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.catalog import Entry
from methods.contract import Estimate, Example, FusionMethod
from methods.iterates import IteratedMethod


def check_learning_in_fit(entry: Entry) -> str | None:
    """Checks that learning on the scene happens in `fit` or `adapt`, where the clock takes it for learning, and not in `fuse`.

    The advice is for a method that never learns by its card, and takes gradients: it may be a solver, or the card may be wrong.

    Raises:
        NotApplicableError: the method learns beforehand, or never learns and takes no gradient.
        BreachError: it learns in `fuse`.
    """
    method, card = trial_method(entry)
    if card.learns == "never":
        seen = usual_pair(card)
        with errors_as_breaches(seen), gradients_taken(entry.load().__module__) as counted:
            fuse_sample(method, seen)
        if counted.calls == 0:
            raise NotApplicableError("its card says learns='never', and it takes no gradient")
        return (
            f"the card says learns='never', and `fuse` takes {counted.calls} gradients: a network that is trained there is learning on the "
            'scene; write learns="on the scene", supervision="self" in Card(...), and learn in `fit`, so that it is timed as learning'
        )
    if card.learns != "on the scene":
        raise NotApplicableError(f"its card says learns={card.learns!r}")
    way_out = (
        "write class Method(TrainableMethod), learn on examples[0].seen in fit(self, examples, rng), and return there the FusionMethod "
        "that fuses with what was learned"
    )
    require(
        not isinstance(method, FusionMethod) or isinstance(method, AdaptingMethod),
        f'the card says learns="on the scene", but there is only `fuse`: its learning would be timed as fusion; {way_out}',
    )
    seen = usual_pair(card)
    with errors_as_breaches(seen), gradients_taken(entry.load().__module__) as counted:
        fitted = learn_from_samples(method, seen)
        learning = counted.calls
        fuse_learned(fitted, seen)
    fusing = counted.calls - learning
    require(
        learning > 0 or fusing == 0,
        f'the card says learns="on the scene", but `fit` takes no gradient and `fuse` takes {fusing}: learning would be timed as '
        f"fusion; {way_out}",
    )
    return None


def check_parameter_count(entry: Entry) -> None:
    """Checks that `parameter_count` counts the numbers that the method holds when it fuses.

    Raises:
        NotApplicableError: it holds none, and counts none.
        BreachError: it holds some and counts none, or counts more at inference than in all.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    with errors_as_breaches(seen):
        fitted = learn_from_samples(method, seen)
        held, counted = held_numbers(fitted), fitted.parameter_count()
    if held.numbers == 0 and counted.total == 0:
        raise NotApplicableError("what fuses holds no numbers, and counts none")
    where = ", ".join(held.places[:3])
    require(
        counted.total > 0 or held.numbers == 0,
        f"what fuses holds {held.numbers:,} numbers (in {where}), and parameter_count() says 0: tables would show it as a method "
        "without parameters; write def parameter_count(self): return ParameterCount(total, inference), for a network "
        "n = sum(weights.numel() for weights in self.network.parameters())",
    )
    require(
        0 <= counted.inference <= counted.total,
        f"parameter_count() says {counted.inference} at inference of {counted.total} in all: write "
        "ParameterCount(all of them, those that inference uses)",
    )


def check_iterates(entry: Entry) -> None:
    """Checks that the last iterate is what `fit` gives, up to rounding, however many iterates are asked for.

    Raises:
        NotApplicableError: the method shows no iterates.
        BreachError: the last iterate is another one, or their number is wrong.
    """
    method, card = trial_method(entry)
    if not isinstance(method, IteratedMethod):
        raise NotApplicableError("it shows no iterates: it is no IteratedMethod")
    seen = usual_pair(card)

    def last_of_three(given: Observation) -> Estimate:
        estimates: list[Estimate] = []
        with generators_seeded(0, given.hsi.device):
            for fitted in method.iterates([Example(given)], torch.Generator().manual_seed(0), 3):
                require(
                    len(estimates) < 3,
                    "3 iterates were asked for, and more came: write `yield` after each of `count` equal shares of the steps, as "
                    "`iterates` of methods/numerics/networks/fitting.py does",
                )
                estimates.append(fuse_learned(fitted, given))
        require(bool(estimates), "no iterate came: write yield Fitted(weights) after the last step")
        return estimates[-1]

    apart = least_difference(last_of_three, lambda given: fuse_sample(method, given), seen)
    require(
        apart <= ROUNDING,
        f"the last of 3 iterates is not what `fit` gives, {apart:.2g} of the largest value apart: let neither `count` nor fusing on the "
        "way change the learning, as it does where rates are made from `count`, or where `fuse` draws from the generator of the learning",
    )

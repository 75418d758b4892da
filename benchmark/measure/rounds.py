"""The rounds of the clock: further calls of `fuse` after the first one, until the median is steady or the budget is spent.

    steady    at least `LEAST_ROUNDS`, and the quartiles within `STEADY` of the median, over the root of their number
    tiny      at least `LEAST_ROUNDS`, each below `TINY_S`: no table shows such differences
    budget    `ROUNDS_S` since the first round began, with all that is done between rounds, or `MOST_ROUNDS` of them

Each round has another pair, that of `fresh_pair`: all but the same numbers in new tensors, so that a method cannot look up an answer that
it has kept. Before each round, as before learning and the first call, the global generators are seeded alike, so that plain torch follows
the seed (`generators.py`). What a round gives is compared with what the first call gave. The clock says so, and has the first call alone
for its figure, if a round fails or gives no such cube, if all rounds give the very bits of the first call (though their pairs are others),
or if most take longer than the first call did. The estimate is not touched by any of this.

A cube that is further from the first one than `SAME_CUBE` may be that of a method which reacts strongly to its input. So such a method
fuses the true pair once more, without being timed: what then is still another cube comes from what the method has kept.

A first call that takes longer than `LONGEST_WARM_UP_S` is itself the only round (`warmed` is then False), so that a method of twenty
seconds is not run twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmark.measure.disturbance import FrequencyWatch, MachineWatch
from benchmark.measure.fresh_pair import fresh_pair
from benchmark.measure.generators import seed_generators
from benchmark.measure.held import middle_value, quantile_values, wall_seconds
from benchmark.measure.program_clock import ProgramClock
from benchmark.measure.sketch import share_apart, sketch_of
from benchmark.measure.tally import Tally
from benchmark.measure.timed_call import timed
from benchmark.measure.validity import check_estimate, settled
from benchmark.run_folder.record import SAME_CUBE, Clock, Memory
from datasets.observation import Observation
from methods.contract import Estimate, FusionMethod, ParameterCount
from methods.declared.program_run import noted_runs

LONGEST_WARM_UP_S = 2.0
ROUNDS_S = 1.0
LEAST_ROUNDS, MOST_ROUNDS = 3, 30
STEADY = 0.02
TINY_S = 0.0001
LONGER = 1.5  # times the first call: a round that takes longer is noted,
LEAST_LONGER_S = 0.001  # unless it is by less than this
UNFINISHED = "the process ended before the rounds were done"


@dataclass(eq=False)
class FirstCall:
    """What the first call cost, its estimate left out, and the means to call again."""

    clock: Clock  # of the first call alone
    memory: Memory
    parameters: ParameterCount
    method: FusionMethod  # after its learning
    seen: Observation  # on the device
    device: torch.device
    seed: int
    sketch: Tensor  # of the first estimate
    follows: bool  # whether its cube must change with the pair; it need not where it has learned on the scene
    machine: MachineWatch
    frequency: FrequencyWatch
    tally: Tally
    whole: float  # seconds of the first call, of which `clock` has less where the method is a program
    program: ProgramClock | None = None  # where the method is a program
    remarks: tuple[str, ...] = ()  # what had to be converted, and seeds that the method set itself, in phrases
    calls: int = 0  # with a pair of their own
    aside_s: float = 0.0  # of the last round: seconds of a program that are no work of its own

    @property
    def repeats(self) -> bool:
        """Whether rounds follow the first call."""
        return self.whole <= LONGEST_WARM_UP_S

    def repeat(self) -> Clock:
        """The clock after the rounds. No error of the method in a round is raised here: the clock notes it."""
        if self.program is not None:
            self._complete(self.program)
        first = self.clock.fuse
        if not self.repeats:
            return self.clock
        rounds, whole, apart, trouble, began = list[float](), list[float](), 0.0, "", wall_seconds()
        while not (trouble or enough_rounds(whole, wall_seconds() - began)):
            seconds, away, trouble = self._round()
            if not trouble:
                whole.append(seconds)
                rounds.append(seconds - self.aside_s)
                apart = max(apart, away)
            with self.tally.aside():
                self.frequency.look()
        notes, repeated = [trouble] if trouble else [], tuple(rounds)
        kept = self.follows and bool(rounds) and apart == 0
        if kept:
            notes.append("the rounds gave the very cube of the first call, though their pairs are others: it was kept, and not computed")
        longer = [seconds for seconds in rounds if seconds > LONGER * first and seconds - first > LEAST_LONGER_S]
        if longer:
            notes.append(f"{len(longer)} of {len(rounds)} rounds took up to {max(longer) / first:.3g} times as long as the first call")
        alone = bool(trouble) or kept or len(longer) > len(rounds) / 2
        rounds = [first] if alone else rounds
        low, high = _quartiles(rounds)
        disturbed = self.machine.disturbance()
        replayed = self._replay() if apart > SAME_CUBE and not trouble else None
        return replace(
            self.clock,
            fuse=middle_value(rounds),
            fuse_low=low,
            fuse_high=high,
            rounds=len(rounds),
            warmed=not alone,
            others=disturbed.others,
            steal=disturbed.steal,
            slowed=self.frequency.fall(),
            round_seconds=(first,) if alone else repeated,
            used=disturbed.used,
            used_by_children=disturbed.used_by_children,
            round_notes=tuple(notes),
            rounds_apart=apart if repeated else None,
            replay_apart=replayed,
        )

    def _complete(self, program: ProgramClock) -> None:
        """Take an empty start off the seconds of a program's first call."""
        with self.tally.aside():
            self.program = program.completed(self.device.type)
        net = self.program.net(self.whole, [program.first])
        self.clock = replace(self.clock, fuse=net, fuse_low=net, fuse_high=net, first=net, round_seconds=(net,))

    def again(self) -> Estimate:
        """What one more call gives, with a pair of its own."""
        return self._call(self._prepare())

    def _replay(self) -> float:
        """How far the cube is from the first one when the true pair is fused once more; 2, the largest value, where that fails."""
        with self.tally.aside():
            pair = fresh_pair(self.seen, None)
            seed_generators(self.seed, self.device)
        try:
            with self.tally.column():
                estimate = self._call(pair)
            with self.tally.aside():
                check_estimate(estimate, pair)
                return share_apart(self.sketch, sketch_of(estimate.cube))
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # as in a round
            return 2.0

    def _prepare(self) -> Observation:
        """A pair for one more call, and all generators as before the first one."""
        self.calls += 1
        pair = fresh_pair(self.seen, self.calls)
        seed_generators(self.seed, self.device)
        return pair

    def _call(self, pair: Observation) -> Estimate:
        return settled(self.method.fuse(pair, torch.Generator().manual_seed(self.seed)), pair.hsi).estimate

    def _round(self) -> tuple[float, float, str]:
        """The seconds of a round, how far its cube is from the first one, and what was wrong with it (empty: nothing)."""
        with self.tally.aside():
            pair = self._prepare()
        try:
            with self.tally.column(), noted_runs() as runs:
                estimate, seconds = timed(lambda: self._call(pair), self.device)
            with self.tally.aside():
                self.aside_s = 0.0 if self.program is None else seconds - self.program.net(seconds, runs)
                check_estimate(estimate, pair)
                return seconds, share_apart(self.sketch, sketch_of(estimate.cube)), ""
        except KeyboardInterrupt:  # the supervisor's signal at the time limit
            raise
        except BaseException as error:  # noqa: BLE001  # whatever a method raises in a round, SystemExit too, is noted and no more
            return 0.0, 0.0, f"a round ended in {type(error).__name__}: {str(error)[:200]}"


def enough_rounds(rounds: Sequence[float], spent: float) -> bool:
    """Whether the median is steady, the rounds are tiny, or the budget is spent (`spent`: seconds since the first round began)."""
    if not rounds:
        return False
    if spent >= ROUNDS_S or len(rounds) >= MOST_ROUNDS:
        return True
    if len(rounds) < LEAST_ROUNDS:
        return False
    low, high = _quartiles(rounds)
    steady = (high - low) <= STEADY * middle_value(rounds) * len(rounds) ** 0.5
    return steady or max(rounds) < TINY_S


def _quartiles(rounds: Sequence[float]) -> tuple[float, float]:
    if len(rounds) == 1:
        return rounds[0], rounds[0]
    low, _, high = quantile_values(rounds, n=4, method="inclusive")
    return low, high

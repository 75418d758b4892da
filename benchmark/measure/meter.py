"""The clock: seconds with the device synchronised, memory, learned parameters.

Only `fuse` is inference. Its first call has the true pair, gives the estimate, and has a figure of its own, as it may set things up
(compile, merge weights). Then rounds follow until the median is steady or the budget is spent:

    steady    at least `LEAST_ROUNDS`, and the quartiles within `STEADY` of the median, over the root of their number
    tiny      at least `LEAST_ROUNDS`, each below `TINY_S`: no table shows such differences
    budget    `ROUNDS_S` since the first round began, with all that is done between rounds, or `MOST_ROUNDS` of them

Each round has another pair, that of `fresh_pair`: all but the same numbers in new tensors, so that a method cannot look up an answer that
it has kept. Before learning and before each call, the first one too, the global generators are seeded alike, so that plain torch follows
the seed (`generators.py`). What a round gives is compared with what the first call gave. The clock says so, and has the first call alone
for its figure, if a round fails or gives no such cube, if all rounds give the very bits of the first call (though their pairs are others),
or if most take longer than the first call did. The estimate is not touched by any of this.

A cube that is further from the first one than `SAME_CUBE` may be that of a method which reacts strongly to its input. So such a method
fuses the true pair once more, without being timed: what then is still another cube comes from what the method has kept.

A first call that takes longer than `LONGEST_WARM_UP_S` is itself the only round (`warmed` is then False), so that a method of twenty
seconds is not run twice. Learning, which happens once, on the true pair, and transfers have their own columns. An estimate counts as given
when its values are there (`settled`), which is inside the clock. To bring it to the CPU and to the pair's type, float32, counts as
transfer. Nothing else is called here: operations are counted later, by `FirstCall.again`.

Memory is that of learning and the first call. The estimate can be stored and let go before the rounds, which hold no copy of it.

Other work on the machine spoils the seconds. So the cores that other processes kept busy while the clock ran, and the share of time that a
hypervisor took away, are measured from /proc/stat and kept with the seconds; so is a fall of the cores' frequency (/proc/cpuinfo), as it
happens on a hot or throttled machine. Processes that the method started belong to the method, and are no other work (`group.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from benchmark.measure.fresh_pair import fresh_pair
from benchmark.measure.generators import generators_kept, own_seeds, seed_generators, seed_remarks
from benchmark.measure.group import largest_child_bytes, processor_seconds, resident_bytes
from benchmark.measure.held import (
    cuda_peak_bytes,
    middle_value,
    quantile_values,
    reset_cuda_peak,
    synchronise_cuda,
    text_of_file,
    wall_seconds,
)
from benchmark.measure.program_clock import ProgramClock
from benchmark.measure.sketch import share_apart, sketch_of
from benchmark.measure.tally import Tally
from benchmark.measure.validity import check_estimate, settled
from benchmark.run_folder.record import SAME_CUBE, Clock, Memory
from datasets.observation import Observation
from methods.adapting import adapted
from methods.contract import AnyMethod, Estimate, FusionMethod, ParameterCount, learn
from methods.declared.program_run import noted_runs

LONGEST_WARM_UP_S = 2.0
ROUNDS_S = 1.0
LEAST_ROUNDS, MOST_ROUNDS = 3, 30
STEADY = 0.02
TINY_S = 0.0001
LOOK_S = 0.25  # between two looks at the cores' frequency
LONGER = 1.5  # times the first call: a round that takes longer is noted,
LEAST_LONGER_S = 0.001  # unless it is by less than this
UNFINISHED = "the process ended before the rounds were done"
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Measured:
    """An estimate on the CPU, and what it cost."""

    estimate: Estimate
    clock: Clock
    memory: Memory
    parameters: ParameterCount
    again: Callable[[], Estimate]  # fuses once more, as each round did
    remarks: tuple[str, ...] = ()  # what had to be converted, and seeds that the method set itself, in phrases


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
    machine: _Machine
    frequency: _Frequency
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
        while not (trouble or _enough(whole, wall_seconds() - began)):
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
        return settled(self.method.fuse(pair, _generator(self.seed)), pair.hsi).estimate

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


def measure_method(method: AnyMethod, seen: Observation, device: torch.device, seed: int, *, outside: bool = False) -> Measured:
    """The estimate of `method` for the pair `seen`, and what it cost: the method learns and fuses on `device`, and each part is timed.

    `outside` says that the method is a program that a TOML file declares (program_clock.py). The global generators are left as they were,
    since this process may use them for other work.
    """
    with generators_kept(device):
        estimate, first = measure_first(method, seen, device, seed, outside=outside)
        kept = Estimate(estimate.cube.clone(), estimate.psf, estimate.srf, None if estimate.std is None else estimate.std.clone())
        return Measured(kept, first.repeat(), first.memory, first.parameters, first.again, first.remarks)


def measure_first(
    method: AnyMethod, seen: Observation, device: torch.device, seed: int, tally: Tally | None = None, *, outside: bool = False
) -> tuple[Estimate, FirstCall]:
    """The estimate of the first call, on the CPU, and what it cost; the rounds are still to come (`FirstCall.repeat`).

    `outside` says that the method is a program that a TOML file declares: what is no work of its own is then subtracted.

    The estimate may share memory with the method, which may write to it in a later call: store it before, or copy it.

    Raises:
        InvalidEstimateError: what the method gave is no estimate, or no finite cube of the right shape.
    """
    tally = tally or Tally()
    base = resident_bytes("VmRSS")
    if device.type == "cuda":
        reset_cuda_peak(device)

    def column(call: Callable[[], T]) -> tuple[T, float]:
        with tally.column():
            return timed(call, device)

    there, to_device = column(lambda: seen.to(device))
    machine, frequency = _Machine(tally), _Frequency()
    seeds: list[str] = []

    def seeded(call: Callable[[], T]) -> tuple[T, float]:
        with tally.aside():
            seed_generators(seed, device)
        with own_seeds(seed, type(method).__module__) as set_now:
            value = column(call)
        seeds.extend(set_now)
        return value

    learned, learning = seeded(lambda: learn(method, there, _generator(seed)))
    fitted, adapting = seeded(lambda: adapted(learned, there, _generator(seed)))
    held = resident_bytes("VmHWM")
    with noted_runs() as runs:
        given, whole = seeded(lambda: settled(fitted.fuse(there, _generator(seed)), there.hsi))
    estimate, to_host = column(lambda: on_cpu(given.estimate, seen.hsi.dtype))
    remarks = given.remarks + seed_remarks(seeds)
    del given
    main_process = max(held, resident_bytes("VmHWM"))  # a method may have set back the kernel's figure meanwhile
    memory = Memory(
        peak=max(main_process, largest_child_bytes()),
        base=base,
        main_process=main_process,
        cuda_peak=cuda_peak_bytes(device) if device.type == "cuda" else None,
    )
    disturbed = machine.disturbance()
    with tally.aside():
        frequency.look()
        check_estimate(estimate, seen)
        sketch = sketch_of(estimate.cube)
        program = ProgramClock(runs[0]) if outside and runs else None
        first = whole if program is None else program.net(whole, runs)
    parameters = fitted.parameter_count()
    follows = fitted is learned and method.describe().learns != "on the scene"
    clock = Clock(
        fuse=first,
        fuse_low=first,
        fuse_high=first,
        rounds=1,
        warmed=False,
        fit=0.0 if isinstance(method, FusionMethod) else learning,
        adapt=0.0 if fitted is learned else adapting,
        transfer=to_device + to_host,
        others=disturbed.others,
        steal=disturbed.steal,
        slowed=frequency.fall(),
        first=first,
        round_seconds=(first,),
        used=disturbed.used,
        used_by_children=disturbed.used_by_children,
    )
    rest = sketch, follows, machine, frequency, tally, whole, program, remarks
    return estimate, FirstCall(clock, memory, parameters, fitted, there, device, seed, *rest)


def on_cpu(estimate: Estimate, dtype: torch.dtype = torch.float32) -> Estimate:
    """The estimate with all its tensors on the CPU, where files are written and scores are computed, and without gradients.

    Floating-point values of the cube and of the standard deviation are converted to `dtype`.
    """
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    return Estimate(
        _brought(estimate.cube, dtype),
        None if psf is None else replace(psf, kernel=psf.kernel.detach().cpu()),
        None if srf is None else replace(srf, weights=srf.weights.detach().cpu()),
        None if std is None else _brought(std, dtype),
    )


def _brought(values: Tensor, dtype: torch.dtype) -> Tensor:
    """The values on the CPU, in `dtype` where they are floating-point numbers; others stay as they are, and are refused later."""
    return values.detach().to(device="cpu", dtype=dtype if values.is_floating_point() else values.dtype)


def timed(call: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """What `call` returns, and the seconds that it took; all work on `device` is done before and after."""
    _synchronise(device)
    start = wall_seconds()
    value = call()
    _synchronise(device)
    return value, wall_seconds() - start


def _enough(rounds: Sequence[float], spent: float) -> bool:
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


@dataclass(frozen=True)
class Disturbance:
    """What kept the cores busy meanwhile, in cores (0.5 is half of one core's time); None where it is not known."""

    others: float | None = None  # processes that the method did not start
    steal: float | None = None  # share of all cores' time that a hypervisor took away
    used: float | None = None  # the method, with the processes that it started
    used_by_children: float | None = None  # these processes alone


class _Machine:
    """What the whole machine does from the start of this object on, and what this process and its children do.

    What the referee itself does in this process meanwhile (`tally`) is neither other work nor the method's.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        self.start = wall_seconds()
        self.aside = replace(self.tally.own)
        self.busy, self.stolen = _machine_seconds()
        self.main, self.children = processor_seconds(orphans=False)

    def disturbance(self) -> Disturbance:
        """What kept the cores busy since the start.

        The kernel counts in hundredths of a second, so of less than a fifth of a second nothing is known.
        """
        elapsed = wall_seconds() - self.start
        busy, stolen = _machine_seconds()
        if busy is None or self.busy is None or stolen is None or self.stolen is None or elapsed < 0.2:
            return Disturbance()
        main, children = processor_seconds(orphans=True)
        children -= self.children
        used = main - self.main + children
        others = max(0.0, (busy - self.busy - used) / elapsed)
        steal = (stolen - self.stolen) / (elapsed * (os.cpu_count() or 1))
        own = self.tally.own
        working = max(1e-9, elapsed - (own.wall - self.aside.wall))
        used = max(0.0, used - (own.processor - self.aside.processor))
        return Disturbance(others, steal, used / working, max(0.0, children / working))


class _Frequency:
    """The frequency of the fastest core while the method works (that of an idle core says nothing)."""

    def __init__(self, source: Path = Path("/proc/cpuinfo")) -> None:
        self.source = source
        self.seen: list[float] = []
        self.looked = -inf

    def look(self) -> None:
        """Note the frequency now, unless that was done a moment ago: to read it takes about a millisecond per core."""
        if wall_seconds() - self.looked >= LOOK_S and self.source.exists():
            self.looked = wall_seconds()
            text = text_of_file(self.source, encoding="utf-8", errors="replace")
            frequencies = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)]
            self.seen += [max(frequencies)] if frequencies else []

    def fall(self) -> float | None:
        """The share by which the lowest frequency lies below the highest; None after fewer than two looks."""
        return 1 - min(self.seen) / max(self.seen) if len(self.seen) > 1 else None


def _machine_seconds() -> tuple[float | None, float | None]:
    """The seconds of all cores together since the machine started: at work, and taken by a hypervisor. None without /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None, None
    fields = [int(field) / os.sysconf("SC_CLK_TCK") for field in text_of_file(stat, encoding="ascii").splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        synchronise_cuda(device)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)

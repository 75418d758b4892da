"""The meter: a method learns and fuses, and the seconds of each part are taken, the memory, and the learned parameters.

Only `fuse` is inference. Its first call has the true pair, gives the estimate, and has a figure of its own, as it may set things up
(compile, merge weights). Then rounds follow (`rounds.py`), with other work on the machine watched meanwhile (`disturbance.py`). Before
learning and before each call, the first one too, the global generators are seeded alike, so that plain torch follows the seed
(`generators.py`).

Learning, which happens once, on the true pair, and transfers have their own columns. An estimate counts as given when its values are there
(`settled`), which is inside the clock. To bring it to the CPU and to the pair's type, float32, counts as transfer. Nothing else is called
here: operations are counted later, by `FirstCall.again`.

Memory is that of learning and the first call. The estimate can be stored and let go before the rounds, which hold no copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from benchmark.measure.disturbance import FrequencyWatch, MachineWatch
from benchmark.measure.generators import generators_kept, own_seeds, seed_generators, seed_remarks
from benchmark.measure.group import largest_child_bytes, resident_bytes
from benchmark.measure.held import cuda_peak_bytes, reset_cuda_peak
from benchmark.measure.program_clock import ProgramClock
from benchmark.measure.rounds import FirstCall
from benchmark.measure.sketch import sketch_of
from benchmark.measure.tally import Tally
from benchmark.measure.timed_call import timed
from benchmark.measure.validity import check_estimate, settled
from benchmark.run_folder.record import Clock, Memory
from datasets.observation import Observation
from methods.adapting import adapted
from methods.contract import AnyMethod, Estimate, FusionMethod, ParameterCount, learn
from methods.declared.program_run import noted_runs

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
    machine, frequency = MachineWatch(tally), FrequencyWatch()
    seeds: list[str] = []

    def seeded(call: Callable[[], T]) -> tuple[T, float]:
        with tally.aside():
            seed_generators(seed, device)
        with own_seeds(seed, type(method).__module__) as set_now:
            value = column(call)
        seeds.extend(set_now)
        return value

    learned, learning = seeded(lambda: learn(method, there, torch.Generator().manual_seed(seed)))
    fitted, adapting = seeded(lambda: adapted(learned, there, torch.Generator().manual_seed(seed)))
    held = resident_bytes("VmHWM")
    with noted_runs() as runs:
        given, whole = seeded(lambda: settled(fitted.fuse(there, torch.Generator().manual_seed(seed)), there.hsi))
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

"""The contract as checks: run over every method found by the tests, and on one method by `check-method`.

Each check states a rule; a method that breaks it gets a sentence that says what is wrong and how to mend it. They use small random pairs,
never a scene, and the settings in `Method.trial`, so that a method that learns is checked in seconds.

Two runs with one seed are compared up to rounding, not bit by bit: where the memory of a second run is aligned in another way, the
libraries of a processor may take another kernel, and the last bits differ.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args, get_origin, overload

import torch
from torch import Tensor

from benchmark.validity import InvalidEstimateError, check_estimate
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation, WithheldError
from datasets.settings import SettingError, configure, field_types, spell
from methods.catalog import BrokenMethodError, Entry
from methods.contract import AnyMethod, Card, Estimate, Example, RefusedError, awaits_training, learn
from methods.iterates import IteratedMethod

BANDS, CHANNELS = (2, 31, 100), (1, 3, 8)
ALWAYS = (31, 3)  # bands and channels that no card may refuse
TOLD = NoiseLevel(0.01, 0.02)  # of pairs without noise: a prior that methods must live with
ROUNDING = 1e-5  # of the cube's largest value: what other last bits become; another seed moves most methods that draw by 1e-2 and more
NOTHING = 1e-6  # of the cube's largest value: a smaller change is rounding alone
RUNS = 4  # at most, until two of them agree: learning can turn other last bits into more than rounding, but not in every run
WHOLE = "the largest value"


class BreachError(AssertionError):
    """A broken rule: what is wrong, and how to mend it."""


@dataclass(frozen=True)
class Check:
    """One rule."""

    name: str
    rule: str
    run: Callable[[Entry], None]


@dataclass(frozen=True)
class Finding:
    """What a check found; no problem when `problem` is empty."""

    check: str
    problem: str


def examine(entry: Entry) -> Iterator[Finding]:
    """Every check on one method, in order; stops after the form, when that is broken."""
    for check in CHECKS:
        problem = ""
        try:
            check.run(entry)
        except (BreachError, BrokenMethodError) as breach:
            problem = str(breach)
        yield Finding(check.rule, problem)
        if problem and check.name == "form":
            return


def random_pair(bands: int, channels: int, *, ratio: int = 4, coarse: tuple[int, int] = (4, 6), seed: int = 0) -> Observation:
    """A lopsided observation of a smooth random cube (not square; kernel without symmetry), with both responses known."""
    return random_example(bands, channels, ratio=ratio, coarse=coarse, seed=seed).seen


def random_example(bands: int, channels: int, *, ratio: int = 4, coarse: tuple[int, int] = (4, 6), seed: int = 0) -> Example:
    """That observation with its truth. The same sensors saw the pairs of all seeds, for equal bands, channels and ratio."""
    rng = torch.Generator().manual_seed(seed)
    rows, cols = coarse[0] * ratio, coarse[1] * ratio
    maps = torch.nn.functional.interpolate(torch.rand(1, 4, 3, 5, generator=rng), size=(rows, cols), mode="bilinear", align_corners=True)[0]
    spectra = torch.rand(bands, 4, generator=rng)
    cube = torch.einsum("be,ehw->bhw", spectra, maps) / 4 + 0.02 * torch.rand(bands, rows, cols, generator=rng)
    rng.manual_seed(0)  # the sensors
    kernel = torch.rand(ratio - 1, ratio - 1, generator=rng) + 0.2
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2 - 1)
    weights = torch.rand(channels, bands, generator=rng) + 0.01
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Example(Observation(psf(cube), srf(cube), torch.linspace(400, 1000, bands), ratio, psf.centre, Known(psf, srf, TOLD)), cube)


@dataclass(frozen=True, eq=False)
class Lessons(Sequence[Example]):
    """Two random examples again and again, of the size and the sensors' numbers of `like`, with what `card` is entitled to."""

    card: Card
    like: Observation

    def __len__(self) -> int:
        return 10**9

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        hsi, msi = self.like.hsi, self.like.msi
        size = (int(hsi.shape[1]), int(hsi.shape[2]))
        made = random_example(hsi.shape[0], msi.shape[0], ratio=self.like.ratio, coarse=size, seed=1 + index % 2)
        truth = made.truth.to(hsi) if made.truth is not None and self.card.supervision == "truth" else None
        return Example(self.card.entitle(made.seen).to(hsi.device, hsi.dtype), truth)


def _form(entry: Entry) -> None:
    kind = entry.load()
    card = kind.card
    for name, text in (("name", card.name), ("paper", card.paper), ("fidelity", card.fidelity)):
        _expect(bool(text.strip()), f"card.{name} is empty: say what it is")
    _expect(1900 < card.year < 2200, f"card.year is {card.year}: give the year of the paper")
    _expect(
        not card.refusal(*ALWAYS), f"the card refuses 31 bands with 3 channels ({card.refusal(*ALWAYS)}): that size every method must take"
    )
    module = inspect.getmodule(kind)
    _expect(bool(module and module.__doc__), "the file has no docstring: state what the method does and its equation")
    try:
        configure(kind, kind.trial)
        configure(kind, {})
    except SettingError as error:
        raise BreachError(f"a field is not usable in a plan: {error}; give every field a type and a default") from error
    for name, annotation in field_types(kind).items():
        _expect(_settable(annotation), f"field {name} is {spell(annotation)}: use numbers, text, true/false, Path, tuples or Literal")


def _settable(annotation: object) -> bool:
    """Whether a plan can write a value of this type."""
    if annotation in (int, float, str, bool, Path, type(None), Ellipsis):
        return True
    return get_origin(annotation) is Literal or (bool(get_args(annotation)) and all(_settable(part) for part in get_args(annotation)))


def _sizes(entry: Entry) -> None:
    for bands, channels in itertools.product(BANDS, CHANNELS):
        method, card = _trial(entry)
        seen = _given(card, random_pair(bands, channels))
        refusal = card.refusal(bands, channels)
        try:
            estimate = _fuse(method, seen)
        except RefusedError as refused:
            size = f"{bands} bands with {channels} channels"
            _expect(bool(refusal), f"{size} are refused ({refused}), but the card does not say so: set its min_... and max_...")
            continue
        try:
            check_estimate(estimate, seen)
        except InvalidEstimateError as invalid:
            raise BreachError(f"with {bands} bands, {channels} channels, 16 x 24 pixels, ratio 4: {invalid}") from invalid


def _deterministic(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    first = _fuse(method, seen).cube
    again = (_fuse(method, seen).cube for _ in range(RUNS - 1))
    apart = _least(_apart(first, cube) for cube in again)
    _expect(
        apart <= ROUNDING, f"the same seed gave other results, {apart:.2g} of {WHOLE} apart: draw from `rng`, not from a global generator"
    )


def _leaves_alone(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    before = [image.clone() for image in (seen.hsi, seen.msi, seen.wavelengths)]
    state = torch.get_rng_state()
    estimate = _fuse(method, seen)
    for name, image, copy in zip(("hsi", "msi", "wavelengths"), (seen.hsi, seen.msi, seen.wavelengths), before, strict=True):
        _expect(torch.equal(image, copy), f"seen.{name} was changed: work on a copy (x = seen.{name}.clone())")
        shared = estimate.cube.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
        _expect(not shared, f"the estimate shares memory with seen.{name}: return a tensor of its own")
    _expect(torch.equal(state, torch.get_rng_state()), "torch's global generator was used: draw from `rng`")


def _keeps_kind(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        cube = _fuse(method, seen.to(device)).cube
        _expect(
            cube.device.type == device,
            f"given a pair on {device}, the estimate is on {cube.device}: create tensors with device=seen.hsi.device",
        )
        _expect(cube.dtype == torch.float32, f"given float32, the estimate is {cube.dtype}: end with .to(seen.hsi)")
        _expect(not cube.requires_grad, "the estimate still hangs on a graph: return it detached")


def _withholding(entry: Entry) -> None:
    """A method may touch what its card asks for, and must live with the rest being absent."""
    method, card = _trial(entry)
    whole = random_pair(*ALWAYS)
    _fuse(method, _given(card, whole))
    for name in card.needs:
        changed = _without_detail(whole, name)
        change = _apart(_fuse(method, _given(card, whole)).cube, _fuse(method, _given(card, changed)).cube)
        _expect(change > NOTHING, f"the card asks for the {name}, but another one changes nothing: set needs_{name}=False")


def _black(entry: Entry) -> None:
    method, card = _trial(entry)
    whole = random_pair(*ALWAYS)
    for what, hsi, msi in (
        ("an all-black pair", torch.zeros_like(whole.hsi), torch.zeros_like(whole.msi)),
        ("a constant pair", torch.full_like(whole.hsi, 0.5), torch.full_like(whole.msi, 0.5)),
    ):
        cube = _fuse(method, _given(card, replace(whole, hsi=hsi, msi=msi))).cube
        bad = int((~torch.isfinite(cube)).sum())
        _expect(bad == 0, f"{what} gave {bad} NaN or Inf of {cube.numel()}: guard divisions and norms")


def _ratios(entry: Entry) -> None:
    for ratio, coarse in ((2, (5, 3)), (8, (2, 3))):
        method, card = _trial(entry)
        seen = _given(card, random_pair(*ALWAYS, ratio=ratio, coarse=coarse))
        try:
            check_estimate(_fuse(method, seen), seen)
        except InvalidEstimateError as invalid:
            raise BreachError(f"at ratio {ratio}, {coarse[0]} x {coarse[1]} coarse pixels: {invalid}") from invalid


def _blind(entry: Entry) -> None:
    if not {"psf", "srf"} & set(_trial(entry)[1].needs):
        return
    kind = entry.load()
    parameters = {**kind.trial, "blind": "hysure"}
    method = configure(entry.form(parameters), parameters)
    card = method.describe()
    seen = _given(card, random_pair(*ALWAYS))
    estimate = _fuse(method, seen)
    try:
        check_estimate(estimate, seen)
    except InvalidEstimateError as invalid:
        raise BreachError(f"with blind = 'hysure': {invalid}") from invalid
    _expect(
        estimate.psf is not None and estimate.srf is not None, "with blind = 'hysure' no responses are reported: keep those of `Estimate`"
    )


def _iterates(entry: Entry) -> None:
    method, card = _trial(entry)
    if not isinstance(method, IteratedMethod):
        return
    seen = _given(card, random_pair(*ALWAYS))

    def last_of_three() -> Tensor:
        cubes: list[Tensor] = []
        for fitted in method.iterates([Example(seen)], torch.Generator().manual_seed(0), 3):
            _expect(len(cubes) < 3, "3 iterates were asked for, and more came: yield one after each share of the steps")
            cubes.append(fitted.fuse(seen, torch.Generator().manual_seed(0)).cube)
        _expect(bool(cubes), "no iterate came: yield at least the last one")
        return cubes[-1]

    apart = _least(_apart(last_of_three(), _fuse(method, seen).cube) for _ in range(RUNS))
    problem = f"the last of 3 iterates is not what `fit` gives, {apart:.2g} of {WHOLE} apart"
    _expect(apart <= ROUNDING, f"{problem}: fusing on the way, or the number of iterates, changes the learning")


CHECKS: tuple[Check, ...] = (
    Check("form", "a frozen dataclass `Method` with a complete card and fields that a plan can set", _form),
    Check(
        "sizes", "2, 31 and 100 bands, 1, 3 and 8 channels, not square: right shape and finite, or refused by a fact on the card", _sizes
    ),
    Check("ratios", "ratios 2 and 8, few pixels: right shape and finite", _ratios),
    Check(
        "deterministic",
        f"the same seed gives the same cube up to {ROUNDING:g} of its largest value on one machine and one number of threads (what differs "
        "is rounding, where memory is aligned in another way)",
        _deterministic,
    ),
    Check("leaves alone", "inputs and global generators untouched, the estimate in memory of its own", _leaves_alone),
    Check("keeps kind", "device and dtype of the input kept, no graph left", _keeps_kind),
    Check("withholding", "what the card asks for is used, what it does not ask for is not missed", _withholding),
    Check("black", "an all-black and a constant pair give finite values", _black),
    Check("iterates", "a method that shows its iterates ends with what `fit` gives, up to rounding, however many are asked for", _iterates),
    Check("blind", "with `blind`, a method that needs a response works without it and reports the estimates", _blind),
)


def _trial(entry: Entry) -> tuple[AnyMethod, Card]:
    kind = entry.load()
    method = configure(kind, kind.trial)
    return method, method.describe()


def _given(card: Card, seen: Observation) -> Observation:
    return card.entitle(seen)


def _fuse(method: AnyMethod, seen: Observation) -> Estimate:
    """One run with seed 0; any error other than a refusal is a breach that names the input."""
    try:
        lessons = Lessons(method.describe(), seen) if awaits_training(method) else ()
        fitted = learn(method, seen, torch.Generator().manual_seed(0), lessons)
        return fitted.fuse(seen, torch.Generator().manual_seed(0))
    except RefusedError:
        raise
    except WithheldError as error:
        raise BreachError(f"it asks for a response that its card does not name: {error}") from error
    except Exception as error:
        shape = f"{tuple(seen.hsi.shape)} HSI, {tuple(seen.msi.shape)} MSI, ratio {seen.ratio}, {seen.hsi.device}"
        raise BreachError(f"{type(error).__name__} on {shape}: {error}") from error


def _without_detail(seen: Observation, name: str) -> Observation:
    """The same pair with something else handed over: the PSF turned around, the SRF's bands reversed, the HSI's noise ten times higher."""
    known = seen.known
    if name == "psf":
        return replace(seen, known=replace(known, psf=replace(seen.psf, kernel=_other(seen.psf.kernel))))
    if name == "srf":
        return replace(seen, known=replace(known, srf=replace(seen.srf, weights=seen.srf.weights.flip(1))))
    return replace(seen, known=replace(known, noise=NoiseLevel(10 * seen.noise.hsi, seen.noise.msi)))


def _apart(first: Tensor, second: Tensor) -> float:
    """Largest difference of two cubes, over the largest value of both; 0 where both have the same bits, Inf where one has NaN or Inf."""
    if torch.equal(first, second):
        return 0.0
    largest = max(float(first.abs().max()), float(second.abs().max()))
    apart = float((first - second).abs().max()) / largest
    return apart if apart < float("inf") else float("inf")


def _least(distances: Iterator[float]) -> float:
    """The least of the distances; none is asked for after one that is rounding."""
    least = float("inf")
    for distance in distances:
        least = min(least, distance)
        if least <= ROUNDING:
            break
    return least


def _other(kernel: Tensor) -> Tensor:
    changed = kernel.flip(0, 1) + torch.eye(*kernel.shape)
    return changed / changed.sum()


def _expect(fact: bool, otherwise: str) -> None:
    if not fact:
        raise BreachError(otherwise)

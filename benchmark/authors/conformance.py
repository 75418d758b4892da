"""The contract as checks: run over every method found by the tests, and on one method by `check-method`.

Each check states a rule; a method that breaks it gets a sentence that says what is wrong, and the line to write. They use small random
pairs, never a scene, and the settings in `Method.trial`, so that a method that learns is checked in seconds.

Two runs with one seed are compared up to rounding, not bit by bit: where the memory of a second run is aligned in another way, the
libraries of a processor may take another kernel, and the last bits differ.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args, get_origin, overload

import torch
from torch import Tensor

from benchmark.authors.watching import gradients_taken, held_numbers, seeds_set
from benchmark.runner.validity import InvalidEstimateError, check_estimate
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation, WithheldError
from datasets.settings import SettingError, configure, field_types, spell
from methods.adapting import AdaptingMethod, adapted
from methods.catalog import BrokenMethodError, Entry
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, RefusedError, awaits_training, learn
from methods.iterates import IteratedMethod

BANDS, CHANNELS = (2, 31, 100), (1, 3, 8)
ALWAYS = (31, 3)  # bands and channels that no card may refuse
TOLD = NoiseLevel(0.01, 0.02)  # of pairs without noise: a prior that methods must live with
ROUNDING = 1e-5  # of the largest value: what other last bits become; another seed moves most methods that draw by 1e-2 and more
NOTHING = 1e-6  # of the largest value: a smaller change is rounding alone
RUNS = 4  # at most, until two of them agree: learning can turn other last bits into more than rounding, but not in every run
_SPELLED = MappingProxyType({"psf": "the PSF", "srf": "the SRF", "noise": "the noise level"})


class BreachError(AssertionError):
    """A broken rule: what is wrong, and the line to write."""


class NotApplicableError(Exception):
    """A rule that says nothing of this method; the text is the reason, as in "does not apply (<reason>)"."""


@dataclass(frozen=True)
class Check:
    """One rule; `run` gives a note or nothing, and raises BreachError where the rule is broken."""

    name: str
    rule: str
    run: Callable[[Entry], str | None]


@dataclass(frozen=True)
class Finding:
    """What a check found; the rule is kept when `problem` is empty. A `note` is advice, and breaks nothing."""

    check: str
    problem: str
    note: str = ""
    left_out: str = ""  # why the rule does not apply to this method; empty where it was checked


def examine(entry: Entry) -> Iterator[Finding]:
    """Every check on one method, in order; stops after the form, when that is broken."""
    for check in CHECKS:
        problem = note = left_out = ""
        try:
            note = check.run(entry) or ""
        except (BreachError, BrokenMethodError) as breach:
            problem = str(breach)
        except NotApplicableError as reason:
            left_out = str(reason)
        except RefusedError as refused:
            problem = f"{refused}: a pair is refused that every method must take; write limits in Card(...) that keep 31 bands, 3 channels"
        yield Finding(check.rule, problem, note, left_out)
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
        _expect(bool(text.strip()), f'the card says nothing as its {name}: write {name}="..." in Card(...)')
    _expect(1900 < card.year < 2200, f"the card's year is {card.year}: write the year of the paper in Card(...), such as year=2020")
    _expect(
        not card.refusal(*ALWAYS),
        f"the card refuses 31 bands with 3 channels ({card.refusal(*ALWAYS)}), a size that every method must take: write wider limits in "
        "Card(...), or leave out min_bands, max_bands, min_channels and max_channels",
    )
    module = inspect.getmodule(kind)
    _expect(
        bool(module and module.__doc__),
        'the file has no docstring: write """What the method does, its equation, and where it comes from.""" as its first line',
    )
    try:
        configure(kind, kind.trial)
        configure(kind, {})
    except SettingError as error:
        raise BreachError(f"a plan cannot set a field: {error}; write each field as `name: type = default`") from error
    for name, annotation in field_types(kind).items():
        _expect(
            _settable(annotation),
            f"a plan cannot set the field {name}, whose type is {spell(annotation)}: write `{name}: float = 1.0`, or another of int, str, "
            "bool, Path, a tuple of these, and Literal",
        )
    home = Path(inspect.getfile(kind)).parent
    for pattern in kind.files:
        _expect(
            not Path(pattern).is_absolute() and ".." not in Path(pattern).parts,
            f"the method's `files` name {pattern!r}: write a name or a pattern below the method's own folder, such as 'weights/*.npz'",
        )
        _expect(
            any(path.is_file() for path in home.glob(pattern)),
            f"the method's `files` name {pattern!r}, and no file in {home} is of that name: write the names of the data files that it "
            "reads, such as files: ClassVar[tuple[str, ...]] = ('table.csv',)",
        )


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
            _expect(
                bool(refusal),
                f"{size} are refused ({refused}), but the card does not say so: write in Card(...) which sizes it takes, with min_bands, "
                "max_bands, min_channels or max_channels, such as max_channels=3",
            )
            continue
        try:
            check_estimate(estimate, seen)
        except InvalidEstimateError as invalid:
            raise BreachError(_not_a_cube(f"with {bands} bands, {channels} channels, 16 x 24 pixels, ratio 4", invalid)) from invalid


def _deterministic(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    first = _fuse(method, seen)
    apart = _least(_apart(first, _fuse(method, seen)) for _ in range(RUNS - 1))
    _expect(
        apart <= ROUNDING,
        f"the same seed gave other results, {apart:.2g} of the largest value apart: draw every random number from the generator that is "
        "handed in, such as torch.rand(3, generator=rng)",
    )


def _random(entry: Entry) -> str | None:
    """A card that says random=False is held to it, since a plan runs one seed in the place of all: a wrong one would hide a spread.

    One that says random=True where two seeds give one result is told, and nothing more: the method may draw on other inputs than this
    pair (where there are more pixels than it samples), and a seed too many costs time, but makes no figure wrong.
    """
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS, coarse=(8, 12)))
    apart = _apart(_fuse(method, seen), _fuse(method, seen, seed=1))
    if not card.random:
        _expect(
            apart <= ROUNDING,
            f"the card says random=False, but two seeds gave results {apart:.2g} of the largest value apart: write random=True there",
        )
    elif apart <= ROUNDING:
        return (
            "two seeds gave one result on the pair of this check: if the method draws nothing on any pair, write random=False in "
            "Card(...); a plan then runs one seed in the place of all"
        )
    return None


def _leaves_alone(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    before = [image.clone() for image in (seen.hsi, seen.msi, seen.wavelengths)]
    state = torch.get_rng_state()
    estimate = _fuse(method, seen)
    for name, image, copy in zip(("hsi", "msi", "wavelengths"), (seen.hsi, seen.msi, seen.wavelengths), before, strict=True):
        _expect(torch.equal(image, copy), f"seen.{name} was changed: work on a copy, {name} = seen.{name}.clone()")
        shared = estimate.cube.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
        _expect(not shared, f"the estimate shares memory with seen.{name}: write return Estimate(cube.clone())")
    _expect(
        torch.equal(state, torch.get_rng_state()),
        "torch's global generator was used: draw from the one that is handed in, such as torch.rand(3, generator=rng)",
    )


def _keeps_kind(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        cube = _fuse(method, seen.to(device)).cube
        _expect(
            cube.device.type == device,
            f"given a pair on {device}, the estimate is on {cube.device}: write device=seen.hsi.device where tensors are made",
        )
        _expect(
            cube.dtype == torch.float32,
            f"given a pair of float32, the estimate is {cube.dtype}: write return Estimate(cube.to(seen.hsi))",
        )
        _expect(not cube.requires_grad, "the estimate still carries gradients: write return Estimate(cube.detach())")


def _withholding(entry: Entry) -> None:
    """A method may touch what its card asks for, and must live with the rest being absent."""
    method, card = _trial(entry)
    whole = random_pair(*ALWAYS)
    _fuse(method, _given(card, whole))
    for name in card.needs:
        changed = _without_detail(whole, name)
        change = _apart(_fuse(method, _given(card, whole)), _fuse(method, _given(card, changed)))
        _expect(
            change > NOTHING,
            f"the card asks for {_SPELLED[name]}, but another one changes nothing: write needs_{name}=False in Card(...)",
        )


def _black(entry: Entry) -> None:
    method, card = _trial(entry)
    whole = random_pair(*ALWAYS)
    for what, hsi, msi in (
        ("an all-black pair", torch.zeros_like(whole.hsi), torch.zeros_like(whole.msi)),
        ("a constant pair", torch.full_like(whole.hsi, 0.5), torch.full_like(whole.msi, 0.5)),
    ):
        cube = _fuse(method, _given(card, replace(whole, hsi=hsi, msi=msi))).cube
        bad = int((~torch.isfinite(cube)).sum())
        _expect(
            bad == 0,
            f"{what} gave {bad} NaN or infinite values of {cube.numel()}: keep every divisor above 0, such as x / norm.clamp_min(1e-12)",
        )


def _ratios(entry: Entry) -> None:
    for ratio, coarse in ((2, (5, 3)), (8, (2, 3))):
        method, card = _trial(entry)
        seen = _given(card, random_pair(*ALWAYS, ratio=ratio, coarse=coarse))
        try:
            check_estimate(_fuse(method, seen), seen)
        except InvalidEstimateError as invalid:
            raise BreachError(_not_a_cube(f"at ratio {ratio}, {coarse[0]} x {coarse[1]} coarse pixels", invalid)) from invalid


def _blind(entry: Entry) -> None:
    if not {"psf", "srf"} & set(_trial(entry)[1].needs):
        raise NotApplicableError("its card asks for neither PSF nor SRF")
    kind = entry.load()
    parameters = {**kind.trial, "blind": "hysure"}
    method = configure(entry.form(parameters), parameters)
    card = method.describe()
    seen = _given(card, random_pair(*ALWAYS))
    estimate = _fuse(method, seen)
    try:
        check_estimate(estimate, seen)
    except InvalidEstimateError as invalid:
        raise BreachError(_not_a_cube("with blind = 'hysure'", invalid)) from invalid
    _expect(
        estimate.psf is not None and estimate.srf is not None,
        "with blind = 'hysure' no responses come back with the cube: write return Estimate(cube) at the end of `fuse`",
    )


def _iterates(entry: Entry) -> None:
    method, card = _trial(entry)
    if not isinstance(method, IteratedMethod):
        raise NotApplicableError("it shows no iterates: it is no IteratedMethod")
    seen = _given(card, random_pair(*ALWAYS))

    def last_of_three() -> Estimate:
        estimates: list[Estimate] = []
        for fitted in method.iterates([Example(seen)], torch.Generator().manual_seed(0), 3):
            _expect(
                len(estimates) < 3,
                "3 iterates were asked for, and more came: write `yield` after each of `count` equal shares of the steps, as "
                "`iterates` of methods/numerics/networks/fitting.py does",
            )
            estimates.append(fitted.fuse(seen, torch.Generator().manual_seed(0)))
        _expect(bool(estimates), "no iterate came: write yield Fitted(weights) after the last step")
        return estimates[-1]

    apart = _least(_apart(last_of_three(), _fuse(method, seen)) for _ in range(RUNS))
    _expect(
        apart <= ROUNDING,
        f"the last of 3 iterates is not what `fit` gives, {apart:.2g} of the largest value apart: let neither `count` nor fusing on the "
        "way change the learning, as it does where rates are made from `count`, or where `fuse` draws from the generator of the learning",
    )


def _std_detached(entry: Entry) -> None:
    method, card = _trial(entry)
    estimate = _fuse(method, _given(card, random_pair(*ALWAYS)))
    if estimate.std is None:
        raise NotApplicableError("it states no standard deviation")
    _expect(
        not estimate.std.requires_grad,
        "the standard deviation still carries gradients: write return Estimate(cube.detach(), std=std.detach())",
    )


def _learns_in_fit(entry: Entry) -> None:
    """Learning on the scene happens where the clock takes it for learning: in `fit` or `adapt`, not in `fuse`."""
    method, card = _trial(entry)
    if card.learns != "on the scene":
        raise NotApplicableError(f"its card says learns={card.learns!r}")
    way_out = (
        "write class Method(TrainableMethod), learn on examples[0].seen in fit(self, examples, rng), and return there the FusionMethod "
        "that fuses with what was learned"
    )
    _expect(
        not isinstance(method, FusionMethod) or isinstance(method, AdaptingMethod),
        f'the card says learns="on the scene", but there is only `fuse`: its learning would be timed as fusion; {way_out}',
    )
    seen = _given(card, random_pair(*ALWAYS))
    with _breaches(seen), gradients_taken(entry.load().__module__) as counted:
        fitted = adapted(learn(method, seen, torch.Generator().manual_seed(0)), seen, torch.Generator().manual_seed(0))
        learning = counted.calls
        fitted.fuse(seen, torch.Generator().manual_seed(0))
    fusing = counted.calls - learning
    _expect(
        learning > 0 or fusing == 0,
        f'the card says learns="on the scene", but `fit` takes no gradient and `fuse` takes {fusing}: learning would be timed as '
        f"fusion; {way_out}",
    )


def _counts_parameters(entry: Entry) -> None:
    method, card = _trial(entry)
    seen = _given(card, random_pair(*ALWAYS))
    with _breaches(seen):
        fitted = adapted(_learned(method, seen), seen, torch.Generator().manual_seed(0))
        held, counted = held_numbers(fitted), fitted.parameter_count()
    if held.numbers == 0 and counted.total == 0:
        raise NotApplicableError("what fuses holds no numbers, and counts none")
    where = ", ".join(held.places[:3])
    _expect(
        counted.total > 0 or held.numbers == 0,
        f"what fuses holds {held.numbers:,} numbers (in {where}), and parameter_count() says 0: tables would show it as a method "
        "without parameters; write def parameter_count(self): return ParameterCount(total, inference), for a network "
        "n = sum(weights.numel() for weights in self.network.parameters())",
    )
    _expect(
        0 <= counted.inference <= counted.total,
        f"parameter_count() says {counted.inference} at inference of {counted.total} in all: write "
        "ParameterCount(all of them, those that inference uses)",
    )


def _seeds_from_rng(entry: Entry) -> None:
    """A global generator may be set, if it is put back, to a seed drawn from `rng`; with one of its own, a plan's seeds mean nothing."""
    method, card = _trial(entry)
    if not card.random:
        raise NotApplicableError("its card says random=False")
    seen = _given(card, random_pair(*ALWAYS))
    cubes, calls = [], []
    for seed in (0, 1):
        with seeds_set(entry.load().__module__) as set_now:
            cubes.append(_fuse(method, seen, seed).cube)
        calls.append(set_now)
    own = [call for call in dict.fromkeys(calls[0]) if call in calls[1]]
    result = "one result" if torch.equal(cubes[0], cubes[1]) else "and what it draws from there is the same for both"
    if own:
        line = _DRAWN.get(own[0].partition("(")[0], _DRAWN["torch.manual_seed"])
        raise BreachError(f"{own[0]} was called with the plan's seeds 0 and 1 alike: {result}; write {line}")


_DRAWN = {
    "torch.manual_seed": "torch.randn(size, generator=rng), or, for layers that draw by themselves, "
    "`with torch.random.fork_rng(): torch.manual_seed(int(torch.randint(2**62, (), generator=rng)))`",
    "np.random.seed": "generator = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))",
    "random.seed": "generator = random.Random(int(torch.randint(2**62, (), generator=rng)))",
}


CHECKS: tuple[Check, ...] = (
    Check("form", "a frozen dataclass `Method` with a complete card and fields that a plan can set", _form),
    Check(
        "sizes", "2, 31 and 100 bands, 1, 3 and 8 channels, not square: right shape and finite, or refused by a fact on the card", _sizes
    ),
    Check("ratios", "ratios 2 and 8, few pixels: right shape and finite", _ratios),
    Check(
        "deterministic",
        f"the same seed gives the same result up to {ROUNDING:g} of its largest value on one machine and one number of threads (what "
        "differs is rounding, where memory is aligned in another way)",
        _deterministic,
    ),
    Check("random", "the card says whether the result depends on the seed", _random),
    Check(
        "leaves alone",
        "the pair and torch's global generator are left as they were, and the estimate shares no memory with the pair",
        _leaves_alone,
    ),
    Check("keeps kind", "the estimate has the pair's device and dtype, and carries no gradients", _keeps_kind),
    Check("withholding", "what the card asks for is used, and what it does not ask for is not needed", _withholding),
    Check("black", "an all-black and a constant pair give finite values", _black),
    Check("detached", "a standard deviation without a graph, as the cube", _std_detached),
    Check("learns in fit", "what is learned on the scene is learned in `fit` or `adapt`, where it is timed as learning", _learns_in_fit),
    Check("parameters", "the numbers that it holds are counted by `parameter_count`", _counts_parameters),
    Check("seeds", "what it draws follows from the plan's seed: no global generator is set to a seed of its own", _seeds_from_rng),
    Check("iterates", "a method that shows its iterates ends with what `fit` gives, up to rounding, however many are asked for", _iterates),
    Check("blind", "with `blind`, a method that needs a response works without it and reports the estimates", _blind),
)


def _trial(entry: Entry) -> tuple[AnyMethod, Card]:
    kind = entry.load()
    method = configure(kind, kind.trial)
    return method, method.describe()


def _given(card: Card, seen: Observation) -> Observation:
    return card.entitle(seen)


def _learned(method: AnyMethod, seen: Observation, seed: int = 0) -> FusionMethod:
    """What fuses, after learning on what its card says."""
    lessons = Lessons(method.describe(), seen) if awaits_training(method) else ()
    return learn(method, seen, torch.Generator().manual_seed(seed), lessons)


def _fuse(method: AnyMethod, seen: Observation, seed: int = 0) -> Estimate:
    """One run."""
    with _breaches(seen):
        return _learned(method, seen, seed).fuse(seen, torch.Generator().manual_seed(seed))


@contextmanager
def _breaches(seen: Observation) -> Iterator[None]:
    """Any error of a method other than a refusal is a breach that names the input."""
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


def _not_a_cube(where: str, problem: InvalidEstimateError) -> str:
    return f"{where}: {problem}; write return Estimate(cube) with finite values of the shape (bands, rows of the MSI, columns of the MSI)"


def _apart(first: Estimate, second: Estimate) -> float:
    """The largest difference between two results of one method, each part of them against its own largest value."""
    parts = list(zip(_parts(first), _parts(second), strict=False))
    if len(_parts(first)) != len(_parts(second)):
        return torch.inf
    return max(
        float((one - other).detach().abs().max() / one.detach().abs().max().clamp_min(1e-12)) if one.shape == other.shape else torch.inf
        for one, other in parts
    )


def _parts(estimate: Estimate) -> list[Tensor]:
    """Everything that a method gives back."""
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    found = [estimate.cube, None if psf is None else psf.kernel, None if srf is None else srf.weights, std]
    return [part for part in found if part is not None]


def _without_detail(seen: Observation, name: str) -> Observation:
    """The same pair with something else handed over: the PSF turned around, the SRF's bands reversed, the HSI's noise ten times higher."""
    known = seen.known
    if name == "psf":
        return replace(seen, known=replace(known, psf=replace(seen.psf, kernel=_other(seen.psf.kernel))))
    if name == "srf":
        return replace(seen, known=replace(known, srf=replace(seen.srf, weights=seen.srf.weights.flip(1))))
    return replace(seen, known=replace(known, noise=NoiseLevel(10 * seen.noise.hsi, seen.noise.msi)))


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

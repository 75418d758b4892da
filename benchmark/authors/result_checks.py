"""The checks of what a method gives back: the shape of the estimate, its numbers, device and dtype, and what it depends on."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from benchmark.authors.differences import NOTHING, largest_difference
from benchmark.authors.sample_pairs import Lessons, random_pair, usual_pair, usual_ratio, usual_size, usual_whole
from benchmark.authors.trials import (
    BreachError,
    NotApplicableError,
    errors_as_breaches,
    expect_cube,
    fuse_sample,
    fuse_settled,
    learn_from_samples,
    require,
    trial_method,
)
from benchmark.measure.generators import generator_states, generators_kept, seed_generators
from benchmark.measure.validity import settled
from datasets.observation import NoiseLevel, Observation
from methods.catalog import Entry
from methods.contract import RefusedError, awaits_training, learn

BANDS, CHANNELS, RATIOS = (2, 31, 100), (1, 3, 8), (2, 8)
SCALE = 100  # times the largest value of the HSI: a cube that reaches that is in other units, as in 0..255
_CONVERSIONS = (  # what a remark says, and the line that makes it unnecessary
    ("numpy", "return Estimate(torch.from_numpy(cube).to(seen.hsi))"),
    ("gradients", "return Estimate(cube.detach())"),
    (" came on ", "device=seen.hsi.device where tensors are made"),
    (" came in ", "return Estimate(cube.to(seen.hsi))"),
)
_SPELLED = MappingProxyType({"psf": "the PSF", "srf": "the SRF", "noise": "the noise level"})


def check_runs(entry: Entry) -> None:
    """Checks that the method gives an estimate for a pair of the usual size, or of the nearest that its card takes.

    Raises:
        BreachError: it fails, or what it gives is no estimate that can be scored.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    expect_cube(fuse_sample(method, seen), seen, f"given {seen.hsi.shape[0]} bands and {seen.msi.shape[0]} channels, ratio {seen.ratio}")


def check_sizes(entry: Entry) -> None:
    """Checks every pair of a number of bands and a number of channels that the card takes; a run skips the others.

    Raises:
        BreachError: a size fails, or is refused and the card does not say so.
    """
    _, card = trial_method(entry)
    sizes = [size for size in itertools.product(BANDS, CHANNELS) if not card.refusal(*size)]
    for bands, channels in dict.fromkeys([*sizes, usual_size(card)]):
        method, card = trial_method(entry)
        ratio = usual_ratio(card)
        seen = card.entitle(random_pair(bands, channels, ratio=ratio))
        try:
            estimate = fuse_sample(method, seen)
        except BreachError as breach:
            usual = usual_size(card)
            raise BreachError(
                f"{breach}; with {usual[0]} bands and {usual[1]} channels it works: if it is made for these alone, write in Card(...) "
                f"min_bands={usual[0]}, max_bands={usual[0]}, or min_channels={usual[1]}, max_channels={usual[1]}"
            ) from breach
        except RefusedError as refused:
            raise BreachError(
                f"{bands} bands with {channels} channels are refused ({refused}), but the card does not say so: write in Card(...) which "
                "sizes it takes, with min_bands, max_bands, min_channels or max_channels, such as max_channels=3"
            ) from refused
        rows, cols = seen.msi.shape[1:]
        expect_cube(estimate, seen, f"with {bands} bands, {channels} channels, {rows} x {cols} pixels, ratio {ratio}")


def check_ratios(entry: Entry) -> None:
    """Checks few pixels at the ratios 2 and 8, or at those that the card takes.

    Raises:
        BreachError: the estimate cannot be scored, or a ratio is refused and the card does not say so.
    """
    _, card = trial_method(entry)
    ratios = [ratio for ratio in RATIOS if ratio in card.ratios] or card.ratios[:2] if card.ratios else RATIOS
    for ratio in ratios:
        method, card = trial_method(entry)
        coarse = (5, 3) if ratio < 8 else (2, 3)
        seen = card.entitle(random_pair(*usual_size(card), ratio=ratio, coarse=coarse))
        try:
            estimate = fuse_sample(method, seen)
        except RefusedError as refused:
            raise BreachError(
                f"ratio {ratio}: a pair is refused ({refused}), but the card does not say so: write in Card(...) which ratios it takes, "
                "such as ratios=(4,)"
            ) from refused
        expect_cube(estimate, seen, f"at ratio {ratio}, {coarse[0]} x {coarse[1]} coarse pixels")


def check_inputs_kept(entry: Entry) -> str | None:
    """Checks that the pair stays as it was, and that no memory is shared with it; the advice is on global generators that are used.

    Raises:
        BreachError: the pair was changed, or memory is shared.
    """
    method, card = trial_method(entry)
    seen = usual_pair(card)
    before = [image.clone() for image in (seen.hsi, seen.msi, seen.wavelengths)]
    with errors_as_breaches(seen), generators_kept(seen.hsi.device):
        seed_generators(0, seen.hsi.device)
        states = generator_states()
        lessons = Lessons(card, seen) if awaits_training(method) else ()
        fitted = learn(method, seen, torch.Generator().manual_seed(0), lessons)
        estimate = settled(fitted.fuse(seen, torch.Generator().manual_seed(0)), seen.hsi).estimate
        used = [name for name, state in generator_states().items() if state != states[name]]
    for name, image, copy in zip(("hsi", "msi", "wavelengths"), (seen.hsi, seen.msi, seen.wavelengths), before, strict=True):
        require(torch.equal(image, copy), f"seen.{name} was changed: work on a copy, {name} = seen.{name}.clone()")
        shared = estimate.cube.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
        require(not shared, f"the estimate shares memory with seen.{name}: write return Estimate(cube.clone())")
    if not used:
        return None
    return (
        f"the global generator of {' and '.join(used)} was used: the referee seeds it from the plan's seed, so this is sound; numbers "
        "from the generator that is handed in, as by torch.rand(3, generator=rng), stay the same when a library draws from the global one"
    )


def check_device_and_dtype(entry: Entry) -> str | None:
    """Checks that the estimate is one that the referee can take; the advice says what of it would be converted.

    Raises:
        BreachError: it is no estimate with a cube of floating-point numbers.
    """
    method, card = trial_method(entry)
    remarks: list[str] = []
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        seen = usual_pair(card).to(device)
        with errors_as_breaches(seen):
            given = fuse_settled(learn_from_samples(method, seen), seen)
        expect_cube(given.estimate, seen, f"given a pair on {device}")
        remarks += given.remarks
    largest, expected = (float(part.abs().max()) for part in (given.estimate.cube, seen.hsi))
    if largest > SCALE * expected:
        return (
            f"the cube reaches {largest:.3g}, and the HSI {expected:.3g}: write it in the units of the pair, such as Estimate(cube / 255) "
            "where the method works in 0..255"
        )
    if not remarks:
        return None
    lines = dict.fromkeys(line for word, line in _CONVERSIONS for remark in remarks if word in remark)
    return f"{'; '.join(dict.fromkeys(remarks))}: the referee converts it, and the record says so; to spare that, write {', '.join(lines)}"


def check_withholding(entry: Entry) -> None:
    """Checks that the method uses what its card asks for, and works without the rest.

    Raises:
        BreachError: something that the card asks for changes nothing, or the method fails without what the card does not ask for.
    """
    method, card = trial_method(entry)
    whole = usual_whole(card)
    fuse_sample(method, card.entitle(whole))
    for name in card.needs:
        changed = _with_another(whole, name)
        change = largest_difference(fuse_sample(method, card.entitle(whole)), fuse_sample(method, card.entitle(changed)))
        require(
            change > NOTHING,
            f"the card asks for {_SPELLED[name]}, but another one changes nothing: write needs_{name}=False in Card(...)",
        )


def _with_another(seen: Observation, name: str) -> Observation:
    """The same pair with another PSF (turned around), SRF (bands reversed) or noise level (ten times as high on the HSI) to be known."""
    known = seen.known
    if name == "psf":
        kernel = seen.psf.kernel.flip(0, 1) + torch.eye(*seen.psf.kernel.shape)
        return replace(seen, known=replace(known, psf=replace(seen.psf, kernel=kernel / kernel.sum())))
    if name == "srf":
        return replace(seen, known=replace(known, srf=replace(seen.srf, weights=seen.srf.weights.flip(1))))
    return replace(seen, known=replace(known, noise=NoiseLevel(10 * seen.noise.hsi, seen.noise.msi)))


def check_degenerate_pairs(entry: Entry) -> None:
    """Checks an all-black and a constant pair.

    Raises:
        BreachError: one of them gives NaN or infinite values.
    """
    method, card = trial_method(entry)
    whole = usual_whole(card)
    for what, hsi, msi in (
        ("an all-black pair", torch.zeros_like(whole.hsi), torch.zeros_like(whole.msi)),
        ("a constant pair", torch.full_like(whole.hsi, 0.5), torch.full_like(whole.msi, 0.5)),
    ):
        cube: Tensor = fuse_sample(method, card.entitle(replace(whole, hsi=hsi, msi=msi))).cube
        bad = int((~torch.isfinite(cube)).sum())
        require(
            bad == 0,
            f"{what} gave {bad} NaN or infinite values of {cube.numel()}: keep every divisor above 0, such as x / norm.clamp_min(1e-12)",
        )


def check_blind_form(entry: Entry) -> None:
    """Checks the method behind an estimator of PSF and SRF.

    Raises:
        NotApplicableError: the card asks for neither.
        BreachError: the estimate cannot be scored, or comes without the estimated responses.
    """
    if not {"psf", "srf"} & set(trial_method(entry)[1].needs):
        raise NotApplicableError("its card asks for neither PSF nor SRF")
    method, card = trial_method(entry, {"blind": "hysure"})
    seen = usual_pair(card)
    estimate = fuse_sample(method, seen)
    expect_cube(estimate, seen, "with blind = 'hysure'")
    require(
        estimate.psf is not None and estimate.srf is not None,
        "with blind = 'hysure' no responses come back with the cube: write return Estimate(cube) at the end of `fuse`",
    )

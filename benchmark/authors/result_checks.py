"""The checks of what a method gives back: the shape of the estimate, its numbers, device and dtype, and what it depends on."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from benchmark.authors.differences import NOTHING, largest_difference
from benchmark.authors.sample_pairs import USUAL_SIZE, random_pair
from benchmark.authors.trials import NotApplicableError, expect_cube, fuse_sample, require, trial_method
from datasets.observation import NoiseLevel, Observation
from datasets.settings import configure
from methods.catalog import Entry
from methods.contract import RefusedError

BANDS, CHANNELS = (2, 31, 100), (1, 3, 8)
_SPELLED = MappingProxyType({"psf": "the PSF", "srf": "the SRF", "noise": "the noise level"})


def check_sizes(entry: Entry) -> None:
    """Checks every pair of a number of bands and a number of channels.

    Raises:
        BreachError: a size fails, or is refused and the card does not say so.
    """
    for bands, channels in itertools.product(BANDS, CHANNELS):
        method, card = trial_method(entry)
        seen = card.entitle(random_pair(bands, channels))
        refusal = card.refusal(bands, channels)
        try:
            estimate = fuse_sample(method, seen)
        except RefusedError as refused:
            size = f"{bands} bands with {channels} channels"
            require(
                bool(refusal),
                f"{size} are refused ({refused}), but the card does not say so: write in Card(...) which sizes it takes, with min_bands, "
                "max_bands, min_channels or max_channels, such as max_channels=3",
            )
            continue
        expect_cube(estimate, seen, f"with {bands} bands, {channels} channels, 16 x 24 pixels, ratio 4")


def check_ratios(entry: Entry) -> None:
    """Checks the ratios 2 and 8 on few pixels.

    Raises:
        BreachError: the estimate cannot be scored.
    """
    for ratio, coarse in ((2, (5, 3)), (8, (2, 3))):
        method, card = trial_method(entry)
        seen = card.entitle(random_pair(*USUAL_SIZE, ratio=ratio, coarse=coarse))
        expect_cube(fuse_sample(method, seen), seen, f"at ratio {ratio}, {coarse[0]} x {coarse[1]} coarse pixels")


def check_inputs_kept(entry: Entry) -> None:
    """Checks that the pair and torch's global generator stay as they were, and that no memory is shared with the pair.

    Raises:
        BreachError: one of them was changed, or memory is shared.
    """
    method, card = trial_method(entry)
    seen = card.entitle(random_pair(*USUAL_SIZE))
    before = [image.clone() for image in (seen.hsi, seen.msi, seen.wavelengths)]
    state = torch.get_rng_state()
    estimate = fuse_sample(method, seen)
    for name, image, copy in zip(("hsi", "msi", "wavelengths"), (seen.hsi, seen.msi, seen.wavelengths), before, strict=True):
        require(torch.equal(image, copy), f"seen.{name} was changed: work on a copy, {name} = seen.{name}.clone()")
        shared = estimate.cube.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
        require(not shared, f"the estimate shares memory with seen.{name}: write return Estimate(cube.clone())")
    require(
        torch.equal(state, torch.get_rng_state()),
        "torch's global generator was used: draw from the one that is handed in, such as torch.rand(3, generator=rng)",
    )


def check_device_and_dtype(entry: Entry) -> None:
    """Checks that the estimate has the pair's device and dtype, and carries no gradients.

    Raises:
        BreachError: it has another device or dtype, or carries gradients.
    """
    method, card = trial_method(entry)
    seen = card.entitle(random_pair(*USUAL_SIZE))
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        cube = fuse_sample(method, seen.to(device)).cube
        require(
            cube.device.type == device,
            f"given a pair on {device}, the estimate is on {cube.device}: write device=seen.hsi.device where tensors are made",
        )
        require(
            cube.dtype == torch.float32,
            f"given a pair of float32, the estimate is {cube.dtype}: write return Estimate(cube.to(seen.hsi))",
        )
        require(not cube.requires_grad, "the estimate still carries gradients: write return Estimate(cube.detach())")


def check_withholding(entry: Entry) -> None:
    """Checks that the method uses what its card asks for, and works without the rest.

    Raises:
        BreachError: something that the card asks for changes nothing, or the method fails without what the card does not ask for.
    """
    method, card = trial_method(entry)
    whole = random_pair(*USUAL_SIZE)
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
    whole = random_pair(*USUAL_SIZE)
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


def check_detached_deviation(entry: Entry) -> None:
    """Checks that a stated standard deviation carries no gradients.

    Raises:
        NotApplicableError: the method states none.
        BreachError: it carries gradients.
    """
    method, card = trial_method(entry)
    estimate = fuse_sample(method, card.entitle(random_pair(*USUAL_SIZE)))
    if estimate.std is None:
        raise NotApplicableError("it states no standard deviation")
    require(
        not estimate.std.requires_grad,
        "the standard deviation still carries gradients: write return Estimate(cube.detach(), std=std.detach())",
    )


def check_blind_form(entry: Entry) -> None:
    """Checks the method behind an estimator of PSF and SRF.

    Raises:
        NotApplicableError: the card asks for neither.
        BreachError: the estimate cannot be scored, or comes without the estimated responses.
    """
    if not {"psf", "srf"} & set(trial_method(entry)[1].needs):
        raise NotApplicableError("its card asks for neither PSF nor SRF")
    kind = entry.load()
    parameters = {**kind.trial, "blind": "hysure"}
    method = configure(entry.form(parameters), parameters)
    seen = method.describe().entitle(random_pair(*USUAL_SIZE))
    estimate = fuse_sample(method, seen)
    expect_cube(estimate, seen, "with blind = 'hysure'")
    require(
        estimate.psf is not None and estimate.srf is not None,
        "with blind = 'hysure' no responses come back with the cube: write return Estimate(cube) at the end of `fuse`",
    )

"""Facts on methods/unsupervised/spectralift/method.py. Oracles: NumPy, autograd, the authors' parameter count, a known scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from datasets.degradation import SpectralResponse
from datasets.observation import Known, Observation, WithheldError
from methods.contract import Example, ParameterCount, learn
from methods.interpolation.bicubic import Method as Bicubic
from methods.numerics.networks.fitting import minimise, one_cycle
from methods.unsupervised.spectralift.method import FittedSpectraLift, Method, inversion_network
from tests.rounding import apart, near


def pair_with_srf(bands: int = 7, channels: int = 3, size: tuple[int, int] = (4, 6), ratio: int = 4, dtype: torch.dtype = torch.float32):
    """Two smooth materials mixed at random, box sampled; the truth comes too."""
    generator = torch.Generator().manual_seed(bands)
    curves = torch.rand(channels, bands, generator=generator, dtype=dtype)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    grid = torch.linspace(0, 1, bands, dtype=dtype)
    spectra = torch.stack([0.2 + 0.6 * grid, 0.7 - 0.5 * grid**2], dim=1)
    share = torch.rand(size[0] * ratio, size[1] * ratio, generator=generator, dtype=dtype)
    truth = torch.einsum("bs,shw->bhw", spectra, torch.stack([share, 1 - share]))
    hsi = torch.nn.functional.avg_pool2d(truth, ratio)
    centre = (ratio - 1) / 2
    return Observation(hsi, srf(truth), torch.linspace(400, 700, bands), ratio, (centre, centre), Known(None, srf)), truth


def network_by_numpy(weights: Sequence[torch.Tensor], pixel: np.ndarray) -> np.ndarray:
    w = [tensor.double().numpy() for tensor in weights]

    def dense(layer: int, values: np.ndarray) -> np.ndarray:
        sums = w[2 * layer] @ values + w[2 * layer + 1]
        return np.where(sums > 0, sums, 0.3 * sums)

    h1 = dense(0, pixel)
    h2 = dense(1, h1) + h1
    h3 = dense(2, h2)
    h4 = dense(3, h3) + h2
    h5 = dense(4, h4)
    h6 = dense(5, h5) + h4
    return w[12] @ h6 + w[13]


def fitted_for(bands: int, channels: int, **parameters: int | bool) -> tuple[FittedSpectraLift, Observation]:
    seen, _ = pair_with_srf(bands, channels)
    method = Method(epochs=2, **parameters)
    return method.fit([Example(seen)], torch.Generator().manual_seed(0)), seen


def test_there_are_23071_parameters_at_31_bands_and_3_channels_all_used() -> None:
    assert fitted_for(31, 3)[0].parameter_count() == ParameterCount(23071, 23071)


def test_the_network_is_the_one_written_out() -> None:
    fitted, seen = fitted_for(5, 2)
    pixels = seen.msi.flatten(1).T[:11]
    result = inversion_network(fitted.weights, pixels)
    expected = np.stack([network_by_numpy(fitted.weights, pixel.double().numpy()) for pixel in pixels])
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-6)


def test_every_pixel_of_the_msi_goes_through_the_network_however_many_there_are() -> None:
    fitted, _ = fitted_for(5, 2, clip=False)
    msi = torch.rand(2, 96, 132, generator=torch.Generator().manual_seed(1))  # more than one chunk, not a multiple of it
    seen = Observation(torch.zeros(5, 24, 33), msi, torch.linspace(400, 700, 5), 4, (1.5, 1.5))
    expected = inversion_network(fitted.weights, msi.flatten(1).T).T.reshape(5, 96, 132)
    assert torch.allclose(fitted.fuse(seen, torch.Generator()).cube, expected, atol=1e-6)


def test_the_start_is_glorot_uniform_with_zero_biases_and_drawn_from_the_generator() -> None:
    seen, _ = pair_with_srf(31, 3)
    still = Method(epochs=1, first_rate=0.0, peak_rate=0.0, last_rate=0.0)  # no step moves anything
    weights = still.fit([Example(seen)], torch.Generator().manual_seed(5)).weights
    for matrix, bias in zip(weights[::2], weights[1::2], strict=True):
        limit = (6 / sum(matrix.shape)) ** 0.5
        assert float(bias.abs().max()) == 0
        assert 0.97 * limit < float(matrix.abs().max()) <= limit
        assert float(matrix.std()) == pytest.approx(limit / 3**0.5, rel=0.12)
    other = still.fit([Example(seen)], torch.Generator().manual_seed(6)).weights
    assert not torch.equal(weights[0], other[0])


def test_it_learns_what_autograd_learns_from_the_network_as_it_is_defined() -> None:
    """In float64, where 30 steps blow up the last bits little; on more coarse pixels than the gradient takes at a time."""
    seen, _ = pair_with_srf(5, 2, size=(33, 35), ratio=2, dtype=torch.float64)
    method = Method(epochs=30)
    still = replace(method, epochs=1, first_rate=0.0, peak_rate=0.0, last_rate=0.0)
    start = still.fit([Example(seen)], torch.Generator().manual_seed(4)).weights
    target, pixels = (image.flatten(1).T for image in (seen.hsi, seen.srf(seen.hsi)))
    rates = one_cycle(30, method.first_rate, method.peak_rate, method.last_rate)
    theirs = minimise(lambda weights: (inversion_network(weights, pixels) - target).abs().mean(), start, rates)
    ours = method.fit([Example(seen)], torch.Generator().manual_seed(4)).weights
    for found, expected, first in zip(ours, theirs, start, strict=True):
        near(found, expected, 1e-7)
        assert apart(found, first) > 1e-2


def test_a_scene_that_the_channels_determine_is_learned_from_its_coarse_pixels() -> None:
    seen, truth = pair_with_srf(size=(8, 12))
    rng = torch.Generator().manual_seed(0)
    fused = learn(Method(epochs=300), seen, rng).fuse(seen, rng).cube
    error, floor = ((cube - truth).square().mean().sqrt() for cube in (fused, Bicubic().fuse(seen, rng).cube))
    assert float(error) < 0.3 * float(floor)


def test_one_seed_gives_one_answer_and_inputs_stay_as_they_were() -> None:
    seen, _ = pair_with_srf()
    kept = seen.hsi.clone(), seen.msi.clone()
    cubes = []
    for _ in range(2):
        rng = torch.Generator().manual_seed(3)
        cubes.append(learn(Method(epochs=20), seen, rng).fuse(seen, rng).cube)
    near(cubes[0], cubes[1])
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


def test_learning_never_looks_at_the_msi_nor_at_a_truth() -> None:
    seen, truth = pair_with_srf()
    blinded = replace(seen, msi=torch.zeros_like(seen.msi))
    first, second = (
        Method(epochs=5).fit([example], torch.Generator().manual_seed(2)).weights for example in (Example(seen, truth), Example(blinded))
    )
    for one, other in zip(first, second, strict=True):
        near(one, other)


def test_the_estimate_is_clipped_as_published_unless_told_otherwise() -> None:
    for clip in (True, False):
        fitted, seen = fitted_for(5, 2, clip=clip)
        bright = replace(seen, msi=seen.msi * 50)
        cube = fitted.fuse(bright, torch.Generator()).cube
        assert (float(cube.min()) >= 0 and float(cube.max()) <= 1) is clip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("bands", "channels", "size", "ratio"), [(2, 1, (2, 3), 32), (31, 3, (8, 12), 4), (100, 8, (3, 2), 2)])
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype
) -> None:
    seen, _ = pair_with_srf(bands, channels, size, ratio, dtype)
    rng = torch.Generator().manual_seed(0)
    cube = learn(Method(epochs=3), seen, rng).fuse(seen, rng).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert bool(torch.isfinite(cube).all())


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_a_dead_or_flat_scene_gives_a_finite_cube(level: float) -> None:
    seen, _ = pair_with_srf()
    flat = replace(seen, hsi=torch.full_like(seen.hsi, level), msi=torch.full_like(seen.msi, level))
    rng = torch.Generator().manual_seed(0)
    assert bool(torch.isfinite(learn(Method(epochs=50), flat, rng).fuse(flat, rng).cube).all())


def test_the_card_says_srf_known_and_learned_on_the_scene_from_observations_alone() -> None:
    card = Method().describe()
    assert (card.tier, card.learns, card.supervision) == ("told the colour response", "on the scene", "self")
    seen, _ = pair_with_srf()
    with pytest.raises(WithheldError, match="SRF"):
        learn(Method(epochs=1), seen.withhold(psf=False, srf=True), torch.Generator())


def test_none_or_two_examples_and_no_epochs_are_refused() -> None:
    seen, _ = pair_with_srf()
    for examples in ([], [Example(seen), Example(seen)]):
        with pytest.raises(ValueError, match=f"expected 1 example, got {len(examples)}"):
            Method().fit(examples, torch.Generator())
    with pytest.raises(ValueError, match="epochs"):
        Method(epochs=0)

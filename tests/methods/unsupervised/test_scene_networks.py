"""Facts on the networks learned on one scene: MIAE, M2U-Net, EDIP-Net, DIP, DAEM. Oracles: authors' outputs, published parameter counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import TrainableMethod, learn
from methods.numerics.networks import scene_learning, scene_unet, spectral_streams
from methods.numerics.networks.first_weights import draw_he_weights, glorot_weights, new_network
from methods.numerics.networks.fitting import minimise, steady_then_falling
from methods.numerics.networks.scene_learning import DivergedError, network_iterates
from methods.numerics.sensors.smooth_responses import place_kernel
from methods.unsupervised import c2ff, dip, edipnet, m2unet, miae, spectramorph
from methods.unsupervised.cucanet import coupled_network
from methods.unsupervised.cucanet import method as cucanet
from methods.unsupervised.daem import block_loss, daem_network, parametric_sensors
from methods.unsupervised.daem import method as daem
from tests.rounding import apart, near


def scene_pair(bands: int = 7, channels: int = 3, size: tuple[int, int] = (3, 5), ratio: int = 4) -> tuple[Observation, torch.Tensor]:
    """Two smooth materials in a smooth mixture through a lopsided PSF; float32, not square; the truth comes too."""
    generator = torch.Generator().manual_seed(bands)
    kernel, curves = torch.rand(3, 3, generator=generator), torch.rand(channels, bands, generator=generator)
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    grid = torch.linspace(0, 1, bands)
    spectra = torch.stack([0.2 + 0.6 * grid, 0.7 - 0.5 * grid**2], dim=1)
    share = torch.rand(size[0] * ratio, size[1] * ratio, generator=generator)
    truth = torch.einsum("bs,shw->bhw", spectra, torch.stack([share, 1 - share]))
    return Observation(psf(truth), srf(truth), torch.linspace(400, 700, bands), ratio, psf.centre, Known(psf, srf)), truth


def fixture(shared: Path, name: str) -> dict[str, torch.Tensor]:
    """Input, output and weights of an authors' network; the names without their prefix."""
    file = shared / "parity" / "nets" / f"{name}.npz"
    if not file.is_file():
        pytest.skip(f"needs the parity fixture {file.name}")
    with np.load(file) as arrays:
        return {key.removeprefix("sd:"): torch.from_numpy(arrays[key]) for key in arrays.files}


def count(tensors: Sequence[torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def test_miae_gives_the_authors_output_with_the_authors_weights(shared: Path) -> None:
    kept = fixture(shared, "miae_aenet_stage3_edm80")
    order = ("Y_net/0", "Y_net/2", "Z_net/0", "S0_net/0", "module_list/2/0", "module_list/3/0", "module_list/0/0", "module_list/1/0")
    weights = [part for name in order for part in (kept[f"{name}/weight"][:, :, 0, 0], kept[f"{name}/bias"])] + [kept["edm"][:, :, 0, 0]]
    result = miae.unmixing_network(weights, kept["in0"][0].flatten(1), kept["in1"][0].flatten(1))
    assert torch.allclose(result.reshape(kept["out"][0].shape), kept["out"][0], atol=1e-5)


def test_the_spectral_streams_give_the_authors_output_with_the_authors_weights(shared: Path) -> None:
    kept = fixture(shared, "m2u_two_stream")
    parts = [f"{block}/{part}" for block in range(3) for part in ("begin/0", "stream1/0", "stream2/0", "stream3/0", "end/0")] + ["3"]
    weights = []
    for part in parts:
        weights.append(torch.stack([kept[f"{stream}/{part}/weight"][:, :, 0, 0] for stream in ("lrhsi_stream", "hrmsi_stream")]))
        weights.append(torch.stack([kept[f"{stream}/{part}/bias"] for stream in ("lrhsi_stream", "hrmsi_stream")])[:, :, None])
    result = spectral_streams.two_streams(weights, torch.stack([kept["in0"][0].flatten(1), kept["in1"][0].flatten(1)]))
    expected = kept["out"][0].reshape(result.shape)
    assert torch.allclose(result, expected, atol=1e-5 * float(expected.abs().max()))


def guided_from(kept: Mapping[str, torch.Tensor]) -> scene_unet.GuidedUNet:
    """The guided U-Net with the authors' weights, by name."""
    places = {"late": "late/0"}
    for level in range(5):
        for ours, theirs in (("cube_blocks", "seq1"), ("msi_blocks", "seq2")):
            places |= {f"{ours}.{level}.{part}": f"assist{level + 1}/{theirs}/{part}" for part in (0, 1)}
        places |= {f"gates.{level}.{part}": f"assist{level + 1}/seq3/{part}" for part in (1, 3)}
    for ours, number in (("cube_skips.0", 2), ("cube_skips.1", 1), ("msi_skips.0", 4), ("msi_skips.1", 3)):
        places |= {f"{ours}.{part}": f"skip{number}/{part}" for part in (0, 1)}
    network = scene_unet.GuidedUNet(31, 3, 20)
    network.load_state_dict({f"{ours}.{kind}": kept[f"{theirs}/{kind}"] for ours, theirs in places.items() for kind in ("weight", "bias")})
    return network.eval()


def test_the_guided_unet_gives_the_authors_output_with_the_authors_weights(shared: Path) -> None:
    kept = fixture(shared, "m2u_coupled_u_band20")
    with torch.no_grad():
        assert torch.allclose(guided_from(kept)(kept["in0"], kept["in1"]), kept["out"], atol=1e-5)


def test_parameter_counts_are_the_published_ones() -> None:
    rng, like = torch.Generator().manual_seed(0), torch.zeros(1)
    assert count(miae.draw_miae(31, 3, 80, 3, rng, like)) == 76_240
    assert count(spectral_streams.first_streams(31, 3, rng, like)) == 17_114
    assert count(block_loss.draw_daem(31, 3, rng, like)) == 6_558
    assert count(glorot_weights([4, spectramorph.HIDDEN, 7], rng, like)) == 12_295
    with torch.device("meta"):
        assert count(list(scene_unet.GuidedUNet(54, 8, 260).parameters())) == 14_135_758
        assert 2 * count(list(scene_unet.PlainUNet(54, 240).parameters())) == 12_251_172
        assert count(list(coupled_network.CoupledNetwork(31, 3, (16, 16), (32, 32), attention=True).parameters())) == 1_010_177


def networks() -> dict[str, nn.Module]:
    rng = torch.Generator().manual_seed(0)
    builders: dict[str, Callable[[], nn.Module]] = {
        "guided": lambda: scene_unet.GuidedUNet(7, 3, 40),
        "plain": lambda: scene_unet.PlainUNet(7, 10),
        "skip": lambda: dip.SkipNetwork(7, 2),
    }
    return {
        name: new_network(build, lambda network: draw_he_weights(network, rng), like=torch.zeros(1)) for name, build in builders.items()
    }


@pytest.mark.parametrize("name", ["guided", "plain", "skip"])
def test_gradients_reach_every_parameter_but_biases_before_a_normalisation(name: str) -> None:
    network = networks()[name].double()
    generator = torch.Generator().manual_seed(1)
    inputs = {"guided": (7, 3), "plain": (7,), "skip": (dip.NOISE,)}[name]
    images = [torch.rand(1, size, 12, 20, generator=generator, dtype=torch.float64) for size in inputs]
    (network(*images) * torch.rand(1, 7, 12, 20, generator=generator, dtype=torch.float64)).sum().backward()
    dead = {f"{place}.0.bias" for place, module in network.named_modules() if isinstance(module, nn.Sequential) and _is_normed(module)}
    for parameter_name, parameter in network.named_parameters():
        flows = parameter.grad is not None and float(parameter.grad.abs().max()) > 1e-10
        assert flows is (parameter_name not in dead), parameter_name


def _is_normed(module: nn.Sequential) -> bool:
    return len(module) > 1 and isinstance(module[1], scene_unet.ImageNorm)


def test_gradients_reach_every_parameter_of_the_per_pixel_networks() -> None:
    seen, _ = scene_pair(31)
    rng = torch.Generator().manual_seed(0)
    losses = {
        "miae": (miae.patch_loss(seen, seen.psf, seen.srf, 2, rng), miae.draw_miae(31, 3, 80, 3, rng, seen.hsi)),
        "streams": (spectral_streams.stream_loss(seen, seen.psf, seen.srf), spectral_streams.first_streams(31, 3, rng, seen.hsi)),
        "c2ff": (c2ff.scene_loss(seen, seen.psf, seen.srf, torch.arange(31) % 3), c2ff.draw_c2ff(31, 3, rng, seen.hsi)),
        "spectramorph": (
            lambda weights: (spectramorph.morph(weights, torch.eye(31, 7), seen.msi.flatten(1)) - 0.5).abs().mean(),
            glorot_weights([3, spectramorph.HIDDEN, 7], rng, seen.hsi),
        ),
        "daem": (lambda weights: block_loss.step_loss(weights, [seen], rng), block_loss.draw_daem(31, 3, rng, seen.hsi)),
    }
    for name, (loss, start) in losses.items():
        weights = [tensor.requires_grad_() for tensor in start]
        for place, slope in enumerate(torch.autograd.grad(loss(weights), weights)):
            assert float(slope.abs().max()) > 0, f"{name}, tensor {place}"


METHODS: dict[str, tuple[TrainableMethod, TrainableMethod]] = {  # almost untrained, and a little trained
    "miae": (miae.Method(budget=1e-6), miae.Method(budget=0.02)),
    "m2unet": (m2unet.Method(budget=1e-6, width=10), m2unet.Method(budget=0.01, width=10)),
    "m2unet stages 1-2": (m2unet.Method(budget=1e-6, stages="1-2"), m2unet.Method(budget=0.05, stages="1-2")),
    "edipnet": (edipnet.Method(budget=1e-6, width=10), edipnet.Method(budget=0.005, width=10)),
    "c2ff": (c2ff.Method(budget=1e-6), c2ff.Method(budget=0.02)),
    "cucanet": (cucanet.Method(budget=1e-6), cucanet.Method(budget=0.004)),
    "hyconet": (cucanet.Method(budget=1e-6, attention=False), cucanet.Method(budget=0.004, attention=False)),
    "spectramorph": (spectramorph.Method(budget=1e-6), spectramorph.Method(budget=0.04)),
    "dip": (dip.Method(budget=1e-6), dip.Method(budget=0.03)),
    "daem": (daem.Method(budget=1e-6, learns="on the scene", batch=1), daem.Method(budget=0.25, learns="on the scene", batch=1)),
}


@pytest.mark.parametrize("name", METHODS)
def test_learning_on_a_tiny_scene_brings_the_cube_nearer_to_both_images(name: str) -> None:
    seen, _ = scene_pair()
    apart = []
    for method in METHODS[name]:
        given = method.describe().entitle(seen)
        cube = learn(method, given, torch.Generator().manual_seed(0)).fuse(given, torch.Generator().manual_seed(0)).cube
        apart.append(float((seen.srf(cube) - seen.msi).abs().mean() + (seen.psf(cube) - seen.hsi).abs().mean()))
    assert apart[1] < 0.75 * apart[0]  # edipnet 0.52 to 0.55, m2unet 0.33, the others less than 0.1


@pytest.mark.parametrize("name", METHODS)
def test_one_hundred_bands_and_eight_channels_give_a_finite_cube_and_the_responses_of_a_blind_method(name: str) -> None:
    seen, _ = scene_pair(100, 8, (3, 4))
    method = METHODS[name][0]
    given = method.describe().entitle(seen)
    estimate = learn(method, given, torch.Generator().manual_seed(0)).fuse(given, torch.Generator().manual_seed(0))
    assert estimate.cube.shape == (100, 12, 16)
    assert bool(torch.isfinite(estimate.cube).all())
    for response in (estimate.psf, estimate.srf):
        assert (response is None) is (name in ("dip", "spectramorph"))  # which are told what they need, and estimate nothing


@pytest.mark.parametrize("name", METHODS)
def test_a_reduced_budget_is_said_and_not_ranked_and_the_published_one_is_the_default(name: str) -> None:
    method = METHODS[name][1]
    settings = {field.name: getattr(method, field.name) for field in fields(method) if field.name != "budget"}  # type: ignore[arg-type]
    reduced, published = method.describe(), type(method)(**settings).describe()
    assert "reduced" in reduced.name
    assert reduced.unranked
    assert "reduced" not in published.name
    assert not published.unranked


def test_stages_1_and_2_of_m2unet_are_a_row_of_their_own() -> None:
    assert m2unet.Method(stages="1-2").describe().name == "M2U-Net, stages 1-2"
    assert m2unet.Method().describe().name == "M2U-Net"


def test_a_stage_2_that_diverges_is_an_error_that_says_so() -> None:
    seen, _ = scene_pair()
    with pytest.raises(DivergedError, match=r"stage 2.*diverged.*stream_rate"):
        learn(m2unet.Method(budget=0.01, stages="1-2", stream_rate=1e6), seen, torch.Generator().manual_seed(0))


def test_c2ff_predicts_each_band_from_its_own_channel_and_refines_it_by_all_bands() -> None:
    rng, owner = torch.Generator().manual_seed(0), torch.tensor([2, 0, 0, 1, 2])
    pixels = torch.rand(3, 6, generator=rng)
    weights = [part + 0.1 for part in c2ff.draw_c2ff(5, 3, rng, pixels)][: c2ff.SPECTRAL_TENSORS]
    w, w_bias, v, v_bias, a, a_bias, r1, r1_bias, r2, r2_bias, b, b_bias = (part.double().numpy() for part in weights)
    result = c2ff.coarse_to_fine_network(weights, owner, pixels)
    for place, pixel in enumerate(pixels.double().numpy().T):
        hidden = [np.maximum(w[band_owner] * pixel[band_owner] + w_bias[band_owner], 0) for band_owner in owner.tolist()]
        x = np.array([v[band] @ units for band, units in enumerate(hidden)]) + v_bias
        fine = a @ x + a_bias
        fine = fine + np.maximum(r2 @ np.maximum(r1 @ fine + r1_bias, 0) + r2_bias, 0)
        np.testing.assert_allclose(result[:, place].numpy(), b @ fine + b_bias, rtol=1e-4, atol=1e-5)


def test_the_endmembers_of_a_rank_2_image_rebuild_it_and_are_not_negative() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(6, 2, generator=generator) @ torch.rand(2, 40, generator=generator) / 2
    spectra = spectramorph.factorise(image, 2, 800)
    assert float(spectra.min()) >= 0
    rebuilt = spectra @ torch.linalg.lstsq(spectra, image).solution
    assert float((rebuilt - image).abs().max()) < 0.01 * float(image.max())


@pytest.mark.parametrize("pixels", [1, 16, 17, 45])
def test_the_losses_of_spectramorph_add_up_to_its_mean_absolute_error(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    """Against f(y) = E (B relu(A y + a) + b), written out for each pixel."""
    monkeypatch.setattr(spectramorph, "CACHED", 16)
    rng = torch.Generator().manual_seed(pixels)
    inputs, target, spectra = (torch.rand(shape, generator=rng, dtype=torch.float64) for shape in ((3, pixels), (7, pixels), (7, 2)))
    weights = [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in ((5, 3), (5,), (2, 5), (2,))]
    parts = spectramorph.losses(spectra, inputs, target)
    assert len(parts) == -(-pixels // 16)
    into, into_bias, out, out_bias = (tensor.numpy() for tensor in weights)
    errors = [
        np.abs(spectra.numpy() @ (out @ np.maximum(into @ pixel + into_bias, 0) + out_bias) - wanted).mean()
        for pixel, wanted in zip(inputs.T.numpy(), target.T.numpy(), strict=True)
    ]
    assert float(sum(part(weights) for part in parts)) == pytest.approx(np.mean(errors), rel=1e-12)


def test_c2ff_weighs_two_equal_images_to_themselves() -> None:
    image = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    weights = c2ff.draw_c2ff(5, 3, torch.Generator().manual_seed(1), image)[c2ff.SPECTRAL_TENSORS :]
    assert torch.allclose(c2ff.weigh(weights, image, image), image, atol=1e-6)
    mixed = c2ff.weigh(weights, image, 2 * image)
    assert bool(((mixed >= image - 1e-6) & (mixed <= 2 * image + 1e-6)).all())


@pytest.mark.parametrize("attention", [True, False])
def test_gradients_reach_every_parameter_of_the_coupled_autoencoders(attention: bool) -> None:
    seen, _ = scene_pair()
    fitted = learn(cucanet.Method(budget=1e-3, attention=attention), seen, torch.Generator().manual_seed(0))
    assert isinstance(fitted, cucanet.FittedCUCaNet)
    network = fitted.network.double()
    coupled_network.coupled_loss(seen.to("cpu", torch.float64), fitted.first)(network).backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


def test_the_coupled_decoders_stay_in_0_to_1_and_the_psf_sums_to_1() -> None:
    seen, _ = scene_pair()
    fitted = learn(cucanet.Method(budget=1e-3), seen, torch.Generator().manual_seed(0))
    assert isinstance(fitted, cucanet.FittedCUCaNet)
    for decoder in (fitted.network.endmembers.detach(), fitted.network.msi_decoder.detach()):
        assert 0 <= float(decoder.min()) <= float(decoder.max()) <= 1
    psf = fitted.network.psf.detach()
    assert float(psf.sum()) == pytest.approx(1, abs=1e-5)
    assert float(psf.min()) >= 0


def test_weights_that_are_not_finite_after_learning_are_an_error() -> None:
    with pytest.raises(DivergedError, match=r"a net diverged.*lower the rate"):
        next(network_iterates(nn.Linear(1, 1), lambda net: net(torch.ones(1)).sum() * float("nan"), [1.0], 1, "a net", "lower the rate"))


def test_edipnet_takes_at_each_pixel_the_cube_that_the_srf_brings_nearer_to_the_msi() -> None:
    seen, truth = scene_pair()
    generator = torch.Generator().manual_seed(3)
    first, second = (truth + 0.3 * torch.rand(truth.shape, generator=generator) for _ in range(2))
    result = edipnet.more_consistent(first, second, seen.msi, seen.srf)
    for row in range(truth.shape[1]):
        for col in range(truth.shape[2]):
            errors = [float((seen.srf.weights @ cube[:, row, col] - seen.msi[:, row, col]).norm()) for cube in (first, second)]
            assert torch.equal(result[:, row, col], (first, second)[errors[1] < errors[0]][:, row, col])


def test_daem_fuses_without_noise_unless_asked_for() -> None:
    seen, _ = scene_pair()
    cubes = {}
    for sampled in (False, True):
        method = daem.Method(budget=0.002, learns="on the scene", batch=1, sampled=sampled)
        fitted = learn(method, seen, torch.Generator().manual_seed(0))
        assert isinstance(fitted, daem.FittedDAEM)
        still = replace(fitted, steps=0)
        cubes[sampled] = [still.fuse(seen, torch.Generator().manual_seed(seed)).cube for seed in (0, 1)]
    near(*cubes[False])
    assert apart(*cubes[True]) > 1e-3


def test_daems_network_and_sensors_do_not_learn_from_each_others_losses() -> None:
    seen, _ = scene_pair()
    start = block_loss.draw_daem(7, 3, torch.Generator().manual_seed(0), seen.hsi)
    weights = [tensor.requires_grad_() for tensor in start]
    plain = torch.autograd.grad(block_loss.step_loss(weights, [seen], torch.Generator().manual_seed(1)), weights[:-3])
    psf, _ = parametric_sensors.sensors(start[-3:], seen)
    coarse = replace(psf, boundary="replicate")(seen.msi).detach().flatten(1)
    layers = weights[daem_network.ABUNDANCE_TENSORS : -3]
    inverted = daem_network.spectral_layers(layers, daem_network.abundance_layers(weights, coarse), torch.Generator().manual_seed(1))
    alone = torch.autograd.grad(0.5 * (inverted - seen.hsi.flatten(1)).abs().mean(), weights[:-3])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(plain, alone, strict=True))


@pytest.mark.parametrize("first", [(0, 0), (-1, 1), (2, -2)])
def test_the_matrix_of_daems_blur_is_the_response_placed_there_with_repeated_edges(first: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    image, kernel = torch.rand(2, 12, 20, generator=generator), torch.rand(4, 3, generator=generator)
    kernel = kernel / kernel.sum()
    blurred = (image.flatten(1) @ block_loss.block_blur(kernel, first, 4, (3, 5)).T).view(2, 3, 5)
    assert torch.allclose(blurred, scene_learning.edge_repeating(place_kernel(kernel, first, 4))(image), atol=1e-6)


def test_daems_step_is_the_plain_one() -> None:
    seen, _ = scene_pair()
    seen, rng = seen.to("cpu", torch.float64), torch.Generator().manual_seed(0)
    blocks = [block_loss.random_block(seen, rng) for _ in range(3)]
    weights = block_loss.draw_daem(7, 3, rng, seen.hsi)
    weights[daem_network.ABUNDANCE_TENSORS + daem_network.SPECTRAL_TENSORS - 2].zero_()  # std = 0: the noise does not count
    weights[-1] = torch.tensor([[0.5, 0.0], [0.2, 0.8]]).to(seen.hsi)  # as wide as the window, and lopsided
    for tensor in weights:
        tensor.requires_grad_()

    def network(image: torch.Tensor) -> torch.Tensor:
        values, layers = image[:0], list(zip(weights[:-3:2], weights[1:-3:2], strict=True))
        for place, (matrix, bias) in enumerate(layers[: 1 + len(daem_network.ABUNDANCE) + len(daem_network.MEAN)]):
            joined = torch.cat([values, image]) if place < len(daem_network.ABUNDANCE) else values
            sums = torch.einsum("oi,ihw->ohw", matrix, joined) + bias[:, None, None]
            slope = 0.0 if place == len(daem_network.ABUNDANCE) - 1 else daem_network.SLOPE
            values = torch.where(sums > 0, sums, slope * sums)
        return values

    kernel, first = parametric_sensors.psf_kernel(weights[-1], seen)
    table = parametric_sensors.srf_table(weights[-3], weights[-2], 7)
    expected = torch.zeros(()).to(seen.hsi)
    for block in blocks:
        coarse = scene_learning.strided_blur(block.msi, kernel, first, 4)
        fine = network(block.msi).detach()
        blurred = scene_learning.strided_blur(fine, kernel, first, 4)
        pairs = (
            (0.5, network(coarse.detach()), block.hsi),
            (0.5, blurred, block.hsi),
            (0.2, torch.einsum("cb,bhw->chw", table, fine), block.msi),
            (0.2, torch.einsum("cb,bhw->chw", table, blurred), coarse),
        )
        expected = expected + sum(weight * (one - other).abs().mean() for weight, one, other in pairs) / len(blocks)
    loss = block_loss.step_loss(weights, blocks, rng)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-10)
    learned = [tensor for place, tensor in enumerate(weights) if place not in range(len(weights) - 7, len(weights) - 3)]  # all but std's
    for ours, plain in zip(torch.autograd.grad(loss, learned), torch.autograd.grad(expected, learned), strict=True):
        assert torch.allclose(ours, plain, rtol=1e-8, atol=1e-12)


def test_weight_decay_and_shares_of_the_rate_are_those_of_adam_written_out() -> None:
    rng = np.random.default_rng(0)
    start, targets, shares, decay = [rng.random(3), rng.random(2)], [rng.random(3), rng.random(2)], (1.0, 0.2), 0.3
    expected = []
    for value, target, share in zip(start, targets, shares, strict=True):
        x, mean, square = value.copy(), np.zeros_like(value), np.zeros_like(value)
        for step in range(1, 21):
            gradient = 2 * (x - target) + decay * x
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            size = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            x = x - 0.1 * share * size * mean / (np.sqrt(square) + 1e-8)
        expected.append(x)

    def loss(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack(
            [(value - torch.from_numpy(target)).square().sum() for value, target in zip(parameters, targets, strict=True)]
        ).sum()

    result = minimise(loss, [torch.from_numpy(value) for value in start], [0.1] * 20, epsilon=1e-8, weight_decay=decay, shares=shares)
    for ours, theirs in zip(result, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-10)


@pytest.mark.parametrize("first", [(0, 0), (-1, 1), (2, -2)])
def test_the_strided_blur_is_the_response_placed_there_with_repeated_edges(first: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    image, kernel = torch.rand(2, 12, 20, generator=generator), torch.rand(4, 3, generator=generator)
    kernel = kernel / kernel.sum()
    response = scene_learning.edge_repeating(place_kernel(kernel, first, 4))
    assert torch.allclose(scene_learning.strided_blur(image, kernel, first, 4), response(image), atol=1e-6)


def test_the_learning_rate_is_steady_and_then_falls_linearly_to_0() -> None:
    assert steady_then_falling(2.0, 2, 4) == [2.0, 2.0, 2.0, 1.5, 1.0, 0.5]


def test_chunks_of_pixels_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, _ = scene_pair()
    weights = spectral_streams.first_streams(7, 3, torch.Generator().manual_seed(0), seen.hsi)
    whole = spectral_streams.stream_cubes(weights, seen.msi)
    monkeypatch.setattr(spectral_streams, "CHUNK", 17)
    monkeypatch.setattr(scene_learning, "CHUNK", 17)
    assert torch.allclose(spectral_streams.stream_cubes(weights, seen.msi), whole, atol=1e-5)
    assert torch.equal(scene_learning.by_pixels(lambda x: 2 * x, seen.msi), 2 * seen.msi)
    sizes: list[int] = []
    assert torch.equal(scene_learning.by_pixels(lambda x: (sizes.append(x.shape[1]), 3 * x)[1], seen.msi, chunk=101), 3 * seen.msi)
    assert sizes == [101, 101, 38]

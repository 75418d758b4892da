"""Facts on methods/supervised. Oracles: published parameter counts, the authors' outputs with random weights, NumPy."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchmark.authors.sample_pairs import Lessons, random_example
from methods.catalog import find
from methods.contract import Example, RefusedError
from methods.numerics.networks.first_weights import draw_uniform_weights, new_network
from methods.numerics.networks.fitted_network import FittedNetwork, idle
from methods.numerics.networks.supervised_fitting import SupervisedMethod
from methods.supervised import conssfcnn, fusformer, mhfnet, msdcnn, mstpp, restfnet, ssfcnn, ssrnet, ual
from tests.rounding import near

COUNTS = {
    "ssrnet": 26_041,
    "ssfcnn": 42_253,
    "conssfcnn": 45_415,
    "tfnet": 2_386_801,
    "restfnet": 2_262_131,
    "mstpp": 1_619_625,
    "msdcnn": 539_364,
    "psrt": 247_455,
    "fusformer": 504_463,
    "ual": 7_097_695,
}
NAMES = [name for name, entry in find().items() if entry.family == "supervised"]


def method_of(name: str, **parameters: float | int) -> SupervisedMethod:
    kind = find()[name].load()
    assert issubclass(kind, SupervisedMethod)
    return kind(**parameters)


def untrained(method: SupervisedMethod, bands: int = 31, channels: int = 3, ratio: int = 4) -> nn.Module:
    rng = torch.Generator().manual_seed(0)
    return new_network(lambda: method.build(bands, channels, ratio), lambda built: method.draw(built, rng), like=torch.zeros(1))


def fixture(shared: Path, name: str) -> dict[str, torch.Tensor]:
    with np.load(shared / "parity" / "nets" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def with_weights(network: nn.Module, arrays: Mapping[str, torch.Tensor], names: Mapping[str, str]) -> nn.Module:
    """The network with the authors' tensors under our names; every one of ours must be given."""
    network.load_state_dict({ours: arrays[f"sd:{theirs}"] for ours, theirs in names.items()})
    return network.eval()


def layers(**names: str) -> dict[str, str]:
    return {f"{ours}.{part}": f"{theirs}/{part}" for ours, theirs in names.items() for part in ("weight", "bias")}


def lessons(bands: int = 5, channels: int = 2, coarse: tuple[int, int] = (3, 5)) -> tuple[Sequence[Example], Example]:
    example = random_example(bands, channels, coarse=coarse, seed=1)
    return Lessons(ssrnet.Method.card, example.seen), example


@pytest.mark.parametrize("name", COUNTS)
def test_the_network_has_the_published_number_of_parameters(name: str) -> None:
    assert sum(tensor.numel() for tensor in untrained(method_of(name)).parameters()) == COUNTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_reaches_every_weight_but_those_that_are_said_to_be_idle(name: str) -> None:
    method = method_of(name)
    network = untrained(method, 7, 2).train()
    example = random_example(7, 2, coarse=(4, 6))
    assert example.truth is not None
    method.loss(network, example.seen.hsi[None], example.seen.msi[None], example.truth[None]).backward()
    dead = {id(tensor) for tensor in idle(network)}
    for tensor_name, tensor in network.named_parameters():
        reached = tensor.grad is not None and bool((tensor.grad != 0).any())
        assert reached is (id(tensor) not in dead), tensor_name


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls_on_two_small_examples(name: str) -> None:
    method = method_of(name, batch=2, learning_rate=1e-3, budget=25 / method_of(name).published.steps)
    examples, example = lessons()
    network = new_network(
        lambda: method.build(5, 2, 4), lambda built: method.draw(built, torch.Generator().manual_seed(0)), example.seen.hsi
    )
    history = method.teach(network, examples)
    assert len(history) == 25
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_network_survives_pickling_and_refuses_other_sizes(name: str) -> None:
    kind = type(method_of(name))
    method = kind(**{**kind.trial, "budget": 1 / kind.published.steps, "batch": 1})
    examples, example = lessons()
    fitted = method.fit(examples, torch.Generator().manual_seed(0))
    cube = fitted.fuse(example.seen, torch.Generator().manual_seed(0)).cube
    again = pickle.loads(pickle.dumps(fitted))
    one, other = ((held if isinstance(held, FittedNetwork) else held.trained).network.state_dict() for held in (fitted, again))
    assert all(torch.equal(other[name], weight) for name, weight in one.items())
    near(again.fuse(example.seen, torch.Generator().manual_seed(0)).cube, cube)
    assert not cube.is_inference()
    with pytest.raises(RefusedError, match="5 bands, 2 channels and ratio 4"):
        fitted.fuse(random_example(6, 2).seen, torch.Generator())


@pytest.mark.parametrize("name", NAMES)
def test_fewer_steps_than_published_are_said_in_the_name_and_not_ranked(name: str) -> None:
    method = method_of(name)
    assert bool(method.describe().unranked) is (name == "mstpp")  # a control
    assert method.describe().tier.endswith("; learned from other scenes, with their truth")
    reduced = replace(method, budget=0.02).describe()
    assert "reduced: 0.02 of the published training" in reduced.name
    assert "reduced: 0.02 of the published training" in reduced.unranked


def test_ssrnet_gives_the_cube_of_the_authors_network(shared: Path) -> None:
    arrays = fixture(shared, "ssrnet")
    names = layers(fusion="conv_fus/0", spatial="conv_spat/0", spectral="conv_spec/0") | {"idle_weight": "weight"}
    network = with_weights(ssrnet.Method().build(31, 3, 4), arrays, names)
    assert torch.allclose(network(arrays["in0"], arrays["in1"]), arrays["out"], atol=1e-6)


@pytest.mark.parametrize(("name", "method"), [("ssfcnn", ssfcnn.Method()), ("conssfcnn", conssfcnn.Method(wiring="as released"))])
def test_ssfcnn_and_conssfcnn_give_the_cubes_of_the_released_networks(shared: Path, name: str, method: SupervisedMethod) -> None:
    arrays = fixture(shared, name)
    names = layers(first="lrhr_conv1/0", second="lrhr_conv2/0", third="lrhr_conv3/0")
    network = with_weights(method.build(31, 3, 4), arrays, names)
    assert torch.allclose(network(arrays["in0"], arrays["in1"]), arrays["out"], atol=1e-6)


def test_fusformer_gives_the_cube_of_the_authors_network(shared: Path) -> None:
    arrays = fixture(shared, "fusformer")
    names = layers(**{"embed": "Embedding/0", "refine.0": "refine/0", "refine.2": "refine/2"})
    for ours, theirs, kinds in (("encoder", "T_E", "ad"), ("decoder", "T_D", "aad")):
        for place in range(2 * len(kinds)):
            there = f"{theirs}/layers/{place // len(kinds)}/{place % len(kinds)}/fn"
            names |= layers(**{f"{ours}.{place}.norm": f"{there}/norm"})
            if kinds[place % len(kinds)] == "a":
                names |= {f"{ours}.{place}.to_all.weight": f"{there}/fn/to_qkv/weight"} | layers(
                    **{f"{ours}.{place}.project": f"{there}/fn/to_out/0"}
                )
            else:
                names |= layers(**{f"{ours}.{place}.maps.{part}": f"{there}/fn/net/{number}" for part, number in ((0, 0), (2, 3))})
    network = fusformer.Method().build(31, 3, 4)
    arrays["sd:none"] = network.idle_positions.detach()
    with_weights(network, arrays, names | {"idle_positions": "none"})
    assert torch.allclose(network(arrays["in0"], arrays["in1"]), arrays["out"], atol=1e-5)


def test_uals_adaptor_gives_the_cube_of_the_authors(shared: Path) -> None:
    arrays = fixture(shared, "ual_adaptor")
    names = layers(first="Conv1", second="Conv2", third="Conv3", mask="Conv4", other="Conv5")
    adaptor = with_weights(ual.Adaptor(31), arrays, names)
    assert torch.allclose(adaptor(arrays["in0"]), arrays["out"], atol=1e-6)
    assert sum(tensor.numel() for tensor in adaptor.parameters()) == 43_400


def test_uals_blur_begins_centred_where_the_pair_is_registered_and_frames_the_image() -> None:
    seen = random_example(5, 2, coarse=(3, 5)).seen
    kernel, before, after = ual.first_blur(seen)
    assert kernel.sum().item() == pytest.approx(1)
    for axis in (0, 1):
        place = torch.arange(16, dtype=torch.float64) - before[axis]
        assert (kernel.sum(1 - axis) * place).sum().item() == pytest.approx(seen.phase[axis], abs=0.05)
        size = seen.msi.shape[1 + axis]
        assert (size + before[axis] + after[axis] - 16) // 4 + 1 == seen.hsi.shape[1 + axis]


def test_uals_adaptor_brings_the_cube_nearer_to_the_pair() -> None:
    example = random_example(5, 2, coarse=(3, 5))
    fused = torch.full_like(example.seen.msi[:1], 0.3).repeat(5, 1, 1)
    distance = []
    for steps in (1, 200):
        adaptor = ual.learn_adaptor(fused, example.seen, steps, torch.Generator().manual_seed(0))
        distance.append((example.seen.srf(adaptor(fused[None])[0]) - example.seen.msi).abs().mean().item())
    assert distance[1] < distance[0]


def test_a_shorter_adaptor_is_said_in_the_name() -> None:
    card = ual.Method(adaptor_steps=15).describe()
    assert "15 of 1500" in card.name
    assert card.unranked
    assert ual.Method().describe().unranked == ""


def test_fusformer_refuses_more_pixels_than_it_states_and_counts_the_live_parameters() -> None:
    examples, example = lessons()
    fitted = fusformer.Method(budget=1e-6, batch=1, most_pixels=100).fit(examples, torch.Generator().manual_seed(0))
    with pytest.raises(RefusedError, match="at most 100 fine pixels"):
        fitted.fuse(example.seen, torch.Generator())
    whole = FittedNetwork(untrained(fusformer.Method()), fusformer.Method.card, (31, 3, 4)).parameter_count()
    assert (whole.total, whole.inference) == (504_463, 111_247)


def test_restfnets_decoder_is_given_changes_and_its_fusion_the_sums() -> None:
    """The oracle writes the first block of a stream down with functions: what it adds is kept, and the sum goes on."""
    network = untrained(restfnet.Method(), 5, 2)
    assert isinstance(network, restfnet.ResTFNet)
    image = torch.rand(1, 2, 8, 12)
    first, _, change = network.msi_encoder.children()
    assert isinstance(first, nn.Conv2d)
    assert isinstance(change, nn.Sequential)
    start = F.prelu(F.conv2d(image, first.weight, first.bias, padding=1), torch.tensor([0.25]))
    inner = start
    for place in (0, 2):
        inner = F.prelu(F.conv2d(inner, change[place].weight, change[place].bias, padding=1), torch.tensor([0.25]))
    total, kept = network.encoded(network.msi_encoder, image)
    near(kept, inner)
    near(total, start + inner)
    block = restfnet.ResidualBlock(3)
    values = torch.rand(1, 3, 8, 8)
    near(block(values) - values, block.change(values))


def test_uals_planes_are_zero_where_the_branch_is_and_what_is_shared_may_be_negative() -> None:
    network = untrained(ual.Method(), 5, 2)
    assert isinstance(network, ual.UALFusion)
    handed: list[torch.Tensor] = []
    network.info.register_forward_hook(lambda module, inputs, output: handed.extend([inputs[0][0, -3:, 0, 0], output]))
    network(torch.rand(1, 5, 2, 3), torch.rand(1, 2, 8, 12))
    assert [planes.tolist() for planes in handed[::2]] == 2 * [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert all(bool((output < 0).any()) for output in handed[1::2])


def test_mst_plus_plus_mirrors_an_image_until_eight_divides_its_sides() -> None:
    image = torch.rand(1, 2, 12, 20)
    expected = np.pad(image.numpy(), ((0, 0), (0, 0), (0, 4), (0, 4)), mode="reflect")
    assert torch.equal(mstpp.mirrored(image), torch.from_numpy(expected))
    assert mstpp.mirrored(torch.rand(1, 2, 3, 20)).shape == (1, 2, 8, 24)


def test_mst_plus_plus_never_looks_at_the_hsi() -> None:
    network = untrained(mstpp.Method(), 5, 2)
    hsi, msi = torch.rand(1, 5, 3, 5), torch.rand(1, 2, 12, 20)
    near(network(hsi, msi), network(torch.full_like(hsi, torch.nan), msi))  # NaN where a single value of the HSI is read


@pytest.mark.parametrize("wiring", ["as released", "paper"])
def test_msdcnn_has_the_number_of_parameters_on_its_card_and_gradients_reach_all(wiring: msdcnn.Wiring) -> None:
    method = msdcnn.Method(wiring=wiring)
    network = untrained(method)
    count = sum(tensor.numel() for tensor in network.parameters())
    assert f"{count:,}" in method.describe().fidelity
    assert method.describe().name == {"as released": "MSDCNN", "paper": "MSDCNN, as in the paper"}[wiring]
    example = random_example(31, 3, coarse=(3, 5))
    network(example.seen.hsi[None], example.seen.msi[None]).square().sum().backward()
    assert all(bool((tensor.grad != 0).any()) for tensor in network.parameters())


def test_msdcnn_with_a_slope_of_0_and_the_same_kernels_is_the_paper_s_where_both_parts_are_positive() -> None:
    """The two wirings differ in slopes, in one kernel and at the end: without these, they are one network."""
    released, paper = (untrained(msdcnn.Method(wiring=wiring)) for wiring in ("as released", "paper"))
    table = {name: tensor for name, tensor in released.state_dict().items() if tensor.numel() > 1}
    table["deep.3.weight"] = table["deep.3.weight"][..., 2:5, 2:5].clone()
    assert set(table) == set(paper.state_dict())
    with torch.no_grad():
        released.get_parameter("deep.3.weight").zero_()[..., 2:5, 2:5] = table["deep.3.weight"]
        for module in released.modules():
            if isinstance(module, nn.PReLU):
                module.weight.zero_()
        for last in ("shallow.4.bias", "deep.6.bias"):
            table[last] = released.get_parameter(last).fill_(5)
    paper.load_state_dict(table)
    seen = random_example(31, 3, coarse=(3, 5)).seen
    assert torch.allclose(released(seen.hsi[None], seen.msi[None]), paper(seen.hsi[None], seen.msi[None]), atol=1e-5)


def test_mhf_net_has_the_number_of_parameters_on_its_card() -> None:
    count = sum(tensor.numel() for tensor in untrained(mhfnet.Method()).parameters())
    assert f"({count:,} at 31 bands, 3 channels, ratio 4)" in mhfnet.Method.card.fidelity


def test_mhf_net_begins_with_means_and_bilinear_interpolation_at_every_ratio() -> None:
    assert [mhfnet.ratio_factors(ratio) for ratio in (1, 2, 3, 8, 32)] == [[1], [2], [3], [4, 2], [4, 4, 2]]
    for ratio in (2, 3, 4, 6, 8):
        network = untrained(mhfnet.Method(), 5, 2, ratio)
        assert isinstance(network, mhfnet.MHFNet)
        flat = torch.full((1, 5, 4 * ratio, 5 * ratio), 0.3)
        assert torch.allclose(network._shrunk(flat), torch.full((1, 5, 4, 5), 0.3), atol=1e-6)
        ramp = torch.arange(5.0).expand(1, 5, 4, 5)
        for grow in network.stages[0].grows:
            ramp = grow(ramp)
        assert ramp.shape == flat.shape
        middle = ramp[0, 0, 2 * ratio, 2 * ratio : 3 * ratio]
        expected = 2 + (torch.arange(ratio) - (ratio - 1) / 2) / ratio
        assert torch.allclose(middle, expected, atol=1e-5)


def test_mhf_net_takes_the_statistics_of_what_it_is_given() -> None:
    network = untrained(mhfnet.Method(), 5, 2).double()
    hsi, msi = (torch.rand(2, *size, dtype=torch.float64) for size in ((5, 3, 5), (2, 12, 20)))
    near(network.train()(hsi, msi), network.eval()(hsi, msi))


def test_two_layers_of_the_released_conssfcnn_are_dead_and_the_card_says_so() -> None:
    method = conssfcnn.Method(wiring="as released")
    network = untrained(method)
    network(torch.rand(1, 31, 2, 3), torch.rand(1, 3, 8, 12)).sum().backward()
    dead = sum(tensor.numel() for tensor in network.parameters() if tensor.grad is None)
    assert f"{dead:,} at 31 bands" in method.describe().fidelity
    assert method.describe().name.endswith("as released")


def test_the_bands_that_the_msi_replaces_are_spread_from_the_first_to_the_last() -> None:
    assert ssrnet.places(31, 3) == [0, 15, 30]
    assert ssrnet.places(103, 5) == [0, 25, 51, 77, 102]
    assert ssrnet.places(7, 1) == [3]
    assert ssrnet.places(2, 8)[-1] == 1


def test_the_edges_of_ssrnets_loss_are_differences_of_neighbours() -> None:
    method, network = ssrnet.Method(), untrained(ssrnet.Method(), 5, 2)
    example = random_example(5, 2, coarse=(3, 5))
    assert example.truth is not None
    hsi, msi, truth = example.seen.hsi[None], example.seen.msi[None], example.truth[None]
    spatial, cube = network.stages(hsi, msi)
    a, b, t = (image.detach().double().numpy()[0] for image in (spatial, cube, truth))
    expected = ((b - t) ** 2).mean() + ((b[1:] - b[:-1] - t[1:] + t[:-1]) ** 2).mean()
    expected += 0.5 * ((a[:, 1:] - a[:, :-1] - t[:, 1:] + t[:, :-1]) ** 2).mean()
    expected += 0.5 * ((a[:, :, 1:] - a[:, :, :-1] - t[:, :, 1:] + t[:, :, :-1]) ** 2).mean()
    assert method.loss(network, hsi, msi, truth).item() == pytest.approx(expected, rel=1e-5)


def test_patches_are_taken_in_order_a_batch_a_step() -> None:
    asked = []

    class Recording(Sequence[Example]):
        def __len__(self) -> int:
            return 10**9

        def __getitem__(self, index: int) -> Example:  # type: ignore[override]
            asked.append(index)
            return random_example(5, 2, coarse=(2, 3), seed=index)

    ssrnet.Method(budget=3e-4, batch=2).fit(Recording(), torch.Generator().manual_seed(0))
    assert [index for index in asked if 0 < index < 100] == [1, 2, 3, 4, 5]


def test_no_truth_no_examples_and_senseless_budgets_are_errors() -> None:
    example = random_example(5, 2, coarse=(2, 3))
    with pytest.raises(ValueError, match="without"):
        ssrnet.Method(budget=1e-4).fit([replace(example, truth=None)], torch.Generator())
    with pytest.raises(ValueError, match="got none"):
        ssrnet.Method().fit([], torch.Generator())
    for wrong in ({"budget": 0.0}, {"batch": 0}, {"learning_rate": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ssrnet.Method(**wrong)


def test_the_first_weights_are_torchs_own_habit_and_come_from_the_generator() -> None:
    layer, other = nn.ConvTranspose2d(3, 5, 2), nn.ConvTranspose2d(3, 5, 2)
    draw_uniform_weights(layer, torch.Generator().manual_seed(3))
    draw_uniform_weights(other, torch.Generator().manual_seed(3))
    assert torch.equal(layer.weight, other.weight)
    bound = (5 * 4) ** -0.5
    assert 0.8 * bound < layer.weight.abs().max().item() <= bound


def test_an_image_above_the_stated_size_is_refused() -> None:
    seen = random_example(5, 2).seen
    fitted = FittedNetwork(untrained(ssrnet.Method(), 5, 2), ssrnet.Method.card, (5, 2, 4), most_pixels=100)
    with pytest.raises(RefusedError, match="at most 100 fine pixels"):
        fitted.fuse(seen, torch.Generator())

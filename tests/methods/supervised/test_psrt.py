"""Facts on methods/supervised/psrt. Oracles: the authors' outputs with their weights, loops over pixels, lists written out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.authors.sample_pairs import random_example
from datasets.degradation import SpectralResponse
from datasets.observation import Known, Observation
from datasets.sets import cave
from methods.contract import RefusedError, awaits_training
from methods.numerics.networks.first_weights import new_network
from methods.numerics.networks.named_weights import CheckpointError
from methods.supervised.psrt import released_weights
from methods.supervised.psrt.method import Method
from methods.supervised.psrt.psrt_network import (
    PSRT,
    ShuffleBlock,
    WindowLayer,
    from_windows,
    released_name,
    shuffle,
    to_windows,
    unshuffle,
)
from tests.rounding import near

NO_RNG = torch.Generator()


def drawn(bands: int = 7, channels: int = 3, ratio: int = 4) -> PSRT:
    """A network whose weights are not small, so that every part of it shows in the cube."""
    rng = torch.Generator().manual_seed(1)

    def draw(network: nn.Module) -> None:
        for tensor in network.parameters():
            nn.init.normal_(tensor, std=0.3, generator=rng)

    return new_network(lambda: PSRT(bands, channels, ratio), draw, torch.zeros(1)).eval()


def released_table(network: PSRT) -> dict[str, Tensor]:
    return {f"model.{released_name(name)}": tensor.clone() for name, tensor in network.state_dict().items()}


def written(file: Path, table: Mapping[str, Tensor], **others: Any) -> Path:
    """A file of the authors' layout: the tensors beside an epoch and the state of an optimiser."""
    extra = {"epoch": 3, "arch": "AdaTrans", "amp": None, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}}
    torch.save({"state_dict": dict(table), **extra, **others}, file)
    return file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("weights") / "mine.pth.tar", released_table(drawn()))


def colour_pair(order: tuple[int, ...] = (0, 1, 2), coarse: tuple[int, int] = (4, 6), ratio: int = 4) -> Observation:
    """A pair of 7 bands whose channels see red, green and blue, given in this order."""
    seen = random_example(7, 3, coarse=coarse, ratio=ratio).seen
    rows = torch.tensor([[0.0, 0, 0, 0, 0, 0.4, 0.6], [0, 0, 0.25, 0.5, 0.25, 0, 0], [0.7, 0.3, 0, 0, 0, 0, 0]])
    srf = SpectralResponse(rows[list(order)])
    truth = random_example(7, 3, coarse=coarse, ratio=ratio).truth
    assert truth is not None
    return replace(seen, msi=srf(truth), known=Known(None, srf, None))


@pytest.mark.parametrize(
    ("name", "weights", "ratio"), [("psrt_cave_x4_wide", "psrt_cave_x4", 4), ("psrt_cave_x8_square", "psrt_cave_x8", 8)]
)
def test_the_network_gives_the_authors_cube_with_their_weights(shared: Path, data_root: Path, name: str, weights: str, ratio: int) -> None:
    fixture, file = shared / "parity" / "nets" / f"{name}.npz", data_root / "weights" / f"{weights}.pth"
    if not (fixture.is_file() and file.is_file()):
        pytest.skip(f"needs {fixture.name} and the authors' weights {file.name}")
    network = released_weights.load_psrt(file, ratio)
    with np.load(fixture) as arrays, torch.inference_mode():
        lms, msi = (torch.from_numpy(arrays[part])[None] for part in ("lms", "msi"))
        assert torch.allclose(network.refined(lms, msi)[0], torch.from_numpy(arrays["out"]), atol=1e-5)
    card = Method(checkpoint=file).describe()
    assert (card.trained_on, len(card.trained_scenes), card.unranked) == (f"20 scenes of CAVE, x{ratio}", 20, "")


@pytest.mark.parametrize("tile", [1, 2, 4])
def test_shuffling_sorts_tiles_by_even_and_odd_numbers_and_back(tile: int) -> None:
    """The oracle moves pixel by pixel: tile t of 2 n goes to place t / 2 if t is even, and to n + (t - 1) / 2 if it is odd."""
    image = torch.arange(2 * 3 * 24 * 40, dtype=torch.float32).reshape(2, 3, 24, 40)
    moved = torch.full_like(image, -1)

    def place(pixel: int, size: int) -> int:
        number, inside = divmod(pixel, tile)
        return (number // 2 + (size // tile // 2 if number % 2 else 0)) * tile + inside

    for row in range(24):
        for col in range(40):
            moved[:, :, place(row, 24), place(col, 40)] = image[:, :, row, col]
    assert torch.equal(shuffle(image, tile), moved)
    assert torch.equal(unshuffle(moved, tile), image)


def test_windows_hold_neighbours_and_go_back() -> None:
    image = torch.arange(2 * 3 * 8 * 12, dtype=torch.float32).reshape(2, 3, 8, 12)
    tokens = to_windows(image, 4)
    expected = torch.stack([image[1, :, row, col] for row in range(4, 8) for col in range(8, 12)])
    assert torch.equal(tokens[6 + 1 * 3 + 2], expected)  # of the second image, second row and third column of windows
    assert torch.equal(from_windows(tokens, 4, 8, 12), image)


def test_a_layer_attends_with_queries_times_four_in_heads_of_four() -> None:
    """The oracle computes one window and one head after the other in float64 with NumPy."""
    layer = drawn().double().blocks[1].layers[0]
    assert isinstance(layer, WindowLayer)
    image = torch.randn(1, 32, 4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    state = {name: tensor.detach().numpy() for name, tensor in layer.state_dict().items()}

    def normed(values: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(values.var(-1, keepdims=True) + 1e-5)
        return (values - values.mean(-1, keepdims=True)) / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    for window in range(2):
        x = image[0, :, :, 4 * window : 4 * window + 4].numpy().reshape(32, 16).T
        q, k, v = np.split(normed(x, "first_norm") @ state["to_all.weight"].T + state["to_all.bias"], 3, axis=1)
        mixed = np.zeros((16, 32))
        for head in range(8):
            part = slice(4 * head, 4 * head + 4)
            weights = np.exp(4 * q[:, part] @ k[:, part].T)
            mixed[:, part] = weights / weights.sum(1, keepdims=True) @ v[:, part]
        y = x + mixed @ state["project.weight"].T + state["project.bias"]
        wide = torch.from_numpy(normed(y, "second_norm") @ state["dense.0.weight"].T + state["dense.0.bias"])
        y = y + (wide * 0.5 * (1 + torch.erf(wide / 2**0.5))).numpy() @ state["dense.2.weight"].T + state["dense.2.bias"]
        near(layer(image)[0, :, :, 4 * window : 4 * window + 4].reshape(32, 16).T, torch.from_numpy(y))


def test_a_block_adds_its_input_and_the_tail_bends_what_is_below_zero() -> None:
    network = drawn()
    with torch.no_grad():
        for layer in network.blocks.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.zero_()
                layer.bias.zero_()
    image = torch.randn(1, 32, 8, 16)
    block = network.blocks[0]
    assert isinstance(block, ShuffleBlock)
    near(block(image), 2 * image)  # without weights, the three layers pass it on
    coarse, msi = torch.rand(1, 7, 8, 16), torch.rand(1, 3, 8, 16)
    features = 2**6 * torch.nn.functional.conv2d(torch.cat([coarse, msi], 1), network.enter.weight, network.enter.bias, padding=1)
    change = torch.nn.functional.conv2d(features, network.leave.weight, network.leave.bias, padding=1)
    near(network.refined(coarse, msi), coarse + torch.where(change > 0, change, 0.2 * change))


def test_sides_that_eight_does_not_divide_are_padded_by_their_last_pixels() -> None:
    network, coarse, msi = drawn(), torch.rand(1, 7, 12, 20), torch.rand(1, 3, 12, 20)
    wide = [torch.from_numpy(np.pad(image.numpy(), ((0, 0), (0, 0), (0, 4), (0, 4)), mode="edge")) for image in (coarse, msi)]
    near(network.refined(coarse, msi), network.refined(*wide)[..., :12, :20])


def test_the_state_dict_has_the_released_names_and_number_of_weights() -> None:
    names = {"conv.0.weight", "conv.0.bias", "w.conv.weight", "w.conv.bias"}
    parts = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    for pyramid in "01":
        for block in "012":
            for layer in "123":
                names |= {f"w.layers.{pyramid}.layers.{block}.WA{layer}.{part}.{kind}" for part in parts for kind in ("weight", "bias")}
    with torch.device("meta"):
        state = PSRT(31, 3, 4).state_dict()
    assert {released_name(name) for name in state} == names
    assert sum(tensor.numel() for tensor in state.values()) == 247_455
    with pytest.raises(KeyError, match="corresponds"):
        released_name("blocks.0.layers.0.dense.1.weight")


def test_the_training_scenes_of_the_released_weights_are_the_split_of_their_group() -> None:
    """What a method knows by heart and what the data set's file says are two lists: they must agree."""
    for digest, ratio in (("e95c", 4), ("e8ba", 8)):
        facts = next(facts for name, facts in released_weights.RELEASED.items() if name.startswith(digest))
        assert facts.ratio == ratio
        assert set(facts.scenes) == {f"cave/{name}" for name in cave.SET.split("deng-train", None)}
        assert not set(facts.scenes) & {f"cave/{name}" for name in cave.SET.split("deng-test", None)}
    assert all(facts.doubt for facts in released_weights.RELEASED.values() if not facts.scenes)


def test_a_checkpoint_fuses_what_its_network_fuses(checkpoint: Path) -> None:
    method = Method(checkpoint=checkpoint, checkpoint_ratio=4, checkpoint_trained_on="two scenes", checkpoint_scenes=("cave/beads",))
    assert not awaits_training(method)
    card, seen = method.describe(), colour_pair()
    assert (card.trained_on, card.trained_scenes, card.unranked, card.needs) == ("two scenes", ("cave/beads",), "", ("srf",))
    assert (card.min_bands, card.max_bands, card.min_channels, card.max_channels) == (7, 7, 3, 3)
    cube = method.fit([], NO_RNG).fuse(seen, NO_RNG).cube
    near(cube, drawn()(seen.hsi[None], seen.msi[None])[0].detach())


def test_channels_in_another_order_give_the_same_cube_and_channels_without_an_order_are_refused(checkpoint: Path) -> None:
    fitted = Method(checkpoint=checkpoint, checkpoint_ratio=4).fit([], NO_RNG)
    cubes = [fitted.fuse(colour_pair(order), NO_RNG).cube for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0))]
    near(cubes[1], cubes[0])
    near(cubes[2], cubes[0])
    seen = colour_pair()
    alike = SpectralResponse(torch.tensor([[0.0, 0, 0, 0.5, 0, 0.5, 0], [0, 0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0]]))
    with pytest.raises(RefusedError, match=r"at least 1 nm apart.*centres at 800, 800, 400 nm"):
        fitted.fuse(replace(seen, known=Known(None, alike, None)), NO_RNG)


def test_another_ratio_than_that_of_the_weights_is_refused(checkpoint: Path) -> None:
    with pytest.raises(RefusedError, match="ratio 4 of its training, got 7 bands, 3 channels and ratio 2"):
        Method(checkpoint=checkpoint, checkpoint_ratio=4).fit([], NO_RNG).fuse(colour_pair(ratio=2), NO_RNG)


def test_gains_multiply_the_channels_after_they_are_sorted(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = released_weights.TrainedWeights("a set", 4, doubt="unknown scenes", gains=(1.5, 0.5, 2.0))
    monkeypatch.setattr(released_weights, "RELEASED", {released_weights.sha256_of(checkpoint): facts})
    method, seen = Method(checkpoint=checkpoint), colour_pair((1, 2, 0))
    sorted_msi = colour_pair().msi * torch.tensor([1.5, 0.5, 2.0])[:, None, None]
    near(method.fit([], NO_RNG).fuse(seen, NO_RNG).cube, drawn()(seen.hsi[None], sorted_msi[None])[0].detach())
    assert method.describe().unranked == "unknown scenes"
    with pytest.raises(ValueError, match="whose training is known"):
        Method(checkpoint=checkpoint, checkpoint_ratio=4).describe()


def test_a_checkpoint_of_unknown_origin_needs_its_ratio_and_is_not_ranked_without_its_training_set(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="checkpoint_ratio: expected the ratio"):
        Method(checkpoint=checkpoint).describe()
    card = Method(checkpoint=checkpoint, checkpoint_ratio=4).describe()
    assert card.trained_on == "an unstated set (mine.pth.tar)"
    assert "not stated" in card.unranked
    for wrong in ({"checkpoint_ratio": 4}, {"checkpoint": checkpoint, "budget": 0.5}, {"checkpoint": checkpoint, "checkpoint_ratio": 0}):
        with pytest.raises(ValueError, match="expected"):
            Method(**wrong)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.pop("model.w.layers.1.layers.2.WA3.mlp.fc2.bias"), "missing w.layers.1.layers.2.WA3.mlp.fc2.bias"),
        (lambda table: table.update({"model.extra": torch.zeros(2)}), "left over extra"),
        (lambda table: table.update({"model.w.conv.bias": torch.zeros(31)}), r"w.conv.bias is \(31,\), not \(32,\)"),
        (lambda table: table.update({"model.w.conv.bias": torch.full((32,), torch.nan)}), "w.conv.bias holds NaN or Inf"),
        (lambda table: table.pop("model.w.conv.weight"), "expected the tensors w.conv.weight"),
    ],
)
def test_tensors_that_do_not_fit_are_listed(tmp_path: Path, change: Any, said: str) -> None:
    table = released_table(drawn())
    change(table)
    file = written(tmp_path / "other.pth", table)
    with pytest.raises(CheckpointError, match=said):
        Method(checkpoint=file, checkpoint_ratio=4).fit([], NO_RNG)


def test_files_of_another_layout_or_with_code_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"weights": released_table(drawn())}, file)
    with pytest.raises(CheckpointError, match="expected a table with the key 'state_dict' or 'net', got the keys weights"):
        Method(checkpoint=file, checkpoint_ratio=4).describe()
    written(file, released_table(drawn()), callback=print)
    with pytest.raises(CheckpointError, match="which is not loaded"):
        Method(checkpoint=file, checkpoint_ratio=4).describe()


def test_hiftools_layout_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "600.pth"
    torch.save({"net": {name.removeprefix("model."): tensor for name, tensor in released_table(drawn()).items()}, "lr": 1e-4}, file)
    seen = colour_pair()
    cube = Method(checkpoint=file, checkpoint_ratio=4).fit([], NO_RNG).fuse(seen, NO_RNG).cube
    near(cube, drawn()(seen.hsi[None], seen.msi[None])[0].detach())


def test_the_gradient_is_cut_at_the_published_norm() -> None:
    """With one weight far from its place, the length of a plain step tells: AdamW hides it, so the oracle looks at the gradient."""
    method = Method(budget=1 / 244_000, batch=1)
    network, example = drawn(5, 2), random_example(5, 2, coarse=(2, 4))
    for tensor in network.parameters():
        tensor.data.mul_(3)
    method.teach(network, [example])
    total = torch.cat([tensor.grad.flatten() for tensor in network.parameters() if tensor.grad is not None]).norm()
    assert total.item() == pytest.approx(10, rel=1e-3)

"""The authors' file: every name covered, and every wrong file an error that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from datasets.sets import cave
from methods.numerics.networks.named_weights import CheckpointError
from methods.unsupervised.mossfuse.checkpoint import load_network, read_facts, their_name
from methods.unsupervised.mossfuse.method import Method
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork

Table = dict[str, Tensor]


def _their_shape(name: str, tensor: Tensor) -> Tensor:
    """Axes of length 1 where the authors' file has them."""
    if name == "blind.srf":
        return tensor[:, :, None, None]
    if ".se." in name and name.endswith("weight"):
        return tensor[:, :, None, None]
    if ".act.1." in name:
        return tensor[None, None, None]
    return tensor


def _table(network: MossFuseNetwork) -> Table:
    return {f"module.{their_name(name)}": _their_shape(their_name(name), tensor.clone()) for name, tensor in network.state_dict().items()}


def _network(blocks: int = 1) -> MossFuseNetwork:
    torch.manual_seed(1)
    return MossFuseNetwork(5, 2, 4, width=8, blocks=blocks)


def test_names_and_shapes_are_exactly_those_of_the_release(shared: Path) -> None:
    listing = shared / "reference" / "mossfuse_state_dict.txt"
    if not listing.is_file():
        pytest.skip("needs the list of the released tensors")
    rows = [line.split("\t") for line in listing.read_text().splitlines() if not line.startswith("#")]
    expected = {row[0]: row[1] for row in rows}
    table = _table(MossFuseNetwork(31, 3, 32))
    assert {name: str(tuple(tensor.shape)) for name, tensor in table.items()} == expected
    assert len(expected) == 387


def test_facts_of_the_released_file(shared: Path) -> None:
    file = shared / "data" / "weights" / "mossfuse_official_cave_x32.pth"
    if not file.is_file():
        pytest.skip("needs the authors' checkpoint")
    facts = read_facts(file)
    assert (facts.bands, facts.channels, facts.width, facts.depth, facts.ratio) == (31, 3, 48, 1, 32)
    assert facts.trained_on == "CAVE train, x32"


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_network_survives_the_round_through_a_file(tmp_path: Path, blocks: int) -> None:
    network, file = _network(blocks), tmp_path / "weights.pth"
    torch.save({"Model_stage1": _table(network)}, file)
    facts = read_facts(file)
    assert (facts.bands, facts.channels, facts.width, facts.depth, facts.ratio) == (5, 2, 8, blocks, None)
    assert facts.trained_on == "an unstated set (weights.pth)"
    read = load_network(file, ratio=4)
    assert not read.training
    for (name, got), expected in zip(read.state_dict().items(), network.state_dict().values(), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_no_two_tensors_share_a_name(blocks: int) -> None:
    ours = list(MossFuseNetwork(5, 2, 4, width=8, blocks=blocks).state_dict())
    assert len({their_name(name) for name in ours}) == len(ours)


def test_an_unknown_tensor_has_no_name() -> None:
    with pytest.raises(KeyError, match="no module of the released network"):
        their_name("teacher.head.weight")


def _drop(table: Table) -> None:
    del table["module.modelD_HR.fuse.weight"]


def _add(table: Table) -> None:
    table["module.modelD_HR.extra.weight"] = torch.zeros(3)


def _reshape(table: Table) -> None:
    table["module.modelD_HR.fuse.weight"] = torch.zeros(8, 15, 1, 1)


def _transpose(table: Table) -> None:
    table["module.modelD_MSI.fuse.attn.Spectral_Att.spectral_atten.4.weight"] = torch.zeros(9, 8)


def _poison(table: Table) -> None:
    table["module.modelD_HR.fuse.weight"][0, 0] = torch.nan


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (_drop, "missing modelD_HR.fuse.weight"),
        (_add, "left over modelD_HR.extra.weight"),
        (_reshape, r"modelD_HR.fuse.weight is \(8, 15, 1, 1\), not \(8, 16, 1, 1\)"),
        (_transpose, r"spectral_atten.4.weight is \(9, 8\), not \(8, 1\)"),
        (_poison, "modelD_HR.fuse.weight holds NaN or Inf"),
    ],
)
def test_wrong_tensors_are_listed(tmp_path: Path, spoil: Callable[[Table], None], text: str) -> None:
    table, file = _table(_network()), tmp_path / "weights.pth"
    spoil(table)
    torch.save({"Model_stage1": table}, file)
    with pytest.raises(CheckpointError, match=text):
        load_network(file, ratio=4)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"state_dict": {}}, "expected a table with the key 'Model_stage1', got the keys state_dict"),
        ([1, 2], "expected a table with the key 'Model_stage1', got list"),
        ({"Model_stage1": {"module.conv.weight": torch.zeros(3)}}, "expected the tensors modelE_MSI.*got conv.weight"),
        ({"Model_stage1": {}}, "expected the tensors modelE_MSI.*got none"),
    ],
)
def test_another_networks_file_is_told_apart(tmp_path: Path, content: object, text: str) -> None:
    file = tmp_path / "other.pth"
    torch.save(content, file)
    with pytest.raises(CheckpointError, match=text):
        read_facts(file)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 no archive", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_torch_cannot_read_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pth"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"broken.pth: expected a torch file of tensors"):
        read_facts(file)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "code.pth"
    torch.save({"Model_stage1": Path.cwd}, file)
    with pytest.raises(CheckpointError, match="expected a torch file of tensors"):
        read_facts(file)


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent.pth: expected a file, got nothing there"):
        read_facts(tmp_path / "absent.pth")


def test_the_released_weights_name_their_training_scenes(shared: Path) -> None:
    facts = read_facts(shared / "data" / "weights" / "mossfuse_official_cave_x32.pth")
    assert set(facts.trained_scenes) == {f"cave/{scene}" for scene in cave.TRAIN}
    card = Method(checkpoint=shared / "data" / "weights" / "mossfuse_official_cave_x32.pth").describe()
    assert card.trained_scenes == facts.trained_scenes

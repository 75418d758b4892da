"""Our own files of weights: what goes in comes out, and what does not fit is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmark.matrix.plan_file import read_plan
from datasets.data_roots import DataRoots
from methods.contract import Card, FusionMethod
from methods.numerics.networks.named_weights import CheckpointError
from methods.unsupervised.mossfuse.method import Method
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Quirks
from methods.unsupervised.mossfuse.weights_file import load_safetensors_network, read_metadata, read_safetensors_facts, save_weights
from tests.rounding import near

FACTS = {"trained_on": "two scenes, x4", "scenes": '["cave/beads", "cave/cd"]', "seed": "3", "licence": "MIT"}
SHIPPED = sorted((Path(__file__).resolve().parents[4] / "methods" / "unsupervised" / "mossfuse" / "weights").glob("*.safetensors"))


def _network() -> MossFuseNetwork:
    torch.manual_seed(4)
    return MossFuseNetwork(5, 2, 4, width=8, blocks=2, quirks=Quirks(half_pixel_shift=True)).eval()


def _saved(folder: Path) -> Path:
    file = folder / "mine.safetensors"
    save_weights(_network(), file, FACTS)
    return file


def test_the_weights_come_back_to_the_bit_and_the_network_with_its_quirks(tmp_path: Path) -> None:
    network, again = _network(), load_safetensors_network(_saved(tmp_path))
    assert again.quirks == network.quirks
    assert not again.training
    assert again.state_dict().keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    msi, hsi = torch.rand(1, 2, 12, 20), torch.rand(1, 5, 3, 5)
    with torch.no_grad():
        near(again.fused(msi, hsi), network.fused(msi, hsi))


def test_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    facts = read_safetensors_facts(_saved(tmp_path))
    assert (facts.bands, facts.channels, facts.ratio, facts.width, facts.depth) == (5, 2, 4, 8, 2)
    assert facts.trained_on == "two scenes, x4"
    assert facts.trained_scenes == ("cave/beads", "cave/cd")
    assert read_metadata(tmp_path / "mine.safetensors")["seed"] == "3"


def test_the_card_says_what_differs_from_the_authors_training(tmp_path: Path) -> None:
    for place, (parameters, words) in enumerate(
        (
            ({}, "after 7 of 9 steps (the sensors' included); the authors take 245,000"),
            ({"start": "closed form"}, "the authors take 245,000; ours began as a regression in closed form, theirs at random"),
        )
    ):
        file = tmp_path / f"{place}.safetensors"
        save_weights(_network(), file, {**FACTS, "steps": "7 of 9", "parameters": json.dumps(parameters)})
        card = Method(checkpoint=file).describe()
        assert (card.name, card.fidelity.endswith(words)) == ("MossFuse, our weights", True)


@pytest.mark.parametrize("parameters", ["[1]", "{", "3"])
def test_spoilt_parameters_are_refused(tmp_path: Path, parameters: str) -> None:
    file = tmp_path / "mine.safetensors"
    save_weights(_network(), file, {**FACTS, "parameters": parameters})
    with pytest.raises(CheckpointError, match="expected the parameters of the training in the metadata as a JSON object"):
        Method(checkpoint=file).describe()


def test_a_double_network_is_kept_in_single_precision(tmp_path: Path) -> None:
    save_weights(_network().double(), tmp_path / "mine.safetensors", FACTS)
    kinds = {tensor.dtype for tensor in load_file(tmp_path / "mine.safetensors").values()}
    assert kinds == {torch.float32, torch.int64}


def test_facts_cannot_overwrite_those_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got bands, ratio"):
        save_weights(_network(), tmp_path / "mine.safetensors", {**FACTS, "ratio": "8", "bands": "31"})
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_do_not_fit_are_listed(tmp_path: Path) -> None:
    file = _saved(tmp_path)
    tensors, result = load_file(file), read_metadata(file)
    tensors["more"] = torch.zeros(2)
    del tensors["blind.precision_root"]
    tensors["blind.srf_weights"] = torch.ones(3, 5)
    tensors["msi_encoder.embed.weight"][0, 0, 0, 0] = float("nan")
    save_file(tensors, file, result)
    with pytest.raises(CheckpointError) as error:
        load_safetensors_network(file)
    for text in ("missing blind.precision_root", "left over more", "is (3, 5), not (2, 5)", "msi_encoder.embed.weight holds NaN"):
        assert text in str(error.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": "another 1"}, "expected metadata with format"),
        ({"ratio": "four"}, "expected metadata on network and training"),
        ({"scenes": "none"}, "expected metadata on network and training"),
        ({"quirks": '{"unknown": true}'}, "expected the network's quirks"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    file = _saved(tmp_path)
    save_file(load_file(file), file, {**read_metadata(file), **changes})
    with pytest.raises(CheckpointError, match=text):
        load_safetensors_network(file)


def test_a_truncated_file_and_no_file_are_refused(tmp_path: Path) -> None:
    file = _saved(tmp_path)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="expected a whole safetensors file"):
        Method(checkpoint=file).describe()
    with pytest.raises(CheckpointError, match="expected a file, got nothing there"):
        Method(checkpoint=tmp_path / "absent.safetensors").describe()


def test_the_card_of_our_weights_names_their_scenes_and_says_that_they_are_ours(tmp_path: Path) -> None:
    method = Method(checkpoint=_saved(tmp_path))
    card: Card = method.describe()
    assert card.trained_on == "two scenes, x4"
    assert card.trained_scenes == ("cave/beads", "cave/cd")
    assert card.supervision == "self"
    assert "our own" in card.fidelity
    fitted: FusionMethod = method.fit([], torch.Generator())
    assert fitted.describe() == card
    with pytest.raises(ValueError, match=r"checkpoint_ratio: expected 4, for which mine\.safetensors was trained, got 8"):
        Method(checkpoint=tmp_path / "mine.safetensors", checkpoint_ratio=8).fit([], torch.Generator())


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_weights_are_small_whole_and_say_what_they_are(file: Path) -> None:
    assert file.stat().st_size < 3e6
    with safe_open(file, framework="pt") as store:
        result = store.metadata()
    for name in ("trained_on", "scenes", "protocol", "sensor", "seed", "steps", "commit", "licence", "command"):
        assert result[name], name
    assert "/root" not in str(result)
    assert "/tmp" not in str(result)
    protocol = json.loads(result["protocol"])
    assert str(protocol["ratio"]) == result["ratio"]
    assert not any(scene in json.loads(result["validation_scenes"]) for scene in json.loads(result["scenes"]))
    count = Method(checkpoint=file).fit([], torch.Generator()).parameter_count()
    assert (count.total, count.inference) == (585_485, 449_153)


def test_a_plan_finds_shipped_weights_beside_the_method_and_says_what_they_were_trained_on() -> None:
    if not SHIPPED:
        pytest.skip("no weights are shipped")
    plan = read_plan(Path(__file__).resolve().parents[4] / "benchmark" / "plans" / "quick.toml", DataRoots.parse([]))
    cards = [one.card for one in plan.contestants if one.entry.name == "mossfuse"]
    assert [card.name for card in cards] == ["MossFuse, our weights", "MossFuse (30 steps, under-trained)"]
    assert cards[0].trained_on == "18 scenes of CAVE train, x8"
    assert "245,000" in cards[0].fidelity
    assert len(cards[0].trained_scenes) == 18

"""Files of weights that are made to do harm, or promise a network larger than themselves: refused before anything large is built."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from methods.numerics.networks.named_weights import CheckpointError
from methods.unsupervised.mossfuse.checkpoint import load_network, read_facts, their_name
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
from methods.unsupervised.mossfuse.weights_file import load_safetensors_network, read_metadata, read_safetensors_facts, save_weights

FACTS = {"trained_on": "two scenes, x4", "scenes": '["cave/beads", "cave/cd"]'}


def _network() -> MossFuseNetwork:
    torch.manual_seed(4)
    return MossFuseNetwork(5, 2, 4, width=8)


def _table() -> dict[str, Tensor]:
    return {f"module.{their_name(name)}": tensor for name, tensor in _network().state_dict().items()}


def _pth(folder: Path, change: Callable[[dict[str, Tensor]], Any] = lambda table: None) -> Path:
    table = _table()
    change(table)
    torch.save({"Model_stage1": table}, folder / "a.pth")
    return folder / "a.pth"


def _safetensors(folder: Path, **metadata: str) -> Path:
    file = folder / "a.safetensors"
    save_weights(_network(), file, FACTS)
    save_file(load_file(file), file, {**read_metadata(file), **metadata})
    return file


def _refused(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(CheckpointError, match=text) as caught:
        call()
    assert "expected" in str(caught.value)
    assert "got" in str(caught.value)


@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "nothing there", "a device"])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_only_a_regular_file_is_opened(tmp_path: Path, name: str, kind: str) -> None:
    file = tmp_path / name
    if kind == "a FIFO":
        os.mkfifo(file)
    elif kind == "a folder":
        file.mkdir()
    elif kind == "a device":
        file.symlink_to("/dev/zero")
    _refused(lambda: read_facts(file) if name.endswith("pth") else read_metadata(file), kind)


def test_a_file_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = _safetensors(tmp_path), _pth(tmp_path)
    monkeypatch.setenv("HMIF_MAX_GB", "1e-5")
    _refused(lambda: read_metadata(ours), "at most 10000 bytes")
    _refused(lambda: read_facts(theirs), "at most 10000 bytes")


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"depth": "1000000000"}, "metadata on network and training"),
        ({"depth": "100000"}, "expected tensors of 100000 blocks"),
        ({"depth": "3"}, "missing"),
        ({"width": "0"}, "metadata on network and training"),
        ({"width": "7"}, "multiple of 8"),
        ({"width": "100000"}, "expected the .* tensors of MossFuse.* is "),
        ({"width": "1000000000"}, "metadata on network and training"),
        ({"width": "1" * 5000}, "metadata on network and training"),
        ({"bands": "-5"}, "metadata on network and training"),
        ({"bands": "6"}, "is "),
        ({"ratio": "1"}, "ratio"),
        ({"ratio": "1000000000"}, "metadata on network and training"),
        ({"scenes": "[" * 100000}, "metadata on network and training"),
        ({"quirks": "[" * 100000}, "network's quirks"),
        ({"quirks": '{"half_pixel_shift": 3}'}, "network's quirks"),
    ],
)
def test_metadata_that_promise_what_the_file_does_not_hold_are_refused(tmp_path: Path, metadata: dict[str, str], text: str) -> None:
    file = _safetensors(tmp_path, **metadata)
    _refused(lambda: load_safetensors_network(file), text)


def test_a_header_of_safetensors_that_promises_more_than_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    header = {
        "__metadata__": {"format": "hmif-bench mossfuse 1"},
        "a": {"dtype": "F32", "shape": [10**9, 10], "data_offsets": [0, 4 * 10**10]},
    }
    text = json.dumps(header).encode()
    for content in (struct.pack("<Q", len(text)) + text, struct.pack("<Q", 2**62) + text, b"", text):
        file.write_bytes(content)
        for read in (read_metadata, read_safetensors_facts, load_safetensors_network):
            _refused(lambda read=read: read(file), "a whole safetensors file|metadata")


def _deep(table: dict[str, Tensor]) -> None:
    table["module.modelE_MSI.encoder_level1.999999999.norm1.body.weight"] = torch.ones(8)


def _wide(width: int) -> Callable[[dict[str, Tensor]], None]:
    def change(table: dict[str, Tensor]) -> None:
        table["module.modelE_MSI.patch_embed.proj.weight"] = torch.zeros(1).expand(width, 2, 3, 3)

    return change


def _stretched(table: dict[str, Tensor]) -> None:
    table["module.blind.srf"] = torch.ones(1).expand(10**6, 10**6)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_deep, "missing"),
        (_wide(0), "multiple of 8|0"),
        (_wide(7), "multiple of 8"),
        (_wide(10**5), "is "),
        (_wide(10**9), "is |sizes"),
        (_stretched, "repeats 4 bytes|is "),
    ],
)
def test_names_and_shapes_that_promise_what_the_file_does_not_hold_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Tensor]], None], text: str
) -> None:
    file = _pth(tmp_path, change)
    assert file.stat().st_size < 10**6
    _refused(lambda: load_network(file, 4), text)


def _rewritten(file: Path, change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(packed, "w", compression) as after:
        for entry in before.infolist():
            after.writestr(entry.filename, change(entry.filename, before.read(entry)))
    file.write_bytes(packed.getvalue())


def test_a_storage_that_is_shorter_than_the_program_says_is_refused(tmp_path: Path) -> None:
    """torch would read memory beyond it."""
    file = _pth(tmp_path)
    _rewritten(file, lambda name, content: content)
    assert load_network(file, 4).width == 8
    _rewritten(file, lambda name, content: content[:-4] if name.endswith("data/0") else content)
    _refused(lambda: read_facts(file), "bytes of the storage '0'")
    file = _pth(tmp_path)
    _rewritten(
        file,
        lambda name, content: content.replace(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x00?", 1) if name.endswith("data.pkl") else content,
    )
    _refused(lambda: read_facts(file), r"storage '\?', got none")


def test_packed_members_are_refused(tmp_path: Path) -> None:
    file = _pth(tmp_path)
    _rewritten(file, lambda name, content: content, zipfile.ZIP_DEFLATED)
    _refused(lambda: read_facts(file), "members without compression")


class _Planted:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_no_code_of_a_file_runs(tmp_path: Path, protocol: int) -> None:
    mark, file = tmp_path / "ran", tmp_path / "a.pth"
    torch.save({"Model_stage1": OrderedDict(_table()), "more": _Planted(mark)}, file, pickle_protocol=max(protocol, 2))
    _refused(lambda: read_facts(file), "tensors and tables alone")
    torch.save({"Model_stage1": {}, "more": _Planted(mark)}, file, _use_new_zipfile_serialization=False)
    _refused(lambda: read_facts(file), "torch file of tensors")
    file.write_bytes(pickle.dumps(_Planted(mark), protocol))
    _refused(lambda: read_facts(file), "torch file of tensors")
    assert not mark.exists()

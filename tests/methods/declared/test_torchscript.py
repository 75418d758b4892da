"""TorchScript files as methods: what forward is handed, what is refused, and where such a file is loaded. Oracle: plain tensors."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.authors.conformance import examine
from benchmark.authors.sample_pairs import random_pair
from benchmark.matrix.plan_file import read_plan
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from datasets.degradation import SpectralResponse
from datasets.observation import Known, Observation
from datasets.sets import cave
from methods.catalog import BrokenMethodError, find_one
from methods.contract import FusionMethod, RefusedError, TrainableMethod
from methods.declared.kinds import declared_method
from methods.declared.torchscript_kind import TorchScriptError
from methods.declared.torchscript_table import TorchScriptTable
from methods.numerics.networks.named_weights import CheckpointError, sha256_of

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning")  # of writing such files
EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "torchscript" / "sfno_cave_x4.toml"
NO_RNG = torch.Generator()
CARD = 'name = "Net"\nyear = 2020\nrandom = false\nsupervision = "truth"\nlearns = "beforehand"\ntrained_on = "two scenes"\n'


class Repeat(nn.Module):
    """The HSI, each pixel repeated, plus the first channel of the MSI times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, hsi: Tensor, msi: Tensor) -> Tensor:
        wide = hsi.repeat_interleave(msi.size(-2) // hsi.size(-2), -2).repeat_interleave(msi.size(-1) // hsi.size(-1), -1)
        return wide + self.weight * msi.narrow(-3, 0, 1)


class Enlarged(nn.Module):
    """Two results: the MSI, and the enlarged HSI divided by the wavelengths."""

    def forward(self, msi: Tensor, lms: Tensor, wavelengths: Tensor) -> tuple[Tensor, Tensor]:
        return msi, lms / wavelengths[:, None, None]


class Turned(nn.Module):
    """A cube with rows and columns exchanged."""

    def forward(self, lms: Tensor) -> Tensor:
        return lms.transpose(-1, -2)


class Failing(nn.Module):
    """A network that needs sizes which 55 divides."""

    def forward(self, lms: Tensor) -> Tensor:
        return lms.view(5, -1, 11)


def saved(file: Path, network: nn.Module) -> Path:
    torch.jit.save(torch.jit.script(network), file)  # type: ignore[no-untyped-call]  # torch declares no types here
    return file


def spoilt(file: Path) -> None:
    """Writes an archive that looks like a network, and that torch cannot load."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/code/__torch__.py", "class Net(Module):\n  this is no code\n")


def toml(folder: Path, network: nn.Module | None, more: str = 'inputs = ["hsi", "msi"]', card: str = "", ratio: int = 4) -> Path:
    """A TOML file, and beside it the file of the network."""
    if network is not None:
        saved(folder / "net.pt", network)
    file = folder / "mine.toml"
    file.write_text(f'[card]\n{CARD}{card}\n[torchscript]\nfile = "net.pt"\nratio = {ratio}\n{more}\n')
    return file


def fitted(file: Path) -> FusionMethod:
    kind = declared_method(file)
    assert issubclass(kind, TrainableMethod)
    return kind(file=file.parent / "net.pt").fit([], NO_RNG)  # type: ignore[call-arg]  # a field of the class that is made


def nearest(seen: Observation) -> Tensor:
    return torch.from_numpy(np.kron(seen.hsi.numpy(), np.ones((1, seen.ratio, seen.ratio), dtype=np.float32)))


def test_forward_is_handed_the_images_in_the_order_of_the_table(tmp_path: Path) -> None:
    seen = random_pair(7, 2)
    method = fitted(toml(tmp_path, Repeat()))
    assert torch.allclose(method.fuse(seen, NO_RNG).cube, nearest(seen) + 0.5 * seen.msi[:1], atol=1e-6)
    assert method.parameter_count().total == 1
    again = pickle.loads(pickle.dumps(method))
    assert torch.allclose(again.fuse(seen, NO_RNG).cube, nearest(seen) + 0.5 * seen.msi[:1], atol=1e-6)
    in_double = method.fuse(seen.to("cpu", torch.float64), NO_RNG).cube
    assert in_double.dtype == torch.float64
    assert not in_double.is_inference()


def test_a_relative_path_that_leads_nowhere_starts_at_the_toml_file(tmp_path: Path) -> None:
    kind = declared_method(toml(tmp_path, Repeat()))
    assert issubclass(kind, TrainableMethod)
    assert kind().fit([], NO_RNG).parameter_count().total == 1


def test_scale_batch_output_and_the_enlarged_hsi_are_those_of_the_table(tmp_path: Path) -> None:
    seen = random_pair(7, 2)
    more = 'inputs = ["msi", "lms", "wavelengths"]\nscale = 255\nbatch = false\noutput = 1\nenlargement = "bilinear"'
    expected = F.interpolate(seen.hsi[None], scale_factor=4, mode="bilinear")[0] / seen.wavelengths[:, None, None]
    assert torch.allclose(fitted(toml(tmp_path, Enlarged(), more)).fuse(seen, NO_RNG).cube, expected, atol=1e-6)


def test_the_scale_is_taken_out_of_the_cube_and_put_into_both_images(tmp_path: Path) -> None:
    class Bend(nn.Module):
        def forward(self, hsi: Tensor, msi: Tensor) -> Tensor:
            return hsi.repeat_interleave(4, -2).repeat_interleave(4, -1) + msi.narrow(-3, 0, 1) ** 2

    seen = random_pair(7, 2)
    cube = fitted(toml(tmp_path, Bend(), 'inputs = ["hsi", "msi"]\nscale = 10.0')).fuse(seen, NO_RNG).cube
    assert torch.allclose(cube, nearest(seen) + 10 * seen.msi[:1] ** 2, atol=1e-5)


@pytest.mark.parametrize(("order", "first"), [("falling", 1), ("rising", 0)])
def test_channels_are_sorted_by_the_wavelengths_of_the_response(tmp_path: Path, order: str, first: int) -> None:
    seen = random_pair(7, 2)
    srf = SpectralResponse(torch.eye(7)[[2, 5]])
    method = fitted(toml(tmp_path, Repeat(), f'inputs = ["hsi", "msi"]\nchannels = "{order}"', "needs_srf = true"))
    cube = method.fuse(replace(seen, known=Known(None, srf, None)), NO_RNG).cube
    assert torch.allclose(cube, nearest(seen) + 0.5 * seen.msi[first : first + 1], atol=1e-6)


@pytest.mark.parametrize(
    ("more", "ratio", "said"),
    [
        ("multiple = 7", 4, "sides of the MSI that 7 divides.*got 16 x 24"),
        ("least_side = 20", 4, "sides of at least 20 pixels, got 16 x 24"),
        ("most_pixels = 100", 4, "at most 100 pixels, got 384"),
        ("", 2, "the ratio 2 of its training, got 4"),
    ],
)
def test_pairs_that_the_network_does_not_take_are_refused(tmp_path: Path, more: str, ratio: int, said: str) -> None:
    method = fitted(toml(tmp_path, Repeat(), f'inputs = ["hsi", "msi"]\n{more}', ratio=ratio))
    with pytest.raises(RefusedError, match=said):
        method.fuse(random_pair(7, 2), NO_RNG)


@pytest.mark.parametrize(
    ("network", "more", "said"),
    [
        (Turned(), 'inputs = ["lms"]', r"expected a cube of \(7, 16, 24\).*got \(1, 7, 24, 16\)"),
        (Failing(), 'inputs = ["lms"]', r"forward\(lms \(1, 7, 16, 24\)\) failed: .*invalid for input of size"),
        (Enlarged(), 'inputs = ["msi", "lms", "wavelengths"]\noutput = 2', "expected a result number 2, got 2 results"),
        (Repeat(), 'inputs = ["lms"]', "failed"),
    ],
)
def test_a_network_that_fails_or_gives_no_cube_is_said_in_one_sentence(tmp_path: Path, network: nn.Module, more: str, said: str) -> None:
    method = fitted(toml(tmp_path, network, more))
    with pytest.raises(TorchScriptError, match=said):
        method.fuse(random_pair(7, 2), NO_RNG)


def test_too_little_memory_is_a_memory_error(tmp_path: Path) -> None:
    class Hungry(nn.Module):
        def forward(self, lms: Tensor) -> Tensor:
            return lms + torch.zeros(1 << 46).sum()

    with pytest.raises(MemoryError, match="Net: "):
        fitted(toml(tmp_path, Hungry(), 'inputs = ["lms"]')).fuse(random_pair(7, 2), NO_RNG)


def test_files_that_are_no_torchscript_are_refused_with_the_way_out(tmp_path: Path) -> None:
    file = toml(tmp_path, None)
    net = tmp_path / "net.pt"
    with pytest.raises(CheckpointError, match="expected a file, got nothing there"):
        fitted(file)
    torch.save({"weight": torch.zeros(3)}, net)
    with pytest.raises(CheckpointError, match=r"an archive without code.*torch\.jit\.save\(torch\.jit\.trace"):
        fitted(file)
    net.write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match="expected a TorchScript file"):
        fitted(file)
    spoilt(net)
    with pytest.raises(CheckpointError, match="that this torch can load"):
        fitted(file)


def test_a_card_that_speaks_of_one_file_refuses_another(tmp_path: Path) -> None:
    digest = sha256_of(saved(tmp_path / "net.pt", Repeat()))
    file = toml(tmp_path, None, f'inputs = ["hsi", "msi"]\nsha256 = "{digest}"')
    assert fitted(file).describe().trained_on == "two scenes"
    saved(tmp_path / "net.pt", Turned())
    with pytest.raises(CheckpointError, match=f"sha256 {digest}, of which the card of Net speaks"):
        fitted(file)
    with pytest.raises(CheckpointError, match="got another one"):
        declared_method(file)(file=tmp_path / "net.pt").describe()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("card", "more", "said"),
    [
        ("", 'inputs = ["msi"]', r'expected "hsi" or "lms" among them'),
        ("", 'inputs = ["hsi", "hsi"]', "none twice"),
        ("", 'inputs = ["hsi", "pan"]', "inputs: expected"),
        ("", 'inputs = ["hsi"]\nscale = 0', "scale: expected a number above 0"),
        ("", 'inputs = ["hsi"]\nmultiple = 0', "multiple: expected a whole number >= 1"),
        ("", 'inputs = ["hsi"]\nsha256 = "abc"', "sha256: expected 64 digits"),
        ("", 'inputs = ["hsi"]\nratios = 4', "unknown setting 'ratios'"),
        ("", 'inputs = ["hsi", "msi"]\nchannels = "falling"', "needs_srf = true exactly where"),
        ("needs_srf = true", 'inputs = ["hsi", "msi"]', "needs_srf = true exactly where"),
        ("needs_psf = true", 'inputs = ["hsi", "msi"]', "needs_psf and needs_noise to be false"),
    ],
)
def test_tables_that_cannot_be_are_refused_by_their_key(tmp_path: Path, card: str, more: str, said: str) -> None:
    file = toml(tmp_path, None, more, card)
    with pytest.raises(BrokenMethodError, match=said):
        find_one(str(file)).load()


def test_a_card_without_a_training_set_is_refused(tmp_path: Path) -> None:
    file = toml(tmp_path, None)
    file.write_text(file.read_text().replace('trained_on = "two scenes"', ""))
    with pytest.raises(BrokenMethodError, match="state what they were trained on"):
        find_one(str(file)).load()


def test_a_run_loads_the_file_in_cells_alone_and_covers_its_content(tmp_path: Path) -> None:
    """A file that no torch can load is planned, and costs its cell; another network under the same name is another result."""
    cube = np.random.default_rng(0).random((5, 16, 24)).astype(np.float32)
    write_cube(tmp_path / "a.h5", CubeFile(cube, np.linspace(400, 700, 5), "a"))
    toml(tmp_path, Repeat(), 'inputs = ["hsi", "msi"]\nchannels = "falling"', "needs_srf = true", ratio=8)
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'scenes = ["file:{tmp_path}/a.h5"]\nprotocols = ["camera-x8"]\n[[method]]\nname = "mine.toml"\n'
        '[[method]]\nname = "mine.toml"\nlabel = "spoilt"\nparameters = { file = "spoilt.pt" }\n'
    )
    spoilt(tmp_path / "spoilt.pt")

    def go() -> dict[str, tuple[str, str, str]]:
        records = run(read_plan(plan, DataRoots.parse([]), None), RunSettings(tmp_path / "run"), lambda progress: None)
        return {record.label: (record.key, record.outcome, record.reason) for record in records}

    before = go()
    assert before["Net"][1:] == ("scored", "")
    assert before["spoilt"][1] == "failed"
    assert "that this torch can load" in before["spoilt"][2]
    network = Repeat()
    network.weight.data.fill_(0.25)
    saved(tmp_path / "net.pt", network)
    after = go()
    assert after["Net"][0] != before["Net"][0]
    assert after["spoilt"][0] == before["spoilt"][0]
    card = json.loads((tmp_path / "run" / "cells" / f"{after['Net'][0]}.json").read_text())["card"]
    assert (card["trained_on"], card["supervision"]) == ("two scenes", "truth")


@pytest.mark.parametrize("ratio", [2, 4])
def test_check_method_uses_pairs_that_the_network_takes(tmp_path: Path, ratio: int) -> None:
    limits = 'inputs = ["hsi", "msi"]\nchannels = "falling"\nmultiple = 12'
    card = "needs_srf = true\nmin_bands = 31\nmax_bands = 31\nmin_channels = 3\nmax_channels = 3"
    found = list(examine(find_one(str(toml(tmp_path, Repeat(), limits, card, ratio)))))
    assert [finding.problem for finding in found if finding.problem] == []


def test_the_example_states_the_training_scenes_of_its_group(tmp_path: Path) -> None:
    card = declared_method(EXAMPLE).card
    assert set(card.trained_scenes) == {f"cave/{name}" for name in cave.SET.split("dhif-train", None)}
    assert not set(card.trained_scenes) & {f"cave/{name}" for name in cave.SET.split("dhif-test", None)}


def test_sfno_fuses_a_pair_and_refuses_what_it_does_not_take(data_root: Path) -> None:
    file = data_root / "weights" / "sfno_cave_x4_torchscript.pt"
    if not file.is_file():
        pytest.skip("needs weights/sfno_cave_x4_torchscript.pt (run_benchmark.py fetch sfno-cave-x4)")
    kind = declared_method(EXAMPLE)
    assert issubclass(kind, TrainableMethod)
    method = kind(file=file).fit([], NO_RNG)  # type: ignore[call-arg]
    assert method.parameter_count().total == 318_245
    rows = torch.zeros(3, 31)
    rows[0, 20], rows[1, 14], rows[2, 6] = 1, 1, 1
    seen = random_pair(31, 3, coarse=(4, 6))
    known = Known(None, SpectralResponse(rows), None)
    cube = method.fuse(replace(seen, known=known), NO_RNG).cube
    turned = replace(seen, msi=seen.msi.flip(0), known=Known(None, SpectralResponse(rows.flip(0)), None))
    assert torch.allclose(method.fuse(turned, NO_RNG).cube, cube, atol=1e-5)
    with pytest.raises(RefusedError, match="the ratio 4 of its training, got 8"):
        method.fuse(replace(random_pair(31, 3, ratio=8), known=known), NO_RNG)
    with pytest.raises(RefusedError, match=re.escape("that 8 divides, as its network is made for them, got 12 x 24")):
        method.fuse(replace(random_pair(31, 3, coarse=(3, 6)), known=known), NO_RNG)


def test_the_page_names_every_key() -> None:
    page = (EXAMPLE.parents[2] / "torchscript_methods.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert rows == {item.name for item in fields(TorchScriptTable)}

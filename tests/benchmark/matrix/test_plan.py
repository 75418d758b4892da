"""Plans: every typo is an error before anything runs; grids, labels and files."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.runner.resumption import on_scenes
from benchmark.training.training_plan import read_training_plan
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan


def read(world: Path, file: Path, seed: int | None = None) -> Plan:
    return read_plan(file, DataRoots.parse([]), world / "plugins", seed)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (('name = "bicubic"', 'name = "bicubik"'), "did you mean 'bicubic'"),
        (("camera-x8", "camera-x9"), "did you mean 'camera-x8'"),
        (("scenes =", "scens ="), "unknown setting 'scens': did you mean 'scenes'"),
        (("scenes =", "scene ="), "scene: expected"),
        (("[[method]]", '[[protocols]]\nname = "mine"\n\n[[method]]'), "protocols"),
        (("[[method]]", '[[protocol]]\nname = "camera-x8"\n\n[[method]]'), "'camera-x8' is described below .* take it out of protocols"),
        (("builtin/fields", "builtin/field"), "builtin/fields"),
        (('name = "bicubic"', 'name = "rfuse"\nparameters = {rnak = 3}'), "did you mean 'rank'"),
        (('name = "bicubic"', 'name = "rfuse"\nparameters = {rank = "three"}'), "rank: expected a whole number, got 'three'"),
        (('name = "bicubic"', 'name = "rfuse"\ngrid = {rank = 3}'), "expected a list of values"),
        (('name = "bicubic"', 'name = "bicubic"\nlable = "x"'), "did you mean 'label'"),
        (("seeds = [0]", "seeds = [0, 0]"), "expected each once, got '0' twice"),
        (("seeds = [0]", "seeds = []"), "seeds: expected at least one"),
        (("seeds = [0]", "seeds = [0"), "expected TOML"),
        (("seeds = [0]", "time_limit_s = -1"), "above 0"),
        (('["camera-x8"]', '["mossfuse-x8"]'), "fetch nikon_d700"),
        (('name = "bicubic"', 'name = "mossfuse"\nparameters = {checkpoint = "none.pth"}'), "checkpoint: expected a file, looked at"),
    ],
)
def test_a_typo_is_an_error_that_names_the_valid(world: Path, change: tuple[str, str], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HMIF_DATA", raising=False)
    good = 'scenes = ["builtin/fields"]\nprotocols = ["camera-x8"]\nseeds = [0]\n[[method]]\nname = "bicubic"\n'
    assert change[0] in good
    file = world / "plan.toml"
    file.write_text(good)
    read_plan(file, DataRoots.parse([str(world)]))
    file.write_text(good.replace(*change))
    with pytest.raises(PlanError, match=text):
        read_plan(file, DataRoots.parse([str(world)]))


def test_a_missing_plan_is_named(world: Path) -> None:
    with pytest.raises(PlanError, match=r"none\.toml"):
        read(world, world / "none.toml")


def test_a_grid_makes_every_combination_a_row_of_its_own(world: Path) -> None:
    file = plan(
        world, [], '[[method]]\nname = "rfuse"\nparameters = {prior_weight = 1}\ngrid = {rank = [2, 5]}\n[[method]]\nname = "bicubic"'
    )
    contestants = read(world, file).contestants
    assert [entry.label for entry in contestants] == ["R-FUSE (prior_weight=1, rank=2)", "R-FUSE (prior_weight=1, rank=5)", "Bicubic"]
    assert {entry.parameters["prior_weight"] for entry in contestants[:2]} == {1.0}


def test_a_row_without_a_label_names_what_is_not_at_its_default(world: Path) -> None:
    rows = [
        'name = "rfuse"',
        'name = "rfuse"\nparameters = {rank = 400}',
        'name = "rfuse"\nparameters = {blind = "gradient", rank = 7}',
        'name = "rfuse"\nlabel = "mine"\nparameters = {rank = 8}',
    ]
    labels = [entry.label for entry in read(world, plan(world, [], "".join(f"[[method]]\n{row}\n" for row in rows))).contestants]
    assert labels == ["R-FUSE (rank=15)", "R-FUSE (rank=400)", "R-FUSE + gradient blind (rank=7)", "mine"]


def test_a_value_that_the_name_on_the_card_has_is_not_said_twice(world: Path) -> None:
    (row,) = read(world, plan(world, [], '[[method]]\nname = "mossfuse"\nparameters = {steps = 30}')).contestants
    assert "30 steps" in row.label
    assert "steps=30" not in row.label


def test_a_problem_of_many_scenes_is_said_once(world: Path) -> None:
    for name in ("c", "d", "e", "f", "g"):
        (world / f"{name}.h5").write_bytes(b"not a cube")
    with pytest.raises(PlanError) as caught:
        _ = read(world, plan(world, ["bicubic"], scenes=("a", "c", "d", "e", "f", "g"))).identities
    assert str(caught.value).count("expected") == 2  # that of the list, and that of the files
    assert "(the same holds for file/d, file/e, file/f and 1 more)" in str(caught.value)


def test_a_text_without_quotes_is_explained(world: Path) -> None:
    file = world / "plan.toml"
    file.write_text("name = t\n")
    with pytest.raises(PlanError, match="a text stands in quotes"):
        read(world, file)


def test_two_rows_that_cannot_be_told_apart_are_refused(world: Path) -> None:
    with pytest.raises(PlanError, match="'Bicubic' twice"):
        read(world, plan(world, ["bicubic", "bicubic"]))


def test_cells_that_share_an_observation_lie_together(world: Path) -> None:
    cells = read(world, plan(world, ["steady", "cnmf"], "seeds = [0, 1]")).cells("cpu")
    order = [cell.observation_digest for cell in cells]
    assert len(cells) == 8
    assert len({cell.key for cell in cells}) == 8
    assert sum(first != second for first, second in pairwise(order)) == 3


def test_a_seed_that_changes_nothing_is_not_planned(world: Path) -> None:
    text = 'ratio = 8\nphase = 3\npsf = {kind = "box", taps = 8}\nsensor = "rgb_camera"\n'
    extra = f'seeds = [4, 1, 2]\n[[protocol]]\nname = "clean"\n{text}[[protocol]]\nname = "noisy"\nmsi_snr_db = 20\n{text}'
    checked = read(world, plan(world, ["steady", "bicubic"], extra, protocols="[]"))
    cells = checked.cells("cpu")
    counts = Counter((cell.contestant.label, cell.protocol.name) for cell in cells)
    assert counts == {("steady", "clean"): 6, ("steady", "noisy"): 6, ("Bicubic", "clean"): 2, ("Bicubic", "noisy"): 6}
    assert {cell.seed for cell in cells if (cell.contestant.label, cell.protocol.name) == ("Bicubic", "clean")} == {4}
    assert checked.repeats() == 4


def test_a_seed_on_the_command_line_replaces_the_plans(world: Path) -> None:
    assert list(read(world, plan(world, ["steady"], "seeds = [0, 1]"), seed=9).seeds) == [9]


def test_the_shipped_plans_are_valid(data_root: Path) -> None:
    folder = Path(__file__).resolve().parents[3] / "benchmark" / "plans"
    roots = DataRoots.parse([str(data_root)])
    for file in sorted(folder.glob("*.toml")):
        if "_train_" in file.stem:  # a plan of `train`
            assert read_training_plan(file, roots).scenes, file
        else:
            assert read_plan(file, roots).contestants, file


OWN = """
scenes = ["builtin/fields"]
protocols = []
[[method]]
name = "bicubic"
[[protocol]]
name = "mine"
ratio = 4
phase = 1
sensor = "rgb_camera"
"""


@pytest.mark.parametrize("key", ["psf", "given_psf"])
def test_a_kernel_file_lies_beside_the_plan_and_is_read_before_anything_runs(world: Path, key: str) -> None:
    folder = world / "plans"
    folder.mkdir()
    file = folder / "plan.toml"
    other = "" if key == "psf" else 'psf = {kind = "box", taps = 4}\n'
    file.write_text(f'{OWN}{other}{key} = {{kind = "file", path = "k.npy"}}\n')
    with pytest.raises(PlanError, match=r"plan plan\.toml: .*plans/k\.npy: expected a file, got nothing there"):
        read(world, file)
    kernel = np.arange(1.0, 13.0).reshape(3, 4)
    for spoilt in (kernel[0], kernel * 0, kernel.astype(complex)):
        np.save(folder / "k.npy", spoilt)
        with pytest.raises(PlanError, match="expected"):
            read(world, file)
    np.save(folder / "k.npy", kernel)
    (protocol,) = read(world, file).protocols
    assert np.allclose((protocol.psf if key == "psf" else protocol.given_psf).kernel(4), kernel / kernel.sum())


def test_a_plan_may_begin_with_a_byte_order_mark(world: Path) -> None:
    file = plan(world, ["steady"])
    before = read(world, file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    after = read(world, file)
    assert [cell.key for cell in after.cells("cpu")] == [cell.key for cell in before.cells("cpu")]
    assert after.text == before.text
    (world / "training.toml").write_bytes(b"\xef\xbb\xbf[method]\n")
    with pytest.raises(PlanError, match="method"):
        read_training_plan(world / "training.toml", DataRoots.parse([]))


def test_what_the_reader_says_of_a_scene_is_kept_with_its_identity_and_told(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMIF_CACHE", str(world / "cache"))
    rng = np.random.default_rng(5)
    np.savez(world / "pair.npz", HSI=rng.random((16, 24, 31)), MSI=rng.random((64, 96, 3)), wl=np.linspace(400, 700, 31))
    file = world / "plan.toml"
    scene = f"file:{world / 'pair.npz'}?variable=HSI"
    file.write_text(f'scenes = ["{scene}"]\nprotocols = ["camera-x8"]\n[[method]]\nname = "bicubic"\n')
    for _ in range(2):  # the second time out of the cache
        (sentence,) = on_scenes(read(world, file).cells("cpu"))
        assert sentence.startswith("scene file/pair: the file also holds an MSI (MSI), which is not used")

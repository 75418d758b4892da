"""Training by a plan: the folder it leaves, resumption after kill -9, weights that a plan can name, and refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.lock import BusyError, claimed
from benchmark.training.pieces import SourcesChangedError, learning_sources
from benchmark.training.train import CHECKPOINT, WEIGHTS, Trained, TrainingError, train
from benchmark.training.training_plan import read_training_plan
from datasets.data_roots import DataRoots
from reports.figures.training_figures import write_training_figures
from tests.heeded_signals import heed_signals
from tests.rounding import weights_near

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = DataRoots.parse([])
PLAN = """
name = "small"
scenes = ["builtin/still_life", "builtin/textiles"]
validation = ["builtin/textiles"]
protocol = "camera-x8"
patch = 16
patches = {patches}
validation_patches = 2
seed = 5
trained_on = "still life, x8"
licence = "MIT"
[method]
name = "mossfuse"
parameters = {{ blind_steps = 10, average = 0.5 }}
"""


def _write(folder: Path, patches: int = 30, **changes: str) -> Path:
    text = PLAN.format(patches=patches)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "training.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _train(
    plan: Path,
    folder: Path,
    *,
    resume: bool = False,
    limit_s: float | None = None,
    accept_sources: bool = False,
) -> Trained:
    read = read_training_plan(plan, NOWHERE)
    return train(
        read, folder, lambda moment: None, command="train", resume=resume, every_s=0.0, limit_s=limit_s, accept_sources=accept_sources
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole small training; it is only read."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("training")
    result = _train(_write(base), base / "out")
    assert result.finished
    return base / "out"


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, framework="pt") as store:
        return dict(store.metadata())


def test_the_weights_say_how_they_came_about(trained: Path) -> None:
    with safe_open(trained / WEIGHTS, framework="pt") as store:
        found = store.metadata()
    assert json.loads(found["scenes"]) == ["builtin/still_life"]
    assert json.loads(found["validation_scenes"]) == ["builtin/textiles"]
    assert (found["steps"], found["seed"], found["sensor"], found["ratio"]) == ("40 of 40", "5", "rgb_camera", "8")
    assert json.loads(found["protocol"])["name"] == "camera-x8"
    assert found["licence"] == "MIT"


def test_the_curve_and_the_sensors_are_drawn_from_files(trained: Path) -> None:
    curve = pd.read_csv(trained / "curve.csv")
    assert curve["step"].tolist() == [25, 40]
    assert bool(curve["validation aggregation"].notna().iloc[-1])
    drawn = {path.name for path in write_training_figures(trained)}
    assert {"curve.png", "curve.svg", "sensors.pdf"} <= drawn
    sensors = json.loads((trained / "sensors.json").read_text())
    assert len(sensors["true"]["psf"]) == len(sensors["estimated"]["psf"]) == 7
    assert sum(map(sum, sensors["estimated"]["psf"])) == pytest.approx(1)


def test_a_plan_names_the_weights_and_shows_what_they_were_trained_on(trained: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'scenes = ["builtin/textiles"]\nprotocols = ["camera-x8"]\n'
        f'[[method]]\nname = "mossfuse"\nparameters = {{ checkpoint = "{trained / WEIGHTS}" }}\n'
    )
    (contestant,) = read_plan(plan, NOWHERE).contestants
    assert contestant.card.trained_on == "still life, x8"
    assert contestant.card.tier == "told nothing; learned from other scenes, without their truth"
    assert contestant.card.trained_scenes == ("builtin/still_life",)


def test_a_killed_training_goes_on_to_the_same_weights(trained: Path, tmp_path: Path) -> None:
    plan, out = _write(tmp_path), tmp_path / "out"
    command = [sys.executable, str(ROOT / "run_benchmark.py"), "train", "mossfuse", str(plan), "--out", str(out), "--every", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--threads", "1", "--device", "cpu"], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 240
    while not (out / CHECKPOINT).exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (out / CHECKPOINT).exists()
    assert torch.load(out / CHECKPOINT, weights_only=True)["step"] in (25, 40)
    with pytest.raises(TrainingError, match="holds a training that has begun: give --resume"):
        _train(plan, out)
    _train(plan, out, resume=True)
    assert weights_near(load_file(out / WEIGHTS), load_file(trained / WEIGHTS))


def test_weights_of_an_unfinished_training_say_so(tmp_path: Path) -> None:
    result = _train(_write(tmp_path), tmp_path / "out", limit_s=0.0)
    assert not result.finished
    assert {path.stem for path in write_training_figures(tmp_path / "out")} == {"sensors"}  # there is no curve before the first step
    with safe_open(result.weights, framework="pt") as store:
        assert store.metadata()["steps"] == "0 of 40"


def test_another_course_is_refused_in_the_same_folder(tmp_path: Path) -> None:
    _train(_write(tmp_path), tmp_path / "out", limit_s=0.0)
    changed = _write(tmp_path, **{"seed = 5": "seed = 6", "average = 0.5": "average = 0.9"})
    with pytest.raises(TrainingError, match="of another course: parameters, seed changed"):
        _train(changed, tmp_path / "out", resume=True)


def test_other_sources_are_refused_before_the_work_or_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, out = _write(tmp_path), tmp_path / "out"
    _train(plan, out, limit_s=0.0)
    first = _metadata(out / WEIGHTS)
    assert json.loads(first["commits"]) == [f"{first['commit']}{'+' if first['uncommitted_changes'] == 'True' else ''}"]
    sources, file = learning_sources(read_training_plan(plan, NOWHERE).entry), "methods/unsupervised/mossfuse/losses.py"
    monkeypatch.setattr(
        "benchmark.training.train.learning_sources", lambda entry: replace(sources, files={**sources.files, file: "another"})
    )
    with pytest.raises(SourcesChangedError, match=f"differ in {file}"):
        _train(plan, out, resume=True, limit_s=0.0)
    _train(plan, out, resume=True, limit_s=0.0, accept_sources=True)
    (piece,) = json.loads(_metadata(out / WEIGHTS)["pieces"])  # the first one has made no step
    assert piece["sources"] != sources.digest


def test_a_folder_in_which_another_training_is_at_work_is_refused_and_left_alone(tmp_path: Path) -> None:
    plan, out = _write(tmp_path), tmp_path / "out"
    with claimed(out), pytest.raises(BusyError, match=r"no other run uses.*another --out"):
        _train(plan, out)
    assert [file.name for file in out.iterdir()] == [".lock"]
    _train(plan, out, limit_s=0.0)


def test_scenes_of_different_bands_are_refused(tmp_path: Path) -> None:
    plan = _write(tmp_path, **{'validation = ["builtin/textiles"]': 'validation = ["builtin/fields"]'})
    with pytest.raises(TrainingError, match="expected scenes of the same bands, got builtin/still_life of 31 and builtin/fields of"):
        _train(plan, tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('protocol = "camera-x8"', "", "expected either protocol or .protocol_numbers., got neither"),
        ('name = "mossfuse"', 'name = "bicubic"', "method bicubic: expected one that is trained beforehand in pieces"),
        ('name = "mossfuse"', 'name = "mosfuse"', "did you mean 'mossfuse'"),
        ("patches = 30", "patches = 0", "patches: expected a whole number >= 1, got 0"),
        ("seed = 5", "sede = 5", "unknown setting 'sede'"),
        ("average = 0.5", "averge = 0.5", "unknown setting 'averge'"),
        (
            'scenes = ["builtin/still_life", "builtin/textiles"]',
            'scenes = ["builtin/textiles"]',
            "at least one that is not in the validation",
        ),
    ],
)
def test_what_a_training_plan_cannot_mean_is_refused(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        read_training_plan(_write(tmp_path, **{old: new}), NOWHERE)


def test_no_plan_and_no_toml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="expected a TOML file"):
        read_training_plan(tmp_path / "absent.toml", NOWHERE)
    (tmp_path / "bad.toml").write_text("= 3")
    with pytest.raises(PlanError, match="expected TOML"):
        read_training_plan(tmp_path / "bad.toml", NOWHERE)


def test_figures_want_a_curve(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"curve\.csv"):
        write_training_figures(tmp_path)


def _cli(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "run_benchmark.py"), "train", *arguments, "--threads", "1", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=heed_signals
    )


def test_the_weights_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    plan = _write(tmp_path, patches=2)
    process = _cli("mossfuse", str(plan), "--out", str(tmp_path / "deep" / "out"), folder=tmp_path)
    said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    with safe_open(tmp_path / "deep" / "out" / "weights.safetensors", framework="pt") as store:
        facts = store.metadata()
    assert facts["command"].startswith("python run_benchmark.py train mossfuse ")
    assert facts["command"].split()[-6:] == ["--out", "out", "--threads", "1", "--device", "cpu"]
    assert not [name for name, value in facts.items() if str(tmp_path) in value]


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    process = _cli("mossfuse", str(_write(tmp_path, patches=100_000)), "--out", "out", "--every", "0", folder=tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("[25/"):
            process.send_signal(signal.SIGINT)
            break
    assert "keeps the last checkpoint, and the same command with --resume goes on from it" in process.communicate(timeout=240)[1]
    assert process.returncode == 130


def test_the_method_must_be_the_plans(tmp_path: Path) -> None:
    process = _cli("bicubic", str(_write(tmp_path)), folder=tmp_path)
    assert "expected the plan's method mossfuse, got bicubic" in process.communicate()[1]
    assert process.returncode == 2

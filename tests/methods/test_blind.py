"""Facts on methods/blind.py: any method that needs a response, run without it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.authors.sample_pairs import Lessons, random_pair
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from datasets.data_roots import DataRoots
from datasets.observation import Known
from datasets.settings import SettingError, configure, field_values
from methods.adapting import AdaptingMethod, adapted
from methods.blind import NothingToEstimateError
from methods.catalog import find_one
from methods.contract import FusionMethod, TrainableMethod, learn
from methods.numerics.sensors.response_estimators import estimate_responses
from tests.rounding import near


def built(name: str, **parameters: object) -> FusionMethod | TrainableMethod:
    return configure(find_one(name).form(parameters), parameters)


def test_the_estimates_are_handed_over_and_come_back() -> None:
    seen = random_pair(9, 3, coarse=(8, 12))
    blind = built("rfuse", blind="predictability", rank=5)
    assert isinstance(blind, FusionMethod)
    estimate = blind.fuse(seen.withhold(psf=True, srf=True), torch.Generator())
    result = estimate_responses(seen, "predictability")
    informed = built("rfuse", rank=5)
    assert isinstance(informed, FusionMethod)
    expected = informed.fuse(replace(seen, known=Known(result.psf, result.srf)), torch.Generator())
    near(estimate.cube, expected.cube, 1e-4)
    assert estimate.psf is not None
    near(estimate.psf.kernel, result.psf.kernel)
    assert estimate.srf is not None
    near(estimate.srf.weights, result.srf.weights)


def test_the_card_is_blind_and_says_how() -> None:
    card = built("rfuse", blind="hysure").describe()
    assert (card.name, card.tier) == ("R-FUSE + hysure blind", "told nothing")
    assert "HySure's estimator" in card.fidelity
    assert built("spectralift", blind="gradient").describe().tier == "told nothing"


def test_a_method_that_learns_on_the_scene_learns_with_the_estimates() -> None:
    seen = random_pair(9, 3, coarse=(8, 12))
    blind = built("spectralift", blind="hysure", epochs=10)
    fitted = learn(blind, seen.withhold(psf=True, srf=True), torch.Generator().manual_seed(0))
    cube = fitted.fuse(seen.withhold(psf=True, srf=True), torch.Generator()).cube
    result = estimate_responses(seen, "hysure")
    informed = replace(seen, msi=seen.msi / result.gain[:, None, None], known=Known(None, result.srf))
    plain = learn(built("spectralift", epochs=10), informed, torch.Generator().manual_seed(0))
    near(cube, plain.fuse(informed, torch.Generator()).cube)
    assert fitted.describe().tier == "told nothing"
    assert fitted.parameter_count() == plain.parameter_count()
    assert float((result.gain - 1).abs().max()) > 1e-4  # so the division is seen


def test_a_method_that_needs_nothing_refuses_the_parameter() -> None:
    for name, parameters in (("bicubic", {}), ("kriging", {"knows": "nothing"})):
        with pytest.raises(NothingToEstimateError, match="needs neither"):
            built(name, blind="hysure", **parameters).describe()


def test_a_wrong_estimator_is_an_error_that_names_the_right_ones() -> None:
    with pytest.raises(SettingError, match="'hysure', 'gradient', 'predictability'"):
        built("rfuse", blind="guess")


def test_a_blind_method_survives_pickling_with_its_parameters() -> None:
    for name in ("rfuse", "spectralift"):
        method = built(name, blind="gradient")
        again = pickle.loads(pickle.dumps(method))
        assert type(again) is type(method)
        assert field_values(again) == field_values(method)


def plan(folder: Path, methods: str) -> Path:
    file = folder / "plan.toml"
    file.write_text(f'scenes = ["builtin/fields"]\nprotocols = ["camera-x8"]\n{methods}', encoding="utf-8")
    return file


def test_a_plan_asks_for_it_and_the_key_tells_it_apart(tmp_path: Path) -> None:
    text = '[[method]]\nname = "rfuse"\n[[method]]\nname = "rfuse"\ngrid = { blind = ["hysure", "gradient"] }\n'
    read = read_plan(plan(tmp_path, text), DataRoots.parse([]))
    cells = read.cells("cpu")
    assert len({cell.key for cell in cells}) == 3
    assert [entry.label for entry in read.contestants] == ["R-FUSE", "R-FUSE + hysure blind", "R-FUSE + gradient blind"]
    assert [entry.card.tier for entry in read.contestants] == ["told blur and colour response", "told nothing", "told nothing"]
    assert read.summary()["methods"][1]["parameters"]["blind"] == "hysure"
    assert read.contestants[0].sources != read.contestants[1].sources  # the estimators' sources count


def test_a_plan_that_asks_it_of_a_blind_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"bicubic.*needs neither"):
        read_plan(plan(tmp_path, '[[method]]\nname = "bicubic"\nparameters = { blind = "hysure" }\n'), DataRoots.parse([]))


def test_what_learns_beforehand_and_on_the_scene_adapts_to_the_pair_with_the_estimates() -> None:
    method = built("ual", blind="hysure", budget=1e-9, adaptor_steps=2)
    assert isinstance(method, TrainableMethod)
    seen = random_pair(5, 2)
    fitted = method.fit(Lessons(built("ual").describe(), seen), torch.Generator().manual_seed(0))
    seen = seen.withhold(psf=True, srf=True)
    ready = adapted(fitted, seen, torch.Generator().manual_seed(1))
    assert ready is not fitted
    assert not isinstance(ready, AdaptingMethod)
    estimate = ready.fuse(seen, torch.Generator())
    assert estimate.srf is not None
    near(estimate.cube, fitted.fuse(seen, torch.Generator().manual_seed(1)).cube)

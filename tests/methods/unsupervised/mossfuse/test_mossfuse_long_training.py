"""Training MossFuse beforehand on a handful of tiny pairs: every loss falls, the same bits come back, nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Desk, Example, RefusedError
from methods.unsupervised.mossfuse.long_training import LongBudget, PairLearner, Start
from methods.unsupervised.mossfuse.losses import LossWeights
from methods.unsupervised.mossfuse.method import FittedMossFuse, Method
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, build_network
from methods.unsupervised.mossfuse.training_loop import ResumeError, write_whole
from tests.rounding import weights_near

BANDS, CHANNELS, RATIO = 5, 2, 4
TINY = Method(learning_rate=3e-3, blind_steps=6, average=0.5)


def _pairs(amount: int, ratio: int = RATIO) -> list[Example]:
    """Windows of one smooth scene, seen without noise."""
    place = torch.linspace(0, 4, 3 * ratio)[:, None] + torch.linspace(0, 3, 3 * ratio)[None, :]
    weights = torch.rand(CHANNELS, BANDS, generator=torch.Generator().manual_seed(2)) + 0.05
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    psf = SpatialResponse(torch.ones(ratio - 1, ratio - 1) / (ratio - 1) ** 2, ratio, (ratio - 2) // 2)
    result = []
    for number in range(amount):
        cube = torch.stack([0.5 + 0.4 * torch.sin(place + 0.3 * band + 0.5 * number) for band in range(BANDS)])
        result.append(Example(Observation(psf(cube), srf(cube), torch.linspace(400, 700, BANDS), ratio, psf.centre)))
    return result


def _weights(fitted: object) -> dict[str, Tensor]:
    assert isinstance(fitted, FittedMossFuse)
    return dict(fitted.network.state_dict())


def _train(folder: Path, seed: int = 0) -> dict[str, Tensor]:
    return _weights(TINY.train(_pairs(4), _pairs(1), torch.Generator().manual_seed(seed), Desk(folder)))


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def _learner(
    average: float, batch: int = 1, amount: int = 6, sensor_steps: int = 2, start: Start = "random", width: int = 8
) -> PairLearner:
    torch.manual_seed(5)
    network = MossFuseNetwork(BANDS, CHANNELS, RATIO, width=width)
    budget = LongBudget(amount // batch, 1e-2, batch, sensor_steps, 0.05, average, start)
    return PairLearner(network, _pairs(amount), _pairs(1), budget, LossWeights(), "test")


def test_training_lowers_every_loss() -> None:
    learner = _learner(average=0.9, amount=30, sensor_steps=60)
    history: dict[str, list[float]] = {}
    for step in range(learner.steps):
        for name, loss in learner.update(step).items():
            history.setdefault(name, []).append(float(loss))
    sensors, together = history["degradation"][:60], {name: values[-30:] for name, values in history.items()}
    assert sum(sensors[-5:]) < 0.6 * sum(sensors[:5])  # 0.40
    for name in ("aggregation", "self_supervised", "subspace"):
        assert sum(together[name][-4:]) < 0.9 * sum(together[name][:4]), name  # 0.76 at most
    assert min(together["subspace"]) > 0.4968 - 1e-4


def test_one_seed_gives_one_network_and_two_seeds_give_two(tmp_path: Path) -> None:
    first, again, other = (_train(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert weights_near(again, first)
    assert not weights_near(other, first)


@pytest.mark.parametrize(("stop", "start"), [(1, "random"), (4, "random"), (2, "closed form"), (3, "closed form")])
def test_a_learner_put_back_in_its_state_goes_on_to_the_same_weights(tmp_path: Path, stop: int, start: Start) -> None:
    whole, broken, again = (_learner(average=0.9, start=start, width=16) for _ in range(3))
    for step in range(6):
        whole.update(step)
    for step in range(stop):  # 1 lies in the stage of the sensors, which takes 2 steps
        broken.update(step)
    write_whole(tmp_path / "state.pt", broken.state())
    again.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    for step in range(stop, 6):
        again.update(step)
    for name in ("network", "average"):
        assert weights_near(again.state()[name], whole.state()[name])


def test_a_start_in_closed_form_comes_after_the_sensors_and_begins_with_small_losses() -> None:
    closed, random = (_learner(average=0.9, sensor_steps=60, start=start, width=16) for start in ("closed form", "random"))
    for step in range(60):
        for learner in (closed, random):
            learner.update(step)
    assert weights_near(closed.state()["network"], random.state()["network"])
    first, other = closed.update(60), random.update(60)
    for name in ("aggregation", "self_supervised", "subspace"):
        assert float(first[name]) < 0.6 * float(other[name]), name
    assert closed.validate()["aggregation"] < 0.3 * random.validate()["aggregation"]  # of the average, which begins anew


def test_the_ends_have_a_learning_rate_of_their_own() -> None:
    """Adam's first step moves a weight by its learning rate, whatever the gradient is: so the step tells the rate of each weight."""
    torch.manual_seed(5)
    network = MossFuseNetwork(BANDS, CHANNELS, RATIO, width=8)
    before = {name: weights.detach().clone() for name, weights in network.named_parameters()}
    budget = LongBudget(4, 1e-2, 1, 0, 0.05, 0.0, fall="cosine", ends_rate=0.25)
    PairLearner(network, _pairs(4), [], budget, LossWeights(), "test").update(0)  # the first of 4 steps of warm-up
    steps = {name: float((weights.detach() - before[name]).abs().max()) for name, weights in network.named_parameters()}
    for name in ("msi_encoder.embed.weight", "fused_decoder.merge.weight", "hsi_decoder.head.second.weight"):
        assert steps[name] == pytest.approx(1e-2 / 4 * 0.25, rel=0.01), name
    for name in ("msi_encoder.blocks.0.feed_forward.project.weight", "fused_decoder.spatial.side.weight", "blind.srf_weights"):
        assert steps[name] == pytest.approx(1e-2 / 4, rel=0.01), name


def test_torchs_own_generator_is_left_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    _train(tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_validation_changes_nothing(tmp_path: Path) -> None:
    with_it = _train(tmp_path / "with")
    rng = torch.Generator().manual_seed(0)
    without = _weights(TINY.train(_pairs(4), [], rng, Desk(tmp_path / "without")))
    assert weights_near(without, with_it)


def test_the_kept_network_is_the_running_average_sensors_included() -> None:
    learner = _learner(average=0.9)
    expected = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    for step in range(8):
        learner.update(step)
        for name, tensor in learner.network.state_dict().items():
            if step < 2:
                if name.startswith("blind."):
                    expected[name] = tensor.clone()
            elif tensor.is_floating_point():
                decay = min(0.9, (1 + step - 2) / (10 + step - 2))
                expected[name] = decay * expected[name] + (1 - decay) * tensor
    kept = learner.averaged().state_dict()
    for name, tensor in expected.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(kept[name], tensor, rtol=1e-5, atol=1e-7, msg=name)


def test_without_an_average_the_last_iterate_is_kept() -> None:
    learner = _learner(average=0.0)
    for step in range(8):
        learner.update(step)
    assert _same(dict(learner.averaged().state_dict()), dict(learner.network.state_dict()))


def test_mixed_precision_changes_the_bits_and_little_else() -> None:
    exact, mixed = _learner(average=0.9), _learner(average=0.9)
    mixed.budget = replace(mixed.budget, mixed_precision=True)
    first, second = ([float(learner.update(step)["aggregation"]) for step in range(2, 5)] for learner in (exact, mixed))
    assert first != second
    assert second == pytest.approx(first, rel=0.05)
    assert all(weights.dtype == torch.float32 for weights in mixed.network.parameters())


def test_a_batch_takes_the_next_pairs_and_no_pair_twice() -> None:
    taken: list[int] = []

    class Noting(list[Example]):
        def __getitem__(self, place: int) -> Example:  # type: ignore[override]
            taken.append(place)
            return super().__getitem__(place)

    learner = _learner(average=0.0, batch=3)
    learner.examples = Noting(_pairs(6))
    for step in range(2, 4):
        learner.update(step)
    assert taken == [0, 1, 2, 3, 4, 5]


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path: Path) -> None:
    _train(tmp_path)
    with pytest.raises(ResumeError, match=r"learning_rate=0.001.*got one of another .*learning_rate=0.003"):
        Method(learning_rate=1e-3, blind_steps=6, average=0.5).train(_pairs(4), [], torch.Generator(), Desk(tmp_path))


def test_ratio_one_and_a_given_checkpoint_are_refused(tmp_path: Path) -> None:
    seen = Observation(torch.rand(3, 4, 4), torch.rand(2, 4, 4), torch.linspace(400, 700, 3), 1, (0.0, 0.0))
    with pytest.raises(RefusedError, match="got 1"):
        TINY.train([Example(seen)], [], torch.Generator(), Desk(tmp_path))
    with pytest.raises(ValueError, match="expected no checkpoint"):
        Method(checkpoint=tmp_path / "x.pth").train(_pairs(1), [], torch.Generator(), Desk(tmp_path))


def test_the_average_is_a_share() -> None:
    with pytest.raises(ValueError, match="average: expected"):
        Method(average=1.0)


def test_training_mode_and_weights_survive_a_validation() -> None:
    learner = _learner(average=0.9)
    learner.update(3)
    before = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    learner.validate()
    assert learner.network.training
    assert _same(before, dict(learner.network.state_dict()))
    assert build_network(BANDS, CHANNELS, RATIO, 8).training

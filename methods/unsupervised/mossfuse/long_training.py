"""Training beforehand on many pairs, which can be stopped and resumed.

1. The sensors alone: `sensor_steps` steps of Adam on the degradation loss of `SENSOR_BATCH` pairs at a time, with a learning rate of their
   own.
2. With `start = "closed form"`, weights with which the network begins as a regression of detail (closed_form_start.py), from the first
   pairs.
3. The whole network: one pass over the pairs, `batch` at a time; Adam on all four losses in one backward pass. The length of the gradient
   is limited to `LARGEST_GRADIENT`: this hardly changes Adam's steps, but one unusual pair cannot damage the network.

Both learning rates fall to 0 (`training_loop.py`). First convolutions, merges and heads may have a lower one than the branches between
them (`ends_rate`): a closed form sets them, and steps that a branch needs would spoil it. The result is the running average of the weights
and of the normalisation statistics over about the last thousand steps. With few pairs per step, it is smoother than the last iterate. The
training uses observations alone: the fused cube is never compared with a truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.contract import Example
from methods.unsupervised.mossfuse.closed_form_start import start_in_closed_form
from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import Losses, LossWeights, measure_losses
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, build_network
from methods.unsupervised.mossfuse.training_loop import Fall, Learner, Schedule, WeightAverage

Start = Literal["random", "closed form"]

SENSOR_BATCH = 4  # pairs per step of the first stage
START_PAIRS = 2048  # from which the closed form is computed; with 64 of them its PSNR depended on the seed by 0.5 dB
LARGEST_GRADIENT = 1.0
WARM_UP = 100  # steps of the second stage


@dataclass(frozen=True)
class LongBudget:
    """The length of the training, and its settings. There is no stopping rule."""

    steps: int  # of the whole network
    learning_rate: float
    batch: int  # pairs per step
    sensor_steps: int  # of the sensors, before
    sensor_learning_rate: float
    average: float  # decay of the running average of the weights
    start: Start = "random"  # the first weights of the second stage
    fall: Fall = "linear"  # of the learning rate of the second stage
    ends_rate: float = 1.0  # learning rate of first convolutions, merges and heads, in units of that of all other weights
    mixed_precision: bool = False  # matrices and convolutions of the network in bfloat16; weights, losses and Adam stay in float32


class PairLearner(Learner):
    """A network in training: at step k of the second stage it learns from `batch` examples, from number k * batch on."""

    def __init__(
        self,
        network: MossFuseNetwork,
        examples: Sequence[Example],
        validation: Sequence[Example],
        budget: LongBudget,
        weights: LossWeights,
        course: str,
    ) -> None:
        self.network, self.examples, self.validation = network.train(), examples, validation
        self.budget, self.weights, self.course = budget, weights, course
        self.average = WeightAverage(network, budget.average)
        self.sensors = torch.optim.Adam(network.blind.parameters())
        self.whole = torch.optim.Adam(_groups(network, budget.ends_rate), fused=True)
        self.sensor_schedule = Schedule(max(budget.sensor_steps, 1), budget.sensor_learning_rate)
        self.schedule = Schedule(budget.steps, budget.learning_rate, min(WARM_UP, budget.steps), budget.fall)

    @property
    def identity(self) -> str:
        """The text `course` of the caller, the budget and the weights of the losses."""
        return f"{self.course}; {self.budget}; {self.weights}"

    @property
    def steps(self) -> int:
        """The number of steps of both stages."""
        return self.budget.sensor_steps + self.budget.steps

    def update(self, step: int) -> Mapping[str, Tensor]:
        """Makes step number `step`, of whichever stage it belongs to. Returns its losses. The average begins with the second stage."""
        first = self.budget.sensor_steps
        if step < first:
            return self._update_sensors(step)
        if step == first and self.budget.start == "closed form":
            self._start_in_closed_form()
        losses = self._update_all(step - first)
        self.average.take(self.network, step - first)
        return losses

    def validate(self) -> Mapping[str, float]:
        """The losses of the averaged network in eval mode, as means over the validation pairs."""
        if not self.validation:
            return {}
        network, sums = self.averaged(), dict[str, float]()
        with torch.no_grad():
            for example in self.validation:
                msi, hsi = self._stacked([example])
                for name, loss in terms(measure_losses(network, network(msi, hsi), msi, hsi)).items():
                    sums[name] = sums.get(name, 0.0) + float(loss) / len(self.validation)
        return sums

    def averaged(self) -> MossFuseNetwork:
        """A new network with the averaged weights, in eval mode."""
        network = self.network
        other = build_network(network.bands, network.channels, network.ratio, network.width, network.depth)
        other.to(next(network.parameters())).load_state_dict(self.average.tensors)
        return other.eval()

    def state(self) -> dict[str, Any]:
        """The weights, their average and the states of both optimisers."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.tensors,
            "sensors": self.sensors.state_dict(),
            "whole": self.whole.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restores what `state` returned."""
        self.network.load_state_dict(state["network"])
        for name, tensor in state["average"].items():
            self.average.tensors[name].copy_(tensor)
        self.sensors.load_state_dict(state["sensors"])
        self.whole.load_state_dict(state["whole"])

    def _update_sensors(self, step: int) -> Mapping[str, Tensor]:
        chosen = [self.examples[(step * SENSOR_BATCH + place) % len(self.examples)] for place in range(SENSOR_BATCH)]
        msi, hsi = self._stacked(chosen)
        loss = F.l1_loss(*self.network.blind(msi, hsi))
        _descend(self.sensors, self.sensor_schedule.rate(step), loss)
        self.average.tensors.update({f"blind.{name}": value.clone() for name, value in self.network.blind.state_dict().items()})
        return {"degradation": loss.detach()}

    def _start_in_closed_form(self) -> None:
        """Gives the network its first weights from the closed form; the average begins anew with them."""
        pairs = [self.examples[place].seen for place in range(min(START_PAIRS, len(self.examples)))]
        start_in_closed_form(self.network, [(seen.msi, seen.hsi) for seen in pairs])
        self.network.train()
        for name, value in self.network.state_dict().items():
            self.average.tensors[name].copy_(value)

    def _update_all(self, step: int) -> Mapping[str, Tensor]:
        msi, hsi = self._stacked([self.examples[step * self.budget.batch + place] for place in range(self.budget.batch)])
        with torch.autocast(msi.device.type, torch.bfloat16, enabled=self.budget.mixed_precision):
            out = outputs_for_learning(self.network, msi, hsi)
        losses = measure_losses(self.network, out, msi, hsi)
        _descend(self.whole, self.schedule.rate(step), losses.total(self.weights), LARGEST_GRADIENT)
        return {name: loss.detach() for name, loss in terms(losses).items()}

    def _stacked(self, examples: Sequence[Example]) -> tuple[Float[Tensor, "batch channels H W"], Float[Tensor, "batch bands h w"]]:
        """The pairs as batches, on the network's device."""
        like = next(self.network.parameters())
        msi = torch.stack([example.seen.msi for example in examples]).to(like)
        return msi, torch.stack([example.seen.hsi for example in examples]).to(like)


def terms(losses: Losses) -> dict[str, Float[Tensor, ""]]:
    """The four losses by name."""
    return {
        "degradation": losses.degradation,
        "aggregation": losses.aggregation,
        "self_supervised": losses.self_supervised,
        "subspace": losses.subspace,
    }


def _groups(network: MossFuseNetwork, ends_rate: float) -> list[dict[str, Any]]:
    """The weights in two groups, each with its `share` of the learning rate: those of the ends, and all others."""
    ends = {
        weights for name, module in network.named_modules() if name.endswith(("embed", "merge", "head")) for weights in module.parameters()
    }
    others = [weights for weights in network.parameters() if weights not in ends]
    return [
        {"params": others, "share": 1.0},
        {"params": [weights for weights in network.parameters() if weights in ends], "share": ends_rate},
    ]


def _descend(optimiser: torch.optim.Adam, rate: float, loss: Float[Tensor, ""], largest: float | None = None) -> None:
    """Makes one step of Adam at this rate; the length of the gradient of all weights together is limited to `largest`."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types here
    if largest is not None:
        torch.nn.utils.clip_grad_norm_([weights for group in optimiser.param_groups for weights in group["params"]], largest)
    optimiser.step()

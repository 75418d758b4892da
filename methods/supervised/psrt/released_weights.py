"""The weights of PSRT that others have released: which they are, by the sha256 of their files, and what is known of their training.

    CAVE x4, x8, Harvard x4    the authors', github.com/shangqideng/PSRT at 9c2be904; `run_benchmark.py fetch psrt-cave-x4` and so on
    CAVE x32, Harvard x32      HIFtool's, github.com/Caoxuheng/HIFtool at 6a515e41; trained for a pair of operators of its own: 32 taps of
                               sigma 21 on -16..15, and a Nikon D700 matrix whose rows are not divided by their sums

All of them take the channels in the order red, green, blue, and images in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from methods.numerics.networks.named_weights import CheckpointError, filled_network, read_torch_table, sha256_of
from methods.supervised.psrt.psrt_network import PREFIX, PSRT, released_name

KEYS = ("state_dict", "net")  # of the authors' files, and of HIFtool's
_DENG_TRAINING = (  # CAVE without watercolors and without the eleven test scenes
    *("beads", "cloth", "egyptian_statue", "face", "fake_and_real_food", "fake_and_real_lemons", "fake_and_real_peppers"),
    *("fake_and_real_strawberries", "fake_and_real_sushi", "glass_tiles", "oil_painting", "paints", "photo_and_face", "pompoms"),
    *("real_and_fake_apples", "real_and_fake_peppers", "sponges", "stuffed_toys", "superballs", "thread_spools"),
)


@dataclass(frozen=True)
class TrainedWeights:
    """What is known of the training of a file of weights."""

    trained_on: str  # in the words of tables
    ratio: int | None  # None: not known
    scenes: tuple[str, ...] = ()  # names of the training scenes, where they are known
    doubt: str = ""  # why a row with these weights is not ranked; empty where it may be ranked
    gains: tuple[float, ...] = ()  # by which the channels are multiplied, where the training's responses did not sum to 1


_CAVE_SCENES = tuple(f"cave/{scene}" for scene in _DENG_TRAINING)
_UNKNOWN = "which scenes of {} its weights were trained on is not known, and a test scene may be one of them"
_HIFTOOL_GAINS = (1.09113168, 0.80427831, 0.99008354)  # the sums of HIFtool's Nikon D700 matrix over the bands
RELEASED: Mapping[str, TrainedWeights] = {
    "e95c67fb1fa0fe80b1894ea525433c93309b7b3e4141840a9069b0ea292b37c2": TrainedWeights("20 scenes of CAVE, x4", 4, _CAVE_SCENES),
    "e8ba5cc8e717d408503f92b0f04ebc03f0ee7deef406274ad59697f98ca07b91": TrainedWeights("20 scenes of CAVE, x8", 8, _CAVE_SCENES),
    "d45eb7dfed49ad0f0423fc5687e57f05ee87dc1b65d3f21ddc5fdb71523fda4f": TrainedWeights("Harvard, x4", 4, doubt=_UNKNOWN.format("Harvard")),
    "4c6ba074058b892c563543e7b58f683c9cf7aa6b2fa194a0177137ac4167009a": TrainedWeights(
        "18 scenes of CAVE by HIFtool, x32", 32, doubt=_UNKNOWN.format("CAVE"), gains=_HIFTOOL_GAINS
    ),
    "15e13d58a0d31cd4fa8834656f0c3fda120daf3143d78bfc1d583330497f25af": TrainedWeights(
        "50 scenes of Harvard by HIFtool, x32", 32, doubt=_UNKNOWN.format("Harvard"), gains=_HIFTOOL_GAINS
    ),
}


def released(file: Path) -> TrainedWeights | None:
    """What is known of the file's training, by its sha256; None for a file that is not one of the released ones."""
    return RELEASED.get(sha256_of(file))


def sizes_of(file: Path) -> tuple[int, int]:
    """The number of bands and of channels that the weights of the file take.

    Raises:
        CheckpointError: the file does not hold weights of PSRT.
    """
    return _sizes(file, read_torch_table(file, KEYS, PREFIX))


def load_psrt(file: Path, ratio: int) -> PSRT:
    """The network of the file, on the CPU, in float32 and in eval mode, for pairs of this ratio.

    Raises:
        CheckpointError: tensors are missing, left over, of another shape, or not finite.
    """
    tensors = read_torch_table(file, KEYS, PREFIX)
    bands, channels = _sizes(file, tensors)
    with torch.random.fork_rng(devices=[]):  # first weights are drawn, and then replaced
        return filled_network(file.name, "PSRT", lambda: PSRT(bands, channels, ratio), tensors, released_name)


def _sizes(file: Path, tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    enter, leave = tensors.get("w.conv.weight"), tensors.get("conv.0.weight")
    if enter is None or leave is None or enter.ndim != 4 or leave.ndim != 4 or not 0 < leave.shape[0] < enter.shape[1]:
        held = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(tensors.items())[:3]) or "none"
        raise CheckpointError(
            f"{file.name}: expected the tensors w.conv.weight (32, bands + channels, 3, 3) and conv.0.weight (bands, 32, 3, 3) of PSRT, "
            f"got {held}...; give the authors' file"
        )
    return leave.shape[0], enter.shape[1] - leave.shape[0]

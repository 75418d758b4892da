"""Reads the weights that the authors released: a torch file with the key `Model_stage1`, whose tensors are matched by *name*.

`MODULES` and `PARTS` translate our names into the authors' names. Tensors that are missing, left over or of another shape are an error that
lists them. The file states neither the ratio nor the training set. Both are known for the one file that the authors released, which is
recognised by its sha256. bands, channels, width and depth follow from the shapes. No code in the file can run, and a network is built only
where the file has the tensors for it (numerics/networks/named_weights.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from methods.numerics.networks.named_weights import CheckpointError, read_torch_table, sha256_of
from methods.unsupervised.mossfuse.mossfuse_network import RELEASED_QUIRKS, MossFuseNetwork
from methods.unsupervised.mossfuse.named_tensors import network_of_tensors

TOP_KEY = "Model_stage1"
PREFIX = "module."  # left by torch's DataParallel
RELEASED_SHA256 = "8f9a4526df3f587b425cce56cf14952de58f3df2ab8fb25137670d44bccef348"
RELEASED_RATIO = 32
RELEASED_TRAINING_SET = "CAVE train, x32"
_TRAINING = (  # by the list of the release; a test on one of these scenes would mean nothing
    *("beads", "cd", "chart_and_stuffed_toy", "cloth", "face", "fake_and_real_food", "fake_and_real_lemon_slices", "watercolors"),
    *("fake_and_real_strawberries", "fake_and_real_sushi", "feathers", "flowers", "glass_tiles", "jelly_beans", "oil_painting"),
    *("paints", "photo_and_face", "pompoms", "sponges", "superballs"),
)
RELEASED_SCENES = tuple(f"cave/{scene}" for scene in _TRAINING)

MODULES = (  # our module -> the authors' module; the first that fits is used
    ("msi_encoder.embed", "modelE_MSI.patch_embed.proj"),
    ("msi_encoder.blocks", "modelE_MSI.encoder_level1"),
    ("msi_encoder.shared", "modelE_MSI.baseFeature"),
    ("msi_encoder.complementary", "modelE_MSI.detailFeature"),
    ("hsi_encoder.embed", "modelE_HSI.patch_embed.proj"),
    ("hsi_encoder.blocks", "modelE_HSI.encoder_level1"),
    ("hsi_encoder.shared", "modelE_HSI.baseFeature"),
    ("hsi_encoder.complementary", "modelE_HSI.detailFeature"),
    ("fused_decoder.merge", "modelD_HR.fuse"),
    ("fused_decoder.spatial", "modelD_HR.fuse1"),
    ("fused_decoder.spectral", "modelD_HR.fuse2"),
    ("fused_decoder.blocks", "modelD_HR.encoder_level2"),
    ("fused_decoder.head", "modelD_HR.output"),
    ("msi_decoder.unused", "modelD_MSI.reduce_channel"),
    ("msi_decoder.aggregation", "modelD_MSI.fuse"),
    ("msi_decoder.blocks", "modelD_MSI.encoder_level2"),
    ("msi_decoder.head", "modelD_MSI.output"),
    ("hsi_decoder.unused", "modelD_HSI.reduce_channel"),
    ("hsi_decoder.aggregation", "modelD_HSI.fuse"),
    ("hsi_decoder.blocks", "modelD_HSI.encoder_level2"),
    ("hsi_decoder.head", "modelD_HSI.output"),
    ("shared_decoder.merge", "modelD_LR.reduce_channel"),
    ("shared_decoder.blocks", "modelD_LR.encoder_level2"),
    ("shared_decoder.head", "modelD_LR.output"),
    ("blind.srf_weights", "blind.srf"),
    ("blind.precision_root", "blind.blur_down.KernelParam"),
)
PARTS = {  # inside a module: our name -> the authors' name; any other name stays the same
    "norm1.weight": "norm1.body.weight",
    "norm1.bias": "norm1.body.bias",
    "norm2.weight": "norm2.body.weight",
    "norm2.bias": "norm2.body.bias",
    "attention.temperature": "attn.temperature",
    "attention.qkv": "attn.qkv",
    "attention.depthwise": "attn.qkv_dwconv",
    "attention.project": "attn.project_out",
    "feed_forward.expand": "ffn.project_in",
    "feed_forward.depthwise": "ffn.dwconv",
    "feed_forward.project": "ffn.project_out",
    "spatial_gate.first": "attn.Spatial_Att.spatial_atten.0",
    "spatial_gate.second": "attn.Spatial_Att.spatial_atten.2",
    "spatial_gate.third": "attn.Spatial_Att.spatial_atten.4",
    "spectral_gate.first": "attn.Spectral_Att.spectral_atten.0",
    "spectral_gate.second": "attn.Spectral_Att.spectral_atten.2",
    "spectral_gate.third": "attn.Spectral_Att.spectral_atten.4",
    "side": "attn.DWConv",
    "neighbourhood.convolutions.0": "dwconv.lk_origin",
    "neighbourhood.convolutions.1": "dwconv.dil_conv_k5_1",
    "neighbourhood.convolutions.2": "dwconv.dil_conv_k3_2",
    "neighbourhood.convolutions.3": "dwconv.dil_conv_k3_3",
    "neighbourhood.norms.0": "dwconv.origin_bn",
    "neighbourhood.norms.1": "dwconv.dil_bn_k5_1",
    "neighbourhood.norms.2": "dwconv.dil_bn_k3_2",
    "neighbourhood.norms.3": "dwconv.dil_bn_k3_3",
    "neighbourhood.norm": "norm",
    "squeeze.down": "se.down",
    "squeeze.up": "se.up",
    "widen": "pwconv1.1",
    "response": "act.1",
    "narrow": "pwconv2.0",
    "norm": "pwconv2.2",
    "first": "0",  # of a head
    "second": "2",
}


@dataclass(frozen=True)
class WeightFacts:
    """The facts about a file of weights that are known without building the network."""

    bands: int
    channels: int
    width: int
    depth: int  # transformer blocks per stack
    ratio: int | None  # None if it is not known
    trained_on: str
    trained_scenes: tuple[str, ...]  # names of those scenes, if they are known


def their_name(ours: str) -> str:
    """The authors' name of the tensor with our name `ours`."""
    module, theirs = next((pair for pair in MODULES if ours == pair[0] or ours.startswith(pair[0] + ".")), ("", ""))
    if not module:
        raise KeyError(f"no module of the released network corresponds to {ours!r}")
    inside = ours[len(module) + 1 :]
    index, _, part = inside.partition(".")
    if index.isdigit():
        theirs, inside = f"{theirs}.{index}", part
    fits = [key for key in PARTS if inside == key or inside.startswith(key + ".")]
    if fits:
        longest = max(fits, key=len)
        inside = PARTS[longest] + inside[len(longest) :]
    return f"{theirs}.{inside}" if inside else theirs


def read_facts(file: Path) -> WeightFacts:
    """The facts about the network of the file; ratio and training set are known by the file's sha256.

    Raises:
        CheckpointError: the file does not hold weights of this network.
    """
    return _facts(file, _read(file))


def load_network(file: Path, ratio: int) -> MossFuseNetwork:
    """The network of the file, on the CPU, in float32 and in eval mode. `ratio` is the ratio that it was trained for.

    Raises:
        CheckpointError: tensors are missing, left over, of another shape, or not finite.
    """
    tensors = _read(file)
    facts = _facts(file, tensors)
    sizes = (facts.bands, facts.channels, ratio, facts.width, facts.depth)
    return network_of_tensors(file.name, sizes, RELEASED_QUIRKS, tensors, their_name)


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of the file by the authors' names, without `module.`."""
    return read_torch_table(file, (TOP_KEY,), PREFIX)


def _facts(file: Path, tensors: Mapping[str, Tensor]) -> WeightFacts:
    embed, srf = tensors.get("modelE_MSI.patch_embed.proj.weight"), tensors.get("blind.srf")
    if embed is None or srf is None or embed.ndim != 4 or srf.ndim < 2:
        raise CheckpointError(
            f"{file.name}: expected the tensors modelE_MSI.patch_embed.proj.weight and blind.srf of MossFuse, got "
            f"{', '.join(list(tensors)[:3]) or 'none'}...; give the authors' .pth"
        )
    stacked = [re.match(r"modelE_MSI\.encoder_level1\.(\d+)\.", name) for name in tensors]
    depth = len({match[1] for match in stacked if match})  # the tensors' names are compared when the network is built
    released = sha256_of(file) == RELEASED_SHA256
    return WeightFacts(
        bands=srf.shape[1],
        channels=srf.shape[0],
        width=embed.shape[0],
        depth=depth,
        ratio=RELEASED_RATIO if released else None,
        trained_on=RELEASED_TRAINING_SET if released else f"an unstated set ({file.name})",
        trained_scenes=RELEASED_SCENES if released else (),
    )

"""Our files of weights: safetensors with the tensors by our names, and with metadata about their origin.

On the network          format, bands, channels, ratio, width, depth, quirks
On the training         trained_on, scenes (JSON list), protocol (JSON: its name and numbers), sensor, seed, steps, commit, licence, ...

The metadata of a safetensors file are pairs of texts. Those on the network are checked against the tensors when the file is loaded; those
on the training are statements of whoever made the file. Reading a file cannot run code in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from methods.unsupervised.mossfuse.checkpoint import CheckpointError, WeightFacts
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Quirks, build_network

SUFFIX = ".safetensors"
FORMAT = "hmif-bench mossfuse 1"
_NUMBERS = ("bands", "channels", "ratio", "width", "depth")


def save_weights(network: MossFuseNetwork, file: Path, facts: Mapping[str, str]) -> None:
    """Writes the network's weights and buffers in float32, with the facts about the network and with `facts` about its training."""
    network_facts = {
        "format": FORMAT,
        **{name: str(getattr(network, name)) for name in _NUMBERS},
        "quirks": json.dumps(asdict(network.quirks)),
    }
    twice = sorted(network_facts.keys() & facts.keys())
    if twice:
        raise ValueError(f"facts: expected names that the file does not use for the network, got {', '.join(twice)}")
    tensors = {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    temporary = file.with_name(f".{file.name}.tmp")
    save_file(tensors, temporary, {**facts, **network_facts})
    temporary.chmod(0o644)  # safetensors makes files that only their owner can read
    temporary.replace(file)


def read_metadata(file: Path) -> dict[str, str]:
    """The metadata of one of our files.

    Raises:
        CheckpointError: the file is not one of ours.
    """
    if not file.is_file():
        raise CheckpointError(f"checkpoint: expected a file of weights, got {file}, which is no file; give the path of one")
    try:
        with safe_open(file, framework="pt") as store:
            metadata = store.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file.name}: expected a whole safetensors file, got one that cannot be read ({error})") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{file.name}: expected metadata with format {FORMAT!r}, got {metadata.get('format')!r}; is it another network's?"
        )
    return dict(metadata)


def read_safetensors_facts(file: Path) -> WeightFacts:
    """The facts about network and training, from the metadata of one of our files.

    Raises:
        CheckpointError: the file is not one of ours, or its metadata are incomplete.
    """
    metadata = read_metadata(file)
    try:
        bands, channels, ratio, width, depth = (int(metadata[name]) for name in _NUMBERS)
        scenes = tuple(str(scene) for scene in json.loads(metadata["scenes"]))
        return WeightFacts(bands, channels, width, depth, ratio, metadata["trained_on"], scenes)
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{file.name}: expected metadata on network and training, got {type(error).__name__} {error}") from error


def load_safetensors_network(file: Path) -> MossFuseNetwork:
    """The network of the file, on the CPU, in float32 and in eval mode.

    Raises:
        CheckpointError: tensors are missing, left over, of another shape, or not finite.
    """
    facts, metadata = read_safetensors_facts(file), read_metadata(file)
    try:
        quirks = Quirks(**json.loads(metadata["quirks"]))
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{file.name}: expected the network's quirks, got {type(error).__name__} {error}") from error
    network = build_network(facts.bands, facts.channels, int(metadata["ratio"]), facts.width, facts.depth, quirks)
    ours = network.state_dict()
    with safe_open(file, framework="pt") as store:
        tensors = {name: store.get_tensor(name) for name in store.keys()}  # noqa: SIM118  # a file, no table
    problems = [f"missing {name}" for name in ours if name not in tensors] + [f"left over {name}" for name in tensors if name not in ours]
    for name in ours.keys() & tensors.keys():
        if tensors[name].shape != ours[name].shape:
            problems.append(f"{name} is {tuple(tensors[name].shape)}, not {tuple(ours[name].shape)}")
        elif not bool(torch.isfinite(tensors[name]).all()):
            problems.append(f"{name} holds NaN or Inf")
    if problems:
        shown = "; ".join(sorted(problems)[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else "")
        raise CheckpointError(f"{file.name}: expected the {len(ours)} tensors of MossFuse, got: {shown}")
    network.load_state_dict(tensors)
    return network.eval()

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

from safetensors import safe_open
from safetensors.torch import save_file

from datasets.input_files import largest_array, own_errors, regular_size, spell_bytes
from methods.numerics.networks.named_weights import CheckpointError
from methods.unsupervised.mossfuse.checkpoint import WeightFacts
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Quirks
from methods.unsupervised.mossfuse.named_tensors import network_of_tensors

SUFFIX = ".safetensors"
FORMAT = "hmif-bench mossfuse 1"
_WHOLE = "a whole safetensors file, not one that cannot be read"
_LARGEST = 10**6  # of bands, channels, ratio, width and depth
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
    length = regular_size(file, CheckpointError)
    if length > largest_array():
        raise CheckpointError(
            f"{file}: expected at most {spell_bytes(largest_array())}, got {spell_bytes(length)}; is it a file of weights?"
        )
    with own_errors(file, CheckpointError, _WHOLE, "fetch it again"), safe_open(file, framework="pt") as store:
        metadata = store.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{file.name}: expected metadata with format {FORMAT!r}, got {metadata.get('format')!r}; is it another network's?"
        )
    return dict(metadata)


def spell_training(metadata: Mapping[str, str]) -> str:
    """How our weights were trained, in words for the card: what differs from the authors' training.

    Raises:
        CheckpointError: the metadata hold parameters that are not a JSON object.
    """
    steps = f"after {metadata.get('steps', 'unstated')} steps (the sensors' included); the authors take 245,000"
    try:
        parameters = json.loads(metadata.get("parameters", "{}"))
        start = parameters.get("start", "random")
    except (ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"expected the parameters of the training in the metadata as a JSON object, got {type(error).__name__} {error}; train again"
        ) from error
    begun = "; ours began as a regression in closed form, theirs at random" if start == "closed form" else ""
    return steps + begun


def read_safetensors_facts(file: Path) -> WeightFacts:
    """The facts about network and training, from the metadata of one of our files.

    Raises:
        CheckpointError: the file is not one of ours, or its metadata are incomplete.
    """
    metadata = read_metadata(file)
    try:
        bands, channels, ratio, width, depth = (int(metadata[name]) for name in _NUMBERS)
        scenes = tuple(str(scene) for scene in json.loads(metadata["scenes"]))
        if min(bands, channels, ratio, width, depth) < 1 or max(bands, channels, ratio, width, depth) > _LARGEST:
            raise ValueError(f"of {bands} bands, {channels} channels, ratio {ratio}, width {width}, depth {depth}")
        return WeightFacts(bands, channels, width, depth, ratio, metadata["trained_on"], scenes)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{file.name}: expected metadata on network and training, got {type(error).__name__} {error}") from error


def load_safetensors_network(file: Path) -> MossFuseNetwork:
    """The network of the file, on the CPU, in float32 and in eval mode.

    Raises:
        CheckpointError: tensors are missing, left over, of another shape, or not finite.
    """
    facts, metadata = read_safetensors_facts(file), read_metadata(file)
    try:
        quirks = Quirks(**json.loads(metadata["quirks"]))
        if not all(isinstance(value, bool) for value in asdict(quirks).values()):
            raise ValueError(f"of {quirks}")
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{file.name}: expected the network's quirks, got {type(error).__name__} {error}") from error
    with own_errors(file, CheckpointError, _WHOLE, "fetch it again"), safe_open(file, framework="pt") as store:
        tensors = {name: store.get_tensor(name) for name in store.keys()}  # noqa: SIM118  # a file, no table
    sizes = (facts.bands, facts.channels, int(metadata["ratio"]), facts.width, facts.depth)
    return network_of_tensors(file.name, sizes, quirks, tensors)

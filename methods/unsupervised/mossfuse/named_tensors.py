"""From tensors by name to a MossFuse network with their values, or to a list of all that does not fit (named_weights.py of numerics)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from methods.numerics.networks.named_weights import CheckpointError, filled_network
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Quirks, build_network

Sizes = tuple[int, int, int, int, int]  # bands, channels, ratio, width, blocks


def network_of_tensors(
    source: str, sizes: Sizes, quirks: Quirks, tensors: Mapping[str, Tensor], named: Callable[[str], str] = str
) -> MossFuseNetwork:
    """The network with the values of `tensors`, on the CPU, in float32 and in eval mode. `named` gives the file's name for our name.

    Raises:
        CheckpointError: no network has these sizes, or tensors are missing, left over, of another shape (axes of length 1 aside), or not
            finite.
    """
    if sizes[-1] > len(tensors):
        raise CheckpointError(
            f"{source}: expected tensors of {sizes[-1]} blocks, got {len(tensors)} tensors; give the file as it was saved"
        )
    return filled_network(source, "MossFuse", lambda: build_network(*sizes, quirks), tensors, named)

"""From tensors by name to a network with their values, or to a list of all that does not fit.

The network is laid out without memory first (torch's meta device). So a file that promises a network larger than itself, by a name, by a
shape or by a number in its metadata, costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from datasets.input_files import InputFileError
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork, Quirks, build_network

Sizes = tuple[int, int, int, int, int]  # bands, channels, ratio, width, blocks


class CheckpointError(InputFileError):
    """A file does not hold the weights of this network. The text says what was expected, what the file holds, and what to do."""


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
    try:
        with torch.device("meta"):
            planned = {name: (named(name), tensor.shape) for name, tensor in build_network(*sizes, quirks).state_dict().items()}
    except (ValueError, RuntimeError, ArithmeticError) as error:  # sizes that no network has
        raise CheckpointError(f"{source}: expected the sizes of a MossFuse network, got {error}; give the authors' file") from error
    wanted = dict(planned.values())
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"left over {name}" for name in tensors if name not in wanted]
    for name in wanted.keys() & tensors.keys():
        given = tensors[name]
        if _long_axes(given) != [size for size in wanted[name] if size != 1]:
            problems.append(f"{name} is {tuple(given.shape)}, not {tuple(wanted[name])}")
        elif given.numel() * given.element_size() > given.untyped_storage().nbytes():
            problems.append(f"{name} repeats {given.untyped_storage().nbytes()} bytes")
        elif not bool(torch.isfinite(given).all()) or not bool(torch.isfinite(given.float()).all()):
            problems.append(f"{name} holds NaN or Inf")
    if problems:
        shown = "; ".join(sorted(problems)[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else "")
        raise CheckpointError(f"{source}: expected the {len(wanted)} tensors of MossFuse, got: {shown}; give the authors' file")
    network = build_network(*sizes, quirks)
    network.load_state_dict({name: tensors[theirs].reshape(shape) for name, (theirs, shape) in planned.items()})
    return network.eval()


def _long_axes(tensor: Tensor) -> list[int]:
    """The shape without axes of length 1, since a 1x1 convolution and a matrix hold the same numbers."""
    return [size for size in tensor.shape if size != 1]

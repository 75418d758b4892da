"""From tensors by name to a network with their values, or to a list of all that does not fit.

The network is laid out without memory first (torch's meta device). So a file that promises a network larger than itself, by a name, by a
shape or by a number in its metadata, costs nothing. What a torch file declares is checked before torch opens it (torch_archive.py); then it
is opened with `weights_only`, so that no code in it can run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from datasets.input_files import InputFileError, own_errors
from methods.numerics.networks.torch_archive import expect_torch_archive

Network = TypeVar("Network", bound=nn.Module)


class CheckpointError(InputFileError):
    """A file does not hold the weights of this network. The text says what was expected, what the file holds, and what to do."""


def read_torch_table(file: Path, keys: tuple[str, ...], prefix: str = "") -> dict[str, Tensor]:
    """The tensors by name of a torch file: of the table under the first of `keys` that the file has, without `prefix` before their names.

    Raises:
        CheckpointError: the file is no torch file of tensors and tables alone, is damaged, or has no table under any of the keys.
    """
    expect_torch_archive(file, CheckpointError)
    with own_errors(file, CheckpointError, "a torch file of tensors", "give the authors' file as it was published"):
        content = torch.load(file, map_location="cpu", weights_only=True)
    table = next((content[key] for key in keys if isinstance(content.get(key), dict)), None) if isinstance(content, dict) else None
    if table is None:
        got = f"the keys {', '.join(map(str, list(content)[:5]))[:200]}" if isinstance(content, dict) else type(content).__name__
        wanted = " or ".join(map(repr, keys))
        raise CheckpointError(f"{file.name}: expected a table with the key {wanted}, got {got}; give the authors' file as it was published")
    return {str(name).removeprefix(prefix): tensor for name, tensor in table.items() if isinstance(tensor, Tensor)}


def sha256_of(file: Path) -> str:
    """The sha256 of the file's bytes, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def filled_network(
    source: str, method: str, build: Callable[[], Network], tensors: Mapping[str, Tensor], named: Callable[[str], str] = str
) -> Network:
    """The network that `build` gives, with the values of `tensors`, on the CPU, in float32 and in eval mode.

    `source` names the file and `method` the network in errors. `named` gives the file's name for our name of a tensor.

    Raises:
        CheckpointError: no network has these sizes, or tensors are missing, left over, of another shape (axes of length 1 aside), or not
            finite.
    """
    try:
        with torch.device("meta"):
            planned = {name: (named(name), tensor.shape) for name, tensor in build().state_dict().items()}
    except (ValueError, RuntimeError, ArithmeticError) as error:  # sizes that no network has
        raise CheckpointError(f"{source}: expected the sizes of a network of {method}, got {error}; give the authors' file") from error
    wanted = dict(planned.values())
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"left over {name}" for name in tensors if name not in wanted]
    problems += [text for name in wanted.keys() & tensors.keys() if (text := _misfit(name, tensors[name], wanted[name]))]
    if problems:
        shown = "; ".join(sorted(problems)[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else "")
        raise CheckpointError(f"{source}: expected the {len(wanted)} tensors of {method}, got: {shown}; give the authors' file")
    network = build()
    network.load_state_dict({name: tensors[theirs].reshape(shape) for name, (theirs, shape) in planned.items()})
    return network.eval()


def _misfit(name: str, given: Tensor, wanted: Any) -> str:
    """Why the tensor cannot stand where one of the shape `wanted` is expected; empty where it can."""
    if _long_axes(given) != [size for size in wanted if size != 1]:
        return f"{name} is {tuple(given.shape)}, not {tuple(wanted)}"
    if given.numel() * given.element_size() > given.untyped_storage().nbytes():
        return f"{name} repeats {given.untyped_storage().nbytes()} bytes"
    if not bool(torch.isfinite(given).all()) or not bool(torch.isfinite(given.float()).all()):
        return f"{name} holds NaN or Inf"
    return ""


def _long_axes(tensor: Tensor) -> list[int]:
    """The shape without axes of length 1, since a 1x1 convolution and a matrix hold the same numbers."""
    return [size for size in tensor.shape if size != 1]

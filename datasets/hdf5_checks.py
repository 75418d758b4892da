"""What is asked of an HDF5 file before its values are read, and its attributes as texts and numbers.

A dataset must lie in this file (no link to another file, no external storage, no virtual dataset), every chunk of it must have been
written, and what it declares must keep the rules of datasets/input_files.py: HDF5 gives its fill value for whatever is missing, so a
dataset of which nothing is there would be read as an image of zeros. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from datasets.hdf5_heaps import expect_sound_heaps
from datasets.input_files import InputFileError, expect_shape, largest_array, own_errors, regular_size, spell_bytes


@contextmanager
def opened_hdf5(path: Path, error: type[InputFileError], expected: str, way_out: str) -> Iterator[h5py.File]:
    """The open file; whatever goes wrong inside the block ends as an error of the family.

    Raises:
        InputFileError: `error`, where it is no regular file, no HDF5 file, or broken.
    """
    regular_size(path, error)
    with own_errors(path, error, expected, way_out):
        expect_sound_heaps(path, error)
        try:
            with h5py.File(path, "r") as store:
                yield store
        except OSError as problem:
            reason = _no_damage(str(problem).lower())
            if reason is None:
                raise
            raise error(f"{path}: {reason}") from problem


def _no_damage(problem: str) -> str | None:
    """What a message of HDF5 means where the file is sound and cannot be read now: expected, got, and the way out."""
    if "unable to lock file" in problem or "already open for" in problem or "resource temporarily unavailable" in problem:
        return (
            "expected a file that no program is writing, got one that is locked or was not closed; close it in the other program (after a "
            "crash: h5clear -s FILE), or set HDF5_USE_FILE_LOCKING=FALSE where the file system has no locks"
        )
    if ("filter" in problem and ("not registered" in problem or "not available" in problem)) or "plugin" in problem:
        return (
            "expected samples packed by a filter that the HDF5 library has, got one that needs a plugin; repack the file "
            "(h5repack -f GZIP=4 IN OUT, where the plugin is installed), or set HDF5_PLUGIN_PATH to the folder of the plugin"
        )
    return None


def own_node(path: Path, group: h5py.Group, name: str, error: type[InputFileError]) -> Any:
    """The group or dataset `name` (a path) below `group`, which must lie in the same file; None where there is none.

    Raises:
        InputFileError: `error`, where it is a link, which may lead to another file.
    """
    node = group
    for part in name.strip("/").split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise error(f"{path}: expected {name} in the file itself, got a link; copy it into one file")
        node = node[part]
    return node


def expect_held(path: Path, dataset: h5py.Dataset, error: type[InputFileError]) -> None:
    """Nothing, where all values of a dataset are in the file and it may be read.

    Raises:
        InputFileError: `error`, where they lie elsewhere, were not all written, or are too many.
    """
    name = dataset.name or "a dataset"
    if dataset.is_virtual or dataset.external:
        raise error(f"{path}: expected the values of {name} in the file itself, got values in other files; copy them into one file")
    if dataset.shape is None:
        raise error(f"{path}: expected values in {name}, got an empty dataset; export the file again")
    kind = np.dtype(dataset.dtype)
    held = int(dataset.id.get_storage_size())
    expect_shape(path, dataset.shape or (1,), kind, held, error)
    declared = prod(dataset.shape) * kind.itemsize
    how = dataset.id.get_create_plist()
    if kind.kind not in "iufc":
        return
    if dataset.chunks is None:
        if how.get_layout() == h5py.h5d.CONTIGUOUS and held != declared:
            raise error(f"{path}: expected {declared} bytes of {name}, got {held} written; run or export it again")
        return
    if prod(dataset.chunks) * kind.itemsize > largest_array():
        raise error(f"{path}: expected chunks of at most {spell_bytes(largest_array())} in {name}, got {dataset.chunks}; export it again")
    wanted = prod(ceil(size / chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    written = int(dataset.id.get_num_chunks())
    if written != wanted:
        raise error(f"{path}: expected {wanted} chunks of {name}, got {written} written; run or export it again")
    if not how.get_nfilters() and held < declared:
        raise error(f"{path}: expected {declared} bytes of {name}, got {held}; run or export it again")


def attributes_of(node: Any) -> dict[str, Any]:
    """The attributes of a file, group or dataset; texts as `str`."""
    return {name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in node.attrs.items()}


def sealed_by(attributes: dict[str, Any], path: Path, error: type[InputFileError]) -> str | None:
    """The seal that the attributes carry; None where there is none.

    Raises:
        InputFileError: `error`, where it is no text.
    """
    seal = attributes.get("sha256")
    if seal is not None and not isinstance(seal, str):
        raise error(f"{path}: expected a text in the attribute sha256, got {type(seal).__name__}; run the plan again, or remove it")
    return seal

"""Where a result is to be written: checked before the work, which may take hours, and not after it.

Permission bits alone do not decide: file systems mounted read-only, full quotas and the superuser's rights do, too. So a file is made in
the folder and removed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from datasets.input_files import InputFileError, brief


class OutputFileError(InputFileError):
    """A place where nothing can be written; the text says what was expected, what came, and the way out."""


def expect_writable_folder(folder: Path, option: str) -> None:
    """Nothing, where files can be made in `folder`, or where it does not exist and can be made; nothing is left there.

    Args:
        folder: the folder of the result.
        option: the option of the command line that names it, for the error.

    Raises:
        OutputFileError: it is a file, lies below one, or the file system does not let this process write there.
    """
    place = folder.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    way_out = f"give another place with {option}"
    try:
        is_folder = place.is_dir()
    except OSError as problem:
        raise OutputFileError(f"{folder}: expected a folder that can be looked into, got {brief(problem)}; {way_out}") from problem
    if not is_folder:
        raise OutputFileError(f"{folder}: expected a folder, got {place}, which is none; {way_out}")
    probe = place / f".hmif-{uuid4().hex}.tmp"
    try:
        probe.touch(exist_ok=False)
    except OSError as problem:
        raise OutputFileError(f"{folder}: expected a folder that this user can write to, got {brief(problem)}; {way_out}") from problem
    with suppress(OSError):
        probe.unlink()


def expect_output_file(file: Path, inputs: Iterable[Path] = (), option: str = "--out") -> None:
    """Nothing, where `file` can be written and is none of the inputs.

    Raises:
        OutputFileError: it is a folder or a device, it is an input (by whatever path), or its folder cannot be written to.
    """
    if os.path.lexists(file) and not file.is_file():
        kind = "a folder" if file.is_dir() else "something that is no regular file"
        raise OutputFileError(f"{file}: expected the name of a file, got {kind}; give a name in it with {option}")
    for given in inputs:
        same = file.exists() and given.exists() and file.samefile(given)
        if same or file.absolute() == given.absolute() or os.path.realpath(file) == os.path.realpath(given):
            raise OutputFileError(f"{file}: expected a file that is no input, got the input {given}; give another name with {option}")
    expect_writable_folder(file.parent, option)

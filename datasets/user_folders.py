"""Folders of the user: a path that begins with ~, and the cache folder, on machines where no home folder is known.

A container, a batch job or a service may run as a user that has no entry in /etc/passwd, and without $HOME.
"""

from __future__ import annotations

from pathlib import Path

import pooch

from datasets.input_files import InputFileError


def user_path(path: str | Path, error: type[InputFileError]) -> Path:
    """The path with ~ or ~NAME as the home folder.

    Raises:
        InputFileError: `error`, where that home folder is not known.
    """
    try:
        return Path(path).expanduser()
    except (RuntimeError, KeyError) as problem:
        raise error(f"{path}: expected a home folder for ~, got none that is known here; set $HOME, or write the whole path") from problem


def cache_folder() -> Path | None:
    """The user's cache folder of this suite, which need not exist; None where no home folder is known."""
    try:
        return Path(pooch.os_cache("hmif-bench"))
    except (RuntimeError, KeyError):
        return None

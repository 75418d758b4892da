"""Small files in the user's cache folder, which save what takes long to find out again. Without them everything is found out anew."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from datasets.scene import SceneError
from datasets.user_folders import cache_folder, user_path

CACHE = "HMIF_CACHE"  # environment variable: another folder than the user's cache folder


def cache_file(kind: str, key: str) -> Path | None:
    """The file in the cache of what has this key; None where there is no cache folder. `kind` names the folder in the cache.

    Raises:
        SceneError: $HMIF_CACHE begins with a home folder that is not known.
    """
    given = os.environ.get(CACHE)
    folder = user_path(given, SceneError) if given else cache_folder()
    return None if folder is None else folder / kind / f"{key}.json"


def write_cache_file(file: Path, text: str) -> None:
    """Keep a text, whole or not at all; a cache that cannot be written to is no error, it only costs time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)

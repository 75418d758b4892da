"""Where data lie: one data root with the usual folders, and folders of single data sets that lie elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from datasets.nearest import did_you_mean
from datasets.scene import SceneError
from datasets.sets.all_sets import SETS
from datasets.user_folders import cache_folder, user_path

_FOLDERS = {
    **{name: name for name in SETS},
    "remote": "remote",
    "exact": "cave_exact",
    "pairs": "pairs",
    "srf": "srf",
    "weights": "weights",
}


@dataclass(frozen=True)
class DataRoots:
    """One data root, and the folders of data sets that lie elsewhere."""

    root: Path | None = None
    named: Mapping[str, Path] = field(default_factory=dict)  # the folder of a data set that does not lie in the root, by its name

    @classmethod
    def parse(cls, values: Sequence[str] = (), environ: Mapping[str, str] | None = None, *, must_exist: bool = True) -> DataRoots:
        """The data roots of `--data DIR` and `--data NAME=DIR`.

        Without a DIR the root is $HMIF_DATA, and without that the user's cache folder, which need not exist. Where no home folder is known,
        there is no root.

        Raises:
            SceneError: an unknown data set, two roots, or a folder that does not exist (unless `must_exist` is False).
        """
        environ = os.environ if environ is None else environ
        roots: list[Path] = []
        named: dict[str, Path] = {}
        for value in values:
            match = re.fullmatch(r"([A-Za-z_]\w*)=(.+)", value)
            if match is None:
                roots.append(user_path(value, SceneError))
            elif match[1] in _FOLDERS:
                named[match[1]] = user_path(match[2], SceneError)
            else:
                raise SceneError(
                    f"--data {value}: expected one of {', '.join(_FOLDERS)} before the =, got {match[1]!r}"
                    f"{spell_nearest(match[1], _FOLDERS)}"
                )
        if len(roots) > 1:
            raise SceneError(f"--data: expected one data root, got {', '.join(map(str, roots))}; give further folders as NAME=DIR")
        if not roots and environ.get("HMIF_DATA"):
            roots.append(user_path(environ["HMIF_DATA"], SceneError))
        for folder in (*roots, *named.values()):
            if must_exist and not folder.is_dir():
                raise SceneError(f"data: expected a folder, got {folder}, which is none; check --data and $HMIF_DATA")
        return cls(roots[0] if roots else cache_folder(), named)

    def folder(self, data_set: str) -> Path | None:
        """Where a data set lies or would lie (`srf`, `weights`, `remote`...); None without a root.

        Raises:
            SceneError: there is no such data set.
        """
        if data_set not in _FOLDERS:
            raise SceneError(f"data: {did_you_mean(data_set, _FOLDERS)}expected one of {', '.join(_FOLDERS)}, got {data_set!r}")
        return self.named.get(data_set) or (None if self.root is None else self.root / _FOLDERS[data_set])


def spell_nearest(name: str, valid: Iterable[str]) -> str:
    """The valid names that are nearest to `name`, as a question in brackets; empty where none is near."""
    close = get_close_matches(name, list(valid), n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""

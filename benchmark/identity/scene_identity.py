"""The identity of a scene: one digest that stands for it in keys, references, observations and noise.

    lossless files      sha256 of the cube in float32 and the wavelengths, as the reader returns them. So a changed reader or a corrected
                        file gives another scene, and a renamed copy, or the same cube in another format, the same scene
    lossy files         sha256 of the files' bytes, the reader's options and its sources, since decoded bits differ between machines
    generated scenes    sha256 of the generator's numbers and sources, for the same reason

To read 200 scenes takes minutes, so identities are kept in the user's cache folder, one small file per scene, under the name

    sha256(path, inode, size, mtime_ns and ctime_ns of every file, the reader's options, its sources, versions of decoding libraries)

The identity is checked again whenever the scene is observed (`ObserveJob`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from benchmark.identity.cache_files import cache_file, write_cache_file
from benchmark.identity.sources import sources_of
from datasets.digests import cube_digest, digest_of, file_sha256
from datasets.scene import Scene, SceneError
from datasets.scene_sources import SceneSource


@dataclass(frozen=True)
class SceneIdentity:
    """The digest and the shape of a scene."""

    digest: str  # sha256, hex
    shape: tuple[int, int, int]  # bands, rows, columns
    remarks: tuple[str, ...] = ()  # of the reader, for a person to know


def identify(source: SceneSource) -> SceneIdentity:
    """The identity of the scene that a source gives; the scene is read unless its identity is in the cache.

    Raises:
        SceneError: its files are not there, or are broken.
    """
    files, recipe = source.files(), source.recipe()
    reader = sources_of(source.reader).digest
    if not files:
        return SceneIdentity(_by_recipe(source), source.shape() or _shape(source.load()))
    libraries = {name: version(name) for name in source.libraries}
    facts = {"files": file_states(files), "recipe": recipe, "repeatable": source.repeatable(), "reader": reader, "libraries": libraries}
    kept = cache_file("scene_identities", digest_of(facts))
    cached = None if kept is None else _read(kept)
    if cached is not None:
        return cached
    scene = source.load()
    identity = SceneIdentity(_digest(source, scene), _shape(scene), scene.remarks)
    if kept is not None:
        write_cache_file(kept, json.dumps(asdict(identity)))
    return identity


def load_checked(source: SceneSource, digest: str) -> Scene:
    """The scene, loaded, and compared with the digest that it had.

    Raises:
        SceneError: its files are not there or are broken, or it has another digest now.
    """
    scene = source.load()
    actual = _digest(source, scene)
    if actual != digest:
        raise SceneError(
            f"scene {source.name!r}: expected the cube that the plan was made for ({digest[:12]}), got another one ({actual[:12]}): its "
            "files or its reader have been changed since the run was started; run the plan again"
        )
    return scene


def _digest(source: SceneSource, scene: Scene) -> str:
    """The digest of the cube or, where its bits differ between machines, of what it is made from."""
    if not source.repeatable():
        return _by_recipe(source)
    return cube_digest(scene.cube.numpy(), scene.wavelengths.numpy(), None if scene.mask is None else scene.mask.numpy())


def _by_recipe(source: SceneSource) -> str:
    parts = [source.recipe(), sources_of(source.reader).digest, *map(file_sha256, source.files())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def file_states(files: Sequence[Path]) -> list[list[str | int]]:
    """Path, inode, size and the moments of the last changes of each file: where these are the same, the file has not been changed."""
    states: list[list[str | int]] = []
    for file in files:
        stat = file.stat()
        states.append([str(file.resolve()), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns])
    return states


def _shape(scene: Scene) -> tuple[int, int, int]:
    bands, rows, cols = scene.cube.shape
    return bands, rows, cols


def _read(file: Path) -> SceneIdentity | None:
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        bands, rows, cols = map(int, table["shape"])
        digest, remarks = table["digest"], tuple(map(str, table["remarks"]))
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: the scene is read again
        return None
    return SceneIdentity(digest, (bands, rows, cols), remarks) if isinstance(digest, str) and len(digest) == 64 else None

"""The pieces of a training: which sources made which of its steps.

`pieces.json` in the folder of a training is a list with one table for each piece, from the first to the last:

    from_step             the step with which the piece began. It made those up to the beginning of the next one
    commit, uncommitted_changes, torch, processor, device, threads_per_cell, started     the environment of the piece
    sources               the digest of the sources that decide what is learned: those of the method, and those that make its patches
    files                 the digest of each of these sources, by its name
    sources_accepted      whether the piece was told to go on from steps that other sources had made

A piece that was killed before its first checkpoint has made no step that counts: the next one begins at the same step and takes its place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.clone import ROOT
from benchmark.identity.sources import Sources, sources_of, sources_of_module
from methods.catalog import Entry

PIECES = "pieces.json"
UNRECORDED = "unrecorded"
_FACTS = ("commit", "uncommitted_changes", "torch", "processor", "device", "threads_per_cell", "started")
_IN_WEIGHTS = ("from_step", "commit", "uncommitted_changes", "sources", "sources_accepted", "torch", "processor", "device")


class SourcesChangedError(ValueError):
    """A training was begun by other sources than those that would go on with it; the text says which files differ, and the way out."""


def learning_sources(entry: Entry) -> Sources:
    """The sources that decide what a method learns from given scenes: its own, and those that make patches and observations."""
    if entry.file is None:
        own = sources_of_module(entry.module.partition(":")[0])
    else:
        own = sources_of(entry.file, None if entry.root is None else entry.file.parent, root=entry.root)
    return own.joined(sources_of(ROOT / "benchmark" / "matrix" / "patches.py"))


def read_pieces(folder: Path) -> list[dict[str, Any]]:
    """The pieces of the training in `folder`; an empty list where none is recorded.

    Raises:
        SourcesChangedError: the file is not a list of pieces.
    """
    file = folder / PIECES
    if not file.exists():
        return []
    try:
        pieces = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(pieces, list) or not all(isinstance(piece["from_step"], int) and str(piece["sources"]) for piece in pieces):
            raise ValueError("no list of pieces")
    except (ValueError, LookupError, TypeError) as error:
        raise SourcesChangedError(
            f"{file}: expected the list of the training's pieces, got {type(error).__name__} {error}; give the file back, or remove it and "
            "go on with --accept-sources"
        ) from error
    return pieces


def expect_same_sources(pieces: Sequence[Mapping[str, Any]], sources: Sources, folder: Path) -> None:
    """Nothing, where the last piece of the training was made by these sources.

    Raises:
        SourcesChangedError: it was made by others, or by unrecorded ones.
    """
    former = pieces[-1]["sources"] if pieces else UNRECORDED
    if former == sources.digest:
        return
    if not pieces:
        raise SourcesChangedError(
            f"{folder} holds a training whose sources are not recorded ({PIECES} is absent), expected {sources.digest[:12]}; give "
            "--accept-sources to go on all the same, which the weights then say, or another --out"
        )
    known = pieces[-1].get("files", {})
    differing = sorted(name for name in {**known, **_digests(sources)} if known.get(name) != _digests(sources).get(name))
    commit = str(pieces[-1].get("commit") or "an unknown commit")[:12]
    raise SourcesChangedError(
        f"{folder} holds a training by other sources: expected those of its last piece ({former[:12]}, commit {commit}), got "
        f"{sources.digest[:12]}, which differ in {', '.join(differing[:5])}{' and others' if len(differing) > 5 else ''}; go on from a "
        "clone at that commit, or give --accept-sources, which the weights then say"
    )


def write_pieces(
    folder: Path, former: Sequence[Mapping[str, Any]], step: int, sources: Sources, facts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Records a piece that begins at `step`, and returns all pieces that have made steps so far, with this one.

    Where no former piece is recorded and the piece does not begin at step 0, the first table says that the steps before are unrecorded.
    """
    before = [dict(piece) for piece in former if piece["from_step"] < step]
    if step > 0 and not before:
        before = [{"from_step": 0, "sources": UNRECORDED, "sources_accepted": False, "commit": UNRECORDED}]
    piece = {
        "from_step": step,
        "sources": sources.digest,
        "sources_accepted": bool(before) and before[-1]["sources"] != sources.digest,
        **{name: facts.get(name) for name in _FACTS},
        "files": _digests(sources),
    }
    file = folder / PIECES
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump([*before, piece], stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return [*before, piece]


def pieces_in_weights(pieces: Sequence[Mapping[str, Any]], last_step: int) -> dict[str, str]:
    """The facts for the metadata of weights: `pieces` (JSON, one table a piece that made steps) and `commits` (JSON, each commit once)."""
    made = [piece for piece in pieces if piece["from_step"] < last_step] or list(pieces[-1:])
    tables = [{name: piece.get(name) for name in _IN_WEIGHTS} for piece in made]
    commits = list(dict.fromkeys(f"{piece['commit']}{'+' if piece.get('uncommitted_changes') else ''}" for piece in made))
    return {"pieces": json.dumps(tables), "commits": json.dumps(commits)}


def _digests(sources: Sources) -> dict[str, str]:
    return {**sources.files, **sources.data, **sources.packages}

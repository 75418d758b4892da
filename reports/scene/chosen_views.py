"""The views of the scenes that a person has chosen for a figure, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import SelectionError
from datasets.cube_file import CubeFileError, read_cube
from datasets.nearest import did_you_mean
from reports.content.figure_request import FigureRequest, band_places
from reports.content.paper_style import method_names
from reports.content.row import Row
from reports.content.summary import Summary
from reports.scene.pair_inputs import read_pair_inputs
from reports.scene.scene_view import MOST_METHODS, SceneView, Wish, choose_scene, view_chosen

Chosen = tuple[Row, Result]


def chosen_views(
    run: RunFolder, summaries: Sequence[Summary], request: FigureRequest, series: Mapping[tuple[str, str], int]
) -> list[SceneView]:
    """A view of each scene that is asked for, with the methods in the order that is asked for.

    Args:
        run: the run.
        summaries: its protocols.
        request: what is asked for.
        series: the numbers of the rows in the whole report, which decide their colours.

    Raises:
        SelectionError: a scene, a protocol, a method, a window, a pixel or a band that is not there, or an estimate that is not kept.
    """
    summary = _summary(summaries, request)
    scenes = [_scene(summary, name) for name in request.scenes] or [choose_scene(summary)[0]]
    views = []
    for scene in scenes:
        if not scene:
            raise SelectionError(f"figure: expected --scene where no method is ranked, got none; there are {', '.join(summary.scenes)}")
        chosen = _methods(summary, scene, request)
        wish = _wish(run, chosen[0][1], request)
        for row, result in chosen:
            if not run.estimate(result.key).is_file():
                raise SelectionError(
                    f"figure: expected the estimate of {row.label} on {scene}, got none: it was not kept; run its cell again "
                    "with --keep estimates, or leave it out by --methods"
                )
        view = view_chosen(run, summary.name, scene, chosen, series, wish)
        if view is None:
            raise SelectionError(f"figure: expected files of {scene} that can be read, got none; `explain` says more of a cell")
        views.append(view)
    return views


def _summary(summaries: Sequence[Summary], request: FigureRequest) -> Summary:
    """The protocol that is asked for; where none is named, the only one that has the first scene."""
    names = [summary.name for summary in summaries]
    if request.protocol:
        return summaries[names.index(_one("--protocol", request.protocol, names))]
    first = request.scenes[0] if request.scenes else "*"
    having = [summary for summary in summaries if any(_is_scene(scene, first) for scene in summary.scenes)]
    if not having:
        _one("--scene", first, [scene for summary in summaries for scene in summary.scenes])
    if len(having) > 1:
        raise SelectionError(f"figure: expected one protocol, got {', '.join(each.name for each in having)}; name it by --protocol")
    return having[0]


def _scene(summary: Summary, name: str) -> str:
    return _one("--scene", name, summary.scenes, _is_scene)


def _is_scene(scene: str, name: str) -> bool:
    """Whether a scene is meant: by its whole name, by what stands behind its data set, or by a pattern."""
    return scene == name or scene.rpartition("/")[2] == name or fnmatchcase(scene, name)


def _one(option: str, name: str, valid: Sequence[str], fits: Callable[[str, str], bool] = fnmatchcase) -> str:
    found = [each for each in dict.fromkeys(valid) if each == name] or [each for each in dict.fromkeys(valid) if fits(each, name)]
    if len(found) != 1:
        got = f"got {len(found)} for {name!r}" if found else f"got {name!r}"
        short = [each.rpartition("/")[2] for each in valid]
        near = "" if found else did_you_mean(name, [*valid, *short])
        raise SelectionError(f"{option}: {near}expected one of {', '.join(dict.fromkeys(valid))}, {got}")
    return found[0]


def _methods(summary: Summary, scene: str, request: FigureRequest) -> list[Chosen]:
    """The rows that are asked for with their records on the scene, each once, in the order of the patterns; else those of the rules."""
    scored = [
        (row, min(there, key=lambda result: result.seed))
        for row in summary.rows
        if (there := [r for r in row.results if r.scene == scene and r.outcome == "scored" and request.seed in (None, r.seed) and r.method])
    ]
    if not scored:
        raise SelectionError(f"figure: expected a method with a score on {scene}, got none; `list` the cells by `status`")
    if not request.methods:
        return _by_rules(summary, scored)
    names = method_names([result for _, result in scored])
    chosen: dict[int, Chosen] = {}
    for pattern in request.methods:
        found = [each for each in scored if any(name == pattern or fnmatchcase(name, pattern) for name in (*names(each[1]), each[0].label))]
        if not found:
            known = list(dict.fromkeys(name for each in scored for name in (*names(each[1]), each[0].label)))
            raise SelectionError(
                f"--methods {pattern}: {did_you_mean(pattern, known)}expected one of {', '.join(known)}, got no match on {scene}"
            )
        chosen |= {id(each[0]): each for each in found if id(each[0]) not in chosen}
    return list(chosen.values())


def _by_rules(summary: Summary, scored: Sequence[Chosen]) -> list[Chosen]:
    """The first row of each tier, then the next ones, in the order of the table."""
    firsts = [next(each for each in scored if each[0].tier == tier) for tier in dict.fromkeys(row.tier for row, _ in scored)]
    kept = [*firsts, *(each for each in scored if each not in firsts)][:MOST_METHODS]
    return [each for each in scored if each in kept]


def _wish(run: RunFolder, result: Result, request: FigureRequest) -> Wish:
    """What is asked for, checked against the size and the bands of the scene."""
    try:
        if result.has_reference:
            whole = read_cube(run.reference(result.scene_digest))
            count, nm, (rows, cols) = len(whole.cube), whole.wavelengths_nm, whole.cube.shape[1:]
        else:
            pair = read_pair_inputs(run.observation(result.observation_digest))
            if isinstance(pair, str):
                raise SelectionError(f"figure: expected the pair of {result.scene}, got none: {pair}")
            count, nm, (rows, cols) = len(pair.hsi.cube), pair.hsi.wavelengths_nm, pair.shape[1:]
    except CubeFileError as error:
        raise SelectionError(f"figure: expected the reference of {result.scene}, got {error}; run its cells again") from error
    if request.zoom is not None:
        row, col, side = request.zoom
        if row + side > rows or col + side > cols:
            raise SelectionError(
                f"--zoom {row},{col},{side}: expected a window inside the {rows} x {cols} pixels of {result.scene}, got rows to "
                f"{row + side - 1} and columns to {col + side - 1}"
            )
    for row, col in request.pixels:
        if row >= rows or col >= cols:
            raise SelectionError(f"--pixel {row},{col}: expected a pixel inside the {rows} x {cols} pixels of {result.scene}")
    bands = None if request.bands is None else band_places(request.bands, count, None if nm is None else [float(value) for value in nm])
    return Wish(request.zoom, request.pixels, bands)

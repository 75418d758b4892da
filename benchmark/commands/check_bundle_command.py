"""`check-bundle`: whether a bundle is whole and still belongs to this code, and whether its scores are those of its cubes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.command import (
    FAILED,
    OK,
    Command,
    CommandError,
    Console,
    Reply,
    add_data,
    add_plugins,
    expect_platform,
    positive,
    roots,
)

if TYPE_CHECKING:
    from benchmark.review.bundle_recheck import Recheck
    from benchmark.run_folder.bundle import Bundle

SAMPLE = 10  # cells that are recomputed


def _arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument("bundle", metavar="FILE|NAME")
    check.add_argument(
        "--cubes",
        type=Path,
        metavar="DIR",
        help="the run folder that the bundle was made of, or its folder estimates: scores of some of its cubes are computed again from the "
        "scenes in --data, and compared with those in the bundle",
    )
    check.add_argument(
        "--sample",
        type=positive,
        metavar="N",
        help=f"with --cubes: cells that are computed again, of each row first one (default {SAMPLE})",
    )
    check.add_argument(
        "--word", metavar="TEXT", help="with --cubes: decides which cells; drawn at random by default, and told, to draw the same again"
    )
    add_data(check)
    add_plugins(check)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.bundle_check import check_bundle
    from benchmark.review.bundle_names import find_bundle
    from benchmark.run_folder.bundle import read_bundle

    if options.cubes is None and (options.sample is not None or options.word is not None):
        raise CommandError(
            "check-bundle: expected --cubes DIR beside --sample and --word, as they say which cubes are scored again, got none"
        )
    bundle = read_bundle(find_bundle(options.bundle))
    found = check_bundle(bundle, roots(options), options.plugins)
    again = None if options.cubes is None else _recheck(bundle, options, console)
    code = ", ".join(bundle.code) or "unknown"
    sound = found.sound and (again is None or again.sound)
    verdict = "whole, and of this code's protocols and metrics" if found.sound else "not to be used as it is"
    if again is not None and found.sound:
        verdict = (
            f"{verdict}; {again.agreeing} of {again.drawn} cells computed again, and none differs" if sound else "not to be used as it is"
        )
    lines = [
        f"bundle    {bundle.name}: {len(bundle.records)} records, {bundle.scored} with scores, made {bundle.made} by code {code}",
        *(f"stale     {line}" for line in found.stale),
        *(f"gap       {line}" for line in found.gaps),
        *(f"note      {line}" for line in found.notes),
        *([] if again is None else _lines(again)),
        f"verdict   {verdict}",
    ]
    return Reply("\n".join(lines), OK if sound else FAILED)


def _recheck(bundle: Bundle, options: argparse.Namespace, console: Console) -> Recheck:
    """What comes of scoring some of the bundle's cubes again."""
    import secrets

    from benchmark.review.bundle_recheck import drawn_cells, recheck
    from benchmark.runner.recomputing import recompute

    expect_platform("check-bundle --cubes")
    if not options.cubes.is_dir():
        raise CommandError(f"check-bundle --cubes: expected a run folder or a folder of cubes, got {options.cubes}, which is none")
    word = secrets.token_hex(4) if options.word is None else options.word
    drawn = drawn_cells(bundle, options.sample or SAMPLE, word)
    console.line(f"computing {len(drawn)} cells again, drawn by the word {word} (--word {word} draws the same)", passing=False)
    done = recompute(
        drawn,
        bundle.plan_text,
        options.cubes,
        roots(options),
        lambda count, total, record: console.line(f"{count} of {total}: {record.label} on {record.scene}", passing=True),
    )
    return recheck(
        bundle,
        drawn,
        {key: one.metrics for key, one in done.items() if one.metrics is not None},
        {key: one.gap for key, one in done.items() if one.gap},
        {key: one.fault for key, one in done.items() if one.fault},
    )


def _lines(again: Recheck) -> list[str]:
    """What came of it, line by line."""
    lines = [f"again     {again.agreeing} of {again.drawn} cells have the scores of their cubes"]
    lines += [f"differs   {line}" for line in again.mismatches]
    lines += [f"gap       {line}" for line in again.gaps]
    lines += [f"note      no cell was computed again of: {', '.join(again.unseen)}"] if again.unseen else []
    return lines + ([] if again.recomputed else ["gap       no cell was computed again, so that nothing is known of the scores"])


COMMAND = Command(
    "check-bundle",
    "whether a bundle is whole, of this code's protocols and metrics, and (--cubes) whether its scores are those of its cubes",
    _arguments,
    _call,
)

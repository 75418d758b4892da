"""`leaderboard`: writes the pages of the results from bundles: tables, verdicts on published claims, LaTeX, and a part of the README."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.clone import ROOT
from benchmark.commands.command import Command, Console, Reply

RESULTS = ROOT / "docs" / "results"


def _arguments(leaderboard: argparse.ArgumentParser) -> None:
    leaderboard.add_argument("bundles", nargs="+", metavar="NAME|FILE", help="bundles; of two records of one cell the later one counts")
    leaderboard.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="default: docs/results of this clone")
    leaderboard.add_argument("--readme", type=Path, metavar="FILE", help="whose part is written anew (default: the clone's, without --out)")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.bundle_names import find_bundle, named_bundles
    from datasets.output_files import expect_writable_folder

    expect_writable_folder(options.out, "--out")
    known = {file: name for name, file in named_bundles().items()}
    files = [find_bundle(given) for given in options.bundles]
    bundles = {known.get(file, file.name): file for file in files}
    readme = ROOT / "README.md" if options.readme is None and options.out == RESULTS else options.readme
    return Reply(console.leaderboard(bundles, options.out, readme))


COMMAND = Command("leaderboard", "write the pages of the results from bundles (docs/reference_results.md)", _arguments, _call)

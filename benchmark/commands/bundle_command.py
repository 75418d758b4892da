"""`bundle`: writes the records of a run into one small file, to be compared with."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply


def _arguments(bundle: argparse.ArgumentParser) -> None:
    bundle.add_argument("folder", type=Path, metavar="RUN_DIR")
    bundle.add_argument("--out", type=Path, required=True, metavar="FILE.json.xz")
    bundle.add_argument(
        "--repeated",
        type=Path,
        metavar="RUN_DIR",
        help="the same plan, run once more with other threads: what scores differ by",
    )
    bundle.add_argument("--name", default="", metavar="NAME", help="name of the bundle (default: that of the file)")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from dataclasses import replace

    from benchmark.review.compare import score_noise
    from benchmark.run_folder.bundle import ENDING, bundle_of, write_bundle

    made = bundle_of(options.folder, options.name or options.out.name.removesuffix(ENDING))
    if options.repeated is not None:
        made = replace(made, noise=score_noise(options.folder, options.repeated))
    file = write_bundle(options.out, made)
    missing = made.planned - len(made.records)
    code = ", ".join(made.code) or "unknown"
    lines = [
        f"bundle    {made.name}: {len(made.records)} records, {made.scored} with scores, {file.stat().st_size} bytes, in {file}",
        f"code      {code}{' (+: with changes that were not committed)' if '+' in code else ''}",
        *([f"missing   {missing} of the plan's {made.planned} cells have no record"] if missing > 0 else []),
    ]
    return Reply("\n".join(lines))


COMMAND = Command("bundle", "write the records of a run into one small file (docs/reference_results.md)", _arguments, _call)

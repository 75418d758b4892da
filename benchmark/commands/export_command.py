"""`export-observations`: writes the pairs of a plan as files, for programs and laboratories elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.command import Command, CommandError, Console, Reply, add_data, add_plugins, roots
from benchmark.commands.plan_argument import PLAN_NAMED, plan_file

if TYPE_CHECKING:
    from benchmark.runner.exporting import Exported


def _arguments(export: argparse.ArgumentParser) -> None:
    export.add_argument("plan", type=plan_file, metavar=PLAN_NAMED)
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files, the manifest and a README")
    export.add_argument("--format", choices=("mat", "h5", "npz"), default="mat", help="of the files (default: mat, version 5)")
    export.add_argument(
        "--tell",
        default="psf,srf",
        metavar="psf,srf,noise|nothing",
        help="what is written of what the protocols reveal (default: psf,srf); a method is ranked by what its card says that it used",
    )
    export.add_argument("--seed", type=int, metavar="N", help="this seed instead of the plan's seeds")
    add_plugins(export)
    add_data(export)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.matrix.plan_file import read_plan
    from benchmark.run_folder.repetition import plan_start
    from benchmark.runner.exporting import TELLABLE, export_observations
    from datasets.output_files import expect_writable_folder

    told = tuple(name.strip() for name in options.tell.split(",") if name.strip() and name.strip() != "nothing")
    unknown = [name for name in told if name not in TELLABLE]
    if unknown:
        raise CommandError(f"--tell: expected psf, srf, noise or nothing, got {unknown[0]!r}")
    expect_writable_folder(options.out, "--out")
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, start=plan_start(options.plan))

    def show(done: int, total: int, one: Exported) -> None:
        console.line(f"[{done}/{total}] {one.file.name}", passing=True)

    done = export_observations(plan, options.out, options.format, told, show)
    size = sum(one.file.stat().st_size for one in done) / 1e6
    left_out = "".join(f"{line}\n" for line in plan.left_out)
    return Reply(
        f"{left_out}{len(done)} observations, {size:.0f} MB, into {options.out}; README.txt there says what to hand back, and\n"
        f'python run_benchmark.py score DIR --plan {options.plan} --label "NAME" --card CARD.toml\nscores it'
    )


COMMAND = Command("export-observations", "write the image pairs of a plan as files, never the truth", _arguments, _call)

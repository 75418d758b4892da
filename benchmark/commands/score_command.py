"""`score`: scores fused cubes that were made elsewhere, in the tables of a plan."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmark.commands.command import (
    FAILED,
    OK,
    Command,
    CommandError,
    Console,
    Reply,
    add_data,
    add_plugins,
    positive,
    results_folder,
    roots,
)
from benchmark.commands.plan_argument import PLAN_NAMED, plan_file
from benchmark.commands.run_command import failure_line, settings


def _arguments(score: argparse.ArgumentParser) -> None:
    score.add_argument("folder", type=Path, metavar="DIR", help="the cubes: one file per scene, protocol and seed")
    score.add_argument("--plan", type=plan_file, required=True, metavar=PLAN_NAMED, help="the plan that has their scenes and protocols")
    score.add_argument("--label", required=True, metavar="NAME", help="name in tables")
    score.add_argument("--card", type=Path, metavar="CARD.toml", help="facts of the method in [card]; without it the row is not ranked")
    score.add_argument("--names", type=Path, metavar="NAMES.toml", help="which file belongs to which scene, where the names do not say it")
    score.add_argument("--variable", metavar="NAME", help="the cube in a file that holds several arrays (default: cube)")
    score.add_argument("--layout", metavar='"rows cols bands"', help="the axes of the cubes, in their order")
    score.add_argument("--scale", type=float, metavar="S", help="value = stored / S")
    score.add_argument("--bands", metavar="LIST", help="the bands in the order of the HSI, such as 31-1")
    score.add_argument("--as-it-is", action="store_true", help="score a cube even where it looks turned, or in another unit than the HSI")
    score.add_argument("--out", type=Path, metavar="RUN_DIR", help="run folder (default: results/<plan's name>, as for `run`)")
    score.add_argument("--slots", type=positive, default=1, metavar="N", help="cells at a time (default 1)")
    score.add_argument("--seed", type=int, metavar="N", help="this seed instead of the plan's seeds")
    score.add_argument(
        "--keep", choices=("estimates", "float32", "top", "none"), default="estimates", help="which cubes are kept in the run folder"
    )
    add_plugins(score)
    add_data(score)
    score.set_defaults(key="", retry=True, select=[], cluster=None, device="cpu")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.matrix.kept_estimates import with_estimates
    from benchmark.matrix.plan_file import name_of_plan, read_plan, text_of_plan
    from benchmark.matrix.time_budget import kept_time_budget, with_time_budget
    from benchmark.run_folder.folder import RunFolder
    from benchmark.run_folder.repetition import plan_start
    from benchmark.runner.supervisor import run
    from datasets.output_files import expect_writable_folder

    if not options.folder.is_dir():
        raise CommandError(f"score: expected a folder of cubes, got {options.folder}, which is none; check the path")
    given = text_of_plan(options.plan)
    start = plan_start(options.plan)
    folder = (options.out or results_folder(name_of_plan(options.plan, given))).resolve()
    expect_writable_folder(folder, "--out")
    kept = RunFolder(folder).kept_plan()
    divided = kept_time_budget(kept)
    text = with_estimates(given if divided is None else with_time_budget(given, divided), kept, _table(options))
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, text, start)
    how = settings(options, folder, label=options.label)
    records = run(plan, how, console.progress)
    tables, places = console.report(folder)
    lines = [failure_line(record, RunFolder(folder)) for record in records if record.outcome not in ("scored", "skipped")]
    lines += [f"not there: {record.scene}: {record.reason}" for record in records if record.outcome == "skipped"]
    scored = sum(record.outcome == "scored" for record in records)
    count = f"{scored} of {len(records)} cubes scored; conventions: python run_benchmark.py rescore {folder} --profile all"
    return Reply("\n".join(["", tables, *lines, count, places]), OK if scored == len(records) else FAILED)


def _table(options: argparse.Namespace) -> dict[str, Any]:
    """The table [[estimates]] that the options stand for, its paths absolute."""
    from datasets.reading_options import band_numbers

    table: dict[str, Any] = {"label": options.label, "folder": str(options.folder.resolve())}
    table |= {} if options.card is None else {"card": str(options.card.resolve())}
    table |= {} if options.names is None else {"files": _names(options.names)}
    table |= {name: value for name in ("variable", "layout", "scale") if (value := getattr(options, name)) is not None}
    table |= {} if options.bands is None else {"bands": list(band_numbers("--bands", options.bands))}
    return table | ({"as_it_is": True} if options.as_it_is else {})


def _names(file: Path) -> dict[str, str]:
    """The file of each cell, by SCENE__PROTOCOL__seedN or a shorter form of it, from a TOML file of such lines."""
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f'--names: expected a TOML file of lines SCENE__PROTOCOL = "name.mat", got {file}: {error}') from error
    wrong = next((name for name, value in table.items() if not isinstance(value, str)), None)
    if wrong is not None or not table:
        got = "nothing" if wrong is None else f"{wrong} = {table[wrong]!r}"
        raise CommandError(f'--names: expected lines such as balloons = "fused_balloons.mat", got {got} in {file}')
    return table


COMMAND = Command("score", "score fused cubes that were made elsewhere, in the tables of a plan", _arguments, _call)

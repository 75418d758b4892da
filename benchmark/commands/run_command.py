"""`run`: runs a plan and writes its report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.clone import ROOT
from benchmark.commands.command import (
    FAILED,
    OK,
    Command,
    Console,
    Reply,
    add_data,
    add_device,
    add_plugins,
    device,
    positive,
    repeating,
    results_folder,
    roots,
    spelled,
)
from benchmark.commands.plan_argument import PLAN_NAMED, plan_file

if TYPE_CHECKING:
    from benchmark.matrix.plan import Plan
    from benchmark.run_folder.folder import RunFolder
    from benchmark.run_folder.record import Result
    from benchmark.runner.run_settings import RunSettings

QUICK = ROOT / "benchmark" / "plans" / "quick.toml"


def _arguments(run: argparse.ArgumentParser) -> None:
    run.add_argument("plan", nargs="?", type=plan_file, default=QUICK, metavar=PLAN_NAMED, help="a TOML file, or a name of `list plans`")
    add_data(run)
    run.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: results/<plan's name>); a run in it is resumed")
    add_device(run)
    run.add_argument("--slots", type=positive, default=1, metavar="N", help="cells that run at a time and share the cores (default 1)")
    run.add_argument("--seed", type=int, metavar="N", help="this seed instead of the plan's seeds")
    add_plugins(run)
    run.add_argument("--retry", action="store_true", help="run cells again that have neither a score nor a reason to be skipped")
    run.add_argument(
        "--keep",
        choices=("estimates", "float32", "top", "none"),
        default="estimates",
        help="which fused cubes are kept: all in 16 bits (default), all in 32 bits, the best per tier, or none",
    )
    run.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="FIELD=PATTERN[,PATTERN]",
        help="only the cells of this scene, protocol, seed, method or label; * stands for any text; may be repeated",
    )
    run.add_argument(
        "--prepare",
        action="store_true",
        help="first make the environments that methods in TOML files name (docs/external_methods.md), each once per content of its file",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="count the cells, say the disk space and the time that they would take, and stop"
    )
    run.add_argument("--all", action="store_true", help="with --dry-run: list every cell with its key, however many there are")
    run.add_argument(
        "--costs",
        action="append",
        default=[],
        type=Path,
        metavar="RUN_DIR|NAME",
        help="with --dry-run: an earlier run, or a bundle, from which the time is estimated",
    )
    run.add_argument(
        "--against", metavar="NAME|FILE", help="a bundle: its rows join the report, which ends with where new methods stand among them"
    )
    run.add_argument(
        "--cluster", metavar="ADDRESS", help="hand the cells to this dask scheduler (docs/cluster.md); --device auto is then cpu"
    )
    run.add_argument(
        "--cluster-clone", default=str(ROOT), metavar="DIR", help="folder of the clone on the workers' machines (default: as here)"
    )
    run.add_argument("--cluster-python", default=sys.executable, metavar="FILE", help="python of the environment there (default: as here)")
    run.set_defaults(key="")


def settings(options: argparse.Namespace, folder: Path, label: str = "") -> RunSettings:
    """The settings of a run, for `run`, `cell` and `score`; with a `label`, those of the cells of this one row."""
    from benchmark.children.server import server_context

    server_context()  # it starts while the rest is imported here
    from benchmark.matrix.cell import CELL_FIELDS
    from benchmark.run_folder.selection import read_selection
    from benchmark.runner.run_settings import RunSettings

    return RunSettings(
        folder=folder,
        device=device(options.device, here=not options.cluster),
        slots=options.slots,
        command=spelled(),
        retry=options.retry,
        keep=options.keep,
        only=options.key,
        select={"label": (label,)} if label else read_selection(options.select, CELL_FIELDS),
        arguments=repeating(options),
        plan_file=str(options.plan.resolve()),
    )


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.matrix.cell import CELL_FIELDS
    from benchmark.matrix.kept_estimates import with_estimates
    from benchmark.matrix.plan_file import name_of_plan, read_plan, text_of_plan
    from benchmark.review.bundle_check import expect_common_cells
    from benchmark.review.bundle_names import find_bundle, named_bundles
    from benchmark.review.dry_run import dry_run
    from benchmark.run_folder.bundle import read_bundle
    from benchmark.run_folder.folder import RunFolder
    from benchmark.run_folder.repetition import plan_start
    from benchmark.run_folder.selection import selected
    from benchmark.runner.pair_review import on_pairs
    from benchmark.runner.resumption import on_scenes, planned_once, repeated
    from benchmark.runner.supervisor import run
    from datasets.output_files import expect_writable_folder

    against = find_bundle(options.against) if options.against else None
    given, start = text_of_plan(options.plan), plan_start(options.plan)
    folder = (options.out or results_folder(name_of_plan(options.plan, given))).resolve()
    expect_writable_folder(folder, "--out")
    if console.rewrite:
        console.line("reading the plan", passing=True)
    text = with_estimates(given, RunFolder(folder).kept_plan())  # with the rows that `score` has added in this folder
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, text, start)
    if options.prepare:
        _prepare(plan, console)
    how = settings(options, folder)
    if against is not None:  # what cannot be compared is known before hours of work
        expect_common_cells(read_bundle(against), plan.cells(how.device))
    if options.dry_run:
        cells = selected(plan.cells(how.device), how.select, CELL_FIELDS)
        costs = [place if place.is_dir() else named_bundles().get(str(place), place) for place in options.costs]
        text = dry_run(cells, folder, how.device, options.keep, options.slots, costs, list_all=options.all)
        keys, there = {cell.key for cell in cells}, RunFolder(folder).record_keys()
        again = repeated(
            [cell for cell in cells if cell.key not in there], RunFolder(folder), [k for k in there if k not in keys], len(cells)
        )
        return Reply("\n".join([text, *again, *on_scenes(cells), *on_pairs(plan), *planned_once(plan, how.device)]))
    elsewhere = None
    if options.cluster:
        from benchmark.cluster.scheduler import Cluster

        place = (options.cluster, options.cluster_clone, options.cluster_python)
        elsewhere = Cluster(*place, options.plan.resolve(), plan.text, folder, how.device, how.arguments, options.keep).hand_out
    records = run(plan, how, console.progress, elsewhere)
    tables, places = console.report(folder, against=against)
    lines = [failure_line(record, RunFolder(folder)) for record in records if record.outcome not in ("scored", "skipped")]
    text = "\n".join(["", tables, *lines, f"records   {RunFolder(folder).part('cells')}", places])
    return Reply(text, FAILED if lines else OK)


def _prepare(plan: Plan, console: Console) -> None:
    """Make what methods run in; what fails is told, and its rows are skipped with the reason."""
    from methods.catalog import BrokenMethodError

    for entry in {contestant.entry.file: contestant.entry for contestant in plan.contestants if contestant.entry.is_declared}.values():
        console.line(f"preparing {entry.name}", passing=True)
        try:
            made = entry.prepare()
        except BrokenMethodError as error:
            console.line(f"not prepared: {error}", passing=False)
        else:
            console.line(f"prepared {entry.name}: {made or 'nothing was to be made'}", passing=False)


def failure_line(record: Result, folder: RunFolder) -> str:
    """One line on a cell that has no score."""
    return f"{record.outcome}: {record.label} on {record.scene}: {record.reason}  (log: {folder.log(record.key)})"


COMMAND = Command("run", "run a plan and write its report (the default command; without PLAN, the built-in plan)", _arguments, _call)

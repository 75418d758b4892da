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
    from benchmark.review.known_costs import KnownCosts
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
        help="with --dry-run or --time-budget: an earlier run, or a bundle, from which the time is estimated; the suite's bundles tell "
        "what it does not know",
    )
    run.add_argument(
        "--time-budget",
        metavar="TIME",
        help="divide a time such as 2h, 90min or 7200s over the rows that learn: each is trained as far as its part goes, and a reduced "
        "row says so and is not ranked (docs/reference_results.md); the run folder keeps what was divided",
    )
    run.add_argument(
        "--unknown",
        choices=("leave-out", "full"),
        default="leave-out",
        help="with --time-budget: rows of which no record says how long they take are left out (default), or run in full, on top of "
        "the time",
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
    from benchmark.matrix.time_budget import kept_time_budget
    from benchmark.review.bundle_check import expect_common_cells
    from benchmark.review.bundle_names import find_bundle
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
    kept = RunFolder(folder).kept_plan()
    text = with_estimates(given, kept)  # with the rows that `score` has added in this folder
    how, told, costs = settings(options, folder), "", None
    if options.time_budget:
        text, told, costs = _with_shares(options, text, kept, how)
    elif kept_time_budget(kept) is not None and kept_time_budget(text) is None:
        told = "the run in this folder was made with --time-budget; without it, every row is run in full"
    if told and not options.dry_run:
        console.line(told, passing=False)
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, text, start)
    if options.prepare:
        _prepare(plan, console)
    if against is not None:  # what cannot be compared is known before hours of work
        expect_common_cells(read_bundle(against), plan.cells(how.device))
    if options.dry_run:
        cells = selected(plan.cells(how.device), how.select, CELL_FIELDS)
        costs = costs or _costs(options, plan, how)
        text = dry_run(cells, folder, how.device, options.keep, options.slots, costs, list_all=options.all)
        keys, there = {cell.key for cell in cells}, RunFolder(folder).record_keys()
        again = repeated(
            [cell for cell in cells if cell.key not in there], RunFolder(folder), [k for k in there if k not in keys], len(cells)
        )
        return Reply(
            "\n".join([text, *([told] if told else []), *again, *on_scenes(cells), *on_pairs(plan), *planned_once(plan, how.device)])
        )
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


def _costs(options: argparse.Namespace, plan: Plan, how: RunSettings) -> KnownCosts:
    """What is known of the time that cells take, scaled to this machine by a short measurement."""
    from benchmark.review.bundle_names import named_bundles
    from benchmark.review.known_costs import known_costs
    from benchmark.runner.machine_speed import machine_speed
    from benchmark.runner.slots import cores

    places = [place if place.is_dir() else named_bundles().get(str(place), place) for place in options.costs]
    return known_costs(how.folder, places, machine_speed(plan.threads or max(1, cores() // how.slots)))


def _with_shares(options: argparse.Namespace, text: str, kept: str, how: RunSettings) -> tuple[str, str, KnownCosts | None]:
    """The text of the plan with what --time-budget gives each row, what to tell of it, and the costs that were read for it.

    Where the run folder has a division of this time, that is taken and no costs are read; else the time is divided now.

    Raises:
        TimeBudgetError: it is no time, or the rows that do not learn take longer.
    """
    from benchmark.matrix.plan_file import read_plan
    from benchmark.matrix.time_budget import kept_time_budget, with_time_budget
    from benchmark.review.time_division import divided, row_costs, seconds_of
    from benchmark.run_folder.repetition import plan_start

    wanted, before = seconds_of(options.time_budget), kept_time_budget(kept)
    if before is not None and seconds_of(before.time) == wanted:
        reduced = ", ".join(f"{label}: budget = {value:g}" for label, value in before.budgets.items())
        again = f"--time-budget {before.time}: as divided when the run began ({reduced or 'no row learns'})"
        return with_time_budget(text, before), again, None
    whole = with_time_budget(text, None)
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, whole, plan_start(options.plan))
    cells, costs = plan.cells(how.device), _costs(options, plan, how)
    rows = {row.label: row for row in costs.forecast(cells, how.device).rows}
    division = divided(options.time_budget, row_costs(cells, rows, plan.time_limit_s), unknown_in_full=options.unknown == "full")
    return with_time_budget(whole, division.table()), division.text(), costs


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

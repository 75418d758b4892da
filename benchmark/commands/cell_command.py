"""`cell`: runs one cell of a plan as `run` does; on a cluster, the files of the cell go to stdout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmark.commands.command import FAILED, OK, Command, Console, Reply, add_data, add_device, add_plugins, positive, roots
from benchmark.commands.plan_argument import PLAN_NAMED, plan_file
from benchmark.commands.run_command import settings


def _arguments(cell: argparse.ArgumentParser) -> None:
    cell.add_argument("plan", type=plan_file, metavar=PLAN_NAMED)
    cell.add_argument("key", metavar="KEY", help="the key of a cell, as `run PLAN --dry-run --all` lists it")
    where = cell.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help="run folder for the record of the cell")
    where.add_argument(
        "--packed", metavar="PARTS", help="for clusters: read the plan's text from stdin, and write these parts of the run folder to stdout"
    )
    add_device(cell)
    cell.add_argument("--slots", type=positive, default=1, metavar="N", help="cells that share this machine's cores (default 1)")
    cell.add_argument("--seed", type=int, metavar="N", help="this seed instead of the plan's seeds")
    add_plugins(cell)
    cell.add_argument("--retry", action="store_true", help="run it again if it failed before")
    add_data(cell)
    cell.set_defaults(cluster=None, keep="estimates", select=[])


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.children.server import server_context

    server_context()  # it starts while the rest is imported here
    from benchmark.cluster.parcel import run_packed
    from benchmark.matrix.plan_file import read_plan
    from benchmark.review.explain import explain
    from benchmark.run_folder.repetition import plan_start
    from benchmark.runner.supervisor import run

    text = sys.stdin.read() if options.packed else None
    plan = read_plan(options.plan, roots(options), options.plugins, options.seed, text, plan_start(options.plan))
    how = settings(options, (options.out or Path()).resolve())
    if options.packed:
        record, parcel = run_packed(plan, how, options.packed.split(","))
        return Reply("", OK if record.outcome in ("scored", "skipped") else FAILED, parcel)
    record = run(plan, how, console.progress)[0]
    return Reply(explain(how.folder, record.key).text(), OK if record.outcome in ("scored", "skipped") else FAILED)


COMMAND = Command("cell", "run one cell of a plan, as `run` does", _arguments, _call)

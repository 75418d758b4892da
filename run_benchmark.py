#!/usr/bin/env python3
"""HMIF-Bench at the command line: parse arguments, call, print. Everything else lives in the four packages beside this file.

Heavy modules are imported by the commands that need them, so that --help answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import argparse

    from benchmark.review.explain import Recipe
    from benchmark.runner.settings import Progress, RunSettings
    from datasets.scenes import DataRoots
    from methods.contract import Moment
    from reports.report import ReportPaths

OK, FAILED, USAGE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 when every cell ended as scored or skipped, 1 when some failed, 2 for a wrong plan or wrong arguments."""
    from benchmark.arguments import COMMANDS, parser

    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given = ["run", *given]
    options = parser(_CALLS, ROOT).parse_args(given)
    try:
        return int(options.call(options))
    except BrokenPipeError:  # whoever read the output has gone, `| head` for one
        sys.stdout = None  # so that nothing is flushed into the broken pipe at exit
        return OK
    except KeyboardInterrupt:
        print("\nstopped; the cells that had ended are kept, and the same command goes on from there", file=sys.stderr)
        return 130
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("datasets", "methods", "benchmark", "reports"):
            raise  # not one of our own errors, which say what to do: a defect, shown whole
        print(f"error: {error}", file=sys.stderr)
        return USAGE


def _roots(options: argparse.Namespace) -> DataRoots:
    from datasets.scenes import DataRoots

    return DataRoots.parse(options.data)


def _device(wanted: str, *, here: bool = True) -> str:
    """cpu or cuda. Asked in a process of its own, so that this one never initialises CUDA; if the cells do not run here, auto is cpu."""
    if wanted == "cpu" or not here:
        return wanted.replace("auto", "cpu")
    import subprocess

    probe = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"
    found = Path("/proc/driver/nvidia").exists() and subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
    if wanted == "cuda" and not found:
        print("error: --device cuda: expected a GPU that torch can use, got none; use --device cpu", file=sys.stderr)
        raise SystemExit(USAGE)
    return "cuda" if found else "cpu"


def _run(options: argparse.Namespace) -> int:
    from benchmark.matrix.cell import CELL_FIELDS
    from benchmark.matrix.plan_file import read_plan
    from benchmark.review.forecast import dry_run
    from benchmark.run_folder.selection import selected
    from benchmark.runner.supervisor import run
    from reports.report import write_report

    plan = read_plan(options.plan, _roots(options), options.plugins, options.seed)
    folder = (options.out or ROOT / "results" / plan.name).resolve()
    settings = _settings(options, folder)
    if options.dry_run:
        cells = selected(plan.cells(settings.device), settings.select, CELL_FIELDS)
        print(dry_run(cells, folder, settings.device, options.keep, options.slots, options.costs))
        return OK
    elsewhere = None
    if options.cluster:
        from benchmark.cluster.scheduler import Cluster

        place = (options.cluster, options.cluster_clone, options.cluster_python)
        elsewhere = Cluster(*place, options.plan.resolve(), plan.text, folder, settings.device, settings.arguments, options.keep).hand_out
    records = run(plan, settings, _Printer(), elsewhere)
    paths = write_report(folder)
    print()
    _print_tables(paths)
    for record in records:
        if record.outcome not in ("scored", "skipped"):
            print(f"{record.outcome}: {record.label} on {record.scene}: {record.reason}  (log: {folder / 'logs' / (record.key + '.txt')})")
    print(f"records   {folder / 'cells'}")
    _print_places(paths)
    return OK if all(record.outcome in ("scored", "skipped") for record in records) else FAILED


def _settings(options: argparse.Namespace, folder: Path) -> RunSettings:
    """How to run, of `run` and `cell`."""
    from benchmark.arguments import repeating, spelled
    from benchmark.matrix.cell import CELL_FIELDS
    from benchmark.run_folder.selection import read_selection
    from benchmark.runner.settings import RunSettings

    return RunSettings(
        folder=folder,
        device=_device(options.device, here=not options.cluster),
        slots=options.slots,
        command=spelled(),
        retry=options.retry,
        keep=options.keep,
        only=options.key,
        select=read_selection(options.select, CELL_FIELDS),
        arguments=repeating(options),
        plan_file=str(options.plan.resolve()),
    )


def _cell(options: argparse.Namespace) -> int:
    from benchmark.cluster.parcel import run_packed
    from benchmark.matrix.plan_file import read_plan
    from benchmark.review.explain import explain
    from benchmark.runner.supervisor import run

    text = sys.stdin.read() if options.packed else None
    plan = read_plan(options.plan, _roots(options), options.plugins, options.seed, text)
    settings = _settings(options, (options.out or Path()).resolve())
    if options.packed:
        record, parcel = run_packed(plan, settings, options.packed.split(","))
        sys.stdout.buffer.write(parcel)
    else:
        record = run(plan, settings, _Printer())[0]
        print(explain(settings.folder, record.key).text())
    return OK if record.outcome in ("scored", "skipped") else FAILED


def _status(options: argparse.Namespace) -> int:
    from benchmark.review.status import status

    print(status(options.folder).text())
    return OK


def _explain(options: argparse.Namespace) -> int:
    from benchmark.review.explain import explain

    explanation = explain(options.folder, options.key)
    print(explanation.text())
    return _debug(explanation.recipe) if options.debug and explanation.recipe is not None else OK


def _debug(recipe: Recipe) -> int:
    import pdb
    import traceback

    from benchmark.review.rehearse import rehearse

    try:
        print(rehearse(recipe))
    except Exception:  # noqa: BLE001  # whatever the method raises is what the user wants to look at
        traceback.print_exc()
        pdb.post_mortem()
        return FAILED
    return OK


def _compare(options: argparse.Namespace) -> int:
    from benchmark.review.compare import compare

    comparison = compare(options.before, options.after)
    print(comparison.text())
    return FAILED if comparison.changed else OK


def _merge(options: argparse.Namespace) -> int:
    from benchmark.arguments import spelled
    from benchmark.review.merge import merge

    print(merge(options.folders, options.out, spelled()).text())
    return OK


class _Printer:
    """Progress on the terminal: one line that is rewritten where it can be, one line a finished cell elsewhere."""

    def __init__(self) -> None:
        self.rewrite = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
        if progress.last is not None:
            result = progress.last
            psnr = result.metrics.get("psnr")
            told = f"PSNR {psnr:.2f} dB" if result.outcome == "scored" and psnr is not None else f"{result.outcome} {result.reason}".strip()
            line = f"[{progress.done}/{progress.total}] {result.label} on {result.scene}, {result.protocol['name']}: {told}"
            print(f"\r\x1b[K{line}" if self.rewrite else f"{line}{left}", file=sys.stderr, flush=True)
        if self.rewrite and progress.running:
            width = 110
            print(
                f"\r\x1b[K{f'[{progress.done}/{progress.total}] {progress.running[0]}{left}'[:width]}", end="", file=sys.stderr, flush=True
            )


def _list(options: argparse.Namespace) -> int:
    from benchmark.arguments import LISTS
    from benchmark.review.listing import listing_text

    for what in [options.what] if options.what else LISTS:
        print(("" if options.what else f"\n{what}\n") + listing_text(what, _roots(options), options.plugins))
    return OK


def _report(options: argparse.Namespace) -> int:
    from reports.choice import read_choice
    from reports.report import write_report

    choice = read_choice(
        select=options.select,
        methods=options.methods,
        group_by=options.group_by,
        metrics=options.metrics,
        profile=options.profile,
        precision=options.precision,
        best_of=options.best_of,
        ties=options.ties,
        resize=options.resize,
    )
    paths = write_report(options.folder, options.out, choice)
    _print_tables(paths)
    _print_places(paths)
    return OK


def _rescore(options: argparse.Namespace) -> int:
    from benchmark.review.rescore import Rescored, profile_names, rescore
    from reports.profiles import profile_text
    from reports.report import write_report

    def tell(done: int, total: int, cell: Rescored) -> None:
        what = cell.problem or ", ".join([*(["metrics"] if cell.metrics else []), *cell.profiles]) or "up to date"
        print(f"[{done}/{total}] {cell.result.label} on {cell.result.scene}: {what}", file=sys.stderr, flush=True)

    cells = rescore(options.folder, profile_names(options.profile), tell)
    paths = write_report(options.folder)
    for table in paths.profiles:
        print(profile_text(table))
    _print_places(paths)
    return FAILED if any(cell.problem and cell.kept for cell in cells) else OK


def _print_tables(paths: ReportPaths) -> None:
    from reports.tables import text_table

    for summary in paths.summaries:
        print(text_table(summary))


def _print_places(paths: ReportPaths) -> None:
    print(f"LaTeX     {', '.join(str(path) for path in paths.tables if path.suffix == '.tex')}")
    print(f"page      {paths.page}")


def _fetch(options: argparse.Namespace) -> int:
    from datasets.fetch import CATALOG, fetch
    from datasets.scene import SceneError
    from datasets.scenes import DataRoots

    if options.name is None:
        for item in CATALOG.values():
            print(
                f"{item.name}: {item.size}\n  from     {item.url}\n  sha256   {item.sha256 or 'not published'}\n  licence  {item.licence}"
            )
        return OK
    root = DataRoots.parse(options.data, must_exist=False).root
    if root is None:
        raise SceneError("fetch: expected a data root, got none; give --data DIR")
    print(fetch(options.name, root, progress=_show_bytes if sys.stderr.isatty() else None))
    return OK


def _show_bytes(had: int, total: int) -> None:
    of = f" of {total / 1e6:.1f}" if total else ""
    print(f"\r\x1b[K{had / 1e6:.1f}{of} MB", end="", file=sys.stderr, flush=True)


def _new_method(options: argparse.Namespace) -> int:
    from benchmark.authors.scaffold import new_method

    method, test = new_method(options.name)
    print(f"wrote {method.relative_to(ROOT)} and {test.relative_to(ROOT)}")
    print(f"next: change it, then  python run_benchmark.py check-method {options.name.split('/')[1]}")
    return OK


def _check_method(options: argparse.Namespace) -> int:
    from benchmark.authors.conformance import examine
    from methods.catalog import find_one

    broken = 0
    for finding in examine(find_one(options.name, options.plugins)):
        state = "broken" if finding.problem else "-" if finding.left_out else "ok"
        print(f"{state:7} {finding.check}" + (f": does not apply ({finding.left_out})" if finding.left_out else ""))
        if finding.problem:
            broken += 1
            print(f"        {finding.problem}")
    print(f"{broken} rules broken" if broken else "the method keeps the contract: name it in a plan, and it is in the matrix")
    return FAILED if broken else OK


def _fuse(options: argparse.Namespace) -> int:
    import torch

    from benchmark.runner.own_pair import assignment, fuse_pair, read_pair
    from methods.catalog import find_one

    pair = read_pair(
        ((options.hsi, options.hsi_variable), (options.msi, options.msi_variable)),
        layout=options.layout,
        scale=options.scale,
        psf=options.psf,
        srf=options.srf,
        srf_folder=_roots(options).folder("srf"),
        channels=options.channels,
        phase=options.phase,
        noise=options.noise,
    )
    parameters = dict(assignment(text) for text in options.settings)
    entry = find_one(options.method, options.plugins)
    measured = fuse_pair(entry, parameters, pair, torch.device(_device(options.device)), options.seed, options.out)
    bands, rows, cols = measured.estimate.cube.shape
    print(f"{options.out}: {bands} bands, {rows} x {cols}, in {measured.clock.fit + measured.clock.adapt + measured.clock.fuse:.2f} s")
    return OK


def _train(options: argparse.Namespace) -> int:
    from benchmark.arguments import spelled
    from benchmark.training.train import TrainingError, train
    from benchmark.training.training_plan import read_training_plan
    from reports.training import write_training_figures

    plan = read_training_plan(options.plan, _roots(options), options.plugins)
    if plan.entry.name != options.method:
        raise TrainingError(f"train: expected the plan's method {plan.entry.name}, got {options.method}; give that name, or another plan")
    folder = (options.out or ROOT / "results" / plan.name).resolve()
    try:
        trained = train(
            plan,
            folder,
            _show_moment,
            command=spelled(),
            device=_device(options.device),
            resume=options.resume,
            every_s=60 * options.every,
            limit_s=None if options.minutes is None else 60 * options.minutes,
            threads=options.threads,
        )
    except KeyboardInterrupt:
        print(f"\nstopped; {folder} keeps the last checkpoint, and the same command with --resume goes on from it", file=sys.stderr)
        return 130
    print(f"\nweights   {trained.weights}, after {trained.step} of {trained.steps} steps and {trained.seconds / 60:.1f} minutes")
    print(f"figures   {', '.join(str(path) for path in write_training_figures(folder) if path.suffix == '.png')}")
    if not trained.finished:
        print("the budget is not spent: the same command with --resume goes on")
    return OK


def _show_moment(moment: Moment) -> None:
    losses = "  ".join(f"{name} {value:.5f}" for name, value in moment.losses.items())
    line = f"[{moment.step}/{moment.steps}] {losses}  {moment.seconds / 60:.1f} min, about {moment.left_s / 60:.0f} min left"
    print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


_CALLS = {
    "run": _run,
    "cell": _cell,
    "status": _status,
    "explain": _explain,
    "compare": _compare,
    "merge": _merge,
    "list": _list,
    "report": _report,
    "rescore": _rescore,
    "fetch": _fetch,
    "new-method": _new_method,
    "check-method": _check_method,
    "fuse": _fuse,
    "train": _train,
}

if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""HMIF-Bench at the command line: parse arguments, call, print. Everything else lives in the four packages beside this file.

Heavy modules are imported by the commands that need them, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from benchmark.explain import Recipe
    from benchmark.run import Progress, RunSettings
    from datasets.scenes import DataRoots
    from methods.contract import Moment
    from reports.report import ReportPaths

QUICK_PLAN = ROOT / "benchmark" / "plans" / "quick.toml"
COMMANDS = (
    *("run", "cell", "status", "explain", "compare", "merge", "list", "report", "rescore"),
    *("fetch", "new-method", "check-method", "fuse", "train"),
)
LISTS = ("methods", "scenes", "protocols", "psfs", "sensors", "metrics")
OK, FAILED, USAGE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 when every cell ended as scored or skipped, 1 when some failed, 2 for a wrong plan or wrong arguments."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given = ["run", *given]
    options = _parser().parse_args(given)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_benchmark.py",
        description="The referee of hyperspectral-multispectral image fusion. Without arguments: run the built-in plan.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a plan (the default; without PLAN, the built-in one) and write its report")
    run.add_argument("plan", nargs="?", type=Path, default=QUICK_PLAN, metavar="PLAN.toml")
    _data(run)
    run.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: results/<plan's name>); a folder used before is resumed")
    run.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    run.add_argument("--slots", type=_positive, default=1, metavar="N", help="cells at a time; more than one shares the cores (default 1)")
    run.add_argument("--seed", type=int, metavar="N", help="instead of the plan's seeds")
    run.add_argument("--plugins", type=Path, metavar="DIR", help="folder with method files of your own")
    run.add_argument("--retry", action="store_true", help="run cells again that failed, timed out or were killed")
    run.add_argument(
        "--keep", choices=("estimates", "float32", "top", "none"), default="estimates", help="fused cubes to keep (all, in 16 bits)"
    )
    run.add_argument("--dry-run", action="store_true", help="list the cells and stop")
    run.add_argument(
        "--cluster", metavar="ADDRESS", help="hand the cells to this dask scheduler (docs/cluster.md); --device auto is cpu then"
    )
    run.add_argument("--cluster-clone", default=str(ROOT), metavar="DIR", help="this clone on the workers' machines (default: as here)")
    run.add_argument("--cluster-python", default=sys.executable, metavar="FILE", help="its python there (default: as here)")
    run.set_defaults(call=_run, key="")

    cell = commands.add_parser("cell", help="run one cell of a plan, as `run` would")
    cell.add_argument("plan", type=Path, metavar="PLAN.toml")
    cell.add_argument("key", metavar="KEY", help="as `run PLAN.toml --dry-run` lists it")
    where = cell.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help="run folder that the cell's record goes into")
    where.add_argument(
        "--packed", metavar="PARTS", help="for clusters: the plan's text from stdin, these parts of the run folder to stdout"
    )
    cell.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    cell.add_argument("--slots", type=_positive, default=1, metavar="N", help="cells that share this machine's cores (default 1)")
    cell.add_argument("--seed", type=int, metavar="N", help="instead of the plan's seeds")
    cell.add_argument("--plugins", type=Path, metavar="DIR")
    cell.add_argument("--retry", action="store_true", help="run it again if it failed before")
    _data(cell)
    cell.set_defaults(call=_cell, cluster=None, keep="estimates")

    status = commands.add_parser("status", help="how far a run is; reads files alone")
    status.add_argument("folder", type=Path, metavar="RUN_DIR")
    status.set_defaults(call=_status)

    explain = commands.add_parser("explain", help="everything about one cell, and the command that repeats it")
    explain.add_argument("folder", type=Path, metavar="RUN_DIR")
    explain.add_argument("key", metavar="KEY", help="or its first digits")
    explain.add_argument("--debug", action="store_true", help="repeat it in this process, with the debugger where it fails")
    explain.set_defaults(call=_explain)

    compare = commands.add_parser("compare", help="what changed between two runs beyond noise; status 1 if anything did")
    compare.add_argument("before", type=Path, metavar="RUN_A")
    compare.add_argument("after", type=Path, metavar="RUN_B")
    compare.set_defaults(call=_compare)

    merge = commands.add_parser("merge", help="bring runs made on several machines together")
    merge.add_argument("folders", type=Path, nargs="+", metavar="RUN_DIR")
    merge.add_argument("--out", type=Path, required=True, metavar="DIR")
    merge.set_defaults(call=_merge)

    listing = commands.add_parser("list", help="what there is: " + ", ".join(LISTS))
    listing.add_argument("what", nargs="?", choices=LISTS)
    _data(listing)
    listing.add_argument("--plugins", type=Path, metavar="DIR")
    listing.set_defaults(call=_list)

    report = commands.add_parser("report", help="write tables, LaTeX, figures and the page of a run folder")
    report.add_argument("folder", type=Path, metavar="RUN_DIR")
    report.add_argument("--out", type=Path, metavar="DIR", help="default: RUN_DIR/report")
    _choice(report)
    report.set_defaults(call=_report)

    rescore = commands.add_parser("rescore", help="score a run's stored estimates again, also by the conventions of other projects")
    rescore.add_argument("folder", type=Path, metavar="RUN_DIR")
    rescore.add_argument(
        "--profile", default="", metavar="all|NAME[,NAME]", help="conventions to score by (docs/metrics.md); without, the metrics alone"
    )
    rescore.set_defaults(call=_rescore)

    fetch = commands.add_parser("fetch", help="download data from its makers; without NAME, list what there is")
    fetch.add_argument("name", nargs="?", metavar="NAME")
    _data(fetch)
    fetch.set_defaults(call=_fetch)

    new = commands.add_parser("new-method", help="write a method file that passes the contract, and its test")
    new.add_argument("name", metavar="FAMILY/NAME")
    new.set_defaults(call=_new_method)

    check = commands.add_parser("check-method", help="run the contract's checks on one method")
    check.add_argument("name", metavar="NAME|FILE")
    check.add_argument("--plugins", type=Path, metavar="DIR")
    check.set_defaults(call=_check_method)

    fuse = commands.add_parser("fuse", help="fuse a pair of images of your own")
    fuse.add_argument(
        "--hsi", type=Path, required=True, metavar="A", help="low-resolution hyperspectral image (.h5, .mat, .npz, ENVI, GeoTIFF)"
    )
    fuse.add_argument("--msi", type=Path, required=True, metavar="B", help="high-resolution multispectral image")
    fuse.add_argument("--method", required=True, metavar="M")
    fuse.add_argument("--hsi-variable", metavar="NAME", help="its name in A, where A holds several, such as hsi/cube")
    fuse.add_argument("--msi-variable", metavar="NAME", help="likewise in B")
    fuse.add_argument("--out", type=Path, required=True, metavar="C.h5")
    fuse.add_argument("--set", action="append", default=[], metavar="key=value", dest="settings", help="a parameter of the method")
    fuse.add_argument("--psf", metavar="KIND,key=value,...|FILE", help="for example gaussian,taps=8,fwhm=4, or a kernel in .npy or .csv")
    fuse.add_argument("--srf", metavar="SENSOR|FILE.csv", help="a sensor (see `list sensors`) or a table of response curves")
    fuse.add_argument("--noise", nargs=2, type=float, metavar=("HSI", "MSI"), help="standard deviations of the noise, in the images' units")
    fuse.add_argument("--channels", metavar="a,b,...", help="the sensor's channels that the MSI has, in its order")
    fuse.add_argument("--phase", type=float, metavar="P", help="centre of coarse pixel 0 on the fine grid (default: (ratio-1)/2)")
    fuse.add_argument("--layout", metavar='"bands rows cols"', help="order of the axes, where the files do not say")
    fuse.add_argument("--scale", type=float, metavar="S", help="value = stored / S, for integer images without a stated scale")
    fuse.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    fuse.add_argument("--seed", type=int, default=0)
    fuse.add_argument("--plugins", type=Path, metavar="DIR")
    _data(fuse)
    fuse.set_defaults(call=_fuse)

    train = commands.add_parser("train", help="train a method beforehand, in pieces that can be resumed; writes its weights")
    train.add_argument("method", metavar="METHOD", help="as the plan names it")
    train.add_argument("plan", type=Path, metavar="PLAN.toml", help="a training plan (docs/training.md)")
    _data(train)
    train.add_argument("--out", type=Path, metavar="DIR", help="the training's folder (default: results/<plan's name>)")
    train.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    train.add_argument("--minutes", type=float, metavar="M", help="stop after so long, at a checkpoint, and write the weights so far")
    train.add_argument("--every", type=float, default=2.0, metavar="M", help="minutes between checkpoints (default 2)")
    train.add_argument("--threads", type=_positive, metavar="N", help="of torch (default: all cores)")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--plugins", type=Path, metavar="DIR")
    train.set_defaults(call=_train)
    return parser


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR|NAME=DIR",
        help="data root (default: $HMIF_DATA, else the cache folder), or one set's",
    )


def _choice(parser: argparse.ArgumentParser) -> None:
    """What a report shows (reports/choice.py, docs/report.md)."""
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="FIELD=PATTERN[,PATTERN]",
        help="records by scene, protocol, tier, seed, method, label or outcome; * stands for any text; may be repeated",
    )
    parser.add_argument("--methods", default="", metavar="NAME[,NAME]", help="names or labels; * stands for any text")
    parser.add_argument("--metrics", default="", metavar="NAME[,NAME]", help="columns, in this order; the first one ranks (`list metrics`)")
    parser.add_argument("--profile", default="textbook", metavar="NAME", help="the metrics by this convention (docs/metrics.md)")
    parser.add_argument("--group-by", default="protocol", metavar="protocol|scene|tier", help="a table for each (default: protocol)")
    parser.add_argument("--precision", default="", metavar="N|NAME=N,...", help="digits after the point")
    parser.add_argument("--best-of", default="tier", metavar="tier|all", help="among which best and second are marked (default: tier)")
    parser.add_argument("--resize", action="store_true", help="shrink LaTeX tables to the width of the text where they are wider")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return number


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
    from benchmark.keeping import disk_bytes
    from benchmark.plan import read_plan
    from benchmark.run import run
    from reports.report import write_report

    plan = read_plan(options.plan, _roots(options), options.plugins, options.seed)
    folder = (options.out or ROOT / "results" / plan.name).resolve()
    settings = _settings(options, folder)
    if options.dry_run:
        cells = plan.cells(settings.device)
        for cell in cells:
            known = (folder / "cells" / f"{cell.key}.json").exists()
            done = "  (done)" if known else ""
            print(f"{cell.key}  {cell.contestant.label}  |  {cell.scene.name}  |  {cell.protocol.name}  |  seed {cell.seed}{done}")
        print(f"{len(cells)} cells, into {folder}; up to {disk_bytes(cells, options.keep) / 1e6:.0f} MB there, uncompressed")
        return OK
    elsewhere = None
    if options.cluster:
        from benchmark.cluster import Cluster

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
    from benchmark.run import RunSettings

    return RunSettings(
        folder=folder,
        device=_device(options.device, here=not options.cluster),
        slots=options.slots,
        command=_spelled(),
        retry=options.retry,
        keep=options.keep,
        only=options.key,
        arguments=_repeating(options),
        plan_file=str(options.plan.resolve()),
    )


def _spelled() -> str:
    """The command as it was given."""
    return shlex.join(["python", "run_benchmark.py", *sys.argv[1:]])


def _repeating(options: argparse.Namespace) -> tuple[str, ...]:
    """What repeats a cell of this run besides plan and key: the options that its key depends on, folders made absolute."""
    given: list[str] = []
    for value in options.data:
        name, equals, folder = value.rpartition("=")
        given += ["--data", f"{name}{equals}{Path(folder).expanduser().resolve()}"]
    given += ["--plugins", str(options.plugins.resolve())] if options.plugins else []
    return (*given, *(("--seed", str(options.seed)) if options.seed is not None else ()))


def _cell(options: argparse.Namespace) -> int:
    from benchmark.explain import explain
    from benchmark.parcel import run_packed
    from benchmark.plan import read_plan
    from benchmark.run import run

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
    from benchmark.status import status

    print(status(options.folder).text())
    return OK


def _explain(options: argparse.Namespace) -> int:
    from benchmark.explain import explain

    explanation = explain(options.folder, options.key)
    print(explanation.text())
    return _debug(explanation.recipe) if options.debug and explanation.recipe is not None else OK


def _debug(recipe: Recipe) -> int:
    import pdb
    import traceback

    from benchmark.rehearse import rehearse

    try:
        print(rehearse(recipe))
    except Exception:  # noqa: BLE001  # whatever the method raises is what the user wants to look at
        traceback.print_exc()
        pdb.post_mortem()
        return FAILED
    return OK


def _compare(options: argparse.Namespace) -> int:
    from benchmark.compare import compare

    comparison = compare(options.before, options.after)
    print(comparison.text())
    return FAILED if comparison.changed else OK


def _merge(options: argparse.Namespace) -> int:
    from benchmark.merge import merge

    print(merge(options.folders, options.out, _spelled()).text())
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
    from benchmark.listing import listing

    for what in [options.what] if options.what else LISTS:
        rows = listing(what, _roots(options), options.plugins)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        print(f"\n{what}" if not options.what else "", end="\n" if not options.what else "")
        for row in rows:
            print("  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))
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
        resize=options.resize,
    )
    paths = write_report(options.folder, options.out, choice)
    _print_tables(paths)
    _print_places(paths)
    return OK


def _rescore(options: argparse.Namespace) -> int:
    from benchmark.rescore import Rescored, profile_names, rescore
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
    from benchmark.scaffold import new_method

    method, test = new_method(options.name)
    print(f"wrote {method.relative_to(ROOT)} and {test.relative_to(ROOT)}")
    print(f"next: change it, then  python run_benchmark.py check-method {options.name.split('/')[1]}")
    return OK


def _check_method(options: argparse.Namespace) -> int:
    from benchmark.conformance import examine
    from methods.catalog import find_one

    broken = 0
    for finding in examine(find_one(options.name, options.plugins)):
        print(f"{'broken' if finding.problem else 'ok':7} {finding.check}")
        if finding.problem:
            broken += 1
            print(f"        {finding.problem}")
    print(f"{broken} rules broken" if broken else "the method keeps the contract: name it in a plan, and it is in the matrix")
    return FAILED if broken else OK


def _fuse(options: argparse.Namespace) -> int:
    import torch

    from benchmark.own_pair import OwnPair, assignment, fuse_pair, psf_table
    from datasets.files import read_image_file
    from datasets.observation import NoiseLevel
    from datasets.psfs import psf_from
    from datasets.sensors import find_sensor, read_sensor
    from methods.catalog import find_one

    roots = _roots(options)
    files = ((options.hsi, options.hsi_variable), (options.msi, options.msi_variable))
    hsi, msi = (read_image_file(path, layout=options.layout, variable=name, scale=options.scale) for path, name in files)
    sensor = None
    if options.srf:
        sensor = read_sensor(Path(options.srf)) if options.srf.endswith(".csv") else find_sensor(options.srf, roots.folder("srf"))
    psf = psf_from(psf_table(options.psf)) if options.psf else None
    channels = tuple(options.channels.split(",")) if options.channels else ()
    pair = OwnPair(hsi, msi, psf, sensor, channels, options.phase, NoiseLevel(*options.noise) if options.noise else None)
    parameters = dict(assignment(text) for text in options.settings)
    entry = find_one(options.method, options.plugins)
    measured = fuse_pair(entry, parameters, pair, torch.device(_device(options.device)), options.seed, options.out)
    bands, rows, cols = measured.estimate.cube.shape
    print(f"{options.out}: {bands} bands, {rows} x {cols}, in {measured.clock.fit + measured.clock.fuse:.2f} s")
    return OK


def _train(options: argparse.Namespace) -> int:
    from benchmark.train import TrainingError, train
    from benchmark.training_plan import read_training_plan
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
            command=_spelled(),
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


if __name__ == "__main__":
    sys.exit(main())

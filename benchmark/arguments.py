"""What the command line takes: every command's arguments, and what calls it. Only `run_benchmark.py` asks for it, and it alone answers.

A command is a name here and a function there: `parser(calls, root)` binds each name to the function under it in `calls`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

COMMANDS = (
    *("run", "cell", "status", "explain", "compare", "merge", "list", "report", "rescore"),
    *("fetch", "new-method", "check-method", "fuse", "train"),
)
LISTS = ("methods", "scenes", "protocols", "psfs", "sensors", "metrics")


def parser(calls: Mapping[str, Callable[[argparse.Namespace], int]], root: Path) -> argparse.ArgumentParser:
    """The parser of all commands; `root` is the folder of this project."""
    whole = argparse.ArgumentParser(
        prog="run_benchmark.py",
        description="The referee of hyperspectral-multispectral image fusion. Without arguments: run the built-in plan.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a plan (the default; without PLAN, the built-in one) and write its report")
    run.add_argument("plan", nargs="?", type=Path, default=root / "benchmark" / "plans" / "quick.toml", metavar="PLAN.toml")
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
    run.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="FIELD=PATTERN[,PATTERN]",
        help="of the plan's cells, those of this scene, protocol, seed, method or label; * stands for any text; may be repeated",
    )
    run.add_argument("--dry-run", action="store_true", help="list the cells, the disk and the time that they would take, and stop")
    run.add_argument(
        "--costs", action="append", default=[], type=Path, metavar="RUN_DIR", help="with --dry-run: an earlier run to tell the time from"
    )
    run.add_argument(
        "--cluster", metavar="ADDRESS", help="hand the cells to this dask scheduler (docs/cluster.md); --device auto is cpu then"
    )
    run.add_argument("--cluster-clone", default=str(root), metavar="DIR", help="this clone on the workers' machines (default: as here)")
    run.add_argument("--cluster-python", default=sys.executable, metavar="FILE", help="its python there (default: as here)")
    run.set_defaults(call=calls["run"], key="")

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
    cell.set_defaults(call=calls["cell"], cluster=None, keep="estimates", select=[])

    status = commands.add_parser("status", help="how far a run is; reads files alone")
    status.add_argument("folder", type=Path, metavar="RUN_DIR")
    status.set_defaults(call=calls["status"])

    explain = commands.add_parser("explain", help="everything about one cell, and the command that repeats it")
    explain.add_argument("folder", type=Path, metavar="RUN_DIR")
    explain.add_argument("key", metavar="KEY", help="or its first digits")
    explain.add_argument("--debug", action="store_true", help="repeat it in this process, with the debugger where it fails")
    explain.set_defaults(call=calls["explain"])

    compare = commands.add_parser("compare", help="what changed between two runs beyond noise; status 1 if anything did")
    compare.add_argument("before", type=Path, metavar="RUN_A")
    compare.add_argument("after", type=Path, metavar="RUN_B")
    compare.set_defaults(call=calls["compare"])

    merge = commands.add_parser("merge", help="bring runs made on several machines together")
    merge.add_argument("folders", type=Path, nargs="+", metavar="RUN_DIR")
    merge.add_argument("--out", type=Path, required=True, metavar="DIR")
    merge.set_defaults(call=calls["merge"])

    listing = commands.add_parser("list", help="what there is: " + ", ".join(LISTS))
    listing.add_argument("what", nargs="?", choices=LISTS)
    _data(listing)
    listing.add_argument("--plugins", type=Path, metavar="DIR")
    listing.set_defaults(call=calls["list"])

    report = commands.add_parser("report", help="write tables, LaTeX, figures and the page of a run folder")
    report.add_argument("folder", type=Path, metavar="RUN_DIR")
    report.add_argument("--out", type=Path, metavar="DIR", help="default: RUN_DIR/report")
    _choice(report)
    report.set_defaults(call=calls["report"])

    rescore = commands.add_parser("rescore", help="score a run's stored estimates again, also by the conventions of other projects")
    rescore.add_argument("folder", type=Path, metavar="RUN_DIR")
    rescore.add_argument(
        "--profile", default="", metavar="all|NAME[,NAME]", help="conventions to score by (docs/metrics.md); without, the metrics alone"
    )
    rescore.set_defaults(call=calls["rescore"])

    fetch = commands.add_parser("fetch", help="download data from its makers; without NAME, list what there is")
    fetch.add_argument("name", nargs="?", metavar="NAME")
    _data(fetch)
    fetch.set_defaults(call=calls["fetch"])

    new = commands.add_parser("new-method", help="write a method file that passes the contract, and its test")
    new.add_argument("name", metavar="FAMILY/NAME")
    new.set_defaults(call=calls["new-method"])

    check = commands.add_parser("check-method", help="run the contract's checks on one method")
    check.add_argument("name", metavar="NAME|FILE")
    check.add_argument("--plugins", type=Path, metavar="DIR")
    check.set_defaults(call=calls["check-method"])

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
    fuse.set_defaults(call=calls["fuse"])

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
    train.set_defaults(call=calls["train"])
    return whole


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
    parser.add_argument(
        "--ties", default="", metavar="D", help="differences of the first metric that count as ties, in its unit (default: 0.2 dB of PSNR)"
    )
    parser.add_argument("--resize", action="store_true", help="shrink LaTeX tables to the width of the text where they are wider")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return number


def spelled() -> str:
    """The command as it was given."""
    return shlex.join(["python", "run_benchmark.py", *sys.argv[1:]])


def repeating(options: argparse.Namespace) -> tuple[str, ...]:
    """What repeats a cell of this run besides plan and key: the options that its key depends on, folders made absolute."""
    given: list[str] = []
    for value in options.data:
        name, equals, folder = value.rpartition("=")
        given += ["--data", f"{name}{equals}{Path(folder).expanduser().resolve()}"]
    given += ["--plugins", str(options.plugins.resolve())] if options.plugins else []
    return (*given, *(("--seed", str(options.seed)) if options.seed is not None else ()))

"""`report`: writes tables, LaTeX, figures and the page of a run folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply


def _arguments(report: argparse.ArgumentParser) -> None:
    report.add_argument("folder", type=Path, metavar="RUN_DIR")
    report.add_argument("--out", type=Path, metavar="DIR", help="default: RUN_DIR/report")
    report.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="FIELD=PATTERN[,PATTERN]",
        help="records by scene, protocol, tier, seed, method, label or outcome; * stands for any text; may be repeated",
    )
    report.add_argument("--methods", default="", metavar="NAME[,NAME]", help="names or labels of methods; * stands for any text")
    report.add_argument("--metrics", default="", metavar="NAME[,NAME]", help="columns, in this order; the first one ranks (`list metrics`)")
    report.add_argument("--profile", default="textbook", metavar="NAME", help="the convention of the metrics (docs/metrics.md)")
    report.add_argument("--group-by", default="protocol", metavar="protocol|scene|tier", help="one table for each (default: protocol)")
    report.add_argument("--precision", default="", metavar="N|NAME=N,...", help="digits after the point")
    report.add_argument("--best-of", default="tier", metavar="tier|all", help="mark best and second per tier, or among all (default: tier)")
    report.add_argument(
        "--ties", default="", metavar="D", help="differences of the first metric that count as ties, in its unit (default: 0.2 dB of PSNR)"
    )
    report.add_argument(
        "--with",
        dest="beside",
        type=Path,
        metavar="RUN_DIR",
        help="another run, whose rows join tables and figures of the same scenes",
    )
    report.add_argument("--against", metavar="NAME|FILE", help="a bundle, whose rows join tables and figures (docs/reference_results.md)")
    paper = report.add_argument_group("the tables for a paper")
    paper.add_argument(
        "--columns",
        default="",
        metavar="NAME[,NAME]",
        help="exactly these columns, in this order: metrics, seconds, learning, memory, gpu, parameters, cells",
    )
    paper.add_argument("--spread", default="std", metavar="std|none|range", help="what stands below a mean (default: std)")
    paper.add_argument("--rename", action="append", default=[], metavar='"OLD=NEW"', help="another name for a row; may be repeated")
    paper.add_argument("--order", default="", metavar="NAME[,NAME]", help="the rows of a tier in this order; * stands for any text")
    paper.add_argument(
        "--caption", default="short", metavar="short|full|none", help="of LaTeX and Typst; definitions.tex has what it leaves out"
    )
    paper.add_argument("--single-column", action="store_true", help="LaTeX tables for one column of the text instead of the whole page")
    paper.add_argument("--highlight", default="", metavar="NAME[,NAME]", help="rows whose names stand out in bold, such as your own method")
    paper.add_argument(
        "--scenes-as-rows", action="store_true", help="a further table for each protocol and metric, with a row for each scene"
    )
    paper.add_argument(
        "--published", action="store_true", help="published numbers for the same protocol and scenes as rows below the others"
    )
    paper.add_argument("--resize", action="store_true", help="shrink LaTeX tables that are wider than the text")


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.bundle_names import find_bundle
    from datasets.output_files import expect_writable_folder

    if options.out is not None or options.folder.is_dir():  # else the report says that there is no such run
        expect_writable_folder(options.out or options.folder / "report", "--out")
    return Reply("\n".join(console.report(options.folder, options.out, options, find_bundle(options.against) if options.against else None)))


COMMAND = Command("report", "write tables, LaTeX, figures and the page of a run folder", _arguments, _call)

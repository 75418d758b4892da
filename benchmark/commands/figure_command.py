"""`figure`: draws the error maps or the spectra of chosen scenes, methods, windows and pixels."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply

_SUFFIXES = (".pdf", ".png", ".svg")  # of the files that are written


def _arguments(figure: argparse.ArgumentParser) -> None:
    figure.add_argument("kind", choices=("errors", "spectra"), help="pictures with zooms and error maps, or spectra at pixels")
    figure.add_argument("folder", type=Path, metavar="RUN_DIR")
    figure.add_argument("--scene", default="", metavar="NAME[,NAME]", help="scenes, one below the other (default: the report's choice)")
    figure.add_argument("--methods", default="", metavar="NAME[,NAME]", help="names or labels of methods, in this order")
    figure.add_argument("--protocol", default="", metavar="NAME", help="needed where several protocols have the scene")
    figure.add_argument("--seed", type=int, metavar="N", help="default: the lowest one with scores")
    figure.add_argument("--zoom", default="", metavar="ROW,COL,SIZE", help="the window, in pixels counted from 0 (errors)")
    figure.add_argument("--bands", default="", metavar="R,G,B", help="bands as red, green, blue: numbers from 1, or as 640nm (errors)")
    figure.add_argument("--pixel", action="append", default=[], metavar="ROW,COL", help="a pixel; may be repeated (spectra)")
    figure.add_argument("--rename", action="append", default=[], metavar='"OLD=NEW"', help="another name for a row; may be repeated")
    figure.add_argument("--single-column", action="store_true", help="88 mm wide, for one column of the text, and not 181 mm")
    named = "path without .pdf, .png or .svg, which are all written (default: RUN_DIR/report/figures/chosen_KIND)"
    figure.add_argument("--out", type=Path, metavar="FILE", help=named)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from datasets.output_files import expect_writable_folder

    if options.out is not None:
        options.out = options.out.with_suffix("") if options.out.suffix.lower() in _SUFFIXES else options.out
        expect_writable_folder(options.out.absolute().parent, "--out")
    return Reply(console.figure(options.folder, options))


COMMAND = Command("figure", "draw error maps or spectra of the scenes, methods, window and pixels that you choose", _arguments, _call)

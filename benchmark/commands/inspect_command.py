"""`inspect`: says what is in an image file, how it would be read and why, and what only its owner can answer."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import parse_qsl

from benchmark.commands.command import FAILED, OK, Command, CommandError, Console, Reply, add_data, results_folder


def _arguments(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument("file", metavar="FILE[?key=value&...]", help="an image; what is said of it as in a scene file:PATH?... of a plan")
    inspect.add_argument("--png", type=Path, metavar="FILE", help="false-colour picture (default: results/inspect/NAME.png)")
    add_data(inspect)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from datasets.inspection import inspect_file
    from datasets.reading_options import options_from

    path, query = options.file.removeprefix("file:"), ""
    if "?" in path and not Path(path).expanduser().is_file():
        path, _, query = path.rpartition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise CommandError(f"inspect: expected FILE?key=value&..., got {options.file!r}: {error}") from error
    file = Path(path).expanduser()
    found = inspect_file(file, options_from(dict(pairs), Path()))
    lines = list(found.lines)
    if found.image is not None:
        png = options.png or results_folder("inspect") / f"{file.stem}.png"
        lines.append(f"picture      {console.picture(found.image, png)}")
    if found.question:
        lines.append(f"open         {found.question}")
    return Reply("\n".join(lines), FAILED if found.image is None else OK)


COMMAND = Command("inspect", "say what is in an image file, and how it would be read", _arguments, _call)

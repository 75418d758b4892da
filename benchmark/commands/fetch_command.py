"""`fetch`: downloads data sets and weights from their makers."""

from __future__ import annotations

import argparse

from benchmark.commands.command import Command, CommandError, Console, Reply, add_data


def _arguments(fetch: argparse.ArgumentParser) -> None:
    fetch.add_argument("name", nargs="?", metavar="NAME", help="a data set, or weights")
    add_data(fetch)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from datasets.data_roots import DataRoots
    from datasets.downloads import CATALOG
    from datasets.fetch import fetch

    if options.name is None:
        entries = (
            f"{item.name}: {item.size}\n  from     {item.url}\n  sha256   {item.sha256 or 'not published'}\n  licence  {item.licence}"
            for item in CATALOG.values()
        )
        return Reply("\n".join(entries))
    root = DataRoots.parse(options.data, must_exist=False).root
    if root is None:
        raise CommandError("fetch: expected a data root, got none; give --data DIR")

    def show(received: int, total: int) -> None:
        of = f" of {total / 1e6:.1f}" if total else ""
        console.line(f"{received / 1e6:.1f}{of} MB", passing=True)

    return Reply(str(fetch(options.name, root, progress=show if console.rewrite else None)))


COMMAND = Command("fetch", "download data from their makers; without NAME, list what can be downloaded", _arguments, _call)

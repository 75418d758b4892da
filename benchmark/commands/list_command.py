"""`list`: lists methods, scenes, protocols, PSFs, sensors and metrics."""

from __future__ import annotations

import argparse

from benchmark.commands.command import Command, Console, Reply, add_data, add_plugins, roots

LISTS = ("methods", "scenes", "protocols", "psfs", "sensors", "metrics")


def _arguments(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("what", nargs="?", choices=LISTS)
    add_data(listing)
    add_plugins(listing)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.listing import listing_text

    wanted = [options.what] if options.what else LISTS
    texts = [("" if options.what else f"\n{what}\n") + listing_text(what, roots(options), options.plugins) for what in wanted]
    return Reply("\n".join(texts))


COMMAND = Command("list", "list what there is: " + ", ".join(LISTS), _arguments, _call)

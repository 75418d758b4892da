"""`list`: lists methods, data sets, scenes, protocols, PSFs, sensors, metrics and plans."""

from __future__ import annotations

import argparse
import sys

from benchmark.commands.command import Command, CommandError, Console, Reply, add_data, add_plugins, roots

LISTS = ("methods", "datasets", "scenes", "protocols", "psfs", "sensors", "metrics", "plans")
PLAN = "plan"  # the keys of a plan, as in docs/plan.md


def _arguments(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("what", nargs="?", choices=(*LISTS, PLAN))
    listing.add_argument("name", nargs="?", metavar="NAME|FILE", help="after `methods`: one method, with all of its parameters")
    add_data(listing)
    add_plugins(listing)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.children.server import server_context

    if options.name and options.what != "methods":
        raise CommandError(f"list: expected a name after `list methods` alone, got {options.name!r} after {options.what}; leave it out")
    if options.what == PLAN:
        from benchmark.review.plan_reference import plan_reference

        return Reply(plan_reference().rstrip())
    wanted = [options.what] if options.what else LISTS
    if "methods" in wanted and sys.platform == "linux":
        server_context()  # it starts while the rest is imported here
    if options.name:
        from benchmark.review.method_sheet import method_sheet

        return Reply(method_sheet(options.name, options.plugins))
    from benchmark.review.listing import listing_text

    texts = [
        ("" if options.what else f"\n{what}\n") + listing_text(what, roots(options), options.plugins, console.width) for what in wanted
    ]
    return Reply("\n".join(texts))


COMMAND = Command("list", "list what there is: " + ", ".join((*LISTS, PLAN)), _arguments, _call)

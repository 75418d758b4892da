"""`check-bundle`: whether a bundle is whole and still belongs to this code."""

from __future__ import annotations

import argparse

from benchmark.commands.command import FAILED, OK, Command, Console, Reply, add_data, add_plugins, roots


def _arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument("bundle", metavar="FILE|NAME")
    add_data(check)
    add_plugins(check)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.review.bundle_check import check_bundle
    from benchmark.review.bundle_names import find_bundle
    from benchmark.run_folder.bundle import read_bundle

    bundle = read_bundle(find_bundle(options.bundle))
    found = check_bundle(bundle, roots(options), options.plugins)
    code = ", ".join(bundle.code) or "unknown"
    lines = [
        f"bundle    {bundle.name}: {len(bundle.records)} records, {bundle.scored} with scores, made {bundle.made} by code {code}",
        *(f"stale     {line}" for line in found.stale),
        *(f"gap       {line}" for line in found.gaps),
        *(f"note      {line}" for line in found.notes),
        "verdict   whole, and of this code's protocols and metrics" if found.sound else "verdict   not to be used as it is",
    ]
    return Reply("\n".join(lines), OK if found.sound else FAILED)


COMMAND = Command("check-bundle", "whether a bundle is whole, and of this code's protocols and metrics", _arguments, _call)

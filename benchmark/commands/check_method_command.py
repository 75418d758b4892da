"""`check-method`: checks whether one method keeps the contract."""

from __future__ import annotations

import argparse

from benchmark.commands.command import FAILED, OK, Command, Console, Reply, add_plugins

IMPORT_LIMIT_S = 60.0


def _arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument("name", metavar="NAME|FILE", help="a method of the catalog, or a method file")
    add_plugins(check)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.authors.conformance import examine
    from benchmark.matrix.interview import SilentMethodError, interview
    from datasets.settings import SettingError
    from methods.catalog import BrokenMethodError, find_one

    entry = find_one(options.name, options.plugins)
    try:
        interview([(entry, [{}])], limit_s=IMPORT_LIMIT_S)
    except SilentMethodError as error:  # it would end or stop this process, too
        return Reply(f"broken  the file can be imported, and says what it is\n        {error}\n1 rule broken", FAILED)
    except (SettingError, BrokenMethodError):  # the checks say it, with the line to write
        pass
    lines, broken = [], 0
    for finding in examine(entry):
        state = "broken" if finding.problem else "-" if finding.left_out else "ok"
        lines.append(f"{state:7} {finding.check}" + (f": does not apply ({finding.left_out})" if finding.left_out else ""))
        if finding.problem:
            broken += 1
            lines.append(f"        {finding.problem}")
        if finding.note:
            lines.append(f"        note: {finding.note}")
    kept = "the method keeps the contract: name it in a plan, and it is in the matrix"
    lines.append(f"{broken} rule{'' if broken == 1 else 's'} broken" if broken else kept)
    return Reply("\n".join(lines), FAILED if broken else OK)


COMMAND = Command("check-method", "run the contract's checks on one method", _arguments, _call)

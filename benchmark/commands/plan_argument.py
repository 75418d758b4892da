"""The argument PLAN of several commands: a file, or the name of a plan of the suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.matrix.plan_names import PlanNameError, find_plan

PLAN_NAMED = "PLAN"  # as --help shows it


def plan_file(text: str) -> Path:
    """The file of the plan that the command line names.

    Raises:
        ArgumentTypeError: it is neither a file nor the name of a plan; the text gives the nearest.
    """
    try:
        return find_plan(text)
    except PlanNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

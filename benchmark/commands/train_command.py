"""`train`: trains a method that learns beforehand, in pieces that can be resumed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.command import (
    Command,
    Console,
    Reply,
    add_data,
    add_device,
    add_plugins,
    device,
    positive,
    results_folder,
    roots,
    spelled,
)
from benchmark.commands.plan_argument import PLAN_NAMED, plan_file

if TYPE_CHECKING:
    from methods.contract import Moment


def _arguments(train: argparse.ArgumentParser) -> None:
    train.add_argument("method", metavar="METHOD", help="the method, as the plan names it")
    train.add_argument("plan", type=plan_file, metavar=PLAN_NAMED, help="a training plan, or its name (docs/training.md)")
    add_data(train)
    train.add_argument("--out", type=Path, metavar="DIR", help="folder of the training (default: results/<plan's name>)")
    train.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    train.add_argument(
        "--accept-sources",
        action="store_true",
        help="with --resume: go on from steps that other sources have made; the weights then say so",
    )
    train.add_argument(
        "--minutes", type=float, metavar="M", help="minutes after which to stop, at a checkpoint, and write the weights so far"
    )
    train.add_argument("--every", type=float, default=2.0, metavar="M", help="minutes between checkpoints (default 2)")
    train.add_argument("--threads", type=positive, metavar="N", help="threads of torch (default: all cores)")
    add_device(train)
    add_plugins(train)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from benchmark.run_folder.bundle import without_paths
    from benchmark.training.train import TrainingError, train
    from benchmark.training.training_plan import read_training_plan

    plan = read_training_plan(options.plan, roots(options), options.plugins)
    if plan.entry.name != options.method:
        raise TrainingError(f"train: expected the plan's method {plan.entry.name}, got {options.method}; give that name, or another plan")
    folder = (options.out or results_folder(plan.name)).resolve()

    def show(moment: Moment) -> None:
        losses = "  ".join(f"{name} {value:.5f}" for name, value in moment.losses.items())
        left = f"{moment.seconds / 60:.1f} min, about {moment.left_s / 60:.0f} min left"
        console.line(f"[{moment.step}/{moment.steps}] {losses}  {left}", passing=True)

    try:
        trained = train(
            plan,
            folder,
            show,
            command=without_paths(spelled()),  # weights are handed on: they name no folder of this machine
            device=device(options.device),
            resume=options.resume,
            every_s=60 * options.every,
            limit_s=None if options.minutes is None else 60 * options.minutes,
            threads=options.threads,
            accept_sources=options.accept_sources,
        )
    except KeyboardInterrupt:
        return Reply(f"\nstopped; {folder} keeps the last checkpoint, and the same command with --resume goes on from it", 130)
    lines = [
        f"\nweights   {trained.weights}, after {trained.step} of {trained.steps} steps and {trained.seconds / 60:.1f} minutes",
        f"figures   {console.training_figures(folder)}",
    ]
    lines += [] if trained.finished else ["not all steps of the budget are done: the same command with --resume goes on"]
    return Reply("\n".join(lines))


COMMAND = Command("train", "train a method that learns beforehand, in pieces that can be resumed, and write its weights", _arguments, _call)

"""`fuse`: fuses a pair of images of the user's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, CommandError, Console, Reply, add_data, add_device, add_plugins, device, roots
from benchmark.commands.pair_options import add_pair, pair_of


def _arguments(fuse: argparse.ArgumentParser) -> None:
    add_pair(fuse)
    fuse.add_argument("--method", required=True, metavar="M", help="a method of the catalog, or a method file")
    fuse.add_argument(
        "--out", type=Path, required=True, metavar="C.h5", help="file for the fused cube: .h5, .mat, .npz, ENVI (.hdr) or GeoTIFF (.tif)"
    )
    fuse.add_argument("--set", action="append", default=[], metavar="key=value", dest="settings", help="a parameter of the method")
    fuse.add_argument("--noise", nargs=2, type=float, metavar=("HSI", "MSI"), help="standard deviations of the noise, in the images' units")
    fuse.add_argument(
        "--phase",
        metavar="P|ROW,COLUMN",
        help="centre of coarse pixel 0 on the fine grid (default: (ratio-1)/2); --phase=-1,2 where negative",
    )
    fuse.add_argument("--register", action="store_true", help="estimate the phase from the images, where no --phase is given")
    fuse.add_argument("--estimate-gain", action="store_true", help="report the gain of each channel of the MSI against what --srf says")
    fuse.add_argument("--apply-gain", action="store_true", help="report it, and multiply the MSI by it before the images are fused")
    add_device(fuse)
    fuse.add_argument("--seed", type=int, default=0)
    add_plugins(fuse)
    add_data(fuse)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from methods.loading import watch_imports

    watch_imports()  # before what decides the result is imported: a .pyc file may be of older code
    import torch

    from benchmark.runner.pair_fusion import fuse_pair, spread_file
    from benchmark.runner.pair_reading import assignment
    from benchmark.runner.pair_review import gains, registered, registration_lines, remark_lines, residual_lines, with_gains
    from datasets.cube_writers import expect_cube_output
    from methods.catalog import find_one

    if options.register and options.phase is not None:
        raise CommandError("--register: expected no --phase beside it, as it estimates the phase; got both, give one of them")
    inputs = (options.hsi, options.msi)
    expect_cube_output(options.out, (1, 1, 1), inputs)  # before anything is read
    entry = find_one(options.method, options.plugins)
    parameters = dict(assignment(text) for text in options.settings)
    pair = pair_of(options, phase=options.phase, noise=options.noise and tuple(options.noise))
    for file in (options.out, spread_file(options.out)):
        expect_cube_output(file, pair.shape, inputs)
    said = []
    if options.register:
        pair, found = registered(pair)
        said += registration_lines(found, pair)
    if options.estimate_gain or options.apply_gain:
        factors = gains(pair)
        said.append(f"gain      the MSI's channels times {', '.join(f'{value:.4g}' for value in factors)} fit the HSI best")
        pair = with_gains(pair, factors) if options.apply_gain else pair
    residual, warning = residual_lines(pair)
    for line in (*remark_lines(pair), *warning):
        console.line(line, passing=False)
    measured = fuse_pair(entry, parameters, pair, torch.device(device(options.device)), options.seed, options.out, roots(options).root)
    said += [f"remark    {remark}" for remark in measured.remarks]
    bands, rows, cols = measured.estimate.cube.shape
    seconds = measured.clock.fit + measured.clock.adapt + measured.clock.fuse
    return Reply("\n".join([*said, residual, f"{options.out}: {bands} bands, {rows} x {cols}, in {seconds:.2f} s"]))


COMMAND = Command("fuse", "fuse a pair of images of your own", _arguments, _call)

"""`fuse`: fuses a pair of images of the user's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.commands.command import Command, Console, Reply, add_data, add_device, add_plugins, device, roots


def _arguments(fuse: argparse.ArgumentParser) -> None:
    fuse.add_argument(
        "--hsi", type=Path, required=True, metavar="A", help="low-resolution hyperspectral image (.h5, .mat, .npz, ENVI, GeoTIFF)"
    )
    fuse.add_argument("--msi", type=Path, required=True, metavar="B", help="high-resolution multispectral image")
    fuse.add_argument("--method", required=True, metavar="M", help="a method of the catalog, or a method file")
    fuse.add_argument("--hsi-variable", metavar="NAME", help="the name of the image in A, where A holds several, such as hsi/cube")
    fuse.add_argument("--msi-variable", metavar="NAME", help="the name of the image in B, likewise")
    fuse.add_argument("--out", type=Path, required=True, metavar="C.h5", help="file for the fused cube")
    fuse.add_argument("--set", action="append", default=[], metavar="key=value", dest="settings", help="a parameter of the method")
    fuse.add_argument("--psf", metavar="KIND,key=value,...|FILE", help="for example gaussian,taps=8,fwhm=4, or a kernel in .npy or .csv")
    fuse.add_argument("--srf", metavar="SENSOR|FILE.csv", help="a sensor (see `list sensors`) or a table of response curves")
    fuse.add_argument("--noise", nargs=2, type=float, metavar=("HSI", "MSI"), help="standard deviations of the noise, in the images' units")
    fuse.add_argument("--channels", metavar="a,b,...", help="the channels of the sensor that the MSI has, in their order")
    fuse.add_argument("--phase", type=float, metavar="P", help="centre of coarse pixel 0 on the fine grid (default: (ratio-1)/2)")
    fuse.add_argument("--layout", metavar='"bands rows cols"', help="order of the axes, where the files do not state it")
    fuse.add_argument("--scale", type=float, metavar="S", help="value = stored / S, for integer images whose files state no scale")
    add_device(fuse)
    fuse.add_argument("--seed", type=int, default=0)
    add_plugins(fuse)
    add_data(fuse)


def _call(options: argparse.Namespace, console: Console) -> Reply:
    from methods.loading import watch_imports

    watch_imports()  # before what decides the result is imported: a .pyc file may be of older code
    import torch

    from benchmark.runner.own_pair import assignment, fuse_pair, read_pair
    from methods.catalog import find_one

    pair = read_pair(
        ((options.hsi, options.hsi_variable), (options.msi, options.msi_variable)),
        layout=options.layout,
        scale=options.scale,
        psf=options.psf,
        srf=options.srf,
        srf_folder=roots(options).folder("srf"),
        channels=options.channels,
        phase=options.phase,
        noise=options.noise,
    )
    parameters = dict(assignment(text) for text in options.settings)
    entry = find_one(options.method, options.plugins)
    measured = fuse_pair(entry, parameters, pair, torch.device(device(options.device)), options.seed, options.out)
    bands, rows, cols = measured.estimate.cube.shape
    seconds = measured.clock.fit + measured.clock.adapt + measured.clock.fuse
    return Reply(f"{options.out}: {bands} bands, {rows} x {cols}, in {seconds:.2f} s")


COMMAND = Command("fuse", "fuse a pair of images of your own", _arguments, _call)

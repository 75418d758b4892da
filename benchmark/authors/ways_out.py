"""What to write where a method raised an error, and the line of its source that led to it."""

from __future__ import annotations

import traceback
from dataclasses import FrozenInstanceError
from pathlib import Path

from benchmark.clone import ROOT
from methods.loading import is_installed

_LIMITS = "where the method cannot take such a pair, write the limit in Card(...), such as min_bands=2, and raise RefusedError"
_SAID: tuple[
    tuple[type[BaseException], str, str], ...
] = (  # the class of an error, a part of its text, and the way out; the first that fits
    (
        FrozenInstanceError,
        "",
        "the fields of a method are its parameters, and are frozen: keep what is made or learned in a local name, or in a field of the "
        "FusionMethod that `fit` returns, as in return Fitted(network)",
    ),
    (
        FileNotFoundError,
        "",
        "write the file as a parameter, such as checkpoint: Path = Path('net.pth') for one beside the method, and open self.checkpoint: "
        "plans then look for it, and hash its content",
    ),
    (ModuleNotFoundError, "", "install it in the environment that runs the suite, or put the file beside the method"),
    (TypeError, "mutable default", "write a tuple, such as widths: tuple[int, ...] = (32, 64)"),
    (ValueError, "mutable default", "write a tuple, such as widths: tuple[int, ...] = (32, 64)"),
    (TypeError, "Card.__init__() missing", "write Card(name='...', paper='...', doi='', year=2026, fidelity='...')"),
    (TypeError, "Card.__init__() got an unexpected", "the facts of a card are the fields of `Card` in methods/contract.py"),
    (TypeError, "to return a FusionMethod", "what it does is timed as inference, and `fit` as learning"),
    (TypeError, "'NoneType'", "examples[k].truth is None unless the card says supervision='truth'; seen has what the card asks for"),
    (AttributeError, "'NoneType'", "examples[k].truth is None unless the card says supervision='truth'; seen has what the card asks for"),
    (NameError, "", "import or define that name above"),
    (
        AttributeError,
        "",
        "mend that line; an Observation has hsi, msi, wavelengths, ratio, phase, and what the card asks for of psf, srf, noise",
    ),
    (SystemExit, "", "raise an error that says what is wrong, such as raise ValueError('...')"),
    (AssertionError, "CUDA", "write device=seen.hsi.device, or .to(seen.hsi), in the place of a fixed device"),
    (RuntimeError, "CUDA", "write device=seen.hsi.device, or .to(seen.hsi), in the place of a fixed device"),
    (RuntimeError, "NVIDIA driver", "write device=seen.hsi.device, or .to(seen.hsi), in the place of a fixed device"),
    (RuntimeError, "on the same device", "write device=seen.hsi.device, or .to(seen.hsi), where tensors and networks are made"),
    (RuntimeError, "a leaf Variable that requires grad", "write `with torch.no_grad():` around a change in place of what is learned"),
    (RuntimeError, "numpy() on Tensor that requires grad", "write return Estimate(cube): the referee takes a tensor as it is"),
    (RuntimeError, "loading state_dict", "make the network as it was when the weights were saved: its widths are numbers of the file"),
)


def place_of(error: BaseException) -> str:
    """The last line of the method's own source that led to the error, as in ", at line 12 of net.py (`x = net(y)`)"; empty without one."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_the_methods(Path(frame.filename))]
    if not frames:
        return ""
    last = frames[-1]
    return f", at line {last.lineno} of {Path(last.filename).name}" + (f" (`{last.line.strip()[:100]}`)" if last.line else "")


def way_out(error: BaseException) -> str:
    """What to write where an error of that kind was raised."""
    return next((way for kind, part, way in _SAID if isinstance(error, kind) and part in str(error)), _LIMITS)


def import_way_out(error: BaseException) -> str:
    """What to write where a file cannot be imported; empty where the error says it all."""
    way = way_out(error)
    return "" if way == _LIMITS else way


def _is_the_methods(file: Path) -> bool:
    """Whether a file is a source that may be the method's: no library's, and none of the suite but those in the folders of methods.

    What reads methods that are TOML files (`methods/declared`) is the suite's, and its lines are no help to their authors.
    """
    if is_installed(str(file)) or not file.is_file():
        return False
    if not file.is_relative_to(ROOT):
        return True
    folder = file.relative_to(ROOT).parts[:-1]
    return len(folder) > 1 and folder[0] == "methods" and folder[1] != "declared"

"""A child of the fuzz test: reads spoilt files one after the other, and says of each what came of it.

Each line of standard input is "<number of the sample> <seed>"; each answer is one line of JSON: the outcome and a text.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.datasets.fuzz_mutations import mutated
from tests.datasets.fuzz_samples import SAMPLES

MEMORY = 2 * 10**9  # bytes beyond what a child has when it starts
OURS = ("datasets", "methods")


def judged(true: dict[str, np.ndarray[Any, Any]], got: dict[str, np.ndarray[Any, Any]]) -> str:
    """What is wrong with a content that a reader accepted; empty where the file could not have been told from a true one."""
    if set(got) != set(true) and set(got) != {"cube"}:  # a spoilt name of the wavelengths is another name
        return f"parts {sorted(got)[:5]} and not {sorted(true)[:5]}"
    for name, array in got.items():
        if array.dtype != true[name].dtype or array.ndim != true[name].ndim:
            return f"{name} is {array.dtype} {array.shape}"
        if not array.size or array.size > 8 * true[name].size:  # a narrower type gives more numbers from the same bytes
            return f"{name} has the shape {array.shape}, the true one {true[name].shape}"
        if not np.isfinite(array).all():
            return f"{name} is not finite"
    waves = got.get("wavelengths")
    if waves is not None and (waves.shape != got["cube"].shape[:1] or not (waves > 0).all()):
        return f"wavelengths are {waves[:5]} of a cube {got['cube'].shape}"
    return ""


class Reader:
    """The true files of every format, each in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.names = list(SAMPLES)
        self.folders, self.targets, self.truth, self.contents = [], [], [], []
        for number, sample in enumerate(SAMPLES.values()):
            folder = root / str(number)
            folder.mkdir()
            targets = sample.write(folder)
            self.folders.append(folder)
            self.targets.append(targets)
            self.contents.append({name: (folder / name).read_bytes() for name in targets})
            self.truth.append(sample.read(folder))

    def outcome(self, number: int, seed: int) -> tuple[str, str]:
        """right, wrong, clear, foreign or blow-up, and what was wrong or raised."""
        folder, targets = self.folders[number], self.targets[number]
        target = targets[seed % len(targets)]
        (folder / target).write_bytes(mutated(self.contents[number][target], f"{self.names[number]} {seed}"))
        try:
            got = SAMPLES[self.names[number]].read(folder)
        except MemoryError as error:
            return "blow-up", repr(error)[:300]
        except Exception as error:  # noqa: BLE001  # whatever a reader raises is the finding
            ours = type(error).__module__.split(".")[0] in OURS
            return "clear" if ours else "foreign", f"{type(error).__name__}: {error}"[:300]
        finally:
            (folder / target).write_bytes(self.contents[number][target])
        wrong = judged(self.truth[number], got)
        return ("wrong", wrong) if wrong else ("right", "")


def main() -> None:
    """Answers until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root, contextlib.suppress(BrokenPipeError):
        reader = Reader(Path(root))
        used = next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answers.write("ready\n")
        for line in sys.stdin:
            number, seed = map(int, line.split())
            answers.write(json.dumps(reader.outcome(number, seed)) + "\n")


if __name__ == "__main__":
    main()

"""The seconds of spectral kriging are its own: neither learning nor fusing imports a library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
import torch
from benchmark.authors.sample_pairs import random_pair
from benchmark.runner import preloaded  # what the processes of cells have
from methods.contract import Example
from methods.gaussian.kriging.method import Method
seen = random_pair(31, 3, ratio=8)
before = set(sys.modules)
Method(knows="nothing").fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())
print(sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
"""


def test_learning_and_fusing_import_no_library() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"

"""What the tests of hostile files share: a small image, and what an error must say."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.input_files import InputFileError

BANDS, ROWS, COLS = 5, 6, 7
WAVES = [410.0, 470.5, 533.0, 610.0, 705.0]
STORED: NDArray[np.uint16] = np.random.default_rng(8).integers(1, 12000, (BANDS, ROWS, COLS), dtype=np.uint16)
VALUES: NDArray[np.float32] = STORED.astype(np.float32) / np.float32(10000)
BIP = np.ascontiguousarray(STORED.transpose(1, 2, 0))
LAYOUT = "bands rows cols"


def refused(call: Callable[[], Any], file: Path, text: str) -> None:
    """An error of the family, which names the file, what was expected and what came."""
    with pytest.raises(InputFileError, match=text) as caught:
        call()
    message = str(caught.value)
    assert file.name in message
    assert "expected" in message
    assert "got" in message
    assert len(message) < 1200


def npy_bytes(shape: str, dtype: str = "<f4", data: bytes = b"") -> bytes:
    """A .npy file with that text as the shape in its header."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data

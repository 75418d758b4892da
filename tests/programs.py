"""Programs in other languages for tests, each with the TOML file that makes it a method. None needs more than a shell and Python."""

from __future__ import annotations

import sys
from pathlib import Path

CARD = """[card]
name = "{name}"
year = 2026
random = false
{card}
[run]
command = {command}
format = "{format}"
{more}
"""

# The HSI, each pixel repeated, by the standard library alone: it runs in any interpreter, whatever is installed there.
NEAREST = '''"""The HSI with each pixel repeated, from one .npz to another."""
import array, ast, struct, sys, zipfile

def read(archive, name):
    raw = archive.read(name + ".npy")
    length = struct.unpack("<H", raw[8:10])[0]
    header = ast.literal_eval(raw[10:10 + length].decode())
    assert not header["fortran_order"] or len(header["shape"]) < 2 or name == "hsi", header
    values = array.array({"<f4": "f", "<f8": "d", "<i8": "q"}[header["descr"]], raw[10 + length:])
    return header, values

archive = zipfile.ZipFile(sys.argv[1])
header, hsi = read(archive, "hsi")
(rows, cols, bands), ratio = header["shape"], read(archive, "ratio")[1][0]
if header["fortran_order"]:
    at = lambda r, c, b: r + rows * (c + cols * b)
else:
    at = lambda r, c, b: (r * cols + c) * bands + b
places = ((r // ratio, c // ratio, b) for r in range(rows * ratio) for c in range(cols * ratio) for b in range(bands))
cube = array.array("d", (hsi[at(*place)] for place in places))

def entry(shape, values):
    text = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\\n"
    return b"\\x93NUMPY\\x01\\x00" + struct.pack("<H", len(text)) + text + values.tobytes()

with zipfile.ZipFile(sys.argv[2], "w") as out:
    out.writestr("cube.npy", entry((rows * ratio, cols * ratio, bands), cube))
    out.writestr("fusing_seconds.npy", entry((), array.array("d", [0.125])))
    out.writestr("learning_seconds.npy", entry((), array.array("d", [0.5])))
    out.writestr("parameter_count.npy", entry((), array.array("d", [42])))
'''


def program(folder: Path, name: str, command: list[str], *, format: str = "npz", card: str = "", more: str = "") -> Path:
    """Write the TOML file of a program, and give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(CARD.format(name=name, command=command, format=format, card=card, more=more), encoding="utf-8")
    return file


def nearest(folder: Path, name: str = "nearest", *, card: str = "", more: str = "", python: str = sys.executable) -> Path:
    """A program in Python that repeats each pixel of the HSI, and states its own figures."""
    file = program(folder, name, [python, "{here}/nearest.py", "{observation}", "{estimate}"], card=card, more=more)
    (folder / "nearest.py").write_text(NEAREST, encoding="utf-8")
    return file


def shell(folder: Path, name: str, body: str, *, format: str = "npz", card: str = "", more: str = 'files = ["*.sh"]') -> Path:
    """A shell script with that body, whose arguments are the observation file, the estimate file and an interpreter of Python."""
    file = program(
        folder, name, ["sh", f"{{here}}/{name}.sh", "{observation}", "{estimate}", sys.executable], format=format, card=card, more=more
    )
    (folder / f"{name}.sh").write_text(body, encoding="utf-8")
    return file

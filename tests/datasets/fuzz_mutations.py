"""What is done to a file: one to three changes that a number decides.

Half of the changes to a zip, to a PNG and to a deflated MATLAB file are made inside: the content is unpacked, changed, and packed again
with a right checksum, since otherwise the checksum would refuse nearly all of them.
"""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

_HEAD = 2048  # bytes in which most formats keep their numbers
_NUMBERS = (0, 1, 2, 3, 4, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1_000_000_000)
_TEXTS = (
    *(b"0", b"1", b"-1", b"7", b"1e300", b"1e-300", b"nan", b"inf", b"", b"65535", b"1000000000"),
    *(b"x", b"{", b"}", b",", b"=", b"\xff\xfe"),
)
_RUN = re.compile(rb"[A-Za-z]{3,}|[0-9][0-9.eE+-]*")


def mutated(content: bytes, seed: str) -> bytes:
    """The file's content after the changes that the seed decides."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        if content.startswith(b"PK"):
            return _inside_zip(content, rng)
        if content.startswith(b"\x89PNG"):
            return _inside_png(content, rng)
        if content[126:136] == b"IM\x0f\x00\x00\x00" + content[132:136]:
            return _inside_mat(content, rng)
    return _changed(content, rng)


def _changed(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(_CHANGES)(changed, rng)
    return bytes(changed)


def _inside_zip(content: bytes, rng: random.Random) -> bytes:
    """One member is changed, a program of pickle or an array with a small name first of all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w") as after:
        entries = before.infolist()
        programs = [entry.filename for entry in entries if entry.filename.endswith("data.pkl")]
        chosen = programs[0] if programs and rng.random() < 0.7 else rng.choice(entries).filename
        for entry in entries:
            member = before.read(entry)
            after.writestr(entry.filename, _changed(member, rng) if entry.filename == chosen else member, entry.compress_type)
    return packed.getvalue()


def _inside_png(content: bytes, rng: random.Random) -> bytes:
    """One chunk is changed, the header in half of the cases."""
    place, chunks = 8, []
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += 12 + size
    chosen = 0 if rng.random() < 0.5 else rng.randrange(len(chunks))
    kind, data = chunks[chosen]
    if kind == b"IDAT" and rng.random() < 0.5:
        data = zlib.compress(_changed(zlib.decompress(data), rng)) if chosen == 1 and len(chunks) == 3 else data
    else:
        data = _changed(data, rng)
    chunks[chosen] = (kind, data)
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return content[:8] + body


def _inside_mat(content: bytes, rng: random.Random) -> bytes:
    """One deflated variable is changed."""
    place, elements = 128, []
    while place < len(content):
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        elements.append(zlib.decompress(content[place + 8 : place + 8 + size]))
        place += 8 + size
    chosen = rng.randrange(len(elements))
    elements[chosen] = _changed(elements[chosen], rng)
    packed = [zlib.compress(element) for element in elements]
    return content[:128] + b"".join(struct.pack("<II", 15, len(element)) + element for element in packed)


def _place(content: bytearray, rng: random.Random) -> int:
    """Somewhere in the file, in its head for half of the cases."""
    return rng.randrange(max(1, min(len(content), _HEAD) if rng.random() < 0.5 else len(content)))


def _flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if content:
            content[_place(content, rng) % len(content)] ^= 1 << rng.randrange(8)


def _truncate(content: bytearray, rng: random.Random) -> None:
    del content[_place(content, rng) :]


def _insert(content: bytearray, rng: random.Random) -> None:
    block = bytes(rng.choice((1, 4, 8, 64, 512))) if rng.random() < 0.5 else rng.randbytes(rng.choice((1, 4, 8, 64, 512)))
    at = _place(content, rng)
    content[at:at] = block


def _remove(content: bytearray, rng: random.Random) -> None:
    at = _place(content, rng)
    del content[at : at + rng.choice((1, 4, 8, 64))]


def _repeat(content: bytearray, rng: random.Random) -> None:
    at, size = _place(content, rng), rng.choice((4, 16, 256))
    content[at:at] = content[at : at + size]


def _swap(content: bytearray, rng: random.Random) -> None:
    """Two numbers of four bytes change places."""
    one, other = (4 * (_place(content, rng) // 4) for _ in range(2))
    if max(one, other) + 4 <= len(content):
        content[one : one + 4], content[other : other + 4] = content[other : other + 4], content[one : one + 4]


def _number(content: bytearray, rng: random.Random) -> None:
    """A number of 1 to 8 bytes in either order becomes another one."""
    size = rng.choice((1, 2, 4, 8))
    at = size * (_place(content, rng) // size)
    value = rng.choice(_NUMBERS) & ((1 << 8 * size) - 1)
    if rng.random() < 0.2:
        content[at : at + 8] = struct.pack("<d", rng.choice((float("nan"), float("inf"), 0.0, 1e300, 1e-300, -1.0)))
    elif at + size <= len(content):
        content[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _text(content: bytearray, rng: random.Random) -> None:
    """A word or a number in the head becomes another text, or changes places with another one."""
    runs = list(_RUN.finditer(bytes(content[:65536])))
    if not runs:
        return
    one, other = rng.choice(runs), rng.choice(runs)
    if rng.random() < 0.3:
        first, second = sorted((one, other), key=lambda run: run.start())
        if first.end() <= second.start():
            content[second.start() : second.end()], content[first.start() : first.end()] = first[0], second[0]
        return
    text = rng.choice(_TEXTS)
    if rng.random() < 0.5:  # of the same length, so that nothing else moves
        text = text[: len(one[0])].ljust(len(one[0]), rng.choice((b" ", b"0", b"9")))
    content[one.start() : one.end()] = text


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip, _truncate, _insert, _remove, _repeat, _swap),
    *(_number, _number, _number, _text, _text, _text),
)

"""Text from outside (errors of methods, names in files) as a terminal, a JSON file, an SVG, a page and a file's name can show it."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

MOST_LETTERS = 2000  # of an error's text
MOST_NAME_LETTERS, MOST_NAME_BYTES = 100, 200  # of a file's name

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control and format characters, surrogates, private use, not assigned, separators
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text with each character that cannot be seen as an escape: "\\x1b", "\\ud800", "\\n". All others stay, a backslash too."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """A text of several lines with each line as `printable` shows it, and spaces in the place of tabs."""
    return "\n".join(printable(line.expandtabs(4)) for line in text.split("\n"))


def file_name(text: str) -> str:
    """A name for a file or folder: the text itself where it is one on every system, else its letters and digits and a digest of it.

    A name has at most 100 characters, none of them one that cannot be shown or that a file system keeps for itself, and it neither begins
    with a dot nor ends with a dot or a space. Different texts have different names.
    """
    kept = re.sub(r"[^\w.+=,()@# -]+", "-", text).strip(". -")
    if kept == text and 0 < len(text) <= MOST_NAME_LETTERS and len(text.encode()) <= MOST_NAME_BYTES and printable(text) == text:
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:40].strip("-")
    return f"{plain or 'unnamed'}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def error_text(error: BaseException) -> str:
    """The class and the message of an error in one line that can be shown, whatever its `str` does."""
    try:
        message = str(error)
    except BaseException as second:  # a method's error may do anything when it is asked for its message
        if isinstance(second, KeyboardInterrupt):
            raise
        message = f"(its message cannot be had: {type(second).__name__})"
    return printable(f"{type(error).__name__}: {' '.join(message.split())}"[:MOST_LETTERS])


def _shown(letter: str) -> str:
    if unicodedata.category(letter) not in _HIDDEN:
        return letter
    number = ord(letter)
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

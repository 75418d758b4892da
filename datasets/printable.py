"""Text from outside (errors of methods, names in files) as a terminal, a JSON file, an SVG and a page can show it."""

from __future__ import annotations

import unicodedata

MOST_LETTERS = 2000  # of an error's text

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control and format characters, surrogates, private use, not assigned, separators
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text with each character that cannot be seen as an escape: "\\x1b", "\\ud800", "\\n". All others stay, a backslash too."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


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

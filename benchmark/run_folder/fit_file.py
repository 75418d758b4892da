"""What a method has learned beforehand, as a file of the run folder, and its seal.

The file is a pickle, which can run code when it is read. So it is sealed with the sha256 of its bytes when the supervisor stores it, and
only those bytes are ever given to a method: a file without its seal, or with another content, counts as missing. The seal keeps out what
was damaged, cut short or put there by a method that knows the folder; it is no signature, and who can write both files can replace both.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import write_bytes


def seal_fit(folder: RunFolder, digest: str, fitted: Path) -> None:
    """Write the seal of what a method has learned, which lies in the file `fitted` still; the file itself must follow."""
    folder.fit(digest).unlink(missing_ok=True)  # so that no earlier file stands beside this seal
    with fitted.open("rb") as file:
        hasher = sha256()
        while block := file.read(2**20):
            hasher.update(block)
    write_bytes(folder.fit_seal(digest), hasher.hexdigest().encode())


def read_fit(folder: RunFolder, digest: str) -> bytes | None:
    """The bytes of what a method has learned; None where there are none, or where they are not those that were sealed."""
    file, seal = folder.fit(digest), folder.fit_seal(digest)
    if not (file.is_file() and seal.is_file()):
        return None
    content = file.read_bytes()
    return content if content and seal.read_bytes().strip() == sha256(content).hexdigest().encode() else None

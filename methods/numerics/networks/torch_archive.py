"""What a torch file (.pth) declares, looked at before torch opens it.

A torch file is a zip of stored members: `data.pkl`, a program of pickle that builds the table, and one member of raw numbers per storage.
torch believes the number of entries that the program states for a storage, whatever the length of its member. So the program is *read*,
never run, and every storage that it names is compared with its member; names other than those of tensors and tables are refused.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from datasets.input_files import LONGEST_TEXT, InputFileError, largest_array, own_errors, regular_size, spell_bytes

_ITEM_SIZES = {  # bytes of an entry
    f"torch {kind}Storage": size
    for size, kinds in {1: ("Bool", "Byte", "Char"), 2: ("Half", "BFloat16", "Short"), 4: ("Float", "Int"), 8: ("Double", "Long")}.items()
    for kind in kinds
}
_HARMLESS = {*_ITEM_SIZES, "collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"}
_PUT = ("BINPUT", "LONG_BINPUT", "PUT")
_GET = ("BINGET", "LONG_BINGET", "GET")
_WHOLE = ("BININT", "BININT1", "BININT2", "LONG1")


def expect_torch_archive(file: Path, error: type[InputFileError]) -> None:
    """Nothing, where a torch file may be opened with `weights_only`.

    Raises:
        InputFileError: `error`, where it is no zip of stored members that torch wrote, is too large or damaged, or where its program names
            something else than tensors and tables, or storages that are not in the file.
    """
    length = regular_size(file, error)
    if length > largest_array():
        raise error(f"{file}: expected at most {spell_bytes(largest_array())}, got {spell_bytes(length)}; is it a file of weights?")
    with own_errors(file, error, "a torch file of tensors", "give a .pth that torch.save has written"), zipfile.ZipFile(file) as archive:
        members = {entry.filename: entry for entry in archive.infolist()}
        programs = [name for name in members if PurePosixPath(name).name == "data.pkl"]
        packed = [name for name, entry in members.items() if entry.compress_type != zipfile.ZIP_STORED]
        if len(programs) != 1 or packed or sum(entry.file_size for entry in members.values()) > length:
            raise error(f"{file}: expected one program data.pkl and members without compression, got {len(programs)} and {packed[:3]}")
        if members[programs[0]].file_size > LONGEST_TEXT:
            raise error(f"{file}: expected a program of at most {LONGEST_TEXT} bytes, got {members[programs[0]].file_size}")
        damaged = archive.testzip()
        if damaged is not None:
            raise error(f"{file}: expected a whole file, got a damaged member {damaged}; fetch it again")
        folder = PurePosixPath(programs[0]).parent
        for key, size in _storages(file, archive.read(programs[0]), error):
            member = members.get(str(folder / "data" / key))
            if member is None or member.file_size != size:
                held = "none" if member is None else f"{member.file_size} bytes"
                raise error(f"{file}: expected {size} bytes of the storage {key!r}, got {held}; the file is damaged, fetch it again")


def _storages(file: Path, program: bytes, error: type[InputFileError]) -> Iterator[tuple[str, int]]:
    """Key and length in bytes of every storage that a program names."""
    said: list[tuple[str, object]] = []  # operations in their order, those of the memo resolved
    memo: dict[object, tuple[str, object]] = {}
    for code, argument, _ in pickletools.genops(program):
        if code.name in _PUT or code.name == "MEMOIZE":
            memo[len(memo) if code.name == "MEMOIZE" else argument] = said[-1]
            continue
        if code.name in ("GLOBAL", "STACK_GLOBAL", "INST") and argument not in _HARMLESS:
            raise error(
                f"{file}: expected a torch file of tensors and tables alone, got {str(argument or code.name)[:80]}, which is not loaded"
            )
        if code.name == "BINPERSID":
            yield _storage(file, said[-7:], error)
        said.append(memo[argument] if code.name in _GET else (code.name, argument))


def _storage(file: Path, said: list[tuple[str, object]], error: type[InputFileError]) -> tuple[str, int]:
    """Key and length in bytes of the storage that the last operations describe: ("storage", type, key, device, number of entries)."""
    names, arguments = [name for name, _ in said], [argument for _, argument in said]
    if names[:1] == ["MARK"] and names[-1] == "TUPLE" and names[-2] in _WHOLE and arguments[1] == "storage":
        kind, key, entries = arguments[2], arguments[3], arguments[5]
        if kind in _ITEM_SIZES and isinstance(key, str) and isinstance(entries, int) and entries >= 0:
            return key, entries * _ITEM_SIZES[str(kind)]
    raise error(f"{file}: expected storages as torch.save describes them, got another description; give the authors' .pth")

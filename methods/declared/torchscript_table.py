"""The table `[torchscript]`: which TorchScript file is a method, and how its `forward` is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from datasets.settings import SettingError, configure
from methods.contract import Card
from methods.declared.declaration import Declaration, DeclarationError

Input = Literal["hsi", "msi", "lms", "wavelengths"]
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TorchScriptTable:
    """The schema of the table."""

    file: str
    """The file that torch.jit.save has written: relative to the TOML file, to the plan or to the data root. Its content is hashed into the
    key. It is a parameter of the method, so that a plan may give another path."""
    inputs: tuple[Input, ...]
    """The arguments of forward in their order: hsi (bands, h, w), msi (channels, H, W), lms (the HSI enlarged to bands, H, W), wavelengths
    (bands, nm)."""
    ratio: int
    """Pixels of the MSI per pixel of the HSI, along each axis, for which the weights were made; another ratio is refused."""
    sha256: str = ""
    """The file of which the card speaks; another file is refused."""
    batch: bool = True
    """Whether images have a first axis for the batch, of length 1."""
    enlargement: Literal["bicubic", "bilinear", "nearest"] = "bicubic"
    """How lms is made."""
    channels: Literal["as given", "falling", "rising"] = "as given"
    """The order of the MSI's channels by their centre wavelengths: falling is red, green, blue. Needs needs_srf = true on the card."""
    scale: float = 1.0
    """The network takes and gives values times this number: 255 for images in 0..255."""
    multiple: int = 1
    """What must divide both sides of the MSI; other images are refused."""
    least_side: int = 1
    """The fewest pixels that a side of the MSI may have."""
    most_pixels: int | None = None
    """The most pixels that the MSI may have; any number when absent."""
    output: int = 0
    """Which of several results of forward is the cube, counted from 0."""


def read_torchscript_table(declaration: Declaration) -> TorchScriptTable:
    """The checked table.

    Raises:
        DeclarationError: a key is unknown, missing or of the wrong type, or the card and the table contradict each other.
    """
    where = f"{declaration.file}: [torchscript]"
    try:
        table = configure(TorchScriptTable, declaration.table)
    except SettingError as error:
        raise DeclarationError(f"{where}: {error}") from error
    if not table.file:
        raise DeclarationError(f'{where}: file: expected the name of a TorchScript file, got none; write file = "net.pt"')
    if not {"hsi", "lms"} & set(table.inputs) or len(set(table.inputs)) < len(table.inputs):
        raise DeclarationError(
            f'{where}: inputs: expected "hsi" or "lms" among them, and none twice, got {list(table.inputs)}; write ["hsi", "msi"]'
        )
    for name, value, least in (
        ("ratio", table.ratio, 1),
        ("multiple", table.multiple, 1),
        ("least_side", table.least_side, 1),
        ("most_pixels", table.most_pixels, 1),
        ("output", table.output, 0),
    ):
        if value is not None and value < least:
            raise DeclarationError(f"{where}: {name}: expected a whole number >= {least}, got {value}; correct it")
    if not table.scale > 0:
        raise DeclarationError(f"{where}: scale: expected a number above 0, got {table.scale}; write 1 for images in 0..1")
    if table.sha256 and not _SHA256.fullmatch(table.sha256):
        raise DeclarationError(f"{where}: sha256: expected 64 digits 0-9 and a-f, got {table.sha256[:80]!r}; `sha256sum FILE` prints it")
    _check_card(declaration, table)
    return table


def _check_card(declaration: Declaration, table: TorchScriptTable) -> None:
    card: Card = declaration.card
    where = f"{declaration.file}: [card]"
    if card.learns != "beforehand" or not card.trained_on:
        raise DeclarationError(
            f"{where}: expected learns = 'beforehand', supervision = 'truth' or 'self', and trained_on = '...', since a TorchScript file "
            f"holds weights, got learns = {card.learns!r} and trained_on = {card.trained_on!r}; state what they were trained on"
        )
    if (table.channels != "as given") is not card.needs_srf:
        raise DeclarationError(
            f"{where}: expected needs_srf = true exactly where [torchscript] sorts the channels, as it is told the response for nothing "
            f"else, got needs_srf = {str(card.needs_srf).lower()} and channels = {table.channels!r}; change one of them"
        )
    if card.needs_psf or card.needs_noise:
        raise DeclarationError(f"{where}: expected needs_psf and needs_noise to be false, since neither is handed to forward; drop them")

"""`[torchscript]`: a TorchScript file as a method: a network with its weights, as torch.jit.save has written it.

Such a file holds code, which torch's interpreter runs: it is loaded in the process of a cell alone, and never by the one that plans a run.
Its content is hashed into the key. The network is run in float32 and in eval mode, without gradients.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.input_files import largest_array, own_errors, regular_size, spell_bytes
from datasets.observation import Observation
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError, TrainableMethod
from methods.declared.declaration import Declaration
from methods.declared.declared_class import declared_class
from methods.declared.torchscript_table import TorchScriptTable, read_torchscript_table
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.named_weights import CheckpointError, sha256_of
from methods.numerics.sensors.channel_order import wavelength_order

_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|DefaultCPUAllocator", re.IGNORECASE)


class TorchScriptError(RuntimeError):
    """The network of a TorchScript file fails on a pair, or gives no cube; the text says what was handed to it and what came."""


class TorchScriptMethod(TrainableMethod):
    """The base of the classes that `[torchscript]` tables stand for. Their field `file` is the path of the TorchScript file."""

    card: ClassVar[Card]
    table: ClassVar[TorchScriptTable]
    home: ClassVar[Path]  # the folder of the TOML file

    def describe(self) -> Card:
        """The card of the TOML file.

        Raises:
            CheckpointError: the file is there, and is not the one of which the card speaks.
        """
        path = self._path()
        if path.is_file():
            self._check_content(path)
        return self.card

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The network, loaded and ready to fuse.

        Raises:
            CheckpointError: there is no such file, it is not the one of which the card speaks, or it is no TorchScript file.
        """
        path = self._path()
        _expect_torchscript(path)
        self._check_content(path)
        fitted = FittedTorchScript(self.card, self.table, path.read_bytes())
        with own_errors(path, CheckpointError, "a TorchScript file that this torch can load", "write it again by torch.jit.save"):
            fitted.on(torch.device("cpu"))
        return fitted

    def _path(self) -> Path:
        """The TorchScript file; a relative path that leads nowhere starts at the folder of the TOML file."""
        path: Path = getattr(self, "file")  # noqa: B009  # a field of the class that is made
        beside = self.home / path
        return beside if not path.is_file() and beside.is_file() else path

    def _check_content(self, path: Path) -> None:
        wanted = self.table.sha256
        if wanted and sha256_of(path) != wanted:
            raise CheckpointError(
                f"{path}: expected the file with sha256 {wanted}, of which the card of {self.card.name} speaks, got another one; give "
                "that file, or write a TOML file with a card for this one"
            )


@dataclass(frozen=True, eq=False)
class FittedTorchScript(FusionMethod):
    """A loaded network. Pickled, it is the bytes of its file."""

    card: ClassVar[Card] = Card(
        name="TorchScript", paper="the card of its file says it", doi="", year=2026, fidelity="the card of its file says it"
    )

    method_card: Card
    table: TorchScriptTable
    content: bytes = field(repr=False)
    _loaded: dict[torch.device, Any] = field(default_factory=dict, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The fields without the loaded networks, which cannot be pickled."""
        return {**self.__dict__, "_loaded": {}}

    def describe(self) -> Card:
        """The card of the TOML file."""
        return self.method_card

    def on(self, device: torch.device) -> Any:
        """The network on this device, loaded once."""
        if device not in self._loaded:
            self._loaded[device] = _load(self.content, device)
        return self._loaded[device]

    def parameter_count(self) -> ParameterCount:
        """The number of all weights; those that the cube does not depend on are not known."""
        total = sum(weights.numel() for weights in self.on(torch.device("cpu")).parameters())
        return ParameterCount(total, total)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube that forward gives. It draws nothing from `rng`.

        Raises:
            RefusedError: the pair has another ratio than the weights were made for, or a size that the network does not take.
            TorchScriptError: forward fails, or gives something else than a cube of the right shape.
            MemoryError: there was too little memory.
        """
        self.check(seen)
        handed = self._inputs(seen)
        network = self.on(seen.hsi.device)
        try:
            with torch.inference_mode():
                result = network(*handed)
        except RuntimeError as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            if _NO_MEMORY.search(str(error)):
                raise MemoryError(f"{self.method_card.name}: {said[-1]}") from error
            shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in zip(self.table.inputs, handed, strict=True))
            raise TorchScriptError(
                f"{self.method_card.name}: forward({shapes}) failed: {said[-1][:300]}; compare inputs, batch and multiple in [torchscript]"
            ) from error
        return Estimate(self._cube(result, seen))

    def check(self, seen: Observation) -> None:
        """Raises RefusedError for a pair whose bands, channels, ratio or size the network does not take."""
        table, name = self.table, self.method_card.name
        rows, cols = seen.msi.shape[1:]
        refusal = self.method_card.refusal(seen.hsi.shape[0], seen.msi.shape[0])
        if refusal:
            raise RefusedError(refusal)
        if seen.ratio != table.ratio:
            raise RefusedError(f"{name}: expected the ratio {table.ratio} of its training, got {seen.ratio}; choose that ratio")
        if rows % table.multiple or cols % table.multiple:
            raise RefusedError(
                f"{name}: expected sides of the MSI that {table.multiple} divides, as its network is made for them, got {rows} x {cols}; "
                "crop the scene"
            )
        if min(rows, cols) < table.least_side:
            raise RefusedError(f"{name}: expected sides of at least {table.least_side} pixels, got {rows} x {cols}; give a larger image")
        if table.most_pixels is not None and rows * cols > table.most_pixels:
            raise RefusedError(f"{name}: expected at most {table.most_pixels} pixels, got {rows * cols}; crop the scene")

    def _inputs(self, seen: Observation) -> list[Tensor]:
        table = self.table
        order = slice(None) if table.channels == "as given" else wavelength_order(self.method_card.name, seen, table.channels)
        hsi, msi = (image.float()[None] * table.scale for image in (seen.hsi, seen.msi[order]))
        images = {"hsi": hsi, "msi": msi}
        if "lms" in table.inputs:
            images["lms"] = enlarge(hsi, seen.ratio, table.enlargement)
        handed = {name: image if table.batch else image[0] for name, image in images.items()}
        return [handed[name] if name in handed else seen.wavelengths.float().to(hsi.device) for name in table.inputs]

    def _cube(self, result: Any, seen: Observation) -> Float[Tensor, "bands H W"]:
        """The cube among what forward has returned, in the units of the pair."""
        name = self.method_card.name
        if isinstance(result, list | tuple):
            if self.table.output >= len(result):
                raise TorchScriptError(f"{name}: expected a result number {self.table.output}, got {len(result)} results; correct output")
            result = result[self.table.output]
        wanted = (seen.hsi.shape[0], *seen.msi.shape[1:])
        if not isinstance(result, Tensor):
            raise TorchScriptError(f"{name}: expected a tensor from forward, got {type(result).__name__}; choose it by output")
        cube = result[0] if result.ndim == 4 and result.shape[0] == 1 else result
        if tuple(cube.shape) != wanted:
            raise TorchScriptError(
                f"{name}: expected a cube of {wanted} (bands, rows, cols) from forward, got {tuple(result.shape)}; compare the table"
            )
        return (cube.to(seen.hsi) / self.table.scale).clone(memory_format=torch.contiguous_format)


def torchscript_class(declaration: Declaration) -> type[AnyMethod]:
    """The class that a `[torchscript]` table stands for.

    Raises:
        DeclarationError: the card or the table is not one of a TorchScript file.
    """
    table = read_torchscript_table(declaration)
    fixed = replace(declaration, card=replace(declaration.card, ratios=declaration.card.ratios or (table.ratio,)))
    return declared_class(fixed, TorchScriptMethod, {"file": (Path, Path(table.file))}, {"table": table, "home": declaration.home})


def _load(content: bytes, device: torch.device) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.* is deprecated", category=DeprecationWarning)  # there are such files
        network = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]  # torch declares no types here
    return network.eval()


def _expect_torchscript(path: Path) -> None:
    """Nothing, where the file is a zip with code, as torch.jit.save writes it; it is not opened by torch."""
    length, limit = regular_size(path, CheckpointError), largest_array()
    with own_errors(path, CheckpointError, "a TorchScript file", "write it by torch.jit.save"), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if max(length, unpacked) > limit:
        raise CheckpointError(f"{path}: expected at most {spell_bytes(limit)}, got {spell_bytes(max(length, unpacked))}; is it a network?")
    if not any("/code/" in name for name in names):
        raise CheckpointError(
            f"{path}: expected a TorchScript file, got an archive without code, such as torch.save writes of tensors; write the network by "
            "torch.jit.save(torch.jit.trace(network, example), file), or write a method in Python that loads the tensors"
        )

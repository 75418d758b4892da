"""What a record must keep besides the types of its fields, so that everything that reads records can rely on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from benchmark.run_folder.checked_fields import FieldError, expect_type

if TYPE_CHECKING:
    from benchmark.run_folder.record import Clock, Memory, Result

LARGEST_SIDE = 2**31  # of a cube: bands, rows or columns
LARGEST_RATIO = 2**16
# The facts of a protocol that are read as numbers; what else it says is shown as it is.
_PROTOCOL: Mapping[str, Any] = {
    "name": str,
    "ratio": int,
    **dict.fromkeys(("hsi_snr_db", "msi_snr_db"), float | None),
    **dict.fromkeys(("given_srf_shift_nm", "given_hsi_noise_db", "given_msi_noise_db", "msi_gain", "rotation_deg"), float),
    "shift": tuple[float, ...],
    "reveals": tuple[str, ...],
}


def is_plain(name: str) -> bool:
    """Whether a text is the name of a file of a run folder, without its suffix: letters, digits, hyphens and underscores."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", name) is not None


def expect_sense(record: Result) -> None:
    """Nothing, where the fields of a record make sense.

    Raises:
        FieldError: a field does not; the text says which, and what was expected.
    """
    for name in ("key", "scene_digest", "observation_digest", "environment"):
        text = getattr(record, name)
        if not is_plain(text) and (text or name == "key"):
            raise FieldError(f"{name}: {text[:60]!r} where letters, digits, hyphens and underscores were expected")
    for name, kind in _PROTOCOL.items():
        if name in record.protocol:
            expect_type(f"protocol: {name}", record.protocol[name], kind)
    _expect_within("protocol: ratio", record.protocol.get("ratio"), 1, LARGEST_RATIO)
    for name in ("parameters_total", "parameters_inference", "flops", "threads"):
        _expect_within(name, getattr(record, name))
    _expect_costs(record.clock, record.memory)
    _expect_observed(record.observed)
    _expect_oracle(record.oracle)
    if record.ended and not _is_moment(record.ended):
        raise FieldError(f"ended: {record.ended[:60]!r} where a moment as in 2026-01-31T12:00:00+00:00 was expected")
    if record.outcome == "scored" and not record.metrics:
        raise FieldError("no scores, although its outcome is scored")


def _expect_costs(clock: Clock | None, memory: Memory | None) -> None:
    """No seconds and no bytes are below 0, but for learning, from which the seconds for the iterates of an oracle row are taken."""
    if clock is not None:
        for name in ("fuse", "fuse_low", "fuse_high", "transfer", "adapt", "first", "rounds"):
            _expect_within(f"clock: {name}", getattr(clock, name))
    if memory is not None:
        for name in ("peak", "base", "cuda_peak", "main_process"):
            _expect_within(f"memory: {name}", getattr(memory, name))


def _expect_observed(observed: Mapping[str, Any]) -> None:
    for name in ("shape", "whole_shape"):
        shape = observed.get(name)
        if shape is not None:
            expect_type(f"observed: {name}", shape, tuple[int, ...])
            if len(shape) not in (0, 3):  # none: it is not known
                raise FieldError(f"observed: {name}: {len(shape)} numbers where bands, rows and columns were expected")
            for side in shape:
                _expect_within(f"observed: {name}", side, 1, LARGEST_SIDE)
    expect_type("observed: agreement", observed.get("agreement"), tuple[str, ...] | None)
    expect_type("observed: channels_used", observed.get("channels_used"), tuple[str, ...] | None)


def _expect_oracle(oracle: Mapping[str, Any]) -> None:
    expect_type("oracle: count", oracle.get("count", 0), int)
    if "best" in oracle:
        expect_type("oracle: best", oracle["best"], int)
        _expect_within("oracle: best", oracle["best"], 1, len(oracle.get("psnr", ())))


def _expect_within(name: str, value: int | float | None, least: int = 0, most: int = 2**63 - 1) -> None:
    if value is not None and not least <= value <= most:
        raise FieldError(f"{name}: {value:g} where a number from {least} to {most} was expected")


def _is_moment(text: str) -> bool:
    """Whether a text is a moment in ISO 8601 with its time zone."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False

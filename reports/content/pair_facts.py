"""The numbers of a real pair in words: what is not known of its sensors is called so, and is not taken for absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.style import value_text

AS_TAKEN, ONE_STEP_DOWN = "as taken", "one step down"
_TAKEN = {
    AS_TAKEN: "as taken, without truth",
    ONE_STEP_DOWN: "one step down (Wald's protocol, the HSI is the truth)",
}


def is_pair(protocol: Mapping[str, Any]) -> bool:
    """Whether the images are a real pair; those of all other protocols are simulated."""
    return protocol.get("pair") is not None


def pair_text(key: str, protocol: Mapping[str, Any]) -> str:
    """One number of a pair's protocol in words; empty where it has no words of its own."""
    value = protocol.get(key)
    match key:
        case "pair":
            return _TAKEN.get(str(value), str(value))
        case "psf" if value is None and protocol.get("pair") == ONE_STEP_DOWN:
            return "not known, in its place a Gaussian one coarse pixel wide (full width at half maximum)"
        case "psf" | "sensor" if value is None:
            return "not known"
        case "phase" if value is None:
            return "centre of its block"
        case "phase":
            return f"centre at {value_text(value)} px"
        case "channels" if not value:
            return "those that the HSI covers"
        case "noise" if value is None:
            return "not known"
        case "noise" if isinstance(value, list | tuple) and len(value) == 2:
            return f"of standard deviation {value_text(value[0])} on the HSI and {value_text(value[1])} on the MSI"
    return ""

"""The numbers of a protocol in words: as labelled facts for a table, and as statements for a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reports.content.pair_facts import is_pair, pair_text
from reports.style import value_text

_LABELS = {
    "psf": "PSF",
    "hsi_snr_db": "HSI SNR",
    "msi_snr_db": "MSI SNR",
    "ratio": "ratio",
    "sensor": "SRF",
    "srf": "SRF",
    "sensor_sha256": "SRF sha256",
    "reveals": "reveals",
    "pair": "real pair",
}


def _off(what: str, unit: str) -> Callable[[Any], str]:
    """The statement that methods are given `what` with a value that is too high or too low."""
    return lambda value: f"methods are given {what} that is {value_text(abs(value))} {unit} too {'high' if value > 0 else 'low'}"


# Of each number that makes a protocol a mismatch protocol: its value where there is no mismatch, and the statement about any other value.
_MISMATCHES: Mapping[str, tuple[Any, Callable[[Any], str]]] = {
    "given_psf": (None, lambda value: f"methods are given a wrong PSF: {_psf_text(value)}"),
    "given_phase": (None, lambda value: f"methods are given a wrong phase: {value_text(value)} px"),
    "given_srf_shift_nm": (0, _off("an SRF", "nm")),
    "given_hsi_noise_db": (0, _off("an HSI noise level", "dB")),
    "given_msi_noise_db": (0, _off("an MSI noise level", "dB")),
    "msi_gain": (1, lambda value: f"MSI gain {value_text(value)}"),
    "shift": ([0, 0], lambda value: f"HSI shifted by {value_text(value)} px (rows, columns)"),
    "rotation_deg": (0, lambda value: f"HSI rotated by {value_text(value)} deg"),
}


_PSF_WORDS = {"mtf_nyquist": "MTF at Nyquist", "fwhm": "FWHM"}  # of a parameter whose name is no word


def is_noisy(protocol: Mapping[str, Any]) -> bool:
    """Whether any image has noise, so that a seed makes an observation of its own."""
    return any(protocol.get(key) is not None for key in ("hsi_snr_db", "msi_snr_db"))


def protocol_numbers(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which protocol it is: everything but its name and the sentence on its source."""
    return {key: value for key, value in protocol.items() if key not in ("name", "source")}


def protocol_facts(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every number of a protocol as (label, text); the ratio, the two responses and the noise come first."""
    first = ("pair", "ratio", "psf", "phase", "boundary", "sensor", "srf", "channels", "hsi_snr_db", "msi_snr_db", "noise", "reveals")
    keys = [key for key in first if key in protocol] + sorted(key for key in protocol if key not in first and key != "name")
    if is_pair(protocol):
        keys = [key for key in keys if not key.startswith(("channels", "sensor_")) or protocol.get("sensor") is not None]
        return [(_label(key), pair_text(key, protocol) or _fact_text(key, protocol[key])) for key in keys]
    return [(_label(key), _fact_text(key, protocol[key])) for key in keys]


def _label(key: str) -> str:
    """A number of a protocol in words."""
    return _LABELS.get(key, key.replace("_", " "))


def neutral_labels(protocols: Sequence[Mapping[str, Any]]) -> set[str]:
    """The labels of the numbers that make a mismatch in none of these protocols, so that they say nothing."""
    return {
        _label(key)
        for key, (right, _) in _MISMATCHES.items()
        if all(key not in protocol or protocol[key] == right for protocol in protocols)
    }


def differing_labels(protocols: Sequence[Mapping[str, Any]]) -> set[str]:
    """The labels of the numbers in which these protocols differ; of a single protocol, of those that are not the usual ones."""
    facts = [dict(protocol_facts(protocol)) for protocol in protocols]
    labels = {label for each in facts for label in each}
    if len(facts) > 1:
        return {label for label in labels if len({each.get(label) for each in facts}) > 1} | {"ratio"}
    usual = {"boundary": "circular", "channels": "all", "reveals": "noise, psf, srf"}
    return {label for label in labels if facts[0].get(label) != usual.get(label) and label not in ("SRF sha256", "source")}


def protocol_sentence(protocol: Mapping[str, Any]) -> str:
    """The protocol on one line, for captions."""
    return "; ".join(protocol_statements(protocol))


def protocol_statements(protocol: Mapping[str, Any]) -> list[str]:
    """What decides how difficult a protocol is, and what methods are given wrongly; without hashes and sources."""
    wanted = ("real pair", "ratio", "PSF", "phase", "boundary", "SRF", "channels")
    facts = [f"{label} {text}" for label, text in protocol_facts(protocol) if label in wanted]
    levels = [f"{label} {text}" for label, text in protocol_facts(protocol) if label in ("HSI SNR", "MSI SNR")]
    noise = levels if is_noisy(protocol) else ["no noise"]
    noise = [f"noise {pair_text('noise', protocol)}"] if is_pair(protocol) else noise
    return [*facts, *noise, *mismatch_statements(protocol)]


def mismatch_statements(protocol: Mapping[str, Any]) -> list[str]:
    """What methods are told, or given, that is not true; empty where all is true."""
    return [statement(protocol[key]) for key, (right, statement) in _MISMATCHES.items() if protocol.get(key, right) != right]


def dotted_values(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested tables and lists under dotted names, such as `given_psf.sigma` or `shift.0`."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            values |= dotted_values(value, f"{name}.")
        elif isinstance(value, list):
            values |= dotted_values({str(place): entry for place, entry in enumerate(value)}, f"{name}.")
        else:
            values[name] = value
    return values


def _fact_text(key: str, value: Any) -> str:
    """One number of a protocol with its unit."""
    if key in ("hsi_snr_db", "msi_snr_db"):
        return "no noise" if value is None else f"{value_text(value)} dB"
    if key == "ratio":
        return f"\N{MULTIPLICATION SIGN}{value_text(value)}"
    if key.endswith("sha256"):
        return str(value)[:12]
    if key in ("psf", "given_psf"):
        return _psf_text(value)
    if key == "phase" and isinstance(value, int | float):
        return f"{value_text(value)} px"
    return value_text(value)


def _psf_text(value: Any) -> str:
    """A PSF, its parameters by their words."""
    return value_text({_PSF_WORDS.get(key, key): item for key, item in value.items()} if isinstance(value, Mapping) else value)

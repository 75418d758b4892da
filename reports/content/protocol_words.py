"""A protocol in plain words: a few chips for a reader who has never seen one, and the shortest phrase by which a sentence names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.content.pair_facts import is_pair
from reports.content.protocol_facts import is_noisy, mismatch_statements, protocol_facts
from reports.content.summary import Summary
from reports.style import DASH, value_text

_SENSORS = {"rgb_camera": "RGB camera", "sentinel2": "Sentinel-2", "landsat8": "Landsat 8", "worldview2": "WorldView-2"}
_RESPONSES = {"psf": "the blur is not told", "srf": "the colour response is not told"}


@dataclass(frozen=True)
class Chip:
    """A few words on a protocol, and a sentence that says what they mean."""

    text: str
    meaning: str


def protocol_chips(summary: Summary) -> list[Chip]:
    """What decides how difficult the protocol is: ratio, blur, sharp sensor, noise, and what methods are told wrongly or not at all."""
    protocol = summary.protocol
    ratio = value_text(protocol.get("ratio"))
    chips = [
        Chip(
            f"ratio {ratio}",
            f"each pixel of the blurred image covers {ratio} \N{MULTIPLICATION SIGN} {ratio} pixels of the sharp one",
        )
    ]
    if is_pair(protocol):
        words = "real pair, " + ("no truth" if protocol.get("pair") == "as taken" else value_text(protocol.get("pair")))
        chips.insert(0, Chip(words, "two sensors took these images; nothing is simulated"))
    chips += [_blur(protocol), _sensor(summary), _noise(protocol)]
    told = protocol.get("reveals")
    withheld = [words for key, words in _RESPONSES.items() if isinstance(told, list | tuple) and key not in told]
    chips += [Chip(words, "a method that needs it cannot take part") for words in withheld]
    return [*chips, *(Chip(words, "what methods are told, or given, is not what is true") for words in mismatch_statements(protocol))]


def short_names(summaries: Sequence[Summary]) -> list[str]:
    """How a sentence names each protocol: "at ratio 4 with noise" where no other has the same words.

    Else the sensor is added, "at ratio 8 through an RGB camera"; where even that is not enough, "under <its name>".
    """
    ordinary = [not is_pair(summary.protocol) and not mismatch_statements(summary.protocol) for summary in summaries]
    short, long = ([_short_name(summary.protocol, sensor) for summary in summaries] for sensor in (False, True))
    names = []
    for place, summary in enumerate(summaries):
        fitting = [words[place] for words in (short, long) if words.count(words[place]) == 1]
        names.append(fitting[0] if ordinary[place] and fitting else f"under {summary.name}")
    return names


def _short_name(protocol: Mapping[str, Any], sensor: bool) -> str:
    words = f"at ratio {value_text(protocol.get('ratio'))}{' with noise' if is_noisy(protocol) else ''}"
    name = _sensor_name(protocol)
    article = "an " if name == "RGB camera" else ""
    return f"{words} through {article}{name}" if sensor else words


def _sensor_name(protocol: Mapping[str, Any]) -> str:
    name = protocol.get("sensor")
    return "sensor not known" if name is None else _SENSORS.get(str(name), str(name).replace("_", " "))


def _blur(protocol: Mapping[str, Any]) -> Chip:
    psf = protocol.get("psf")
    if not isinstance(psf, Mapping):
        return Chip("blur not known", "the point spread function of the blurred image's sensor is not known")
    kind = str(psf.get("kind", "unnamed"))
    words = {"gaussian": "Gaussian blur", "file": "blur from a file"}.get(kind, f"{kind} blur")
    return Chip(words, f"the point spread function of the blurred image's sensor: {dict(protocol_facts(protocol))['PSF']}")


def _sensor(summary: Summary) -> Chip:
    used = {tuple(r.observed.get("channels_used") or ()) for row in summary.rows for r in row.results} - {()}
    counts = sorted({len(each) for each in used})
    channels = f", {counts[0]}{f'{DASH}{counts[-1]}' if len(counts) > 1 else ''} channel{'s' * (counts[-1] > 1)}" if counts else ""
    named = "; ".join(", ".join(map(str, each)) for each in sorted(used))
    return Chip(
        f"{_sensor_name(summary.protocol)}{channels}", f"the sensor of the sharp image{f', with the channels {named}' if named else ''}"
    )


def _noise(protocol: Mapping[str, Any]) -> Chip:
    if is_pair(protocol):
        return Chip("its own noise", "the noise is that of the sensors")
    if not is_noisy(protocol):
        return Chip("no noise", "no noise is added to either image")
    levels = ["none" if level is None else value_text(level) for level in (protocol.get("hsi_snr_db"), protocol.get("msi_snr_db"))]
    return Chip(
        f"noise {levels[0]} / {levels[1]} dB",
        f"white noise: signal-to-noise ratio {levels[0]} dB in the blurred image and {levels[1]} dB in the sharp one",
    )

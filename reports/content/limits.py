"""What the scores of a real pair cannot tell, in whole sentences that stand below its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.style import listed_text, value_text

_FILTERED = {"d_lambda_filtered": "D_lambda^K", "consistency_hsi": "the HSI residual"}
_LOCAL = {"d_s": "D_s", "d_lambda": "D_lambda"}
_MADE_OF = {"hqnr": ("d_lambda_filtered", "d_s"), "qnr": ("d_lambda", "d_s")}


def limit_sentences(protocol: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    """What a reader must know of these metrics under this protocol; nothing where a scene is simulated."""
    match protocol.get("pair"):
        case None:
            return []
        case "one step down":
            return [_one_step_down(protocol)]
    sentences = ["There is no truth: the scores say how far an estimate agrees with the two images, not whether it is right."]
    metrics = [*metrics, *(part for name in metrics for part in _MADE_OF.get(name, ()))]
    filtered = [label for name, label in _FILTERED.items() if name in metrics]
    if filtered:
        sentences.append(
            f"{_subject(filtered, 'sees', 'see')} an estimate through the blur of the HSI alone: detail that the blur removes costs "
            "nothing, so that an estimate without any, such as bicubic interpolation, can score well."
        )
    local = [label for name, label in _LOCAL.items() if name in metrics]
    if local:
        sentences.append(
            f"{_subject(local, 'rewards', 'reward')} local statistics that are alike on the fine and on the coarse grid; real detail need "
            "not keep them, and wrong detail can."
        )
    if "consistency_msi" in metrics:
        sentences.append("The MSI residual says nothing of bands that no channel covers.")
    sentences.append(
        "A wrong PSF or SRF, images that do not lie on one another, or another gain of one sensor move the scores, through the estimate or "
        "through the score itself."
    )
    return sentences


def agreement_sentence(observed: Mapping[str, Any]) -> str:
    """How well a pair agrees with what is known of its sensors, as was found when it was observed; empty where there is no pair."""
    parts = [str(part) for part in observed.get("agreement") or ()]
    return f"Agreement of the two images with what is known of their sensors: {'; '.join(parts)}." if parts else ""


def _one_step_down(protocol: Mapping[str, Any]) -> str:
    ratio = value_text(protocol.get("ratio"))
    blur = "" if protocol.get("psf") is not None else " with a Gaussian one coarse pixel wide, as the PSF is not known"
    return (
        f"Wald's protocol: both images are blurred and decimated by {ratio}{blur}, and the HSI is the truth. It is a task of another "
        f"scale, {ratio} times coarser than that of the pair: its scores and its order of methods need not hold for the images as taken."
    )


def _subject(labels: Sequence[str], one: str, several: str) -> str:
    text = f"{listed_text(labels)} {one if len(labels) == 1 else several}"
    return text[:1].upper() + text[1:]

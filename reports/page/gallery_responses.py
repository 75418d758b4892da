"""The sensor responses that methods estimated on a scene, beside the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from benchmark.run_folder.record import Result
from reports.content.row import Row
from reports.figures.srf_chart import srf_chart
from reports.page.drawn_picture import Picture, drawn_picture
from reports.scene.reduced_estimates import ReducedEstimate, SceneReference
from reports.scene.sensor_responses import SensorResponses, kernel_pictures, true_responses


@dataclass(frozen=True)
class ResponsePictures:
    """The responses that one method estimated, or the true ones."""

    label: str
    tier: str  # empty for the truth
    psf: Picture | None
    srf: Markup
    scores: str


def response_pictures(
    file: Path, reduced: Sequence[tuple[Row, Result | None, ReducedEstimate | str]], reference: SceneReference
) -> tuple[ResponsePictures, ...]:
    """The true responses in `file` and every estimate of them; empty where no method estimated any."""
    estimated = [
        (row, result, each.responses)
        for row, result, each in reduced
        if result is not None and not isinstance(each, str) and each.responses is not None
    ]
    if not estimated:
        return ()
    true = true_responses(file)
    kernels = kernel_pictures([true or SensorResponses(), *(each for _, _, each in estimated)])
    pictures = [None if kernel is None else drawn_picture("PSF", kernel) for kernel in kernels]
    word = "true" if reference.pair is None else "known"
    lacking = [name for name, value in (("PSF", true and true.kernel), ("SRF", true and true.weights)) if value is None] if true else []
    note = f"{' and '.join(lacking)} not known" if true else "not stored: responses"
    pairs = [ResponsePictures("Truth" if word == "true" else "Known", "", pictures[0], Markup(), note if lacking or not true else "")]
    for (row, result, each), psf in zip(estimated, pictures[1:], strict=True):
        chart = Markup() if each.weights is None else srf_chart(row.label, each.weights, true, reference.wavelengths_nm, word)
        scores = [
            f"{text} {value:.3g}"
            for name, text in (("psf_error", "PSF error"), ("srf_error", "SRF error"))
            if (value := result.metrics.get(name)) is not None
        ]
        pairs.append(ResponsePictures(row.label, row.tier, psf, chart, ", ".join(scores)))
    return tuple(pairs)
